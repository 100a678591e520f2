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

/// The cases of this section.
pub const CASES: &[Case] = &[
    promise("kill: lease acquire, folder", |of| {
        changes::killed(of, "kill lease acquire folder", Folder, &changes::FIRST)
    }),
    promise("kill: lease acquire, database", |of| {
        changes::killed(of, "kill lease acquire database", Database, &changes::FIRST)
    }),
    promise("kill: lease acquire over an expired, folder", |of| {
        changes::killed(
            of,
            "kill lease acquire over an expired folder",
            Folder,
            &changes::OVER_AN_EXPIRED,
        )
    }),
    promise("kill: lease acquire over an expired, database", |of| {
        changes::killed(
            of,
            "kill lease acquire over an expired database",
            Database,
            &changes::OVER_AN_EXPIRED,
        )
    }),
    promise("kill: lease second acquire, folder", |of| {
        changes::killed(
            of,
            "kill lease second acquire folder",
            Folder,
            &changes::SECOND,
        )
    }),
    promise("kill: lease second acquire, database", |of| {
        changes::killed(
            of,
            "kill lease second acquire database",
            Database,
            &changes::SECOND,
        )
    }),
    promise("kill: lease renew, folder", |of| {
        changes::killed(of, "kill lease renew folder", Folder, &changes::RENEWAL)
    }),
    promise("kill: lease renew, database", |of| {
        changes::killed(of, "kill lease renew database", Database, &changes::RENEWAL)
    }),
    promise("kill: lease release of a path, folder", |of| {
        changes::killed(
            of,
            "kill lease release of a path folder",
            Folder,
            &changes::NARROWING,
        )
    }),
    promise("kill: lease release of a path, database", |of| {
        changes::killed(
            of,
            "kill lease release of a path database",
            Database,
            &changes::NARROWING,
        )
    }),
    promise("kill: lease release of the last, folder", |of| {
        changes::killed(
            of,
            "kill lease release of the last folder",
            Folder,
            &changes::LAST,
        )
    }),
    promise("kill: lease release of the last, database", |of| {
        changes::killed(
            of,
            "kill lease release of the last database",
            Database,
            &changes::LAST,
        )
    }),
    promise("kill: edit-file, folder", |of| {
        edits::killed(of, "kill edit-file folder", Folder, &edits::PIECE)
    }),
    promise("kill: edit-file, database", |of| {
        edits::killed(of, "kill edit-file database", Database, &edits::PIECE)
    }),
    promise("kill: write-file --create, folder", |of| {
        edits::killed(
            of,
            "kill write-file --create folder",
            Folder,
            &edits::CREATION,
        )
    }),
    promise("kill: write-file --create, database", |of| {
        edits::killed(
            of,
            "kill write-file --create database",
            Database,
            &edits::CREATION,
        )
    }),
    promise("kill: write-file --if-rev, folder", |of| {
        edits::killed(of, "kill write-file --if-rev folder", Folder, &edits::WHOLE)
    }),
    promise("kill: write-file --if-rev, database", |of| {
        edits::killed(
            of,
            "kill write-file --if-rev database",
            Database,
            &edits::WHOLE,
        )
    }),
    promise("errno: lease acquire, folder", |of| {
        changes::failed(of, "errno lease acquire folder", Folder, &changes::FIRST)
    }),
    promise("errno: lease acquire, database", |of| {
        changes::failed(
            of,
            "errno lease acquire database",
            Database,
            &changes::FIRST,
        )
    }),
    promise("errno: lease acquire over an expired, folder", |of| {
        changes::failed(
            of,
            "errno lease acquire over an expired folder",
            Folder,
            &changes::OVER_AN_EXPIRED,
        )
    }),
    promise("errno: lease acquire over an expired, database", |of| {
        changes::failed(
            of,
            "errno lease acquire over an expired database",
            Database,
            &changes::OVER_AN_EXPIRED,
        )
    }),
    promise("errno: lease second acquire, folder", |of| {
        changes::failed(
            of,
            "errno lease second acquire folder",
            Folder,
            &changes::SECOND,
        )
    }),
    promise("errno: lease second acquire, database", |of| {
        changes::failed(
            of,
            "errno lease second acquire database",
            Database,
            &changes::SECOND,
        )
    }),
    promise("errno: lease renew, folder", |of| {
        changes::failed(of, "errno lease renew folder", Folder, &changes::RENEWAL)
    }),
    promise("errno: lease renew, database", |of| {
        changes::failed(
            of,
            "errno lease renew database",
            Database,
            &changes::RENEWAL,
        )
    }),
    promise("errno: lease release of a path, folder", |of| {
        changes::failed(
            of,
            "errno lease release of a path folder",
            Folder,
            &changes::NARROWING,
        )
    }),
    promise("errno: lease release of a path, database", |of| {
        changes::failed(
            of,
            "errno lease release of a path database",
            Database,
            &changes::NARROWING,
        )
    }),
    promise("errno: lease release of the last, folder", |of| {
        changes::failed(
            of,
            "errno lease release of the last folder",
            Folder,
            &changes::LAST,
        )
    }),
    promise("errno: lease release of the last, database", |of| {
        changes::failed(
            of,
            "errno lease release of the last database",
            Database,
            &changes::LAST,
        )
    }),
    promise("errno: edit-file, folder", |of| {
        edits::failed(of, "errno edit-file folder", Folder, &edits::PIECE)
    }),
    promise("errno: edit-file, database", |of| {
        edits::failed(of, "errno edit-file database", Database, &edits::PIECE)
    }),
    promise("errno: write-file --create, folder", |of| {
        edits::failed(
            of,
            "errno write-file --create folder",
            Folder,
            &edits::CREATION,
        )
    }),
    promise("errno: write-file --create, database", |of| {
        edits::failed(
            of,
            "errno write-file --create database",
            Database,
            &edits::CREATION,
        )
    }),
    promise("errno: write-file --if-rev, folder", |of| {
        edits::failed(
            of,
            "errno write-file --if-rev folder",
            Folder,
            &edits::WHOLE,
        )
    }),
    promise("errno: write-file --if-rev, database", |of| {
        edits::failed(
            of,
            "errno write-file --if-rev database",
            Database,
            &edits::WHOLE,
        )
    }),
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
];

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
