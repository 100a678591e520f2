//! A command under a lock, in the manner of flock(1): `story lock run`, and what `story with` shares with it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use sidecar_lock::{LockGuard, LockOptions};

use super::{acquire, clean_up_after_the_dead};
use crate::app;
use crate::args::LockRunArgs;
use crate::child::run_child;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::{Target, is_there};
use crate::settings::{LOCK_HELD, Settings};
use crate::signals;
use crate::sys;
use crate::transaction::chain;

/// A command to run under a lock.
pub struct LockedCommand<'a> {
    /// What is locked meanwhile.
    pub target: &'a Target,
    /// The verb that runs it, for those who wait: `story lock run`.
    pub verb: &'a str,
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// Whether the command also finds the path of what is locked in a variable; it must then exist.
    pub tells_path: TellsPath,
}

/// Whether a command is told the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TellsPath {
    /// In this variable.
    In(&'static str),
    /// No.
    No,
}

/// Runs the command and returns its exit code; our own where it was not started.
pub fn run(args: &LockRunArgs, settings: &Settings, output: &Output) -> u8 {
    let exit = Target::of_resource(&args.path, settings).and_then(|target| {
        let command = LockedCommand {
            target: &target,
            verb: "story lock run",
            words: &args.command,
            tells_path: TellsPath::No,
        };
        command.run(settings, output)
    });
    exit_code(exit, args.conflict_exit_code, output)
}

/// The exit code of a command; our own, or `conflict`, where it was not started, and then the reason is told.
pub fn exit_code(exit: Result<u8, Failure>, conflict: Option<u8>, output: &Output) -> u8 {
    match exit {
        Ok(exit) => exit,
        Err(failure) => {
            app::tell(&failure, output);
            conflict.unwrap_or(failure.exit())
        }
    }
}

impl LockedCommand<'_> {
    /// Runs it under the lock and returns its exit code.
    ///
    /// # Errors
    ///
    /// [`Failure`] when it was not started.
    pub fn run(&self, settings: &Settings, output: &Output) -> Result<u8, Failure> {
        let [program, arguments @ ..] = self.words else {
            return Err(Failure::usage("no command was given"));
        };
        signals::watch();
        let options = LockOptions {
            command: Some(format!("{} -- {}", self.verb, program.to_string_lossy())),
            ..settings.lock_options(self.verb)
        };
        let guard = acquire(self.target, &options, settings, output)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env(LOCK_HELD, held(&guard, settings));
        if let TellsPath::In(variable) = self.tells_path {
            self.check_is_there(&guard)?;
            command.env(variable, guard.resource());
        }
        let ended = run_child(&mut command);
        self.finish(guard, ended, output)
    }

    fn check_is_there(&self, guard: &LockGuard) -> Result<(), Failure> {
        if is_there(guard.resource())? {
            return Ok(());
        }
        let failure = Failure::new(Code::NotFound, "")
            .cause(format!("{} does not exist", guard.resource().display()));
        Err(failure.about("open", self.target))
    }

    fn finish(
        &self,
        guard: LockGuard,
        ended: io::Result<ExitStatus>,
        output: &Output,
    ) -> Result<u8, Failure> {
        // It may have died in a commit under our lock: nobody after us would see a sign of that.
        if !ended.as_ref().is_ok_and(ExitStatus::success) {
            clean_up_after_the_dead(&guard, output);
        }
        let resource = guard.resource().to_path_buf();
        let lost = guard.release().err().map(|err| chain(&err));
        if let Some(lost) = &lost {
            output.warning(&format!("the lock was not held to the end: {lost}"));
        }
        let program = self
            .words
            .first()
            .map(OsString::as_os_str)
            .unwrap_or_default();
        let status = ended.map_err(|err| not_started(program, &err))?;
        if output.is_json() {
            let mut result = json::success_of(self.target.id.as_deref(), &resource);
            result.insert("exit_code".to_owned(), sys::exit_code(status).into());
            result.insert("signal".to_owned(), sys::ending_signal(status).into());
            result.insert(
                "warnings".to_owned(),
                lost.into_iter().collect::<Vec<_>>().into(),
            );
            // The command's exit code is what was asked for; whoever closed stdout does not read this line.
            write_json(result).ok();
        }
        Ok(sys::exit_code(status))
    }
}

fn held(guard: &LockGuard, settings: &Settings) -> OsString {
    let token = &guard.holder().token;
    lock_held(guard.resource(), token, settings.lock_held.as_deref())
}

/// What a command is told about a lock that is held for it, and about those that we were told about.
pub fn lock_held(resource: &Path, token: &str, outer: Option<&OsStr>) -> OsString {
    let mut held = resource.as_os_str().to_owned();
    held.push(":");
    held.push(token);
    if let Some(outer) = outer {
        held.push("\n");
        held.push(outer);
    }
    held
}

/// The failure of a program that could not be started.
pub fn not_started(program: &OsStr, err: &io::Error) -> Failure {
    let code = match code_of_io(err) {
        Code::NotFound => Code::NotFound,
        Code::NoPermission => Code::NoPermission,
        _ => Code::Io,
    };
    let headline = format!("cannot run {}", program.to_string_lossy());
    let mut failure = Failure::new(code, headline).cause(err.to_string());
    failure.hint = sys::advice(err).map(str::to_owned);
    failure
}
