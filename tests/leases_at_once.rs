//! Many agents lease at once: what one of them holds nobody else holds, judged by files that know nothing of leases. In both
//! stores.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use testkit::{SecondProcess, without_settings};

use crate::support::{LeaseBox, PATIENCE, Store, alone};

/// An agent that works on one file after another. While it holds one it makes a file of its own that nobody else may have made,
/// and adds one to a number that nothing else protects.
const FILE_WORKER: &str = r#"
for file in $FILES; do
  answer=$("$STORY" lease acquire "$file" --as "$NAME" --ttl 10m --wait 140s --timeout 60s --json 2>>errors) ||
    { echo "$NAME $file $? $answer" >>failures; exit 1; }
  token=${answer#*\"token\":}; token=${token%%[!0-9]*}
  waited=${answer#*\"waited_ms\":}; waited=${waited%%[!0-9]*}
  case $answer in *'"queued":true'*) how=queued ;; *) how=at-once ;; esac
  (set -C; : >"inside-$file") 2>/dev/null || echo "$NAME $file" >>overlaps
  read -r count <"count-$file"
  echo "$file $NAME $token $how $waited" >>journal
  echo $((count + 1)) >"count-$file"
  rm -f "inside-$file"
  "$STORY" lease release "$file" --as "$NAME" --timeout 60s -q 2>>errors || { echo "$NAME release $file" >>failures; exit 1; }
done
"#;

/// An agent that claims one scope after another, each line of its plan `arguments|paths`, and does without what others have.
const SCOPE_WORKER: &str = r#"
set -f
while IFS='|' read -r arguments paths; do
  if answer=$("$STORY" lease acquire $arguments --as "$NAME" --ttl 10m --timeout 60s --json 2>>errors); then
    token=${answer#*\"token\":}; token=${token%%[!0-9]*}
    inside=
    for path in $paths; do
      (set -C; : >"inside-$path") 2>/dev/null || echo "$NAME $path" >>overlaps
      inside="$inside inside-$path"
    done
    echo "all $NAME $token granted 0" >>journal
    rm -f $inside
    "$STORY" lease release --as "$NAME" --timeout 60s -q 2>>errors || { echo "$NAME release" >>failures; exit 1; }
  else
    code=$?
    [ $code = 4 ] || { echo "$NAME $code $answer" >>failures; exit 1; }
    echo "all $NAME 0 refused 0" >>journal
  fi
done <"$NAME.plan"
"#;

/// In the place of `story`: lets everybody have everything.
const NO_LEASES: &str = "#!/bin/sh\necho '{\"token\":1,\"waited_ms\":0}'\n";

const STORY: &str = env!("CARGO_BIN_EXE_story");

/// One line of the journal.
struct Turn {
    file: String,
    agent: String,
    token: u64,
    how: String,
    waited_ms: u64,
}

/// Agents at work in one project.
struct Floor {
    leases: LeaseBox,
}

impl Floor {
    fn new(store: Store) -> Self {
        let leases = LeaseBox::in_memory(store);
        for log in ["journal", "overlaps", "failures", "errors"] {
            leases.sandbox.write(log, "");
        }
        Self { leases }
    }

    fn start(&self, script: &str, name: &str, settings: &[(&str, &str)]) -> SecondProcess {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell.current_dir(self.leases.sandbox.path());
        without_settings(&mut shell);
        shell.env("STORY_LEASES", &self.leases.store);
        shell.env("STORY", STORY).env("NAME", name);
        shell.envs(settings.iter().copied());
        SecondProcess::spawn(&mut shell)
    }

    fn finish(&self, workers: Vec<SecondProcess>) {
        for worker in workers {
            let finished = worker.wait(PATIENCE);
            assert!(
                finished.status.success(),
                "no agent fails: {finished:?}\n{}\n{}",
                self.text("failures"),
                self.text("errors")
            );
        }
    }

    fn text(&self, name: &str) -> String {
        self.leases.sandbox.read(name)
    }

    fn journal(&self) -> Vec<Turn> {
        let turn = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let [file, agent, token, how, waited] = words[..] else {
                panic!("five words a line: {line:?}");
            };
            Turn {
                file: file.to_owned(),
                agent: agent.to_owned(),
                token: token.parse().expect("a token"),
                how: how.to_owned(),
                waited_ms: waited.parse().expect("milliseconds"),
            }
        };
        self.text("journal").lines().map(turn).collect()
    }

    fn assert_nobody_met(&self) {
        assert_eq!(
            self.text("overlaps"),
            "",
            "what one agent holds nobody else holds"
        );
    }

    /// Each token once, and of each file a later holder a higher one.
    fn assert_tokens_rise(&self) {
        let mut seen = BTreeSet::new();
        let mut last = BTreeMap::new();
        for turn in self.journal().iter().filter(|turn| turn.token > 0) {
            assert!(
                seen.insert(turn.token),
                "a token is given out once: {}",
                turn.token
            );
            if turn.file != "all" {
                let before = last.insert(turn.file.clone(), turn.token);
                assert!(
                    before < Some(turn.token),
                    "tokens of {} rise: {before:?}, then {}",
                    turn.file,
                    turn.token
                );
            }
        }
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(self.leases.holders(), [""; 0], "all was given back");
        assert_eq!(self.leases.queue(), [""; 0], "nobody waits");
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's multiplier (MMIX); the low bits of such a generator are poor.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % limit
    }
}

const AGENTS: usize = 32;
const FILES: usize = 8;

/// How much each agent does: from the environment, else `usual`, which is enough to have them meet. The requirement names 50 turns.
fn size(variable: &str, usual: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("the size of a test is a number"),
        Err(_) => usual,
    }
}

fn turns() -> usize {
    size("STORY_LEASE_TURNS", 10)
}

