//! `story tasks check`: do the metrics agree with the board, and can all tasks be done?

use serde_json::{Map, Value, json};
use state_file::board::{Check, Difference, Problem};

use super::changing::warnings_of;
use super::{Desk, absolute};
use crate::args::tasks::CheckArgs;
use crate::failure::{Code, Failure};
use crate::json::{object, success, text};
use crate::output::write_json;
use crate::signals;

/// How many differences people are told of. Chosen: the first say what kind they are.
const MOST_TOLD: usize = 10;

pub(super) fn check(desk: &Desk<'_>, args: &CheckArgs) -> Result<(), Failure> {
    let (doing, metrics) = if args.rebuild {
        ("write the metrics anew", Metrics::WrittenAnew)
    } else {
        ("compare the metrics with the board", Metrics::AsFound)
    };
    let options = desk.options(doing)?;
    signals::note();
    let found = match metrics {
        Metrics::AsFound => desk.board.check(&options),
        Metrics::WrittenAnew => desk.board.rebuild_metrics(&options),
    };
    let found = found.map_err(desk.failed(doing))?;
    let warnings = warnings_of(&found.told);
    for warning in &warnings {
        desk.output.warning(warning);
    }
    let mended = match metrics {
        Metrics::AsFound => &[],
        Metrics::WrittenAnew => found.differences.as_slice(),
    };
    for difference in mended {
        desk.output
            .note(&format!("mended: {}", difference_to_text(difference)));
    }
    if found.differences.len() > mended.len() || !found.problems.is_empty() {
        return Err(unsound(desk, &found, metrics));
    }
    desk.output.note("the metrics agree with the board");
    tell(desk, &found, metrics, &warnings)
}

/// What becomes of metrics that say otherwise than the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metrics {
    AsFound,
    WrittenAnew,
}

fn tell(
    desk: &Desk<'_>,
    found: &Check,
    metrics: Metrics,
    warnings: &[String],
) -> Result<(), Failure> {
    if !desk.output.is_json() {
        return Ok(());
    }
    let differences = found.differences.iter().map(difference_to_json);
    let mut result: Map<String, Value> = success();
    result.extend(object(json!({
        "path": text(&absolute(&desk.metrics)),
        "differences": differences.collect::<Vec<_>>(),
        "rebuilt": metrics == Metrics::WrittenAnew && !found.differences.is_empty(),
        "warnings": warnings,
    })));
    write_json(result)
}

/// What is wrong is told as conflicts. What the metrics said otherwise is mended already where that was asked for.
fn unsound(desk: &Desk<'_>, found: &Check, metrics: Metrics) -> Failure {
    let differences = match metrics {
        Metrics::AsFound => found.differences.as_slice(),
        Metrics::WrittenAnew => &[],
    };
    let (headline, path, hint) = if differences.is_empty() {
        (
            "the board has tasks that somebody must mend",
            &desk.tasks,
            "mend them with `story tasks update`, or the file with `story state set`",
        )
    } else {
        (
            "the metrics do not agree with the board",
            &desk.metrics,
            "something else wrote one of the two files; `story tasks check --rebuild` counts anew from the board",
        )
    };
    let mut failure = Failure::new(Code::Refused, headline)
        .at(&absolute(path))
        .hint(hint);
    let told = differences.iter().map(difference_to_text);
    let problems = || found.problems.iter();
    failure.causes = told.chain(problems().map(Problem::to_string)).collect();
    let others = failure.causes.len().saturating_sub(MOST_TOLD);
    if others > 0 {
        failure.causes.truncate(MOST_TOLD);
        failure
            .causes
            .push(format!("and {others} more; --json tells all"));
    }
    let conflicts = differences.iter().map(difference_to_json);
    let problems = problems().map(|problem| json!({ "problem": problem.to_string() }));
    failure.conflicts = conflicts.chain(problems).collect();
    failure
}

fn difference_to_text(difference: &Difference) -> String {
    let Difference {
        what,
        expected,
        found,
        ..
    } = difference;
    let or_nothing = |text: &str| match text {
        "" => "nothing".to_owned(),
        text => text.to_owned(),
    };
    format!(
        "{what}: the board says {}, the metrics {}",
        or_nothing(expected),
        or_nothing(found)
    )
}

fn difference_to_json(difference: &Difference) -> Value {
    let or_null = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "what": difference.what,
        "board": or_null(&difference.expected),
        "metrics": or_null(&difference.found),
    })
}
