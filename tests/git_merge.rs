//! Real git merges stories by `story merge-driver`, after `story init --git`.

use std::env;
use std::path::Path;
use std::process::Command;

use testkit::{Finished, Sandbox, on_path, skip};

use crate::support::{json, run, story};

const STORY: &str = ".ai-sdlc/stories/S-0034/story.md";

const TEXT: &str = "---
id: S-0034
title: 'Atomic updates' # the point
status: ready
priority: 10 # by hand
labels: [a, b]
retry_count: 1
updated: '2026-01-15'
review_history:
  - timestamp: '2026-01-10T10:00:00.000Z'
    decision: REJECTED
---

# Title

first

second
";

/// A repository with one story, and `story` where git finds it.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    fn new() -> Self {
        let sandbox = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
        let repository = Self { sandbox };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["config", "user.name", "A Person"]);
        repository.git(&["config", "user.email", "person@example.org"]);
        repository.write(TEXT);
        repository.story(&["init", "--git"]);
        repository.commit("begin");
        repository
    }

    fn folder(&self) -> &Path {
        self.sandbox.path()
    }

    fn try_git(&self, arguments: &[&str]) -> Finished {
        let binary = Path::new(env!("CARGO_BIN_EXE_story"));
        let folder = binary.parent().expect("a binary lies in a folder");
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_path_buf()]
            .into_iter()
            .chain(env::split_paths(&path));
        let path = env::join_paths(folders).expect("a list of folders");
        let mut command = Command::new("git");
        command
            .current_dir(self.folder())
            .args(arguments)
            .env("PATH", path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_EDITOR", "true");
        run(&mut command)
    }

    fn git(&self, arguments: &[&str]) -> Finished {
        let finished = self.try_git(arguments);
        assert!(
            finished.status.success(),
            "git {arguments:?} works: {finished:?}"
        );
        finished
    }

    fn story(&self, arguments: &[&str]) -> Finished {
        let finished = run(story().current_dir(self.folder()).args(arguments));
        assert!(
            finished.status.success(),
            "story {arguments:?} works: {finished:?}"
        );
        finished
    }

    fn write(&self, text: &str) {
        self.sandbox.write(STORY, text);
    }

    fn text(&self) -> String {
        self.sandbox.read(STORY)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    /// Commits one version on `branch` and one on `main`, which is checked out afterwards.
    fn diverge(&self, branch: &str, theirs: &str, ours: &str) {
        self.git(&["checkout", "--quiet", "-b", branch]);
        self.write(theirs);
        self.commit(&format!("on {branch}"));
        self.git(&["checkout", "--quiet", "main"]);
        self.write(ours);
        self.commit("on main");
    }
}

/// `None`: git is not installed.
fn repository(test: &str) -> Option<Repository> {
    if on_path("git").is_none() {
        skip(test, "git is not installed");
        return None;
    }
    Some(Repository::new())
}

fn changed(replacements: &[(&str, &str)]) -> String {
    let mut text = TEXT.to_owned();
    for (old, new) in replacements {
        assert!(text.contains(old), "the story holds {old:?}");
        text = text.replacen(old, new, 1);
    }
    text
}

/// What two branches change so that git alone would conflict in every line of it.
fn two_sides() -> (String, String, String) {
    let entry = |time: &str| {
        format!("decision: REJECTED\n  - timestamp: '{time}'\n    decision: APPROVED\n")
    };
    let theirs = changed(&[
        ("priority: 10", "priority: 1"),
        ("[a, b]", "[b, c]"),
        ("retry_count: 1", "retry_count: 2"),
        ("2026-01-15", "2026-01-17"),
        ("decision: REJECTED\n", &entry("2026-01-17T10:00:00.000Z")),
        ("second", "SECOND"),
    ]);
    let ours = changed(&[
        ("status: ready", "status: in-progress"),
        ("[a, b]", "[a, b, d]"),
        ("retry_count: 1", "retry_count: 3"),
        ("2026-01-15", "2026-01-16"),
        ("decision: REJECTED\n", &entry("2026-01-16T10:00:00.000Z")),
        ("first", "FIRST"),
    ]);
    let merged = changed(&[
        ("status: ready", "status: in-progress"),
        ("priority: 10", "priority: 1"),
        ("[a, b]", "[b, d, c]"),
        ("retry_count: 1", "retry_count: 4"),
        ("2026-01-15", "2026-01-17"),
        (
            "decision: REJECTED\n",
            &format!(
                "{}{}",
                entry("2026-01-16T10:00:00.000Z"),
                entry("2026-01-17T10:00:00.000Z").trim_start_matches("decision: REJECTED\n")
            ),
        ),
        ("first", "FIRST"),
        ("second", "SECOND"),
    ]);
    (theirs, ours, merged)
}

