//! The example of one agent from end to end does what it tells, and leaves no lease however its work ends.

#[path = "../examples/agent_pipeline/pipeline.rs"]
mod pipeline;

use std::fs;
use std::path::Path;

use pipeline::{Work, run};

/// What the example prints, and what its file holds afterwards.
fn told(work: Work) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut out = Vec::new();
    run(folder.path(), work, &mut out).expect("the example ends as it should");
    let file = Path::new("backend/routes.txt");
    let text = fs::read_to_string(folder.path().join(file)).expect("its file is there");
    (String::from_utf8(out).expect("it prints text"), text)
}

#[test]
fn agent_plans_acquires_edits_renews_and_releases() {
    let (told, text) = told(Work::Succeeds);
    assert_eq!(
        told,
        "plan: side by side: builder, painter\n\
         acquired backend/ for builder\n\
         edited backend/routes.txt: added a route\n\
         renewed, generation 2\n\
         edited backend/routes.txt: changed a route\n\
         released\n\
         afterwards 0 agents hold backend/routes.txt\n",
        "each step is taken and told"
    );
    assert_eq!(
        text, "GET /orders?page=N\nGET /invoices\n# more routes here\n",
        "both edits are there"
    );
}

#[test]
fn agent_whose_work_fails_gives_its_lease_back_and_leaves_whole_edits_only() {
    let (told, text) = told(Work::Fails);
    assert!(
        told.contains("work failed: "),
        "the failure is told: {told}"
    );
    assert!(
        told.ends_with("afterwards 0 agents hold backend/routes.txt\n"),
        "the lease ended with the work: {told}"
    );
    assert_eq!(
        text, "GET /orders\nGET /invoices\n# more routes here\n",
        "the first edit is there, and nothing of the second"
    );
}
