//! One story in a sandbox, and how it is driven and looked at without our own parser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Finished, Sandbox, SecondProcess};

use super::process::{PATIENCE, run, story};

/// How much body the story has.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// About 700 bytes in all.
    Small,
    /// About 36 KB: the size at which the reference tears reads.
    Torn,
    /// About 400 KB: every step between read and commit takes its time.
    Large,
}

/// The story `S-0034` at the place where the toolkit looks for it, alone in its sandbox.
pub struct StoryBox {
    pub sandbox: Sandbox,
    pub path: PathBuf,
}

impl StoryBox {
    pub fn new(content: Content) -> Self {
        Self::in_sandbox(Sandbox::new(), content)
    }

    /// In memory where there is a tmpfs: for figures that should not measure the disk.
    pub fn in_memory(content: Content) -> Self {
        Self::in_sandbox(Sandbox::on_tmpfs().unwrap_or_default(), content)
    }

    pub fn in_sandbox(sandbox: Sandbox, content: Content) -> Self {
        let path = sandbox.write(".ai-sdlc/stories/S-0034/story.md", Self::text_of(content));
        Self { sandbox, path }
    }

    /// The text that a fresh story has.
    pub fn text_of(content: Content) -> String {
        let paragraphs = match content {
            Content::Small => 2,
            Content::Torn => 180,
            Content::Large => 2000,
        };
        let mut text = String::from(HEAD);
        text.push_str(&PARAGRAPH.repeat(paragraphs));
        text.push_str(Self::LAST_LINE);
        text
    }

    /// The line that every complete copy of the story ends with.
    pub const LAST_LINE: &'static str = "<!-- the end -->\n";

    pub fn folder(&self) -> &Path {
        self.path.parent().expect("a story lies in a folder")
    }

    pub fn lock_path(&self) -> PathBuf {
        self.folder().join("story.md.lock")
    }

    pub fn text(&self) -> String {
        fs::read_to_string(&self.path)
            .unwrap_or_else(|err| panic!("the story must be there and be text: {err}"))
    }

    /// `story <verb…> <path>`; arguments can be added.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = story();
        command.args(verb).arg(&self.path);
        command
    }

    /// Runs `story set <path> <arguments…>`.
    pub fn set(&self, arguments: &[&str]) -> Finished {
        run(self.command(&["set"]).args(arguments))
    }

    /// Runs `story set` and demands success.
    pub fn must_set(&self, arguments: &[&str]) -> Finished {
        let finished = self.set(arguments);
        assert!(
            finished.status.success(),
            "the update succeeds: {finished:?}"
        );
        finished
    }

    /// Starts `story lock hold` and returns once it holds.
    pub fn hold(&self, arguments: &[&str]) -> SecondProcess {
        SecondProcess::spawn_ready(self.command(&["lock", "hold"]).args(arguments), PATIENCE)
    }

    /// Lets a `story lock hold` go and demands that it ends well.
    pub fn let_go(holder: SecondProcess) {
        let finished = holder.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "a holder ends well when its stdin closes: {finished:?}"
        );
    }

    /// The whole number that stands behind a top-level key; 0 where the key is missing.
    pub fn number(&self, key: &str) -> u64 {
        number_in(&self.text(), key)
    }

    /// Demands that nothing but the story lies in its folder.
    pub fn assert_alone(&self) {
        let names: Vec<_> = fs::read_dir(self.folder())
            .expect("the story's folder can be listed")
            .map(|entry| entry.expect("an entry can be read").file_name())
            .collect();
        assert_eq!(
            names,
            ["story.md"],
            "no lock, temporary file or copy stays beside the story"
        );
    }

    /// Demands that the story is byte for byte what it was made as.
    pub fn assert_untouched(&self, content: Content) {
        assert!(
            self.text() == Self::text_of(content),
            "the old story is intact"
        );
    }
}

/// The whole number behind `key:` at the start of a line; 0 where there is no such line.
pub fn number_in(text: &str, key: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        .map_or(0, |number| {
            number.trim().parse().expect("a counter is a number")
        })
}

const PARAGRAPH: &str =
    "A story is shared by people, programs and agents; each of them changes a little and must find
everything else as it was, to the last byte, through eighty processes or one. Ünïcode — too.

";

/// No `updated`, so that a change changes nothing but what was asked for.
const HEAD: &str = "---
id: S-0034
title: 'Atomic story updates' # the whole point
status: ready
priority: 10
type: feature
created: 2026-01-15
labels:
  - backend
  - locking
owner_note: \"keep: me\"
---
# Atomic story updates

";
