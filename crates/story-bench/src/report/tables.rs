//! Which tables there are, in the order of the page.

use std::fmt::Write as _;

use serde_json::Value;

use crate::report::contention::crowds;
use crate::report::goals::goals;
use crate::report::table::{emphasised, figure, is_durable, table, title};
use crate::results::{Results, Row, Section, name};

const FILE_SYSTEMS: [&str; 2] = ["tmpfs", "ext4"];

/// All that the results suffice for.
pub fn all(results: &Results) -> String {
    let mut text = machine(results);
    text += &goals(results);
    for fs in FILE_SYSTEMS {
        text += &alone(
            results,
            "uncontended",
            &format!("One update of 4 KB, nobody else, {fs}"),
            fs,
        );
        text += &alone(
            results,
            "uncontended400k",
            &format!("One update of 400 KB, nobody else, {fs}"),
            fs,
        );
    }
    text += &lock_share(results);
    for fs in FILE_SYSTEMS {
        text += &sizes(results, fs);
        text += &processes(results, fs);
        text += &contended(results, fs);
    }
    for fs in FILE_SYSTEMS {
        text += &crash(results, fs);
        text += &kills(results, fs);
    }
    text += &killstorm(results);
    text += &fidelity(results);
    text += &system_calls(results);
    for fs in FILE_SYSTEMS {
        text += &lists(results, fs);
    }
    text
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "- {} processors ({}), {} GiB, {}.\n",
        machine.processors, machine.model, machine.memory_gib, machine.kernel
    );
    let first = results.sections.iter().map(|it| &it.at).min();
    let last = results.sections.iter().map(|it| &it.at).max();
    if let Some((first, last)) = first.zip(last) {
        let mut commits: Vec<&str> = results.sections.iter().map(|it| &*it.commit).collect();
        commits.dedup();
        let kind = match results.sections.iter().filter(|it| it.is_quick).count() {
            0 => "a full run".to_owned(),
            quick => format!(
                "{quick} of {} parts by a quick run, whose figures move more",
                results.sections.len()
            ),
        };
        writeln!(
            text,
            "- Measured from {first} to {last} UTC, {kind}; commit {}.",
            commits.join(", ")
        )
        .expect("a string takes all");
    }
    for fs in FILE_SYSTEMS {
        let of = |section, driver, key| figure(results.figure(section, fs, driver, key));
        writeln!(
            text,
            "- Noise on {fs}, the floor against itself: {} (4 KB), {} (400 KB), {} (process); the durable floor: {} (4 KB), {} (400 KB).",
            of("uncontended", "floor flock again", "x_floor"),
            of("uncontended400k", "floor flock again", "x_floor"),
            of("processes", "floor flock again", "x_floor"),
            of("uncontended", "floor again+fsync", "x_same_sync"),
            of("uncontended400k", "floor again+fsync", "x_same_sync"),
        )
        .expect("a string takes all");
    }
    text + "\n"
}

/// A row for each contender: its name and what `cells` says, ours in bold.
fn by_driver(section: &Section, cells: impl Fn(&Row) -> Vec<String>) -> Vec<Vec<String>> {
    let row = |row: &Row| {
        let cells = cells(row)
            .into_iter()
            .map(|cell| emphasised(name(row), cell));
        std::iter::once(title(name(row))).chain(cells).collect()
    };
    section.rows.iter().map(row).collect()
}

fn number(row: &Row, key: &str) -> String {
    figure(row.get(key).and_then(Value::as_f64))
}

fn whole(row: &Row, key: &str) -> String {
    row.get(key).map_or("-".to_owned(), |value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    })
}

fn alone(results: &Results, section: &str, heading: &str, fs: &str) -> String {
    let Some(section) = results.section(section, fs) else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        let durable = if is_durable(name(row)) {
            number(row, "x_same_sync")
        } else {
            "-".to_owned()
        };
        let range = format!("{} to {}", number(row, "x_min"), number(row, "x_max"));
        vec![
            number(row, "x_floor"),
            range,
            durable,
            number(row, "x_cpu"),
            number(row, "p50_us"),
        ]
    });
    table(
        heading,
        "",
        &[
            "",
            "x floor",
            "least and most of the rounds",
            "x durable floor",
            "processor time, x floor",
            "median, us",
        ],
        &rows,
    )
}

fn lock_share(results: &Results) -> String {
    let mut rows = Vec::new();
    for (section, size) in [("uncontended", "4 KB"), ("uncontended400k", "400 KB")] {
        for fs in FILE_SYSTEMS {
            for (sync, durability) in [("", "fast"), ("+fsync", "durable")] {
                let of = |driver: &str| {
                    results.figure(section, fs, &format!("{driver}{sync}"), "p50_us")
                };
                let Some((with, without)) = of("story").zip(of("story unlocked")) else {
                    continue;
                };
                let share = format!("{:.0} %", (with - without) / with * 100.0);
                rows.push(vec![
                    format!("{size}, {durability}, {fs}"),
                    figure(Some(with / without)),
                    share,
                ]);
            }
        }
    }
    table(
        "The lock's own share",
        "The same change by the library as a locked update, and as a commit that takes no lock and only compares.",
        &[
            "",
            "with the lock, x without",
            "the lock's share of the time",
        ],
        &rows,
    )
}

