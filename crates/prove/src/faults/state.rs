//! JSON state files, logs and task boards that are killed, or one of whose calls fails.

mod edits;
mod log;
mod tasks;

use super::operation::{failed_at_each_call, killed_at_each_call};
use crate::case::{Case, Expect};

/// Two cases for each operation, and then the control.
macro_rules! table {
    ($($what:literal: $operation:path;)*) => {
        &[
            $(
                Case {
                    name: concat!("kill: ", $what),
                    expect: Expect::NothingWrong,
                    minimum: 40,
                    run: |of| killed_at_each_call(of, concat!("kill ", $what), &$operation),
                },
                Case {
                    name: concat!("errno: ", $what),
                    expect: Expect::NothingWrong,
                    minimum: 40,
                    run: |of| failed_at_each_call(of, concat!("errno ", $what), &$operation),
                },
            )*
            Case {
                name: "kill: two files copied one after the other",
                expect: Expect::SomethingWrong,
                minimum: 4,
                run: |of| killed_at_each_call(of, "kill two files copied", &tasks::COPIED),
            },
        ]
    };
}

/// The cases of this section.
pub const CASES: &[Case] = table![
    "state set": edits::COUNT;
    "state set --create": edits::CREATE;
    "state append": log::APPEND;
    "tasks claim": tasks::CLAIMED;
    "tasks done": tasks::COMPLETED;
];
