//! `story workflow …`: the checkpoint of a run.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use story::workflow_state::{
    Action, Doubt, FILE_NAME, NewWorkflow, Present, StateError, WorkflowState,
};
use story::{FoundBeside, Next, OperationError, workflow_migration};

use crate::args::workflow::{
    WorkflowClearArgs, WorkflowFinishArgs, WorkflowShowArgs, WorkflowStartArgs, WorkflowVerb,
};
use crate::contract::{change_beside, check_own_folder, tell};
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::{Target, sdlc_root};
use crate::settings::Settings;
use crate::signals;
use crate::transaction::{Done, chain, options_for, patiently};

/// Runs one of them.
///
/// # Errors
///
/// [`Failure`]; the checkpoint is unchanged unless it says committed.
pub fn run(verb: &WorkflowVerb, settings: &Settings, output: &Output) -> Result<(), Failure> {
    match verb {
        WorkflowVerb::Show(args) => show(args, settings, output),
        WorkflowVerb::Start(args) => start(args, settings, output),
        WorkflowVerb::Finish(args) => finish(args, settings, output),
        WorkflowVerb::Clear(args) => clear(args, settings, output),
        WorkflowVerb::Migrate(_) => migrate(settings, output),
    }
}

fn show(args: &WorkflowShowArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let unread = |err| Failure::from_read(err, settings.timeout).about("read the run of", &target);
    let bytes = story::read_beside(&target.path, FILE_NAME).map_err(unread)?;
    let story = story::read(&target.path).map_err(unread)?;
    let refuse = |err: StateError| {
        let failure = Failure::from_operation(&err.into()).about("read the run of", &target);
        naming(failure, &path_of(&target))
    };
    let bytes = bytes.ok_or_else(|| refuse(StateError::Missing))?;
    let state = WorkflowState::parse(&bytes).map_err(refuse)?;
    let present = Present {
        now: settings.moment(),
        story: story.revision(),
    };
    let doubts = state.doubts(&present);
    let doubts: Vec<String> = doubts.iter().map(Doubt::to_string).collect();
    for warning in target.warnings.iter().chain(&doubts) {
        output.warning(warning);
    }
    if output.is_json() {
        let mut result = json::success_of(target.id.as_deref(), &path_of(&target));
        result.insert("state".to_owned(), state.value().clone());
        result.insert("warnings".to_owned(), doubts.into());
        return write_json(result);
    }
    output.data(summary(&state).as_bytes())
}

fn summary(state: &WorkflowState) -> String {
    let completed = state.completed_actions().into_iter();
    let done = completed.map(|action| format!("done:     {}\n", action.kind));
    let running = state.current_action();
    let running = running.map(|action| format!("running:  {}\n", action.kind));
    let head = format!("workflow: {}\n", state.workflow_id());
    std::iter::once(head).chain(done).chain(running).collect()
}

fn start(args: &WorkflowStartArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let action = action(&args.action, &target)?;
    let workflow = NewWorkflow {
        id: match &args.workflow {
            Some(id) => id.clone(),
            None => fresh_id(settings)?,
        },
        sdlc_root: root_of(&target),
        story_id: action.story_id.clone(),
    };
    let (id, done) = change(&target, "story workflow start", settings, output, |found| {
        let present = present(&found, settings);
        let mut state = match found.contents {
            Some(bytes) => WorkflowState::parse(bytes)?,
            None => WorkflowState::new(&workflow, &present),
        };
        check(&state, args.workflow.as_deref())?;
        if !args.resume {
            state.check_idle()?;
        }
        state.start(&action, &present)?;
        Ok((state.workflow_id().to_owned(), written(&state)))
    })?;
    tell(&done, json::object(json!({ "workflow": id })), output)?;
    if output.is_json() {
        return Ok(());
    }
    output
        .line(None, &id)
        .map_err(|unwritten| done.unreported(unwritten))
}

fn finish(args: &WorkflowFinishArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let named = args.action.as_deref();
    let named = named.map(|kind| action(kind, &target)).transpose()?;
    let (members, done) = change(
        &target,
        "story workflow finish",
        settings,
        output,
        |found| {
            let present = present(&found, settings);
            let mut state = WorkflowState::parse(found.contents.ok_or(StateError::Missing)?)?;
            check(&state, args.workflow.as_deref())?;
            if args.given_up {
                state.give_up(&present)?;
            } else {
                state.finish(named.as_ref(), &present)?;
            }
            Ok((told(&state), written(&state)))
        },
    )?;
    tell(&done, members, output)
}

fn clear(args: &WorkflowClearArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let ((), done) = change(&target, "story workflow clear", settings, output, |found| {
        // Whose it is must be readable only where that is asked.
        if let (Some(bytes), Some(id)) = (found.contents, &args.workflow) {
            WorkflowState::parse(bytes)?.check_workflow(id)?;
        }
        Ok(((), Next::Removed))
    })?;
    tell(&done, Map::new(), output)
}

