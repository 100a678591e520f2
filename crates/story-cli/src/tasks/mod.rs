//! `story tasks`: a board of tasks that agents share out, and what each of them has done.

mod changing;
mod checking;
mod given;
mod json;
mod looking;
mod table;
mod text;

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sidecar_lock::LockOptions;
use state_file::board::{
    Actor, Board, BoardError, Done, Moment, RuleError, SeenTasks, Snapshot, Status, Task, Tasks,
};

use crate::app::heard_enough;
use crate::args::tasks::{TasksArgs, TasksVerb};
use crate::failure::{Code, Failure};
use crate::json::object;
use crate::output::Output;
use crate::settings::Settings;
use crate::task_board;
use crate::transaction::inherited_token;
use crate::{json as shapes, signals};

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; nothing was changed unless it says committed.
pub fn run(args: &TasksArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let desk = Desk::open(args, settings, output)?;
    match &args.verb {
        TasksVerb::List(args) => return heard_enough(looking::list(&desk, args)),
        TasksVerb::Show(args) => return heard_enough(looking::show(&desk, args)),
        TasksVerb::Metrics(_) => return heard_enough(looking::metrics(&desk)),
        TasksVerb::New(args) => changing::new(&desk, args),
        TasksVerb::Spawn(args) => changing::spawn(&desk, args),
        TasksVerb::Claim(args) => changing::claim(&desk, args),
        TasksVerb::Update(args) => changing::update(&desk, args),
        TasksVerb::Done(args) => changing::done(&desk, args),
        TasksVerb::Fail(args) => changing::fail(&desk, args),
        TasksVerb::Release(args) => changing::release(&desk, args),
        TasksVerb::Check(args) => checking::check(&desk, args),
    }
    .map(|()| 0)
}

/// What every verb needs.
struct Desk<'a> {
    board: Board,
    tasks: PathBuf,
    metrics: PathBuf,
    verb: &'static str,
    settings: &'a Settings,
    output: &'a Output,
}

impl<'a> Desk<'a> {
    fn open(args: &TasksArgs, settings: &'a Settings, output: &'a Output) -> Result<Self, Failure> {
        let tasks = task_board::place(args.board.as_deref(), settings)?;
        let metrics = task_board::metrics_beside(&tasks, &args.metrics)?;
        let board = Board::at(&tasks, &metrics)
            .map_err(|err| Failure::from_board(err, "use the board", settings))?;
        Ok(Self {
            board,
            tasks,
            metrics,
            verb: args.verb.command(),
            settings,
            output,
        })
    }

    /// On whose behalf this is asked, if anybody said so.
    fn asking(&self) -> Option<&str> {
        self.settings.claimant.as_deref()
    }

    /// Whose task it is to be, or is: that needs a name that somebody chose.
    fn must_have_a_name(&self) -> Result<(), Failure> {
        match self.asking() {
            Some(_) => Ok(()),
            None => Err(Failure::usage("a task is claimed and ended by an agent")
                .hint("say --as NAME, or set STORY_AGENT")),
        }
    }

    /// Changes the board and its metrics. `doing` is told: `cannot claim task_1`.
    fn change(
        &self,
        doing: &str,
        change: impl FnOnce(&Board, &Actor<'_>, &LockOptions) -> Result<Done, BoardError>,
    ) -> Result<Done, Failure> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|err| Failure::new(Code::Io, "cannot make up an id").cause(err.to_string()))?;
        let begun = self.moment()?;
        let clock = || self.moment().unwrap_or(begun);
        let actor = Actor::new(self.settings.actor(), u64::from_ne_bytes(random), clock);
        let options = self.options(doing)?;
        signals::note();
        change(&self.board, &actor, &options).map_err(self.failed(doing))
    }

    fn moment(&self) -> Result<Moment, Failure> {
        let now = self.settings.now().as_millisecond();
        Moment::from_milliseconds(now)
            .ok_or_else(|| Failure::usage("that time cannot be written down"))
    }

    /// The transaction takes the locks of both files itself: it does not work under that of a parent.
    fn options(&self, doing: &str) -> Result<LockOptions, Failure> {
        for path in [&self.tasks, &self.metrics] {
            if inherited_token(path, self.settings)?.is_some() {
                return Err(Failure::new(Code::Nested, format!("cannot {doing}"))
                    .cause(format!(
                        "this command runs under the lock of {}",
                        path.display()
                    ))
                    .hint("the tasks and their metrics change together, under locks of their own: run it outside"));
            }
        }
        Ok(self.settings.lock_options(self.verb))
    }

    fn read_tasks(&self, doing: &str) -> Result<SeenTasks, Failure> {
        self.board.read_tasks().map_err(self.failed(doing))
    }

    fn read(&self, doing: &str) -> Result<Snapshot, Failure> {
        self.board.read().map_err(self.failed(doing))
    }

    /// From an error of the board to a failure of what was being done.
    fn failed(&self, doing: &str) -> impl Fn(BoardError) -> Failure {
        move |err| {
            let mut failure = Failure::from_board(err, doing, self.settings);
            let path = failure.path.get_or_insert_with(|| absolute(&self.tasks));
            let is_of_metrics = *path == absolute(&self.metrics);
            if is_of_metrics && failure.code == Code::Parse {
                return failure.hint(
                    "all that it says stands in the board, too: remove it, then story tasks check --rebuild",
                );
            }
            failure
        }
    }

    fn no_such_task(&self, id: &str, doing: &str) -> Failure {
        let id = id.to_owned();
        Failure::from_rule(&RuleError::NotFound { id })
            .headline(format!("cannot {doing}"))
            .at(&absolute(&self.tasks))
    }

    /// Whether asking again may help: something waits, and somebody is at work.
    fn nothing_ready(&self, failure: Failure) -> Failure {
        let Ok(found) = self.board.read_tasks() else {
            return failure;
        };
        let is_any = |status| found.tasks.all().iter().any(|task| task.status == status);
        let may_change = is_any(Status::Pending) && is_any(Status::InProgress);
        let failure = failure.retryable(may_change);
        if may_change {
            failure.hint("ask again later: others are at work")
        } else {
            failure
        }
    }
}

/// Where the board is, and which version of it was seen.
fn place(found: &SeenTasks) -> Map<String, Value> {
    object(json!({
        "path": shapes::text(found.path()),
        "rev": found.revision().to_string(),
        "warnings": [],
    }))
}

/// Whether an agent could claim a task: it is pending, reserved for nobody else, and all that it depends on is completed.
fn is_claimable(task: &Task, all: &Tasks, asking: Option<&str>) -> bool {
    let reserved_for = task.assignee.as_deref();
    task.status == Status::Pending
        && (reserved_for.is_none() || reserved_for == asking)
        && all.is_ready(task)
}

fn absolute(path: &std::path::Path) -> PathBuf {
    crate::places::Target::at(path.to_path_buf()).absolute()
}
