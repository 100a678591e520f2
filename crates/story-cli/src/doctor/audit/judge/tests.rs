//! Scripts of events and what they must come to.

use globset::GlobSet;

use super::*;

const TEMPORARY: &str = ".a.json.0.x.0123456789abcdef.atomic-tmp";

/// A judge of `/p` that was settled with these sidecars.
fn judge(sidecars: &[(&str, Lock)]) -> Judge {
    let mut judge = Judge::new(Shared::new("/p".into(), GlobSet::empty()));
    judge.begin("/p".into());
    let sidecars = sidecars.iter().cloned();
    let sidecars = sidecars.map(|(name, lock)| (Path::new("/p").join(name), lock));
    judge.settle(Path::new("/p"), sidecars.collect());
    judge
}

fn ours() -> Keeper {
    Keeper::Replaces("pid 1, story state set".to_owned())
}

/// Runs a script: a word and a name each. What was found, as `how name`.
fn run(judge: &mut Judge, script: &[(&str, &str)], keeper: &Keeper) -> Vec<String> {
    let mut found = Vec::new();
    let mut number = 0;
    for (word, name) in script {
        let path = Path::new("/p").join(name);
        let mut look = |_: &Path| keeper.clone();
        let mut take = |path, what| judge.take(path, what, &mut look);
        found.extend(match *word {
            "create" => take(path, What::Created),
            "write" => take(path, What::Written),
            "close" => take(path, What::Closed),
            "remove" => take(path, What::Removed),
            "from" => {
                number += 1;
                take(path, What::MovedAway(number))
            }
            "to" => take(path, What::MovedHere(number)),
            "from-elsewhere" => take(path, What::MovedHere(u32::MAX)),
            "drained" => judge.drained(&mut look),
            other => panic!("{other} is no word of these scripts"),
        });
    }
    let word = |how| match how {
        How::Created => "created",
        How::InPlace => "in-place",
        How::Replaced => "replaced",
        How::Removed => "removed",
        How::Late => "late",
    };
    let name = |past: &Past| {
        past.path
            .strip_prefix("/p")
            .expect("below it")
            .display()
            .to_string()
    };
    found
        .iter()
        .map(|past| format!("{} {}", word(past.how), name(past)))
        .collect()
}

/// The events of a commit of ours: both names are swapped, and the old version goes.
const COMMIT: [(&str, &str); 7] = [
    ("create", TEMPORARY),
    ("from", TEMPORARY),
    ("to", "a.json"),
    ("from", "a.json"),
    ("to", TEMPORARY),
    ("remove", TEMPORARY),
    ("close", "#123"),
];

fn under_lock<'a>(events: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let lock = [("create", "a.json.lock")];
    let unlock = [("remove", "a.json.lock")];
    [&lock[..], events, &unlock].concat()
}

