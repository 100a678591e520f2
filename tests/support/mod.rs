//! What the process-level tests share: the binary, a story in a sandbox, and the oracles.

mod freeze;
mod oracle;
mod process;
mod story_box;
mod watcher;

pub use freeze::{stopped_inside, stopped_with_lock};
pub use oracle::CriticalSection;
pub use process::{PATIENCE, RaiseOnDrop, alone, json, run, story, wait_until_waiting};
pub use story_box::{Content, StoryBox, number_in};
pub use watcher::Watcher;
