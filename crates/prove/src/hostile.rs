//! Files and people that mean harm.
//!
//! What each case looks at afterwards: the exit code is one of the README's table, nobody panicked or hung, what people
//! see carries nothing that a terminal acts on, and a folder beside the project is as it was, its times included.

mod crowd;
mod ground;
mod names;
mod ran;
mod records;
mod requests;
mod standing;
mod swapped;
mod temporaries;
mod verbs;
mod yaml;

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
        minimum: 130,
        run: standing::at_the_story,
    },
    Case {
        name: "hostile: a lock or a story that may not be read",
        expect: Expect::NothingWrong,
        minimum: 44,
        run: standing::without_rights,
    },
    Case {
        name: "hostile: a record whose texts a terminal would act on",
        expect: Expect::NothingWrong,
        minimum: 400,
        run: |context| Ok(records::texts(context)),
    },
    Case {
        name: "hostile: a record that lies about its owner",
        expect: Expect::NothingWrong,
        minimum: 300,
        run: |context| Ok(records::lies(context)),
    },
    Case {
        name: "hostile: a record with a byte changed, or cut off",
        expect: Expect::NothingWrong,
        minimum: 1500,
        run: |context| Ok(records::damage(context)),
    },
    Case {
        name: "hostile: ids that lead elsewhere, for every verb",
        expect: Expect::NothingWrong,
        minimum: 300,
        run: |context| Ok(names::ids_that_lead_out(context)),
    },
    Case {
        name: "hostile: a configuration that leads elsewhere",
        expect: Expect::NothingWrong,
        minimum: 200,
        run: names::configuration,
    },
    Case {
        name: "hostile: an environment that lies",
        expect: Expect::NothingWrong,
        minimum: 100,
        run: |context| Ok(names::environment(context)),
    },
    Case {
        name: "hostile: names and stories that a terminal would act on",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: |context| Ok(names::shown(context)),
    },
    Case {
        name: "hostile: frontmatter that exhausts or misleads its reader",
        expect: Expect::NothingWrong,
        minimum: 350,
        run: yaml::bombs,
    },
    Case {
        name: "hostile: requests that exhaust or mislead apply",
        expect: Expect::NothingWrong,
        minimum: 100,
        run: requests::requests,
    },
    Case {
        name: "hostile: anything under the names of temporary files",
        expect: Expect::NothingWrong,
        minimum: 400,
        run: |context| Ok(temporaries::planted(context)),
    },
    Case {
        name: "hostile: temporary names that are taken",
        expect: Expect::NothingWrong,
        minimum: 40,
        run: temporaries::guessed,
    },
    Case {
        name: "hostile: a folder swapped under an update",
        expect: Expect::NothingWrong,
        minimum: 120,
        run: swapped::under_an_update,
    },
];
