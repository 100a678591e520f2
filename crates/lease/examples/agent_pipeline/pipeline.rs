//! The steps of one agent, each told in a line.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use lease::edit::{Edited, Replacement, Workplace, Writer};
use lease::plan::PlannedRequest;
use lease::store::sqlite::SqliteStore;
use lease::{Access, Agent, LeaseGuard, Pattern, Project, Rules, ScopeRegistry};

const FILE: &str = "backend/routes.txt";

/// A quarter of an hour: what the work takes, and something on top.
const TTL: Duration = Duration::from_mins(15);

/// How the agent's work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// As it should.
    Succeeds,
    /// In an error, half-way.
    Fails,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Lets one agent do its work in `folder`, which it fills itself.
pub fn run(folder: &Path, work: Work, out: &mut dyn Write) -> Outcome<()> {
    let project = Project::new(folder)?;
    lay_out(&project)?;
    let store = SqliteStore::new(project.root().join("leases.db"), project.clone());
    let registry = ScopeRegistry::new(project, Box::new(store), Rules::default());

    let builder = planned(&registry, "builder", "backend", "routes for invoices")?;
    let painter = planned(&registry, "painter", "ui", "the invoice page")?;
    let report = registry.check(&[builder.clone(), painter])?;
    for wave in &report.waves {
        let names: Vec<_> = wave.agents.iter().map(Agent::as_str).collect();
        writeln!(out, "plan: side by side: {}", names.join(", "))?;
    }
    if !report.conflicts.is_empty() {
        return Err("the agents of this plan do not meet".into());
    }

    let request = builder.request(TTL).ok_or("a builder writes")?;
    let outcome = match registry.leases().hold(&request, Duration::from_secs(30)) {
        // The guard lives in here: however the work ends, the lease ends with it.
        Ok(lease) => work_on(&registry, lease, work, out),
        Err(err) => return Err(err.into()),
    };
    if let Err(err) = &outcome {
        writeln!(out, "work failed: {err}")?;
    }
    let holders = registry.leases().holder_of(Path::new(FILE))?;
    writeln!(out, "afterwards {} agents hold {FILE}", holders.len())?;
    if !holders.is_empty() {
        return Err("the lease outlived the work".into());
    }
    if outcome.is_err() != (work == Work::Fails) {
        return Err("the work did not end as it should".into());
    }
    Ok(())
}

fn lay_out(project: &Project) -> std::io::Result<()> {
    fs::create_dir_all(project.root().join("backend"))?;
    let mut file = fs::File::create(project.root().join(FILE))?;
    file.write_all(b"GET /orders\n# more routes here\n")
}

fn planned(
    registry: &ScopeRegistry,
    agent: &str,
    directory: &str,
    task: &str,
) -> Outcome<PlannedRequest> {
    let path = registry.leases().project().path(Path::new(directory))?;
    Ok(PlannedRequest {
        agent: Agent::new(agent)?,
        scope: [Pattern::Directory(path)].into_iter().collect(),
        access: Access::Exclusive,
        task: Some(task.to_owned()),
        after: Vec::new(),
    })
}

fn work_on(
    registry: &ScopeRegistry,
    mut lease: LeaseGuard<'_>,
    work: Work,
    out: &mut dyn Write,
) -> Outcome<()> {
    let held = lease.lease();
    writeln!(out, "acquired {} for {}", held.scope, held.agent)?;
    let by = Writer {
        token: Some(lease.token()),
        ..Writer::new(held.agent.clone())
    };
    let first = edit(
        registry,
        &by,
        "# more routes here",
        "GET /invoices\n# more routes here",
    )?;
    writeln!(out, "edited {}: added a route", first.path)?;
    lease.renew(TTL)?;
    writeln!(out, "renewed, generation {}", lease.lease().generation)?;
    // What is asked for is not there: the edit is refused, and nothing of it is written.
    let wanted = match work {
        Work::Succeeds => "GET /orders\n",
        Work::Fails => "GET /customers\n",
    };
    let second = edit(registry, &by, wanted, "GET /orders?page=N\n")?;
    writeln!(out, "edited {}: changed a route", second.path)?;
    lease.release()?;
    writeln!(out, "released")?;
    Ok(())
}

fn edit(registry: &ScopeRegistry, by: &Writer, old: &str, new: &str) -> Outcome<Edited> {
    let leases = registry.leases();
    let workplace = Workplace::new(leases.project(), leases.store(), leases.rules());
    let edit = Replacement {
        path: FILE.into(),
        old: old.into(),
        new: new.into(),
        if_revision: None,
    };
    Ok(workplace.surgical_edit(&edit, by)?)
}
