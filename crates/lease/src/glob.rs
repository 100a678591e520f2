//! A glob over the paths of a project. Pure.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use globset::{GlobBuilder, GlobMatcher};

use crate::project_path::{PathError, ProjectPath, fold};

/// A pattern such as `src/**/*_test.go`: `*` and `?` stay within one part of the path, `**` does not, `[a-z]` and `{a,b}`
/// choose. It is relative to the project's root and compared like a [`ProjectPath`], without case.
#[derive(Debug, Clone)]
pub struct Glob(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: String,
    key: String,
    glob: globset::Glob,
    /// Made when it is first needed: most globs of a store never match anything, and it is dear.
    matcher: OnceLock<GlobMatcher>,
}

impl Glob {
    /// Reads a glob that is clean already: relative, with `/`, without `.` and `..`.
    pub(crate) fn from_clean(text: &str) -> Result<Self, PathError> {
        let key = fold(text);
        let built = GlobBuilder::new(&key)
            .literal_separator(true)
            .backslash_escape(true)
            .build();
        let glob = built.map_err(|err| PathError::Glob {
            glob: text.to_owned(),
            reason: err.kind().to_string(),
        })?;
        Ok(Self(Arc::new(Parts {
            text: text.to_owned(),
            key,
            glob,
            matcher: OnceLock::new(),
        })))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The form that is compared.
    pub(crate) fn key(&self) -> &str {
        &self.0.key
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &ProjectPath) -> bool {
        let matcher = self.0.matcher.get_or_init(|| self.0.glob.compile_matcher());
        matcher.is_match(path.key())
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
