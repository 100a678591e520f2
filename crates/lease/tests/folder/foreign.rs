//! Files that other tools write.

use std::time::Duration;

use lease::store::{LeaseStore as _, transact};
use lease::{LeaseError, Mode, Standing, StoreError, Which};

use crate::desk::{Desk, PATIENCE, time};

/// What a shell script writes in one line.
const BY_HAND: &str = r#"mkdir -p locks; printf '{"agent":"script","locked_at":"2026-01-02T03:00:00Z","files":["src/a.rs","ui/*.ts","src/[id].ts"],"directories":["backend/x","docs/"],"task_description":"by hand","expires_at":"2026-01-02T04:00:00Z"}' > locks/script.lock"#;

fn holders(error: LeaseError) -> Vec<String> {
    match error {
        LeaseError::Taken(obstructed) => obstructed
            .obstacles
            .iter()
            .map(|obstacle| obstacle.agent.to_string())
            .collect(),
        other => panic!("it is taken, not {other:?}"),
    }
}

#[test]
fn acquire_honours_the_file_of_a_script() {
    let mut desk = Desk::new();
    desk.script(BY_HAND);
    for path in [
        "src/a.rs",
        "ui/main.ts",
        "src/[id].ts",
        "backend/x/y.go",
        "docs/a/b.md",
    ] {
        let refused = desk.acquire("agent-1", &[path]).expect_err("it is held");
        assert_eq!(holders(refused), ["script"], "{path} is the script's");
    }
    desk.must_acquire("agent-1", &["src/i.ts"]);
    let lease = &desk.leases().held[0];
    assert_eq!(lease.token, None, "nobody gave it a number");
    assert_eq!(lease.mode, Mode::Exclusive, "the schema knows no other");
    assert_eq!(lease.task.as_deref(), Some("by hand"), "its task");
    assert_eq!(lease.renewed_at, time("2026-01-02T03:00:00Z"), "its time");
    desk.now = time("2026-01-02T04:00:00Z");
    let acquired = desk.must_acquire("agent-1", &["src/a.rs"]);
    let overwritten: Vec<_> = acquired
        .overwritten
        .iter()
        .map(|(lease, standing)| (lease.agent.as_str(), *standing))
        .collect();
    assert_eq!(
        overwritten,
        [("script", Standing::Expired)],
        "its end was honoured, too, and told"
    );
    assert!(
        !desk.sandbox.join("locks/script.lock").exists(),
        "its file went with it"
    );
}

#[test]
fn release_of_a_part_gives_the_rest_a_number() {
    let desk = Desk::new();
    desk.script(BY_HAND);
    let part = Which::Patterns(desk.scope(&["src/a.rs"]));
    desk.release("script", &part);
    let leases = desk.leases();
    let token = leases.held[0].token.expect("ours has one");
    assert_eq!(leases.held.len(), 1, "one lease, as before");
    assert!(leases.last_token >= token, "and it is remembered");
    assert!(!desk.is_held("src/a.rs"), "the part was given back");
    assert!(desk.is_held("docs/a"), "the rest was not");
}

#[test]
fn read_counts_what_another_tool_has_added_to_a_file_of_ours() {
    let add = |files: &str| {
        format!(
            r#"sed 's|"files": \[|"files": [ {files},|; t; ' locks/agent-1.lock > new; cat new > locks/agent-1.lock"#
        )
    };
    let desk = Desk::new();
    let own = desk.must_acquire("agent-1", &["src/a.rs"]).lease;
    // Only the list at the top: it comes first.
    desk.script(&add("\"lib/*.c\"").replace("s|", "0,/files/s|"));
    let leases = desk.leases();
    assert_eq!(leases.unreadable, [], "it is a list of leases still");
    assert!(desk.is_held("lib/x.c"), "what was added counts");
    assert_eq!(leases.held.len(), 2, "as a lease of its own");
    assert_eq!(leases.held[1], own, "beside ours, which is what it was");
}

#[test]
fn read_counts_the_later_end_that_another_tool_has_set() {
    let mut desk = Desk::new();
    desk.must_acquire("agent-1", &["src/a.rs", "src/*.c"]);
    desk.script(
        r#"sed 's|^  "expires_at": "2026-01-02T04|  "expires_at": "2026-01-02T05|' locks/agent-1.lock > new; cat new > locks/agent-1.lock"#,
    );
    desk.later(Duration::from_mins(90));
    assert!(desk.is_held("src/a.rs"), "until the later end");
    assert!(desk.is_held("src/x.c"), "the glob is a glob there");
    desk.later(Duration::from_hours(1));
    assert!(!desk.is_held("src/a.rs"), "and no longer");
}

