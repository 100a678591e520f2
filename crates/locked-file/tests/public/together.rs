//! Several plain files in one transaction, one of which is not there before: both change or neither, also when the one who
//! decided it dies in between.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use atomic_file::{Original, ReadError, Resolved};
use locked_file::together::{
    Changing, Edited, Meeting, Outcome, Place, Rules, TogetherError, decided, finish, finish_all,
    set_aside, unfinished, update_together, update_together_with,
};
use locked_file::{Session, SessionError, Terms, Told, Warning, locked_by};
use sidecar_lock::{LockOptions, SidecarLock};
use testkit::{LegacyWriter, Sandbox};

use crate::{PATIENCE, waiting};

const RULES: Rules = Rules {
    place_of: |path| Some(Place::new(path.parent()?, &PENDING)),
    meet: |_| Meeting::Conflict,
    max_bytes: 1000,
};
const PENDING: [&str; 1] = [".pending"];
const NAMES: [&str; 2] = ["tasks.json", "metrics.json"];
const AFTER: [&str; 2] = ["tasks after", "metrics after"];

/// The first file is there, the second is not.
struct Folder {
    sandbox: Sandbox,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write(NAMES[0], "tasks before");
        let path = sandbox.path().canonicalize().expect("it is there");
        Self { sandbox, path }
    }

    fn paths(&self) -> [PathBuf; 2] {
        NAMES.map(|name| self.path.join(name))
    }

    fn sessions<'a>(&self, options: &'a LockOptions) -> Vec<Session<'a>> {
        let session =
            |path: PathBuf| Session::new(&path, Terms::with(options)).expect("its folder is there");
        self.paths().map(session).into()
    }

    fn place(&self) -> Place {
        Place::new(&self.path, &PENDING)
    }

    fn texts(&self) -> [Option<String>; 2] {
        self.paths().map(|path| fs::read_to_string(path).ok())
    }

    /// What a reader of one file after the other is shown.
    fn shown(&self) -> [Option<String>; 2] {
        self.paths().map(|path| {
            let now = fs::read(&path).ok();
            let decided =
                decided(&path, now.as_deref(), &RULES).expect("records can be looked for");
            decided
                .or(now)
                .map(|bytes| String::from_utf8(bytes).expect("it is text"))
        })
    }

    /// A transaction over both whose process dies after the decision, when `after` of the two are in place.
    fn cut_off(&self, after: usize) {
        let options = waiting(PATIENCE);
        let sessions = self.sessions(&options);
        let mut dying = Dying { left: after };
        let died = catch_unwind(AssertUnwindSafe(|| {
            update_together_with(sessions, &RULES, &mut dying).map(drop)
        }));
        assert!(died.is_err(), "it dies in the middle: {died:?}");
        assert!(self.is_pending(), "and has decided before");
    }

    /// As if the process had died right after it had decided; the record is what programs write.
    fn decide(&self, parts: &[(&str, Option<&str>, &str)]) {
        let size = |text: &str| text.len().to_string();
        let heads: Vec<_> = parts
            .iter()
            .map(|(path, before, after)| {
                let before = before.map_or("null".to_owned(), size);
                let after = size(after);
                format!(r#"{{"path":"{path}","before":{before},"after":{after}}}"#)
            })
            .collect();
        let bytes: String = parts
            .iter()
            .flat_map(|(_, before, after)| [before.unwrap_or_default(), *after])
            .collect();
        let record = format!("{{\"v\":1,\"parts\":[{}]}}\n{bytes}", heads.join(","));
        self.sandbox
            .write(".pending/0123456789abcdef.transaction", record);
    }

    /// Decides what [`AFTER`] has for both.
    fn decide_both(&self) {
        self.decide(&[
            (NAMES[0], Some("tasks before"), AFTER[0]),
            (NAMES[1], None, AFTER[1]),
        ]);
    }

    fn finish_all(&self) -> Vec<Warning> {
        finish_all(&self.place(), &RULES, &waiting(PATIENCE)).expect("it can be finished")
    }

    fn is_pending(&self) -> bool {
        self.path.join(PENDING[0]).exists()
    }

    fn assert_tidy(&self) {
        let left = testkit::leftovers(&self.path);
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
        assert!(!self.is_pending(), "no transaction waits");
    }
}

fn both(texts: [&str; 2]) -> [Option<String>; 2] {
    texts.map(|text| Some(text.to_owned()))
}

fn neither() -> [Option<String>; 2] {
    [Some("tasks before".to_owned()), None]
}

fn read(file: Resolved<'_>) -> Option<(Original, Vec<u8>)> {
    match Original::read_resolved(file, RULES.max_bytes) {
        Ok(original) => {
            let bytes = original.bytes().to_vec();
            Some((original, bytes))
        }
        Err(ReadError::NotFound { .. }) => None,
        Err(err) => panic!("it can be read: {err}"),
    }
}

