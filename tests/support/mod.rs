//! What the process-level tests share: the binary, a story in a sandbox, and the oracles.

mod freeze;
mod lease_box;
mod oracle;
mod process;
mod story_box;
mod watcher;

pub use freeze::{stopped_inside, stopped_with_lock};
pub use lease_box::{LeaseBox, Store, token_of, won};
pub use oracle::CriticalSection;
pub use process::{PATIENCE, RaiseOnDrop, alone, json, run, story, wait_until_waiting};
pub use story_box::{Content, StoryBox, number_in};
pub use watcher::Watcher;
