//! People's editors take no lock: what they save between our read and our commit is never lost.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{LegacyWriter, wait_until};

use crate::support::{Content, PATIENCE, RaiseOnDrop, StoryBox, alone, stopped_inside};

/// How an editor puts its text into the file.
#[derive(Debug, Clone, Copy)]
enum Save {
    /// Truncate and write: the same inode.
    InPlace,
    /// A new file renamed over the old one.
    ByRename,
}

fn save(story: &StoryBox, how: Save, text: &str) {
    let editor = LegacyWriter::new(&story.path);
    match how {
        Save::InPlace => editor.overwrite(text),
        Save::ByRename => editor.save_by_rename(text),
    }
}

#[test]
fn save_between_our_read_and_our_commit_is_never_lost() {
    if !cfg!(target_os = "linux") {
        testkit::skip(
            "save_between_our_read_and_our_commit_is_never_lost",
            "needs /proc to stop an update inside",
        );
        return;
    }
    let _alone = alone();
    for how in [Save::InPlace, Save::ByRename] {
        let mut met_inside = 0;
        let mut both = 0;
        for round in 0..30 {
            let story = StoryBox::new(Content::Large);
            let Some(update) = stopped_inside(&story) else {
                continue;
            };
            let uncommitted = story.number("count") == 0 && story.lock_path().exists();
            met_inside += u32::from(uncommitted);
            // The editor had the story open: it saves what it sees plus one line.
            let text = story
                .text()
                .replace("priority: 10\n", "priority: 10\nedited_by_hand: true\n");
            save(&story, how, &text);
            update.resume();
            let finished = update.wait(PATIENCE);
            let text = story.text();
            assert!(
                text.contains("\nedited_by_hand: true\n"),
                "the person's save is never lost ({how:?}, round {round}): {finished:?}"
            );
            assert!(
                text.ends_with(StoryBox::LAST_LINE),
                "the story is whole ({how:?}, round {round})"
            );
            if uncommitted && finished.status.success() {
                assert_eq!(
                    story.number("count"),
                    1,
                    "both changes are there ({how:?}, round {round})"
                );
                both += 1;
            } else if !finished.status.success() {
                assert_eq!(
                    finished.status.code(),
                    Some(5),
                    "or it is a conflict: {finished:?}"
                );
                assert_eq!(
                    story.number("count"),
                    0,
                    "and then nothing of ours is: {finished:?}"
                );
            }
            let left = testkit::leftovers(story.folder());
            assert!(
                left.is_empty(),
                "nothing stays behind ({how:?}, round {round}): {left:?}"
            );
        }
        assert!(
            met_inside >= 10,
            "the save came between lock and commit {met_inside} times of 30 ({how:?})"
        );
        assert!(
            both > 0,
            "the edit is applied to the fresh text where that is possible ({how:?})"
        );
    }
}

#[test]
fn busy_editor_never_sees_its_own_save_vanish() {
    let _alone = alone();
    for how in [Save::InPlace, Save::ByRename] {
        let story = StoryBox::new(Content::Torn);
        let over = AtomicBool::new(false);
        let updates = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| keep_updating(&story, &over)))
                .collect();
            let editing = RaiseOnDrop(&over);
            keep_editing(&story, how);
            drop(editing);
            workers
                .into_iter()
                .map(|worker| worker.join().expect("a worker's asserts hold"))
                .sum::<u32>()
        });
        assert!(
            updates > 20,
            "updates and saves really met ({how:?}): {updates} updates"
        );
        story.must_set(&["--inc", "count"]);
        let left = testkit::leftovers(story.folder());
        assert!(left.is_empty(), "nothing stays behind ({how:?}): {left:?}");
    }
}

/// Only the editor changes `saves`: a number that went back is a save that one of ours overwrote.
///
/// Goes on until there were many saves, and many of them were followed by an update of ours.
fn keep_editing(story: &StoryBox, how: Save) {
    save(
        story,
        how,
        &story
            .text()
            .replace("priority: 10\n", "priority: 10\nsaves: 0\n"),
    );
    let inode = || fs::metadata(&story.path).expect("the story is there").ino();
    let deadline = Instant::now() + PATIENCE;
    let (mut number, mut met) = (0_u32, 0_u32);
    while number < 200 || met < 50 {
        assert!(
            Instant::now() < deadline,
            "updates come between the saves ({how:?}): {met} of {number}"
        );
        let wanted = format!("\nsaves: {number}\n");
        // Not at once: an update that met the save shows its own version until it has given the name back.
        wait_until(
            &format!("save {number} is still there ({how:?})"),
            PATIENCE,
            || story.text().contains(&wanted),
        );
        let text = story.text();
        number += 1;
        save(
            story,
            how,
            &text.replace(&wanted, &format!("\nsaves: {number}\n")),
        );
        let saved = inode();
        // Real time passes on purpose: a person's next save comes after some updates of ours.
        std::thread::sleep(Duration::from_millis(5));
        met += u32::from(inode() != saved);
    }
}

fn keep_updating(story: &StoryBox, over: &AtomicBool) -> u32 {
    let mut applied = 0;
    while !over.load(Ordering::Relaxed) {
        let finished = story.set(&["--inc", "count", "--timeout", "20s"]);
        let code = finished.status.code();
        assert!(
            // 6: the editor's file was read while it was cut off, and refused.
            matches!(code, Some(0 | 4 | 5 | 6)),
            "an update beside a busy editor is applied or refused: {finished:?}"
        );
        applied += u32::from(code == Some(0));
    }
    applied
}
