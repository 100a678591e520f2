//! A board on disk: both of its files change in one transaction.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{Original, ReadError as FileError, Resolved, Revision};
use json_text::JsonText;
use locked_file::together::{Edited, update_together};
use locked_file::{Session, Terms, Told, Warning};
use sidecar_lock::{LockOptions, TookOver};

use super::actor::Actor;
use super::choose::Filter;
use super::difference::Difference;
use super::error::RuleError;
use super::failure::BoardError;
use super::metrics;
use super::paper::{self, Decided, TextError};
use super::problem::{Problem, problems};
use super::rules::{self, Amendment, Completion, Decision, NewTask, Present, Right};
use super::task::Task;
use super::tasks::Tasks;
use crate::error::ReadError;
use crate::options::Missing;
use crate::pending::{self, RULES};
use crate::read::{Fresh, MAX_STATE_BYTES, Unreadable, fresh};

/// A board on disk. All of its changes wait for the locks of both files as `options` say, for both together up to
/// `options.timeout`, and are durable.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let (tasks, metrics) = (folder.path().join("tasks.json"), folder.path().join("metrics.json"));
/// use state_file::board::{Actor, Board, Completion, Filter, Moment, NewTask, Status};
///
/// let board = Board::at(&tasks, &metrics)?;
/// let options = Default::default();
/// let at = Moment::parse("2026-01-12T10:00:00Z").ok_or("no moment")?;
/// let ann = Actor::new("ann", 1, || at);
/// let id = board.create(&NewTask::new("Write it"), &ann, &options)?.task.id;
///
/// let later = Moment::parse("2026-01-12T10:00:05Z").ok_or("no moment")?;
/// let bob = Actor::new("bob", 2, || later);
/// let claimed = board.claim_next(&Filter::default(), &bob, &options)?;
/// assert_eq!(claimed.task.id, id);
/// let done = board.complete(&id, &Completion::default(), &bob, &options)?;
/// assert_eq!(done.task.status, Status::Completed);
/// assert_eq!(board.read()?.metrics.agents["bob"].completed, 1);
/// assert!(board.check(&options)?.differences.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    pub(super) tasks: PathBuf,
    pub(super) metrics: PathBuf,
}

/// What a change of a board did.
#[derive(Debug)]
pub struct Done {
    /// The task that was asked for, as it is now.
    pub task: Task,
    /// Whether anything was changed; `false`: it was as asked for already.
    pub changed: bool,
    /// The text of the file of tasks, as it is now.
    pub text: JsonText,
    /// What is to be told of the transaction.
    pub told: TransactionTold,
}

impl Done {
    /// The revision of the file of tasks; costs a look at every byte.
    pub fn revision(&self) -> Revision {
        Revision::of(self.text.as_bytes())
    }
}

/// What is to be told of a transaction over both files.
#[derive(Debug)]
pub struct TransactionTold {
    /// The file of tasks, with all links resolved.
    pub path: PathBuf,
    /// The locks of dead or foreign owners that were taken over.
    pub took_over: Vec<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long locks were waited for.
    pub waited: Duration,
}

/// Whether the metrics say what the histories of the tasks say, and whether the tasks are sound.
#[derive(Debug)]
pub struct Check {
    /// What the metrics say otherwise.
    pub differences: Vec<Difference>,
    /// What somebody has to mend on the board.
    pub problems: Vec<Problem>,
    /// What is to be told of the transaction.
    pub told: TransactionTold,
}

/// The places of the files among the sessions of a transaction.
const TASKS: usize = 0;

impl Board {
    /// The board whose files these are. Nothing is looked at yet.
    ///
    /// # Errors
    ///
    /// [`BoardError::Apart`]: they do not lie in one folder, or are one file. Retrying does not help.
    pub fn at(tasks: &Path, metrics: &Path) -> Result<Self, BoardError> {
        let (tasks, metrics) = (tasks.to_path_buf(), metrics.to_path_buf());
        if tasks.parent() != metrics.parent() || tasks == metrics {
            return Err(BoardError::Apart { tasks, metrics });
        }
        Ok(Self { tasks, metrics })
    }

