//! Changes of stories that no line of their journals explains: by an editor or another tool, or updates that were lost.
//!
//! None of that is a problem by itself, people edit their stories. It is told because nobody else would.

use std::path::{Path, PathBuf};

use story::Document;
use story::journal::{self, Entry, Gap, Journal, JournalFile};
use story::workspace::LegacyFolder;

use super::Mode;
use super::folders::{Folder, Kind};
use super::report::{Finding, Report};
use super::stories::markdown_files;
use crate::places::STORY_FILE;
use crate::settings::Settings;
use crate::transaction::chain;

const CHECK: &str = "journal";
/// How often to look again when a writer came in between; chosen: it would have to come each time.
const LOOKS: u32 = 10;

/// Looks at the journals of the stories in one folder; accepts what it finds when it mends.
pub fn check(folder: &Folder, mode: Mode, settings: &Settings, report: &mut Report) {
    let stories = match folder.kind {
        Kind::State => return,
        Kind::Story => vec![folder.path.join(STORY_FILE)],
        Kind::Legacy => markdown_files(&folder.path),
    };
    for path in stories {
        check_story(&path, mode, settings, report);
    }
}

fn check_story(path: &Path, mode: Mode, settings: &Settings, report: &mut Report) {
    // The folder lies in an sdlc root, or would not be looked at; what is behind a link may lie elsewhere.
    let Some(file) = path
        .canonicalize()
        .ok()
        .and_then(|path| JournalFile::of(&path))
    else {
        return;
    };
    let (journal, story) = match look(&file, path) {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(message) => return report.add(Finding::warning(CHECK, &file.path(), message)),
    };
    if journal.torn() > 0 {
        let message = format!("{} of its lines cannot be read", journal.torn());
        report.add(Finding::warning(CHECK, &file.path(), message));
    }
    let gaps = journal.gaps(&story);
    if gaps.is_empty() {
        return;
    }
    let accepted = match mode {
        Mode::Look => Ok(false),
        Mode::Mend => accept(path, &file, settings).map(|()| true),
    };
    for gap in gaps {
        let mut message = describe(&gap);
        if let Err(reason) = &accepted {
            message = format!("{message}; it was not accepted: {reason}");
        }
        report.add(Finding::warning(CHECK, path, message).fixed(accepted == Ok(true)));
    }
}

/// A journal and the story at one moment: the journal is the same before and after the story was read, and each writer
/// writes its line first.
fn look(file: &JournalFile, path: &Path) -> Result<Option<(Journal, Document)>, String> {
    let read = || journal::read(file).map_err(|err| chain(&err));
    let Some(mut journal) = read()? else {
        return Ok(None);
    };
    for _ in 0..LOOKS {
        // That it cannot be read is told elsewhere.
        let Ok(story) = story::read(path) else {
            return Ok(None);
        };
        let again = read()?.unwrap_or_default();
        if again == journal {
            return Ok(Some((journal, story)));
        }
        journal = again;
    }
    Ok(None)
}

fn accept(path: &Path, file: &JournalFile, settings: &Settings) -> Result<(), String> {
    let options = settings.journal_options(file.root().to_path_buf(), "story doctor --fix", None);
    journal::accept(path, &options, &settings.lock_options("story doctor"))
        .map_err(|err| chain(&err))
}

fn describe(gap: &Gap<'_>) -> String {
    let after = name(gap.after);
    let until = match gap.until {
        Some(until) => format!("and before {}", name(until)),
        None => "the last line".to_owned(),
    };
    let what = if !gap.lost.is_empty() {
        let lost: Vec<_> = gap.lost.iter().map(|entry| entry.op.as_str()).collect();
        let lost = lost.join(", ");
        format!("that wrote an old copy, and the changes of {lost} were lost")
    } else if gap.keys.is_empty() {
        "no key of the journal differs".to_owned()
    } else {
        format!("it changed {}", gap.keys.join(", "))
    };
    let comma = if gap.until.is_some() { "" } else { "," };
    format!("changed without a line in its journal, after {after}{comma} {until}; {what}")
}

fn name(entry: &Entry) -> String {
    let owner = entry.owner.as_deref().unwrap_or("somebody");
    format!(
        "{} by {owner} at {} (operation {})",
        entry.command, entry.at, entry.op
    )
}

/// The folders of journals, where a killed writer may have left a temporary file.
pub fn folders_in(root: &Path) -> Vec<PathBuf> {
    let journals = root.join(JournalFile::FOLDER);
    let legacy = LegacyFolder::ALL.map(|folder| journals.join(folder.name()));
    let all = [journals.clone()].into_iter().chain(legacy);
    all.filter(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir()))
        .collect()
}
