//! How long it takes to read 10,000 leases of 100 agents and to check a path against them, in both stores.
//!
//! `cargo run --release -p lease --example ten_thousand`. Makes the stores in a temporary folder; the figures are medians.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::store::{LeaseStore, transact};
use lease::{Agent, LeaseError, Leases, Mode, Pattern, Project, Request, Rules, Scope};

const AGENTS: usize = 100;
const LEASES: usize = 10_000;
const RUNS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let project = Project::new(folder.path())?;
    let stores: [Box<dyn LeaseStore>; 2] = [
        Box::new(SqliteStore::new(
            folder.path().join("leases.db"),
            project.clone(),
        )),
        Box::new(FolderStore::new(
            folder.path().join("locks"),
            project.clone(),
        )),
    ];
    for store in &stores {
        fill(store.as_ref(), &project)?;
        report(store.as_ref(), &project)?;
    }
    Ok(())
}

fn request(number: usize, project: &Project) -> Result<Request, LeaseError> {
    let agent = number % AGENTS;
    let file = format!("src/part-{agent}/module-{number}/file.rs");
    let directory = format!("tests/part-{agent}/module-{number}/");
    let glob = format!("docs/part-{agent}/module-{number}/*.md");
    let scope = [
        project.file(Path::new(&file))?,
        project.file(Path::new(&directory))?,
        Pattern::Glob(project.glob(&glob)?),
    ];
    Ok(Request {
        agent: Agent::new(&format!("agent-{agent}"))?,
        scope: scope.into_iter().collect(),
        mode: Mode::Exclusive,
        ttl: Duration::from_hours(1),
        task: Some(format!("the work on module {number}")),
        bind_to: None,
    })
}

/// All in one transaction, and none looked at for the others: how they came there is not what is measured.
fn fill(store: &dyn LeaseStore, project: &Project) -> Result<(), LeaseError> {
    let rules = Rules::default();
    transact(store, rules.store_timeout, |leases| {
        let present = rules.present();
        for number in 0..LEASES {
            let mut alone = Leases {
                last_token: leases.last_token,
                ..Leases::default()
            };
            alone.acquire(&request(number, project)?, &present)?;
            leases.last_token = alone.last_token;
            leases.held.append(&mut alone.held);
        }
        Ok(())
    })
}

fn report(store: &dyn LeaseStore, project: &Project) -> Result<(), Box<dyn Error>> {
    let rules = Rules::default();
    let path = Path::new("src/part-7/module-4007/file.rs");
    let wanted: Scope = [project.file(path)?].into_iter().collect();
    let agent = Agent::new("somebody")?;
    let (mut reads, mut checks, mut locks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let started = Instant::now();
        let leases = store.read()?;
        reads.push(started.elapsed());
        let present = rules.present();
        let started = Instant::now();
        let found = leases.check(&agent, &wanted, Mode::Exclusive, &present);
        checks.push(started.elapsed());
        if (leases.held.len(), found.len()) != (LEASES, 1) {
            return Err("all leases are there, and one stands against the path".into());
        }
        let started = Instant::now();
        drop(store.begin(rules.store_timeout)?);
        locks.push(started.elapsed());
    }
    writeln!(
        std::io::stdout(),
        "{}: read {:.1?}, check {:.1?}, lock and read {:.1?}",
        store.place().display(),
        median(reads),
        median(checks),
        median(locks)
    )?;
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