fn sizes(results: &Results, fs: &str) -> String {
    let Some(section) = results.section("sizes", fs) else {
        return String::new();
    };
    let of = |size: &str| format!("x_{size}");
    let rows = by_driver(section, |row| {
        ["4096", "40000", "400000", "4000000"]
            .map(|size| number(row, &of(size)))
            .to_vec()
    });
    let note = format!(
        "Against the floor (not synced) of the same size; best medians.\n\n![Time by size on {fs}](benchmarks/sizes-{fs}.svg)"
    );
    table(
        &format!("By size, {fs}"),
        &note,
        &["", "4 KB", "40 KB", "400 KB", "4 MB"],
        &rows,
    )
}

fn processes(results: &Results, fs: &str) -> String {
    let Some(section) = results.section("processes", fs) else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        vec![
            number(row, "x_floor"),
            number(row, "x_durable"),
            number(row, "median_ms"),
        ]
    });
    let note = format!(
        "From the start of the process to its end, in turn.\n\n![Processes on {fs}](benchmarks/processes-{fs}.svg)"
    );
    table(
        &format!("One update of 4 KB as a process, {fs}"),
        &note,
        &["", "x floor", "x durable floor", "median, ms"],
        &rows,
    )
}

fn contended(results: &Results, fs: &str) -> String {
    let rows: Vec<Vec<String>> = crowds(results, fs)
        .iter()
        .map(|it| {
            let cells = [
                figure(it.throughput),
                figure(it.jain),
                figure(it.slowest_ms),
                figure(it.x_slowest),
                figure(it.x_cpu),
                format!("{}, {}; {}", it.failed, it.lost, it.torn),
            ];
            let cells = cells.into_iter().map(|cell| emphasised(it.driver, cell));
            let head = [title(it.driver), it.processes.to_string()];
            head.into_iter().chain(cells).collect()
        })
        .collect();
    let note = format!(
        "Throughput and the slowest update against the floor of the same durability, with as many processes, in the same pass; \
         medians of the passes.\n\n![Throughput on {fs}](benchmarks/throughput-{fs}.svg)\n![Fairness on {fs}](benchmarks/fairness-{fs}.svg)"
    );
    table(
        &format!("Many processes on one story, {fs}"),
        &note,
        &[
            "",
            "processes",
            "updates a second, x floor",
            "Jain's index",
            "slowest, ms",
            "slowest, x floor",
            "processor time, x alone",
            "failed, lost; not whole to a reader",
        ],
        &rows,
    )
}

fn crash(results: &Results, fs: &str) -> String {
    let Some(section) = results.section("crash", fs) else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        ["next", "next_failed_tries", "waiting"]
            .map(|key| whole(row, key))
            .to_vec()
    });
    table(
        &format!("After `kill -9` of a holder, {fs}"),
        "",
        &[
            "",
            "next update",
            "failed tries before it",
            "one that waits",
        ],
        &rows,
    )
}

fn kills(results: &Results, fs: &str) -> String {
    let Some(section) = results.section("kills", fs) else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        let counts = ["kills", "broken", "stuck", "left"].map(|key| whole(row, key));
        counts
            .into_iter()
            .chain([number(row, "slowest_next_ms")])
            .collect()
    });
    table(
        &format!("Kills at some moment of an update of 400 KB, then one more update, {fs}"),
        "",
        &[
            "",
            "kills",
            "stories broken",
            "locks stuck",
            "files left",
            "slowest next update as a process, ms",
        ],
        &rows,
    )
}

fn killstorm(results: &Results) -> String {
    let Some(section) = results.section("killstorm", "tmpfs") else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        let counts = ["kills", "story_broken", "lock_file_stuck", "temp_left"];
        counts.map(|key| whole(row, key)).to_vec()
    });
    table(
        "The same, looked at before anybody else comes",
        "Locks count as stuck here where the file itself is the lock; what a dead process of ours leaves locks nobody out.",
        &[
            "",
            "kills",
            "stories broken",
            "locks stuck",
            "temporary files left",
        ],
        &rows,
    )
}

fn fidelity(results: &Results) -> String {
    let Some(section) = results.section("fidelity", "tmpfs") else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        let cells = [
            "lines_changed",
            "mode_kept",
            "crlf",
            "bom",
            "no_final_newline",
            "symlink",
        ];
        cells.map(|key| whole(row, key)).to_vec()
    });
    table(
        "Fidelity: one field of a difficult story is changed",
        "",
        &[
            "",
            "lines changed beside it",
            "mode kept",
            "CR LF",
            "BOM",
            "missing final newline",
            "symbolic link",
        ],
        &rows,
    )
}

fn system_calls(results: &Results) -> String {
    let Some(section) = results.section("syscalls", "tmpfs") else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        vec![number(row, "per_update"), whole(row, "what")]
    });
    table(
        "System calls of an update",
        "By `strace -c`, without those of the start.",
        &["", "calls", "which"],
        &rows,
    )
}

fn lists(results: &Results, fs: &str) -> String {
    let Some(section) = results.section("lists", fs) else {
        return String::new();
    };
    let rows = by_driver(section, |row| {
        vec![
            whole(row, "count"),
            number(row, "median_ms"),
            number(row, "x_one"),
            number(row, "x_all"),
        ]
    });
    table(
        &format!("Lists, each a fresh process, {fs}"),
        "Against opening and reading 4 KiB of each story, and nothing else. The page cache is warm.",
        &[
            "",
            "stories",
            "median, ms",
            "x bare, one thread",
            "x bare, all processors",
        ],
        &rows,
    )
}
