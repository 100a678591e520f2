//! The first command of the README: sixteen `story` processes change one story at once, then the diff is shown.
//!
//! Works on a copy of `fixtures/stories/valid/S-0034.md` under the target folder and fails if a change was lost, another
//! byte moved, or anything was left behind.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use similar::TextDiff;

/// As many as the story of issue S-0034 has.
const PROCESSES: usize = 16;

const COMMAND: [&str; 7] = [
    "set",
    "S-0034",
    "status=in-progress",
    "--inc",
    "retry_count",
    "--add",
    "labels=urgent",
];

fn main() -> Result<(), Box<dyn Error>> {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stories/valid/S-0034.md");
    let folder = target_folder()?;
    let program = build(&folder)?;
    let place = fresh(&folder.parent().unwrap_or(&folder).join("tour"))?;
    let story = place.join(".ai-sdlc/stories/S-0034/story.md");
    fs::create_dir_all(story.parent().unwrap_or(&place))?;
    fs::copy(&fixture, &story)?;

    let before = fs::read_to_string(&story)?;
    run_at_once(&program, &place)?;
    let after = fs::read_to_string(&story)?;

    let diff = TextDiff::from_lines(&before, &after);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{PROCESSES} processes at once: story {}\n",
        COMMAND.join(" ")
    )?;
    write!(
        out,
        "{}",
        diff.unified_diff()
            .context_radius(2)
            .header("S-0034 before", "S-0034 after")
    )?;
    check(&before, &after, &story)?;
    writeln!(
        out,
        "\nAll {PROCESSES} changes are there, no other line moved, no lock is left."
    )?;
    writeln!(
        out,
        "The story:   {}\nThe program: {}",
        story.display(),
        program.display()
    )?;
    Ok(())
}

/// The folder that this example's profile is built into: `target/debug`, as a rule.
fn target_folder() -> Result<PathBuf, Box<dyn Error>> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent);
    Ok(folder
        .ok_or("this example does not lie in a target folder")?
        .to_owned())
}

/// Builds `story` beside this example: cargo builds programs for tests, but not for examples.
fn build(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "story-cli",
        "--bin",
        "story",
        "--manifest-path",
    ]);
    cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    cargo
        .arg("--target-dir")
        .arg(folder.parent().unwrap_or(folder));
    if folder.file_name() == Some(OsStr::new("release")) {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err("cargo could not build the program `story`".into());
    }
    Ok(folder.join(format!("story{}", std::env::consts::EXE_SUFFIX)))
}

fn fresh(place: &Path) -> io::Result<PathBuf> {
    match fs::remove_dir_all(place) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    fs::create_dir_all(place)?;
    Ok(place.to_owned())
}

fn run_at_once(program: &Path, place: &Path) -> Result<(), Box<dyn Error>> {
    let start = || {
        Command::new(program)
            .args(COMMAND)
            .current_dir(place)
            .env_remove("AI_SDLC_ROOT")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    };
    let running: Vec<_> = (0..PROCESSES).map(|_| start()).collect::<Result<_, _>>()?;
    for process in running {
        let output = process.wait_with_output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("a `story set` failed: {}\n{told}", output.status).into());
        }
    }
    Ok(())
}

fn check(before: &str, after: &str, story: &Path) -> Result<(), Box<dyn Error>> {
    let is_meant = |line: &&str| {
        ["status:", "retry_count:", "labels:", "updated:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    let others = |text: &str| {
        text.lines()
            .filter(|line| !is_meant(line))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    if others(before) != others(after) {
        return Err("a line changed that nobody meant to change".into());
    }
    if !after.contains(&format!("\nretry_count: {PROCESSES}\n")) {
        return Err("an increment was lost".into());
    }
    let folder = story.parent().ok_or("the story has no folder")?;
    let names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    if names != ["story.md"] {
        return Err(format!("something was left beside the story: {names:?}").into());
    }
    Ok(())
}
