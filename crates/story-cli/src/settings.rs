//! What the command line and the environment say for every command. The only place that reads the environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use atomic_file::Durability;
use jiff::tz::TimeZone;
use sidecar_lock::LockOptions;
use story::journal::JournalOptions;
use story::limits::LimitOverrides;
use story::{Moment, UpdateOptions};

use crate::args::{Colour, Common};

/// The variable that names the lock a parent process holds: `<canonical path>:<token>`.
pub const LOCK_HELD: &str = "STORY_LOCK_HELD";

/// The variable in which `story run` tells its command which run of the task it is.
pub const STORY_RUN: &str = "STORY_RUN";

/// The variable in which `story run` tells its command what the task is called.
pub const STORY_TASK: &str = "STORY_TASK";

/// The variable in which `story run` tells its command the snapshot of the tree before it.
pub const STORY_SNAPSHOT: &str = "STORY_SNAPSHOT";

/// The variable in which `story with` tells its command where the story is.
pub const STORY_PATH: &str = "STORY_PATH";

/// The variable in which `story state with` tells its command where the file is.
pub const STATE_PATH: &str = "STATE_PATH";

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What was done, warnings, hints.
    Normal,
    /// Details as well.
    Verbose,
}

/// Whether a change sets `updated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touch {
    /// Where the story has that key.
    #[default]
    IfPresent,
    /// In any case.
    Always,
    /// Never.
    Never,
}

/// The options of every command, with what the environment adds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--root`, else `AI_SDLC_ROOT`.
    pub root: Option<PathBuf>,
    /// `--output`.
    pub output: Option<PathBuf>,
    /// `STORY_LEASES`.
    pub lease_store: Option<PathBuf>,
    /// `STORY_TASKS`.
    pub task_board: Option<PathBuf>,
    /// `--json`.
    pub json: bool,
    /// `-q`, `-v`.
    pub verbosity: Verbosity,
    /// `--touch`, `--no-touch`.
    pub touch: Touch,
    /// `--timeout`.
    pub timeout: Duration,
    /// Who claims stories: `--as`, else `STORY_AGENT`, else the owner.
    pub claimant: Option<String>,
    /// `STORY_LOCK_HELD`.
    pub lock_held: Option<OsString>,
    /// `AI_SDLC_MAX_RETRIES` and its like.
    pub limit_overrides: LimitOverrides,
    /// `VISUAL`, else `EDITOR`, else vi.
    pub editor: OsString,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// `--op-id`.
    pub op_id: Option<String>,
    /// `STORY_RUN`: the run of a task that this command is a part of.
    pub run: Option<String>,
    user: Option<String>,
    stale_after: Option<Duration>,
    retries: Option<u32>,
    owner: Option<String>,
    now: Option<jiff::Timestamp>,
    durability: Durability,
    colour: Colour,
    columns: Option<usize>,
}

impl Settings {
    /// Adds the environment to the options.
    pub fn new(common: Common) -> Self {
        let owner = common.owner.or_else(|| text_of("STORY_OWNER"));
        let agent = common.agent.or_else(|| text_of("STORY_AGENT"));
        Self {
            root: common
                .root
                .or_else(|| variable("AI_SDLC_ROOT").map(PathBuf::from)),
            output: common.output,
            lease_store: variable("STORY_LEASES").map(PathBuf::from),
            task_board: variable("STORY_TASKS").map(PathBuf::from),
            json: common.json,
            verbosity: match (common.quiet, common.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            touch: match (common.touch, common.no_touch) {
                (true, _) => Touch::Always,
                (_, true) => Touch::Never,
                _ => Touch::IfPresent,
            },
            timeout: common.timeout,
            lock_held: variable(LOCK_HELD),
            editor: variable("VISUAL")
                .or_else(|| variable("EDITOR"))
                .unwrap_or_else(|| "vi".into()),
            temporary: env::temp_dir(),
            limit_overrides: limit_overrides(),
            op_id: common.op_id,
            run: text_of(STORY_RUN),
            user: text_of("USER"),
            stale_after: common.stale_after,
            retries: common.retries,
            claimant: agent.clone().or_else(|| owner.clone()),
            owner: owner.or(agent),
            now: common.now,
            durability: if common.fast {
                Durability::Fast
            } else {
                Durability::Durable
            },
            colour: common.color,
            columns: text_of("COLUMNS").and_then(|columns| columns.parse().ok()),
        }
    }

    /// How to acquire a lock for `command`, such as `story set`.
    pub fn lock_options(&self, command: &str) -> LockOptions {
        LockOptions {
            timeout: self.timeout,
            stale_after: self.stale_after,
            max_retries: self.retries,
            owner: self.owner.clone(),
            purpose: Some(command.to_owned()),
            command: Some(command.to_owned()),
            ..LockOptions::default()
        }
    }

    /// The same with another limit of waiting. What counts as abandoned stays.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            stale_after: Some(self.stale_after()),
            ..self.clone()
        }
    }

    /// How to update a story for `command`.
    pub fn update_options(&self, command: &str) -> UpdateOptions {
        UpdateOptions {
            lock: self.lock_options(command),
            durability: self.durability,
            ..UpdateOptions::default()
        }
    }

    /// What the journal says of a change.
    pub fn journal_options(
        &self,
        root: PathBuf,
        command: &str,
        op: Option<String>,
    ) -> JournalOptions {
        JournalOptions {
            root,
            at: self.moment(),
            owner: self.owner.clone().or_else(|| self.user.clone()),
            run: self.run.clone(),
            command: command.to_owned(),
            op,
        }
    }

    /// The limit by which the age of other tools' locks is judged.
    pub fn stale_after(&self) -> Duration {
        self.lock_options("").effective_stale_after()
    }

    /// Who acts, where the name is only written down: the agent, else the user.
    pub fn actor(&self) -> &str {
        let name = self.claimant.as_deref().or(self.user.as_deref());
        name.unwrap_or("unknown")
    }

    /// What is still there after a power cut.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The present time, or what `--now` says.
    pub fn now(&self) -> jiff::Timestamp {
        self.now.unwrap_or_else(jiff::Timestamp::now)
    }

    /// The present time as stories write it.
    pub fn moment(&self) -> Moment {
        Moment::new(self.now())
    }

    /// The present calendar day in UTC, `YYYY-MM-DD`.
    pub fn today(&self) -> String {
        self.now().to_zoned(TimeZone::UTC).date().to_string()
    }

    /// How wide a terminal is that does not say so itself: `COLUMNS`.
    pub fn columns(&self) -> Option<usize> {
        self.columns.filter(|columns| *columns > 0)
    }

    /// Whether to use colours on a stream (no-color.org: `NO_COLOR` counts when it is not empty).
    pub fn wants_colour(&self, is_terminal: bool) -> bool {
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && variable("NO_COLOR").is_none(),
        }
    }
}

fn limit_overrides() -> LimitOverrides {
    LimitOverrides {
        max_retries: text_of("AI_SDLC_MAX_RETRIES"),
        implementation_max_retries: text_of("AI_SDLC_IMPLEMENTATION_MAX_RETRIES"),
        auto_complete: text_of("AI_SDLC_AUTO_COMPLETE"),
        auto_restart: text_of("AI_SDLC_AUTO_RESTART"),
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn text_of(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}
