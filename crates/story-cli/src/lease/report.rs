//! The report on a plan, for people and for programs. Pure.

use std::fmt::Write as _;

use lease::plan::{Conflict, Part, PlannedRequest, Report, Resolution, Rival, Wave};
use lease::{Clash, Overlap, Scope};
use serde_json::{Map, Value, json};

use super::json::scope_to_json;
use crate::json::object;

/// What was found out, one line for each fact.
pub fn to_text(report: &Report) -> String {
    let mut text = String::new();
    for conflict in &report.conflicts {
        line(&mut text, &format!("conflict: {conflict}"));
        for clash in &conflict.paths {
            line(&mut text, &format!("  {}", clash_to_text(clash)));
        }
        for resolution in &conflict.resolutions {
            line(&mut text, &format!("  could: {resolution}"));
        }
    }
    for (index, wave) in report.waves.iter().enumerate() {
        line(&mut text, &wave_to_text(index + 1, wave));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", crate::terminal::escape_line(line)).expect("a String takes any text");
}

fn clash_to_text(clash: &Clash) -> String {
    let Clash {
        wanted,
        held,
        overlap,
    } = clash;
    let perhaps = match overlap {
        Overlap::Perhaps => "perhaps ",
        _ => "",
    };
    if wanted == held {
        format!("both: {wanted}")
    } else {
        format!("{perhaps}both: {wanted} and {held}")
    }
}

fn wave_to_text(number: usize, wave: &Wave) -> String {
    let agents: Vec<_> = wave.agents.iter().map(ToString::to_string).collect();
    let mut text = format!("wave {number}: {}", agents.join(" "));
    if let Some(time) = wave.not_before {
        write!(text, ", not before {time:.0}").expect("a String takes any text");
    }
    if !wave.waits_for.is_empty() {
        let others: Vec<_> = wave.waits_for.iter().map(ToString::to_string).collect();
        write!(
            text,
            " or when the leases of {} are released",
            others.join(", ")
        )
        .expect("a String takes any text");
    }
    text
}

/// The members `agents`, `conflicts` and `waves`.
pub fn to_json(requests: &[PlannedRequest], report: &Report) -> Map<String, Value> {
    object(json!({
        "agents": requests.iter().map(request_to_json).collect::<Vec<_>>(),
        "conflicts": report.conflicts.iter().map(conflict_to_json).collect::<Vec<_>>(),
        "waves": report.waves.iter().map(wave_to_json).collect::<Vec<_>>(),
    }))
}

fn request_to_json(request: &PlannedRequest) -> Value {
    let mut result = object(json!({
        "agent": request.agent.as_str(),
        "mode": request.access.name(),
    }));
    result.extend(scope_to_json(&request.scope));
    result.extend(object(json!({
        "task_description": request.task,
        "after": request.after.iter().map(lease::Agent::as_str).collect::<Vec<_>>(),
    })));
    result.into()
}

fn conflict_to_json(conflict: &Conflict) -> Value {
    json!({
        "agent": conflict.agent.as_str(),
        "mode": conflict.mode.name(),
        "task_description": conflict.task,
        "rival": rival_to_json(&conflict.rival),
        "paths": conflict.paths.iter().map(clash_to_json).collect::<Vec<_>>(),
        "resolutions": conflict.resolutions.iter().map(resolution_to_json).collect::<Vec<_>>(),
    })
}

/// `state` is planned, live or waiting.
fn rival_to_json(rival: &Rival) -> Value {
    match rival {
        Rival::Planned { agent, mode, task } => json!({
            "agent": agent.as_str(),
            "mode": mode.name(),
            "state": "planned",
            "task_description": task,
        }),
        Rival::AtWork {
            agent,
            mode,
            task,
            since,
            until,
            token,
            is_waiting,
        } => json!({
            "agent": agent.as_str(),
            "mode": mode.name(),
            "state": if *is_waiting { "waiting" } else { "live" },
            "task_description": task,
            "since": format!("{since:.3}"),
            "until": format!("{until:.3}"),
            "token": token.map(|token| token.0),
        }),
    }
}

fn clash_to_json(clash: &Clash) -> Value {
    json!({
        "wanted": clash.wanted.to_string(),
        "held": clash.held.to_string(),
        "certain": clash.overlap == Overlap::Yes,
    })
}

fn resolution_to_json(resolution: &Resolution) -> Value {
    let mut result = object(json!({ "kind": resolution.name() }));
    result.extend(object(match resolution {
        Resolution::RunOneAfterTheOther { first, then } => {
            json!({ "first": first.as_str(), "then": then.as_str() })
        }
        Resolution::ReassignFiles { paths, from, to } => {
            json!({ "paths": names(paths), "from": from.as_str(), "to": to.as_str() })
        }
        Resolution::SplitDirectory { directory, parts } => json!({
            "directory": directory.to_string(),
            "parts": parts.iter().map(part_to_json).collect::<Vec<_>>(),
        }),
        Resolution::MergeTasks { agents } => {
            json!({ "agents": agents.iter().map(lease::Agent::as_str).collect::<Vec<_>>() })
        }
    }));
    result.insert("text".to_owned(), resolution.to_string().into());
    result.into()
}

fn part_to_json(part: &Part) -> Value {
    json!({
        "agent": part.agent.as_str(),
        "gets": names(&part.gets),
        "except": names(&part.except),
    })
}

fn names(scope: &Scope) -> Vec<String> {
    scope.patterns().map(ToString::to_string).collect()
}

fn wave_to_json(wave: &Wave) -> Value {
    json!({
        "agents": wave.agents.iter().map(lease::Agent::as_str).collect::<Vec<_>>(),
        "not_before": wave.not_before.map(|time| format!("{time:.3}")),
        "waits_for": wave.waits_for.iter().map(lease::Agent::as_str).collect::<Vec<_>>(),
    })
}
