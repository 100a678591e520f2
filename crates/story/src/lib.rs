//! Stories: Markdown files with YAML frontmatter that people, programs and agents edit at once.
//!
//! A [`Document`] is one story in memory. It keeps the bytes of the file and knows where each
//! value stands in them; an edit replaces exactly the bytes of what it means to change, parses the
//! result again and compares before it accepts it. Nothing is ever re-serialised, so comments,
//! quotes, key order, blank lines, line ends, a byte order mark and the body stay as they are.
//!
//! [`read`] takes no lock and gives one whole version. [`update()`] is the way to change a file: it acquires the lock of
//! the story, reads it, lets a closure edit it, and commits only if nobody else has changed it meanwhile.

mod beside;
pub mod board;
mod body;
mod by_id;
mod changes;
pub mod claim;
mod context;
mod create;
pub mod diagnostic;
mod document;
mod error;
pub mod error_history;
pub mod feedback;
mod fence;
mod fields;
mod file_bytes;
mod find;
pub mod folder;
pub mod frontmatter;
mod head;
mod hexadecimal;
pub mod journal;
pub mod lifecycle;
pub mod limits;
mod merge;
mod moment;
mod offered;
mod operate;
mod operation_error;
mod operations;
mod path;
pub mod phases;
mod read;
pub mod recovery;
pub mod refinement;
mod relocate;
pub mod review;
pub mod sanitise;
pub mod scan;
pub mod section_file;
pub mod sections;
mod status;
mod sys;
pub mod tasks;
pub mod ticket;
mod together;
mod update;
mod update_error;
mod update_journal;
mod value;
pub mod workflow_migration;
pub mod workflow_state;
pub mod workspace;
mod yaml;

pub use atomic_file::{Revision, RevisionError};
pub use beside::{FoundBeside, Next, UpdatedBeside, has_own_folder, read_beside, update_beside};
pub use by_id::ById;
pub use changes::{BodyChange, Change, Changes};
pub use context::{ContextSection, SectionSource, StoryContext};
pub use create::{CreateError, Created, Creation, NewId, NewStory};
pub use document::Document;
pub use error::{EditError, ParseError, ParseErrorKind, Position};
pub use fence::MAX_FRONTMATTER_BYTES;
pub use find::{FindError, Found, PassedOver, find, find_by_slug};
pub use frontmatter::{FieldError, Frontmatter};
pub use head::Head;
pub use merge::{Conflict, Merge, merge};
pub use moment::Moment;
pub use offered::Offered;
pub use operate::{Dating, carry_out, has_id, operate};
pub use operation_error::OperationError;
pub use read::{MAX_STORY_BYTES, ReadError, read, read_locked, read_under};
pub use relocate::{RelocateError, Relocated, relocate};
pub use scan::{Scan, SkipReason, Skipped, scan};
pub use status::{Phase, Status, set_status};
pub use together::{
    TogetherError, Unfinished, finish_all, finish_under, set_aside, unfinished, update_together,
};
pub use update::{UpdateOptions, Updated, update};
pub use update_error::{UpdateError, Warning};
pub use value::Value;
pub use workspace::Workspace;
pub use yaml::{MAX_DEPTH, MAX_EXPANDED_BYTES};

/// The examples of the README, which documentation tests compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
