//! `story lease plan`: which agents would stand in each other's way, before any of them begins.

use std::path::Path;

use lease::plan::{PlanError, PlannedRequest, Report};
use lease::{InputError, Intent, Roles, ScopeRegistry, parse_intents};

use super::report;
use crate::args::lease_plan::PlanArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json, write_stdout};
use crate::settings::Settings;
use crate::text_argument;

/// Prints the report and returns the exit code, which says whether there are conflicts.
///
/// # Errors
///
/// [`Failure`]: a file cannot be read, is not what it should be, or the leases cannot be read.
pub(super) fn run(
    args: &PlanArgs,
    registry: &ScopeRegistry,
    settings: &Settings,
    output: &Output,
) -> Result<u8, Failure> {
    let roles = match &args.roles {
        Some(file) => parsed(file, Roles::parse)?,
        None => Roles::default(),
    };
    let intents: Vec<Intent> = parsed(&args.file, parse_intents)?;
    let requests = registry
        .planned(&intents, &roles)
        .map_err(|err| failed(err, &args.file, settings))?;
    let report = registry
        .check(&requests)
        .map_err(|err| failed(err, &args.file, settings))?;
    let conflict = conflict(&report);
    let told = tell(&requests, &report, conflict.as_ref(), output);
    match conflict {
        // That nobody reads it does not make it a plan without conflicts.
        Some(conflict) => {
            output.failure(&conflict);
            Ok(conflict.exit())
        }
        None => crate::app::heard_enough(told),
    }
}

fn parsed<T>(file: &Path, parse: fn(&str) -> Result<T, InputError>) -> Result<T, Failure> {
    let text = text_argument::read(&format!("@{}", file.display()))?;
    parse(&text).map_err(|err| {
        let mut failure = Failure::usage(format!("cannot read {}", file.display()))
            .with_chain(&err)
            .hint("`story lease plan --help` shows what may stand in it")
            .at(file);
        failure.position = Some((err.line, err.column));
        failure
    })
}

fn failed(err: PlanError, file: &Path, settings: &Settings) -> Failure {
    match err {
        PlanError::Lease(err) => Failure::from_lease(err, "check the plan", settings),
        err => Failure::usage("cannot check the plan")
            .with_chain(&err)
            .at(file),
    }
}

fn conflict(report: &Report) -> Option<Failure> {
    let count = report.conflicts.len();
    let headline = match count {
        0 => return None,
        1 => "the plan has a conflict".to_owned(),
        _ => format!("the plan has {count} conflicts"),
    };
    let hint = "run the agents in the waves, or change what they touch and check again";
    Some(Failure::new(Code::Conflict, headline).hint(hint))
}

fn tell(
    requests: &[PlannedRequest],
    report: &Report,
    conflict: Option<&Failure>,
    output: &Output,
) -> Result<(), Failure> {
    if !output.is_json() {
        return write_stdout(report::to_text(report).as_bytes());
    }
    let mut result = match conflict {
        Some(conflict) => json::failure(conflict),
        None => json::success(),
    };
    result.extend(report::to_json(requests, report));
    write_json(result)
}