fn write(index: usize, file: Resolved<'_>) -> Edited {
    Edited::Written {
        read: read(file),
        after: AFTER[index].into(),
    }
}

/// Dies when this many files are in place.
struct Dying {
    left: usize,
}

impl Changing for Dying {
    type Error = Infallible;

    fn edit(&mut self, index: usize, file: Resolved<'_>) -> Result<Edited, Infallible> {
        Ok(write(index, file))
    }

    fn say(&mut self, _: usize, outcome: Outcome) {
        assert_eq!(outcome, Outcome::Done, "nothing goes wrong before");
        self.left -= 1;
        assert_ne!(self.left, 0, "the process dies here");
    }
}

/// Changes both, while others do something before the transaction is decided and after all is prepared.
struct Meanwhile<F> {
    others: F,
}

impl<F: FnMut()> Changing for Meanwhile<F> {
    type Error = Infallible;

    fn edit(&mut self, index: usize, file: Resolved<'_>) -> Result<Edited, Infallible> {
        Ok(write(index, file))
    }

    fn intend(&mut self, index: usize) -> Result<(), Infallible> {
        if index == 0 {
            (self.others)();
        }
        Ok(())
    }
}

fn change_both(folder: &Folder) -> Result<Vec<Told>, TogetherError<Infallible>> {
    let options = waiting(PATIENCE);
    update_together(folder.sessions(&options), &RULES, |index, file| {
        Ok(write(index, file))
    })
}

#[test]
fn update_together_changes_one_file_and_creates_the_other() {
    let folder = Folder::new();
    let told = change_both(&folder).expect("nobody stands in the way");
    assert_eq!(folder.texts(), both(AFTER), "both are there");
    let paths = told.iter().map(|told| told.path.clone());
    assert_eq!(
        paths.collect::<Vec<_>>(),
        folder.paths(),
        "in the same order"
    );
    let warnings: Vec<_> = told.iter().flat_map(|told| &told.warnings).collect();
    assert!(warnings.is_empty(), "nothing to tell: {warnings:?}");
    folder.assert_tidy();
}

#[test]
fn update_together_writes_nothing_when_one_edit_refuses() {
    let folder = Folder::new();
    for refusing in [0, 1] {
        let options = waiting(PATIENCE);
        let refused = update_together(folder.sessions(&options), &RULES, |index, file| {
            if index == refusing {
                return Err(io::Error::other("no"));
            }
            Ok(write(index, file))
        })
        .expect_err("one of them refuses");
        assert!(
            matches!(refused, TogetherError::Edit { index, .. } if index == refusing),
            "it is told which: {refused:?}"
        );
        assert_eq!(folder.texts(), neither(), "nothing is changed or created");
        folder.assert_tidy();
    }
}

#[test]
fn update_together_that_keeps_all_files_decides_nothing() {
    let folder = Folder::new();
    let options = waiting(PATIENCE);
    update_together(folder.sessions(&options), &RULES, |_, _| {
        Ok::<_, Infallible>(Edited::Kept)
    })
    .expect("nobody stands in the way");
    assert_eq!(folder.texts(), neither(), "nothing is changed or created");
    folder.assert_tidy();
}

#[test]
fn transaction_cut_off_between_the_files_is_shown_whole_and_finished_by_the_next_one() {
    let folder = Folder::new();
    folder.cut_off(1);
    assert_eq!(
        folder.texts(),
        [Some(AFTER[0].to_owned()), None],
        "the first is in place, the second is not yet there"
    );
    assert_eq!(folder.shown(), both(AFTER), "readers see both");
    let told = update_together(
        folder.sessions(&waiting(PATIENCE)),
        &RULES,
        |index, file| {
            let (_, bytes) = read(file).expect("both are there by now");
            assert_eq!(
                bytes,
                AFTER[index].as_bytes(),
                "the edit sees what was decided"
            );
            Ok::<_, Infallible>(Edited::Kept)
        },
    )
    .expect("it is finished first");
    assert!(
        matches!(told[1].warnings[..], [Warning::Finished { .. }]),
        "it is told: {told:?}"
    );
    assert_eq!(folder.texts(), both(AFTER), "both are in place");
    folder.assert_tidy();
}

#[test]
fn transaction_cut_off_before_its_record_is_removed_is_done_already() {
    let folder = Folder::new();
    folder.cut_off(2);
    assert_eq!(folder.texts(), both(AFTER), "both are in place");
    let warnings = folder.finish_all();
    assert!(warnings.is_empty(), "nothing is done twice: {warnings:?}");
    assert_eq!(folder.texts(), both(AFTER), "both are in place");
    folder.assert_tidy();
}

