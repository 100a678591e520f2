//! `story claim --next`: one winner among many workers, without a lock of the whole board.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use story::board::Filter;
use story::claim::{self, ClaimError, Claimed, Outlook, Terms};
use story::{Head, OperationError, SkipReason, Skipped};

use super::{copies, dependencies};
use crate::contract::{Dates, change};
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::output::Output;
use crate::places::{Target, workspace};
use crate::settings::Settings;
use crate::signals;
use crate::story_leases;
use crate::transaction::Done;

/// How long one locked story is waited for before the board is looked at again. Chosen: many times what an update takes.
const SLICE: Duration = Duration::from_millis(250);
/// How often a story is tried that looks free and then is not. Chosen: others may claim and release it meanwhile, but no
/// story may keep us for ever.
const MAX_REFUSALS: u32 = 3;

/// What came of trying a story.
enum Outcome {
    Claimed(Box<(Claimed, Done)>),
    /// Others were faster, or it is not what it looked like.
    Refused,
    /// Somebody is inside.
    Locked(Failure),
    /// It cannot be claimed by anybody.
    Broken(Failure),
    /// It cannot be claimed for a reason that others may share, such as a full disk.
    Failed(Failure),
}

/// A worker's search for work.
struct Search<'a> {
    terms: &'a Terms,
    settings: &'a Settings,
    output: &'a Output,
    deadline: Instant,
    refusals: HashMap<PathBuf, u32>,
    /// What is not tried again.
    given_up: HashSet<PathBuf>,
    /// Why, of those that cannot be claimed by anybody.
    broken: Vec<Failure>,
    /// Why, of the first of the others.
    first_failure: Option<Failure>,
}

/// Claims the next story that is `wanted` and ready, in the order of the board.
///
/// The board is read without a lock. Each candidate is looked at again under its own lock, dependencies too; one that
/// others took meanwhile is passed over. One whose lock is held is passed over at first, and waited for when nothing else
/// is left. The board is read again until a story is claimed or nothing is ready.
///
/// # Errors
///
/// `ENOTHINGREADY`; `ELOCKED` when all that is ready stayed locked; else what was wrong with the first candidate.
pub fn claim(
    terms: &Terms,
    wanted: &Filter,
    settings: &Settings,
    output: &Output,
) -> Result<(Claimed, Done), Failure> {
    let workspace = workspace(settings)?;
    // Where the leases cannot be read no story can be claimed, which is not for want of stories.
    story_leases::look_in(&workspace, None, settings)
        .map_err(|failure| failure.headline("cannot claim a story"))?;
    let mut search = Search {
        terms,
        settings,
        output,
        deadline: Instant::now() + settings.timeout,
        refusals: HashMap::new(),
        given_up: HashSet::new(),
        broken: Vec::new(),
        first_failure: None,
    };
    loop {
        let scan = story::scan(&workspace);
        let outlook = Outlook::new(&scan.heads, terms.takes, settings.moment(), wanted);
        let mut candidates = outlook.candidates.clone();
        candidates.retain(|head| !search.given_up.contains(&head.path));
        if candidates.is_empty() {
            for skipped in &scan.skipped {
                output.warning(&format!("{}: {skipped}", skipped.path.display()));
            }
            return Err(unlisted(&scan.skipped).unwrap_or_else(|| search.in_vain(&outlook)));
        }
        if let Some(won) = search.round(&candidates)? {
            return Ok(won);
        }
    }
}