#[test]
fn branches_that_changed_different_things_merge_byte_for_byte() {
    let Some(repository) = repository("branches_that_changed_different_things_merge_byte_for_byte")
    else {
        return;
    };
    let (theirs, ours, merged) = two_sides();
    repository.diverge("feature", &theirs, &ours);
    repository.git(&["merge", "--quiet", "feature"]);
    assert_eq!(repository.text(), merged, "what both did, byte for byte");
    let status = repository.git(&["status", "--porcelain"]);
    assert_eq!(status.stdout, "", "nothing is left to do");
}

#[test]
fn same_branches_conflict_without_the_driver() {
    let Some(repository) = repository("same_branches_conflict_without_the_driver") else {
        return;
    };
    let (theirs, ours, _) = two_sides();
    repository.diverge("feature", &theirs, &ours);
    repository.git(&["config", "--remove-section", "merge.story"]);
    let merge = repository.try_git(&["merge", "--quiet", "feature"]);
    assert!(!merge.status.success(), "git alone cannot: {merge:?}");
    repository.git(&["merge", "--abort"]);
    // A clone in which `story` is not installed merges lines, and takes no side in silence.
    repository.story(&["init", "--git"]);
    let driver = repository.git(&["config", "merge.story.driver"]).stdout;
    let elsewhere = driver.trim().replace("story", "no-such-command");
    repository.git(&["config", "merge.story.driver", &elsewhere]);
    let merge = repository.try_git(&["merge", "--quiet", "feature"]);
    assert!(!merge.status.success(), "it conflicts as ever: {merge:?}");
    assert!(
        repository.text().contains("<<<<<<< ours"),
        "with markers: {}",
        repository.text()
    );
}

#[test]
fn rebase_and_cherry_pick_merge_as_well() {
    let Some(repository) = repository("rebase_and_cherry_pick_merge_as_well") else {
        return;
    };
    let (theirs, ours, merged) = two_sides();
    repository.diverge("feature", &theirs, &ours);
    repository.git(&["checkout", "--quiet", "-b", "picked"]);
    repository.git(&["cherry-pick", "feature"]);
    assert_eq!(repository.text(), merged, "picked onto main");
    repository.git(&["checkout", "--quiet", "feature"]);
    repository.git(&["rebase", "--quiet", "main"]);
    assert_eq!(repository.text(), merged, "rebased onto main");
}

#[test]
fn same_field_and_line_conflict_in_a_story_that_can_still_be_read() {
    let Some(repository) =
        repository("same_field_and_line_conflict_in_a_story_that_can_still_be_read")
    else {
        return;
    };
    let theirs = changed(&[
        ("status: ready", "status: blocked"),
        ("first", "theirs"),
        ("[a, b]", "[a, b, c]"),
    ]);
    let ours = changed(&[("status: ready", "status: done"), ("first", "ours")]);
    repository.diverge("feature", &theirs, &ours);
    let merge = repository.try_git(&["merge", "feature"]);
    assert_eq!(merge.status.code(), Some(1), "a conflict: {merge:?}");
    assert!(
        merge
            .stderr
            .contains("status: was ready; ours: done; theirs: blocked"),
        "git shows what it is: {merge:?}"
    );
    let status = repository.git(&["status", "--porcelain"]);
    assert_eq!(status.stdout, format!("UU {STORY}\n"), "both modified");
    let expected = changed(&[
        ("status: ready", "status: done"),
        ("[a, b]", "[a, b, c]"),
        (
            "---\n\n# Title\n\nfirst",
            "---\n<<<<<<< ours: the frontmatter above says so; to keep it, delete this block\nstatus: done\n=======\nstatus: blocked\n>>>>>>> theirs: to take this instead, change the frontmatter, then delete this block\n\n# Title\n\n<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs",
        ),
    ]);
    assert_eq!(
        repository.text(),
        expected,
        "markers that a person understands"
    );
    let check = repository.try_git(&["diff", "--check"]);
    assert!(
        check.stdout.contains("leftover conflict marker"),
        "git sees them: {check:?}"
    );
    let read = repository.story(&["get", "S-0034", "status", "--json"]);
    assert_eq!(
        json(&read)["values"]["status"],
        "done",
        "and it is a readable story"
    );
    repository.story(&["set", "S-0034", "status=blocked", "--no-touch"]);
}

