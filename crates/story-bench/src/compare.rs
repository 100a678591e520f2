//! A comparison: each section in each folder, what was measured written at once.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::contenders::Places;
use crate::results::{Machine, Results, Row, Section};
use crate::{USAGE, kills, list, peers, processes, programs, tell};

/// What is compared, in this order.
const SECTIONS: [&str; 11] = [
    "uncontended",
    "uncontended400k",
    "sizes",
    "processes",
    "contended",
    "crash",
    "kills",
    "killstorm",
    "fidelity",
    "syscalls",
    "lists",
];

/// What the file system does not matter for: one folder is enough.
const ONCE: [&str; 3] = ["killstorm", "fidelity", "syscalls"];

/// What to compare, and where.
pub struct Plan {
    pub places: Places,
    pub is_quick: bool,
    dirs: Vec<PathBuf>,
    sections: Vec<String>,
    out: PathBuf,
}

/// Runs a comparison and writes what was measured.
pub fn compare(options: &[&str]) -> Result<(), Box<dyn Error>> {
    let plan = plan(options)?;
    let mut results = Results::load(&plan.out)?;
    results.machine = machine();
    let commit = match programs::state_of([&plan.places.story, &plan.places.own])? {
        programs::State::Current => commit(),
        programs::State::Unknown => "unknown".to_owned(),
    };
    for (at, dir) in plan.dirs.iter().enumerate() {
        let fs = file_system(dir)?;
        for section in &plan.sections {
            if at > 0 && ONCE.contains(&section.as_str()) {
                continue;
            }
            let load = load();
            let begun = Instant::now();
            let rows = measure(&plan, section, dir)?;
            let took_s = begun.elapsed().as_secs();
            tell(&format!(
                "{section} on {fs}: {took_s} s, load before {load}"
            ))?;
            results.put(Section {
                name: section.clone(),
                fs: fs.clone(),
                at: jiff::Timestamp::now().strftime("%F %H:%M").to_string(),
                load,
                took_s,
                commit: commit.clone(),
                is_quick: plan.is_quick,
                rows,
            });
            results.save(&plan.out)?;
        }
    }
    Ok(())
}

fn plan(options: &[&str]) -> Result<Plan, Box<dyn Error>> {
    let mut given = options.iter();
    let (mut bench, mut story, mut out) = (None, None, None);
    let mut dirs = "/dev/shm,/tmp".to_owned();
    let mut sections = SECTIONS.join(",");
    let mut is_quick = false;
    while let Some(option) = given.next() {
        let mut value = || given.next().map(|it| (*it).to_owned()).ok_or(USAGE);
        match *option {
            "--bench" => bench = Some(value()?),
            "--story" => story = Some(value()?),
            "--out" => out = Some(value()?),
            "--dirs" => dirs = value()?,
            "--sections" => sections = value()?,
            "--quick" => is_quick = true,
            _ => return Err(USAGE.into()),
        }
    }
    let sections: Vec<String> = sections.split(',').map(str::to_owned).collect();
    if let Some(unknown) = sections.iter().find(|it| !SECTIONS.contains(&it.as_str())) {
        return Err(format!("no section {unknown}; there are {}", SECTIONS.join(", ")).into());
    }
    let peers = std::env::var_os("BENCH_PEERS")
        .map_or_else(|| std::env::temp_dir().join("bench-peers"), PathBuf::from);
    Ok(Plan {
        places: Places {
            bench: fs::canonicalize(bench.ok_or(USAGE)?)?,
            peers,
            story: fs::canonicalize(story.ok_or(USAGE)?)?,
            own: std::env::current_exe()?,
        },
        is_quick,
        dirs: dirs.split(',').map(PathBuf::from).collect(),
        sections,
        out: PathBuf::from(out.ok_or(USAGE)?),
    })
}

fn measure(plan: &Plan, section: &str, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    match section {
        "processes" => processes::measure(plan, dir),
        "kills" => kills::measure(plan, dir),
        "lists" => lists(plan, dir),
        _ if peers::has(section) => peers::measure(plan, section, dir),
        _ => Err(format!("nobody measures {section}").into()),
    }
}

fn lists(plan: &Plan, dir: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let counts: &[(usize, usize)] = if plan.is_quick {
        &[(1_000, 5), (10_000, 3)]
    } else {
        &[(10_000, 15), (100_000, 5)]
    };
    let mut rows = Vec::new();
    for (count, rounds) in counts {
        let folder = tempfile::tempdir_in(dir)?;
        rows.extend(list::compare(
            folder.path(),
            *count,
            &plan.places.story,
            *rounds,
        )?);
    }
    Ok(rows)
}

/// What the machine says of itself; what it does not say stays empty.
fn machine() -> Machine {
    let line = |path: &str, start: &str| -> String {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(start));
        let value = found.and_then(|rest| rest.split_once(':')).map(|it| it.1);
        value.unwrap_or_default().trim().to_owned()
    };
    let kib = line("/proc/meminfo", "MemTotal");
    let kib: u64 = kib
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0);
    Machine {
        processors: std::thread::available_parallelism().map_or(0, usize::from),
        model: line("/proc/cpuinfo", "model name"),
        memory_gib: kib.div_ceil(1024 * 1024),
        kernel: answer("uname", &["-sr"]),
    }
}

/// What is checked out here.
fn commit() -> String {
    let commit = answer("git", &["rev-parse", "--short", "HEAD"]);
    // What is being measured does not count as a change.
    let changes = ["status", "--porcelain", "--", "*.rs", "*.toml", "*.lock"];
    let is_changed = !answer("git", &changes).is_empty();
    commit + if is_changed { "+" } else { "" }
}

fn file_system(dir: &Path) -> Result<String, Box<dyn Error>> {
    let path = dir.to_str().ok_or("a path of plain text")?;
    Ok(match answer("stat", &["-f", "-c", "%T", path]).as_str() {
        "" => return Err(format!("no folder {path}").into()),
        "ext2/ext3" => "ext4".to_owned(),
        other => other.to_owned(),
    })
}

fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.unwrap_or_default()
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
