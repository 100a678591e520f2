//! A glob over the paths of a project. Pure.

mod machine;
mod meeting;
mod syntax;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use globset::{GlobBuilder, GlobMatcher};

use crate::project_path::{PathError, ProjectPath};
use machine::Machine;
pub(crate) use meeting::Meeting;
pub(crate) use syntax::{escaped, literally};

/// A pattern such as `src/**/*_test.go`, relative to the project's root and compared like a [`ProjectPath`], without case.
///
/// It is read and matched by the crate globset:
///
/// - `*` and `?` stay within one part of the path. `**` as a whole part is no folder or any folders: `**/a` is `a` and
///   `x/y/a`, `a/**/b` is `a/b` and `a/x/b`, `a/**` is everything below `a` without `a` itself, `**` is everything.
/// - `[a-z]` is one character of these and `[!a-z]` any other one (that may be a `/`). `{a,b}` is one of these globs; they
///   may be empty and contain further ones.
/// - `\*` is the character itself, on every system; `/` separates on every system.
///
/// # Limits
///
/// - `?` and classes are about bytes. A letter outside ASCII consists of several: `*` covers it, `?` does not, and a class
///   with one in it is refused.
/// - At most 1,000 characters.
#[derive(Clone)]
pub struct Glob(Arc<Parts>);

struct Parts {
    text: String,
    key: String,
    glob: globset::Glob,
    /// Made when it is first needed: most globs of a store never match anything, and it is dear.
    matcher: OnceLock<GlobMatcher>,
    /// Made when it is first needed; `None` where the text cannot be understood.
    machine: OnceLock<Option<Machine>>,
}

impl Glob {
    /// Reads a glob that is clean already: relative, with `/`, without `.` and `..`.
    pub(crate) fn from_clean(text: &str) -> Result<Self, PathError> {
        let refused = |reason: String| PathError::Glob {
            glob: text.to_owned(),
            reason,
        };
        let key = syntax::canonical(text).map_err(refused)?;
        let built = GlobBuilder::new(&key)
            .literal_separator(true)
            .backslash_escape(false)
            .empty_alternates(true)
            .build();
        let glob = built.map_err(|err| refused(err.kind().to_string()))?;
        Ok(Self(Arc::new(Parts {
            text: text.to_owned(),
            key,
            glob,
            matcher: OnceLock::new(),
            machine: OnceLock::new(),
        })))
    }

    /// As it was written, cleaned.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The part of the form that is compared before the first special character.
    pub(crate) fn literal_prefix(&self) -> &str {
        let key = &self.0.key;
        &key[..key.find(['*', '?', '[', '{']).unwrap_or(key.len())]
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &ProjectPath) -> bool {
        let matcher = self.0.matcher.get_or_init(|| self.0.glob.compile_matcher());
        matcher.is_match(path.key())
    }

    /// A path that both globs match.
    pub(crate) fn meeting(&self, other: &Self) -> Meeting {
        match (self.machine(), other.machine()) {
            (Some(one), Some(other)) => meeting::meeting(one, other),
            _ => Meeting::Undecided,
        }
    }

    /// A path that it matches and that is `path` or lies below it.
    pub(crate) fn meeting_below(&self, path: &ProjectPath) -> Meeting {
        match self.machine() {
            Some(machine) => meeting::meeting_below(machine, path.key()),
            None => Meeting::Undecided,
        }
    }

    /// What [`Glob::matches`] says, without the dear regex; `None`: unknown.
    pub(crate) fn meets(&self, path: &ProjectPath) -> Option<bool> {
        let machine = self.machine()?;
        let states = machine.after(machine.at_start(), path.key().as_bytes());
        Some(states.accept(machine))
    }

    fn machine(&self) -> Option<&Machine> {
        let made = self
            .0
            .machine
            .get_or_init(|| syntax::tokens(&self.0.key).map(|tokens| Machine::of_glob(&tokens)));
        made.as_ref()
    }
}

/// Without what it is compiled to, which is long and there only once it was needed.
impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Glob").field(&self.0.text).finish()
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Glob {}

impl Hash for Glob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialOrd for Glob {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Glob {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}