#[test]
fn read_counts_our_own_leases_whatever_another_tool_takes_from_the_top() {
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["src/a.rs"]);
    desk.script(
        r#"sed 's|^  "expires_at": .*|  "expires_at": "2026-01-01T00:00:00Z",|; 0,/"src.a.rs"/s|"src/a.rs"||' locks/agent-1.lock > new; cat new > locks/agent-1.lock"#,
    );
    assert!(
        desk.sandbox
            .read("locks/agent-1.lock")
            .contains("2026-01-01"),
        "the script has changed it"
    );
    assert!(desk.is_held("src/a.rs"), "never less than either view says");
}

#[test]
fn commit_is_refused_when_another_tool_wrote_meanwhile() {
    let foreign = |name: &str| {
        format!(
            r#"printf '{{"agent":"{name}","locked_at":"2026-01-02T03:00:00Z","files":["their.rs"],"expires_at":"2026-01-02T04:00:00Z"}}' > locks/{name}.lock"#
        )
    };
    for (case, prepare, script) in [
        ("changed", "agent-1", foreign("agent-1")),
        ("made", "agent-2", foreign("agent-1")),
        ("removed", "agent-1", "rm locks/agent-1.lock".to_owned()),
        ("all gone", "agent-1", "rm -r locks".to_owned()),
        ("lock gone", "agent-1", "rm locks.lock".to_owned()),
    ] {
        let desk = Desk::new();
        desk.must_acquire(prepare, &["own.rs"]);
        let mut after = desk.leases();
        let transaction = desk.store.begin(PATIENCE).expect("nobody has it");
        after
            .acquire(&desk.wants("agent-1", &["more.rs"]), &desk.present())
            .expect("nobody holds it");
        desk.script(&script);
        let refused = transaction.commit(&after);
        assert!(
            matches!(refused, Err(StoreError::Interfered { .. })),
            "{case}: {refused:?}"
        );
        assert!(!desk.is_held("more.rs"), "{case}: nothing was written");
    }
}

#[test]
fn transact_takes_in_what_another_tool_wrote_meanwhile() {
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["own.rs"]);
    let mut runs = 0;
    transact(&desk.store, PATIENCE, |leases| {
        runs += 1;
        if runs == 1 {
            desk.script(&BY_HAND.replace("script", "agent-1"));
        }
        leases.acquire(&desk.wants("agent-1", &["more.rs"]), &desk.present())
    })
    .expect("the second run works");
    assert_eq!(runs, 2, "the change was run again");
    for path in ["more.rs", "src/a.rs", "docs/x"] {
        assert!(desk.is_held(path), "{path} is held");
    }
}

#[test]
fn acquire_keeps_foreign_paths_outside_the_project_and_heeds_the_rest() {
    let desk = Desk::new();
    desk.script(
        r#"mkdir locks; printf '{"agent":"agent-1","locked_at":"2026-01-02T03:00:00Z","files":["../else/a.rs","b.rs"],"directories":["/etc/"],"expires_at":"2026-01-02T04:00:00Z"}' > locks/agent-1.lock"#,
    );
    assert!(desk.is_held("b.rs"), "what lies inside counts");
    assert_eq!(desk.leases().unreadable, [], "the rest is no fault");
    desk.must_acquire("agent-1", &["c.rs"]);
    let text = desk.sandbox.read("locks/agent-1.lock");
    for path in ["../else/a.rs", "/etc/"] {
        assert!(text.contains(path), "{path} is kept in {text}");
    }
    let held = desk.leases().held.len();
    assert_eq!(held, 2, "and stands for nothing when it is read again");
}

#[test]
fn store_leaves_other_names_alone() {
    let desk = Desk::new();
    for name in [".hidden.lock", "README.md", "agent-1.lock.bak", "lock"] {
        desk.sandbox.write(format!("locks/{name}"), "no leases");
    }
    assert_eq!(desk.leases().unreadable, [], "none of them is an agent's");
    desk.must_acquire("agent-1", &["a"]);
    desk.release("agent-1", &Which::All);
    let removal = desk.store.remove_if_empty(PATIENCE).expect("it can look");
    assert!(!removal.removed, "there are files of others in it");
    let names: Vec<_> = removal
        .foreign
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(
        names,
        [".hidden.lock", "README.md", "agent-1.lock.bak", "lock"],
        "and they are named"
    );
    assert_eq!(desk.sandbox.read("locks/lock"), "no leases", "untouched");
}
