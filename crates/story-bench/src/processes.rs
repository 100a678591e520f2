//! One command as a process: `story set` beside the floor and the peers, in turn.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::compare::Plan;
use crate::contenders::Contender;
use crate::results::{Row, median, rounded};
use crate::tell;

/// A story as the reference tool makes them, of about that many bytes.
pub fn story(size: usize) -> String {
    let head = "---\nid: S-0042\ntitle: Atomic story updates\npriority: 2\nstatus: in-progress\ntype: feature\n\
                created: '2026-01-15'\nlabels:\n  - concurrent-workflows\n  - phase-1\nepic: concurrent-workflows\n\
                slug: atomic-story-updates\nestimated_effort: medium\ndependencies: []\nupdated: '2026-01-15'\ntries: 0\n---\n";
    let line = "What is to be done, and why, and how one sees it.\n";
    let room = size.saturating_sub(head.len() + END.len());
    format!("{head}{}{END}", line.repeat(room / line.len()))
}

/// The last line of a whole story.
const END: &str = "<!-- END-OF-STORY -->\n";

/// Whether a story has both its ends.
pub fn is_whole(text: &str) -> bool {
    text.starts_with("---\n") && text.contains("\ntries: ") && text.ends_with(END)
}

/// Writes a story for one contender into a folder of its own.
pub fn fresh(base: &Path, name: &str, size: usize) -> Result<PathBuf, Box<dyn Error>> {
    let folder = base.join(name.replace(' ', "_"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let path = folder.join("story.md");
    File::create_new(&path)?.write_all(story(size).as_bytes())?;
    Ok(path)
}

/// Milliseconds from the start of a process to its end, with whether it succeeded.
fn time(command: &mut Command) -> Option<f64> {
    let begun = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let took = begun.elapsed().as_secs_f64() * 1e3;
    status.is_ok_and(|status| status.success()).then_some(took)
}

/// Runs each contender as a process that makes one update, in turn.
pub fn measure(plan: &Plan, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(dir)?;
    let places = &plan.places;
    let mut all = places.floors();
    all.extend(places.peers());
    all.push(places.library("story library", "fast"));
    all.push(places.command("story set --fast", &["--fast"]));
    all.push(places.command("story set", &[]));
    let mut racers = Vec::new();
    for contender in all {
        let file = fresh(folder.path(), contender.name, 4096)?;
        // This first one also warms up.
        if time(&mut contender.updates(&file, 1, places)).is_some() {
            racers.push((contender, file, Vec::new()));
        } else {
            tell(&format!(
                "left out, not built or installed: {}",
                contender.name
            ))?;
        }
    }
    let rounds = if plan.is_quick { 7 } else { 31 };
    for round in 0..rounds {
        let first = round % racers.len();
        racers.rotate_left(first);
        for (contender, file, times) in &mut racers {
            let took = time(&mut contender.updates(file, 1, places));
            times.push(took.ok_or_else(|| format!("{} failed", contender.name))?);
        }
        racers.rotate_right(first);
    }
    rows(&racers, rounds)
}

type Racer = (Contender, PathBuf, Vec<f64>);

fn rows(racers: &[Racer], rounds: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let floor = |name: &str| racers.iter().find(|racer| racer.0.name == name);
    let (plain, durable) = (floor("floor flock"), floor("floor flock+fsync"));
    let mut rows = Vec::new();
    for (contender, file, times) in racers {
        let text = fs::read_to_string(file)?;
        if !text.contains(&format!("\ntries: {}\n", rounds + 1)) {
            return Err(format!("{} has lost updates", contender.name).into());
        }
        let against = |floor: Option<&Racer>| {
            let floor = &floor?.2;
            median(
                times
                    .iter()
                    .zip(floor)
                    .map(|(own, floor)| own / floor)
                    .collect(),
            )
        };
        let row = json!({
            "driver": contender.name,
            "median_ms": median(times.clone()).map(rounded),
            "least_ms": times.iter().copied().reduce(f64::min).map(rounded),
            "x_floor": against(plain).map(rounded),
            "x_durable": against(durable).map(rounded),
        });
        rows.extend(row.as_object().cloned());
    }
    Ok(rows)
}
