//! `kill -9` at some moment of an update of 400 KB, then one more update: is the story whole, the lock free, the folder clean?

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::compare::Plan;
use crate::contenders::Contender;
use crate::processes::{fresh, is_whole};
use crate::results::{Row, rounded};

const SIZE: usize = 400_000;

/// What was found after the kills of one contender.
#[derive(Default)]
struct Found {
    broken: usize,
    stuck: usize,
    left: usize,
    slowest: Duration,
}

/// Kills each contender again and again. Of the peers only the one whose locks die with their holder: the others' would
/// be waited for in vain.
pub fn measure(plan: &Plan, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(dir)?;
    let places = &plan.places;
    let contenders = [
        places.rust("floor flock", "floor", "flock"),
        places.rust("rs card tempfile", "carddrv", "tempfile"),
        places.library("story", "fast"),
        places.library("story+fsync", "durable"),
    ];
    let kills: u32 = if plan.is_quick { 6 } else { 60 };
    let mut rows = Vec::new();
    for contender in contenders {
        let mut found = Found::default();
        for at in 0..kills {
            // Spread over 4 to 40 ms, in an order that follows nothing else.
            let moment = Duration::from_micros(u64::from(4_000 + at * 37 % kills * 36_000 / kills));
            one(plan, &contender, folder.path(), moment, &mut found)?;
        }
        let row = json!({
            "driver": contender.name,
            "kills": kills,
            "broken": found.broken,
            "stuck": found.stuck,
            "left": found.left,
            "slowest_next_ms": rounded(found.slowest.as_secs_f64() * 1e3),
        });
        rows.extend(row.as_object().cloned());
    }
    Ok(rows)
}

fn one(
    plan: &Plan,
    contender: &Contender,
    base: &Path,
    moment: Duration,
    found: &mut Found,
) -> Result<(), Box<dyn Error>> {
    let file = fresh(base, contender.name, SIZE)?;
    kill(contender.updates(&file, 1_000_000, &plan.places), moment)?;
    let begun = Instant::now();
    let next = contender.updates(&file, 1, &plan.places).output()?;
    found.slowest = found.slowest.max(begun.elapsed());
    let answer = String::from_utf8_lossy(&next.stdout);
    found.stuck += usize::from(!next.status.success() || !answer.contains("\"errors\":{}"));
    found.broken += usize::from(!is_whole(&fs::read_to_string(&file)?));
    let is_ours = contender.name.starts_with("story");
    for entry in fs::read_dir(file.parent().ok_or("a file in a folder")?)? {
        let name = entry?.file_name();
        // The floor and its like keep their lock file on purpose; ours is gone when nobody has the lock.
        let may_stay = name == "story.md" || name == "story.md.lock" && !is_ours;
        found.left += usize::from(!may_stay);
    }
    Ok(())
}

/// Starts it, and kills it that long after it has begun to update.
fn kill(mut command: Command, moment: Duration) -> Result<(), Box<dyn Error>> {
    let mut child = command
        .env("BENCH_BARRIER", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("a pipe")?).read_line(&mut line)?;
    writeln!(child.stdin.take().ok_or("a pipe")?, "GO")?;
    thread::sleep(moment);
    child.kill()?;
    child.wait()?;
    Ok(())
}
