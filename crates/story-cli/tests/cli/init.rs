//! `story init`: folders and ignore rules.

use std::process::Command;

use testkit::Sandbox;

use crate::desk::{Desk, finish};

const RULES: &str = "# Locks and temporary files of `story`\n*.md.lock\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n.workflow-state.json.lock\n.devs.db*\n*.json.lock\n*.log.lock\n.state-pending/\n**/.ai-sdlc/journal/\n**/.ai-sdlc/locks/\n**/.ai-sdlc/locks.lock\n**/.ai-sdlc/leases.db*\n";

fn init(sandbox: &Sandbox, folder: &str, arguments: &[&str]) -> testkit::Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_story"));
    command
        .env_remove("AI_SDLC_ROOT")
        .arg("init")
        .args(arguments);
    let finished = finish(command.current_dir(sandbox.join(folder)));
    assert!(finished.status.success(), "init works: {finished:?}");
    finished
}

#[test]
fn init_makes_folders_and_rules_once() {
    let sandbox = Sandbox::new();
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    sandbox.write("deep/er/x", "");
    init(&sandbox, "deep/er", &[]);
    assert!(
        sandbox.join(".ai-sdlc/stories").is_dir(),
        "at git's top level"
    );
    assert_eq!(sandbox.read(".gitignore"), RULES, "with the rules");
    let again = init(&sandbox, ".", &[]);
    assert!(
        again.stderr.contains("nothing to change"),
        "a second time: {again:?}"
    );
    assert_eq!(sandbox.read(".gitignore"), RULES, "changes nothing");
    let left = testkit::leftovers(sandbox.path());
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}

#[test]
fn init_keeps_rules_of_others_and_never_hides_other_locks() {
    let sandbox = Sandbox::new();
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    sandbox.write(".gitignore", "/build/\r\n*.md.lock");
    init(&sandbox, ".", &[]);
    let expected = RULES.replace("*.md.lock\n", "").replace('\n', "\r\n");
    assert_eq!(
        sandbox.read(".gitignore"),
        format!("/build/\r\n*.md.lock\r\n{expected}"),
        "only what is missing is added, with the file's own line ends"
    );
    assert!(
        !sandbox
            .read(".gitignore")
            .lines()
            .any(|line| line == "*.lock"),
        "Cargo.lock stays visible"
    );
}

#[test]
fn init_without_git_works_in_the_folder_itself_or_where_root_says() {
    // Outside of the workspace, which is a repository.
    let sandbox = Sandbox::inside(&std::env::temp_dir()).expect("the temporary folder can be used");
    sandbox.write("project/x", "");
    init(&sandbox, "project", &[]);
    assert!(
        sandbox.join("project/.ai-sdlc/stories").is_dir(),
        "the folders are here"
    );
    assert_eq!(
        sandbox.read("project/.gitignore"),
        RULES,
        "and the rules beside them"
    );
    init(&sandbox, "project", &["--root", "../other/plans"]);
    assert!(
        sandbox.join("other/plans/stories").is_dir(),
        "--root is obeyed"
    );
    assert_eq!(
        sandbox.read("other/.gitignore"),
        RULES.replace(".ai-sdlc", "plans"),
        "the project is the root's parent"
    );
}

#[test]
fn init_waits_for_whoever_holds_the_rules() {
    let desk = Desk::new();
    let mut command = desk.story(&["lock", "hold", "./.gitignore"]);
    let holder = testkit::SecondProcess::spawn_ready(&mut command, crate::desk::PATIENCE);
    desk.sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    let refused = desk.expect(4, &["init", "--timeout", "50ms"]);
    assert!(
        refused.stderr.contains(".gitignore"),
        "it names the file: {refused:?}"
    );
    holder.wait(crate::desk::PATIENCE);
    desk.expect(0, &["init"]);
}
