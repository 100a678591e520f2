//! Changes of a store of leases that are killed, or one of whose calls fails: the store is as it was or as it should be.

use std::os::unix::process::ExitStatusExt as _;

use testkit::Finished;

use super::store::{Store, of_story};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::faults::calls::{Call, calls, is_interruptible, sqlite_gives_up};
use crate::faults::crew::{Tried, each};
use crate::faults::errno;
use crate::faults::judge::{documented, names_a_file, said};
use crate::faults::operation::word_of;
use crate::faults::place::{Place, finish};
use crate::leases::{Kind, Listed, NOW, printed_token};

/// Of more points than this a usual run takes some, evenly spread. Chosen: there are 18 commands, and most of each is opening
/// the store.
const MOST: usize = 60;

/// A change of a store, what is there before, and what is there afterwards.
pub struct Change {
    /// Commands that make what is there before, each at its time.
    pub before: &'static [(&'static str, &'static [&'static str])],
    /// What is killed, or fails.
    pub command: &'static [&'static str],
    /// Whether it prints the token of a lease.
    pub answer: Answer,
    /// What is listed before it.
    pub old: &'static [&'static str],
    /// What is listed after it.
    pub new: &'static [&'static str],
    /// What may be listed between, where each agent has a file of its own: what had ended goes first.
    pub between: Option<&'static [&'static str]>,
    /// Whether another agent can acquire `src/a.txt` while the store is as before, and as after.
    pub is_free: (Free, Free),
}

/// What a change says on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A token.
    Token,
    /// Nothing.
    Nothing,
}

/// Whether another agent can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// The first lease of a store that is not there yet.
pub const FIRST: Change = Change {
    before: &[],
    command: &["lease", "acquire", "src/a.txt", "--as", "a"],
    answer: Answer::Token,
    old: &[],
    new: &["a: src/a.txt until 11:00, 1, live"],
    between: None,
    is_free: (Free::Yes, Free::No),
};

/// A lease over one of another agent that has ended.
pub const OVER_AN_EXPIRED: Change = Change {
    before: &[(
        EARLIER,
        &["lease", "acquire", "src/a.txt", "src/b.txt", "--as", "b"],
    )],
    old: &["b: src/a.txt src/b.txt until 09:30, 1, expired"],
    between: Some(&[]),
    ..FIRST
};

/// A second lease of one agent.
pub const SECOND: Change = Change {
    before: &[(
        NOW,
        &[
            "lease",
            "acquire",
            "src/b.txt",
            "docs/",
            "--as",
            "a",
            "--ttl",
            "2h",
        ],
    )],
    old: &["a: src/b.txt docs/ until 12:00, 1, live"],
    new: &[
        "a: src/a.txt until 11:00, 1, live",
        "a: src/b.txt docs/ until 12:00, 1, live",
    ],
    ..FIRST
};

/// A renewal.
pub const RENEWAL: Change = Change {
    before: &[(NOW, &["lease", "acquire", "src/a.txt", "--as", "a"])],
    command: &["lease", "renew", "--as", "a", "--ttl", "3h"],
    answer: Answer::Nothing,
    old: &["a: src/a.txt until 11:00, 1, live"],
    new: &["a: src/a.txt until 13:00, 2, live"],
    between: None,
    is_free: (Free::No, Free::No),
};

/// A release of one file of two.
pub const NARROWING: Change = Change {
    before: &[(
        NOW,
        &["lease", "acquire", "src/a.txt", "src/b.txt", "--as", "a"],
    )],
    command: &["lease", "release", "src/a.txt", "--as", "a"],
    answer: Answer::Nothing,
    old: &["a: src/a.txt src/b.txt until 11:00, 1, live"],
    new: &["a: src/b.txt until 11:00, 2, live"],
    between: None,
    is_free: (Free::No, Free::Yes),
};

/// A release of all that there is.
pub const LAST: Change = Change {
    command: &["lease", "release", "--as", "a"],
    new: &[],
    ..NARROWING
};

/// An hour and a half before the time of the other commands.
const EARLIER: &str = "2026-01-12T08:30:00Z";

