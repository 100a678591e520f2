//! What the tests of this workspace share: places, skips, sandboxes, second processes, foreign writers.
//!
//! A test crate, never shipped: it panics with a message where a test could only give up anyway.
//! It depends on no crate of this workspace, so that every one of them can use it.
//!
//! # Example
//!
//! ```
//! let sandbox = testkit::Sandbox::new();
//! let story = sandbox.write("story.md", "---\nid: S-0001\n---\n");
//! assert_eq!(testkit::leftovers(sandbox.path()), Vec::<std::path::PathBuf>::new());
//! # assert!(story.is_file(), "the sandbox wrote the story");
//! ```

mod foreign;
#[cfg(unix)]
pub mod git_tree;
mod leftovers;
mod places;
mod sandbox;
#[cfg(unix)]
mod second_process;
mod settings;
mod skip;
#[cfg(target_os = "linux")]
pub mod soak;
mod waiting;

pub use foreign::{ForeignLock, LegacyWriter, set_age};
pub use leftovers::leftovers;
pub use places::{bench_folders, fixtures, node_peers, on_path, shared, story_fixture, workspace};
pub use sandbox::Sandbox;
#[cfg(unix)]
pub use second_process::{Finished, SecondProcess};
pub use settings::without_settings;
pub use skip::skip;
pub use waiting::wait_until;
