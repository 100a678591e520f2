//! A process that records, restores or lets go is killed at any moment: one more call brings it to its end, and nothing is lost.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use rustix::process::Signal;
use task_runner::{Dropped, Snapshot};
use testkit::git_tree::Picture;
use testkit::{SecondProcess, wait_until};

use crate::cases::{runner, size};
use crate::ours;
use crate::plan::{HeadTo, Plan, plans};
use crate::promise::{Safe, WayBack, is_nowhere_lost, is_tidy, is_whole, recorded_by_rescue};
use crate::world::World;

const ROLE: &str = "TREE_TEST_ROLE";
const TOP: &str = "TREE_TEST_TOP";
const SNAPSHOT: &str = "TREE_TEST_SNAPSHOT";
const PATIENCE: Duration = Duration::from_mins(1);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Take,
    Restore,
    Drop,
}

/// Who dies: the process alone, and git ends what it was asked to do; or both, as when a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    Alone,
    WithGit,
}

#[derive(Debug, Clone)]
struct Kill {
    plan: Plan,
    victim: Victim,
    death: Death,
    /// The part of an undisturbed call's time that goes by before it, in thousandths.
    moment: u32,
}

fn kills() -> impl Strategy<Value = Kill> {
    let victims = vec![Victim::Take, Victim::Restore, Victim::Restore, Victim::Drop];
    let deaths = vec![Death::Alone, Death::WithGit];
    (plans(), select(victims), select(deaths), 0..1000_u32).prop_map(
        |(plan, victim, death, moment)| Kill {
            plan,
            victim,
            death,
            moment,
        },
    )
}

#[test]
fn process_killed_at_any_moment_loses_nothing_and_one_more_call_ends_its_work() {
    let cases = size("STORY_TREE_KILLS", 16);
    let in_time = Cell::new(0);
    // A kill does not come twice at the same moment: there is nothing to make smaller.
    let outcome = runner(cases, 0).run(&kills(), |kill| {
        let was_in_time = case(&kill).map_err(TestCaseError::fail)?;
        in_time.set(in_time.get() + u32::from(was_in_time));
        Ok(())
    });
    if let Err(err) = outcome {
        panic!("{err}");
    }
    let in_time = in_time.into_inner();
    println!("{cases} kills, {in_time} of them before the end");
    assert!(
        in_time > cases / 3,
        "{in_time} of {cases} kills came in time"
    );
}

/// The process that is killed.
#[test]
fn victim() {
    let Some(role) = std::env::var_os(ROLE) else {
        return;
    };
    let top = PathBuf::from(std::env::var_os(TOP).expect("the test says where"));
    let snapshot = || {
        let id = std::env::var(SNAPSHOT).expect("the test says which");
        ours::found(&top, &id)
    };
    println!("\nREADY");
    match role.to_str() {
        Some("Take") => drop(ours::take(&top, "T-1").expect("nothing is in its way")),
        Some("Restore") => {
            drop(ours::restore(&top, &snapshot(), HeadTo::Keep).expect("nothing is in its way"));
        }
        _ => drop(ours::drop(&top, &snapshot()).expect("nothing is in its way")),
    }
    println!("\nDONE");
}

/// Runs the victim and kills it; says whether it was killed before its end.
fn killed(world: &World, kill: &Kill, snapshot: Option<&Snapshot>, usual: Duration) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
    command
        .args(["--exact", "kills::victim", "--nocapture"])
        .env(ROLE, format!("{:?}", kill.victim))
        .env(TOP, &world.top);
    if let Some(snapshot) = snapshot {
        command.env(SNAPSHOT, &snapshot.id);
    }
    let process = SecondProcess::spawn_ready(&mut command, PATIENCE);
    // Not to wait for it: to meet it anywhere on its way.
    std::thread::sleep(usual * kill.moment / 1000);
    let group = process.id();
    let finished = match kill.death {
        Death::WithGit => process.kill_9(),
        Death::Alone => {
            process.signal(Signal::KILL);
            process.wait(PATIENCE)
        }
    };
    wait_until("what it had started ends, too", PATIENCE, || {
        !is_anybody_of(group)
    });
    !finished.stdout.contains("DONE")
}

/// Whether a process of this group is at work. One that has ended stays in the list until somebody asks for its status.
fn is_anybody_of(group: u32) -> bool {
    let entries = Path::new("/proc").read_dir().expect("this is Linux");
    entries.flatten().any(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `4711 (git) S 1 4700 …`: its state, its parent, its group. The name may contain anything.
        let mut rest = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split(' ')
            .skip(1);
        let is_at_work = rest
            .next()
            .is_some_and(|state| state != "Z" && state != "X");
        is_at_work && rest.nth(1) == Some(&group.to_string())
    })
}

