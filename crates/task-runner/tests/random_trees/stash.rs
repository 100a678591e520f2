//! The control: the recipe that everybody knows, `git stash push` before and `git stash pop` after. It keeps no promise, and
//! the checks must see that.

use crate::plan::{HeadTo, Plan, Step};
use crate::promise::WayBack;
use crate::world::World;
use testkit::git_tree::Picture;

use crate::plan::{Born, Filters, Tree};

const PUSH: [&str; 6] = [
    "stash",
    "push",
    "--quiet",
    "--include-untracked",
    "-m",
    "devs-snapshot-T",
];

fn plan(owner: Vec<Step>, task: Vec<Step>) -> Plan {
    Plan {
        object_format: "sha1",
        born: Born::OnBranch,
        tree: Tree::Main,
        filters: Filters::None,
        stashes: 1,
        rules: Vec::new(),
        committed: vec![(6, 0), (7, 1)],
        owner,
        task,
        head: HeadTo::Keep,
    }
}

/// What is wrong after the tree was recorded and after it was brought back.
fn wrong_of(plan: &Plan) -> [Result<(), String>; 2] {
    let world = World::new(plan);
    world.steps(&plan.owner);
    let then = Picture::of(&world.top);
    world.git(&PUSH);
    let touched = then.untouched(&Picture::of(&world.top));
    world.steps(&plan.task);
    let damaged = Picture::of(&world.top);
    world.git(&["stash", "pop", "--quiet"]);
    let way_back = WayBack {
        then: &then,
        recorded: &then.known,
        damaged: &damaged,
        now: &Picture::of(&world.top),
        head: plan.head,
    };
    [touched, way_back.is_exact(&world)]
}

#[test]
fn stash_push_and_pop_empty_the_tree_and_the_judge_sees_it() {
    let changed = plan(
        vec![Step::Write(6, 8), Step::Add(6), Step::Write(9, 1)],
        vec![],
    );
    let [touched, back] = wrong_of(&changed);
    let touched = touched.expect_err("a push takes the changes away from the task");
    assert!(
        touched.contains("the stashes were"),
        "the first thing that differs is told: {touched}"
    );
    let back = back.expect_err("a pop does not stage what was staged");
    assert!(back.contains("the index was"), "the index differs: {back}");
}

#[test]
fn stash_pop_over_a_clean_tree_takes_an_older_stash_and_the_judge_sees_it() {
    let [touched, back] = wrong_of(&plan(vec![], vec![]));
    assert_eq!(touched, Ok(()), "of a clean tree no stash is made");
    let back = back.expect_err("so the pop takes the one that was there");
    assert!(
        back.contains("`stashed`"),
        "its file is in the tree: {back}"
    );
}

#[test]
fn stash_pop_over_damage_brings_nothing_back_and_the_judge_sees_it() {
    let changed = plan(vec![Step::Write(6, 8)], vec![Step::Write(6, 16)]);
    let [_, back] = wrong_of(&changed);
    let back = back.expect_err("a pop refuses to overwrite");
    assert!(back.contains("`-dash`"), "the file is the task's: {back}");
}