    /// Puts a task on the board. Files that are not there are created; their folder must be there.
    ///
    /// # Errors
    ///
    /// [`BoardError`]; nothing is changed unless [`BoardError::is_committed`].
    pub fn create(
        &self,
        new: &NewTask,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Created, (actor, options), |tasks, present| {
            rules::create(tasks, new, present)
        })
    }

    /// Puts a task on the board that is a part of another one. Any agent may, while the parent is not ended.
    ///
    /// # Errors
    ///
    /// As [`Board::create`].
    pub fn spawn(
        &self,
        parent: &str,
        new: &NewTask,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::spawn(tasks, parent, new, present)
        })
    }

    /// Begins to work on a task: of all who try it at once one does. An agent that holds it already is told so.
    ///
    /// # Errors
    ///
    /// As [`Board::create`]; [`RuleError::Taken`] and [`RuleError::NotReady`] are worth trying again later.
    pub fn claim(
        &self,
        id: &str,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::claim(tasks, id, present)
        })
    }

    /// Begins to work on the [next](super::next) task that is ready.
    ///
    /// # Errors
    ///
    /// As [`Board::create`]; [`RuleError::NothingReady`] is worth trying again later, unless nothing is pending.
    pub fn claim_next(
        &self,
        filter: &Filter,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::claim_next(tasks, filter, present)
        })
    }

    /// Changes what an amendment names.
    ///
    /// # Errors
    ///
    /// As [`Board::create`].
    pub fn update(
        &self,
        id: &str,
        amendment: &Amendment,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::update(tasks, id, amendment, present)
        })
    }

    /// Completes a task that the agent holds. An agent that has completed it already is told so.
    ///
    /// # Errors
    ///
    /// As [`Board::create`].
    pub fn complete(
        &self,
        id: &str,
        completion: &Completion,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::complete(tasks, id, completion, present)
        })
    }

    /// Says that a task that the agent holds could not be done, and why.
    ///
    /// # Errors
    ///
    /// As [`Board::create`].
    pub fn fail(
        &self,
        id: &str,
        failure: &Failure<'_>,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        let Failure { reason, right } = *failure;
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::fail(tasks, id, reason, right, present)
        })
    }

    /// Gives a task back that the agent holds or that is reserved for it: it is pending, and anybody's.
    ///
    /// # Errors
    ///
    /// As [`Board::create`].
    pub fn release(
        &self,
        id: &str,
        right: Right,
        actor: &Actor<'_>,
        options: &LockOptions,
    ) -> Result<Done, BoardError> {
        self.change(Missing::Refused, (actor, options), |tasks, present| {
            rules::release(tasks, id, right, present)
        })
    }

    /// Compares the metrics with the board, under the locks of both; what a process that died had begun is finished first.
    ///
    /// # Errors
    ///
    /// [`BoardError`].
    pub fn check(&self, options: &LockOptions) -> Result<Check, BoardError> {
        self.compare(options, Metrics::Stay)
    }

    /// Compares as [`Board::check`], and has the metrics say what the board says; a missing metrics file is created. Members
    /// that are not known here stay, except those in claims if the claims differ. The answer tells what differed.
    ///
    /// # Errors
    ///
    /// [`BoardError`]; a metrics file that is no JSON must be repaired or removed by a person.
    pub fn rebuild_metrics(&self, options: &LockOptions) -> Result<Check, BoardError> {
        self.compare(options, Metrics::Follow)
    }

    fn change(
        &self,
        missing: Missing,
        (actor, options): (&Actor<'_>, &LockOptions),
        rule: impl Fn(&Tasks, &Present<'_>) -> Result<Decision, RuleError>,
    ) -> Result<Done, BoardError> {
        let mut decided: Option<Decided> = None;
        let told = self.together(missing, options, |index, file| match &decided {
            Some(decided) if index != TASKS => account(decided, file),
            _ => {
                let before = read(file, missing)?;
                let (read, text) = before.map_or((None, None), |it| (Some(it.0), Some(it.1)));
                let present = actor.present();
                let this = paper::decide(text, |tasks| rule(tasks, &present))
                    .map_err(|err| BoardError::of_text(err, file.path))?;
                let edited = if this.changed {
                    written(read, &this.text)
                } else {
                    Edited::Kept
                };
                decided = Some(this);
                Ok(edited)
            }
        })?;
        let Some(decided) = decided else {
            return Err(self.not_there());
        };
        Ok(Done {
            task: decided.task,
            changed: decided.changed,
            text: decided.text,
            told,
        })
    }

    fn compare(&self, options: &LockOptions, metrics: Metrics) -> Result<Check, BoardError> {
        let mut all = metrics::Metrics::default();
        let mut found = (Vec::new(), Vec::new());
        let told = self.together(Missing::Refused, options, |index, file| {
            let of_text = |err| BoardError::of_text(err, file.path);
            if index == TASKS {
                if let Some((_, text)) = read(file, Missing::Refused)? {
                    let tasks = Tasks::parse(text.as_str());
                    let tasks = tasks.map_err(|err| of_text(TextError::Rule(err)))?;
                    all = metrics::of(&tasks);
                    found.1 = problems(&tasks);
                }
                return Ok(Edited::Kept);
            }
            let before = read(file, Missing::Created)?;
            let (read, text) = before.map_or((None, None), |it| (Some(it.0), Some(it.1)));
            let is_there = text.is_some();
            let (text, differences) = paper::rebuilt(text, &all).map_err(of_text)?;
            let is_wanted = metrics == Metrics::Follow && !(is_there && differences.is_empty());
            found.0 = differences;
            Ok(if is_wanted {
                written(read, &text)
            } else {
                Edited::Kept
            })
        })?;
        let (differences, problems) = found;
        Ok(Check {
            differences,
            problems,
            told,
        })
    }

    /// The transaction over both files, the tasks first.
    fn together(
        &self,
        missing: Missing,
        options: &LockOptions,
        edit: impl FnMut(usize, Resolved<'_>) -> Result<Edited, BoardError>,
    ) -> Result<TransactionTold, BoardError> {
        self.check_there(missing)?;
        let session = |path: &Path| Session::new(path, Terms::with(options));
        let sessions = [&self.tasks, &self.metrics].map(|path| session(path));
        let sessions: Result<Vec<_>, _> = sessions.into_iter().collect();
        let sessions = sessions.map_err(BoardError::Session)?;
        let told = update_together(sessions, &RULES, edit)
            .map_err(|err| BoardError::of_both(err, &self.tasks, &self.metrics))?;
        Ok(TransactionTold::of(told, &self.tasks))
    }

    /// Nothing is made beside a board that is not there, and is not going to be by a transaction that is decided.
    fn check_there(&self, missing: Missing) -> Result<(), BoardError> {
        if missing == Missing::Created || self.tasks.try_exists().unwrap_or(true) {
            return Ok(());
        }
        match pending::decided(&self.tasks, None) {
            Ok(None) => Err(self.not_there()),
            Ok(Some(_)) => Ok(()),
            Err(err) => Err(BoardError::Read(err.into())),
        }
    }

    fn not_there(&self) -> BoardError {
        let (path, source) = (self.tasks.clone(), std::io::ErrorKind::NotFound.into());
        BoardError::Read(FileError::NotFound { path, source }.into())
    }
}

/// Why a task could not be done, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Why; not empty, may have several lines.
    pub reason: &'a str,
    /// Who may.
    pub right: Right,
}

/// What becomes of metrics that say otherwise than the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metrics {
    Stay,
    Follow,
}

