//! Sections that `../shared/bench` measures itself, by its own protocol: called piece by piece, ours among its contenders.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::compare::Plan;
use crate::results::{Row, rounded};

/// One call of `bench.py`.
struct Piece {
    section: &'static str,
    drivers: &'static str,
    further: &'static [&'static str],
    with_unlocked: bool,
    /// How often it is run: what many processes do varies more than what one does.
    passes: usize,
}

const ALL: &str = "floor flock,floor flock again,floor flock+fsync,rs card tempfile,rs card atomicwrites,rs gix-lock,rs gix-lock+fsync,\
                   node right,py filelock,sh awk";
const QUICK_ONES: &str =
    "floor flock,floor flock again,floor flock+fsync,rs card tempfile,rs gix-lock";

/// What a section of ours is made of there.
fn pieces(section: &str) -> Vec<Piece> {
    let piece = |section, drivers, further, with_unlocked, passes| Piece {
        section,
        drivers,
        further,
        with_unlocked,
        passes,
    };
    match section {
        "uncontended" => vec![piece("uncontended", ALL, &[], true, 1)],
        "uncontended400k" => vec![piece("uncontended400k", ALL, &[], true, 1)],
        "sizes" => vec![piece("sizes", ALL, &[], false, 1)],
        "contended" => vec![
            piece(
                "contended",
                QUICK_ONES,
                &["--procs", "8,32,128", "--target-s", "0.5"],
                false,
                3,
            ),
            piece(
                "contended",
                "floor flock,node right,py filelock",
                &["--procs", "8,32", "--target-s", "0.5", "--quick"],
                false,
                1,
            ),
        ],
        // Quick: whoever never gets the lock is waited for 16 s, and not asked twice.
        "crash" => vec![piece("crash", ALL, &["--quick"], false, 1)],
        "killstorm" => vec![piece(
            "killstorm",
            "floor flock,rs card tempfile,rs gix-lock,node right,py filelock",
            &[],
            false,
            1,
        )],
        "syscalls" => vec![piece("syscalls", QUICK_ONES, &[], true, 1)],
        "fidelity" => vec![piece("fidelity", ALL, &[], false, 1)],
        _ => Vec::new(),
    }
}

/// Whether the section is measured there.
pub fn has(section: &str) -> bool {
    !pieces(section).is_empty()
}

/// Measures a section in a folder.
pub fn measure(plan: &Plan, section: &str, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for (at, piece) in pieces(section).iter().enumerate() {
        for pass in 0..if plan.is_quick { 1 } else { piece.passes } {
            for mut row in call(plan, piece, dir)? {
                shorten(&mut row);
                row.insert("pass".into(), Value::from(format!("{at}.{pass}")));
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn call(plan: &Plan, piece: &Piece, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (out, large) = (
        folder.path().join("out.json"),
        folder.path().join("story.md"),
    );
    // The bench takes the body of its large story from here.
    atomic_file::create(
        &large,
        crate::processes::story(400_000).as_bytes(),
        &atomic_file::CommitOptions::default(),
    )?;
    let mut command = Command::new("python3");
    command
        .arg(plan.places.bench.join("bench.py"))
        .args(["--sections", piece.section, "--drivers", piece.drivers])
        .args(piece.further)
        .arg("--dirs")
        .arg(dir)
        .arg("--out")
        .arg(&out)
        .env("BENCH_OURS", plan.places.ours(piece.with_unlocked))
        .env("BENCH_PEERS", &plan.places.peers)
        .env("BENCH_STORY", &large)
        .stdout(Stdio::null());
    if plan.is_quick && !piece.further.contains(&"--quick") {
        command.arg("--quick");
    }
    let status = command.status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    let mut measured: Value = serde_json::from_str(&fs::read_to_string(&out)?)?;
    let rows = measured["results"][0]["rows"].take();
    Ok(serde_json::from_value(rows)?)
}

/// What the page does not show.
const UNUSED: [&str; 9] = [
    "diff",
    "reader",
    "errors",
    "final_shared",
    "own_lost",
    "wall_s",
    "elapsed_s",
    "next_left",
    "waiting_left",
];

/// Leaves out what the page does not show, and digits that are noise.
fn shorten(row: &mut Row) {
    for key in UNUSED {
        row.remove(key);
    }
    for value in row.values_mut() {
        if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
            *value = rounded(number);
        }
    }
}
