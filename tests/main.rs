//! Process-level tests: what the workspace promises when several processes meet, through the real `story` binary.
//!
//! One test binary, wired into `story-cli` so that `CARGO_BIN_EXE_story` is the program under test. Each module is one
//! subject of "what must hold"; `support` is what they share. Tests that load the whole machine run one after the other
//! (`support::alone`), because two stress tests at once measure each other.
#![cfg(unix)]

mod architecture;
mod audit;
mod checklist;
mod claims;
mod contention;
mod crash;
mod creation;
mod editors;
mod foreign_locks;
mod git_ignore;
mod git_merge;
mod journal;
mod kills;
mod lease_edits;
mod lease_guard;
mod lease_stores;
mod lease_turns;
mod leases_at_once;
mod listing;
mod logs;
mod negative_controls;
mod node_peers;
mod node_stand_in;
mod operations_at_once;
mod places;
mod readme;
mod recovery;
mod sections;
mod shared_files;
mod state_commands;
mod support;
mod task_runs;
mod tasks_at_once;
mod together;
mod vandals;
mod waiting;
