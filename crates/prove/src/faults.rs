//! System calls of the program under test that are killed or fail, one at a time.
//!
//! Each command is run once under strace, undisturbed; then again for each of its calls, killed at its entry or with an
//! error in its place. `when=` counts the calls of one name in each thread by itself, so only the first thread is traced;
//! what the others do is tried by cases of their own (`threads`). So are results that cannot be written (`streams`).

pub mod calls;
mod claiming;
mod creation;
mod crew;
mod errno;
mod judge;
mod kill;
pub mod leasing;
mod operation;
mod place;
mod repeated;
mod scene;
mod section;
pub mod state;
mod streams;
mod threads;
mod together;
pub mod trees;

use crate::case::{Case, Expect};

/// The cases of this section.
pub const CASES: &[Case] = &[
    Case {
        name: "kill: set",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call_from_the_first(context, "kill set", &scene::SET),
    },
    Case {
        name: "kill: set --fast",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill set --fast", &scene::SET_FAST),
    },
    Case {
        name: "kill: apply",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill apply", &scene::APPLY),
    },
    Case {
        name: "kill: apply --together",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::killed_at_each_call(context, "kill together", &together::TOGETHER)
        },
    },
    Case {
        name: "kill: new",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| operation::killed_at_each_call(context, "kill new", &creation::CREATION),
    },
    Case {
        name: "kill: section append",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::killed_at_each_call(context, "kill section append", &section::APPEND)
        },
    },
    Case {
        name: "kill: set --op-id",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::killed_at_each_call(context, "kill set --op-id", &repeated::SET_ONCE)
        },
    },
    Case {
        name: "kill: claim --next",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::killed_at_each_call(context, "kill claim --next", &claiming::CLAIM_NEXT)
        },
    },
    Case {
        name: "kill: lock run",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill lock run", &scene::LOCK_RUN),
    },
    Case {
        name: "kill: lock run -- story set",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(context, "kill lock run -- story set", &scene::LOCK_RUN_SET)
        },
    },
    Case {
        name: "kill: set in a lock run",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(context, "kill set in a lock run", &scene::SET_IN_LOCK_RUN)
        },
    },
    Case {
        name: "kill: lock hold",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill lock hold", &scene::LOCK_HOLD),
    },
    Case {
        name: "kill: lock break",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill lock break", &scene::LOCK_BREAK),
    },
    Case {
        name: "kill: take-over of a crash",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill take-over of a crash", &scene::TAKE_OVER),
    },
    Case {
        name: "kill: take-over, a person's copy",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(
                context,
                "kill take-over, a person's copy",
                &scene::TAKE_OVER_PERSON,
            )
        },
    },
    Case {
        name: "kill: take-over of a file",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(context, "kill take-over of a file", &scene::TAKE_OVER_FILE)
        },
    },
    Case {
        name: "kill: take-over of a directory",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(
                context,
                "kill take-over of a directory",
                &scene::TAKE_OVER_DIRECTORY,
            )
        },
    },
    Case {
        name: "kill: hand-over",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill hand-over", &scene::HAND_OVER),
    },
    Case {
        name: "kill: waiter",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill waiter", &scene::WAITER),
    },
    Case {
        name: "kill: init",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill init", &scene::INIT),
    },
    Case {
        name: "kill: doctor --fix",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill doctor --fix", &scene::DOCTOR_FIX),
    },
    Case {
        name: "kill: doctor --fix, a person's copy",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            kill::at_each_call(
                context,
                "kill doctor --fix, a person's copy",
                &scene::DOCTOR_FIX_PERSON,
            )
        },
    },
    Case {
        name: "kill: get --locked",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| kill::at_each_call(context, "kill get --locked", &scene::GET_LOCKED),
    },
    Case {
        name: "errno: set",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno set", &scene::SET),
    },
    Case {
        name: "errno: set --fast",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno set --fast", &scene::SET_FAST),
    },
    Case {
        name: "errno: apply",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno apply", &scene::APPLY),
    },
    Case {
        name: "errno: apply --together",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::failed_at_each_call(context, "errno together", &together::TOGETHER)
        },
    },
    Case {
        name: "errno: new",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| operation::failed_at_each_call(context, "errno new", &creation::CREATION),
    },
    Case {
        name: "errno: section append",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::failed_at_each_call(context, "errno section append", &section::APPEND)
        },
    },
    Case {
        name: "errno: set --op-id",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::failed_at_each_call(context, "errno set --op-id", &repeated::SET_ONCE)
        },
    },
    Case {
        name: "errno: claim --next",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: |context| {
            operation::failed_at_each_call(context, "errno claim --next", &claiming::CLAIM_NEXT)
        },
    },
    Case {
        name: "errno: lock run",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno lock run", &scene::LOCK_RUN),
    },
    Case {
        name: "errno: lock run -- story set",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(context, "errno lock run -- story set", &scene::LOCK_RUN_SET)
        },
    },
    Case {
        name: "errno: set in a lock run",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(context, "errno set in a lock run", &scene::SET_IN_LOCK_RUN)
        },
    },
    Case {
        name: "errno: lock hold",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno lock hold", &scene::LOCK_HOLD),
    },
    Case {
        name: "errno: lock break",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno lock break", &scene::LOCK_BREAK),
    },
    Case {
        name: "errno: take-over of a crash",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(context, "errno take-over of a crash", &scene::TAKE_OVER)
        },
    },
    Case {
        name: "errno: take-over, a person's copy",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(
                context,
                "errno take-over, a person's copy",
                &scene::TAKE_OVER_PERSON,
            )
        },
    },
    Case {
        name: "errno: take-over of a file",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(context, "errno take-over of a file", &scene::TAKE_OVER_FILE)
        },
    },
    Case {
        name: "errno: take-over of a directory",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(
                context,
                "errno take-over of a directory",
                &scene::TAKE_OVER_DIRECTORY,
            )
        },
    },
    Case {
        name: "errno: hand-over",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno hand-over", &scene::HAND_OVER),
    },
    Case {
        name: "errno: waiter",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno waiter", &scene::WAITER),
    },
    Case {
        name: "errno: init",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno init", &scene::INIT),
    },
    Case {
        name: "errno: doctor --fix",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno doctor --fix", &scene::DOCTOR_FIX),
    },
    Case {
        name: "errno: doctor --fix, a person's copy",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| {
            errno::at_each_call(
                context,
                "errno doctor --fix, a person's copy",
                &scene::DOCTOR_FIX_PERSON,
            )
        },
    },
    Case {
        name: "errno: get --locked",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno get --locked", &scene::GET_LOCKED),
    },
    Case {
        name: "errno: set --json",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno set --json", &scene::SET_JSON),
    },
    Case {
        name: "errno: get",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno get", &scene::GET),
    },
    Case {
        name: "errno: show",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno show", &scene::SHOW),
    },
    Case {
        name: "errno: lock status",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno lock status", &scene::LOCK_STATUS),
    },
    Case {
        name: "errno: doctor",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| errno::at_each_call(context, "errno doctor", &scene::DOCTOR),
    },
    Case {
        name: "errno: a thread in the queue",
        expect: Expect::NothingWrong,
        minimum: 10,
        run: |context| {
            threads::at_each_call(context, "thread in the queue", &threads::IN_THE_QUEUE)
        },
    },
    Case {
        name: "errno: a thread for signals",
        expect: Expect::NothingWrong,
        minimum: 8,
        run: |context| threads::at_each_call(context, "thread for signals", &threads::FOR_SIGNALS),
    },
    Case {
        name: "errno: a thread that keeps fresh",
        expect: Expect::NothingWrong,
        minimum: 20,
        run: |context| {
            threads::at_each_call(context, "thread that keeps fresh", &threads::HEARTBEAT)
        },
    },
    Case {
        name: "errno: a full output",
        expect: Expect::NothingWrong,
        minimum: 60,
        run: streams::full,
    },
    Case {
        name: "kill: a writer in place",
        expect: Expect::SomethingWrong,
        minimum: 10,
        run: |context| kill::at_each_call(context, "kill in place", &scene::IN_PLACE),
    },
    Case {
        name: "errno: a writer in place",
        expect: Expect::SomethingWrong,
        minimum: 10,
        run: |context| errno::at_each_call(context, "errno in place", &scene::IN_PLACE),
    },
];
