//! Random cases, each to its end: recorded, damaged, brought back, and the damage brought back as well.

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use task_runner::{Dropped, Restored, Snapshot};

use crate::ours;
use crate::plan::{HeadTo, Plan, plans};
use crate::promise::{
    Safe, WayBack, has_obstacle, is_nowhere_lost, is_tidy, is_whole, recorded_by_rescue,
};
use crate::world::World;
use testkit::git_tree::Picture;

/// How often something came up, so that one sees what was tried.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counted {
    restored: u32,
    refused: u32,
    differing: u32,
    staged: u32,
    ignored: u32,
    moved: u32,
    gone: u32,
}

#[test]
fn random_trees_come_back_exactly_whatever_a_task_did() {
    let cases = size("STORY_TREE_ROUNDS", 24);
    let counted = std::cell::Cell::new(Counted::default());
    run(cases, |plan| {
        let mut so_far = counted.get();
        let outcome = case(plan, &mut so_far);
        counted.set(so_far);
        outcome
    });
    let counted = counted.into_inner();
    println!("{cases} cases: {counted:?}");
    assert!(
        counted.restored > cases / 2 && counted.differing > cases / 3,
        "most cases have something to bring back: {counted:?}"
    );
}

fn run(cases: u32, case: impl Fn(&Plan) -> Result<(), String>) {
    // Each is a repository of its own: so many tries say what matters.
    let outcome = runner(cases, 150).run(&plans(), |plan| case(&plan).map_err(TestCaseError::fail));
    if let Err(err) = outcome {
        panic!("{err}");
    }
}

/// Of so many random cases; the first that is wrong is made smaller in so many tries.
pub fn runner(cases: u32, tries: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: tries,
        ..Config::default()
    })
}

/// How much a test does: from the environment, else what is enough for each change.
pub fn size(variable: &str, default: u32) -> u32 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("the size of a test is a number"),
        Err(_) => default,
    }
}

fn case(plan: &Plan, counted: &mut Counted) -> Result<(), String> {
    let world = World::new(plan);
    world.steps(&plan.owner);
    let (then, snapshot) = recorded(&world)?;
    counted.staged += u32::from(is_staged(&then));
    counted.ignored += u32::from(!then.ignored.is_empty());
    world.steps(&plan.task);
    let damaged = Picture::of(&world.top);
    let Some(restored) = brought_back(&world, &snapshot, plan, &then, &damaged)? else {
        counted.refused += 1;
        return Ok(());
    };
    counted.restored += 1;
    let now = Picture::of(&world.top);
    WayBack {
        then: &then,
        recorded: &then.known,
        damaged: &damaged,
        now: &now,
        head: plan.head,
    }
    .is_exact(&world)
    .map_err(|wrong| format!("restored: {wrong}"))?;
    counted.moved += u32::from(then.commit != damaged.commit);
    counted.differing += u32::from(restored.rescue.is_some());
    forth_again(&world, plan, &restored, [&then, &damaged, &now])?;
    counted.gone += u32::from(dropped(&world, &snapshot, &then)?);
    is_tidy(&world)?;
    is_whole(&world)
}

/// Whether git says that something is staged: of each line the third byte is what differs from HEAD.
fn is_staged(picture: &Picture) -> bool {
    let mut lines = picture.status.split(|byte| *byte == b'\n');
    lines.any(|line| line.get(2).is_some_and(|mark| *mark != b'.'))
}

/// Records the tree, which is touched in no way.
fn recorded(world: &World) -> Result<(Picture, Snapshot), String> {
    let mut then = Picture::of(&world.top);
    if world.is_unmerged() {
        let taken = ours::take(&world.top, "T-1");
        then.untouched(&Picture::of(&world.top))
            .map_err(|wrong| format!("refused to record: {wrong}"))?;
        if taken.is_ok() {
            return Err("a tree in the middle of a merge was recorded".to_owned());
        }
        world.must(&["reset", "--quiet"]);
        then = Picture::of(&world.top);
    }
    let taken = ours::take(&world.top, "T-1").map_err(|err| format!("cannot record: {err:?}"))?;
    then.untouched(&Picture::of(&world.top))
        .map_err(|wrong| format!("recorded: {wrong}"))?;
    is_tidy(world)?;
    Ok((then, taken.snapshot))
}

/// Restores; `None` where that was rightly refused, and nothing was touched.
fn brought_back(
    world: &World,
    snapshot: &Snapshot,
    plan: &Plan,
    then: &Picture,
    damaged: &Picture,
) -> Result<Option<Restored>, String> {
    match ours::restore(&world.top, snapshot, plan.head) {
        Ok(restored) => Ok(Some(restored)),
        Err(err) => {
            let is_right = world.is_unmerged() || has_obstacle(world, then, &then.known, damaged);
            if !is_right {
                return Err(format!("refused to restore: {err:?}"));
            }
            let now = Picture::of(&world.top);
            damaged
                .untouched(&now)
                .map_err(|wrong| format!("refused to restore ({err:?}): {wrong}"))?;
            Ok(None)
        }
    }
}

/// Brings the damage back from the rescue; without one there was none.
fn forth_again(
    world: &World,
    plan: &Plan,
    restored: &Restored,
    [then, damaged, now]: [&Picture; 3],
) -> Result<(), String> {
    let Some(rescue) = &restored.rescue else {
        let were_equal = damaged.same_index(now).is_ok() && damaged.things == now.things;
        return if were_equal {
            Ok(())
        } else {
            Err("something was overwritten without a rescue".to_owned())
        };
    };
    // Where HEAD did not move, it is to stay.
    let head = match plan.head {
        HeadTo::Back if !damaged.commit.is_empty() => HeadTo::Back,
        _ => HeadTo::Keep,
    };
    let recorded = recorded_by_rescue(world, then, damaged);
    if let Err(err) = ours::restore(&world.top, rescue, head) {
        return if has_obstacle(world, damaged, &recorded, now) {
            Ok(())
        } else {
            Err(format!("refused to bring the damage back: {err:?}"))
        };
    }
    WayBack {
        then: damaged,
        recorded: &recorded,
        damaged: now,
        now: &Picture::of(&world.top),
        head,
    }
    .is_exact(world)
    .map_err(|wrong| format!("the damage brought back: {wrong}"))
}

/// Lets go of the snapshot, unless it has the only copy of something; says whether it is gone.
fn dropped(world: &World, snapshot: &Snapshot, then: &Picture) -> Result<bool, String> {
    match ours::drop(&world.top, snapshot) {
        Ok(Dropped::Gone) => {
            is_nowhere_lost(world, then, &Picture::of(&world.top), Safe::WithoutUs)?;
            Ok(true)
        }
        Ok(Dropped::Kept { .. }) => Ok(false),
        Err(err) => Err(format!("cannot be dropped: {err:?}")),
    }
}
