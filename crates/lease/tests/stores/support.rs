//! What these tests share: agents, scopes, a clock that is moved by hand.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, DEFAULT_MAX_AGE, Mode, Present, Process, Project, Request, Scope};
use testkit::Sandbox;

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn project(sandbox: &Sandbox) -> Project {
    Project::new(sandbox.path()).expect("the sandbox is there")
}

pub fn sqlite_at(sandbox: &Sandbox, path: &Path) -> SqliteStore {
    SqliteStore::new(path.to_owned(), project(sandbox))
}

pub fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name of a test is right")
}

/// Files; with `/` at the end directories; with `*` globs.
pub fn scope(sandbox: &Sandbox, names: &[&str]) -> Scope {
    let project = project(sandbox);
    let pattern = |name: &&str| {
        if name.contains('*') {
            lease::Pattern::Glob(project.glob(name).expect("a glob of a test is right"))
        } else {
            project
                .file_or_directory(Path::new(name))
                .expect("a path of a test is right")
        }
    };
    names.iter().map(pattern).collect()
}

pub fn request(agent: &Agent, scope: Scope) -> Request {
    Request {
        agent: agent.clone(),
        scope,
        mode: Mode::Exclusive,
        ttl: Duration::from_mins(10),
        task: None,
        bind_to: None,
    }
}

fn runs(_process: &Process) -> bool {
    false
}

/// The present at a time; all processes run.
pub fn at(now: Timestamp) -> Present<'static> {
    Present {
        now,
        max_age: DEFAULT_MAX_AGE,
        is_gone: &runs,
    }
}
