//! Many workers of one board.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use state_file::board::{Action, NewTask, Status};
use testkit::SecondProcess;

use crate::support::{Place, TASKS, actor, options};

/// How long a test waits for something that must come; far above what it takes.
pub const PATIENCE: Duration = Duration::from_mins(5);

const WORKERS: usize = 16;
const COUNT: usize = 500;

/// The example program. `cargo test` builds examples beside the tests; when only one test binary was asked for, it is built
/// here.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let test = std::env::current_exe().expect("a test has a program");
        let profile = test
            .ancestors()
            .nth(2)
            .expect("tests are in target/<profile>/deps");
        let program = profile.join("examples/board_worker");
        if !program.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--example", "board_worker"]);
            cargo.args([
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ]);
            let target = profile.parent().expect("a profile is in target");
            let built = cargo.arg("--target-dir").arg(target).status();
            assert!(built.expect("cargo runs").success(), "the example is built");
        }
        program
    };
    BUILT.get_or_init(build).clone()
}

/// A worker that waits for a line.
pub fn worker(place: &Place, agent: &str) -> SecondProcess {
    let mut command = Command::new(program());
    command.arg(place.sandbox.path()).arg(agent);
    SecondProcess::spawn_ready(&mut command, PATIENCE)
}

/// A board of so many tasks; each tenth waits for the one before.
pub fn fill(place: &Place, count: usize) {
    let task = |number: usize| {
        let waits_for = (number % 10 == 9).then(|| format!("\"t{:03}\"", number - 1));
        format!(
            "{{\"id\": \"t{number:03}\", \"title\": \"Do it\", \"priority\": {}, \"dependencies\": [{}], \"tags\": [\"x\"]}}",
            number % 5,
            waits_for.unwrap_or_default()
        )
    };
    let tasks: Vec<_> = (0..count).map(task).collect();
    let text = format!("{{\"tasks\": [\n  {}\n]}}\n", tasks.join(",\n  "));
    place.sandbox.write(TASKS, text);
}

/// That each task was done, once, by one.
pub fn assert_done_once(place: &Place, count: usize) {
    let found = place.board.read().expect("the board is clear");
    assert_eq!(found.seen.tasks.all().len(), count, "all tasks are there");
    for task in found.seen.tasks.all() {
        let times = |action: Action| task.history.iter().filter(|it| it.action == action).count();
        assert_eq!(task.status, Status::Completed, "{} is done", task.id);
        assert_eq!(
            [times(Action::Claimed), times(Action::Completed)],
            [1, 1],
            "{} was done once",
            task.id
        );
        let by: Vec<_> = task
            .history
            .iter()
            .map(|it| Some(it.agent.as_str()))
            .collect();
        assert_eq!(
            by,
            [task.assignee.as_deref(); 2],
            "{} was one agent's",
            task.id
        );
    }
    assert_eq!(
        found.metrics.claims.len(),
        count,
        "each claim is recorded once"
    );
}

#[test]
fn workers_claim_each_task_once_and_the_metrics_agree() {
    let place = Place::in_memory();
    fill(&place, COUNT);
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|number| worker(&place, &format!("agent-{number:02}")))
        .collect();
    for worker in &mut workers {
        worker.send_line("go");
    }
    let mut claimed = HashMap::new();
    let mut busy = 0;
    for (number, worker) in workers.into_iter().enumerate() {
        let finished = worker.wait(PATIENCE);
        assert!(finished.status.success(), "it found work: {finished:?}");
        let ids: Vec<_> = finished
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("claimed "))
            .map(str::to_owned)
            .collect();
        busy += usize::from(!ids.is_empty());
        for id in ids {
            let other = claimed.insert(id.clone(), number);
            assert_eq!(other, None, "{id} was claimed by {number} alone");
        }
    }
    assert_eq!(claimed.len(), COUNT, "each was claimed");
    assert!(busy > 1, "several had work: {busy}");
    assert_done_once(&place, COUNT);
    place.assert_agreement();
    place.assert_tidy();
}

#[test]
fn first_tasks_of_a_board_made_at_once_are_all_there() {
    let place = Place::new();
    let agents: Vec<_> = (0..8).map(|number| format!("agent-{number}")).collect();
    std::thread::scope(|scope| {
        for agent in &agents {
            scope.spawn(|| {
                let made = place
                    .board
                    .create(&NewTask::new("Mine"), &actor(agent, 0), &options());
                made.expect("the task is sound");
            });
        }
    });
    let found = place.board.read().expect("the board is clear");
    assert_eq!(found.seen.tasks.all().len(), 8, "none is lost");
    assert_eq!(found.metrics.agents.len(), 8, "nor is its maker");
    place.assert_agreement();
    place.assert_tidy();
}
