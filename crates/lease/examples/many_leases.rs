//! How long it takes to look at many leases: a list of all, and a check of one scope against all, in both stores.
//!
//! ```text
//! cargo run --release -p lease --example many_leases -- [LEASES [AGENTS [STORY]]]
//! ```
//!
//! Default: 10,000 leases of 100 agents, a third of them files, directories and globs each. Prints medians and slowest of 21
//! looks, each with everything read anew; with the program STORY also for `story lease list --json` and `check` as processes.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, DEFAULT_TTL, Lease, Leases, Mode, Pattern, Project, Rules, Scope, Token};

const LOOKS: usize = 21;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (count, agents) = (number(0, 10_000)?, number(1, 100)?);
    let place = tempfile::tempdir()?;
    let project = Project::new(place.path())?;
    std::fs::create_dir(project.root().join(".ai-sdlc"))?;
    let (folder, database) = (
        project.root().join("locks"),
        project.root().join("leases.db"),
    );
    let stores: [(&str, &Path, Box<dyn LeaseStore>); 2] = [
        (
            "folder",
            &folder,
            Box::new(FolderStore::new(folder.clone(), project.clone())),
        ),
        (
            "sqlite",
            &database,
            Box::new(SqliteStore::new(database.clone(), project.clone())),
        ),
    ];
    let mut out = io::stdout().lock();
    writeln!(out, "{count} leases of {agents} agents")?;
    for (name, path, store) in stores {
        fill(store.as_ref(), &project, count, agents)?;
        let list = timed(|| Ok(store.read()?.held.len()), count)?;
        writeln!(out, "{name}: list      {list}")?;
        for (what, pattern) in wanted(&project)? {
            let scope = Scope::from_iter([pattern]);
            let look = timed(|| check(store.as_ref(), &scope), 0)?;
            writeln!(out, "{name}: check {what:<9} {look}")?;
        }
        if let Some(program) = arguments.get(2) {
            for verb in [&["list"][..], &["check", "nowhere/x.rs", "--as", "visitor"]] {
                let look = timed(|| process(program, verb, path, project.root()), 0)?;
                writeln!(out, "{name}: story lease {:<5} {look}", verb[0])?;
            }
        }
    }
    Ok(())
}

fn fill(store: &dyn LeaseStore, project: &Project, count: usize, agents: usize) -> Outcome<()> {
    let rules = Rules::default();
    let transaction = store.begin(rules.store_timeout)?;
    let mut leases: Leases = transaction.leases().clone();
    let present = rules.present();
    for number in 0..count {
        leases.last_token = leases.last_token.next(present.now);
        let folder = format!("src/module-{:03}/part-{number:05}", number % 500);
        let pattern = match number % 3 {
            0 => Pattern::File(project.path(Path::new(&format!("{folder}/code.rs")))?),
            1 => Pattern::Directory(project.path(Path::new(&folder))?),
            _ => Pattern::Glob(project.glob(&format!("{folder}/**/*_test.rs"))?),
        };
        leases.held.push(Lease {
            token: Some(leases.last_token),
            agent: Agent::new(&format!("agent-{:03}", number % agents))?,
            scope: Scope::from_iter([pattern]),
            mode: Mode::Exclusive,
            task: Some(format!("task {number}")),
            acquired_at: present.now,
            renewed_at: present.now,
            expires_at: present.after(DEFAULT_TTL),
            generation: 1,
            bound_to: None,
        });
    }
    assert!(
        leases.last_token > Token::default(),
        "tokens were given out"
    );
    Ok(transaction.commit(&leases)?)
}

/// What nobody holds: everything has to be looked at.
fn wanted(project: &Project) -> Outcome<Vec<(&'static str, Pattern)>> {
    Ok(vec![
        (
            "a file",
            Pattern::File(project.path(Path::new("nowhere/x.rs"))?),
        ),
        (
            "a folder",
            Pattern::Directory(project.path(Path::new("nowhere"))?),
        ),
        ("a glob", Pattern::Glob(project.glob("nowhere/**/*_x.md")?)),
    ])
}

fn check(store: &dyn LeaseStore, scope: &Scope) -> Outcome<usize> {
    let leases = store.read()?;
    let present = Rules::default().present();
    leases.check_readable(&present)?;
    let agent = Agent::new("visitor")?;
    Ok(leases.check(&agent, scope, Mode::Exclusive, &present).len())
}

fn process(program: &str, verb: &[&str], store: &Path, root: &Path) -> Outcome<usize> {
    let mut story = Command::new(program);
    story
        .arg("lease")
        .args(verb)
        .arg("--store")
        .arg(store)
        .arg("--json");
    let ended = story.current_dir(root).stdout(Stdio::null()).status()?;
    if ended.success() {
        Ok(0)
    } else {
        Err("story failed".into())
    }
}

/// Looks again and again; each look must find `expected`.
fn timed(look: impl Fn() -> Outcome<usize>, expected: usize) -> Outcome<String> {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..LOOKS {
        let began = Instant::now();
        let found = look()?;
        times.push(began.elapsed());
        if found != expected {
            return Err(format!("found {found}, not {expected}").into());
        }
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(format!(
        "{:6.1} ms, slowest {:.1} ms",
        millis(times[LOOKS / 2]),
        millis(times[LOOKS - 1])
    ))
}
