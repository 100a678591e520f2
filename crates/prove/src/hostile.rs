//! Files and people that mean harm.
//!
//! What each case looks at afterwards: the exit code is one of the README's table, nobody panicked or hung, what people
//! see carries nothing that a terminal acts on, and a folder beside the project is as it was, its times included.

mod ground;
mod ran;
mod standing;
mod verbs;

use crate::case::{Case, Expect};

/// The cases of this section.
pub const CASES: &[Case] = &[
    Case {
        name: "hostile: anything at the place of the lock",
        expect: Expect::NothingWrong,
        minimum: 150,
        run: standing::at_the_sidecar,
    },
    Case {
        name: "hostile: anything at the place of the story",
        expect: Expect::NothingWrong,
        minimum: 140,
        run: standing::at_the_story,
    },
    Case {
        name: "hostile: a lock or a story that may not be read",
        expect: Expect::NothingWrong,
        minimum: 44,
        run: standing::without_rights,
    },
];
