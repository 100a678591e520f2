//! `story merge-driver`: what git calls to merge a story.

use std::path::Path;
use std::process::Command;

use atomic_file::{CommitOptions, Durability};
use serde_json::Value as Json;
use story::{Document, MAX_STORY_BYTES, Merge, merge};

use super::conflicts::{self, GIT};
use crate::app;
use crate::args::merging::MergeDriverArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::sys;

/// How git is told that there are conflicts, which stand in the file.
const CONFLICTS: u8 = 1;

/// How git is told that the file is not merged: above 128 it gives up instead of taking what stands there for the result.
const NOT_MERGED: u8 = 255;

/// Merges and returns the exit code that git understands.
pub fn run(args: &MergeDriverArgs, output: &Output) -> u8 {
    let name = args.name.as_deref().unwrap_or(&args.ours);
    let Some(merge) = read_and_merge(args) else {
        return as_text(args, output);
    };
    let merged = merge.with_markers();
    // Git's own temporary file: nobody else writes it, and git puts the result in place itself.
    let options = CommitOptions {
        durability: Durability::Fast,
        ..CommitOptions::default()
    };
    if let Err(err) = atomic_file::replace(&args.ours, merged.as_bytes(), &options) {
        app::tell(&Failure::from_commit(&err), output);
        return NOT_MERGED;
    }
    if merge.is_clean() {
        return clean(name, output);
    }
    app::tell(&failure(name, &merge), output);
    CONFLICTS
}

/// `None`: one of them is no story.
fn read_and_merge(args: &MergeDriverArgs) -> Option<Merge> {
    let read = |path: &Path| atomic_file::read(path, MAX_STORY_BYTES).ok();
    let base = match read(&args.base)? {
        // Both sides have added the file.
        bytes if bytes.is_empty() => None,
        bytes => Some(Document::parse(bytes).ok()?),
    };
    let ours = Document::parse(read(&args.ours)?).ok()?;
    let theirs = Document::parse(read(&args.theirs)?).ok()?;
    Some(merge(base.as_ref(), &ours, &theirs))
}

fn clean(name: &Path, output: &Output) -> u8 {
    if output.is_json() {
        let mut result = json::success();
        result.insert("path".to_owned(), json::text(name));
        result.insert("conflicts".to_owned(), Json::Array(Vec::new()));
        // The file is merged; whoever closed stdout does not read this line.
        write_json(result).ok();
    }
    0
}

fn failure(name: &Path, merge: &Merge) -> Failure {
    let headline = format!("{}: both sides changed the same", name.display());
    let mut failure = Failure::new(Code::Conflict, headline)
        .hint("look for <<<<<<< in the body: decide, delete the markers, then `git add` it");
    failure.path = Some(name.to_path_buf());
    conflicts::add(&mut failure, &merge.conflicts, GIT);
    failure
}

/// Git's own merge of lines, so that a file that is no story is merged as it would be without us.
fn as_text(args: &MergeDriverArgs, output: &Output) -> u8 {
    let status = Command::new("git")
        .args(["merge-file", "-L", "ours", "-L", "base", "-L", "theirs"])
        .arg("--")
        .args([&args.ours, &args.base, &args.theirs])
        .status();
    match status {
        Ok(status) => sys::exit_code(status),
        Err(err) => {
            let failure = Failure::new(Code::Io, "cannot run git merge-file");
            app::tell(&failure.cause(err.to_string()), output);
            NOT_MERGED
        }
    }
}
