//! One file and several agents: who gets it at once, who waits, who is refused; and what becomes of a lease, or of a place in
//! the queue, whose owner was killed, stopped or interrupted. In both stores.

use std::process::Command;

use rustix::process::Signal;
use testkit::SecondProcess;

use crate::support::{LeaseBox, PATIENCE, Store, json, run, token_of, won};

const NOON: &str = "2026-03-04T12:00:00Z";
const AN_HOUR_LATER: &str = "2026-03-04T13:00:00Z";

#[test]
fn second_agent_is_refused_queued_or_told_the_holder_by_its_limit() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let task = ["--task", "the new endpoint"];
        let first = leases.lease(&[&["acquire", "src/a.rs", "--as", "ann"], &task[..]].concat());
        assert!(
            first.status.success() && first.stdout.trim_end().parse::<u64>().is_ok(),
            "a free file is leased at once, and stdout is the token, in {store:?}: {first:?}"
        );
        let refused = leases.lease(&["acquire", "src/a.rs", "--as", "bob"]);
        assert_eq!(refused.status.code(), Some(4), "refused: {refused:?}");
        for part in [
            "src/a.rs is held by ann until ",
            "the new endpoint",
            "hint:",
        ] {
            assert!(refused.stderr.contains(part), "says {part}: {refused:?}");
        }
        assert_eq!(refused.stdout, "", "no token without a lease: {refused:?}");
        let timed_out = leases.must_fail(
            &["acquire", "src/a.rs", "--as", "bob", "--wait", "300ms"],
            4,
        );
        assert_eq!(timed_out["code"], "ELOCKED", "told as that: {timed_out}");
        assert_eq!(
            timed_out["retryable"], true,
            "it may be tried again: {timed_out}"
        );
        let waited = timed_out["waited_ms"].as_u64();
        assert!(waited >= Some(300), "the limit was waited for: {timed_out}");
        assert_eq!(
            timed_out["conflicts"][0]["agent"], "ann",
            "and who holds it: {timed_out}"
        );
        assert_eq!(leases.queue(), [""; 0], "who gave up has no place any more");
        let again = leases.must(&["acquire", "src/a.rs", "--as", "ann"]);
        assert_eq!(
            again["lease"]["generation"], 2,
            "an agent is never in its own way: {again}"
        );
    }
}

#[test]
fn waiters_get_the_file_in_the_order_in_which_they_came() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let names = ["bob", "cid", "dan", "eve"];
        let mut last = token_of(&leases.must(&["acquire", "a", "--as", "ann"]));
        let waiters = names.map(|name| leases.queue_up("a", name));
        assert_eq!(leases.queue(), names, "the queue is the order of arrival");
        let mut holder = "ann";
        for (index, (name, waiter)) in names.into_iter().zip(waiters).enumerate() {
            leases.must(&["release", "a", "--as", holder]);
            let answer = won(waiter);
            let token = token_of(&answer);
            assert!(token > last, "tokens rise: {last}, then {answer}");
            assert_eq!(leases.holders(), [name], "one holder, the next in order");
            assert_eq!(leases.queue(), names[index + 1..], "the others wait on");
            (holder, last) = (name, token);
        }
    }
}

#[test]
fn who_comes_later_does_not_overtake_those_who_wait() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann"]);
        let waiter = leases.queue_up("a", "bob");
        stop_outside_the_stores_lock(&leases, &waiter);
        leases.must(&["release", "a", "--as", "ann"]);
        let refused = leases.must_fail(&["acquire", "a", "--as", "cid"], 4);
        assert_eq!(
            refused["conflicts"][0]["waiting"], true,
            "told that somebody waits for it: {refused}"
        );
        waiter.resume();
        won(waiter);
        assert_eq!(leases.holders(), ["bob"], "the one that came first");
    }
}

