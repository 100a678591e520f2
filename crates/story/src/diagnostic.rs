//! What is known about a story at the moment when it is blocked. Pure.

use crate::document::Document;
use crate::moment::Moment;
use crate::status::Phase;
use crate::value::Value;

/// The longest error that a diagnostic quotes, in UTF-16 units: that of the reference tool.
const MAX_QUOTED: usize = 200;

/// The counters that stand in for `total_recovery_attempts` where that is 0.
const RETRY_COUNTERS: [&str; 3] = [
    "retry_count",
    "refinement_count",
    "implementation_retry_count",
];

/// What the one who blocks a story knows beside the reason; each is left out of the diagnostic unless it is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// What a person may try.
    pub suggested_fix: Option<String>,
    /// Whether the same error came again and again.
    pub identical_errors: Option<bool>,
    /// How often in a row.
    pub consecutive: Option<u32>,
}

/// The value of `blocked_diagnostic`: when, why, in which phase, after how many errors, and which one was the most common.
pub fn diagnostic(
    story: &Document,
    reason: &str,
    circumstances: &Circumstances,
    now: Moment,
) -> Value {
    let common = most_common_error(story).unwrap_or_else(|| cut(reason, MAX_QUOTED).to_owned());
    let mut entries: Vec<(&str, Value)> = vec![
        ("blockedAt", now.stamp().into()),
        ("reason", reason.into()),
        ("lastPhase", Phase::last(story).as_str().into()),
        ("errorCount", Value::Int(error_count(story))),
        ("mostCommonError", common.into()),
    ];
    if let Some(fix) = &circumstances.suggested_fix {
        entries.push(("suggestedFix", fix.as_str().into()));
    }
    if let Some(identical) = circumstances.identical_errors {
        entries.push(("identicalErrorsDetected", identical.into()));
    }
    if let Some(count) = circumstances.consecutive {
        entries.push(("consecutiveIdenticalCount", i64::from(count).into()));
    }
    let named = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    Value::Map(named.collect())
}

/// How often it was tried again.
fn error_count(story: &Document) -> i128 {
    match story.count("total_recovery_attempts").unwrap_or(0) {
        0 => RETRY_COUNTERS
            .iter()
            .filter_map(|counter| story.count(counter))
            .sum(),
        attempts => attempts,
    }
}

/// The preview of the error that came most often in a row; of several the first.
fn most_common_error(story: &Document) -> Option<String> {
    let mut most: Option<(i128, String)> = None;
    for entry in story.list("error_history") {
        let Value::Map(entry) = entry else { continue };
        let member = |name: &str| entry.iter().find(|(key, _)| key == name);
        let count = match member("consecutiveCount") {
            Some((_, Value::Int(count))) => *count,
            _ => 0,
        };
        let Some((_, Value::String(preview))) = member("errorPreview") else {
            continue;
        };
        if most.as_ref().is_none_or(|(highest, _)| count > *highest) {
            most = Some((count, preview.clone()));
        }
    }
    most.map(|(_, preview)| preview)
}

/// The longest beginning of at most `limit` UTF-16 units that splits no character.
fn cut(text: &str, limit: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > limit
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(fields: &str, reason: &str, circumstances: &Circumstances) -> serde_json::Value {
        let story = Document::parse(format!("---\nid: S-1\n{fields}---\n")).expect("a story");
        let now = Moment::parse("2026-03-04T05:06:07Z").expect("an instant");
        diagnostic(&story, reason, circumstances, now).to_json()
    }

    #[test]
    fn diagnostic_of_a_fresh_story_has_no_optional_keys() {
        let expected = json!({
            "blockedAt": "2026-03-04T05:06:07.000Z",
            "reason": "why",
            "lastPhase": "research",
            "errorCount": 0,
            "mostCommonError": "why",
        });
        let found = found("", "why", &Circumstances::default());
        assert_eq!(found.to_string(), expected.to_string(), "in this order");
    }

    #[test]
    fn diagnostic_has_the_optional_keys_that_are_given() {
        let circumstances = Circumstances {
            suggested_fix: Some("rest".to_owned()),
            identical_errors: Some(false),
            consecutive: Some(0),
        };
        let found = found("", "why", &circumstances);
        let options = json!([
            found["suggestedFix"],
            found["identicalErrorsDetected"],
            found["consecutiveIdenticalCount"]
        ]);
        assert_eq!(options, json!(["rest", false, 0]), "given is given");
    }

    #[test]
    fn error_count_is_that_of_recoveries_else_of_retries() {
        let retries = "retry_count: 1\nrefinement_count: 2\nimplementation_retry_count: 4\n";
        let table = [
            (format!("total_recovery_attempts: 3\n{retries}"), 3),
            (format!("total_recovery_attempts: 0\n{retries}"), 7),
            (retries.to_owned(), 7),
            ("retry_count: many\nrefinement_count: 2\n".to_owned(), 2),
        ];
        for (fields, expected) in table {
            let found = found(&fields, "why", &Circumstances::default());
            assert_eq!(found["errorCount"], expected, "after {fields:?}");
        }
    }

    #[test]
    fn most_common_error_is_the_preview_with_the_highest_count() {
        let entry = |count: u8, preview: &str| {
            format!("  - consecutiveCount: {count}\n    errorPreview: {preview}\n")
        };
        let history = |entries: &[String]| format!("error_history:\n{}", entries.concat());
        let long = "x".repeat(300);
        let table = [
            (history(&[entry(1, "a"), entry(3, "b"), entry(2, "c")]), "b"),
            (history(&[entry(2, "a"), entry(2, "b")]), "a"),
            (history(&["  - hash: x\n".to_owned(), entry(1, "b")]), "b"),
            ("error_history: []\n".to_owned(), &long[..200]),
            ("error_history: none\n".to_owned(), &long[..200]),
        ];
        for (fields, expected) in table {
            let found = found(&fields, &long, &Circumstances::default());
            assert_eq!(found["mostCommonError"], expected, "after {fields:?}");
        }
        assert_eq!(cut("aé🚀b", 3), "aé", "no character is split");
        assert_eq!(cut("aé🚀b", 4), "aé🚀", "an emoji counts two");
    }
}