fn case(kill: &Kill) -> Result<bool, String> {
    let world = World::new(&kill.plan);
    world.steps(&kill.plan.owner);
    if world.is_unmerged() {
        world.must(&["reset", "--quiet"]);
    }
    let was_in_time = match kill.victim {
        Victim::Take => take_killed(&world, kill)?,
        Victim::Restore => restore_killed(&world, kill)?,
        Victim::Drop => drop_killed(&world, kill)?,
    };
    is_tidy(&world)?;
    is_whole(&world)?;
    Ok(was_in_time)
}

fn take_killed(world: &World, kill: &Kill) -> Result<bool, String> {
    let then = Picture::of(&world.top);
    let began_at = Instant::now();
    taken(world, "T-0")?;
    let was_in_time = killed(world, kill, None, began_at.elapsed());
    then.untouched(&Picture::of(&world.top))
        .map_err(|wrong| format!("after a kill: {wrong}"))?;
    let snapshot = taken(world, "T-1")?;
    is_tidy(world)?;
    world.steps(&kill.plan.task);
    let damaged = Picture::of(&world.top);
    if ours::restore(&world.top, &snapshot, HeadTo::Keep).is_ok() {
        is_back(world, &then, &damaged)?;
    }
    Ok(was_in_time)
}

fn restore_killed(world: &World, kill: &Kill) -> Result<bool, String> {
    let then = Picture::of(&world.top);
    let began_at = Instant::now();
    let snapshot = taken(world, "T-1")?;
    // Restoring takes a rescue first, and then about as long again.
    let usual = began_at.elapsed() * 3;
    world.steps(&kill.plan.task);
    let damaged = Picture::of(&world.top);
    let was_in_time = killed(world, kill, Some(&snapshot), usual);
    let halfway = Picture::of(&world.top);
    damaged
        .same_history(&halfway)
        .map_err(|wrong| format!("after a kill: {wrong}"))?;
    is_kept(world, &damaged, &halfway)?;
    // What was ignored is in no record: where the task itself wrote over it, it is gone.
    let mut recorded = then.clone();
    recorded.things.retain(|name, _| then.known.contains(name));
    is_kept(world, &recorded, &halfway)?;
    if ours::restore(&world.top, &snapshot, HeadTo::Keep).is_ok() {
        is_back(world, &then, &damaged)?;
        is_kept(world, &damaged, &Picture::of(&world.top))?;
    }
    Ok(was_in_time)
}

fn drop_killed(world: &World, kill: &Kill) -> Result<bool, String> {
    let then = Picture::of(&world.top);
    let began_at = Instant::now();
    let snapshot = taken(world, "T-1")?;
    let was_in_time = killed(world, kill, Some(&snapshot), began_at.elapsed() / 2);
    then.untouched(&Picture::of(&world.top))
        .map_err(|wrong| format!("after a kill: {wrong}"))?;
    is_kept(world, &then, &Picture::of(&world.top))?;
    if ours::is_there(&world.top, &snapshot) {
        let gone = ours::drop(&world.top, &snapshot).map_err(|err| format!("{err:?}"))?;
        if !matches!(gone, Dropped::Gone) {
            return Err("an unchanged tree's snapshot has the only copy of something".to_owned());
        }
    }
    Ok(was_in_time)
}

/// All bytes of a picture are in the tree or in a snapshot.
fn is_kept(world: &World, then: &Picture, now: &Picture) -> Result<(), String> {
    is_nowhere_lost(world, then, now, Safe::WithSnapshots)
        .map_err(|wrong| format!("after a kill: {wrong}"))
}

fn taken(world: &World, task: &str) -> Result<Snapshot, String> {
    let taken = ours::take(&world.top, task).map_err(|err| format!("cannot record: {err:?}"))?;
    Ok(taken.snapshot)
}

/// The state before is back. What only the task's rules ignored may be gone: where a restore that was killed had brought the
/// old rules back, the next one found it to be something that the task had made; then it is in that one's rescue.
fn is_back(world: &World, then: &Picture, damaged: &Picture) -> Result<(), String> {
    let now = Picture::of(&world.top);
    let mut damaged = damaged.clone();
    let revealed = recorded_by_rescue(world, then, &damaged);
    let gone = revealed.into_iter().filter(|name| !now.has(name));
    damaged.known.extend(gone);
    WayBack {
        then,
        recorded: &then.known,
        damaged: &damaged,
        now: &now,
        head: HeadTo::Keep,
    }
    .is_exact(world)
    .map_err(|wrong| format!("restored after a kill: {wrong}"))
}
