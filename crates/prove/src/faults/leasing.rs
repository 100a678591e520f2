//! Leases that are killed, or one of whose calls fails, and edits under them: in both kinds of store.
//!
//! The clock of the commands stands still, so that the tokens rise only by what the store remembers.

mod changes;
mod edits;
mod overslept;
mod paused;
mod store;

use crate::case::{Case, Expect, Skip, Tally};
use crate::context::Context;
use crate::leases::Kind::{Database, Folder};

/// A case for each row in each kind of store, and then the others.
macro_rules! table {
    ($($verb:literal $what:literal: $judge:path, $change:path;)* [$($other:expr),* $(,)?]) => {
        &[
            $(
                promise(concat!($verb, ": ", $what, ", folder"), |of| {
                    $judge(of, concat!($verb, " ", $what, " folder"), Folder, &$change)
                }),
                promise(concat!($verb, ": ", $what, ", database"), |of| {
                    $judge(of, concat!($verb, " ", $what, " database"), Database, &$change)
                }),
            )*
            $($other,)*
        ]
    };
}

/// The cases of this section.
pub const CASES: &[Case] = table![
    "kill" "lease acquire": changes::killed, changes::FIRST;
    "kill" "lease acquire over an expired": changes::killed, changes::OVER_AN_EXPIRED;
    "kill" "lease second acquire": changes::killed, changes::SECOND;
    "kill" "lease renew": changes::killed, changes::RENEWAL;
    "kill" "lease release of a path": changes::killed, changes::NARROWING;
    "kill" "lease release of the last": changes::killed, changes::LAST;
    "kill" "edit-file": edits::killed, edits::PIECE;
    "kill" "write-file --create": edits::killed, edits::CREATION;
    "kill" "write-file --if-rev": edits::killed, edits::WHOLE;
    "errno" "lease acquire": changes::failed, changes::FIRST;
    "errno" "lease acquire over an expired": changes::failed, changes::OVER_AN_EXPIRED;
    "errno" "lease second acquire": changes::failed, changes::SECOND;
    "errno" "lease renew": changes::failed, changes::RENEWAL;
    "errno" "lease release of a path": changes::failed, changes::NARROWING;
    "errno" "lease release of the last": changes::failed, changes::LAST;
    "errno" "edit-file": edits::failed, edits::PIECE;
    "errno" "write-file --create": edits::failed, edits::CREATION;
    "errno" "write-file --if-rev": edits::failed, edits::WHOLE;
[
    promise("stop: edit-file, taken over, folder", |of| {
        paused::at_each_call(of, "stop edit-file folder", Folder, paused::EDIT)
    }),
    promise("stop: edit-file, taken over, database", |of| {
        paused::at_each_call(of, "stop edit-file database", Database, paused::EDIT)
    }),
    few("stop: edit-file, past its end, folder", |of| {
        overslept::at_some_calls(of, "stop past its end folder", Folder)
    }),
    few("stop: edit-file, past its end, database", |of| {
        overslept::at_some_calls(of, "stop past its end database", Database)
    }),
    control("stop: a writer without a lease, taken over", |of| {
        paused::at_each_call(of, "stop copy", Folder, paused::COPY)
    }),
]];

type Run = fn(&Context) -> Result<Tally, Skip>;

const fn promise(name: &'static str, run: Run) -> Case {
    case(name, Expect::NothingWrong, 30, run)
}

const fn few(name: &'static str, run: Run) -> Case {
    case(name, Expect::NothingWrong, 6, run)
}

const fn control(name: &'static str, run: Run) -> Case {
    case(name, Expect::SomethingWrong, 10, run)
}

const fn case(name: &'static str, expect: Expect, minimum: u64, run: Run) -> Case {
    Case {
        name,
        expect,
        minimum,
        run,
    }
}
