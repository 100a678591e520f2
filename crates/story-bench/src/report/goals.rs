//! What was to be reached, and what was.

use crate::report::contention::{Crowd, crowds, find};
use crate::report::table::{figure, table};
use crate::results::{Results, Row};

/// A goal and what was measured of it; `None`: it was not measured.
struct Goal {
    what: String,
    limit: String,
    figure: String,
    is_kept: Option<bool>,
}

/// Not more than so much.
fn most(what: impl Into<String>, limit: f64, value: Option<f64>) -> Goal {
    Goal {
        what: what.into(),
        limit: format!("at most {limit}"),
        figure: figure(value),
        is_kept: value.map(|value| value <= limit),
    }
}

/// Not less than so much.
fn least(what: impl Into<String>, limit: f64, value: Option<f64>) -> Goal {
    Goal {
        what: what.into(),
        limit: format!("at least {limit}"),
        figure: figure(value),
        is_kept: value.map(|value| value >= limit),
    }
}

/// The table of goals.
pub fn goals(results: &Results) -> String {
    let mut goals = updates(results);
    for fs in ["tmpfs", "ext4"] {
        let crowds = crowds(results, fs);
        if !crowds.is_empty() {
            goals.extend(contended(&crowds, fs, "fast"));
        }
    }
    let crowds = crowds(results, "ext4");
    if !crowds.is_empty() {
        goals.extend(contended(&crowds, "ext4", "durable"));
    }
    goals.extend(deaths(results));
    goals.extend(lists(results));
    let rows: Vec<Vec<String>> = goals
        .into_iter()
        .map(|goal| {
            let verdict = match goal.is_kept {
                Some(true) => "kept",
                Some(false) => "**missed**",
                None => "not measured",
            };
            vec![goal.what, goal.limit, goal.figure, verdict.to_owned()]
        })
        .collect();
    table("Goals", "", &["goal", "limit", "measured", ""], &rows)
}

fn updates(results: &Results) -> Vec<Goal> {
    let at =
        |section: &str, fs: &str, driver: &str, key: &str| results.figure(section, fs, driver, key);
    let process = |driver: &str| at("processes", "tmpfs", driver, "x_floor");
    let set = process("story set --fast");
    let under = |driver: &str| Some(process(driver)? / set?);
    vec![
        most(
            "4 KB, fast, tmpfs, x floor",
            2.4,
            at("uncontended", "tmpfs", "story", "x_floor"),
        ),
        most(
            "4 KB, durable, ext4, x durable floor",
            1.15,
            at("uncontended", "ext4", "story+fsync", "x_same_sync"),
        ),
        most(
            "400 KB, fast, tmpfs, x floor",
            1.1,
            at("uncontended400k", "tmpfs", "story", "x_floor"),
        ),
        most(
            "4 MB, fast, tmpfs, x floor",
            1.05,
            at("sizes", "tmpfs", "story", "x_4000000"),
        ),
        most(
            "`story set --fast` as a process, tmpfs, x floor process",
            1.5,
            set,
        ),
        least(
            "Python process / `story set --fast`",
            50.0,
            under("py filelock"),
        ),
        least(
            "Node process / `story set --fast`",
            80.0,
            under("node right"),
        ),
    ]
}

fn contended(crowds: &[Crowd<'_>], fs: &str, durability: &str) -> Vec<Goal> {
    let (driver, floor) = match durability {
        "fast" => ("story", "floor"),
        _ => ("story+fsync", "durable floor"),
    };
    let kind = format!("{durability}, {fs}");
    let mut goals = Vec::new();
    for (processes, limit) in [(8, 0.8), (32, 0.8), (128, 0.7)] {
        let crowd = find(crowds, driver, processes);
        goals.push(least(
            format!("{processes} processes on one story, {kind}: updates a second, x {floor}"),
            limit,
            crowd.and_then(|it| it.throughput),
        ));
        if processes < 128 {
            goals.push(least(
                format!("{processes} processes, {kind}: Jain's index"),
                0.9,
                crowd.and_then(|it| it.jain),
            ));
        }
        goals.push(most(
            format!("{processes} processes, {kind}: slowest update, x slowest of the {floor}"),
            2.0,
            crowd.and_then(|it| it.x_slowest),
        ));
    }
    goals.push(most(
        format!("32 processes, {kind}: processor time of an update, x one alone"),
        2.5,
        find(crowds, driver, 32).and_then(|it| it.x_cpu),
    ));
    goals
}

fn deaths(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for fs in ["tmpfs", "ext4"] {
        let at = |driver: &str, key: &str| results.figure("crash", fs, driver, key);
        goals.push(most(
            format!("kill -9 of a holder, ms until the next update, {fs}"),
            10.0,
            at("story", "next_ms"),
        ));
        let tries = at("story", "next_failed_tries").zip(at("story", "waiting_failed_tries"));
        goals.push(most(
            format!("failed tries after it, {fs}"),
            0.0,
            tries.map(|(next, waiting)| next + waiting),
        ));
        let sum = |driver: &str| {
            let row = results.section("kills", fs)?.row(driver)?;
            let each = ["broken", "stuck", "left"].map(|key| row.get(key)?.as_f64());
            each.into_iter().sum::<Option<f64>>()
        };
        let kills = sum("story").zip(sum("story+fsync"));
        goals.push(most(
            format!("kills at some moment, after the next update: stories broken, locks stuck, files left, {fs}"),
            0.0,
            kills.map(|(fast, durable)| fast + durable),
        ));
    }
    let row = results
        .section("fidelity", "tmpfs")
        .and_then(|it| it.row("story"));
    goals.push(most(
        "lines changed beside the field",
        0.0,
        row.and_then(|row| row.get("lines_changed")?.as_f64()),
    ));
    goals.push(Goal {
        what: "mode, symbolic link, CR LF, BOM, missing final newline".to_owned(),
        limit: "kept".to_owned(),
        figure: row.map_or("-".to_owned(), |row| format!("{} of 5", kept(row))),
        is_kept: row.map(|row| kept(row) == 5),
    });
    goals
}

/// How many of the things beside the text were kept.
fn kept(row: &Row) -> usize {
    let texts = ["symlink", "crlf", "bom", "no_final_newline"];
    let all = texts
        .iter()
        .filter(|key| row.get(**key).is_some_and(|it| it == "kept"));
    all.count() + usize::from(row.get("mode_kept").is_some_and(|it| it == true))
}

fn lists(results: &Results) -> Vec<Goal> {
    let median = |count: u64| {
        let rows = &results.section("lists", "ext4")?.rows;
        let row = rows.iter().find(|row| {
            row.get("driver").is_some_and(|it| it == "story list")
                && row.get("count").is_some_and(|it| it == count)
        });
        row?.get("median_ms")?.as_f64()
    };
    vec![
        most(
            "`story list` of 10,000 stories, ext4, ms",
            150.0,
            median(10_000),
        ),
        // In proportion, and a fifth for caches that hold ten thousand but not a hundred thousand. Chosen.
        most(
            "`story list` of 100,000, x 10,000",
            12.0,
            median(100_000)
                .zip(median(10_000))
                .map(|(many, few)| many / few),
        ),
    ]
}
