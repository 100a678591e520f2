//! Errors of parsing and editing: what is wrong and where it stands in the file.

use std::fmt;

/// A place in a file, counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line of the whole file, the opening fence being line 1.
    pub line: usize,
    /// Column in characters; a byte order mark is not counted.
    pub column: usize,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The position of a byte offset; costs a scan of the bytes before it.
    pub(crate) fn of(bytes: &[u8], offset: usize) -> Self {
        let before = &bytes[..offset.min(bytes.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(&before[line_start..]);
        let column = text.trim_start_matches('\u{feff}').chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a file cannot be read as a story, and where. Trying again does not help; a person must
/// repair the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
#[non_exhaustive]
pub struct ParseError {
    /// Line of the whole file, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

impl ParseError {
    pub(crate) fn new(position: Position, kind: ParseErrorKind) -> Self {
        Self {
            line: position.line,
            column: position.column,
            kind,
        }
    }

    pub(crate) fn at(bytes: &[u8], offset: usize, kind: ParseErrorKind) -> Self {
        Self::new(Position::of(bytes, offset), kind)
    }
}

/// What makes a file unreadable as a story.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file does not begin with `---`.
    #[error("there is no frontmatter: the file does not begin with ---")]
    NoFrontmatter,
    /// The opening `---` has no closing one.
    #[error("the frontmatter is not closed: no later line is ---")]
    Unclosed,
    /// The opening fence names a language other than `yaml`; such text is never evaluated.
    #[error("the frontmatter is in {name:?}, only YAML is read")]
    Language {
        /// The name as it stands after `---`, at most 40 characters.
        name: String,
    },
    /// A line begins with `---` and goes on, so readers disagree on where the frontmatter ends.
    #[error(
        "a line in the frontmatter begins with --- and goes on, which some readers take as its end"
    )]
    AmbiguousFence,
    /// The frontmatter is longer than [`crate::MAX_FRONTMATTER_BYTES`].
    #[error("the frontmatter is longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The frontmatter holds bytes that are not UTF-8 (the body may).
    #[error("the frontmatter is not UTF-8")]
    NotUtf8,
    /// The frontmatter holds a NUL.
    #[error("the frontmatter holds a NUL character")]
    Nul,
    /// The frontmatter holds a marker of an unresolved merge.
    #[error("a merge conflict is not resolved")]
    MergeConflict,
    /// A line is indented with a tab.
    #[error("a tab is used as indentation, YAML allows only spaces")]
    Tab,
    /// A quoted text goes on at column 1.
    #[error("a quoted text goes on at the start of a line: indent the continuation lines")]
    Continuation,
    /// The YAML parser refuses the text.
    #[error("the frontmatter is not valid YAML: {message}")]
    Syntax {
        /// The parser's own words.
        message: String,
    },
    /// The frontmatter is a scalar or a list.
    #[error("the frontmatter is not a mapping of keys to values")]
    NotAMapping,
    /// The frontmatter holds more than one YAML document.
    #[error("the frontmatter holds more than one YAML document")]
    SeveralDocuments,
    /// A key stands twice in one mapping.
    #[error("the key {key:?} stands twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A key is a list, a mapping or an alias.
    #[error("a key is {found}, not a text")]
    ComplexKey {
        /// What it is.
        found: &'static str,
    },
    /// Lists and mappings are nested deeper than [`crate::MAX_DEPTH`].
    #[error("lists and mappings are nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// Aliases would blow the frontmatter up beyond [`crate::MAX_EXPANDED_BYTES`].
    #[error("aliases expand to more than {limit} bytes")]
    AliasBomb {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why an edit was refused. The document is unchanged.
///
/// Trying the same edit on the same text again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The path is not written as paths are (`a.b`, `list[0].key`, `"odd.key"`).
    #[error("malformed path {path:?}: {reason}")]
    Path {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A step of the path meets a value that has no such steps, or the operation another type.
    #[error("{path} is {found}, not {wanted} ({position})")]
    Type {
        /// The path up to that value.
        path: String,
        /// What stands there.
        found: &'static str,
        /// What the operation needs.
        wanted: &'static str,
        /// Where it stands.
        position: Position,
    },
    /// A list has no item of that index.
    #[error("{path} has {length} items, there is no index {index}")]
    Index {
        /// The path of the list.
        path: String,
        /// The index asked for.
        index: usize,
        /// How many items there are.
        length: usize,
    },
    /// The sum of an increment does not fit 64 bits.
    #[error("{path} cannot be incremented: the sum does not fit 64 bits")]
    Overflow {
        /// The path of the number.
        path: String,
    },
    /// The place cannot be changed without risk to what stands around it.
    #[error("{path} cannot be edited safely: {construct} ({position})")]
    Unsupported {
        /// The path of the edit.
        path: String,
        /// What is in the way.
        construct: &'static str,
        /// Where it stands.
        position: Position,
    },
    /// The new value cannot be written.
    #[error("the new value of {path} cannot be written: {reason}")]
    Value {
        /// The path of the edit.
        path: String,
        /// What is wrong with the value.
        reason: &'static str,
    },
    /// The result would not be a readable story (a limit, or text that does not parse).
    #[error("editing {path} would make the story unreadable: {kind}")]
    Unreadable {
        /// The path of the edit.
        path: String,
        /// What the result would suffer from.
        kind: ParseErrorKind,
    },
    /// A second YAML reader refuses the story as it is, so it is not known what other tools would
    /// make of an edited one.
    #[error(
        "editing {path} is not safe: another YAML reader refuses the story ({position}): {message}"
    )]
    Refused {
        /// The path of the edit.
        path: String,
        /// Where that reader stopped.
        position: Position,
        /// That reader's own words.
        message: String,
    },
    /// The result is not "the old story plus this edit" for both YAML readers.
    #[error("editing {path} is not safe: {reason}")]
    Disagreement {
        /// The path of the edit.
        path: String,
        /// Which comparison failed.
        reason: String,
    },
}
