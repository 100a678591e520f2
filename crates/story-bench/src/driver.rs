//! The driver that `../shared/bench` runs beside its own: locked updates of integer frontmatter fields, timed one by one.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::{CommitOptions, Durability, Original};
use sidecar_lock::{LockOptions, SidecarLock, settle_hand_overs};
use story::{Document, EditError, UpdateError, UpdateOptions};

use crate::{USAGE, say};

/// How a field is changed.
#[derive(Clone, Copy)]
pub struct Mode {
    durability: Durability,
    /// Without it the same change is made by compare-and-swap alone: what differs is the lock's own share.
    is_locked: bool,
}

impl Mode {
    /// The mode of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let (durability, is_locked) = match name {
            "fast" => (Durability::Fast, true),
            "durable" => (Durability::Durable, true),
            "unlocked-fast" => (Durability::Fast, false),
            "unlocked-durable" => (Durability::Durable, false),
            _ => return None,
        };
        Some(Self {
            durability,
            is_locked,
        })
    }
}

/// Carries out `update FILE FIELDS COUNT` or `hold FILE`.
pub fn run(mode: Mode, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let lock = LockOptions {
        timeout: Duration::from_mins(1),
        ..LockOptions::default()
    };
    match arguments {
        ["hold", file] => hold(Path::new(file), &lock),
        ["update", file, fields, count] => {
            let run = Run {
                files: files(file)?,
                fields: fields.split(',').collect(),
                count: count.parse()?,
                is_locked: mode.is_locked,
                options: UpdateOptions {
                    lock,
                    durability: mode.durability,
                    ..UpdateOptions::default()
                },
            };
            run.updates()
        }
        _ => Err(USAGE.into()),
    }
}

fn files(argument: &str) -> io::Result<Vec<PathBuf>> {
    match argument.strip_prefix('@') {
        Some(list) => Ok(std::fs::read_to_string(list)?
            .lines()
            .map(PathBuf::from)
            .collect()),
        None => Ok(vec![PathBuf::from(argument)]),
    }
}

fn hold(file: &Path, options: &LockOptions) -> Result<(), Box<dyn Error>> {
    let _guard = SidecarLock::new(file)?.acquire(options)?;
    say("HELD")?;
    loop {
        std::thread::park();
    }
}

struct Run<'a> {
    files: Vec<PathBuf>,
    fields: Vec<&'a str>,
    count: usize,
    is_locked: bool,
    options: UpdateOptions,
}

impl Run<'_> {
    fn updates(&self) -> Result<(), Box<dyn Error>> {
        if std::env::var_os("BENCH_BARRIER").is_some() {
            say("READY")?;
            io::stdin().lock().read_line(&mut String::new())?;
        }
        let limit = match std::env::var("BENCH_MAX_MS") {
            Ok(ms) => Some(Duration::from_millis(ms.parse()?)),
            Err(_) => None,
        };
        let mut times = Vec::with_capacity(self.count);
        let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
        let begun = Instant::now();
        for file in self.files.iter().cycle().take(self.count) {
            if limit.is_some_and(|limit| begun.elapsed() >= limit) {
                break;
            }
            let started = Instant::now();
            let updated = if self.is_locked {
                self.update(file).map_err(|err| code(&err))
            } else {
                self.commit(file).map_err(|_| "EIO")
            };
            let time = i64::try_from(started.elapsed().as_nanos())?;
            match updated {
                Ok(()) => times.push(time),
                Err(code) => {
                    times.push(-time);
                    *errors.entry(code).or_default() += 1;
                }
            }
        }
        settle_hand_overs();
        say(&serde_json::json!({"lat_ns": times, "errors": errors}).to_string())?;
        Ok(())
    }

    fn update(&self, file: &Path) -> Result<(), UpdateError<EditError>> {
        story::update(file, &self.options, |document| self.edit(document)).map(drop)
    }

    fn edit(&self, document: &mut Document) -> Result<(), EditError> {
        for field in &self.fields {
            document.increment(field, 1)?;
        }
        Ok(())
    }

    /// The same change without the lock.
    fn commit(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let mut original = Original::read(file)?;
        let mut document = Document::parse(original.take_bytes())?;
        self.edit(&mut document)?;
        let options = CommitOptions {
            durability: self.options.durability,
            ..CommitOptions::default()
        };
        original
            .stage_parts(&document.parts(), &options)?
            .commit()?;
        Ok(())
    }
}

fn code(err: &UpdateError<EditError>) -> &'static str {
    match err {
        UpdateError::Lock(_) => "ELOCKED",
        UpdateError::Conflict { .. } => "ECONFLICT",
        _ => "EIO",
    }
}
