//! `story section …`: files beside a story, and parts of its body.

use serde_json::{Map, Value, json};
use story::section_file::{self, Round, SectionFile, UnknownSection};
use story::{Next, sections};

use crate::args::section::{
    SectionAppendArgs, SectionGetArgs, SectionPathArgs, SectionPutArgs, SectionVerb,
};
use crate::contract::{Dates, change, change_beside, check_own_folder, tell};
use crate::failure::{Code, Failure};
use crate::get;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::text_argument;
use crate::transaction::id_of;

/// Runs one of them.
///
/// # Errors
///
/// [`Failure`]; nothing is changed unless it says committed.
pub fn run(verb: &SectionVerb, settings: &Settings, output: &Output) -> Result<(), Failure> {
    match verb {
        SectionVerb::Get(args) => show(args, settings, output),
        SectionVerb::Append(args) => append(args, settings, output),
        SectionVerb::Put(args) => put(args, settings, output),
        SectionVerb::Path(args) => path(args, settings, output),
    }
}

fn show(args: &SectionGetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let section = args.name.as_deref().map(section_of).transpose()?;
    let target = Target::of_story(&args.story, settings)?;
    let story = get::read(&target, false, settings, output)?;
    let (text, source) = match (section, &args.heading) {
        (Some(section), _) => {
            let file = story::read_beside(&target.path, section.file_name()).map_err(|err| {
                Failure::from_read(err, settings.timeout).about("read a section of", &target)
            })?;
            let source = if file.is_some() { "file" } else { "story" };
            (section.text(file.as_deref(), &story), source)
        }
        (None, heading) => {
            let heading = heading.as_deref().unwrap_or_default();
            let found = sections::under(&story, heading);
            let text = found.ok_or_else(|| no_heading(heading, &target))?;
            (text.into_owned(), "story")
        }
    };
    if output.is_json() {
        let id = id_of(&story).or_else(|| target.id.clone());
        let mut result = json::success_of(id.as_deref(), &target.absolute());
        result.extend(name_of(section, args.heading.as_deref()));
        result.insert("source".to_owned(), source.into());
        result.insert("text".to_owned(), text.into());
        return write_json(result);
    }
    let line_end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    output.data(format!("{text}{line_end}").as_bytes())
}

fn append(args: &SectionAppendArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    match (&args.heading, &args.words[..]) {
        (Some(heading), [text]) => append_to_body(args, heading, text, settings, output),
        (None, [name, text]) => append_to_file(args, section_of(name)?, text, settings, output),
        (Some(_), _) => Err(Failure::usage("with --heading there is TEXT, and no NAME")),
        (None, _) => Err(Failure::usage("TEXT is missing")
            .hint("say NAME and TEXT, or --heading HEADING and TEXT")),
    }
}

fn append_to_body(
    args: &SectionAppendArgs,
    heading: &str,
    text: &str,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let text = filled(text)?;
    let target = Target::of_story(&args.story, settings)?;
    let ((), done) = change(
        &target,
        "story section append",
        Dates::Updated,
        settings,
        output,
        |story| sections::append_under(story, heading, &text),
    )?;
    tell(&done, name_of(None, Some(heading)), output)
}

fn append_to_file(
    args: &SectionAppendArgs,
    section: SectionFile,
    text: &str,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let text = filled(text)?;
    let target = Target::of_story(&args.story, settings)?;
    let round = if args.rework {
        Round::Rework
    } else {
        Round::Iteration
    };
    let now = settings.moment();
    let (number, done) = change_beside(
        &target,
        section.file_name(),
        "story section append",
        settings,
        output,
        |found| {
            let contents = found.contents;
            Ok(section_file::appended(
                contents,
                &text,
                round,
                args.iteration,
                now,
            ))
        },
    )?;
    let mut members = name_of(Some(section), None);
    members.insert("number".to_owned(), number.into());
    tell(&done, members, output)
}

fn put(args: &SectionPutArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let section = section_of(&args.name)?;
    let text = text_argument::read_or_stdin(&args.text)?;
    let target = Target::of_story(&args.story, settings)?;
    let now = settings.moment();
    let ((), done) = change_beside(
        &target,
        section.file_name(),
        "story section put",
        settings,
        output,
        |_| Ok(((), Next::Written(section_file::fresh(&text, now)))),
    )?;
    tell(&done, name_of(Some(section), None), output)
}

fn path(args: &SectionPathArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let section = section_of(&args.name)?;
    let target = Target::of_story(&args.story, settings)?;
    check_own_folder(&target)?;
    for warning in &target.warnings {
        output.warning(warning);
    }
    let path = target.absolute().with_file_name(section.file_name());
    let exists = path.symlink_metadata().is_ok();
    if output.is_json() {
        let mut result = json::success_of(target.id.as_deref(), &path);
        result.extend(name_of(Some(section), None));
        result.insert("exists".to_owned(), exists.into());
        return write_json(result);
    }
    let mut line = path.as_os_str().as_encoded_bytes().to_vec();
    line.push(b'\n');
    output.data(&line)
}

/// The text that is to be appended; nothing is a mistake.
fn filled(given: &str) -> Result<String, Failure> {
    let text = text_argument::read_or_stdin(given)?;
    if text.trim().is_empty() {
        return Err(Failure::usage("the text is empty"));
    }
    Ok(text)
}

fn section_of(name: &str) -> Result<SectionFile, Failure> {
    name.parse().map_err(|err: UnknownSection| {
        Failure::usage(err.to_string()).hint("say --heading for a section of the body")
    })
}

fn no_heading(heading: &str, target: &Target) -> Failure {
    Failure::new(Code::NotFound, "")
        .cause(format!("there is no heading {heading:?} in its body"))
        .about("read a section of", target)
}

fn name_of(section: Option<SectionFile>, heading: Option<&str>) -> Map<String, Value> {
    let name = match (section, heading) {
        (Some(section), _) => json!({ "section": section.name() }),
        (None, heading) => json!({ "heading": heading }),
    };
    json::object(name)
}
