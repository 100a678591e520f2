//! `story show`: the whole file.

use crate::args::ShowArgs;
use crate::failure::{Code, Failure};
use crate::get;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::id_of;

/// Prints the story as it is; on a terminal with control characters made visible.
///
/// # Errors
///
/// [`Failure`] when it cannot be read or printed.
pub fn run(args: &ShowArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = get::read(&target, args.locked, settings, output)?;
    if !output.is_json() {
        return output.data(story.as_bytes());
    }
    let Ok(content) = std::str::from_utf8(story.body()) else {
        return Err(Failure::new(Code::Parse, "")
            .cause("its body is not UTF-8, which JSON cannot carry")
            .hint("use `story show` without --json")
            .about("show", &target));
    };
    let id = id_of(&story).or_else(|| target.id.clone());
    let mut result = json::success_of(id.as_deref(), &target.absolute());
    result.insert("rev".to_owned(), story.revision().to_string().into());
    result.insert("frontmatter".to_owned(), story.to_value().to_json());
    result.insert("content".to_owned(), content.into());
    json::add_copy(&mut result, target.copy.as_ref());
    write_json(result)
}