impl Search<'_> {
    /// Tries each candidate without waiting; if nothing but locked ones is left, waits a little for the first of those.
    fn round(&mut self, candidates: &[&Head]) -> Result<Option<(Claimed, Done)>, Failure> {
        let mut first_locked = None;
        let mut are_all_locked = true;
        for head in candidates {
            match self.attempt(head, Duration::ZERO) {
                Outcome::Claimed(won) => return Ok(Some(*won)),
                Outcome::Locked(failure) => {
                    first_locked.get_or_insert((*head, failure));
                }
                other => {
                    are_all_locked = false;
                    self.note(head, other)?;
                }
            }
        }
        let Some((head, failure)) = first_locked.filter(|_| are_all_locked) else {
            return Ok(None);
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(failure);
        }
        match self.attempt(head, left.min(SLICE)) {
            Outcome::Claimed(won) => Ok(Some(*won)),
            other => self.note(head, other).map(|()| None),
        }
    }

    fn note(&mut self, head: &Head, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Claimed(_) | Outcome::Locked(_) => return Ok(()),
            Outcome::Refused => {
                let refusals = self.refusals.entry(head.path.clone()).or_default();
                *refusals += 1;
                if *refusals < MAX_REFUSALS {
                    return Ok(());
                }
            }
            // After a commit, or a signal, nothing further may be tried.
            Outcome::Failed(failure) if failure.is_committed() || signals::pending().is_some() => {
                return Err(failure);
            }
            Outcome::Broken(failure) => self.broken.push(failure),
            Outcome::Failed(failure) => {
                self.first_failure.get_or_insert(failure);
            }
        }
        self.given_up.insert(head.path.clone());
        Ok(())
    }

    /// Tries to claim a story, and waits for its lock at most `timeout`.
    fn attempt(&self, head: &Head, timeout: Duration) -> Outcome {
        let settings = self.settings.with_timeout(timeout);
        let target = Target {
            id: Some(head.id.clone()),
            copy: Some(head.copy.clone()),
            ..Target::at(head.path.clone())
        };
        let changed = change(
            &target,
            "story claim --next",
            Dates::Nothing,
            &settings,
            self.output,
            |story| {
                let open = |id: &str| dependencies::why_open(id, &settings);
                let claimed = copies::check(&target, self.terms, &settings)
                    .and_then(|()| claim::claim(story, self.terms, settings.moment(), open));
                match claimed {
                    Ok(claimed) => Ok(Ok(claimed)),
                    Err(OperationError::Claim(refused)) => Ok(Err(refused)),
                    Err(err) => Err(err),
                }
            },
        );
        match changed {
            Ok((Ok(claimed), done)) => Outcome::Claimed(Box::new((claimed, done))),
            Ok((Err(refused), _)) => {
                self.tell_refusal(head, &refused);
                Outcome::Refused
            }
            Err(failure) => outcome_of(failure.about("claim", &target)),
        }
    }

    fn tell_refusal(&self, head: &Head, refused: &ClaimError) {
        let text = format!("story {} is passed over: {refused}", head.id);
        self.output.detail(&text);
    }

    /// Why nothing was claimed.
    fn in_vain(self, outlook: &Outlook<'_>) -> Failure {
        for broken in &self.broken {
            self.output.warning(&broken.message());
        }
        let refused = outlook.candidates.len().saturating_sub(self.broken.len());
        let failure = self.first_failure;
        failure.unwrap_or_else(|| nothing_ready(outlook, refused))
    }
}

/// Where a folder cannot be listed, nobody knows whether something in it is ready.
fn unlisted(skipped: &[Skipped]) -> Option<Failure> {
    skipped.iter().find_map(|skipped| match &skipped.reason {
        SkipReason::Unlisted(err) => Some(
            Failure::new(code_of_io(err.io()), "cannot look for what is ready")
                .with_chain(err)
                .at(err.path()),
        ),
        _ => None,
    })
}

fn outcome_of(failure: Failure) -> Outcome {
    match failure.code {
        Code::Locked => Outcome::Locked(failure),
        // It was deleted meanwhile, or others keep changing it.
        Code::NotFound | Code::Conflict => Outcome::Refused,
        Code::Parse | Code::Refused => Outcome::Broken(failure),
        _ => Outcome::Failed(failure),
    }
}

/// `refused`: how many look ready, and were not each time that their lock was had.
fn nothing_ready(outlook: &Outlook<'_>, refused: usize) -> Failure {
    let mut failure = Failure::new(Code::NothingReady, "nothing is ready to be claimed");
    let count = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 story {what}")),
        _ => Some(format!("{count} stories {what}")),
    };
    let end = outlook.first_end.map(story::Moment::stamp);
    let claimed = match end {
        Some(end) => format!("claimed by others, the first claim ends at {end}"),
        None => "claimed by others".to_owned(),
    };
    let reasons = [
        count(outlook.claimed, &claimed),
        count(outlook.waiting, "waiting for dependencies"),
        count(outlook.in_progress, "in progress"),
        count(outlook.abandoned, "in progress with an expired claim"),
        count(refused, "ready, but not to be had"),
    ];
    failure.causes = reasons.into_iter().flatten().collect();
    failure.hint = Some(
        if outlook.may_change() {
            "ask again later"
        } else if outlook.abandoned > 0 {
            "--resume also takes what is in progress with an expired claim"
        } else if outlook.waiting > 0 {
            "nobody works on what they wait for: look at the dependencies"
        } else {
            "make stories ready: story status STORY ready"
        }
        .to_owned(),
    );
    failure.retryable(outlook.may_change() || refused > 0)
}
