//! A network file system with two clients, each a machine of its own for the protocol.

use std::time::Duration;

use super::guest::{Machine, image, need_guests};
use crate::case::{Skip, Tally};
use crate::context::Context;

const SCRIPT: &str = include_str!("nfs.sh");
const LIMIT: Duration = Duration::from_secs(400);

/// How often the two clients must take turns: else they did not meet.
const TURNS: usize = 10;

pub fn two_clients(context: &Context) -> Result<Tally, Skip> {
    run(context, "story", 40)
}

pub fn without_a_lock(context: &Context) -> Result<Tally, Skip> {
    run(context, "none", 20)
}

/// With fewer updates of each client they would not meet. Chosen.
const FEWEST: u64 = 20;

/// The share of the updates of each client. Each update is a point.
fn shared(context: &Context, updates: u64) -> u64 {
    let each = (updates / context.one_of()).clamp(FEWEST.min(updates), updates);
    context.leave_out(2 * (updates - each));
    each
}

fn run(context: &Context, writer: &str, updates: u64) -> Result<Tally, Skip> {
    need_guests(&[
        "mkfs.ext4",
        "exportfs",
        "rpc.nfsd",
        "rpc.mountd",
        "rpc.statd",
        "rpcbind",
        "mount.nfs",
        "ip",
        "nsenter",
    ])?;
    let folder = context.folder(&format!("nfs-{writer}"));
    let disk = image(&folder, "disk", 64, &["mkfs.ext4", "-q", "-F"])?;
    let story = context.story.display().to_string();
    let seed = context.seed.to_string();
    let (each, kills) = if context.long {
        (400, "40")
    } else {
        (shared(context, updates), "4")
    };
    let updates = each.to_string();
    let machine = Machine {
        folder: &folder,
        script: SCRIPT,
        settings: &[
            ("STORY", &story),
            ("WRITER", writer),
            ("UPDATES", &updates),
            ("SEED", &seed),
            ("KILLS", kills),
        ],
        disks: &[&disk],
        limit: LIMIT * if context.long { 5 } else { 1 },
    };
    let mut found = Found {
        each,
        counts_own: writer == "story",
        tally: Tally::default(),
        note: Vec::new(),
    };
    for line in machine.boot().all()? {
        found.hear(&line);
    }
    found.tally.note = found.note.join(", ");
    Ok(found.tally)
}

/// What the guest has told.
struct Found {
    each: u64,
    /// Whether each client's own counter is kept, too.
    counts_own: bool,
    tally: Tally,
    note: Vec<String>,
}

impl Found {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["value", "count", number] => self.count(2 * self.each, number),
            ["value", _, number] => {
                if self.counts_own && number != self.each.to_string() {
                    self.tally
                        .wrong
                        .push(format!("{line}, expected {}", self.each));
                }
            }
            ["order", order] => {
                let turns = turns(order);
                if turns < TURNS {
                    self.tally
                        .wrong
                        .push(format!("the clients took only {turns} turns: {order}"));
                }
                self.note.push(format!("{turns} turns"));
            }
            ["looks", looks] => self.note.push(format!("{looks} looks meanwhile")),
            ["killed", before, after, ..] => {
                let number = |text: &str| text.parse::<u64>().ok();
                let is_well = number(before)
                    .zip(number(after))
                    .is_some_and(|(before, after)| (before + 1..=before + 2).contains(&after));
                self.tally.point(if is_well {
                    Ok(())
                } else {
                    Err(line.to_owned())
                });
            }
            ["doctor", ..] if line.contains("0 problems") => {}
            _ => self.tally.wrong.push(line.to_owned()),
        }
    }

    /// Each acknowledged update is a point, and each that is missing is wrong.
    fn count(&mut self, expected: u64, number: &str) {
        self.tally.points += expected;
        let found = number.parse().unwrap_or(0);
        self.note.push(format!("{found} of {expected}"));
        if found != expected {
            self.tally
                .wrong
                .push(format!("{found} of {expected} updates are there"));
        }
    }
}

/// How often another client was next.
fn turns(order: &str) -> usize {
    let order = order.as_bytes();
    order.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_changes_of_the_client() {
        for (order, expected) in [("", 0), ("aaa", 0), ("ab", 1), ("aabba", 2)] {
            assert_eq!(turns(order), expected, "{order}");
        }
    }

    #[test]
    fn lost_updates_and_unknown_lines_are_wrong() {
        for (line, wrong) in [
            ("value count 120", 0),
            ("value count 119", 1),
            ("value a 60", 0),
            ("value a 59", 1),
            ("order ababababababab", 0),
            ("order aaaaaabbbbbb", 1),
            ("killed 7 8 after 0.100 s", 0),
            ("killed 7 9 after 0.100 s", 0),
            ("killed 7 7 after 0.100 s", 1),
            ("left story.md.lock", 1),
            ("nobody sends this", 1),
            ("failed a: 1 stale file handle", 1),
        ] {
            let mut found = Found {
                each: 60,
                counts_own: true,
                tally: Tally::default(),
                note: Vec::new(),
            };
            found.hear(line);
            assert_eq!(found.tally.wrong.len(), wrong, "{line}");
        }
    }
}
