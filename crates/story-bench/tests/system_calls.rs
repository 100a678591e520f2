//! The system calls of one update, counted in a real program under strace, against the table in `docs/system-calls.md`.
//! `UPDATE_EXPECT=1` rewrites its counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Sandbox, skip};

const TEST: &str = "updates_make_the_calls_that_the_table_gives_reasons_for";

/// How many updates a run makes beyond those of a shorter one: what is not done for each of them does not come out even.
const MORE: usize = 10;

/// Memory, and the sleep and waking of threads: how often depends on the allocator and on the clock.
const NOT_COUNTED: [&str; 9] = [
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "futex",
    "restart_syscall",
    "sched_yield",
];

type Counts = BTreeMap<String, usize>;

#[test]
fn updates_make_the_calls_that_the_table_gives_reasons_for() {
    let Some(sandbox) = Sandbox::on_tmpfs() else {
        return skip(TEST, "needs a file system in memory");
    };
    if let Some(reason) = hindrance() {
        return skip(TEST, reason);
    }
    let [plain, durable] = ["fast", "durable"].map(|mode| calls_of_an_update(&sandbox, mode));
    if plain.contains_key("fgetxattr") {
        return skip(TEST, "new files have attributes here, of a security module");
    }
    let path = table_path();
    let text = fs::read_to_string(&path).expect("the table is in the repository");
    let renewed = renewed(&text, &plain, &durable);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        atomic_file::replace(
            &path,
            renewed.as_bytes(),
            &atomic_file::CommitOptions::default(),
        )
        .expect("the repository can be written");
    }
    assert_eq!(
        text, renewed,
        "the table is what is counted; UPDATE_EXPECT=1 rewrites it"
    );
    for row in rows(&text) {
        assert!(
            !row.why.is_empty(),
            "{} has no reason to be there",
            row.call
        );
    }
}

/// What keeps the calls from being those of the table.
fn hindrance() -> Option<&'static str> {
    let strace = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    if !strace.is_ok_and(|output| output.status.success()) {
        return Some("needs strace, and the right to trace");
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    let is_known = (numbers.next(), numbers.next()) >= (Some(6), Some(13));
    if !is_known || std::env::consts::ARCH != "x86_64" {
        return Some("needs Linux 6.13 on x86_64: others make some calls differently");
    }
    None
}

/// The calls that each further update costs.
fn calls_of_an_update(sandbox: &Sandbox, mode: &str) -> Counts {
    let fewer = calls_of_a_run(sandbox, mode, MORE);
    let mut calls = calls_of_a_run(sandbox, mode, 2 * MORE);
    for (call, count) in &mut calls {
        *count -= fewer.get(call).copied().unwrap_or_default();
        assert_eq!(
            *count % MORE,
            0,
            "{call} is part of each update, or of none"
        );
        *count /= MORE;
    }
    calls.retain(|_, count| *count > 0);
    calls
}

fn calls_of_a_run(sandbox: &Sandbox, mode: &str, updates: usize) -> Counts {
    let story = sandbox.write("story.md", "---\nid: S-1\ncounter: 0\n---\n\nBody.\n");
    let story = story.canonicalize().expect("it is there");
    let trace = sandbox.join("trace");
    // Threads into files of their own: the keeper, which sleeps and wakes, is not counted.
    let status = Command::new("strace")
        .arg("-ff")
        .arg("-o")
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_story-bench"))
        .args([mode, "update"])
        .arg(&story)
        .args(["counter", &updates.to_string()])
        .output()
        .expect("strace can be started");
    assert!(status.status.success(), "each update succeeds: {status:?}");
    let mut counts = Counts::new();
    for line in main_thread(sandbox.path()).lines() {
        let call = line.split('(').next().unwrap_or_default();
        // Only a build with debug assertions asks before each close whether the descriptor is open.
        let is_assertion = line.contains(", F_GETFD)");
        if is_name(call) && !is_assertion && !NOT_COUNTED.contains(&call) {
            *counts.entry(call.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The trace of the thread that came first; all of them are removed.
fn main_thread(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("it is ours");
    let number = |path: &PathBuf| path.extension()?.to_str()?.parse::<u32>().ok();
    let mut traces: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "trace"))
        .collect();
    traces.sort_by_key(number);
    let text = traces.iter().map(|path| {
        let text = fs::read_to_string(path).expect("strace wrote it");
        fs::remove_file(path).expect("it is ours");
        text
    });
    let text: Vec<String> = text.collect();
    let main = text.into_iter().find(|text| text.starts_with("execve("));
    main.expect("the first thread begins with the program")
}

fn is_name(call: &str) -> bool {
    !call.is_empty()
        && call
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/system-calls.md")
}

const HEADER: &str = "| call | plain | durable | why |\n|---|---|---|---|\n";

struct Row<'a> {
    call: &'a str,
    why: &'a str,
}

/// The rows of the first table.
fn rows(text: &str) -> Vec<Row<'_>> {
    let (_, table) = text.split_once(HEADER).expect("the table has this head");
    table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            Row {
                call: cells[1].trim_matches('`'),
                why: cells[4],
            }
        })
        .collect()
}

/// The text with the counts as they are: rows in the order that they have, new ones after them, without a reason.
fn renewed(text: &str, plain: &Counts, durable: &Counts) -> String {
    let old = rows(text);
    let known = |call: &str| old.iter().any(|row| row.call == call);
    let new = durable
        .keys()
        .chain(plain.keys().filter(|call| !durable.contains_key(*call)));
    let new = new
        .filter(|call| !known(call))
        .map(|call| Row { call, why: "" });
    let (before, table) = text.split_once(HEADER).expect("the table has this head");
    let after = table.lines().skip_while(|line| line.starts_with('|'));
    let mut renewed = format!("{before}{HEADER}");
    let [mut plain_sum, mut durable_sum] = [0, 0];
    let all = old.iter().filter(|row| row.call != "all");
    for Row { call, why } in all
        .map(|row| Row {
            call: row.call,
            why: row.why,
        })
        .chain(new)
    {
        let [plain, durable] = [plain, durable].map(|counts| counts.get(call).unwrap_or(&0));
        plain_sum += plain;
        durable_sum += durable;
        if plain + durable > 0 {
            writeln!(renewed, "| `{call}` | {plain} | {durable} | {why} |").expect("into memory");
        }
    }
    writeln!(renewed, "| all | {plain_sum} | {durable_sum} | in all |").expect("into memory");
    for line in after {
        renewed.push_str(line);
        renewed.push('\n');
    }
    renewed
}
