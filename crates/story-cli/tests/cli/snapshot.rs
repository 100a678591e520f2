//! `story snapshot`: the tree recorded, and back to it, with real git.

use serde_json::Value;

use crate::desk::json_lines;
use crate::git_desk::GitDesk;

fn id(answer: &Value) -> String {
    let id = answer["snapshot"].as_str().expect("an id");
    assert_eq!(id.len(), 40, "an id is whole: {answer}");
    id.to_owned()
}

#[test]
fn take_prints_an_id_that_git_knows_and_changes_nothing() {
    let desk = GitDesk::at_work();
    let (before, refs) = (desk.seen(), desk.own_refs());
    let taken = desk.expect(0, &["snapshot", "take", "why", "--task", "a/b c"]);
    let id = taken.stdout.trim();
    assert_eq!(desk.git(&["cat-file", "-t", id]), "commit\n", "a commit");
    let reference = desk.git(&[
        "for-each-ref",
        "--format=%(objectname) %(refname) %(subject)",
        "refs/devs-snapshots/",
    ]);
    assert_eq!(
        reference,
        format!("{id} refs/devs-snapshots/a%2Fb%20c devs-snapshot-a/b c: why\n"),
        "plain git finds it by task and label"
    );
    assert_eq!(desk.seen(), before, "no file and nothing staged changed");
    assert_eq!(desk.own_refs(), refs, "nor stashes, reflog or branch");
}

#[test]
fn restore_brings_everything_back_and_its_rescue_undoes_it() {
    let desk = GitDesk::at_work();
    let before = desk.seen();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.damage();
    let damaged = desk.seen();
    let restored = desk.json(0, &["snapshot", "restore", "T-1"]);
    assert_eq!(
        desk.seen(),
        before,
        "files, permissions and index: {restored}"
    );
    assert_eq!(
        restored["written"], 3,
        "a.txt, run me.sh, src/b.txt: {restored}"
    );
    assert_eq!(restored["removed"], 2, "new.txt, old.txt: {restored}");
    let undo = restored["undo"].as_str().expect("the way back is told");
    let words: Vec<&str> = undo.split(' ').skip(1).collect();
    desk.expect(0, &words);
    assert_eq!(desk.seen(), damaged, "`{undo}` undoes the restore");
}

#[test]
fn restore_says_what_it_did_and_how_to_undo_it() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.damage();
    let said = desk.expect(0, &["snapshot", "restore", "T-1"]).stderr;
    assert!(
        said.contains("3 files written, 2 removed"),
        "how much: {said}"
    );
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.contains("`story snapshot restore ") && last.contains("undoes"),
        "the last line is the way back: {said}"
    );
    let again = desk.expect(0, &["snapshot", "restore", "T-1"]).stderr;
    assert!(
        again.contains("nothing to change"),
        "a second time: {again}"
    );
    let rescues = json_lines(&desk.expect(0, &["snapshot", "list", "--json"]).stdout);
    let rescues: Vec<_> = rescues
        .iter()
        .filter(|one| one["kept"] == "rescue")
        .collect();
    assert_eq!(
        rescues.len(),
        1,
        "a restore that changes nothing leaves no rescue"
    );
}

#[test]
fn restore_names_moved_head_and_moves_it_back_only_when_told() {
    let desk = GitDesk::new();
    let first = desk.git(&["rev-parse", "HEAD"]).trim().to_owned();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.sandbox.write("a.txt", "committed\n");
    desk.git(&["commit", "--quiet", "--all", "-m", "of the task"]);
    let second = desk.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let said = desk.expect(0, &["snapshot", "restore", "T-1"]).stderr;
    assert_eq!(
        desk.git(&["rev-parse", "HEAD"]).trim(),
        second,
        "it stays: {said}"
    );
    let command = format!("git update-ref refs/heads/main {first}");
    assert!(said.contains(&command), "the plain command is told: {said}");
    desk.expect(0, &["snapshot", "restore", "T-1", "--head"]);
    assert_eq!(
        desk.git(&["rev-parse", "main"]).trim(),
        first,
        "the branch is back"
    );
    assert_eq!(
        desk.git(&["status", "--porcelain"]),
        "",
        "and the tree is as it was"
    );
}

#[test]
fn restore_after_a_merge_that_was_not_ended_brings_all_back_and_tells_its_end() {
    let desk = GitDesk::new();
    desk.make_contradiction();
    let before = desk.seen();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.fail_to_merge();
    let damaged = desk.seen();
    let refused = desk.expect(7, &["snapshot", "take"]).stderr;
    assert!(refused.contains("merge"), "no snapshot by hand: {refused}");
    let said = desk.expect(0, &["snapshot", "restore", "T-1"]).stderr;
    assert_eq!(desk.seen(), before, "one command: {said}");
    for part in ["a git merge is still in progress", "`git merge --quit`"] {
        assert!(said.contains(part), "{part:?} is told: {said}");
    }
    desk.expect(0, &["snapshot", "restore", "T-1+rescue"]);
    assert_eq!(desk.seen(), damaged, "conflicts and all");
    desk.expect(0, &["snapshot", "restore", "T-1"]);
    desk.git(&["merge", "--quit"]);
    assert_eq!(desk.seen(), before, "its end changes nothing");
    let said = desk.expect(0, &["snapshot", "restore", "T-1"]).stderr;
    assert!(!said.contains("in progress"), "it is over: {said}");
}

