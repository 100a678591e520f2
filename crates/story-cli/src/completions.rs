//! `story completions` and `story man`: generated from the grammar itself.

use std::path::Path;

use atomic_file::{CommitError, CommitOptions};
use clap::{Command, CommandFactory as _};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::failure::{Code, Failure};
use crate::output::write_stdout;
use crate::settings::Settings;

/// Prints the completions for a shell.
///
/// # Errors
///
/// When stdout does not take them.
pub fn shell(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "story", &mut text);
    write_stdout(&text)
}

/// Prints `story.1`, or writes it and the pages of all verbs to a folder.
///
/// # Errors
///
/// When stdout or the folder does not take them.
pub fn man(args: &ManArgs, settings: &Settings) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.folder else {
        return write_stdout(&page(&command)?);
    };
    write_pages(folder, &command, settings)
}

fn write_pages(folder: &Path, command: &Command, settings: &Settings) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    write(&folder.join(format!("{name}.1")), &page(command)?, settings)?;
    command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
        .try_for_each(|verb| write_pages(folder, verb, settings))
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .map_err(|err| Failure::new(Code::Io, "cannot make the manual page").with_chain(&err))?;
    Ok(text)
}

fn write(path: &Path, text: &[u8], settings: &Settings) -> Result<(), Failure> {
    let options = CommitOptions {
        durability: settings.durability(),
        ..CommitOptions::default()
    };
    let written = match atomic_file::create(path, text, &options) {
        Err(CommitError::AlreadyExists { .. }) => atomic_file::replace(path, text, &options),
        created => created,
    };
    written.map(drop).map_err(|err| {
        let mut failure = Failure::from_commit(&err);
        failure.headline = format!("cannot write {}", path.display());
        failure
    })
}
