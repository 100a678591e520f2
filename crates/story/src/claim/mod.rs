//! Claims: who works on a story, and until when. Pure.
//!
//! A claim is three keys of the frontmatter: `claimed_by`, `claimed_until` (an instant) and `claim_token`. It stands in the
//! file so that it survives every process, goes through git, and can be seen by people. It is a promise among workers, no
//! lock: nothing stops a program that does not look at it. A worker whose changes must not count once its claim is lost
//! makes them under the condition that `claim_token` is still its own; that is checked under the story's lock.

mod error;
mod outlook;
mod terms;

pub use error::ClaimError;
pub use outlook::Outlook;
pub use terms::{Lease, LeaseError, Owner, OwnerError, Token};

use crate::document::Document;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::value::Value;

/// The keys of a claim: who, until when, and the token.
pub const KEYS: [&str; 3] = [CLAIMED_BY, CLAIMED_UNTIL, CLAIM_TOKEN];

const CLAIMED_BY: &str = "claimed_by";
const CLAIMED_UNTIL: &str = "claimed_until";
const CLAIM_TOKEN: &str = "claim_token";
const DEPENDENCIES: &str = "dependencies";
const STATUS: &str = "status";

/// A claim as it stands in a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who claimed it.
    pub owner: String,
    /// When the lease ends. `None`: the story does not say, or nobody can read what it says; such a claim stands until
    /// somebody releases it, for taking a story from a person who wrote only a name would be the worse mistake.
    pub until: Option<Moment>,
    /// What tells this claim from every other one, also of the same owner.
    pub token: Option<String>,
}

impl Claim {
    /// The claim in a story, live or expired; `None` when nobody stands in `claimed_by`.
    pub fn of(story: &Document) -> Option<Self> {
        let field = |key| story.get(key).ok().flatten();
        Self::from_values(
            field(CLAIMED_BY).as_ref(),
            field(CLAIMED_UNTIL).as_ref(),
            field(CLAIM_TOKEN).as_ref(),
        )
    }

    /// The claim that the values of [`KEYS`] make.
    pub fn from_values(
        owner: Option<&Value>,
        until: Option<&Value>,
        token: Option<&Value>,
    ) -> Option<Self> {
        let owner = owner.and_then(written).filter(|name| !name.is_empty())?;
        Some(Self {
            owner,
            until: until
                .and_then(written)
                .and_then(|text| Moment::parse(&text)),
            token: token.and_then(written),
        })
    }

    /// Whether it holds at a moment. At the very end of its lease it does not.
    pub fn is_live(&self, now: Moment) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it is that of a holder.
    pub fn is_of(&self, holder: &Holder<'_>) -> bool {
        holder.owner.is_none_or(|owner| owner == self.owner)
            && holder
                .token
                .is_none_or(|token| Some(token) == self.token.as_deref())
    }
}

/// A scalar as people wrote it: a worker may be called 7.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) | Value::Timestamp(text) => Some(text.clone()),
        Value::Int(int) => Some(int.to_string()),
        Value::Null => None,
        other => Some(other.to_json().to_string()),
    }
}

/// Which stories a claim takes; never one with a live claim or an unfinished dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Those with the status ready.
    Ready,
    /// Also those in progress whose last claim has expired: somebody began and has not come back.
    ReadyOrAbandoned,
    /// Also those in progress that nobody claims: for a worker who names the story.
    ReadyOrInProgress,
}

/// What a worker asks for.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who it is.
    pub owner: Owner,
    /// For how long.
    pub lease: Lease,
    /// What the claim will be known by; fresh for each.
    pub token: Token,
    /// Which stories will do.
    pub takes: Takes,
}

/// A claim that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// As it now stands in the story.
    pub claim: Claim,
    /// The expired one whose place it took.
    pub took_over: Option<Claim>,
}

/// Claims a story: sets the three keys and nothing else, the status stays.
///
/// `open` says of a dependency why it is not done, or `None` when it is. It is asked last, and only if all else is well.
///
/// # Errors
///
/// [`ClaimError::Taken`] and [`ClaimError::Own`] while a claim is live (trying again helps when it has ended),
/// [`ClaimError::Status`], [`ClaimError::Waiting`]; [`OperationError::Edit`] when the keys cannot be edited.
pub fn claim(
    story: &mut Document,
    terms: &Terms,
    now: Moment,
    open: impl FnMut(&str) -> Option<String>,
) -> Result<Claimed, OperationError> {
    let earlier = Claim::of(story);
    check(story, earlier.as_ref(), terms, now)?;
    let waiting = waiting(story, open);
    if !waiting.is_empty() {
        return Err(ClaimError::Waiting(waiting).into());
    }
    let claim = Claim {
        owner: terms.owner.to_string(),
        until: Some(now.after(terms.lease.duration())),
        token: Some(terms.token.to_string()),
    };
    write(story, &claim)?;
    Ok(Claimed {
        claim,
        took_over: earlier,
    })
}

