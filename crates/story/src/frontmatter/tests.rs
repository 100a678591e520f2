use super::*;

fn document(fields: &str) -> Document {
    Document::parse(format!("---\n{fields}---\n")).expect("frontmatter")
}

fn view(fields: &str) -> Frontmatter {
    Frontmatter::of(&document(fields)).expect("each field has its type")
}

#[test]
fn missing_fields_and_nulls_have_the_defaults_of_the_contract() {
    let defaults = view("");
    assert_eq!(defaults, Frontmatter::default(), "nothing is there");
    assert_eq!(defaults.status, Status::Backlog, "an idea");
    assert_eq!(defaults.story_type, StoryType::Feature, "the type");
    assert_eq!(defaults.content_type, ContentType::Code, "missing is code");
    for key in fields_of::<Frontmatter>() {
        let nothing = view(&format!("{key}:\n"));
        assert_eq!(nothing, defaults, "{key}: null is nothing");
    }
    let inside = view("review_history:\n  - decision:\n    blockers: ~\n");
    assert_eq!(
        inside.review_history,
        [ReviewEntry::default()],
        "null inside of a record too"
    );
}

#[test]
fn every_field_of_the_contract_is_known() {
    let contract = "id title slug priority status type created updated assignee labels estimated_effort dependencies \
        epic research_complete plan_complete implementation_complete reviews_complete plan_review_complete \
        plan_review_iteration pr_url branch worktree_path last_error pr_merged merge_sha merged_at \
        content_type requires_source_changes refinement_iterations refinement_count max_refinement_attempts \
        retry_count max_retries last_restart_reason last_restart_timestamp review_history \
        implementation_retry_count max_implementation_retries total_recovery_attempts blocked_reason \
        blocked_at blocked_diagnostic error_history tdd_enabled tdd_current_test tdd_test_history \
        last_test_run ticket_provider ticket_id ticket_url ticket_synced_at";
    let mut expected: Vec<&str> = contract.split(' ').collect();
    let mut fields = fields_of::<Frontmatter>().to_vec();
    expected.sort_unstable();
    fields.sort_unstable();
    assert_eq!(fields, expected, "as the table of fields lists them");
}

#[test]
fn fields_are_read_by_the_table_of_yaml_1_1() {
    let found = view(
        "id: S-0034\ntitle: yes\npriority: 010\nstatus: in-progress\ntype: refactor\ncreated: 2026-01-15\n\
         updated: '2026-01-16'\nlabels: [on, a]\nestimated_effort: large\nretry_count: 0x10\nmax_retries: .inf\n\
         max_refinement_attempts: 0\nmax_implementation_retries: -1\nplan_review_complete: False\nticket_id: 123\n",
    );
    assert_eq!(found.title, "yes", "a text in YAML 1.1 of this table");
    assert_eq!(found.priority, Some(8.0), "octal");
    assert_eq!(found.status, Status::InProgress, "a known word");
    assert_eq!(
        found.story_type,
        StoryType::Other("refactor".to_owned()),
        "an unknown word is kept"
    );
    assert_eq!(
        found.created.as_deref(),
        Some("2026-01-15"),
        "a date is its text"
    );
    assert_eq!(found.labels, ["on", "a"], "texts");
    assert_eq!(found.estimated_effort, Some(Effort::Large), "a known word");
    assert_eq!(found.retry_count, 16, "hexadecimal");
    assert_eq!(found.max_retries, Some(Limit::Unlimited), "infinite");
    assert_eq!(
        found.max_refinement_attempts,
        Some(Limit::Times(0)),
        "0 counts"
    );
    assert_eq!(
        found.max_implementation_retries,
        Some(Limit::Times(0)),
        "below 0 is 0"
    );
    assert_eq!(
        found.plan_review_complete,
        Some(false),
        "not the same as missing"
    );
    assert_eq!(found.ticket_id.as_deref(), Some("123"), "always a text");
}

#[test]
fn records_are_read_with_their_members() {
    let found = view(
        "review_history:\n  - timestamp: '2026-01-12T10:00:00.000Z'\n    decision: REJECTED\n    severity: HIGH\n    \
         feedback: no\n    blockers: [a]\n    codeReviewPassed: true\nerror_history:\n  - hash: 0a\n    \
         consecutiveCount: 2\n    errorPreview: x\nrefinement_iterations: [{iteration: 1, agentType: research, result: in_progress}]\n\
         blocked_diagnostic: {reason: r, lastPhase: plan, errorCount: 3, identicalErrorsDetected: false}\n\
         tdd_current_test: {test_name: t, cycle_number: 2, all_tests_green: true}\n\
         last_test_run: {passed: false, failures: 2, timestamp: x}\n",
    );
    let review = &found.review_history[0];
    assert_eq!(review.decision, "REJECTED", "what was decided");
    assert_eq!(review.severity.as_deref(), Some("HIGH"), "how bad it is");
    assert!(review.code_review_passed, "the code is good");
    assert!(!review.po_review_passed, "missing is false");
    assert_eq!(found.error_history[0].consecutive_count, 2, "twice");
    assert_eq!(found.refinement_iterations[0].agent_type, "research", "who");
    let diagnostic = found.blocked_diagnostic.expect("it was blocked");
    assert_eq!(diagnostic.error_count, 3, "how often");
    assert_eq!(diagnostic.identical_errors_detected, Some(false), "given");
    assert_eq!(
        found.tdd_current_test.map(|test| test.cycle_number),
        Some(2),
        "cycle"
    );
    assert_eq!(
        found.last_test_run.map(|run| run.failures),
        Some(2),
        "failures"
    );
}

#[test]
fn unknown_keys_are_kept_in_the_order_of_the_file() {
    let found = view("zebra: 2026-01-15\nid: S-1\napple: {b: 1, a: ~}\nnothing:\n<<: {x: 1}\n");
    let names: Vec<&str> = found.extra.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(names, ["zebra", "apple", "nothing", "<<"], "in this order");
    let date = Value::Timestamp("2026-01-15".to_owned());
    assert_eq!(found.extra("zebra"), Some(&date), "as it is");
    assert_eq!(found.extra("nothing"), Some(&Value::Null), "null too");
    assert_eq!(found.extra("id"), None, "this one is known");
}

#[test]
fn field_of_a_wrong_type_is_named_with_its_path() {
    let table = [
        ("title: [a]\n", "title"),
        ("title: 2024\n", "title"),
        ("labels: a\n", "labels"),
        ("labels: [a, 1]\n", "labels[1]"),
        ("labels: [a, ~]\n", "labels[1]"),
        ("research_complete: yes\n", "research_complete"),
        ("retry_count: -1\n", "retry_count"),
        ("retry_count: 1.5\n", "retry_count"),
        ("max_retries: .nan\n", "max_retries"),
        ("max_retries: many\n", "max_retries"),
        ("ticket_id: [1]\n", "ticket_id"),
        ("priority: high\n", "priority"),
        (
            "review_history:\n  - decision: APPROVED\n  - decision: 5\n",
            "review_history[1].decision",
        ),
    ];
    for (fields, path) in table {
        let err = Frontmatter::of(&document(&format!("id: S-1\n{fields}"))).expect_err(fields);
        assert_eq!(err.path, path, "{fields:?} is named: {err}");
        assert!(!err.message.is_empty(), "and why: {err}");
    }
}
