//! One agent: a process that does one task after another, by one way of working.

use std::error::Error;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use lease::edit::{Replacement, Workplace, Writer};
use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, DEFAULT_TTL, FileLockManager, Mode, Project, Request, Rules, Which};

use crate::epic::{Epic, done, open};

/// How many times a task hashes what it read: a few milliseconds of a processor.
const HASHES: usize = 300;

/// How agents keep out of each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Not at all: they write back what they read.
    NoLeases,
    /// Leases in a folder.
    Folder,
    /// Leases in a database.
    Database,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::NoLeases, Self::Folder, Self::Database];

    pub fn name(self) -> &'static str {
        match self {
            Self::NoLeases => "no-leases",
            Self::Folder => "folder",
            Self::Database => "sqlite",
        }
    }

    fn store(self, project: &Project) -> Option<Box<dyn LeaseStore>> {
        let place = |name| project.root().join(name);
        match self {
            Self::NoLeases => None,
            Self::Folder => Some(Box::new(FolderStore::new(place("locks"), project.clone()))),
            Self::Database => Some(Box::new(SqliteStore::new(
                place("leases.db"),
                project.clone(),
            ))),
        }
    }
}

/// How long agents waited for leases.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    /// Those that stood in the queue.
    pub queued: Vec<Duration>,
}

impl Waits {
    /// Reads what an agent printed.
    pub fn add(&mut self, told: &str) -> Result<(), std::num::ParseIntError> {
        for line in told.lines() {
            self.queued.push(Duration::from_micros(line.parse()?));
        }
        Ok(())
    }
}

/// `WAY AGENT FOLDER EPIC…`
pub fn main(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [way, agent, folder, rest @ ..] = arguments else {
        return Err("a worker is told its way, number and folder".into());
    };
    let way = Way::ALL.into_iter().find(|known| known.name() == way);
    let way = way.ok_or("no such way")?;
    let epic = Epic::from_arguments(rest)?;
    let number: usize = agent.parse()?;
    let project = Project::new(Path::new(folder))?;
    match way.store(&project) {
        None => {
            for task in epic.tasks_of(number) {
                without_leases(&epic, task, project.root())?;
            }
        }
        Some(store) => {
            let agent = Agent::new(&format!("agent-{number}"))?;
            let manager = FileLockManager::new(project, store, Rules::default());
            for task in epic.tasks_of(number) {
                with_leases(&epic, task, &agent, &manager)?;
            }
        }
    }
    Ok(())
}

fn without_leases(epic: &Epic, task: usize, folder: &Path) -> io::Result<()> {
    let read = |name: String| fs::read_to_string(folder.join(&name)).map(|text| (name, text));
    let texts: Vec<_> = epic
        .files_of(task)
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()?;
    think(epic, &texts.iter().map(|(_, text)| text.as_str()));
    for (name, text) in texts {
        let text = text.replace(&open(task), &done(task));
        File::create(folder.join(name))?.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn with_leases(
    epic: &Epic,
    task: usize,
    agent: &Agent,
    manager: &FileLockManager,
) -> Result<(), Box<dyn Error>> {
    let request = Request {
        agent: agent.clone(),
        scope: epic.scope_of(task, manager.project())?,
        mode: Mode::Exclusive,
        ttl: DEFAULT_TTL,
        task: Some(format!("task {task}")),
        bind_to: None,
    };
    let won = manager.acquire(&request, Duration::from_mins(5))?;
    if won.queued {
        writeln!(io::stdout(), "{}", won.waited.as_micros())?;
    }
    let files = epic.files_of(task);
    let read = |name: &String| fs::read_to_string(manager.project().root().join(name));
    let texts: Vec<_> = files.iter().map(read).collect::<Result<_, _>>()?;
    think(epic, &texts.iter().map(String::as_str));
    let workplace = Workplace::new(manager.project(), manager.store(), manager.rules());
    let writer = Writer {
        token: won.acquired.lease.token,
        ..Writer::new(agent.clone())
    };
    for name in files {
        let edit = Replacement {
            path: name.into(),
            old: open(task).into_bytes(),
            new: done(task).into_bytes(),
            if_revision: None,
        };
        workplace.surgical_edit(&edit, &writer)?;
    }
    manager.release(agent, &Which::All)?;
    Ok(())
}

fn think<'a>(epic: &Epic, texts: &(impl Iterator<Item = &'a str> + Clone)) {
    std::thread::sleep(epic.think);
    let mut hasher = DefaultHasher::new();
    for _ in 0..HASHES {
        texts.clone().for_each(|text| text.hash(&mut hasher));
    }
    std::hint::black_box(hasher.finish());
}
