//! Why a claim was not made, renewed or released.

use std::fmt::Write as _;

use super::Claim;

/// Why a claim was not made, renewed or released. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Somebody else claims it; trying again helps when that claim has ended.
    #[error("it is claimed by {}", told(.0))]
    Taken(Claim),
    /// The same owner claims it already, perhaps in another process: it can be renewed, not claimed twice.
    #[error("it is claimed already by {}", told(.0))]
    Own(Claim),
    /// Its status forbids it.
    #[error("its status is {}, and only stories that are ready are claimed, or by name those in progress", .0.as_deref().unwrap_or("missing"))]
    Status(Option<String>),
    /// Dependencies are not done: their ids, and of each the reason.
    #[error("it waits for {}", list(.0))]
    Waiting(Vec<(String, String)>),
    /// The claim is not there any more; what stands in its place.
    #[error("the claim is lost: {}", successor(.0.as_ref()))]
    Lost(Option<Claim>),
}

/// `maria until 2026-01-12T10:00:00.000Z`.
fn told(claim: &Claim) -> String {
    match claim.until {
        Some(until) => format!("{:?} until {}", claim.owner, until.stamp()),
        None => format!("{:?} without an end", claim.owner),
    }
}

fn successor(claim: Option<&Claim>) -> String {
    match claim {
        Some(claim) => format!("the story is now claimed by {}", told(claim)),
        None => "nobody claims the story now; the claim was released or taken over".to_owned(),
    }
}

fn list(waiting: &[(String, String)]) -> String {
    let mut text = String::new();
    for (id, reason) in waiting {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{id} ({reason})").expect("a String takes any text");
    }
    text
}
