//! Benchmark driver: locked updates of integer frontmatter fields, timed one by one.
//!
//! ```text
//! story-bench fast|durable update FILE FIELDS COUNT
//! story-bench fast|durable hold FILE
//! story-bench list FOLDER COUNT STORY
//! story-bench simulate [NAME=VALUE]...
//! ```
//!
//! `update` adds 1 to each of FIELDS (a comma list) COUNT times; `FILE` may be `@LIST`, a file of
//! paths that are taken in turn. With `BENCH_BARRIER` set it prints `READY` and waits for a line on
//! standard input; with `BENCH_MAX_MS=n` it starts no update later than n ms after that. The last
//! line of output is `{"lat_ns":[...],"errors":{...}}`, negative where an update failed. `hold` takes
//! the lock, prints `HELD` and sleeps until it is killed. `list` makes COUNT stories in FOLDER and compares the program
//! STORY that lists them with one that only reads their heads (`story-bench heads THREADS STORIES`). `simulate` writes
//! nothing: it predicts by a model how long many writers of one story wait (docs/scale.md).

mod list;
mod simulate;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::Durability;
use sidecar_lock::{LockOptions, SidecarLock, settle_hand_overs};
use story::{EditError, UpdateError, UpdateOptions};

const USAGE: &str = "usage: story-bench fast|durable update FILE FIELDS COUNT | hold FILE\n\
                     \x20      story-bench list FOLDER COUNT STORY\n\
                     \x20      story-bench simulate [NAME=VALUE]...";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list", folder, count, story] => {
            return list::compare(Path::new(folder), count.parse()?, Path::new(story));
        }
        ["simulate", ref arguments @ ..] => return simulate::print(arguments),
        ["heads", threads, stories] => return list::heads(threads.parse()?, Path::new(stories)),
        _ => {}
    }
    let [mode, verb, file, rest @ ..] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let options = UpdateOptions {
        lock: LockOptions {
            timeout: Duration::from_mins(1),
            ..LockOptions::default()
        },
        durability: match mode.as_str() {
            "fast" => Durability::Fast,
            "durable" => Durability::Durable,
            _ => return Err(USAGE.into()),
        },
        ..UpdateOptions::default()
    };
    match (verb.as_str(), rest) {
        ("hold", []) => hold(Path::new(file), &options.lock),
        ("update", [fields, count]) => {
            let fields: Vec<&str> = fields.split(',').collect();
            let run = Run {
                files: files(file)?,
                fields: &fields,
                count: count.parse()?,
            };
            run.updates(&options)
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
    fields: &'a [&'a str],
    count: usize,
}

impl Run<'_> {
    fn updates(&self, options: &UpdateOptions) -> Result<(), Box<dyn Error>> {
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
            let updated = self.update(file, options);
            let time = i64::try_from(started.elapsed().as_nanos())?;
            match updated {
                Ok(()) => times.push(time),
                Err(err) => {
                    times.push(-time);
                    *errors.entry(code(&err)).or_default() += 1;
                }
            }
        }
        settle_hand_overs();
        say(&serde_json::json!({"lat_ns": times, "errors": errors}).to_string())?;
        Ok(())
    }

    fn update(&self, file: &Path, options: &UpdateOptions) -> Result<(), UpdateError<EditError>> {
        story::update(file, options, |document| {
            for field in self.fields {
                document.increment(field, 1)?;
            }
            Ok(())
        })
        .map(drop)
    }
}

fn code(err: &UpdateError<EditError>) -> &'static str {
    match err {
        UpdateError::Lock(_) => "ELOCKED",
        UpdateError::Conflict { .. } => "ECONFLICT",
        _ => "EIO",
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
