//! `story run -- CMD`: the command as a task.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use task_runner::{
    AtomicSnapshot, JOURNAL_NAME, OnFailure, Repository, RunnerOptions, STATE_LOCK_RESOURCE,
    Snapshot, Task, TaskId, TaskRunner,
};

use super::answer;
use super::telling::Teller;
use super::work::{End, Work};
use crate::app;
use crate::args::run::{RunArgs, RunOptions, WhenFailed};
use crate::failure::{Code, Failure};
use crate::git;
use crate::ignore_rules;
use crate::init;
use crate::lock::run::not_started;
use crate::output::Output;
use crate::settings::Settings;
use crate::shared_files::AppShared;
use crate::signals;
use crate::transaction::inherited_token;

/// A command to run as a task.
pub struct TaskCommand<'a> {
    /// The name of the task.
    pub task: TaskId,
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// Where it runs, relative to the top of the tree; `None` is here.
    pub folder: Option<&'a Path>,
    /// The snapshot of an earlier attempt that this one goes on from.
    pub since: Option<Snapshot>,
    /// How to run it. The name in it does not count.
    pub options: &'a RunOptions,
}

/// Runs the command of a command line and returns its exit code; our own where it was not started.
pub fn run(args: &RunArgs, settings: &Settings, output: &Output) -> u8 {
    let options = &args.options;
    let named = match &options.task {
        Some(task) => Ok(task.clone()),
        None => new_name(settings.now()),
    };
    let exit = named.and_then(|task| {
        let snapshots = AtomicSnapshot::open(Path::new("."))
            .map_err(|err| Failure::from_snapshot(&err, "run a task"))?;
        let command = TaskCommand {
            task,
            words: &args.command,
            folder: None,
            since: None,
            options,
        };
        command.run(snapshots, settings, output)
    });
    exit_code(exit, options.conflict_exit_code, output)
}

/// The exit code of a command; where it was not started the reason is told, and the code is `conflict` or our own.
pub fn exit_code(exit: Result<u8, Failure>, conflict: Option<u8>, output: &Output) -> u8 {
    exit.unwrap_or_else(|failure| {
        app::tell(&failure, output);
        conflict.unwrap_or(failure.exit())
    })
}

/// Sees to it that git does not take our lock and journal for files of the project.
fn keep_out_of_git(repository: &Repository, settings: &Settings) -> Result<(), Failure> {
    let lock = format!("{STATE_LOCK_RESOURCE}.lock");
    let ours = [lock.as_str(), JOURNAL_NAME].map(PathBuf::from);
    let visible = git::not_ignored(repository.top(), &ours).map_err(|err| {
        let headline = "cannot ask git what it ignores";
        Failure::new(Code::Io, headline).cause(err.to_string())
    })?;
    if visible.is_empty() {
        return Ok(());
    }
    // Of this clone alone: what others get to see is for `story init`.
    let path = repository.common_dir().join("info/exclude");
    if let Some(folder) = path.parent() {
        let made = atomic_file::ensure_folder(folder);
        made.map_err(|err| Failure::from_commit(&err))?;
    }
    let rules = ignore_rules::of_tree();
    init::complete(
        &path,
        |bytes| ignore_rules::completed(bytes, &rules),
        settings,
    )?;
    Ok(())
}

/// `run-<time in UTC>-<chance>`.
fn new_name(now: Timestamp) -> Result<TaskId, Failure> {
    let mut chance = [0; 2];
    getrandom::fill(&mut chance).map_err(|err| {
        Failure::new(Code::Io, "cannot name the task")
            .cause(err.to_string())
            .hint("name it with --task")
    })?;
    let time = now
        .to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let chance = u16::from_be_bytes(chance);
    Ok(TaskId::new(&format!("run-{time}-{chance:04x}")).expect("it is short, and on one line"))
}

impl TaskCommand<'_> {
    /// Runs it and returns its exit code.
    ///
    /// # Errors
    ///
    /// [`Failure`] when it was not started.
    pub fn run(
        &self,
        snapshots: AtomicSnapshot,
        settings: &Settings,
        output: &Output,
    ) -> Result<u8, Failure> {
        signals::watch();
        let top = snapshots.repository().top().to_path_buf();
        if let Err(failure) = keep_out_of_git(snapshots.repository(), settings) {
            output.warning(&failure.message());
        }
        let task = self.task(&top, settings)?;
        let shared = AppShared::new(&top, "story run", settings)?;
        let now = || settings.now();
        let options = RunnerOptions {
            shared: &shared,
            now: &now,
            patience: settings.timeout,
        };
        let runner = TaskRunner::new(snapshots, options).map_err(Failure::from_run)?;
        let folder = self.folder.map(|folder| top.join(folder));
        let work = Work {
            words: self.words,
            folder: folder.as_deref(),
            time_limit: self.options.time_limit,
            settings,
            output,
        };
        let mut teller = Teller::new(output);
        let (report, end) = runner
            .run(&task, &mut teller, |running| {
                let end = work.run(running);
                (end.ended(), end)
            })
            .map_err(Failure::from_run)?;
        let notes = shared.take_notes();
        answer::tell(&report, &end, &notes, &mut teller, output);
        if let End::NotStarted(err) = &end {
            return Err(not_started(self.program(), err));
        }
        let exit_code = end.exit_code();
        if output.is_json() {
            answer::write(&report, exit_code, &teller);
        }
        Ok(exit_code)
    }

    fn program(&self) -> &OsStr {
        let program = self.words.first().map(OsString::as_os_str);
        program.unwrap_or_default()
    }

    fn task(&self, top: &Path, settings: &Settings) -> Result<Task, Failure> {
        let options = self.options;
        Ok(Task {
            id: self.task.clone(),
            command: self.words.to_vec(),
            folder: match self.folder {
                Some(folder) => folder.to_path_buf(),
                None => here(top)?,
            },
            owner: Some(settings.actor().to_owned()),
            label: options.label.clone().unwrap_or_default(),
            on_failure: match options.on_failure {
                None | Some(WhenFailed::Keep) => OnFailure::Keep,
                Some(WhenFailed::Restore) => OnFailure::Restore,
                Some(WhenFailed::Ask) => OnFailure::Ask,
            },
            wait: options.wait.unwrap_or_default(),
            since: self.since.clone(),
            inherited_token: inherited_token(&top.join(STATE_LOCK_RESOURCE), settings)?,
        })
    }
}

/// The folder that we are in, relative to the top of the tree.
fn here(top: &Path) -> Result<PathBuf, Failure> {
    let here = std::fs::canonicalize(".").map_err(|err| {
        Failure::new(Code::Io, "cannot find the working folder").cause(err.to_string())
    })?;
    Ok(here.strip_prefix(top).unwrap_or(&here).to_path_buf())
}
