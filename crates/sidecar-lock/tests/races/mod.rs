//! The races of the protocol, each replayed with the real code.
#![cfg(target_os = "linux")]

mod adopt;
mod breaking;
mod coverage;
mod crashes;
mod foreign;
mod foreign_folders;
mod hand_over;
mod interleavings;
mod other;
mod other_tools;
mod pauses;
mod points;
mod process;
mod publish;
mod refusals;
mod release;
mod stage;
mod sweeping;
mod waiting;