/// What it is, the script, what must be found.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn changes_without_a_lock_are_told_once_each() {
    let table: [Case<'_>; 8] = [
        (
            "shell >",
            &[
                ("write", "a.json"),
                ("write", "a.json"),
                ("close", "a.json"),
            ],
            &["in-place a.json"],
        ),
        (
            "two writes, one after the other",
            &[
                ("write", "a.json"),
                ("close", "a.json"),
                ("write", "a.json"),
                ("close", "a.json"),
            ],
            &["in-place a.json", "in-place a.json"],
        ),
        (
            "a new file",
            &[
                ("create", "a.json"),
                ("write", "a.json"),
                ("close", "a.json"),
            ],
            &["created a.json"],
        ),
        (
            "sed -i",
            &[
                ("create", "sedX"),
                ("write", "sedX"),
                ("from", "sedX"),
                ("to", "a.json"),
            ],
            &["replaced a.json"],
        ),
        (
            "from another folder",
            &[("from-elsewhere", "a.json")],
            &["replaced a.json"],
        ),
        ("rm", &[("remove", "a.json")], &["removed a.json"]),
        (
            "moved out of all that is watched",
            &[("from", "a.json"), ("drained", ""), ("drained", "")],
            &["removed a.json"],
        ),
        (
            "renamed to another shared name",
            &[("from", "a.json"), ("to", "b.json")],
            &["removed a.json", "replaced b.json"],
        ),
    ];
    for (what, script, expected) in table {
        let found = run(&mut judge(&[]), script, &Keeper::Unseen);
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn what_is_not_shared_or_not_a_change_is_not_told() {
    let script = [
        ("write", "notes.txt"),
        ("create", TEMPORARY),
        ("write", TEMPORARY),
        ("remove", TEMPORARY),
        ("create", "a.json.lock"),
        ("write", "a.json.lock"),
        ("remove", "a.json.lock"),
        ("close", "a.json"),
    ];
    let found = run(&mut judge(&[]), &script, &ours());
    assert_eq!(found, [""; 0], "nobody wrote a shared file");
}

#[test]
fn commit_under_the_lock_is_clean_and_without_it_is_told() {
    let found = run(&mut judge(&[]), &under_lock(&COMMIT), &ours());
    assert_eq!(found, [""; 0], "that is how it is done");
    let found = run(&mut judge(&[]), &COMMIT, &ours());
    assert_eq!(found, ["replaced a.json"], "whole, but without a lock");
    let late: Vec<_> = [("create", "a.json.lock"), ("remove", "a.json.lock")]
        .into_iter()
        .chain(COMMIT)
        .collect();
    let found = run(&mut judge(&[]), &late, &ours());
    assert_eq!(found, ["replaced a.json"], "the lock was given back before");
}

#[test]
fn commit_whose_events_come_one_by_one_is_clean() {
    let script: Vec<_> = COMMIT
        .iter()
        .flat_map(|event| [*event, ("drained", "")])
        .collect();
    let found = run(&mut judge(&[]), &under_lock(&script), &ours());
    assert_eq!(found, [""; 0], "a rename has two halves");
}

#[test]
fn file_that_its_owner_moves_out_of_all_that_is_watched_is_not_told() {
    let moved = [("from", "a.json")];
    let script = [&under_lock(&moved)[..], &[("drained", ""); 2]].concat();
    let found = run(&mut judge(&[]), &script, &ours());
    assert_eq!(found, [""; 0], "it was moved under the lock");
}

#[test]
fn lock_of_another_file_guards_nothing() {
    let mut script = vec![("create", "b.json.lock")];
    script.push(("write", "a.json"));
    let found = run(&mut judge(&[]), &script, &Keeper::Anybody);
    assert_eq!(found, ["in-place a.json"], "b.json.lock is not its lock");
}

#[test]
fn owner_that_may_write_in_place_is_left_in_peace() {
    let all = [
        ("write", "a.json"),
        ("close", "a.json"),
        ("remove", "a.json"),
        ("create", "a.json"),
        ("write", "a.json"),
        ("from", "sedX"),
        ("to", "a.json"),
    ];
    let found = run(&mut judge(&[]), &under_lock(&all), &Keeper::Anybody);
    assert_eq!(found, [""; 0], "it holds the lock");
    let mixed: Vec<_> = all.into_iter().chain(COMMIT).chain(all).collect();
    let found = run(&mut judge(&[]), &under_lock(&mixed), &Keeper::Anybody);
    assert_eq!(
        found, [""; 0],
        "`story with` whose command calls `story state set`"
    );
}

#[test]
fn write_in_place_in_the_tenure_of_one_who_replaces_is_told() {
    for keeper in [ours(), Keeper::Unseen] {
        let before: Vec<_> = [("write", "a.json"), ("close", "a.json")]
            .into_iter()
            .chain(COMMIT)
            .collect();
        let found = run(&mut judge(&[]), &under_lock(&before), &keeper);
        assert_eq!(found, ["in-place a.json"], "before its commit, {keeper:?}");
        let after: Vec<_> = COMMIT.into_iter().chain([("write", "a.json")]).collect();
        let found = run(&mut judge(&[]), &under_lock(&after), &keeper);
        assert_eq!(found, ["in-place a.json"], "after its commit, {keeper:?}");
        let renamed: Vec<_> = [("from", "sedX"), ("to", "a.json")]
            .into_iter()
            .chain(COMMIT)
            .collect();
        let found = run(&mut judge(&[]), &under_lock(&renamed), &keeper);
        assert_eq!(found, ["replaced a.json"], "by a rename, {keeper:?}");
    }
}

#[test]
fn write_in_place_in_a_tenure_without_a_commit_is_not_told_in_the_next_one() {
    // It may have been the owner: a tool with the lock, gone before anybody could look.
    let first = under_lock(&[("write", "a.json"), ("close", "a.json")]);
    let script = [first.clone(), under_lock(&COMMIT)].concat();
    let found = run(&mut judge(&[]), &script, &Keeper::Unseen);
    assert_eq!(found, [""; 0], "each tenure is judged by itself");
    // Handed over: the sidecar stays, and gets another record.
    let mut script = vec![("create", "a.json.lock"), ("write", "a.json")];
    script.push(("write", "a.json.lock"));
    script.extend(COMMIT);
    let found = run(&mut judge(&[]), &script, &Keeper::Unseen);
    assert_eq!(found, [""; 0], "a hand-over ends a tenure");
}

#[test]
fn write_into_a_version_that_was_just_replaced_is_told() {
    let mut script = under_lock(&COMMIT);
    script.push(("write", TEMPORARY));
    script.push(("write", TEMPORARY));
    let found = run(&mut judge(&[]), &script, &ours());
    assert_eq!(found, ["late a.json"], "its bytes may be lost");
}

#[test]
fn file_moved_away_and_back_is_told_each_time() {
    let away = [("from", "a.json"), ("to", "b.json")];
    let back = [("from", "b.json"), ("to", "a.json")];
    let script = [away, back, away].concat();
    let found = run(&mut judge(&[]), &script, &Keeper::Anybody);
    let moved = |from, to| [format!("removed {from}"), format!("replaced {to}")];
    let wanted = [
        moved("a.json", "b.json"),
        moved("b.json", "a.json"),
        moved("a.json", "b.json"),
    ];
    assert_eq!(found, wanted.concat(), "only our commits swap names");
    let script = [
        ("from", "a.json"),
        ("to", "x"),
        ("from", "x"),
        ("to", "a.json"),
    ];
    let found = run(&mut judge(&[]), &script, &Keeper::Anybody);
    assert_eq!(
        found,
        ["removed a.json", "replaced a.json"],
        "what comes back may be another one"
    );
}

#[test]
fn swap_of_a_stale_sidecar_leaves_it_held() {
    let lock_temporary = ".a.json.0.lock-tmp";
    let mut script = vec![
        ("from", lock_temporary),
        ("to", "a.json.lock"),
        ("from", "a.json.lock"),
        ("to", lock_temporary),
        ("remove", lock_temporary),
    ];
    script.extend(COMMIT);
    let dead = Lock::Dead("another tool".to_owned());
    let mut judge = judge(&[("a.json.lock", dead)]);
    let found = run(&mut judge, &script, &ours());
    assert_eq!(found, [""; 0], "it was taken over, not given back");
}

#[test]
fn lock_of_a_dead_owner_guards_nothing_until_it_is_adopted() {
    let dead = Lock::Dead("pid 1".to_owned());
    let written = [("write", "a.json"), ("close", "a.json")];
    let found = run(
        &mut judge(&[("a.json.lock", dead.clone())]),
        &written,
        &Keeper::Anybody,
    );
    assert_eq!(found, ["in-place a.json"], "nobody holds it");
    let mut adopted = vec![("write", "a.json.lock")];
    adopted.extend(COMMIT);
    let mut judge = judge(&[("a.json.lock", dead)]);
    assert_eq!(
        run(&mut judge, &adopted, &ours()),
        [""; 0],
        "a new record is a new owner"
    );
    judge.dies("/p/a.json.lock".into(), "pid 2".to_owned());
    let found = run(&mut judge, &written, &Keeper::Anybody);
    assert_eq!(found, ["in-place a.json"], "and that one died, too");
}

#[test]
fn nothing_is_judged_before_the_folder_was_listed() {
    let mut judge = Judge::new(Shared::new("/p".into(), GlobSet::empty()));
    judge.begin("/p".into());
    let found = run(
        &mut judge,
        &[("write", "a.json"), ("close", "a.json")],
        &ours(),
    );
    assert_eq!(found, [""; 0], "its lock may be there");
    // What events told counts more than a list that was made before them.
    run(
        &mut judge,
        &[("create", "a.json.lock"), ("remove", "a.json.lock")],
        &ours(),
    );
    let held = Lock::Held(Tenure::of(Keeper::Anybody));
    judge.settle(Path::new("/p"), vec![("/p/a.json.lock".into(), held)]);
    let found = run(&mut judge, &[("write", "a.json")], &ours());
    assert_eq!(found, ["in-place a.json"], "the lock was given back since");
    judge.forget();
    judge.begin("/p".into());
    let found = run(&mut judge, &[("remove", "a.json")], &ours());
    assert_eq!(found, [""; 0], "after lost events nothing is known");
}

#[test]
fn lock_of_the_story_guards_what_lies_beside_it() {
    let mut judge = judge(&[]);
    for folder in ["/p/stories", "/p/stories/S-1"] {
        judge.begin(folder.into());
        judge.settle(Path::new(folder), Vec::new());
    }
    let beside = [
        ("create", "stories/S-1/story.md.lock"),
        ("write", "stories/S-1/research.md"),
        ("create", "stories/S-1/.workflow-state.json"),
        ("remove", "stories/S-1/story.md.lock"),
    ];
    let found = run(&mut judge, &beside, &Keeper::Anybody);
    assert_eq!(found, [""; 0], "one lock for all of a story");
    let found = run(&mut judge, &beside[1..3], &Keeper::Anybody);
    assert_eq!(
        found,
        [
            "in-place stories/S-1/research.md",
            "created stories/S-1/.workflow-state.json"
        ],
        "without it both are told"
    );
}