/// Kills it at each of its calls.
pub fn killed(context: &Context, name: &str, kind: Kind, change: &Change) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, change)?;
    let calls = sampled(
        context,
        calls.into_iter().filter(|call| call.in_main).collect(),
    );
    each(context, name, &calls, |place, call| {
        let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
        let run = change.run(place, kind, Some(&inject));
        if run.finished.status.signal() != Some(9) {
            return None;
        }
        let judged = run.after_kill();
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// Lets each of its calls fail.
pub fn failed(context: &Context, name: &str, kind: Kind, change: &Change) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, change)?;
    let points = points(context, calls);
    each(context, name, &points, |place, (call, error)| {
        failed_at(change, place, kind, call, error)
    })
}

fn failed_at(change: &Change, place: &Place, kind: Kind, call: &Call, error: &str) -> Tried {
    let inject = format!("{}:error={error}:when={}", call.name, call.number);
    let run = change.run(place, kind, Some(&inject));
    if !place.trace().contains("(INJECTED)") {
        return None;
    }
    let must_succeed = error == "EINTR" && is_repeated(kind, call);
    let judged = if is_called_malformed(kind, call, error) && run.finished.status.code() == Some(6)
    {
        run.after_error(6)
    } else {
        true_answer(&run.finished, must_succeed).and_then(|exit| run.after_error(exit))
    };
    Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
}

/// The calls that can fail, each with the errors that it is to meet.
pub fn points(context: &Context, calls: Vec<Call>) -> Vec<(Call, &'static str)> {
    sampled(context, errno::points(context, calls))
}

/// Whether a call that a signal interrupts is made again.
pub fn is_repeated(kind: Kind, call: &Call) -> bool {
    is_interruptible(&call.name) && !(kind == Kind::Database && sqlite_gives_up(call))
}

/// What the disk cannot read SQLite calls malformed.
pub fn is_called_malformed(kind: Kind, call: &Call, error: &str) -> bool {
    kind == Kind::Database && call.name == "pread64" && error == "EIO"
}

/// The exit code, if it is one that a failing call may lead to, and said as the documentation says.
pub fn true_answer(finished: &Finished, must_succeed: bool) -> Result<i32, String> {
    let exit = documented(finished)?;
    let wrong = match exit {
        0 => return Ok(exit),
        _ if must_succeed => "EINTR is not retried",
        _ if !names_a_file(finished) => "the error names no file",
        9 if !finished.stderr.contains("committed") => "it does not say that it is committed",
        _ => return Ok(exit),
    };
    Err(format!("{wrong}: {}", said(finished)))
}

/// Of a long row of points a usual run takes some, evenly spread, by the seed.
pub fn sampled<P>(context: &Context, points: Vec<P>) -> Vec<P> {
    let step = points.len().div_ceil(MOST).max(1);
    if context.long || step == 1 {
        return points;
    }
    let skipped = usize::try_from(context.seed).unwrap_or_default() % step;
    points.into_iter().skip(skipped).step_by(step).collect()
}

fn traced_calls(
    context: &Context,
    name: &str,
    kind: Kind,
    change: &Change,
) -> Result<Vec<Call>, Skip> {
    need_programs(&["strace", "git"])?;
    let place = Place::new(context, &format!("{name} undisturbed"))?;
    let run = change.run(&place, kind, None);
    let found = calls(&place.trace());
    let undisturbed = run.judged(&[change.new]);
    match undisturbed {
        Ok(_) if found.len() >= 20 => Ok(found),
        Ok(_) => Err(Skip::because("strace may not trace here")),
        Err(wrong) => panic!("undisturbed: {wrong}: {}", said(&run.finished)),
    }
}

/// A change that was made, disturbed or not.
struct Run<'a> {
    change: &'a Change,
    store: Store<'a>,
    before: Listed,
    finished: Finished,
}

