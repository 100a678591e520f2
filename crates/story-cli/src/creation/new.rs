//! `story new`.

use serde_json::Value as Json;
use story::sanitise;
use story::workspace::StoryCopy;
use story::{CreateError, Created, Creation, NewId, NewStory, Offered, Value};

use super::body;
use crate::args::creation::NewArgs;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::finding::not_an_id;
use crate::json;
use crate::output::{Output, write_json, write_stdout};
use crate::places::{Target, workspace};
use crate::settings::{Settings, Touch};
use crate::signals;
use crate::story_leases;
use crate::transaction::{chain, took_over_text};

/// Makes the story and prints its id.
///
/// # Errors
///
/// [`Failure`]; no story was made unless it says committed.
pub fn run(args: &NewArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    signals::watch();
    let mut warnings = Vec::new();
    let new = new_story(args, settings, &mut warnings)?;
    let workspace = workspace(settings)?;
    story_leases::look_in(&workspace, Some(workspace.stories()), settings)
        .map_err(|failure| failure.headline("cannot make the story"))?;
    let creation = Creation::acquire(&workspace, &settings.lock_options("story new"))
        .map_err(|err| failure(err, settings))?;
    warnings.extend(creation.took_over().map(took_over_text));
    signals::begin_commit().map_err(|_| interrupted())?;
    let created = creation.create(&new, settings.moment(), settings.durability());
    let released = creation.release();
    signals::end_commit();
    let created = created.map_err(|err| failure(err, settings))?;
    warnings.extend(created.warnings.iter().map(|warning| chain(warning)));
    warnings.extend(released.err().map(|err| chain(&err)));
    tell(&created, warnings, output)
}

/// What the arguments ask for.
fn new_story(
    args: &NewArgs,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<NewStory, Failure> {
    let given = args.body.as_deref().map(body::read).transpose()?;
    let offered = given.as_ref().map(|given| Offered::of(&given.text));
    let from_body = || {
        let title = offered.as_ref().and_then(|offered| offered.title.clone());
        title.or_else(|| given.as_ref().and_then(|given| given.name.clone()))
    };
    let title = args.title.clone().or_else(from_body).unwrap_or_default();
    let clean = sanitise::title(&title);
    if clean.is_empty() {
        return Err(Failure::usage("the story has no title")
            .hint("a title needs something else than blanks and characters of shells"));
    }
    if clean != title {
        warnings.push(format!("the title was made harmless: {clean}"));
    }
    let body = offered.map(|offered| offered.body);
    if body
        .as_ref()
        .is_some_and(|body| sanitise::body(body) != *body)
    {
        warnings.push("script and iframe elements were cut out of the body".to_owned());
    }
    Ok(NewStory {
        title,
        id: id(args)?,
        kind: args.kind.clone(),
        priority: priority(args.priority)?,
        labels: args.labels.clone(),
        body,
        extras: extras(args, settings)?,
    })
}

fn id(args: &NewArgs) -> Result<NewId, Failure> {
    if let Some(id) = &args.id {
        return Ok(NewId::Given(id.clone()));
    }
    if !args.random_id {
        return Ok(NewId::Next);
    }
    let mut random = [0; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => Ok(NewId::Random {
            seed: u64::from_le_bytes(random),
        }),
        Err(err) => Err(Failure::new(Code::Io, "cannot make an id").cause(err.to_string())),
    }
}

fn priority(given: Option<f64>) -> Result<Option<f64>, Failure> {
    match given {
        Some(number) if !number.is_finite() => {
            Err(Failure::usage("a priority is a number, lower first"))
        }
        given => Ok(given),
    }
}

fn extras(args: &NewArgs, settings: &Settings) -> Result<Vec<(String, Value)>, Failure> {
    let mut extras = Vec::new();
    for text in &args.fields {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("{text:?} is not KEY=VALUE")));
        };
        let value = Value::parse_yaml(value).map_err(|err| {
            Failure::usage(format!("the value in {text:?} is no YAML")).with_chain(&err.kind)
        })?;
        extras.push((key.to_owned(), value));
    }
    if settings.touch == Touch::Always {
        extras.push(("updated".to_owned(), settings.today().into()));
    }
    Ok(extras)
}

fn tell(created: &Created, warnings: Vec<String>, output: &Output) -> Result<(), Failure> {
    for warning in &warnings {
        output.warning(warning);
    }
    output.detail(&format!("made {}", created.path.display()));
    let written = if output.is_json() {
        let mut result = json::success_of(Some(&created.id), &created.path);
        let mut changed: Vec<Json> = created.story.fields().into_iter().map(Json::from).collect();
        changed.push("content".into());
        result.insert("changed".to_owned(), changed.into());
        result.insert(
            "rev".to_owned(),
            created.story.revision().to_string().into(),
        );
        result.insert("warnings".to_owned(), warnings.into());
        for key in ["title", "slug", "priority"] {
            let value = created.story.get(key).ok().flatten();
            result.insert(
                key.to_owned(),
                value.map_or(Json::Null, |value| value.to_json()),
            );
        }
        write_json(result)
    } else {
        write_stdout(format!("{}\n", created.id).as_bytes())
    };
    written.map_err(|unwritten| {
        unwritten
            .after_commit(&target(created))
            .hint("do not run it again: there would be two")
    })
}

fn target(created: &Created) -> Target {
    Target {
        path: created.path.clone(),
        id: Some(created.id.clone()),
        copy: Some(StoryCopy::Main),
        warnings: Vec::new(),
    }
}

fn interrupted() -> Failure {
    Failure::new(Code::Io, "no story was made").cause("a signal came before anything was written")
}

fn failure(err: CreateError, settings: &Settings) -> Failure {
    let headline = "no story was made";
    let mut failure = match err {
        CreateError::NoStories { path } => Failure::new(Code::NotFound, headline)
            .cause(format!("there is no folder {}", path.display()))
            .hint("`story init` makes it")
            .at(&path),
        CreateError::NoTitle | CreateError::IdIsNoText => Failure::usage(headline).with_chain(&err),
        CreateError::Id { id, reason } => not_an_id(&id, reason),
        CreateError::Taken { ref id, ref path } => {
            let mut failure = Failure::new(Code::Refused, headline)
                .with_chain(&err)
                .hint("leave --id out for the next number; `story get ID id` shows who has it")
                .at(path);
            failure.story = Some(id.clone());
            failure
        }
        CreateError::Lock(err) => Failure::from_acquire(err, settings.timeout),
        CreateError::Lost(err) => Failure::new(Code::Lost, headline)
            .with_chain(&err)
            .retryable(true),
        CreateError::Folder(err) => Failure::new(code_of_io(err.io()), headline)
            .with_chain(&err)
            .at(err.path()),
        CreateError::Edit(err) => Failure::from_edit(&err),
        CreateError::Commit(err) if err.is_committed() => {
            Failure::from_commit(&err).hint("do not run it again: there would be two")
        }
        CreateError::Commit(err) => Failure::from_commit(&err),
        err => Failure::new(Code::Refused, headline).with_chain(&err),
    };
    if !failure.is_committed() && failure.code != Code::Usage {
        headline.clone_into(&mut failure.headline);
    }
    failure
}
