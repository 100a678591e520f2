//! `story lease`: agents say which files they touch, and see who else does.

mod guard;
pub mod json;
mod looking;
mod plan;
mod report;
mod table;
mod taking;

use lease::{Agent, FileLockManager, LeaseError, Project, Scope, Token, Which};

use crate::app::heard_enough;
use crate::args::lease::{LeaseArgs, LeaseVerb, PathsArgs};
use crate::failure::Failure;
use crate::lease_store::{self, agent_named};
use crate::output::Output;
use crate::settings::Settings;

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; nothing was changed unless it says committed.
pub fn run(args: &LeaseArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let desk = || Desk::open(args, settings, output);
    match &args.verb {
        // It looks at the stores of all projects that have something staged.
        LeaseVerb::Guard(_) => return guard::run(args.store.as_deref(), settings, output),
        LeaseVerb::Plan(args) => return plan::run(args, &desk()?.leases.into(), settings, output),
        LeaseVerb::Acquire(args) => taking::acquire(&desk()?, args),
        LeaseVerb::Release(args) => taking::release(&desk()?, args),
        LeaseVerb::Renew(args) => taking::renew(&desk()?, args),
        LeaseVerb::Break(args) => taking::break_by_force(&desk()?, args),
        LeaseVerb::Prune(_) => taking::prune(&desk()?),
        LeaseVerb::List(args) => return heard_enough(looking::list(&desk()?, args)),
        LeaseVerb::Check(args) => looking::check(&desk()?, args),
        LeaseVerb::Wait(args) => looking::wait(&desk()?, args),
        LeaseVerb::Queue(args) => return heard_enough(looking::queue(&desk()?, args)),
    }
    .map(|()| 0)
}

/// What every verb needs.
struct Desk<'a> {
    leases: FileLockManager,
    settings: &'a Settings,
    output: &'a Output,
}

impl<'a> Desk<'a> {
    fn open(args: &LeaseArgs, settings: &'a Settings, output: &'a Output) -> Result<Self, Failure> {
        let store = lease_store::open(args.store.as_deref(), settings)?;
        let project = lease_store::project(settings)?;
        Ok(Self {
            leases: FileLockManager::new(project, store, lease_store::rules(settings)),
            settings,
            output,
        })
    }

    /// From an error of leases to a failure of what was being done.
    fn failed(&self, doing: &str) -> impl Fn(LeaseError) -> Failure {
        move |err| Failure::from_lease(err, doing, self.settings)
    }

    /// The agent on whose behalf this is done.
    fn agent(&self) -> Result<Agent, Failure> {
        lease_store::agent(self.settings)
    }

    /// What is meant in the project; may be nothing.
    fn scope(&self, paths: &PathsArgs) -> Result<Scope, Failure> {
        scope(paths, self.leases.project())
            .map_err(|err| Failure::from_lease(err, "lease that", self.settings))
    }

    /// What is meant; nothing is a mistake.
    fn some_scope(&self, paths: &PathsArgs) -> Result<Scope, Failure> {
        let scope = self.scope(paths)?;
        if scope.is_empty() {
            return Err(Failure::usage("no path is named").hint("name a PATH, or --dir or --glob"));
        }
        Ok(scope)
    }

    /// Which leases of an agent are meant.
    fn which(&self, paths: &PathsArgs, token: Option<u64>) -> Result<Which, Failure> {
        let scope = self.scope(paths)?;
        Ok(match token {
            Some(token) => Which::Token(Token(token)),
            None if scope.is_empty() => Which::All,
            None => Which::Patterns(scope),
        })
    }
}

fn scope(paths: &PathsArgs, project: &Project) -> Result<Scope, LeaseError> {
    let mut scope = Scope::default();
    for path in &paths.paths {
        let is_glob = path.to_string_lossy().contains(['*', '?', '{']);
        scope.insert(match path.to_str() {
            Some(glob) if is_glob => project.entry(glob)?,
            _ => project.file_or_directory(path)?,
        });
    }
    for path in &paths.directories {
        scope.insert(lease::Pattern::Directory(project.path(path)?));
    }
    for glob in &paths.globs {
        scope.insert(lease::Pattern::Glob(project.glob(glob)?));
    }
    for path in &paths.literals {
        scope.insert(lease::Pattern::File(project.path(path)?));
    }
    Ok(scope)
}