impl Change {
    fn run<'a>(&'a self, place: &'a Place, kind: Kind, inject: Option<&str>) -> Run<'a> {
        let store = Store { place, kind };
        store.renew(|store| {
            let mut made = self.before.iter();
            made.try_for_each(|(now, command)| store.succeeds_at(now, command).map(drop))
        });
        let before = store.list().expect("what comes before is listed");
        assert_eq!(before.leases, self.old, "what comes before");
        let finished = finish(&mut store.traced(inject, &of_story(self.command)));
        Run {
            change: self,
            store,
            before,
            finished,
        }
    }
}

impl Run<'_> {
    fn after_kill(&self) -> Result<&'static str, String> {
        let (old, new) = (self.change.old, self.change.new);
        let is_told = printed_token(&self.finished.stdout).is_some();
        let between = self
            .change
            .between
            .filter(|_| self.store.kind == Kind::Folder);
        let now = match between {
            _ if is_told => self.judged(&[new])?,
            Some(between) => self.judged(&[old, between, new])?,
            None => self.judged(&[old, new])?,
        };
        self.goes_on(&now)?;
        self.store.is_tidy()?;
        Ok(match now.leases {
            leases if leases == new => "new",
            leases if leases == old => "old",
            _ => "between",
        })
    }

    fn between(&self) -> Option<&'static [&'static str]> {
        let has_a_file_each = self.store.kind == Kind::Folder;
        self.change.between.filter(|_| has_a_file_each)
    }

    fn after_error(&self, exit: i32) -> Result<&'static str, String> {
        let is_done = matches!(exit, 0 | 9);
        let now = match self.between() {
            _ if is_done => self.judged(&[self.change.new])?,
            Some(between) => self.judged(&[self.change.old, between])?,
            None => self.judged(&[self.change.old])?,
        };
        if exit == 0 && self.change.answer == Answer::Token {
            let printed = printed_token(&self.finished.stdout);
            if printed.is_none() {
                return Err(format!("it prints no token: {}", said(&self.finished)));
            }
        }
        self.goes_on(&now)?;
        finish(&mut self.store.story(&["doctor", "--fix"]));
        self.store.is_tidy()?;
        Ok(word_of(exit))
    }

    /// The store holds one of these; what is not new has the token that it had, what is new has a higher one.
    fn judged(&self, allowed: &[&[&str]]) -> Result<Listed, String> {
        let now = self.store.list()?;
        if !allowed.iter().any(|leases| now.leases == *leases) {
            let told = said(&self.finished);
            return Err(format!("{:?} after {told}", now.leases));
        }
        let had = self.before.highest();
        for (lease, token) in now.leases.iter().zip(&now.tokens) {
            let is_new = self.change.answer == Answer::Token && !self.before.leases.contains(lease);
            if self.before.tokens.contains(token) == is_new || is_new && *token <= had {
                return Err(format!("{lease} has the token {token}: {:?}", self.before));
            }
        }
        let printed = printed_token(&self.finished.stdout);
        match printed {
            Some(token) if !now.tokens.contains(&token) => {
                Err(format!("{token} was printed, and is not there: {now:?}"))
            }
            _ => Ok(now),
        }
    }

    /// Others acquire at once what is free, and nothing else, with tokens that nobody had.
    fn goes_on(&self, now: &Listed) -> Result<(), String> {
        let is_new = now.leases == self.change.new;
        let free = if is_new {
            self.change.is_free.1
        } else {
            self.change.is_free.0
        };
        let mut highest = now.highest().max(self.before.highest());
        for (path, free) in [("src/a.txt", free), ("elsewhere.txt", Free::Yes)] {
            let command = ["lease", "acquire", path, "--as", "next", "--timeout", "0"];
            let next = finish(&mut self.store.story(&command));
            let token = printed_token(&next.stdout);
            let is_right = match free {
                Free::Yes => next.status.success() && token > Some(highest),
                Free::No => next.status.code() == Some(4) && next.stderr.contains("held by a"),
            };
            if !is_right {
                let told = said(&next);
                return Err(format!("after {now:?} the next for {path}: {told}"));
            }
            highest = highest.max(token.unwrap_or_default());
        }
        Ok(())
    }
}
