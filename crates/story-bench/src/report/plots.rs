//! Which plots there are.

use crate::report::contention::{crowds, find};
use crate::report::svg::{Bars, Lines};
use crate::report::table::title;
use crate::results::{Results, name};

/// All plots that the results suffice for, by file name.
pub fn all(results: &Results) -> Vec<(String, String)> {
    let mut plots = Vec::new();
    for fs in ["tmpfs", "ext4"] {
        let mut add = |name: &str, plot: Option<String>| {
            plots.extend(plot.map(|plot| (format!("{name}-{fs}.svg"), plot)));
        };
        add("sizes", sizes(results, fs));
        add("processes", processes(results, fs));
        add(
            "throughput",
            crowd(results, fs, "Updates a second against the floor", |it| {
                it.throughput
            }),
        );
        add(
            "fairness",
            crowd(results, fs, "Fairness (Jain's index; 1 is even)", |it| {
                it.jain
            }),
        );
    }
    plots
}

/// A name for a legend, without marks of Markdown.
fn plain(name: &str) -> String {
    title(name)
        .replace(['*', '`'], "")
        .replace(" + gray-matter", "")
        .replace(" + frontmatter", "")
}

fn sizes(results: &Results, fs: &str) -> Option<String> {
    const PLACES: [(f64, &str); 4] = [
        (4e3, "4 KB"),
        (4e4, "40 KB"),
        (4e5, "400 KB"),
        (4e6, "4 MB"),
    ];
    const SHOWN: [&str; 7] = [
        "floor flock",
        "story",
        "rs gix-lock",
        "node right",
        "floor flock+fsync",
        "story+fsync",
        "py filelock",
    ];
    let section = results.section("sizes", fs)?;
    let lines = SHOWN.iter().filter_map(|driver| {
        let row = section.row(driver)?;
        let values = ["4096", "40000", "400000", "4000000"];
        let times = values.map(|size| row.get(&format!("us_{size}"))?.as_f64().map(|us| us / 1e3));
        Some((plain(driver), times.to_vec()))
    });
    let plot = Lines {
        title: &format!("Time of an update by size of the story, in ms, {fs}"),
        x: "size of the story",
        places: &PLACES,
        is_log: true,
        values: lines.collect(),
    };
    Some(plot.svg())
}

fn processes(results: &Results, fs: &str) -> Option<String> {
    let section = results.section("processes", fs)?;
    let bars = section
        .rows
        .iter()
        .filter_map(|row| Some((plain(name(row)), row.get("x_floor")?.as_f64()?)));
    let plot = Bars {
        title: &format!("One update as a process, against a process of the floor, {fs}"),
        bars: bars.collect(),
    };
    Some(plot.svg())
}

fn crowd(
    results: &Results,
    fs: &str,
    title: &str,
    value: impl Fn(&crate::report::contention::Crowd<'_>) -> Option<f64>,
) -> Option<String> {
    const PLACES: [(u64, f64, &str); 3] = [(8, 8.0, "8"), (32, 32.0, "32"), (128, 128.0, "128")];
    const SHOWN: [&str; 6] = [
        "floor flock again",
        "story",
        "rs gix-lock",
        "rs card tempfile",
        "story+fsync",
        "node right",
    ];
    let crowds = crowds(results, fs);
    let lines: Vec<_> = SHOWN
        .iter()
        .map(|driver| {
            let values = PLACES.map(|(processes, ..)| value(find(&crowds, driver, processes)?));
            (plain(driver), values.to_vec())
        })
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .collect();
    let plot = Lines {
        title: &format!("{title}, {fs}"),
        x: "processes on one story",
        places: &PLACES.map(|(_, place, words)| (place, words)),
        is_log: false,
        values: lines,
    };
    (!plot.values.is_empty()).then(|| plot.svg())
}
