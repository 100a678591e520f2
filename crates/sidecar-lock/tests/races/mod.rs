//! The races of the protocol, each replayed with the real code.
#![cfg(target_os = "linux")]

mod adopt;
mod breaking;
mod everywhere;
mod foreign;
mod hand_over;
mod other;
mod publish;
mod release;
mod stage;
mod sweeping;
mod waiting;
