//! A project in a sandbox, and the store in which the leases of its agents are kept.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testkit::{Finished, Sandbox, SecondProcess, wait_until};

use super::process::{PATIENCE, json, run, story};

/// How a store keeps its leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A folder of JSON files.
    Folder,
    /// A database.
    Database,
}

impl Store {
    /// Every kind: what holds for leases holds in each.
    pub const ALL: [Self; 2] = [Self::Folder, Self::Database];
}

/// An empty project with a store of its own.
pub struct LeaseBox {
    pub sandbox: Sandbox,
    pub store: PathBuf,
}

impl LeaseBox {
    pub fn new(kind: Store) -> Self {
        Self::in_sandbox(Sandbox::new(), kind)
    }

    /// In memory where there is a tmpfs: for tests of many agents, which should not wait for the disk.
    pub fn in_memory(kind: Store) -> Self {
        Self::in_sandbox(Sandbox::on_tmpfs().unwrap_or_default(), kind)
    }

    fn in_sandbox(sandbox: Sandbox, kind: Store) -> Self {
        sandbox.write(".ai-sdlc/stories/.keep", "");
        let store = match kind {
            Store::Folder => sandbox.join(".ai-sdlc/locks"),
            Store::Database => sandbox.join(".ai-sdlc/leases.db"),
        };
        Self { sandbox, store }
    }

    /// `story <verb…> --store …`, in the project; arguments can be added.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path()).args(verb);
        command.env("STORY_LEASES", &self.store);
        command
    }

    /// Runs `story lease <arguments…>`.
    pub fn lease(&self, arguments: &[&str]) -> Finished {
        run(self.command(&["lease"]).args(arguments))
    }

    /// Runs `story lease <arguments…> --json` and demands success; returns the answer.
    pub fn must(&self, arguments: &[&str]) -> Value {
        let finished = run(self.command(&["lease"]).args(arguments).arg("--json"));
        assert!(
            finished.status.success(),
            "story lease {arguments:?} succeeds: {finished:?}"
        );
        json(&finished)
    }

    /// Runs `story lease <arguments…> --json` and demands that it fails with an exit code; returns the error.
    pub fn must_fail(&self, arguments: &[&str], exit: i32) -> Value {
        let finished = run(self.command(&["lease"]).args(arguments).arg("--json"));
        assert_eq!(
            finished.status.code(),
            Some(exit),
            "story lease {arguments:?} ends with {exit}: {finished:?}"
        );
        json(&finished)["error"].clone()
    }

    /// Starts `story lease acquire <path> --as <agent> --wait 120s --json` and returns when it stands in the queue.
    pub fn queue_up(&self, path: &str, agent: &str) -> SecondProcess {
        self.queue_up_for(path, agent, "120s")
    }

    /// As [`LeaseBox::queue_up`], with a limit of its own.
    pub fn queue_up_for(&self, path: &str, agent: &str, limit: &str) -> SecondProcess {
        let mut command = self.command(&["lease", "acquire", path, "--as", agent]);
        command.args(["--wait", limit, "--json"]);
        let waiter = SecondProcess::spawn(&mut command);
        self.wait_until_queued(agent);
        waiter
    }

    /// Waits until an agent stands in the queue.
    pub fn wait_until_queued(&self, agent: &str) {
        wait_until("the waiter stands in the queue", PATIENCE, || {
            self.queue().iter().any(|waiting| waiting == agent)
        });
    }

    /// Who waits, in order.
    pub fn queue(&self) -> Vec<String> {
        agents(&self.must(&["queue"])["waiting"])
    }

    /// Who has live leases.
    pub fn holders(&self) -> Vec<String> {
        let all = self.must(&["list"])["leases"].clone();
        let live = all.as_array().expect("a list").iter();
        let live = live.filter(|lease| lease["state"] == "live").cloned();
        agents(&live.collect())
    }
}

fn agents(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    list.iter()
        .map(|one| one["agent"].as_str().expect("an agent").to_owned())
        .collect()
}

/// The token that an acquisition answered.
pub fn token_of(answer: &Value) -> u64 {
    let token = &answer["lease"]["token"];
    token
        .as_u64()
        .unwrap_or_else(|| panic!("an acquisition answers a token: {answer}"))
}

/// The answer of a waiter that got its lease.
pub fn won(waiter: SecondProcess) -> Value {
    let finished = waiter.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "the waiter gets its lease: {finished:?}"
    );
    json(&finished)
}
