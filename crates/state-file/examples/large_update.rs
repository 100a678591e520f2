//! What an update of a large state file costs beside reading, parsing, serialising and writing it once.
//!
//! ```text
//! cargo run --release -p state-file --example large_update -- FOLDER [ROUNDS [MEGABYTES]]
//! ```
//!
//! Default: 41 rounds, 5 MB. Makes a task list in FOLDER and changes the status of one task in it, in turn by `update` and by
//! the floor: `fs::read`, `serde_json::from_slice`, `serde_json::to_vec`, a temporary file, `fsync`, `rename`, `fsync` of the
//! folder. The floor takes no lock, compares nothing, keeps no byte as it was and no mode. Three types: one that knows every
//! member, one that knows one, and `serde_json::Value`. Prints medians, and the median of the ratios of neighbours.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use state_file::{StateFile, UpdateOptions};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A task with every member that it has in the file.
#[derive(Serialize, Deserialize)]
struct Task {
    id: String,
    title: String,
    priority: u8,
    status: String,
    estimate: f64,
    tags: Vec<String>,
    context: Context,
}

#[derive(Serialize, Deserialize)]
struct Context {
    file: String,
    lines: Vec<f64>,
}

/// A task of which a program knows one member.
#[derive(Serialize, Deserialize)]
struct Status {
    status: String,
}

#[derive(Serialize, Deserialize)]
struct Board<T> {
    tasks: Vec<T>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments
        .first()
        .ok_or("usage: large_update FOLDER [ROUNDS [MEGABYTES]]")?;
    let number =
        |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (rounds, megabytes) = (number(1, 41)?, number(2, 5)?);
    let place = tempfile::tempdir_in(folder)?;
    let path = place.path().join("tasks.json");
    let text = board(megabytes * 1_000_000);
    compare::<Board<Task>>("every member", &path, (&text, rounds), |board, status| {
        status.clone_into(&mut board.tasks[100].status);
    })?;
    compare::<Board<Status>>("one member", &path, (&text, rounds), |board, status| {
        status.clone_into(&mut board.tasks[100].status);
    })?;
    compare::<Value>("Value", &path, (&text, rounds), |board, status| {
        board["tasks"][100]["status"] = status.into();
    })
}

/// Times both, in turn.
fn compare<T: Serialize + DeserializeOwned>(
    name: &str,
    path: &Path,
    (text, rounds): (&str, usize),
    change: impl Fn(&mut T, &str),
) -> Outcome<()> {
    let file = StateFile::<T>::new(path);
    let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let status = format!("round {round}");
        fresh(path, text)?;
        let started = Instant::now();
        file.update(&UpdateOptions::default(), |board| change(board, &status))?;
        let our = started.elapsed();
        fresh(path, text)?;
        let started = Instant::now();
        floor::<T>(path, |board| change(board, &status))?;
        let floor = started.elapsed();
        ratios.push(our.as_secs_f64() / floor.as_secs_f64());
        ours.push(our);
        floors.push(floor);
    }
    ratios.sort_by(f64::total_cmp);
    let (our, floor) = (median(ours), median(floors));
    writeln!(
        io::stdout().lock(),
        "{name:<13} update {our:>9.1?}  floor {floor:>9.1?}  ratio {:.2}",
        ratios[rounds / 2]
    )?;
    Ok(())
}

/// The file as it was, without anything left to be written by the system.
fn fresh(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the floor is what a program does that knows nothing of us"
)]
fn floor<T: Serialize + DeserializeOwned>(path: &Path, change: impl Fn(&mut T)) -> Outcome<()> {
    let mut value: T = serde_json::from_slice(&fs::read(path)?)?;
    change(&mut value);
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(&value)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().ok_or("a file lies in a folder")?;
    Ok(File::open(folder)?.sync_all()?)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A task list as tools write it.
fn board(size: usize) -> String {
    let mut text = "{\n  \"tasks\": [\n".to_owned();
    let mut number = 0;
    while text.len() < size {
        let comma = if number == 0 { "" } else { ",\n" };
        write!(
            text,
            "{comma}    {{\n      \"id\": \"task_{number}\",\n      \"title\": \"Do the thing number {number}, with care\",\n      \
             \"priority\": {},\n      \"status\": \"pending\",\n      \"estimate\": {}.5,\n      \"tags\": [\"a\", \"b\"],\n      \
             \"context\": {{ \"file\": \"src/{number}.rs\", \"lines\": [1.0, 2.0, 300.0] }}\n    }}",
            number % 5,
            number % 9,
        )
        .expect("a text takes everything");
        number += 1;
    }
    text.push_str("\n  ]\n}\n");
    text
}