fn migrate(settings: &Settings, output: &Output) -> Result<(), Failure> {
    signals::note();
    let root = sdlc_root(settings)?;
    let global = workflow_migration::global_path(&root);
    let id = workflow_migration::story_of_global(&root).map_err(|err| {
        let failure = Failure::from_update(err, settings.timeout);
        naming(
            failure.headline("cannot move the global checkpoint"),
            &global,
        )
    })?;
    let Some(id) = id else {
        return tell_migrated(None, &[], &Target::at(global), output);
    };
    let target = Target::of_story(Path::new(&id), settings)?;
    check_own_folder(&target)?;
    let options = options_for(&target, settings, "story workflow migrate")?;
    let migrated = patiently(&options, &mut |options| {
        workflow_migration::migrate(&root, &id, &target.path, options, || {
            signals::begin_commit().map_err(Into::into)
        })
    });
    let migrated = migrated.map_err(|err| {
        let failure = Failure::from_update(err, settings.timeout);
        failure.about("move the checkpoint of", &target)
    })?;
    let mut warnings = target.warnings.clone();
    let path = migrated.as_ref().map(|migrated| migrated.path.clone());
    if let Some(migrated) = &migrated {
        warnings.extend(migrated.warnings.iter().map(|warning| chain(warning)));
    }
    let target = Target {
        path: path.clone().unwrap_or(global),
        ..target
    };
    tell_migrated(path.as_deref(), &warnings, &target, output)
}

fn tell_migrated(
    path: Option<&Path>,
    warnings: &[String],
    target: &Target,
    output: &Output,
) -> Result<(), Failure> {
    for warning in warnings {
        output.warning(warning);
    }
    match path {
        Some(path) => output.note(&format!("the checkpoint is {} now", path.display())),
        None => output.note("there is no global checkpoint: nothing to change"),
    }
    if !output.is_json() {
        return Ok(());
    }
    let mut result = json::success_of(target.id.as_deref(), &target.path);
    let changed: Vec<&str> = path.map(|_| FILE_NAME).into_iter().collect();
    result.insert("changed".to_owned(), changed.into());
    result.insert("warnings".to_owned(), warnings.into());
    write_json(result).map_err(|unwritten| match path {
        Some(_) => unwritten.after_commit(target),
        None => unwritten,
    })
}

/// Says which file is to be looked at, and removed, when a checkpoint cannot be read.
fn naming(failure: Failure, path: &Path) -> Failure {
    if failure.code != Code::Parse {
        return failure;
    }
    let hint = format!(
        "look at {}, then remove it: the run has to begin anew",
        path.display()
    );
    failure.at(path).hint(hint)
}

/// Changes the checkpoint of a story.
fn change<T>(
    target: &Target,
    command: &str,
    settings: &Settings,
    output: &Output,
    operation: impl FnMut(FoundBeside<'_>) -> Result<(T, Next), OperationError>,
) -> Result<(T, Done), Failure> {
    change_beside(target, FILE_NAME, command, settings, output, operation)
        .map_err(|failure| naming(failure, &path_of(target)))
}

fn path_of(target: &Target) -> PathBuf {
    target.absolute().with_file_name(FILE_NAME)
}

fn present(found: &FoundBeside<'_>, settings: &Settings) -> Present {
    Present {
        now: settings.moment(),
        story: found.story_revision(),
    }
}

fn check(state: &WorkflowState, workflow: Option<&str>) -> Result<(), OperationError> {
    workflow.map_or(Ok(()), |id| Ok(state.check_workflow(id)?))
}

fn written(state: &WorkflowState) -> Next {
    Next::Written(state.as_str().into())
}

fn told(state: &WorkflowState) -> Map<String, Value> {
    let running = state.current_action().map(|action| action.kind);
    json::object(json!({
        "workflow": state.workflow_id(),
        "running": running,
        "completed": state.completed_actions().len(),
    }))
}

/// An action on a story, by the name that its folder has.
fn action(kind: &str, target: &Target) -> Result<Action, Failure> {
    if kind.trim().is_empty() || kind.chars().any(char::is_control) {
        return Err(Failure::usage(format!(
            "{kind:?} is not the name of an action"
        )));
    }
    Ok(Action {
        kind: kind.to_owned(),
        story_id: target.id.clone().unwrap_or_default(),
        story_path: target.absolute().to_string_lossy().into_owned(),
    })
}

/// The sdlc root, seen from `stories/<id>/story.md` in it.
fn root_of(target: &Target) -> String {
    let path = target.absolute();
    let root = path.ancestors().nth(3).unwrap_or(&path);
    root.to_string_lossy().into_owned()
}

/// `workflow-<milliseconds>-<8 hexadecimal digits>`
fn fresh_id(settings: &Settings) -> Result<String, Failure> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|err| {
        Failure::new(Code::Io, "cannot make the id of a workflow").cause(err.to_string())
    })?;
    let digits = u32::from_be_bytes(random);
    let now = settings.now().as_millisecond();
    Ok(format!("workflow-{now}-{digits:08x}"))
}
