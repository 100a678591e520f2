//! Node programs with the npm packages proper-lockfile and gray-matter, beside ours on a story without vandals.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::checker::{Change, Outcome};
use super::epoch::Epoch;
use super::place::Kind;
use super::report::Sort;
use super::visitors::Room;
use crate::{SecondProcess, node_peers, workspace};

/// A peer's number, for its counter: above those of ours.
const FIRST: usize = 500;
/// How long a peer may take to end after its time: it waits for its lock at most as long as ours do.
const PATIENCE: Duration = Duration::from_secs(150);

/// A peer at work, since when, on which story.
pub(crate) struct Peer {
    process: SecondProcess,
    number: usize,
    place: usize,
    started: Instant,
}

/// Starts the peers, where there are any.
pub(crate) fn start(epoch: &Epoch<'_>, length: Duration) -> Vec<Peer> {
    let Some(packages) = node_peers().filter(|_| !epoch.settings.broken) else {
        return Vec::new();
    };
    let place = epoch.places_of(|kind| kind == Kind::Mixed)[0];
    let room = Room::new(epoch, place);
    let start_one = |lane: usize| {
        let number = FIRST + lane;
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", &packages)
            .arg(workspace().join("tests/peers/soak.js"))
            .arg(&epoch.places[place].path)
            .args([&room.door, &room.counter, &room.overlaps])
            .arg(epoch.beside(&format!("peer-{number}.log")))
            .args([number.to_string(), length.as_millis().to_string()]);
        Peer {
            process: SecondProcess::spawn(&mut command),
            number,
            place,
            started: Instant::now(),
        }
    };
    (0..epoch.settings.peers).map(start_one).collect()
}

/// Waits for the peers and logs what each says that it has done.
pub(crate) fn finish(epoch: &Epoch<'_>, peers: Vec<Peer>) {
    for peer in peers {
        let finished = peer.process.wait(PATIENCE);
        if !finished.status.success() {
            epoch.wrong(peer.place, Sort::Exit, format!("a Node peer: {finished:?}"));
        }
        let log = fs::read_to_string(epoch.beside(&format!("peer-{}.log", peer.number)));
        let log = log.unwrap_or_default();
        let mut changes = epoch.changes.lock().expect("the writers have ended");
        for token in log.lines() {
            epoch.count("changes by Node peers");
            *epoch.visits().entry(peer.place).or_default() += 1;
            changes.push(Change {
                place: peer.place,
                token: token.to_owned(),
                outcome: Outcome::Done,
                started: peer.started,
                ended: Instant::now(),
            });
        }
    }
}
