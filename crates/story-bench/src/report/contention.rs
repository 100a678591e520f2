//! Many processes on one story, each pass against the floor of the same pass.

use serde_json::Value;

use crate::report::table::is_durable;
use crate::results::{Results, Row, median, name};

/// The figures of one contender with so many processes: medians over the passes.
pub struct Crowd<'a> {
    pub driver: &'a str,
    pub processes: u64,
    /// Updates a second against the floor of the same durability, with as many processes.
    pub throughput: Option<f64>,
    pub jain: Option<f64>,
    pub slowest_ms: Option<f64>,
    /// The slowest update against the slowest of the floor.
    pub x_slowest: Option<f64>,
    /// Processor time of an update against one alone.
    pub x_cpu: Option<f64>,
    pub failed: f64,
    pub lost: f64,
    /// Reads meanwhile that did not see a whole story, or saw an older one than before.
    pub torn: f64,
}

/// All crowds of a file system, by contender and then by number.
pub fn crowds<'a>(results: &'a Results, fs: &str) -> Vec<Crowd<'a>> {
    let Some(section) = results.section("contended", fs) else {
        return Vec::new();
    };
    let mut keys: Vec<(&str, u64)> = Vec::new();
    for row in &section.rows {
        let key = (name(row), processes(row));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter()
        .map(|key| crowd(&section.rows, key))
        .collect()
}

fn processes(row: &Row) -> u64 {
    row.get("P").and_then(Value::as_u64).unwrap_or(0)
}

fn number(row: &Row, key: &str) -> Option<f64> {
    row.get(key)?.as_f64()
}

fn crowd<'a>(rows: &[Row], (driver, count): (&'a str, u64)) -> Crowd<'a> {
    let floor = if is_durable(driver) {
        "floor flock+fsync"
    } else {
        "floor flock"
    };
    let own: Vec<&Row> = rows
        .iter()
        .filter(|row| name(row) == driver && processes(row) == count)
        .collect();
    let over = |key: &str| median(own.iter().filter_map(|row| number(row, key)).collect());
    let sum = |key: &str| own.iter().filter_map(|row| number(row, key)).sum();
    let against = |key: &str| {
        let ratios = own.iter().filter_map(|row| {
            let floor = rows.iter().find(|it| {
                name(it) == floor && processes(it) == count && it.get("pass") == row.get("pass")
            });
            Some(number(row, key)? / number(floor?, key)?)
        });
        median(ratios.collect())
    };
    Crowd {
        driver,
        processes: count,
        throughput: against("per_s"),
        jain: over("jain"),
        slowest_ms: over("max_ms"),
        x_slowest: against("max_ms"),
        x_cpu: over("x_cpu"),
        failed: sum("failed"),
        lost: sum("lost"),
        torn: own.iter().map(|row| torn(row)).sum(),
    }
}

/// How many reads saw half a story, none, or an older one than before; the bench writes "0/1645", of so many. A story that
/// was not whole at the end counts as one more.
fn torn(row: &Row) -> f64 {
    let count = |key: &str| match row.get(key) {
        Some(Value::String(text)) => text.split('/').next()?.trim().parse().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    let is_broken = row.get("whole").is_some_and(|it| it != "yes");
    let counts = ["torn", "gone", "back"].into_iter().filter_map(count);
    counts.sum::<f64>() + f64::from(u8::from(is_broken))
}

/// One of them.
pub fn find<'a>(crowds: &'a [Crowd<'a>], driver: &str, processes: u64) -> Option<&'a Crowd<'a>> {
    crowds
        .iter()
        .find(|it| it.driver == driver && it.processes == processes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::results::Section;

    fn results(rows: &Value) -> Results {
        Results {
            sections: vec![Section {
                name: "contended".into(),
                fs: "tmpfs".into(),
                at: String::new(),
                load: String::new(),
                took_s: 0,
                commit: String::new(),
                is_quick: false,
                rows: serde_json::from_value(rows.clone()).unwrap(),
            }],
            ..Results::default()
        }
    }

    #[test]
    fn each_pass_is_compared_with_the_floor_of_its_own() {
        let results = results(&json!([
            {"driver": "floor flock", "P": 8, "pass": "0.0", "per_s": 100.0, "max_ms": 10.0},
            {"driver": "floor flock+fsync", "P": 8, "pass": "0.0", "per_s": 10.0, "max_ms": 1.0},
            {"driver": "story", "P": 8, "pass": "0.0", "per_s": 50.0, "max_ms": 30.0, "lost": 0, "torn": "2/90", "gone": 1},
            {"driver": "story+fsync", "P": 8, "pass": "0.0", "per_s": 9.0, "max_ms": 2.0},
            {"driver": "floor flock", "P": 8, "pass": "0.1", "per_s": 200.0, "max_ms": 10.0},
            {"driver": "story", "P": 8, "pass": "0.1", "per_s": 100.0, "max_ms": 40.0, "lost": 1, "torn": "1/90", "whole": "BROKEN"},
        ]));
        let crowds = crowds(&results, "tmpfs");
        let story = find(&crowds, "story", 8).unwrap();
        assert_eq!(story.throughput, Some(0.5), "half of its own floor, twice");
        assert_eq!(story.x_slowest, Some(4.0), "the upper one of two");
        assert!((story.lost - 1.0).abs() < 0.1, "whatever pass lost it");
        assert!(
            (story.torn - 5.0).abs() < 0.1,
            "the bench writes how many of how many"
        );
        let durable = find(&crowds, "story+fsync", 8).unwrap();
        assert_eq!(
            durable.throughput,
            Some(0.9),
            "against the floor that syncs"
        );
    }
}