#[test]
fn transaction_cut_off_right_after_the_decision_is_finished_file_by_file() {
    let folder = Folder::new();
    folder.decide_both();
    assert_eq!(folder.shown(), both(AFTER), "readers see both");
    assert_eq!(folder.texts(), neither(), "and write none");
    let waiting_for = unfinished(&folder.place(), &RULES).expect("it can be looked for");
    assert_eq!(
        waiting_for.len(),
        1,
        "one transaction waits: {waiting_for:?}"
    );
    assert_eq!(waiting_for[0].files, folder.paths(), "for both files");
    for path in folder.paths().iter().rev() {
        assert!(folder.is_pending(), "the transaction waits");
        let options = waiting(PATIENCE);
        let lock = SidecarLock::new(path).expect("its folder is there");
        let guard = lock.acquire(&options).expect("it is free");
        let warnings = finish(locked_by(&guard), &RULES, &options).expect("it can be finished");
        assert!(
            matches!(&warnings[..], [Warning::Finished { path: done }] if done == path),
            "only this one: {warnings:?}"
        );
    }
    assert_eq!(folder.texts(), both(AFTER), "both are in place");
    folder.assert_tidy();
}

#[test]
fn file_that_somebody_made_meanwhile_stays_and_ours_is_kept_under_its_own_ending() {
    let folder = Folder::new();
    folder.decide_both();
    folder.sandbox.write(NAMES[1], "theirs");
    let warnings = folder.finish_all();
    let kept = warnings.iter().find_map(|warning| match warning {
        Warning::SetAside { kept, .. } => Some(kept),
        _ => None,
    });
    let kept = kept.expect("it is told where ours is");
    assert_eq!(folder.texts(), both([AFTER[0], "theirs"]), "theirs stays");
    assert_eq!(
        kept.extension().and_then(|end| end.to_str()),
        Some("json"),
        "a program can open it: {}",
        kept.display()
    );
    assert_eq!(
        fs::read_to_string(kept).ok().as_deref(),
        Some(AFTER[1]),
        "ours is kept"
    );
    let found = set_aside(&folder.place(), &RULES).expect("it can be looked for");
    assert_eq!(found, std::slice::from_ref(kept), "and found again");
    let waiting = unfinished(&folder.place(), &RULES).expect("it can be looked for");
    assert!(waiting.is_empty(), "nobody tries it again: {waiting:?}");
}

#[test]
fn file_that_somebody_changed_between_preparation_and_decision_stays_and_ours_is_kept() {
    for at in [0, 1] {
        let folder = Folder::new();
        let mut meanwhile = Meanwhile {
            others: || {
                folder.sandbox.write(NAMES[at], "theirs");
            },
        };
        let options = waiting(PATIENCE);
        let told = update_together_with(folder.sessions(&options), &RULES, &mut meanwhile)
            .expect("it is decided");
        assert!(
            matches!(told[at].warnings[..], [Warning::SetAside { .. }]),
            "it is told of the one that is meant: {told:?}"
        );
        let mut expected = AFTER;
        expected[at] = "theirs";
        assert_eq!(folder.texts(), both(expected), "theirs stays");
    }
}

#[test]
fn file_that_was_removed_stays_removed() {
    let folder = Folder::new();
    folder.decide_both();
    fs::remove_file(&folder.paths()[0]).expect("it is there");
    folder.finish_all();
    let expected = [None, Some(AFTER[1].to_owned())];
    assert_eq!(folder.texts(), expected, "it does not come back");
    folder.assert_tidy();
}

#[test]
fn file_whose_folder_was_removed_keeps_nobody_from_finishing_the_others() {
    let folder = Folder::new();
    folder.decide(&[
        ("gone/a.json", Some("before"), "after"),
        (NAMES[0], Some("tasks before"), AFTER[0]),
    ]);
    folder.finish_all();
    let expected = [Some(AFTER[0].to_owned()), None];
    assert_eq!(folder.texts(), expected, "the other is finished");
    assert!(!folder.path.join("gone").exists(), "it does not come back");
    folder.assert_tidy();
}

#[test]
fn edits_run_again_on_what_somebody_saved_or_created_meanwhile() {
    for at in [0, 1] {
        let folder = Folder::new();
        let mut runs = 0;
        let options = waiting(PATIENCE);
        let told = update_together(folder.sessions(&options), &RULES, |index, file| {
            let read = read(file);
            let mut after = read.as_ref().map_or(Vec::new(), |(_, bytes)| bytes.clone());
            after.extend_from_slice(b" + ours");
            if index == at {
                runs += 1;
                if runs == 1 {
                    LegacyWriter::new(file.path).save_by_rename("theirs");
                }
            }
            Ok::<_, Infallible>(Edited::Written { read, after })
        })
        .expect("the second run succeeds");
        assert_eq!(runs, 2, "once more, and no more");
        assert_eq!(told[at].reruns, 1, "it is told of the file: {told:?}");
        let mut expected = ["tasks before + ours", " + ours"];
        expected[at] = "theirs + ours";
        assert_eq!(
            folder.texts(),
            both(expected),
            "both changes are there, ours once"
        );
        folder.assert_tidy();
    }
}