#[test]
fn lease_whose_time_is_over_is_taken_with_a_warning_and_cannot_be_renewed_then() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let before = leases.must(&["acquire", "a", "--as", "ann", "--now", NOON]);
        let early = leases.must_fail(
            &[
                "acquire",
                "a",
                "--as",
                "bob",
                "--now",
                "2026-03-04T12:59:59Z",
            ],
            4,
        );
        assert_eq!(
            early["conflicts"][0]["agent"], "ann",
            "it still runs: {early}"
        );
        let mut late = leases.command(&["lease", "acquire", "a", "--as", "bob"]);
        let late = run(late.args(["--now", AN_HOUR_LATER]));
        assert!(late.status.success(), "it has ended in {store:?}: {late:?}");
        assert!(
            late.stderr.contains("Overwriting expired lock for ann"),
            "the take-over is told: {late:?}"
        );
        let token: u64 = late.stdout.trim_end().parse().expect("a token");
        assert!(token > token_of(&before), "tokens rise: {late:?}");
        let lost = leases.must_fail(&["renew", "a", "--as", "ann", "--now", AN_HOUR_LATER], 5);
        assert_eq!(lost["code"], "ECONFLICT", "the lease is lost: {lost}");
        let foreign = leases.must_fail(&["release", "a", "--as", "ann", "--now", AN_HOUR_LATER], 4);
        assert_eq!(
            foreign["conflicts"][0]["agent"], "bob",
            "nobody gives back what another holds: {foreign}"
        );
    }
}

#[test]
fn waiter_takes_over_by_itself_when_the_holders_time_is_over() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann", "--ttl", "1500ms"]);
        let waiter = leases.queue_up("a", "bob");
        let answer = won(waiter);
        let warnings = answer["warnings"].to_string();
        assert!(
            warnings.contains("Overwriting expired lock for ann"),
            "taken over, and told: {answer}"
        );
    }
}

#[test]
fn renewed_lease_outlives_its_first_end() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann", "--now", NOON]);
        leases.must(&["renew", "--as", "ann", "--now", "2026-03-04T12:59:00Z"]);
        leases.must_fail(&["acquire", "a", "--as", "bob", "--now", AN_HOUR_LATER], 4);
        let now = "2026-03-04T13:59:00Z";
        leases.must(&["acquire", "a", "--as", "bob", "--now", now]);
    }
}

#[test]
fn killed_holder_keeps_its_lease_until_the_ttl_and_ends_it_at_once_when_bound() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let worker =
            || SecondProcess::spawn_ready(Command::new("sh").args(["-c", AT_WORK]), PATIENCE);
        let (plain, bound) = (worker(), worker());
        let pid = bound.id().to_string();
        leases.must(&["acquire", "plain", "--as", "ann"]);
        leases.must(&["acquire", "bound", "--as", "eve", "--bind-to-pid", &pid]);
        leases.must_fail(&["acquire", "bound", "--as", "bob"], 4);
        plain.kill_9();
        let waiter = leases.queue_up("bound", "bob");
        bound.kill_9();
        let answer = won(waiter);
        assert!(
            answer["warnings"]
                .to_string()
                .contains("Overwriting lock for eve on bound: its process has ended"),
            "a lease ends with the process to which it is bound, in {store:?}: {answer}"
        );
        let refused = leases.must_fail(&["acquire", "plain", "--as", "bob"], 4);
        assert_eq!(
            refused["conflicts"][0]["agent"], "ann",
            "any other lease outlives its process: {refused}"
        );
        let gone = leases.must_fail(&["acquire", "x", "--as", "eve", "--bind-to-pid", &pid], 3);
        assert!(
            gone["message"]
                .as_str()
                .is_some_and(|text| text.contains(&pid)),
            "nothing is bound to a process that is gone: {gone}"
        );
    }
}

/// A process that lives until its stdin closes.
const AT_WORK: &str = "echo READY; read -r forever";

#[test]
fn killed_waiter_is_passed_over() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann"]);
        let dead = leases.queue_up("a", "bob");
        let next = leases.queue_up("a", "cid");
        dead.kill_9();
        leases.must(&["release", "--as", "ann"]);
        won(next);
        assert_eq!(
            leases.holders(),
            ["cid"],
            "the next one gets its turn in {store:?}"
        );
        assert_eq!(leases.queue(), [""; 0], "nobody waits any more");
    }
}