fn rounds() -> usize {
    size("STORY_LEASE_CLAIMS", 15)
}

fn file_workers(floor: &Floor, program: &Path) -> Vec<SecondProcess> {
    let work = |number: usize| {
        let mut dice = Dice(number as u64 + 1);
        let files: Vec<String> = (0..turns())
            .map(|_| format!("f{}", dice.below(FILES)))
            .collect();
        let program = program.to_str().expect("a path of ours is text");
        let settings = [("FILES", &*files.join(" ")), ("STORY", program)];
        floor.start(FILE_WORKER, &format!("agent-{number}"), &settings)
    };
    for file in 0..FILES {
        floor.leases.sandbox.write(format!("count-f{file}"), "0\n");
    }
    (0..AGENTS).map(work).collect()
}

fn thirty_two_agents_take_turns(store: Store) {
    let _alone = alone();
    let floor = Floor::new(store);
    floor.finish(file_workers(&floor, Path::new(STORY)));
    floor.assert_nobody_met();
    floor.assert_tokens_rise();
    let journal = floor.journal();
    for number in 0..AGENTS {
        let name = format!("agent-{number}");
        let taken = journal.iter().filter(|turn| turn.agent == name).count();
        assert_eq!(taken, turns(), "{name} gets all its turns");
    }
    for file in 0..FILES {
        let name = format!("f{file}");
        let turns = journal.iter().filter(|turn| turn.file == name).count();
        let counted = floor.text(&format!("count-{name}"));
        assert_eq!(
            counted.trim_end(),
            turns.to_string(),
            "no change of {name} is lost"
        );
    }
    let queued = journal.iter().filter(|turn| turn.how == "queued").count();
    assert!(
        queued > AGENTS,
        "agents met, else this proves nothing: {queued} of {} waited",
        journal.len()
    );
    let slowest = journal.iter().map(|turn| turn.waited_ms).max();
    assert!(slowest > Some(0), "the wait is told: {slowest:?} ms");
    floor.assert_nothing_is_left();
}

#[test]
fn thirty_two_agents_take_turns_at_eight_files_in_a_folder() {
    thirty_two_agents_take_turns(Store::Folder);
}

#[test]
fn thirty_two_agents_take_turns_at_eight_files_in_a_database() {
    thirty_two_agents_take_turns(Store::Database);
}

/// The control: without leases the same agents meet, and the oracle sees it.
#[test]
fn agents_without_leases_are_seen_to_meet() {
    let _alone = alone();
    let floor = Floor::new(Store::Folder);
    let program = floor.leases.sandbox.write("no-leases", NO_LEASES);
    let made = Command::new("chmod").arg("+x").arg(&program).status();
    assert!(made.expect("chmod runs").success(), "it can be run");
    floor.finish(file_workers(&floor, &program));
    assert_ne!(floor.text("overlaps"), "", "agents without leases meet");
}

const FOLDERS: usize = 3;
const NAMES: usize = 4;
const CLAIMANTS: usize = 16;

/// A pattern as an argument, and the paths that it means, found without the code under test.
fn pattern(dice: &mut Dice) -> (String, Vec<(usize, usize)>) {
    let (folder, name) = (dice.below(FOLDERS), dice.below(NAMES));
    let whole_folder = || (0..NAMES).map(|name| (folder, name)).collect();
    match dice.below(6) {
        0 => (format!("--dir p{folder}"), whole_folder()),
        1 => (format!("--glob p{folder}/*"), whole_folder()),
        2 => (
            format!("--glob **/f{name}.rs"),
            (0..FOLDERS).map(|folder| (folder, name)).collect(),
        ),
        _ => (format!("p{folder}/f{name}.rs"), vec![(folder, name)]),
    }
}

fn plan(dice: &mut Dice) -> String {
    let line = |dice: &mut Dice| {
        let patterns: Vec<_> = (0..=dice.below(3)).map(|_| pattern(dice)).collect();
        let arguments: Vec<_> = patterns
            .iter()
            .map(|(argument, _)| argument.clone())
            .collect();
        let paths: BTreeSet<_> = patterns.iter().flat_map(|(_, paths)| paths).collect();
        let paths: Vec<_> = paths
            .iter()
            .map(|(folder, name)| format!("p{folder}-f{name}"))
            .collect();
        format!("{}|{}\n", arguments.join(" "), paths.join(" "))
    };
    (0..rounds()).map(|_| line(dice)).collect()
}

fn sixteen_agents_claim_random_scopes(store: Store) {
    let _alone = alone();
    let floor = Floor::new(store);
    let work = |number: usize| {
        let name = format!("agent-{number}");
        let lines = plan(&mut Dice(number as u64 + 100));
        floor.leases.sandbox.write(format!("{name}.plan"), lines);
        floor.start(SCOPE_WORKER, &name, &[])
    };
    floor.finish((0..CLAIMANTS).map(work).collect());
    floor.assert_nobody_met();
    floor.assert_tokens_rise();
    let journal = floor.journal();
    assert_eq!(
        journal.len(),
        CLAIMANTS * rounds(),
        "each claim was answered"
    );
    for how in ["granted", "refused"] {
        let count = journal.iter().filter(|turn| turn.how == how).count();
        assert!(
            count > CLAIMANTS,
            "both answers were given, else this proves nothing: {how} {count} times"
        );
    }
    floor.assert_nothing_is_left();
}

#[test]
fn sixteen_agents_never_hold_scopes_that_overlap_in_a_folder() {
    sixteen_agents_claim_random_scopes(Store::Folder);
}

#[test]
fn sixteen_agents_never_hold_scopes_that_overlap_in_a_database() {
    sixteen_agents_claim_random_scopes(Store::Database);
}
