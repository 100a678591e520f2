//! `story phases`: in which order stories can be worked on.

use serde_json::{Value, json};
use story::board::is_of_epic;
use story::phases::{Phases, phases};
use story::{Head, Workspace};

use super::{cells, scanned};
use crate::args::queries::PhasesArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::places;
use crate::settings::Settings;
use crate::terminal::Style;

/// Tells the phases of the stories that are not done.
///
/// # Errors
///
/// `EREFUSED` when a dependency is not there, or stories depend on each other in a circle.
pub fn run(args: &PhasesArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let workspace: Workspace = places::workspace(settings)?;
    let (scan, warnings) = scanned(&workspace, output);
    let epic = args.epic.as_deref();
    let wanted = |head: &Head| epic.is_none_or(|epic| is_of_epic(head, epic));
    let found = phases(&scan.heads, wanted).map_err(|err| {
        Failure::new(Code::Refused, "cannot put the stories into phases")
            .with_chain(&err)
            .hint("mend `dependencies`, such as `story set S-0034 --remove dependencies=S-0001`")
            .at(&workspace.stories())
    })?;
    if output.is_json() {
        let ids = |phase: &Vec<&Head>| phase.iter().map(|head| head.id.clone()).collect();
        let members: Vec<Vec<String>> = found.phases.iter().map(ids).collect();
        let outside = found.outside.iter();
        let outside: Vec<Value> = outside
            .map(|(head, id)| json!({ "story": head.id, "waits_for": id }))
            .collect();
        let mut result = json::success();
        result.insert("phases".to_owned(), members.into());
        result.insert("outside".to_owned(), outside.into());
        result.insert("warnings".to_owned(), warnings.into());
        return write_json(result);
    }
    show(&found, output)
}

fn show(found: &Phases<'_>, output: &Output) -> Result<(), Failure> {
    if found.phases.is_empty() {
        output.note("no stories that are not done");
    }
    for (at, phase) in found.phases.iter().enumerate() {
        output.line(Some(Style::Heading), &format!("phase {}", at + 1))?;
        let ids = phase.iter().map(|head| cells::width(&cells::id(head)));
        let widest = ids.max().unwrap_or_default();
        for head in phase {
            let id = cells::pad(&cells::id(head), widest);
            let line = format!(
                "  {id}  {:11}  {}",
                head.status.as_str(),
                cells::title(head)
            );
            output.line(None, line.trim_end())?;
        }
    }
    for (head, id) in &found.outside {
        output.warning(&format!(
            "{} waits for {id}, which is not done and not among these",
            head.id
        ));
    }
    Ok(())
}
