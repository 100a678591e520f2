//! What stands in the lists and mappings of a story's frontmatter. Pure.

use serde::Deserialize;

/// One refinement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RefinementIteration {
    /// Counted from 1.
    pub iteration: u64,
    /// Who does it.
    pub agent_type: String,
    /// Time.
    pub started_at: String,
    /// Time.
    pub completed_at: Option<String>,
    /// What there was to say about the story before.
    pub review_feedback: Option<String>,
    /// success, failed or `in_progress`.
    pub result: String,
}

/// One review.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReviewEntry {
    /// Time.
    pub timestamp: String,
    /// APPROVED, REJECTED, FAILED or RECOVERY.
    pub decision: String,
    /// LOW, MEDIUM, HIGH or CRITICAL.
    pub severity: Option<String>,
    /// What it says.
    pub feedback: String,
    /// What stands in the way.
    pub blockers: Vec<String>,
    /// Whether the review of the code was passed.
    pub code_review_passed: bool,
    /// Whether the review of security was passed.
    pub security_review_passed: bool,
    /// Whether the review of the product owner was passed.
    pub po_review_passed: bool,
}

/// What was known about a story when it was blocked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BlockedDiagnostic {
    /// Time.
    pub blocked_at: String,
    /// Why.
    pub reason: String,
    /// The phase that it was in.
    pub last_phase: String,
    /// How often anything had been tried again.
    pub error_count: u64,
    /// The error that came most often in a row.
    pub most_common_error: String,
    /// What a person may try.
    pub suggested_fix: Option<String>,
    /// Whether the same error came again and again.
    pub identical_errors_detected: Option<bool>,
    /// How often in a row.
    pub consecutive_identical_count: Option<u64>,
}

/// An error that came once or several times in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ErrorEntry {
    /// SHA-256 of the error, in hexadecimal digits.
    pub hash: String,
    /// Time.
    pub first_seen: String,
    /// Time.
    pub last_seen: String,
    /// How often in a row.
    pub consecutive_count: u64,
    /// Its beginning.
    pub error_preview: String,
}

/// One cycle of a test that comes first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct TddCycle {
    /// The test.
    pub test_name: String,
    /// Where it is.
    pub test_file: String,
    /// When it failed.
    pub red_timestamp: String,
    /// When it was passed.
    pub green_timestamp: Option<String>,
    /// When the code was put in order.
    pub refactor_timestamp: Option<String>,
    /// What was printed when it failed.
    pub test_output_red: String,
    /// What was printed when it was passed.
    pub test_output_green: Option<String>,
    /// Whether all tests were passed.
    pub all_tests_green: bool,
    /// Counted from 1.
    pub cycle_number: u64,
}

/// A run of all tests.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct TestRun {
    /// Whether all were passed.
    pub passed: bool,
    /// How many were not.
    pub failures: u64,
    /// Time.
    pub timestamp: String,
}
