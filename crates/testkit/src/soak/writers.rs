//! Writers: change after change through the real `story`, each with a token, each with its outcome in the log.

use std::fs::File;
use std::io::Write as _;

use super::broken;
use super::checker::{Change, Outcome};
use super::epoch::Epoch;
use super::jobs::Ended;
use super::place::Kind;
use super::report::Sort;
use super::rng::Rng;

/// One writer: its number is that of its slot and its counter.
struct Writer<'a> {
    epoch: &'a Epoch<'a>,
    number: usize,
    kind: Kind,
    rng: Rng,
    tokens: u64,
}

/// Writes to the stories of `kind` until the epoch is over.
pub(crate) fn write(epoch: &Epoch<'_>, number: usize, kind: Kind) {
    let places = epoch.places_of(|other| other == kind);
    let mut writer = Writer {
        epoch,
        number,
        kind,
        rng: epoch.rng(1, number),
        tokens: 0,
    };
    while !epoch.is_over() {
        if epoch.settings.broken {
            let place = places[0];
            let token = writer.token();
            writer.broken(place, &token);
            continue;
        }
        let Some(&place) = writer.rng.one_of(&places) else {
            return;
        };
        match writer.rng.below(100) {
            0..60 => writer.set(place),
            60..80 => writer.apply(&places),
            _ => writer.nested(place),
        }
        if writer.rng.chance(30) {
            epoch.pause(writer.rng.magnitude(1, 100));
        }
    }
}

