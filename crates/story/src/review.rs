//! Reviews: what they decided, the last ten of them, and what an approval makes of a story. Pure.

use crate::document::Document;
use crate::lifecycle::mark_complete;
use crate::limits::Limits;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::status::{Status, set_status};
use crate::value::Value;

const HISTORY: &str = "review_history";
/// How many reviews are kept, from the contract.
const KEPT: usize = 10;

/// What a review decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The work is good.
    Approved,
    /// The work is to be done again.
    Rejected,
    /// The review itself did not come to an end.
    Failed,
    /// No review, but an attempt to get going again.
    Recovery,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Rejected, Self::Failed, Self::Recovery];

    /// As stories write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Failed => "FAILED",
            Self::Recovery => "RECOVERY",
        }
    }

    /// Reads what stories write; `None` when it is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// How bad it is what a review found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It may stay.
    Low,
    /// It should be mended.
    Medium,
    /// It must be mended.
    High,
    /// Nothing can go on before.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As stories write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Whether one part of a review was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// It was.
    Passed,
    /// It was not, or was not looked at.
    #[default]
    NotPassed,
}

/// A review as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What it decided.
    pub decision: Decision,
    /// How bad it is what it found; left out when `None`.
    pub severity: Option<Severity>,
    /// What it has to say.
    pub feedback: String,
    /// What stands in the way of an approval.
    pub blockers: Vec<String>,
    /// The review of the code.
    pub code: Verdict,
    /// The review of security.
    pub security: Verdict,
    /// The review by the product owner.
    pub product_owner: Verdict,
}

impl Review {
    fn to_value(&self, now: Moment) -> Value {
        let verdict = |verdict: Verdict| Value::Bool(verdict == Verdict::Passed);
        let blockers = self.blockers.iter().map(|text| text.as_str().into());
        let mut entries: Vec<(&str, Value)> = vec![
            ("timestamp", now.stamp().into()),
            ("decision", self.decision.as_str().into()),
        ];
        if let Some(severity) = self.severity {
            entries.push(("severity", severity.as_str().into()));
        }
        entries.extend([
            ("feedback", self.feedback.as_str().into()),
            ("blockers", Value::List(blockers.collect())),
            ("codeReviewPassed", verdict(self.code)),
            ("securityReviewPassed", verdict(self.security)),
            ("poReviewPassed", verdict(self.product_owner)),
        ]);
        let named = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Map(named.collect())
    }
}

/// Appends a review to the history, of which the last ten are kept.
///
/// # Errors
///
/// [`OperationError::Edit`] when the history is no list.
pub fn append(story: &mut Document, review: &Review, now: Moment) -> Result<(), OperationError> {
    story.push(HISTORY, review.to_value(now), Some(KEPT))?;
    Ok(())
}

/// The last review of the history, as it stands there.
pub fn latest(story: &Document) -> Option<Value> {
    story.list(HISTORY).pop()
}

/// What the last review of the history decided; `None` when there is none, or it says something unknown.
pub fn latest_decision(story: &Document) -> Option<Decision> {
    let Value::Map(entries) = latest(story)? else {
        return None;
    };
    let (_, decision) = entries.into_iter().find(|(key, _)| key == "decision")?;
    match decision {
        Value::String(text) => Decision::parse(&text),
        _ => None,
    }
}

/// What a review made of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// All phases are complete, and it was in progress: it is done.
    Done,
    /// All phases are complete; the status is as it was, for it was not in progress.
    Complete,
    /// Nothing: it was not approved.
    NotApproved,
    /// Nothing: the configuration leaves it to people.
    SwitchedOff,
}

