//! Locks a file of a project for an agent: `hold_file PROJECT STORE FILE AGENT TTL_MS LIMIT_MS survives|bound`.
//!
//! Waits up to `LIMIT_MS` for it and prints `READY <token> at-once|queued`, or `REFUSED <why>` and ends with 4. Gives it back
//! on the line `release` and prints `RELEASED`; ends without giving it back when standard input closes.
#![expect(clippy::print_stdout, reason = "an example program talks to its user")]

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, FileLockManager, LeaseError, Mode, Process, Project, Request, Rules, Won};

type Failure = Box<dyn std::error::Error>;

struct Wish {
    file: PathBuf,
    agent: String,
    ttl: Duration,
    limit: Duration,
    bind_to: Option<Process>,
}

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [project, store, file, agent, ttl, limit, end] = arguments.as_slice() else {
        return Err(
            "usage: hold_file PROJECT STORE FILE AGENT TTL_MS LIMIT_MS survives|bound".into(),
        );
    };
    let project = Project::new(Path::new(project))?;
    let manager = FileLockManager::new(project.clone(), open(store, project), Rules::default());
    let wish = Wish {
        file: file.into(),
        agent: agent.clone(),
        ttl: Duration::from_millis(ttl.parse()?),
        limit: Duration::from_millis(limit.parse()?),
        bind_to: (end == "bound").then(Process::current),
    };
    match acquire(&manager, &wish) {
        Ok(won) => hold(&manager, &wish, &won),
        Err(err @ (LeaseError::Taken(_) | LeaseError::TimedOut(_))) => {
            tell(&format!("REFUSED {err}"))?;
            Ok(ExitCode::from(4))
        }
        Err(err) => Err(err.into()),
    }
}

fn open(store: &str, project: Project) -> Box<dyn LeaseStore> {
    let place = PathBuf::from(store);
    if place.extension().is_some_and(|ending| ending == "db") {
        Box::new(SqliteStore::new(place, project))
    } else {
        Box::new(FolderStore::new(place, project))
    }
}

fn acquire(manager: &FileLockManager, wish: &Wish) -> Result<Won, LeaseError> {
    let scope = [manager.project().file_or_directory(&wish.file)?];
    let request = Request {
        agent: Agent::new(&wish.agent)?,
        scope: scope.into_iter().collect(),
        mode: Mode::Exclusive,
        ttl: wish.ttl,
        task: Some("an example".to_owned()),
        bind_to: wish.bind_to.clone(),
    };
    manager.acquire(&request, wish.limit)
}

fn hold(manager: &FileLockManager, wish: &Wish, won: &Won) -> Result<ExitCode, Failure> {
    let token = won.acquired.lease.token.unwrap_or_default();
    let how = if won.queued { "queued" } else { "at-once" };
    tell(&format!("READY {token} {how}"))?;
    let mut line = String::new();
    while io::stdin().read_line(&mut line)? > 0 {
        if line.trim_end() == "release" {
            manager.release_lock(&wish.file, &wish.agent)?;
            tell("RELEASED")?;
        }
        line.clear();
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(line: &str) -> io::Result<()> {
    println!("{line}");
    io::stdout().flush()
}