#[test]
fn edits_that_somebody_overtakes_each_time_are_given_up_as_a_conflict() {
    let folder = Folder::new();
    let editor = LegacyWriter::new(&folder.paths()[0]);
    let mut runs = 0;
    let options = waiting(Duration::ZERO);
    let refused = update_together(folder.sessions(&options), &RULES, |index, file| {
        let edited = write(index, file);
        if index == 0 {
            runs += 1;
            editor.save_by_rename(&format!("theirs {runs}"));
        }
        Ok::<_, Infallible>(edited)
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(
            refused,
            TogetherError::Session {
                index: 0,
                source: SessionError::Conflict { reruns: 3, .. }
            }
        ),
        "{refused:?}"
    );
    assert!(refused.is_retryable(), "later it may succeed");
    let expected = [Some("theirs 4".to_owned()), None];
    assert_eq!(folder.texts(), expected, "nothing of ours is anywhere");
    folder.assert_tidy();
}

#[test]
fn lock_that_was_removed_meanwhile_is_told_and_nothing_is_written() {
    let folder = Folder::new();
    let options = waiting(PATIENCE);
    let refused = update_together(folder.sessions(&options), &RULES, |index, file| {
        fs::remove_file(folder.path.join(format!("{}.lock", NAMES[index]))).ok();
        Ok::<_, Infallible>(write(index, file))
    })
    .expect_err("nobody writes without a lock");
    assert!(
        matches!(
            refused,
            TogetherError::Session {
                source: SessionError::LockLost { .. },
                ..
            }
        ),
        "{refused:?}"
    );
    assert!(refused.is_retryable(), "later it may succeed");
    assert_eq!(folder.texts(), neither(), "nothing is changed or created");
    folder.assert_tidy();
}

#[test]
fn lock_that_somebody_holds_is_told_and_nothing_is_written() {
    let folder = Folder::new();
    let path = &folder.paths()[1];
    let foreign = testkit::ForeignLock::file(&folder.path.join(format!("{}.lock", NAMES[1])))
        .expect("the name is free");
    let options = LockOptions {
        stale_after: Some(PATIENCE),
        ..waiting(Duration::ZERO)
    };
    let sessions = folder.sessions(&options);
    let refused = update_together(sessions, &RULES, |index, file| {
        Ok::<_, Infallible>(write(index, file))
    })
    .expect_err("another tool holds the second");
    assert!(
        matches!(
            refused,
            TogetherError::Session {
                index: 1,
                source: SessionError::Lock(_)
            }
        ),
        "it is told of {}: {refused:?}",
        path.display()
    );
    assert_eq!(folder.texts(), neither(), "nothing is changed or created");
    drop(foreign);
    folder.assert_tidy();
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = Folder::new();
    let options = waiting(PATIENCE);
    let elsewhere = folder.sandbox.write("elsewhere/c.json", "");
    let cases = [
        (folder.paths()[0].clone(), "twice"),
        (elsewhere, "elsewhere"),
    ];
    for (path, case) in cases {
        let mut sessions = folder.sessions(&options);
        sessions.push(Session::new(&path, Terms::with(&options)).expect("its folder is there"));
        let refused = update_together(sessions, &RULES, |_, _| Ok::<_, Infallible>(Edited::Kept))
            .expect_err("there is no transaction over these");
        let is_right = match refused {
            TogetherError::Twice { index: 2, .. } => case == "twice",
            TogetherError::OtherPlace { index: 2, .. } => case == "elsewhere",
            _ => false,
        };
        assert!(is_right, "{case}: {refused:?}");
    }
    folder.assert_tidy();
}

#[test]
fn contents_that_nobody_could_read_again_are_refused() {
    let folder = Folder::new();
    let options = waiting(PATIENCE);
    let refused = update_together(folder.sessions(&options), &RULES, |index, file| {
        let size = if index == 1 { 1001 } else { 1000 };
        Ok::<_, Infallible>(Edited::Written {
            read: read(file),
            after: vec![b'x'; size],
        })
    })
    .expect_err("the second is too large");
    assert!(
        matches!(
            refused,
            TogetherError::TooLarge {
                index: 1,
                size: 1001,
                limit: 1000,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(folder.texts(), neither(), "nothing is changed or created");
    folder.assert_tidy();
}
