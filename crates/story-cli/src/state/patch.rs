//! `story state patch`: a merge patch, or a JSON patch, as one transaction.

use atomic_file::Revision;
use json_text::{Json, JsonText};
use state_file::{JsonPatch, changed_members};

use super::change::{self, Change, Changed, Way};
use super::condition::check_revision;
use super::refusal::Refusal;
use super::target;
use crate::args::state::{PatchArgs, StatePatchArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::text_argument;

/// Changes one file.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn run(args: &StatePatchArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let revision = args.if_rev.as_deref().map(change::revision).transpose()?;
    let target = target::of(&args.file)?;
    let patch = Patch::of(&args.patch)?;
    let change = Change {
        target: &target,
        command: "story state patch",
        way: Way::UnderLock,
        missing: change::missing(args.create),
    };
    change.run(settings, output, |text| {
        check_revision(text, revision.as_deref())?;
        patch.apply(text)
    })
}

/// One of the two kinds.
enum Patch {
    Merge(Json),
    Operations(JsonPatch),
}

impl Patch {
    fn of(args: &PatchArgs) -> Result<Self, Failure> {
        match (&args.merge, &args.json_patch) {
            (Some(given), _) => json_of(given, "merge patch").map(Self::Merge),
            (_, Some(given)) => {
                let json = json_of(given, "JSON patch")?;
                let patch = JsonPatch::parse(&json).map_err(|err| {
                    Failure::usage("this is no JSON patch")
                        .with_chain(&err)
                        .hint("a JSON patch is a list: [{\"op\": \"add\", \"path\": \"/a/b\", \"value\": 1}]")
                })?;
                Ok(Self::Operations(patch))
            }
            (None, None) => Err(Failure::usage("no patch was given")),
        }
    }

    fn apply(&self, text: &mut JsonText) -> Result<Changed, Refusal> {
        let before = text.clone();
        match self {
            Self::Merge(patch) => text.merge(patch)?,
            Self::Operations(patch) => patch.apply(text).map_err(|source| Refusal::Patch {
                source,
                revision: Revision::of(before.as_bytes()),
            })?,
        }
        Ok(Changed {
            keys: changed_members(&before, text),
            numbers: Vec::new(),
        })
    }
}

fn json_of(given: &str, what: &str) -> Result<Json, Failure> {
    let text = text_argument::read(given)?;
    text.trim().parse::<Json>().map_err(|err| {
        Failure::usage(format!("the {what} is no JSON"))
            .with_chain(&err)
            .hint("JSON as it stands, @FILE, or @- for standard input")
    })
}