/// Makes sure that a claim, if there is one, has ended.
///
/// # Errors
///
/// [`ClaimError::Taken`] and [`ClaimError::Own`] while it is live; trying again helps when it has ended.
pub fn check_free(claim: Option<&Claim>, owner: &Owner, now: Moment) -> Result<(), ClaimError> {
    match claim.filter(|claim| claim.is_live(now)) {
        None => Ok(()),
        Some(live) if live.owner == owner.as_ref() => Err(ClaimError::Own(live.clone())),
        Some(live) => Err(ClaimError::Taken(live.clone())),
    }
}

fn check(
    story: &Document,
    earlier: Option<&Claim>,
    terms: &Terms,
    now: Moment,
) -> Result<(), ClaimError> {
    check_free(earlier, &terms.owner, now)?;
    let status = story.text(STATUS);
    if takes(terms.takes, status.as_deref(), earlier.is_some()) {
        Ok(())
    } else {
        Err(ClaimError::Status(status))
    }
}

/// Whether a story without a live claim has a status that will do. `was_claimed`: an expired claim stands in it.
pub fn takes(takes: Takes, status: Option<&str>, was_claimed: bool) -> bool {
    match status {
        Some("ready") => true,
        Some("in-progress") => match takes {
            Takes::Ready => false,
            Takes::ReadyOrAbandoned => was_claimed,
            Takes::ReadyOrInProgress => true,
        },
        _ => false,
    }
}

/// The dependencies of a story that are not done, each with the reason.
fn waiting(
    story: &Document,
    mut open: impl FnMut(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let named = dependencies(story).into_iter();
    named
        .filter_map(|id| open(&id).map(|reason| (id, reason)))
        .collect()
}

/// The ids that a story depends on. A single one without a list counts too: to overlook it would start work too early.
pub fn dependencies(story: &Document) -> Vec<String> {
    match story.get(DEPENDENCIES) {
        Ok(Some(Value::List(items))) => items.iter().filter_map(written).collect(),
        Ok(Some(scalar @ (Value::String(_) | Value::Int(_) | Value::Timestamp(_)))) => {
            written(&scalar).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// By what a worker shows that a claim is its own: the name, the token, or both. The token is the better proof, for
/// workers may share a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holder<'a> {
    /// The name in the claim; `None`: any.
    pub owner: Option<&'a str>,
    /// The token of the claim; `None`: any.
    pub token: Option<&'a str>,
}

/// A claim that was renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// As it now stands in the story, with the token it had.
    pub claim: Claim,
    /// When it had expired, if it had: it might have been taken meanwhile.
    pub expired_at: Option<Moment>,
}

/// Has the lease of a claim end `lease` from now. One that has expired is renewed as well, if nobody took it.
///
/// # Errors
///
/// [`ClaimError::Lost`] when the claim is not there any more; trying again does not help.
pub fn renew(
    story: &mut Document,
    holder: &Holder<'_>,
    lease: Lease,
    now: Moment,
) -> Result<Renewed, OperationError> {
    let held = held(story, holder)?;
    let expired_at = held.until.filter(|_| !held.is_live(now));
    let claim = Claim {
        until: Some(now.after(lease.duration())),
        ..held
    };
    write(story, &claim)?;
    Ok(Renewed { claim, expired_at })
}

/// Removes the three keys, and returns the claim they were.
///
/// # Errors
///
/// [`ClaimError::Lost`] when the claim is not there any more, whoever took or removed it.
pub fn release(story: &mut Document, holder: &Holder<'_>) -> Result<Claim, OperationError> {
    let held = held(story, holder)?;
    for key in KEYS {
        story.unset(key)?;
    }
    Ok(held)
}

fn held(story: &Document, holder: &Holder<'_>) -> Result<Claim, ClaimError> {
    match Claim::of(story) {
        Some(claim) if claim.is_of(holder) => Ok(claim),
        other => Err(ClaimError::Lost(other)),
    }
}

fn write(story: &mut Document, claim: &Claim) -> Result<(), OperationError> {
    story.set(CLAIMED_BY, claim.owner.as_str())?;
    if let Some(until) = claim.until {
        story.set(CLAIMED_UNTIL, until.stamp())?;
    }
    if let Some(token) = &claim.token {
        story.set(CLAIM_TOKEN, token.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