#[test]
fn stopped_waiter_holds_up_the_next_one_no_longer_than_its_own_limit() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann"]);
        let stopped = leases.queue_up_for("a", "bob", "4s");
        stop_outside_the_stores_lock(&leases, &stopped);
        let next = leases.queue_up("a", "cid");
        leases.must(&["release", "--as", "ann"]);
        won(next);
        stopped.resume();
        let late = stopped.wait(PATIENCE);
        assert_eq!(
            late.status.code(),
            Some(4),
            "who was stopped past its limit is told the holder in {store:?}: {late:?}"
        );
        let error = &json(&late)["error"];
        assert_eq!(error["conflicts"][0]["agent"], "cid", "names it: {error}");
    }
}

/// Who is stopped while it holds the lock of the store is in everybody's way, which is another subject: stops the process until
/// the store can be locked all the same.
fn stop_outside_the_stores_lock(leases: &LeaseBox, process: &SecondProcess) {
    loop {
        process.stop();
        let probe = leases.lease(&["prune", "--timeout", "200ms"]);
        if probe.status.success() {
            return;
        }
        process.resume();
    }
}

#[test]
fn interrupted_waiter_leaves_no_place_in_the_queue() {
    for store in Store::ALL {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let leases = LeaseBox::new(store);
            leases.must(&["acquire", "a", "--as", "ann"]);
            let interrupted = leases.queue_up("a", "bob");
            let next = leases.queue_up("a", "cid");
            interrupted.signal(signal);
            let ended = interrupted.wait(PATIENCE);
            assert_eq!(
                ended.status.code(),
                Some(code),
                "a signal ends the wait in {store:?}: {ended:?}"
            );
            assert_eq!(leases.queue(), ["cid"], "its place is free");
            leases.must(&["release", "--as", "ann"]);
            won(next);
            assert_eq!(leases.holders(), ["cid"], "the next one gets its turn");
        }
    }
}

#[test]
fn agents_that_would_wait_for_each_other_are_told_at_once() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "a", "--as", "ann"]);
        leases.must(&["acquire", "b", "--as", "bob"]);
        leases.must(&["acquire", "c", "--as", "cid"]);
        let ann = leases.queue_up("b", "ann");
        let bob = leases.queue_up("c", "bob");
        let circle = leases.must_fail(&["acquire", "a", "--as", "cid", "--wait", "100s"], 4);
        assert_eq!(circle["retryable"], false, "waiting never helps: {circle}");
        let message = circle["message"].as_str().unwrap_or_default();
        for link in [
            "cid waits for a of ann",
            "ann waits for b of bob",
            "bob waits for c of cid",
        ] {
            assert!(
                message.contains(link),
                "names the circle, {link}: {message}"
            );
        }
        leases.must(&["release", "--as", "cid"]);
        won(bob);
        leases.must(&["release", "--as", "bob"]);
        won(ann);
    }
}

#[test]
fn several_files_are_had_all_or_none() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "b", "--as", "ann"]);
        leases.must_fail(&["acquire", "a", "b", "c", "--as", "bob"], 4);
        leases.must(&["acquire", "a", "c", "--as", "cid"]);
        assert_eq!(leases.holders(), ["ann", "cid"], "bob holds no part of it");
    }
}

#[test]
fn readers_share_and_a_writer_waits_for_all_of_them() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["acquire", "src/", "--shared", "--as", "ann"]);
        leases.must(&["acquire", "src/a.rs", "--shared", "--as", "bob"]);
        let writer = leases.queue_up("src/a.rs", "cid");
        let refused = leases.must_fail(&["acquire", "src/a.rs", "--shared", "--as", "dan"], 4);
        assert_eq!(
            refused["conflicts"][0]["agent"], "cid",
            "readers that come later do not starve a writer: {refused}"
        );
        leases.must(&["release", "--as", "bob"]);
        assert_eq!(leases.queue(), ["cid"], "one reader is left");
        leases.must(&["release", "--as", "ann"]);
        won(writer);
        assert_eq!(leases.holders(), ["cid"], "the writer alone");
    }
}
