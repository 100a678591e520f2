//! From arguments to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::args::claim::ClaimVerb;
use crate::args::journal::JournalVerb;
use crate::args::section::SectionVerb;
use crate::args::task::TaskVerb;
use crate::args::workflow::WorkflowVerb;
use crate::args::{Cli, LockVerb, Verb, narrow};
use crate::failure::Failure;
use crate::output::{self, Output, write_json};
use crate::settings::Settings;
use crate::terminal::escape;
use crate::{
    apply, claim, completions, creation, doctor, edits, get, init, journal, json, lease, lifecycle,
    lock, merging, queries, recovery, run, section, set, show, signals, snapshot, state, task,
    tasks, workflow,
};

/// Runs the command line and says how it ended.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json");
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(err) => return help_or_usage(&err, wants_json),
    };
    let settings = Settings::new(cli.common);
    let output = Output::new(&settings);
    let exit = match dispatch(&cli.verb, &settings, &output) {
        Ok(exit) => exit,
        Err(failure) => {
            tell(&failure, &output);
            failure.exit()
        }
    };
    sidecar_lock::settle_hand_overs();
    ExitCode::from(signals::pending().unwrap_or(exit))
}

/// As `Cli::try_parse_from`, but the whole grammar is built for help and errors only.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    if let Some(cli) = narrow::parse(&arguments) {
        return Ok(cli);
    }
    let mut grammar = Cli::command();
    let mut matches = grammar.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|err| err.format(&mut grammar))
}

fn dispatch(verb: &Verb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    if settings.op_id.is_some() && !is_one_change(verb) {
        return Err(Failure::usage("this command takes no --op-id").hint(
            "it is for commands that change one story; a line of `story apply` has a member op_id",
        ));
    }
    match verb {
        Verb::Get(args) => heard_enough(get::run(args, settings, output)),
        Verb::Show(args) => heard_enough(show::run(args, settings, output)),
        Verb::Set(args) => set::run(args, settings, output).map(|()| 0),
        Verb::Apply(args) => apply::run(args, settings, output),
        Verb::Creation(verb) => creation::run(verb, settings, output),
        Verb::Lifecycle(verb) => lifecycle::run(verb, settings, output),
        Verb::Query(verb) => heard_enough(queries::run(verb, settings, output)),
        Verb::Claim(verb) => claim::run(verb, settings, output),
        Verb::Journal(verb) => journal::run(verb, settings, output),
        Verb::With(args) => Ok(lock::with::run(args, settings, output)),
        Verb::Recovery(verb) => recovery::run(verb, settings, output),
        Verb::Section(verb @ (SectionVerb::Get(_) | SectionVerb::Path(_))) => {
            heard_enough(section::run(verb, settings, output))
        }
        Verb::Section(verb) => section::run(verb, settings, output).map(|()| 0),
        Verb::Task(verb @ (TaskVerb::Next(_) | TaskVerb::List(_))) => {
            heard_enough(task::run(verb, settings, output))
        }
        Verb::Task(verb) => task::run(verb, settings, output).map(|()| 0),
        Verb::Tasks(args) => tasks::run(args, settings, output),
        Verb::Workflow(verb @ WorkflowVerb::Show(_)) => {
            heard_enough(workflow::run(verb, settings, output))
        }
        Verb::Workflow(verb) => workflow::run(verb, settings, output).map(|()| 0),
        Verb::Lease(args) => lease::run(args, settings, output),
        Verb::Run(args) => run::run(args, settings, output),
        Verb::Snapshot(verb) => snapshot::run(verb, settings, output),
        Verb::State(verb) => state::run(verb, settings, output),
        Verb::Lock(LockVerb::Status(args)) => {
            heard_enough(lock::status::run(args, settings, output))
        }
        Verb::Lock(LockVerb::Run(args)) => Ok(lock::run::run(args, settings, output)),
        Verb::Lock(LockVerb::Hold(args)) => lock::hold::run(args, settings, output),
        Verb::Lock(LockVerb::Break(args)) => {
            lock::break_lock::run(args, settings, output).map(|()| 0)
        }
        Verb::Edit(verb) => edits::run(verb, settings, output),
        Verb::Merging(verb) => merging::run(verb, settings, output),
        Verb::Init(args) => init::run(args, settings, output).map(|()| 0),
        Verb::Doctor(args) => doctor::run(args, settings, output),
        Verb::Completions(args) => heard_enough(completions::shell(args)),
        Verb::Man(args) => heard_enough(completions::man(args, settings)),
    }
}

/// Whether a command is one change of the story that it names, which can be made once only. A claim is not: that it was
/// made once does not say that it still holds.
fn is_one_change(verb: &Verb) -> bool {
    // The second try of `claim --next` would look at other stories, and claim one more.
    if matches!(verb, Verb::Claim(ClaimVerb::Claim(args)) if args.next) {
        return false;
    }
    matches!(
        verb,
        Verb::Set(_)
            | Verb::Lifecycle(_)
            | Verb::Claim(ClaimVerb::Release(_))
            | Verb::Recovery(_)
            | Verb::Task(_)
            | Verb::Journal(JournalVerb::Undo(_))
    )
}

/// Who reads only the first lines of what only looks (`story show S-1 | head -1`) has not met a failure.
pub fn heard_enough(shown: Result<(), Failure>) -> Result<u8, Failure> {
    match shown {
        Err(failure) if !failure.is_unheard => Err(failure),
        _ => Ok(0),
    }
}

/// Tells a failure: to people on stderr, in JSON mode to programs on stdout as well.
pub fn tell(failure: &Failure, output: &Output) {
    output.failure(failure);
    if output.is_json() {
        // If nobody takes it: the same stands on stderr.
        write_json(json::failure(failure)).ok();
    }
}

/// Help and version are results; everything else that clap reports is a usage error.
fn help_or_usage(err: &clap::Error, wants_json: bool) -> ExitCode {
    let text = err.render().to_string();
    if matches!(
        err.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let written = output::write_stdout(text.as_bytes());
        return match heard_enough(written) {
            Ok(exit) => ExitCode::from(exit),
            Err(failure) => {
                output::write_stderr(format!("error: {}\n", failure.message()).as_bytes());
                ExitCode::from(failure.exit())
            }
        };
    }
    let text = escape(text.as_bytes());
    output::write_stderr(text.as_bytes());
    let failure = Failure::usage(reason(&text))
        .hint("`story --help` and `story VERB --help` show the grammar");
    if wants_json {
        // If nobody takes it: the same stands on stderr.
        write_json(json::failure(&failure)).ok();
    }
    ExitCode::from(failure.exit())
}

/// What clap says before it shows the usage, on one line.
fn reason(text: &str) -> String {
    let end = text.find("\n\nUsage").unwrap_or(text.len());
    let words: Vec<_> = text[..end].split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}
