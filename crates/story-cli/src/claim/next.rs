//! `story claim --next`: one winner among many workers, without a lock of the whole board.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use story::board::Filter;
use story::claim::{self, ClaimError, Claimed, Outlook, Terms};
use story::{Head, OperationError};

use super::dependencies;
use crate::contract::{Dates, change};
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::places::{Target, workspace};
use crate::settings::Settings;
use crate::signals;
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
    /// It cannot be claimed for a reason that others may share.
    Failed(Failure),
}

/// What is remembered of the stories that were tried.
#[derive(Default)]
struct Tried {
    refusals: HashMap<PathBuf, u32>,
    /// Stories that cannot be claimed are not tried again; the first reason is told if no other story can.
    failed: Vec<PathBuf>,
    first_failure: Option<Failure>,
}

impl Tried {
    fn is_worth_it(&self, head: &Head) -> bool {
        let refusals = self.refusals.get(&head.path).copied().unwrap_or(0);
        refusals < MAX_REFUSALS && !self.failed.contains(&head.path)
    }
}

/// Claims the next story that is ready, in the order of the board.
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
    let deadline = Instant::now() + settings.timeout;
    let mut tried = Tried::default();
    loop {
        let scan = story::scan(&workspace);
        let outlook = Outlook::new(&scan.heads, terms.takes, settings.moment(), wanted);
        let mut candidates = outlook.candidates.iter().copied();
        let candidates: Vec<&Head> = candidates
            .by_ref()
            .filter(|head| tried.is_worth_it(head))
            .collect();
        if candidates.is_empty() {
            for skipped in &scan.skipped {
                output.warning(&format!("{}: {skipped}", skipped.path.display()));
            }
            return Err(tried
                .first_failure
                .unwrap_or_else(|| nothing_ready(&outlook)));
        }
        if let Some(won) = round(&candidates, deadline, terms, settings, output, &mut tried)? {
            if !tried.refusals.is_empty() {
                let count: u32 = tried.refusals.values().sum();
                output.detail(&format!("passed over, because others were faster: {count}"));
            }
            return Ok(won);
        }
    }
}

/// Tries each candidate without waiting; if nothing but locked ones is left, waits a little for the first of those.
fn round(
    candidates: &[&Head],
    deadline: Instant,
    terms: &Terms,
    settings: &Settings,
    output: &Output,
    tried: &mut Tried,
) -> Result<Option<(Claimed, Done)>, Failure> {
    let at_once = settings.with_timeout(Duration::ZERO);
    let mut locked = Vec::new();
    for head in candidates {
        match attempt(head, terms, &at_once, output) {
            Outcome::Claimed(won) => return Ok(Some(*won)),
            Outcome::Locked(failure) => locked.push((*head, failure)),
            other => tried.note(head, other)?,
        }
    }
    if locked.len() < candidates.len() {
        return Ok(None);
    }
    let Some((head, failure)) = locked.into_iter().next() else {
        return Ok(None);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(failure);
    }
    match attempt(head, terms, &settings.with_timeout(left.min(SLICE)), output) {
        Outcome::Claimed(won) => Ok(Some(*won)),
        other => tried.note(head, other).map(|()| None),
    }
}

impl Tried {
    fn note(&mut self, head: &Head, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Refused => *self.refusals.entry(head.path.clone()).or_default() += 1,
            // After a commit, or a signal, nothing further may be tried.
            Outcome::Failed(failure) if failure.is_committed() || signals::pending().is_some() => {
                return Err(failure);
            }
            Outcome::Failed(failure) => {
                self.failed.push(head.path.clone());
                self.first_failure.get_or_insert(failure);
            }
            Outcome::Claimed(_) | Outcome::Locked(_) => {}
        }
        Ok(())
    }
}

fn attempt(head: &Head, terms: &Terms, settings: &Settings, output: &Output) -> Outcome {
    let target = Target {
        id: Some(head.id.clone()),
        copy: Some(head.copy.clone()),
        ..Target::at(head.path.clone())
    };
    let changed = change(
        &target,
        "story claim --next",
        Dates::Nothing,
        settings,
        output,
        |story| {
            let open = |id: &str| dependencies::why_open(id, settings);
            match claim::claim(story, terms, settings.moment(), open) {
                Ok(claimed) => Ok(Ok(claimed)),
                Err(OperationError::Claim(refused)) => Ok(Err(refused)),
                Err(err) => Err(err),
            }
        },
    );
    match changed {
        Ok((Ok(claimed), done)) => Outcome::Claimed(Box::new((claimed, done))),
        Ok((Err(refused), _)) => {
            tell_refusal(head, &refused, output);
            Outcome::Refused
        }
        // It was deleted meanwhile.
        Err(failure) if failure.code == Code::NotFound => Outcome::Refused,
        Err(failure) if failure.code == Code::Locked => {
            Outcome::Locked(failure.about("claim", &target))
        }
        Err(failure) => Outcome::Failed(failure.about("claim", &target)),
    }
}

fn tell_refusal(head: &Head, refused: &ClaimError, output: &Output) {
    output.detail(&format!("story {} is passed over: {refused}", head.id));
}

fn nothing_ready(outlook: &Outlook<'_>) -> Failure {
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
        count(
            outlook.candidates.len(),
            "ready, but changed by others each time",
        ),
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
    failure.retryable(outlook.may_change() || !outlook.candidates.is_empty())
}