impl TransactionTold {
    fn of(told: Vec<Told>, tasks: &Path) -> Self {
        let mut all = Self {
            path: told
                .first()
                .map_or_else(|| tasks.to_path_buf(), |it| it.path.clone()),
            took_over: Vec::new(),
            warnings: Vec::new(),
            waited: Duration::ZERO,
        };
        for one in told {
            all.took_over.extend(one.took_over);
            all.warnings.extend(one.warnings);
            all.waited += one.waited;
        }
        all
    }
}

/// A version that was read, as a transaction wants it.
type Read = (Original, Vec<u8>);

/// Reads a file whose lock is held; `None`: it is not there, and may be created.
fn read(file: Resolved<'_>, missing: Missing) -> Result<Option<(Read, JsonText)>, ReadError> {
    let reading = || Original::read_resolved(file, MAX_STATE_BYTES);
    let parse = |bytes: &[u8]| JsonText::parse(bytes).map_err(Unreadable::Parse);
    match fresh(reading, parse) {
        Ok(Fresh {
            original,
            bytes,
            parsed,
        }) => Ok(Some(((original, bytes), parsed))),
        Err(ReadError::File(FileError::NotFound { .. })) if missing == Missing::Created => Ok(None),
        Err(err) => Err(err),
    }
}

fn written(read: Option<Read>, text: &JsonText) -> Edited {
    let after = text.as_bytes().to_vec();
    Edited::Written { read, after }
}

/// What the metrics file hears of a decision.
fn account(decided: &Decided, file: Resolved<'_>) -> Result<Edited, BoardError> {
    if !decided.changed {
        return Ok(Edited::Kept);
    }
    let before = read(file, Missing::Created)?;
    let (read, text) = before.map_or((None, None), |it| (Some(it.0), Some(it.1)));
    let accounted = paper::account(text, decided);
    let text = accounted.map_err(|err| BoardError::of_text(err, file.path))?;
    Ok(text.map_or(Edited::Kept, |text| written(read, &text)))
}
