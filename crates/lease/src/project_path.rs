//! A path inside a project, in the one form in which paths are compared. Pure.

use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization as _;

/// A path relative to the project's root, with `/` between its parts, without `.`, `..` and doubled `/`.
///
/// Two that differ only in case, or in how an accented letter is composed, are the same: on some systems they are one file,
/// and a conflict too many costs a wait where a conflict too few costs work. The root itself is the empty path.
#[derive(Debug, Clone)]
pub struct ProjectPath {
    text: String,
    key: String,
}

/// Why a text is no path inside a project. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It is empty.
    #[error("the path is empty")]
    Empty,
    /// It leads out of the project.
    #[error("{path} lies outside the project {project}")]
    Outside {
        /// As it was given.
        path: String,
        /// The project's root.
        project: String,
    },
    /// It holds a control character, or is not text.
    #[error("{path:?} holds a character that cannot be written down in a list of leases")]
    Unprintable {
        /// As it was given.
        path: String,
    },
    /// It cannot be found out where it leads: a loop of links, no permission.
    #[error("cannot follow {path}: {reason}")]
    Unresolved {
        /// As it was given.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// A glob that cannot be read.
    #[error("{glob} is no glob: {reason}")]
    Glob {
        /// As it was given.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ProjectPath {
    /// The path that consists of these parts, which must be clean: no separators in them, no `.` and `..`.
    pub(crate) fn from_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let text = parts.into_iter().collect::<Vec<_>>().join("/");
        let key = fold(&text);
        Self { text, key }
    }

    /// The path of an entry in this folder, whose name holds no separator. If it is a link it is not followed.
    #[must_use]
    pub fn entry(&self, name: &str) -> Self {
        let folders = self.text.split('/').filter(|part| !part.is_empty());
        Self::from_parts(folders.chain([name]))
    }

    /// As it was written, cleaned; empty for the project's root.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form that is compared.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        match self.key.strip_prefix(&folder.key) {
            Some(rest) => folder.key.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

/// The form of a text in which case and composition of letters make no difference.
///
/// By way of the large letters, for small ones that share one: `ς` and `σ`, `ß` and `ss`, as file systems that ignore case
/// see it.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let large = text.nfc().flat_map(char::to_uppercase);
    large.flat_map(char::to_lowercase).nfc().collect()
}

impl PartialEq for ProjectPath {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ProjectPath {}

impl Hash for ProjectPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for ProjectPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ProjectPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() {
            "."
        } else {
            &self.text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ProjectPath {
        ProjectPath::from_parts(text.split('/').filter(|part| !part.is_empty()))
    }

    #[test]
    fn path_is_compared_without_case_and_composition() {
        assert_eq!(path("src/Main.rs"), path("SRC/main.rs"), "case");
        assert_eq!(path("caf\u{e9}"), path("Cafe\u{301}"), "composition");
        assert_eq!(
            path("\u{3bf}\u{3c3}"),
            path("\u{39f}\u{3c2}"),
            "two small letters, one large"
        );
        assert_eq!(
            path("stra\u{df}e"),
            path("STRASSE"),
            "a letter that becomes two"
        );
        assert_ne!(path("src/a"), path("src/b"), "other names");
        assert_eq!(path("src/Main.rs").as_str(), "src/Main.rs", "as written");
        assert_eq!(path("").to_string(), ".", "the root has a name");
    }

    #[test]
    fn path_is_within_itself_its_parents_and_the_root() {
        let table = [
            ("src/a.rs", "src", true),
            ("src", "src", true),
            ("SRC/a.rs", "src", true),
            ("srcs/a.rs", "src", false),
            ("src", "src/a.rs", false),
            ("anything", "", true),
        ];
        for (inner, outer, expected) in table {
            let within = path(inner).is_within(&path(outer));
            assert_eq!(within, expected, "{inner} within {outer:?}");
        }
    }
}
