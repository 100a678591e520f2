//! From arguments to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, LockVerb, Verb};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::settings::Settings;
use crate::terminal::escape;
use crate::{apply, completions, doctor, get, init, json, lock, set, show, signals};

/// Runs the command line and says how it ended.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
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

fn dispatch(verb: &Verb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        Verb::Get(args) => get::run(args, settings, output).map(|()| 0),
        Verb::Show(args) => show::run(args, settings, output).map(|()| 0),
        Verb::Set(args) => set::run(args, settings, output).map(|()| 0),
        Verb::Apply(args) => apply::run(args, settings, output),
        Verb::Lock(LockVerb::Status(args)) => lock::status::run(args, settings, output).map(|()| 0),
        Verb::Lock(LockVerb::Run(args)) => Ok(lock::run::run(args, settings, output)),
        Verb::Lock(LockVerb::Hold(args)) => lock::hold::run(args, settings, output).map(|()| 0),
        Verb::Lock(LockVerb::Break(args)) => {
            lock::break_lock::run(args, settings, output).map(|()| 0)
        }
        Verb::Init(_) => init::run(settings, output).map(|()| 0),
        Verb::Doctor(args) => doctor::run(args, settings, output),
        Verb::Completions(args) => completions::shell(args).map(|()| 0),
        Verb::Man(args) => completions::man(args, settings).map(|()| 0),
    }
}

/// Tells a failure: to people on stderr, in JSON mode to programs on stdout as well.
pub fn tell(failure: &Failure, output: &Output) {
    if failure.is_unheard {
        return;
    }
    output.failure(failure);
    if output.is_json() && output.json(&json::failure(failure).into()).is_err() {
        // The failure stands on stderr; there is nothing else to tell it to.
    }
}

/// Help and version are results; everything else that clap reports is a usage error.
fn help_or_usage(err: &clap::Error, wants_json: bool) -> ExitCode {
    let text = err.render().to_string();
    if matches!(
        err.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return match output::write_stdout(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                output::write_stderr(format!("error: {}\n", failure.message()).as_bytes());
                ExitCode::from(failure.exit())
            }
        };
    }
    let text = escape(text.as_bytes());
    output::write_stderr(text.as_bytes());
    let first_line = text.lines().next().unwrap_or_default();
    let failure = Failure::usage(first_line.trim_start_matches("error: "))
        .hint("`story --help` and `story VERB --help` show the grammar");
    if wants_json {
        let line = json::to_line(&json::failure(&failure).into());
        if output::write_stdout(format!("{line}\n").as_bytes()).is_err() {
            // The usage stands on stderr.
        }
    }
    ExitCode::from(failure.exit())
}
