//! The operations of `story set` and `story state set`, in the order in which they were given.
//!
//! clap's derive sorts options by name; here the order counts, and `--cap` belongs to the `--push` before it.

use clap::parser::ArgMatches;
use clap::{Arg, ArgAction, Args, Command, Error, FromArgMatches};

/// One argument as it stood on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// `KEY=VALUE`
    Assign(String),
    /// `--string KEY=TEXT`
    Text(String),
    /// `--unset KEY`
    Unset(String),
    /// `--inc KEY[=N]`
    Increment(String),
    /// `--add KEY=VALUE`
    Add(String),
    /// `--remove KEY=VALUE`
    Remove(String),
    /// `--push KEY=VALUE`
    Push(String),
    /// `--cap N`
    Cap(String),
    /// `--append-body TEXT|@FILE|@-`
    AppendBody(String),
    /// `--if KEY=VALUE`
    If(String),
    /// `--if-rev REV`
    IfRev(String),
}

/// Those of `story set`.
#[derive(Debug, Default)]
pub struct OrderedArgs {
    /// In the order given.
    pub given: Vec<Given>,
}

/// Those of `story state set`.
#[derive(Debug, Default)]
pub struct OrderedStateArgs {
    /// In the order given.
    pub given: Vec<Given>,
}

struct Kind {
    name: &'static str,
    value_name: &'static str,
    help: &'static str,
    make: fn(String) -> Given,
}

const KINDS: [Kind; 10] = [
    Kind {
        name: "string",
        value_name: "KEY=TEXT",
        help: "Set KEY to the text as it stands, whatever YAML would read in it",
        make: Given::Text,
    },
    Kind {
        name: "unset",
        value_name: "KEY",
        help: "Remove KEY",
        make: Given::Unset,
    },
    Kind {
        name: "inc",
        value_name: "KEY[=N]",
        help: "Add N (default 1) to an integer; a missing or null KEY starts at 0",
        make: Given::Increment,
    },
    Kind {
        name: "add",
        value_name: "KEY=VALUE",
        help: "Add VALUE to a list unless it is there; of a list, each item",
        make: Given::Add,
    },
    Kind {
        name: "remove",
        value_name: "KEY=VALUE",
        help: "Remove VALUE from a list; of a list, each item",
        make: Given::Remove,
    },
    Kind {
        name: "push",
        value_name: "KEY=VALUE",
        help: "Append VALUE to a list, as one item",
        make: Given::Push,
    },
    Kind {
        name: "cap",
        value_name: "N",
        help: "Keep only the last N items of the list of the --push before",
        make: Given::Cap,
    },
    Kind {
        name: "append-body",
        value_name: "TEXT|@FILE|@-",
        help: "Append text to the body: as given, from a file, or from standard input",
        make: Given::AppendBody,
    },
    Kind {
        name: "if",
        value_name: "KEY=VALUE",
        help: "Only if KEY has VALUE; `KEY=` means that KEY is absent",
        make: Given::If,
    },
    Kind {
        name: "if-rev",
        value_name: "REV",
        help: "Only if the story has this revision (12 digits or more)",
        make: Given::IfRev,
    },
];

const STATE_KINDS: [Kind; 6] = [
    Kind {
        name: "string",
        value_name: "KEY=TEXT",
        help: "Set KEY to the text as it stands, even if it is JSON",
        make: Given::Text,
    },
    Kind {
        name: "unset",
        value_name: "KEY",
        help: "Remove KEY",
        make: Given::Unset,
    },
    Kind {
        name: "inc",
        value_name: "KEY[=N]",
        help: "Add N (default 1) to an integer; a missing or null KEY starts at 0",
        make: Given::Increment,
    },
    Kind {
        name: "push",
        value_name: "KEY=VALUE",
        help: "Append VALUE to a list, as one item; a missing KEY becomes a list",
        make: Given::Push,
    },
    Kind {
        name: "if",
        value_name: "KEY=VALUE",
        help: "Only if KEY has VALUE; `KEY=` means that KEY is absent",
        make: Given::If,
    },
    Kind {
        name: "if-rev",
        value_name: "REV",
        help: "Only if the file has this revision (12 digits or more)",
        make: Given::IfRev,
    },
];

const ASSIGNMENTS: &str = "assignments";

/// Adds the options, and the `KEY=VALUE` that stand without one.
fn augment(command: Command, assignments: &'static str, kinds: &[Kind]) -> Command {
    let assignments = Arg::new(ASSIGNMENTS)
        .value_name("KEY=VALUE")
        .help(assignments)
        .action(ArgAction::Append)
        .num_args(0..);
    kinds
        .iter()
        .fold(command.arg(assignments), |command, kind| {
            let once = matches!(kind.name, "append-body" | "if-rev");
            command.arg(
                Arg::new(kind.name)
                    .long(kind.name)
                    .value_name(kind.value_name)
                    .help(kind.help)
                    .allow_hyphen_values(kind.name == "append-body")
                    .action(if once {
                        ArgAction::Set
                    } else {
                        ArgAction::Append
                    }),
            )
        })
}

/// What was given, in its order.
fn collect(matches: &ArgMatches, kinds: &[Kind]) -> Vec<Given> {
    let mut found: Vec<(usize, Given)> = Vec::new();
    let mut collect = |name: &str, make: fn(String) -> Given| {
        let indices = matches.indices_of(name).into_iter().flatten();
        let values = matches.get_many::<String>(name).into_iter().flatten();
        found.extend(
            indices
                .zip(values)
                .map(|(at, value)| (at, make(value.clone()))),
        );
    };
    collect(ASSIGNMENTS, Given::Assign);
    for kind in kinds {
        collect(kind.name, kind.make);
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, given)| given).collect()
}

impl Args for OrderedArgs {
    fn augment_args(command: Command) -> Command {
        let assignments =
            "Set KEY to VALUE, read as YAML; KEY may be a path such as a.b or list[0]";
        augment(command, assignments, &KINDS)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OrderedArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut ordered = Self::default();
        ordered.update_from_arg_matches(matches)?;
        Ok(ordered)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.given = collect(matches, &KINDS);
        Ok(())
    }
}

impl Args for OrderedStateArgs {
    fn augment_args(command: Command) -> Command {
        let assignments =
            "Set KEY to VALUE: JSON, else text; KEY is a.b[0].c or a JSON pointer /a/b/0/c";
        augment(command, assignments, &STATE_KINDS)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OrderedStateArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut ordered = Self::default();
        ordered.update_from_arg_matches(matches)?;
        Ok(ordered)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.given = collect(matches, &STATE_KINDS);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Verb};

    #[test]
    fn order_of_the_command_line_is_kept() {
        let line = "story set S-1 a=1 --push h=x --cap 3 b=2 --unset c --push i=y --inc n";
        let cli = Cli::try_parse_from(line.split(' ')).expect("it is a sound line");
        let Verb::Set(set) = cli.verb else {
            panic!("the verb is set");
        };
        let expected = [
            Given::Assign("a=1".into()),
            Given::Push("h=x".into()),
            Given::Cap("3".into()),
            Given::Assign("b=2".into()),
            Given::Unset("c".into()),
            Given::Push("i=y".into()),
            Given::Increment("n".into()),
        ];
        assert_eq!(set.ordered.given, expected, "order carries meaning");
    }
}