#[test]
fn story_that_both_added_is_merged_as_far_as_it_is_equal() {
    let Some(repository) = repository("story_that_both_added_is_merged_as_far_as_it_is_equal")
    else {
        return;
    };
    let other = ".ai-sdlc/stories/S-0035/story.md";
    let text = TEXT.replace("S-0034", "S-0035");
    repository.git(&["checkout", "--quiet", "-b", "feature"]);
    repository
        .sandbox
        .write(other, text.replace("[a, b]", "[a, c]"));
    repository.commit("theirs");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.sandbox.write(other, &text);
    repository.commit("ours");
    repository.git(&["merge", "--quiet", "feature"]);
    assert_eq!(
        repository.sandbox.read(other),
        text.replace("[a, b]", "[a, b, c]"),
        "merged"
    );
}

#[test]
fn doctor_tells_a_clone_that_lacks_the_driver_and_sets_it() {
    let Some(repository) = repository("doctor_tells_a_clone_that_lacks_the_driver_and_sets_it")
    else {
        return;
    };
    let says = |arguments: &[&str]| repository.story(arguments).stdout;
    let told = "git merges stories line by line in this clone";
    assert!(
        !says(&["doctor"]).contains(told),
        "all is well where it is set"
    );
    repository.git(&["config", "--remove-section", "merge.story"]);
    assert!(says(&["doctor"]).contains(told), "as in a fresh clone");
    says(&["doctor", "--fix"]);
    assert!(!says(&["doctor"]).contains(told), "it is mended");
    repository.git(&["rm", "--quiet", ".gitattributes"]);
    repository.git(&["config", "--remove-section", "merge.story"]);
    assert!(!says(&["doctor"]).contains(told), "nobody wants it here");
}

#[test]
fn init_with_git_is_idempotent_and_leaves_what_a_person_has_set() {
    let Some(repository) =
        repository("init_with_git_is_idempotent_and_leaves_what_a_person_has_set")
    else {
        return;
    };
    let attributes = repository.sandbox.read(".gitattributes");
    assert_eq!(
        attributes, "/.ai-sdlc/stories/**/story.md merge=story\n",
        "one line"
    );
    let again = repository.story(&["init", "--git"]);
    assert!(
        again.stderr.contains("nothing to change"),
        "a second time: {again:?}"
    );
    assert_eq!(
        repository.sandbox.read(".gitattributes"),
        attributes,
        "changes nothing"
    );
    let merging = repository.git(&["check-attr", "merge", "--", STORY, "README.md"]);
    assert_eq!(
        merging.stdout,
        format!("{STORY}: merge: story\nREADME.md: merge: unspecified\n"),
        "it is about stories"
    );
    repository.git(&["config", "merge.story.driver", "mine %O %A %B"]);
    let warned = repository.story(&["init", "--git"]);
    assert!(
        warned.stderr.contains("was left: mine %O %A %B"),
        "a person's: {warned:?}"
    );
    let driver = repository.git(&["config", "merge.story.driver"]).stdout;
    assert_eq!(driver, "mine %O %A %B\n", "it stays");
    let outside = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
    let refused = run(story().current_dir(outside.path()).args(["init", "--git"]));
    assert_eq!(
        refused.status.code(),
        Some(3),
        "there is no repository: {refused:?}"
    );
}