#[test]
fn show_names_what_differs_from_the_commit() {
    let desk = GitDesk::at_work();
    let id = id(&desk.json(0, &["snapshot", "take", "why", "--task", "T-1"]));
    let shown = desk.json(0, &["snapshot", "show", &id[..8], "--files"]);
    let changed: Vec<_> = shown["changed"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| {
            (
                change["path"].as_str().unwrap_or_default(),
                change["kind"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        changed,
        [
            ("a.txt", "changed"),
            ("old.txt", "removed"),
            ("run me.sh", "added")
        ],
        "tracked and not: {shown}"
    );
    desk.sandbox.write("a.txt", "later\n");
    desk.sandbox.write("later.txt", "later\n");
    let since = desk.json(0, &["snapshot", "show", "T-1"])["since"].clone();
    assert_eq!(
        since,
        serde_json::json!([{"path": "a.txt", "kind": "changed"}, {"path": "later.txt", "kind": "added"}]),
        "what a restore would undo"
    );
    let files = &shown["files"];
    let names = serde_json::json!([".gitignore", "a.txt", "run me.sh", "src/b.txt"]);
    assert_eq!(files, &names, "and all that it holds");
    let patch = desk
        .expect(0, &["snapshot", "show", "T-1", "--diff"])
        .stdout;
    assert!(patch.contains("+changed since\n"), "a patch: {patch}");
    let words = desk.expect(0, &["snapshot", "show", "T-1"]).stdout;
    for expected in [
        &id[..],
        "refs/devs-snapshots/T-1",
        "why",
        "a.txt",
        "run me.sh",
    ] {
        assert!(words.contains(expected), "{expected} is told: {words}");
    }
}

#[test]
fn list_shows_who_took_what_and_marks_rescues() {
    let desk = GitDesk::at_work();
    assert_eq!(desk.expect(0, &["snapshot", "list"]).stdout, "", "none");
    let id = id(&desk.json(0, &["snapshot", "take", "why", "--task", "T-1"]));
    desk.damage();
    desk.expect(0, &["snapshot", "restore", "T-1"]);
    let table = desk.expect(0, &["snapshot", "list"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    let [_, taken, rescue] = lines[..] else {
        panic!("a heading and two snapshots: {table}");
    };
    assert!(taken.starts_with(&id[..12]), "the id: {taken}");
    assert!(
        taken.contains("T-1")
            && taken.contains("main")
            && taken.contains("taken by hand")
            && taken.contains("why"),
        "{taken}"
    );
    assert!(
        rescue.contains(&format!("rescue of {}", &id[..12])),
        "{rescue}"
    );
}

#[test]
fn drop_keeps_the_only_copy_unless_forced() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.expect(0, &["snapshot", "take", "--task", "T-2"]);
    desk.expect(0, &["snapshot", "drop", "T-1"]);
    desk.sandbox.write("a.txt", "other\n");
    let kept = desk.json(7, &["snapshot", "drop", "T-2"]);
    assert_eq!(
        kept["error"]["code"], "EREFUSED",
        "it would be lost: {kept}"
    );
    assert_eq!(
        kept["error"]["conflicts"],
        serde_json::json!([{"file": "a.txt"}]),
        "what: {kept}"
    );
    desk.expect(0, &["snapshot", "drop", "T-2", "--force"]);
    assert_eq!(
        desk.git(&["for-each-ref", "refs/devs-snapshots/"]),
        "",
        "both are gone"
    );
}

#[test]
fn drop_of_several_goes_on_after_one_that_fails() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    let finished = desk.expect(3, &["snapshot", "drop", "nothing", "T-1", "--json"]);
    let answers = json_lines(&finished.stdout);
    assert_eq!(answers[0]["error"]["code"], "ENOTFOUND", "{answers:?}");
    assert_eq!(answers[1]["dropped"], true, "one line each: {answers:?}");
}

#[test]
fn stash_list_takes_a_snapshot_only_when_asked() {
    let desk = GitDesk::at_work();
    desk.sandbox.write("mine.txt", "mine\n");
    desk.expect(
        0,
        &["snapshot", "take", "why", "--task", "T-1", "--stash-list"],
    );
    let listed = desk.git(&["stash", "list"]);
    assert!(
        listed.contains("devs-snapshot-T-1: why"),
        "it is entered: {listed}"
    );
    desk.damage();
    desk.git(&["reset", "--quiet", "--hard"]);
    desk.git(&["clean", "-fdq"]);
    desk.git(&["stash", "pop", "--quiet"]);
    assert_eq!(
        desk.sandbox.read("mine.txt"),
        "mine\n",
        "plain git brings it back"
    );
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "changed since\n",
        "tracked files, too"
    );
    let kept = desk.git(&["for-each-ref", "refs/devs-snapshots/T-1"]);
    assert_ne!(kept, "", "its own ref stays whatever becomes of the stash");
}

#[test]
fn commands_refuse_by_name_where_there_is_nothing_to_record() {
    let desk = crate::desk::Desk::empty();
    for verb in [&["take"][..], &["list"], &["restore", "x"]] {
        let refused = desk.json(3, &[&["snapshot"], verb].concat());
        assert_eq!(
            refused["error"]["code"], "ENOTFOUND",
            "no repository: {refused}"
        );
    }
    let desk = GitDesk::new();
    let refused = desk.json(3, &["snapshot", "show", "T-9"]);
    assert_eq!(
        refused["error"]["code"], "ENOTFOUND",
        "no such one: {refused}"
    );
    desk.git(&["checkout", "--quiet", "-b", "side"]);
    desk.sandbox.write("a.txt", "side\n");
    desk.git(&["commit", "--quiet", "--all", "-m", "side"]);
    desk.git(&["checkout", "--quiet", "main"]);
    desk.sandbox.write("a.txt", "main\n");
    desk.git(&["commit", "--quiet", "--all", "-m", "main"]);
    let merging = std::process::Command::new("git")
        .args(["merge", "side"])
        .current_dir(desk.sandbox.path())
        .output()
        .expect("git is there");
    assert!(!merging.status.success(), "they conflict");
    let before = desk.seen();
    let refused = desk.json(7, &["snapshot", "take"]);
    assert_eq!(
        refused["error"]["code"], "EREFUSED",
        "in a merge: {refused}"
    );
    assert!(
        refused["error"]["message"].to_string().contains("merge"),
        "by name: {refused}"
    );
    assert_eq!(desk.seen(), before, "and nothing is touched");
}

#[test]
fn restore_is_refused_while_a_task_runs_in_the_tree() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    let mut command = desk.story(&["run", "--task", "T-2", "--", "sh", "-c", "echo READY; cat"]);
    let mut task = testkit::SecondProcess::spawn(&mut command);
    task.expect_line("READY", crate::desk::PATIENCE);
    let before = desk.seen();
    let refused = desk.json(1, &["snapshot", "restore", "T-1"]);
    let error = &refused["error"];
    assert_eq!(error["code"], "ELOCKED", "as a second run: {error}");
    let message = error["message"].to_string();
    assert!(message.contains("T-2"), "the task is named: {error}");
    assert!(
        message.contains(&task.id().to_string()),
        "and the process: {error}"
    );
    assert_eq!(desk.seen(), before, "nothing is touched");
    task.close_stdin();
    assert!(
        task.wait(crate::desk::PATIENCE).status.success(),
        "it goes on"
    );
    desk.expect(0, &["snapshot", "restore", "T-1"]);
}

#[test]
fn restore_of_another_trees_snapshot_is_refused_unless_elsewhere_is_said() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    let other = testkit::Sandbox::new();
    let tree = other.join("tree");
    let path = tree.to_str().expect("a plain path");
    desk.git(&["worktree", "add", "--quiet", "--detach", path]);
    let restore = |options: &[&str]| {
        let words = [&["snapshot", "restore", "T-1"], options].concat();
        crate::desk::finish(desk.story(&words).current_dir(&tree))
    };
    let read = |name: &str| std::fs::read_to_string(tree.join(name)).unwrap_or_default();
    let refused = restore(&[]);
    assert_eq!(refused.status.code(), Some(7), "not for here: {refused:?}");
    assert!(
        refused.stderr.contains("--elsewhere"),
        "how to do it all the same: {refused:?}"
    );
    assert_eq!(read("a.txt"), "a\n", "nothing is touched: {refused:?}");
    let allowed = restore(&["--elsewhere"]);
    assert_eq!(allowed.status.code(), Some(0), "it was said: {allowed:?}");
    assert_eq!(read("a.txt"), "changed since\n", "the files are brought");
    assert_eq!(read("run me.sh"), "#!/bin/sh\n", "those of nobody's, too");
}

#[test]
fn restore_leaves_a_story_that_others_have_changed_unless_shared_is_said() {
    let desk = GitDesk::at_work();
    let story = ".ai-sdlc/stories/S-0034/story.md";
    desk.sandbox.write(story, crate::desk::STORY);
    desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
    desk.expect(0, &["set", "S-0034", "status=done", "--no-touch"]);
    let theirs = desk.text();
    desk.sandbox.write("a.txt", "damaged\n");
    let left = desk.json(0, &["snapshot", "restore", "T-1"]);
    assert_eq!(desk.text(), theirs, "the work of others: {left}");
    assert_eq!(left["left"][0]["path"], story, "it is named: {left}");
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "changed since\n",
        "the rest is brought back"
    );
    let forced = desk.json(0, &["snapshot", "restore", "T-1", "--shared"]);
    assert_eq!(desk.text(), crate::desk::STORY, "it was said: {forced}");
    assert_eq!(forced["left"], serde_json::json!([]), "nothing: {forced}");
}