impl Writer<'_> {
    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("t{}-{}", self.number, self.tokens)
    }

    /// `story set`, one change.
    fn set(&mut self, place: usize) {
        let token = self.token();
        let mut command = self.epoch.story();
        command.arg("set").arg(&self.epoch.places[place].id);
        command.args(self.operations(&token));
        if self.rng.chance(25) {
            command.arg("--fast");
        }
        command.arg("--json").args(self.kind.limits());
        let ended = self.epoch.run(self.number, place, true, &mut command);
        let outcome = self.judge(place, &ended);
        self.note_take_over(&ended.stdout);
        self.log(place, token, outcome, &ended);
    }

    /// `story apply`: a few transactions; each answer acknowledges one.
    fn apply(&mut self, places: &[usize]) {
        let count = 2 + self.rng.below(4);
        let mut lines = Vec::new();
        let mut asked = Vec::new();
        for _ in 0..count {
            let place = *self.rng.one_of(places).expect("a kind has a story");
            let token = self.token();
            let where_to = if self.rng.chance(50) {
                format!("\"push\":{{\"log\":\"{token}\"}}")
            } else {
                format!("\"append_body\":\"{token}\"")
            };
            let id = &self.epoch.places[place].id;
            let counter = format!("\"count_{}\":1", self.number);
            lines.push(format!(
                "{{\"story\":\"{id}\",\"inc\":{{{counter}}},{where_to}}}\n"
            ));
            asked.push((place, token));
        }
        let file = self.epoch.beside(&format!("actor-{}.jsonl", self.number));
        File::create(&file)
            .and_then(|mut file| file.write_all(lines.concat().as_bytes()))
            .expect("the soak's folder can be written");
        let mut command = self.epoch.story();
        command.arg("apply").arg(&file).args(self.kind.limits());
        let place = asked[0].0;
        let ended = self.epoch.run(self.number, place, true, &mut command);
        self.judge(place, &ended);
        let mut answers = ended.stdout.split_inclusive('\n');
        for (place, token) in asked {
            // A line without an end was cut off by the kill; the answer was given all the same.
            let answer = answers.next().unwrap_or_default();
            self.note_take_over(answer);
            let outcome = if answer.contains("\"ok\":true") {
                Outcome::Done
            } else if answer.contains("\"ok\":false") && !answer.contains("\"committed\":true") {
                Outcome::Refused
            } else {
                if !ended.was_killed {
                    let words = ended.words();
                    self.epoch.wrong(
                        place,
                        Sort::Exit,
                        format!("apply does not answer for {token}: {words}"),
                    );
                }
                Outcome::Unknown
            };
            self.log(place, token, outcome, &ended);
        }
    }

    /// `story lock run` with one or two `story set` under its lock.
    fn nested(&mut self, place: usize) {
        let tokens: Vec<String> = (0..=self.rng.below(2)).map(|_| self.token()).collect();
        let id = &self.epoch.places[place].id;
        let sets: Vec<String> = tokens
            .iter()
            .map(|token| {
                format!(
                    "'{}' --root '{}' set {id} {} --quiet",
                    self.epoch.settings.story.display(),
                    self.epoch.root.display(),
                    self.operations(token).join(" ")
                )
            })
            .collect();
        let mut command = self.epoch.story();
        command.args(["lock", "run", id]).args(self.kind.limits());
        command.args(["--", "sh", "-c", &sets.join(" && ")]);
        let ended = self.epoch.run(self.number, place, true, &mut command);
        let outcome = match self.judge(place, &ended) {
            // The first of two may be done, or the loss of the lock reported after the set.
            Outcome::Refused => Outcome::Unknown,
            other => other,
        };
        for token in tokens {
            self.log(place, token, outcome, &ended);
        }
    }

    fn broken(&mut self, place: usize, token: &str) {
        let started = std::time::Instant::now();
        broken::change(&self.epoch.places[place].path, self.number, token);
        self.epoch.count("changes acknowledged");
        self.push(Change {
            place,
            token: token.to_owned(),
            outcome: Outcome::Done,
            started,
            ended: std::time::Instant::now(),
        });
    }

    fn operations(&mut self, token: &str) -> [String; 4] {
        let (option, value) = if self.rng.chance(70) {
            ("--push", format!("log={token}"))
        } else {
            ("--append-body", token.to_owned())
        };
        let counter = format!("count_{}", self.number);
        ["--inc".to_owned(), counter, option.to_owned(), value]
    }

    /// What the end of a command says; an end that its kind does not allow is wrong.
    fn judge(&self, place: usize, ended: &Ended) -> Outcome {
        match ended.status.code() {
            Some(0) => Outcome::Done,
            None => Outcome::Unknown,
            Some(code) if self.kind.may_refuse_with(code) => {
                self.epoch.count(match code {
                    4 => "refused: locked (exit 4)",
                    5 => "refused: conflict (exit 5)",
                    _ => "refused: lock lost (exit 1)",
                });
                Outcome::Refused
            }
            // `lock run` tells that its command was killed.
            Some(137) if ended.was_killed => Outcome::Unknown,
            Some(code) => {
                self.epoch.wrong(
                    place,
                    Sort::Exit,
                    format!("exit code {code}: {}", ended.words()),
                );
                if code == 9 {
                    Outcome::Done
                } else {
                    Outcome::Unknown
                }
            }
        }
    }

    fn note_take_over(&self, answer: &str) {
        if answer.contains("had displaced") {
            self.epoch.count("versions given back after a kill");
        }
        if answer.contains("\"kind\":\"foreign\"") {
            self.epoch.count("take-overs from other tools");
        } else if answer.contains("\"took_over\"") {
            self.epoch.count("take-overs from the dead");
        }
    }

    fn log(&self, place: usize, token: String, outcome: Outcome, ended: &Ended) {
        self.epoch.count(match outcome {
            Outcome::Done => "changes acknowledged",
            Outcome::Refused => "changes refused",
            Outcome::Unknown => "changes of the killed",
        });
        self.push(Change {
            place,
            token,
            outcome,
            started: ended.started,
            ended: ended.finished,
        });
    }

    fn push(&self, change: Change) {
        let mut changes = self.epoch.changes.lock().expect("no writer panics here");
        changes.push(change);
    }
}
