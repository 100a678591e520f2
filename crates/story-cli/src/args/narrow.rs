//! The part of the grammar that one command line needs: building the whole of it costs more than most commands do.

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use clap::{Args, Command, FromArgMatches as _, Subcommand};

use super::claim::ClaimVerb;
use super::creation::CreationVerb;
use super::edits::EditVerb;
use super::journal::JournalVerb;
use super::lease::LeaseArgs;
use super::lifecycle::LifecycleVerb;
use super::merging::MergingVerb;
use super::queries::QueryVerb;
use super::recovery::RecoveryVerb;
use super::run::RunArgs;
use super::section::SectionVerb;
use super::snapshot::SnapshotVerb;
use super::state::StateVerb;
use super::task::TaskVerb;
use super::tasks::TasksArgs;
use super::with::WithArgs;
use super::workflow::WorkflowVerb;
use super::{ApplyArgs, Cli, Common, DoctorArgs, GetArgs, InitArgs, LockVerb, SetArgs, ShowArgs};

type Grammar = fn(&'static str) -> Command;

/// The verbs that the root has one by one.
const VERBS: [(&str, Grammar); 16] = [
    ("get", with::<GetArgs>),
    ("show", with::<ShowArgs>),
    ("set", with::<SetArgs>),
    ("apply", with::<ApplyArgs>),
    ("with", with::<WithArgs>),
    ("section", of::<SectionVerb>),
    ("task", of::<TaskVerb>),
    ("tasks", with::<TasksArgs>),
    ("workflow", of::<WorkflowVerb>),
    ("lease", with::<LeaseArgs>),
    ("run", with::<RunArgs>),
    ("snapshot", of::<SnapshotVerb>),
    ("state", of::<StateVerb>),
    ("lock", of::<LockVerb>),
    ("init", with::<InitArgs>),
    ("doctor", with::<DoctorArgs>),
];

/// What `arguments` say, as the whole grammar has it; `None` where only the whole grammar can tell.
///
/// Sound for any guess at the verb: the root has no arguments without a dash, so a line that holds another verb before the
/// one that was guessed is an error here.
pub fn parse(arguments: &[OsString]) -> Option<Cli> {
    let mut verbs = arguments
        .iter()
        .skip(1)
        .map(|word| word.to_str().unwrap_or_default());
    let verb = verbs.by_ref().find_map(verb)?;
    let verb = verbs
        .find_map(|word| only(&verb, word))
        .unwrap_or_else(|| verb.clone());
    // Not taken apart again: that is a tenth of a short command's time.
    let mut grammar = ManuallyDrop::new(root(verb));
    let mut matches = ManuallyDrop::new(grammar.try_get_matches_from_mut(arguments).ok()?);
    Cli::from_arg_matches_mut(&mut matches).ok()
}

/// The command line with this verb alone.
fn root(verb: Command) -> Command {
    Common::augment_args(Command::new("story").version(env!("CARGO_PKG_VERSION")))
        .subcommand_required(true)
        .subcommand(verb)
}

/// The command with this one of its verbs alone; `None` if it has no such verb, or if the word may be an argument.
fn only(command: &Command, verb: &str) -> Option<Command> {
    let verb = command.find_subcommand(verb)?;
    if command.get_positionals().next().is_some() {
        return None;
    }
    let (name, _) = VERBS.iter().find(|(name, _)| *name == command.get_name())?;
    let alone = Command::new(*name)
        .args(command.get_arguments().cloned())
        .groups(command.get_groups().cloned())
        .subcommand_required(command.is_subcommand_required_set())
        .subcommand(verb.clone());
    Some(alone)
}

/// The grammar of one verb, without its place in the help of the whole.
fn verb(name: &str) -> Option<Command> {
    match VERBS.iter().find(|(known, _)| *known == name) {
        Some((name, grammar)) => Some(grammar(name)),
        None => flattened(name),
    }
}

fn with<T: Args>(name: &'static str) -> Command {
    T::augment_args(Command::new(name))
}

fn of<T: Subcommand>(name: &'static str) -> Command {
    T::augment_subcommands(Command::new(name).subcommand_required(true))
}

/// A verb out of those that the root has by groups.
fn flattened(name: &str) -> Option<Command> {
    fn among<T: Subcommand>(name: &str) -> Option<Command> {
        let is_there = T::has_subcommand(name);
        is_there.then(|| of::<T>("story").find_subcommand(name).cloned())?
    }
    let groups = [
        among::<LifecycleVerb>,
        among::<QueryVerb>,
        among::<ClaimVerb>,
        among::<JournalVerb>,
        among::<CreationVerb>,
        among::<RecoveryVerb>,
        among::<EditVerb>,
        among::<MergingVerb>,
    ];
    groups.iter().find_map(|among| among(name))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    /// All of a command that decides what it accepts and as what, but for its verbs.
    fn own_rules(command: &Command) -> String {
        let arguments: Vec<_> = command.get_arguments().collect();
        let groups: Vec<_> = command.get_groups().collect();
        let switches = [
            command.is_subcommand_required_set(),
            command.is_subcommand_negates_reqs_set(),
            command.is_args_conflicts_with_subcommands_set(),
            command.is_allow_external_subcommands_set(),
            command.is_disable_help_flag_set(),
            command.is_disable_help_subcommand_set(),
        ];
        let aliases: Vec<_> = command.get_all_aliases().collect();
        let name = command.get_name();
        format!("{name} {aliases:?} {switches:?} {arguments:#?} {groups:#?}")
    }

    fn rules(command: &Command) -> String {
        let verbs: Vec<_> = command.get_subcommands().map(rules).collect();
        format!("{} {verbs:#?}", own_rules(command))
    }

    #[test]
    fn verb_alone_has_the_rules_that_it_has_in_the_whole_grammar() {
        let whole = Cli::command();
        let mut narrowed = 0;
        for full in whole.get_subcommands() {
            let Some(alone) = verb(full.get_name()) else {
                continue;
            };
            narrowed += 1;
            assert_eq!(rules(&alone), rules(full), "the rules of one verb");
            for inner in full.get_subcommands() {
                let Some(alone) = only(&alone, inner.get_name()) else {
                    continue;
                };
                assert_eq!(own_rules(&alone), own_rules(full), "around its verb");
                let kept: Vec<_> = alone.get_subcommands().map(rules).collect();
                assert_eq!(kept, [rules(inner)], "the rules of the verb of a verb");
            }
        }
        let all = whole.get_subcommands().count();
        assert_eq!(
            all - narrowed,
            2,
            "the whole is built for completions and man only"
        );
        let alone = root(Command::new("x"));
        let arguments = |of: &Command| format!("{:#?}", of.get_arguments().collect::<Vec<_>>());
        assert_eq!(
            arguments(&alone),
            arguments(&whole),
            "the options of every command"
        );
    }

    #[test]
    fn parse_says_what_the_whole_grammar_says() {
        let needs_the_whole = false;
        let lines = [
            ("story get S-1 status", true),
            ("story list --ready", true),
            ("story --owner set get S-1", needs_the_whole),
            ("story --owner get get get set", true),
            ("story --json lease --store x check src/a.rs", true),
            ("story lease check check", true),
            ("story lease --store check list", needs_the_whole),
            ("story lease help check", needs_the_whole),
            ("story help set", needs_the_whole),
            ("story set --help", needs_the_whole),
            ("story set", needs_the_whole),
            ("story nonsense set S-1 a=b", needs_the_whole),
            ("story set S-1 -- a=b", true),
            ("story run -- list", true),
            ("story run list --json", true),
            ("story state get x.json key", true),
            ("story --version", needs_the_whole),
            ("story", needs_the_whole),
        ];
        for (line, expected) in lines {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            let narrow = parse(&words);
            assert_eq!(narrow.is_some(), expected, "whether {line:?} is told");
            if let Some(narrow) = narrow {
                let whole = Cli::try_parse_from(&words).expect("it is a sound line");
                let (narrow, whole) = (format!("{narrow:?}"), format!("{whole:?}"));
                assert_eq!(narrow, whole, "what {line:?} means");
            }
        }
    }
}
