//! A sandbox with one story, and the ways to run the binary on it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lease::store::folder::FolderStore;
use lease::store::{LeaseStore, transact};
use lease::{Agent, Mode, Pattern, Project, Request, Rules, Scope};
use serde_json::Value;
use testkit::{Finished, Sandbox, SecondProcess};

/// Far above every limit that is tested.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The day that `--now` gives in these tests.
pub const TODAY: &str = "2026-03-04";

/// The story of these tests.
pub const STORY: &str = "---
id: S-0034
title: 'Atomic story updates' # the whole point
status: ready
updated: '2026-01-15'
priority: 10
labels:
  - backend
history: []
assignee:
---

# Atomic story updates
";

/// A sandbox with the story `S-0034` at its place.
pub struct Desk {
    pub sandbox: Sandbox,
    pub path: PathBuf,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(STORY)
    }

    pub fn with(text: impl AsRef<[u8]>) -> Self {
        let desk = Self::empty();
        desk.sandbox.write(".ai-sdlc/stories/S-0034/story.md", text);
        desk
    }

    /// Without the story; the folder for stories is there.
    pub fn empty() -> Self {
        // Outside of the workspace: that is a repository, and its ignore rules are not these tests'
        // to mend.
        let sandbox =
            Sandbox::inside(&std::env::temp_dir()).expect("the temporary folder can be used");
        let path = sandbox.join(".ai-sdlc/stories/S-0034/story.md");
        let folder = sandbox.join(".ai-sdlc/stories");
        std::fs::create_dir_all(folder).expect("a folder can be made");
        Self { sandbox, path }
    }

    /// The binary in the sandbox, with nothing of the caller's environment that steers it.
    pub fn story(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_story"));
        testkit::without_settings(&mut command);
        command.env_remove("NO_COLOR");
        command.current_dir(self.sandbox.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(&mut self.story(arguments))
    }

    /// Runs it and demands the exit code.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> Finished {
        let finished = self.run(arguments);
        assert_eq!(
            finished.status.code(),
            Some(code),
            "the exit code of {arguments:?}: {finished:?}"
        );
        finished
    }

    /// Runs it with `--json` and returns the one line of JSON.
    pub fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let finished = self.expect(code, &[arguments, &["--json"]].concat());
        one_json(&finished.stdout)
    }

    /// Runs it with text on stdin.
    pub fn feed(&self, input: &str, arguments: &[&str]) -> Finished {
        let mut process = SecondProcess::spawn(&mut self.story(arguments));
        for line in input.lines() {
            process.send_line(line);
        }
        process.wait(PATIENCE)
    }

    pub fn text(&self) -> String {
        self.sandbox.read(".ai-sdlc/stories/S-0034/story.md")
    }

    /// Demands that nothing but the story lies in its folder.
    pub fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
    }

    /// Where leases are kept unless somebody says otherwise.
    pub fn lease_folder(&self) -> PathBuf {
        self.sandbox.join(".ai-sdlc/locks")
    }

    /// Leases a path of the project to an agent, by the library, and returns the token.
    pub fn lease(&self, agent: &str, path: &str, ttl: Duration) -> u64 {
        let project = Project::new(self.sandbox.path()).expect("the project is there");
        self.lease_in(
            &FolderStore::new(self.lease_folder(), project),
            agent,
            path,
            ttl,
        )
    }

    /// The same in another store.
    pub fn lease_in(&self, store: &dyn LeaseStore, agent: &str, path: &str, ttl: Duration) -> u64 {
        let project = Project::new(self.sandbox.path()).expect("the project is there");
        let path = project
            .path(Path::new(path))
            .expect("a path of the project");
        let request = Request {
            agent: Agent::new(agent).expect("a name"),
            scope: Scope::from_iter([Pattern::File(path)]),
            mode: Mode::Exclusive,
            ttl,
            task: Some("the parser".to_owned()),
            bind_to: None,
        };
        let acquired = transact(store, PATIENCE, |leases| {
            leases.acquire(&request, &Rules::default().present())
        });
        let token = acquired.expect("nobody else holds it").lease.token;
        token.expect("a lease of ours has a number").0
    }

    /// Starts `story lock hold` on the story and returns once it holds.
    pub fn hold(&self, arguments: &[&str]) -> SecondProcess {
        let mut command = self.story(&["lock", "hold", "S-0034"]);
        SecondProcess::spawn_ready(command.args(arguments), PATIENCE)
    }
}

pub fn finish(command: &mut Command) -> Finished {
    SecondProcess::spawn(command).wait(PATIENCE)
}

/// As [`Desk::json`], for a command with an environment of its own.
pub fn json_of(code: i32, command: &mut Command) -> Value {
    let finished = finish(command.arg("--json"));
    assert_eq!(
        finished.status.code(),
        Some(code),
        "the exit code of {command:?}: {finished:?}"
    );
    one_json(&finished.stdout)
}

/// The JSON of output that is exactly one line.
pub fn one_json(stdout: &str) -> Value {
    assert_eq!(
        stdout.lines().count(),
        1,
        "exactly one line a result: {stdout:?}"
    );
    serde_json::from_str(stdout).unwrap_or_else(|err| panic!("it is JSON ({err}): {stdout:?}"))
}

/// The JSON of each line.
pub fn json_lines(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|err| panic!("JSON ({err}): {line:?}"))
        })
        .collect()
}
