//! Updates that are killed, at moments all over their length.

use std::time::{Duration, Instant};

use testkit::SecondProcess;

use crate::support::{Content, StoryBox, alone};

#[test]
fn updates_killed_at_any_moment_leave_the_old_or_the_new_story_and_no_litter() {
    let _alone = alone();
    let story = StoryBox::new(Content::Torn);
    let whole = whole_update(&story);
    let before = story.number("count");
    let rounds = 160_u32;
    let mut killed_in_time = 0;
    let mut left_a_lock = 0;
    let mut last = before;
    for round in 0..rounds {
        let process = SecondProcess::spawn(story.command(&["set"]).args(["--inc", "count"]));
        // Real time passes here on purpose: the kills sweep over the whole length of an update.
        std::thread::sleep((whole * round / rounds).min(Duration::from_millis(49)));
        let finished = process.kill_9();
        killed_in_time += u32::from(!finished.status.success());
        left_a_lock += u32::from(story.lock_path().exists());
        let text = story.text();
        assert!(
            text.starts_with("---\nid: S-0034\n") && text.ends_with(StoryBox::LAST_LINE),
            "the story is whole after kill {round}"
        );
        let now = story.number("count");
        assert!(
            now == last + 1 || (now == last && !finished.status.success()),
            "the old story or the new one, and an acknowledged update is there: {last} -> {now}, {finished:?}"
        );
        last = now;
    }
    assert!(
        killed_in_time > rounds / 4,
        "the kills come in time: {killed_in_time} of {rounds}"
    );
    assert!(
        left_a_lock > 0,
        "some kills hit a holder, else this proves nothing"
    );
    let began_at = Instant::now();
    story.must_set(&["--inc", "count"]);
    assert!(
        began_at.elapsed() < Duration::from_secs(2),
        "the next access proceeds without a human"
    );
    assert_eq!(story.number("count"), last + 1, "the next update counts on");
    let left = testkit::leftovers(story.folder());
    assert!(left.is_empty(), "no litter after the next update: {left:?}");
}

/// How long one whole update takes here, as a process.
fn whole_update(story: &StoryBox) -> Duration {
    let laps = (0..5).map(|_| {
        let began_at = Instant::now();
        story.must_set(&["--inc", "count"]);
        began_at.elapsed()
    });
    laps.max().expect("five laps were measured")
}

#[test]
fn sixty_updates_killed_at_random_moments_leave_nothing_broken_stuck_or_lying_about() {
    let _alone = alone();
    let story = StoryBox::new(Content::Large);
    let whole = whole_update(&story);
    let mut counted = story.number("count");
    let (mut left_a_lock, mut left_another_file) = (0, 0);
    for (round, moment) in moments(60).enumerate() {
        let process = SecondProcess::spawn(story.command(&["set"]).args(["--inc", "count"]));
        // Real time passes here on purpose, as above.
        std::thread::sleep(whole.mul_f64(moment));
        let killed = process.kill_9();
        let left = testkit::leftovers(story.folder());
        let lock = story.lock_path();
        left_a_lock += u32::from(left.contains(&lock));
        left_another_file += u32::from(left.iter().any(|path| *path != lock));
        assert_whole(&story, round);
        let now = story.number("count");
        assert!(
            now == counted + 1 || (now == counted && !killed.status.success()),
            "the old story or the new one after kill {round}: {counted} -> {now}, {killed:?}"
        );
        // One attempt: what a kill left stands in nobody's way.
        story.must_set(&["--inc", "count", "--timeout", "0"]);
        assert_whole(&story, round);
        counted = now + 1;
        assert_eq!(
            story.number("count"),
            counted,
            "the next update counts on after kill {round}"
        );
        story.assert_alone();
    }
    assert!(
        left_a_lock > 0,
        "some kills hit a holder, else this proves nothing ({left_another_file} left another file)"
    );
}

fn assert_whole(story: &StoryBox, round: usize) {
    let mut text = story.text();
    text = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("count: "))
        .collect();
    assert!(
        text == StoryBox::text_of(Content::Large),
        "the story is whole after kill {round}"
    );
}

/// So many shares of a whole, spread as if at random and the same each time (splitmix64).
fn moments(count: u64) -> impl Iterator<Item = f64> {
    (1..=count).map(|number| {
        let mut bits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let top = u32::try_from((bits ^ (bits >> 31)) >> 32).expect("32 bits");
        f64::from(top) / f64::from(u32::MAX)
    })
}