/// Completes an approved story, unless the configuration leaves that to people: all four phases, and the status is done
/// where it was in-progress.
///
/// # Errors
///
/// [`OperationError::Edit`] when a flag or the status cannot be edited; the reference tool would say nothing.
pub fn auto_complete(
    story: &mut Document,
    decision: Option<Decision>,
    limits: &Limits,
) -> Result<Completion, OperationError> {
    if decision != Some(Decision::Approved) {
        return Ok(Completion::NotApproved);
    }
    if !limits.auto_complete_on_approval {
        return Ok(Completion::SwitchedOff);
    }
    mark_complete(story)?;
    if Status::of(story) != Some(Status::InProgress) {
        return Ok(Completion::Complete);
    }
    set_status(story, &Status::Done)?;
    Ok(Completion::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(yaml: &str) -> Document {
        Document::parse(format!("---\n{yaml}---\nbody\n")).expect("a story")
    }

    fn at(second: u32) -> Moment {
        Moment::parse(&format!("2026-03-04T05:06:{second:02}Z")).expect("an instant")
    }

    fn review(decision: Decision) -> Review {
        Review {
            decision,
            severity: None,
            feedback: "fine".to_owned(),
            blockers: Vec::new(),
            code: Verdict::Passed,
            security: Verdict::NotPassed,
            product_owner: Verdict::Passed,
        }
    }

    #[test]
    fn append_writes_every_field_in_its_place() {
        let full = Review {
            severity: Some(Severity::High),
            feedback: "Two things:\n- a\n- b".to_owned(),
            blockers: vec!["a".to_owned(), "yes".to_owned()],
            ..review(Decision::Rejected)
        };
        let mut edited = story("id: S-1 # one\nstatus: ready\n");
        append(&mut edited, &review(Decision::Approved), at(1)).expect("a list");
        append(&mut edited, &full, at(2)).expect("a list");
        let expected = "id: S-1 # one\nstatus: ready\nreview_history:\n  \
            - timestamp: '2026-03-04T05:06:01.000Z'\n    decision: APPROVED\n    feedback: fine\n    blockers: []\n    \
            codeReviewPassed: true\n    securityReviewPassed: false\n    poReviewPassed: true\n  \
            - timestamp: '2026-03-04T05:06:02.000Z'\n    decision: REJECTED\n    severity: HIGH\n    feedback: |-\n      \
            Two things:\n      - a\n      - b\n    blockers:\n      - a\n      - 'yes'\n    codeReviewPassed: true\n    \
            securityReviewPassed: false\n    poReviewPassed: true\n";
        assert_eq!(edited.frontmatter(), expected, "two reviews");
        assert_eq!(
            latest_decision(&edited),
            Some(Decision::Rejected),
            "the latest"
        );
    }

    #[test]
    fn append_keeps_the_last_ten() {
        let mut edited = story("id: S-1\n");
        for second in 1..=13 {
            append(&mut edited, &review(Decision::Failed), at(second)).expect("a list");
        }
        let times: Vec<_> = (0..10)
            .map(|at| edited.get(&format!("review_history[{at}].timestamp")))
            .collect();
        let expected: Vec<_> = (4..=13)
            .map(|second| Ok(Some(at(second).stamp().into())))
            .collect();
        assert_eq!(times, expected, "the three oldest are gone");
        assert_eq!(edited.list(HISTORY).len(), 10, "and no more are kept");
        let refused = append(
            &mut story("review_history: x\n"),
            &review(Decision::Failed),
            at(1),
        );
        assert!(refused.is_err(), "what is no list is not overwritten");
    }

    #[test]
    fn latest_decision_reads_what_others_wrote() {
        let table = [
            ("a: 1\n", None),
            ("review_history: []\n", None),
            (
                "review_history:\n  - decision: APPROVED\n  - decision: FAILED\n",
                Some(Decision::Failed),
            ),
            (
                "review_history:\n  - decision: RECOVERY\n",
                Some(Decision::Recovery),
            ),
            ("review_history:\n  - decision: approved\n", None),
            ("review_history:\n  - a text\n", None),
        ];
        for (yaml, expected) in table {
            assert_eq!(latest_decision(&story(yaml)), expected, "of {yaml:?}");
        }
        for severity in Severity::ALL {
            let text = severity.as_str();
            assert_eq!(text, text.to_uppercase(), "written in capitals");
        }
    }

    #[test]
    fn auto_complete_follows_an_approval_only() {
        let flags = "research_complete: true\nplan_complete: true\nimplementation_complete: true\nreviews_complete: true\n";
        let manual = Limits {
            auto_complete_on_approval: false,
            ..Limits::default()
        };
        let approved = Some(Decision::Approved);
        let table = [
            (
                "in-progress",
                approved,
                Limits::default(),
                Completion::Done,
                "done",
                flags,
            ),
            (
                "ready",
                approved,
                Limits::default(),
                Completion::Complete,
                "ready",
                flags,
            ),
            (
                "blocked",
                approved,
                Limits::default(),
                Completion::Complete,
                "blocked",
                flags,
            ),
            (
                "in-progress",
                approved,
                manual,
                Completion::SwitchedOff,
                "in-progress",
                "",
            ),
            (
                "in-progress",
                Some(Decision::Rejected),
                Limits::default(),
                Completion::NotApproved,
                "in-progress",
                "",
            ),
            (
                "in-progress",
                None,
                Limits::default(),
                Completion::NotApproved,
                "in-progress",
                "",
            ),
        ];
        for (status, decision, limits, completion, after, flags) in table {
            let mut edited = story(&format!("status: {status} # now\n"));
            let found = auto_complete(&mut edited, decision, &limits);
            assert_eq!(
                found,
                Ok(completion),
                "{decision:?} of a story that is {status}"
            );
            let expected = format!("status: {after} # now\n{flags}");
            assert_eq!(edited.frontmatter(), expected, "and what it leaves");
        }
        let anchored = "plan_complete: &a false\nx: *a\n";
        let refused = auto_complete(&mut story(anchored), approved, &Limits::default());
        assert!(refused.is_err(), "an error is not swallowed");
    }
}
