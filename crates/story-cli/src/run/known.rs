//! What is known of a task, and what can be done about it. Pure.

use task_runner::{Attempt, Interrupted, Remedy, State, TaskId, TaskRecord, What};

/// A task as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// What the journal says; `None`: only a snapshot is left of it.
    pub record: Option<TaskRecord>,
    /// What a person has to decide; `None`: nothing.
    pub open: Option<Interrupted>,
}

impl Known {
    /// What is known of all tasks: those of the journal in its order, then those of which only a snapshot is left.
    pub fn all(records: Vec<TaskRecord>, open: Vec<Interrupted>) -> Vec<Self> {
        let mut open: Vec<Option<Interrupted>> = open.into_iter().map(Some).collect();
        let mut known: Vec<Self> = records
            .into_iter()
            .map(|record| {
                let its = open
                    .iter_mut()
                    .find(|one| one.as_ref().is_some_and(|one| one.task == record.task));
                let open = its.and_then(Option::take);
                let record = Some(record);
                Self { record, open }
            })
            .collect();
        known.extend(open.into_iter().flatten().map(|open| Self {
            record: None,
            open: Some(open),
        }));
        known
    }

    /// Its name.
    pub fn task(&self) -> Option<&TaskId> {
        let written = self.record.as_ref().map(|record| &record.task);
        written.or(self.open.as_ref().map(|open| &open.task))
    }

    /// Whether it has a run of that name.
    pub fn has_run(&self, run: &str) -> bool {
        let attempts = self.record.iter().flat_map(|record| &record.attempts);
        let mut runs = attempts.map(Attempt::run);
        runs.any(|its| its == run)
    }

    /// Its last attempt.
    pub fn last(&self) -> Option<&Attempt> {
        self.record.as_ref()?.attempts.last()
    }

    /// Whether it runs, or waits for a decision.
    pub fn needs_something(&self) -> bool {
        self.open.is_some() || self.state() == "running"
    }

    /// The word for its state, for programs. A task that runs no more is interrupted, though the journal may not say so yet.
    pub fn state(&self) -> &'static str {
        match self.open.as_ref().map(|open| &open.what) {
            Some(What::BeforeWork | What::AtWork) => State::Interrupted.name(),
            Some(What::Outlived { .. }) => State::Running.name(),
            Some(What::Unrecorded) => "unrecorded",
            _ => {
                let written = self.record.as_ref().map(|record| record.state.name());
                written.unwrap_or("unknown")
            }
        }
    }

    /// The state with what it ended with, for people.
    pub fn outcome(&self) -> String {
        match self.state() {
            "failed" | "signalled" => outcome(self.last()),
            "abandoned" => "given up".to_owned(),
            state => state.to_owned(),
        }
    }

    /// What can be done about it.
    pub fn can(&self) -> &[Remedy] {
        self.open.as_ref().map_or(&[], |open| &open.can)
    }

    /// The commits of its snapshots that somebody has deleted.
    pub fn gone(&self) -> &[String] {
        self.open.as_ref().map_or(&[], |open| &open.gone)
    }

    /// The commits of all its snapshots that are kept, the earliest first.
    pub fn kept_snapshots(&self) -> Vec<&str> {
        let attempts = self.record.iter().flat_map(|record| &record.attempts);
        let kept = attempts.filter(|attempt| attempt.is_snapshot_kept);
        let mut ids: Vec<&str> = kept
            .filter_map(|attempt| attempt.snapshot.as_deref())
            .collect();
        // A resumed attempt has that of the first one.
        ids.dedup();
        ids
    }

    /// The commit of the snapshot that there is to go back to.
    pub fn snapshot(&self) -> Option<&str> {
        match (&self.open, &self.record) {
            (Some(open), _) => open.snapshot.as_ref().map(|one| one.id.as_str()),
            (None, Some(record)) => record.snapshot.as_deref(),
            (None, None) => None,
        }
    }
}

/// How an attempt ended, for people.
pub fn outcome(attempt: Option<&Attempt>) -> String {
    let Some(attempt) = attempt else {
        return String::new();
    };
    match (attempt.state, attempt.exit_code, attempt.signal) {
        (State::Failed, Some(code), _) => format!("exit {code}"),
        (State::Signalled, _, Some(signal)) => format!("signal {signal}"),
        (state, ..) => state.name().to_owned(),
    }
}

/// The verb for a remedy.
pub fn verb(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Resume => "resume",
        Remedy::Restore => "restore",
        Remedy::Abandon => "abandon",
    }
}
