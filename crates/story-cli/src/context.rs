//! `story context`: a story with what its phases wrote.

use story::{SectionSource, StoryContext};

use crate::args::lifecycle::ContextArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::id_of;

/// Prints the story, and behind it the section files, each under a line with its name.
///
/// # Errors
///
/// [`Failure`] when one of them is there and cannot be read, or cannot be printed.
pub fn run(args: &ContextArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let context = StoryContext::read(&target.path)
        .map_err(|err| Failure::from_read(err, settings.timeout).about("read", &target))?;
    if output.is_json() {
        return in_json(&context, &target);
    }
    let mut text = context.story.as_bytes().to_vec();
    for found in &context.sections {
        // What stands in the story has been printed with it.
        if found.source == SectionSource::File && !found.text.trim().is_empty() {
            end_line(&mut text);
            text.extend(format!("\n===== {} =====\n\n", found.section.file_name()).bytes());
            text.extend(found.text.bytes());
        }
    }
    end_line(&mut text);
    output.data(&text)
}

fn end_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

fn in_json(context: &StoryContext, target: &Target) -> Result<(), Failure> {
    let story = &context.story;
    let Ok(content) = std::str::from_utf8(story.body()) else {
        return Err(Failure::new(Code::Parse, "")
            .cause("its body is not UTF-8, which JSON cannot carry")
            .hint("use `story context` without --json")
            .about("show", target));
    };
    let id = id_of(story).or_else(|| target.id.clone());
    let mut result = json::success_of(id.as_deref(), &target.absolute());
    result.insert("rev".to_owned(), story.revision().to_string().into());
    result.insert("frontmatter".to_owned(), story.to_value().to_json());
    result.insert("content".to_owned(), content.into());
    for found in &context.sections {
        result.insert(found.section.name().to_owned(), found.text.as_str().into());
    }
    json::add_copy(&mut result, target.copy.as_ref());
    write_json(result)
}
