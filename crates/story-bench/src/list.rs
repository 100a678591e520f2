//! Lists of stories: `story list` as a process beside one that only opens and reads each head.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::results::{Row, median, name, rounded};

/// Enough for a median that does not move. Chosen.
const ROUNDS: usize = 25;

/// Compares and prints.
pub fn print(folder: &Path, count: usize, story: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for row in compare(folder, count, story, ROUNDS)? {
        let figure = |key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        writeln!(
            out,
            "{:22} {:7.1} ms (least {:.1})  {:.2} x one thread  {:.2} x all processors",
            name(&row),
            figure("median_ms"),
            figure("least_ms"),
            figure("x_one"),
            figure("x_all"),
        )?;
    }
    Ok(())
}

/// Makes `count` stories in a new folder and compares processes on them, in turn.
pub fn compare(
    folder: &Path,
    count: usize,
    story: &Path,
    rounds: usize,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let root = folder.join(".ai-sdlc");
    make(&root.join("stories"), count)?;
    // Files written a moment ago are read with more care.
    thread::sleep(Duration::from_secs(1));
    let me = std::env::current_exe()?;
    let bare = |threads: &str| {
        let mut command = Command::new(&me);
        command.args(["heads", threads]).arg(root.join("stories"));
        command
    };
    let list = |arguments: &[&str]| {
        let mut command = Command::new(story);
        command.arg("--root").arg(&root).args(arguments);
        command
    };
    let all = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .to_string();
    let mut programs = [
        ("bare, one thread", bare("1")),
        ("bare, all processors", bare(&all)),
        ("story list", list(&["list"])),
        ("story list --json", list(&["list", "--json"])),
        ("story list --ready", list(&["list", "--ready"])),
        ("story board", list(&["board"])),
    ];
    let mut times: Vec<Vec<f64>> = programs.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for (at, (_, command)) in programs.iter_mut().enumerate() {
            let begun = Instant::now();
            let status = command.stdout(Stdio::null()).status()?;
            let time = begun.elapsed();
            if !status.success() {
                return Err(format!("{command:?} ended with {status}").into());
            }
            // The first round warms up.
            if round > 0 {
                times[at].push(time.as_secs_f64() * 1e3);
            }
        }
    }
    Ok(rows(count, programs.map(|(name, _)| name), &times))
}

fn rows<const N: usize>(count: usize, names: [&str; N], times: &[Vec<f64>]) -> Vec<Row> {
    let medians: Vec<f64> = times
        .iter()
        .filter_map(|times| median(times.clone()))
        .collect();
    let mut rows = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let row = json!({
            "driver": name,
            "count": count,
            "median_ms": rounded(medians[at]),
            "least_ms": times[at].iter().copied().reduce(f64::min).map(rounded),
            "x_one": rounded(medians[at] / medians[0]),
            "x_all": rounded(medians[at] / medians[1]),
        });
        rows.extend(row.as_object().cloned());
    }
    rows
}

/// The floor: opens each `story.md` in the folders of a folder and reads up to 4 KiB.
pub fn heads(threads: usize, stories: &Path) -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = fs::read_dir(stories)?
        .map(|entry| Ok(entry?.path().join("story.md")))
        .collect::<io::Result<_>>()?;
    let part = paths.len().div_ceil(threads).max(1);
    let read = |paths: &[PathBuf]| -> io::Result<usize> {
        let mut bytes = [0; 4096];
        let mut sum = 0;
        for path in paths {
            sum += File::open(path)?.read(&mut bytes)?;
        }
        Ok(sum)
    };
    let sum: usize = thread::scope(|scope| {
        let started: Vec<_> = paths
            .chunks(part)
            .map(|paths| scope.spawn(move || read(paths)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Ok(0)))
            .sum::<io::Result<usize>>()
    })?;
    crate::say(&sum.to_string())?;
    Ok(())
}

/// Makes stories as the reference tool makes them, with a body of 4 KB.
fn make(stories: &Path, count: usize) -> io::Result<()> {
    const STATUS: [&str; 5] = ["backlog", "ready", "in-progress", "done", "blocked"];
    for number in 1..=count {
        let folder = stories.join(format!("S-{number:04}"));
        fs::create_dir_all(&folder)?;
        let text = format!(
            "---\nid: S-{number:04}\ntitle: 'Story number {number}: do what it says'\nslug: story-number-{number}\n\
             priority: {}\nstatus: {}\ntype: feature\ncreated: '2026-01-{:02}'\nlabels:\n  - epic-board\n  - team-{}\n\
             research_complete: true\nplan_complete: true\nimplementation_complete: false\nreviews_complete: false\n\
             content_type: code\nupdated: '2026-02-{:02}'\nestimated_effort: small\ndependencies:\n  - S-{:04}\n---\n\
             # Story number {number}\n\n{}",
            10 * (number % 97),
            STATUS[number % 5],
            1 + number % 28,
            number % 7,
            1 + number % 28,
            number / 2,
            "What is to be done, and why, and how one sees it.\n".repeat(80),
        );
        File::create_new(folder.join("story.md"))?.write_all(text.as_bytes())?;
    }
    Ok(())
}
