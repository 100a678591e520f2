//! The stories of an epoch, and which mischief each of them meets.

use std::fs;
use std::path::{Path, PathBuf};

use super::text::LAST_LINE;

/// What happens to a story. Each kind keeps a promise that the mischief of the others would make impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Only ours; killed and stopped. Every acknowledged change is there, once; nobody is refused.
    Calm,
    /// Ours and vandals; stopped. Every acknowledged change is there, once; a refusal means: nothing written.
    Wild,
    /// Ours and vandals; killed and stopped. An acknowledged change is there, or in a rescued copy.
    Rough,
    /// Ours and a person who saves by rename; killed and stopped. The person's saves are there, or in a rescued copy;
    /// of ours only those are missing that the person undid with an older text.
    Edited,
    /// Ours and Node programs; ours are killed and stopped. As calm.
    Mixed,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Calm,
        Self::Wild,
        Self::Rough,
        Self::Edited,
        Self::Mixed,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Wild => "wild",
            Self::Rough => "rough",
            Self::Edited => "edited",
            Self::Mixed => "mixed",
        }
    }

    pub(crate) fn is_killed(self) -> bool {
        self != Self::Wild
    }

    /// Whether somebody without our care writes it, or brings an older version back.
    pub(crate) fn has_other_writers(self) -> bool {
        matches!(self, Self::Rough | Self::Edited | Self::Mixed)
    }

    pub(crate) fn is_vandalised(self) -> bool {
        matches!(self, Self::Wild | Self::Rough)
    }

    /// Whether only one is ever inside, and every version follows from the one before.
    pub(crate) fn is_exclusive(self) -> bool {
        matches!(self, Self::Calm | Self::Mixed)
    }

    /// Whether a version may end in a rescued copy.
    pub(crate) fn keeps_copies(self) -> bool {
        matches!(self, Self::Rough | Self::Edited)
    }

    /// Exit codes of a refusal that is no fault: with nobody's mischief against the lock or the text there is none.
    pub(crate) fn may_refuse_with(self, code: i32) -> bool {
        match self {
            Self::Calm | Self::Mixed => false,
            Self::Wild | Self::Rough => matches!(code, 1 | 4 | 5),
            Self::Edited => code == 5,
        }
    }

    /// How long a writer waits, and when it takes over a lock of another tool.
    pub(crate) fn limits(self) -> &'static [&'static str] {
        if self.is_vandalised() {
            &["--timeout", "20s", "--stale-after", "1s"]
        } else {
            &["--timeout", "60s"]
        }
    }
}

/// One story.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) path: PathBuf,
}

impl Place {
    /// Makes the story `id` under `root`.
    pub(crate) fn new(root: &Path, kind: Kind, id: &str) -> Self {
        let folder = root.join("stories").join(id);
        let path = folder.join("story.md");
        // As large as the text that the reference tears, and small ones beside it.
        let paragraphs = if kind.is_exclusive() { 120 } else { 20 };
        let text = format!(
            "---\nid: {id}\ntitle: Soaked\nstatus: ready # as ever\ncreated: 2026-01-15\nlog: []\n---\n# Soaked\n\n{}{LAST_LINE}",
            PARAGRAPH.repeat(paragraphs)
        );
        fs::create_dir_all(&folder)
            .and_then(|()| fs::File::create(&path))
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        Self {
            kind,
            id: id.to_owned(),
            path,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().expect("a story lies in a folder")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.folder().join("story.md.lock")
    }

    /// The process id in the lock's record, if the lock is one of ours and not given back.
    pub(crate) fn holder(&self) -> Option<u32> {
        let record = fs::read_to_string(self.lock_path()).ok()?;
        if !record.contains("\"released\":0,") {
            return None;
        }
        let (_, after) = record.split_once("\"pid\":")?;
        let digits = after
            .split(|letter: char| !letter.is_ascii_digit())
            .next()?;
        digits.parse().ok()
    }

    /// What lies in the folder beside the story.
    pub(crate) fn beside(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).expect("a folder of the soak can be listed");
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry can be read").path())
            .filter(|path| *path != self.path)
            .collect();
        paths.sort();
        paths
    }
}

const PARAGRAPH: &str =
    "A story is shared by people, programs and agents; each of them changes a little and must find
everything else as it was, to the last byte, through eighty processes or one. Ünïcode — as well.

";
