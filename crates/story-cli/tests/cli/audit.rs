//! `story doctor --audit`: who writes past the lock is found, and nobody else.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use testkit::{ForeignLock, LegacyWriter, SecondProcess};

use crate::desk::{Desk, PATIENCE, finish, one_json};

/// A running audit of a desk.
struct Auditing {
    process: SecondProcess,
}

impl Auditing {
    fn begin(desk: &Desk, options: &[&str]) -> Self {
        let arguments = [&["doctor", "--audit", ".", "--json"], options].concat();
        let mut process = SecondProcess::spawn(&mut desk.story(&arguments));
        let line = process.next_line(PATIENCE).expect("a line when it watches");
        let begun = one_json(&line);
        assert_eq!(
            begun["event"], "watching",
            "from now on nothing is missed: {begun}"
        );
        Self { process }
    }

    /// The next finding.
    fn next(&mut self) -> Value {
        let line = self
            .process
            .next_line(PATIENCE)
            .expect("a line for the write");
        let told = one_json(&line);
        assert_eq!(told["event"], "unlocked", "a finding: {told}");
        told
    }

    /// Demands a finding of this kind.
    fn expect(&mut self, how: &str, name: &str, lock: &str) -> Value {
        let told = self.next();
        assert_eq!(told["how"], how, "how it was changed: {told}");
        assert_eq!(told["lock"], lock, "what its lock was: {told}");
        assert!(
            told["path"]
                .as_str()
                .is_some_and(|path| path.ends_with(name)),
            "{name} is named: {told}"
        );
        told
    }

    /// Ends it and demands that nothing but `findings` was told.
    fn end(self, findings: u64) {
        self.process.signal(Signal::TERM);
        let ended = self.process.wait(PATIENCE);
        let summary = one_json(&ended.stdout);
        assert_eq!(summary["event"], "done", "nothing else was told: {summary}");
        assert_eq!(
            summary["findings"], findings,
            "they were counted: {summary}"
        );
        assert_eq!(summary["ok"], findings == 0, "whether all is well");
        let expected = if findings == 0 { 0 } else { 7 };
        assert_eq!(
            ended.status.code(),
            Some(expected),
            "the exit code: {ended:?}"
        );
    }
}

fn shell(folder: &Path, script: &str) {
    let finished = finish(Command::new("sh").args(["-c", script]).current_dir(folder));
    assert!(finished.status.success(), "`{script}` works: {finished:?}");
}

#[test]
fn audit_finds_each_way_to_write_past_the_lock() {
    let desk = Desk::new();
    let tasks = desk.sandbox.write("tasks.json", "{}\n");
    let mut audit = Auditing::begin(&desk, &["--also", "*.yaml"]);
    let writer = LegacyWriter::new(&tasks);
    writer.overwrite("{\"a\": 1}\n");
    let told = audit.expect("in-place", "tasks.json", "free");
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.contains("held no lock")),
        "it says why: {told}"
    );
    writer.save_by_rename("{\"a\": 2}\n");
    audit.expect("replaced", "tasks.json", "free");
    shell(desk.sandbox.path(), "sed -i s/2/3/ tasks.json");
    audit.expect("replaced", "tasks.json", "free");
    shell(desk.sandbox.path(), "echo '{}' > tasks.json");
    audit.expect("in-place", "tasks.json", "free");
    shell(desk.sandbox.path(), "echo x >> run.yaml");
    audit.expect("created", "run.yaml", "free");
    LegacyWriter::new(&desk.path).read_modify_write(|text| text + "more\n");
    let told = audit.expect("in-place", "story.md", "free");
    assert_eq!(told["story"], "S-0034", "the story is named: {told}");
    fs::remove_file(&tasks).expect("it is there");
    audit.expect("removed", "tasks.json", "free");
    audit.end(7);
}

#[test]
fn audit_finds_a_node_program_that_writes_past_the_lock() {
    let name = "audit_finds_a_node_program_that_writes_past_the_lock";
    if testkit::on_path("node").is_none() {
        return testkit::skip(name, "node is not installed");
    }
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}\n");
    let mut audit = Auditing::begin(&desk, &[]);
    let program = "require('fs').writeFileSync('tasks.json', JSON.stringify({a: 1}))";
    let mut node = Command::new("node");
    node.args(["-e", program]).current_dir(desk.sandbox.path());
    let finished = finish(&mut node);
    assert!(finished.status.success(), "node writes it: {finished:?}");
    audit.expect("in-place", "tasks.json", "free");
    audit.end(1);
}

#[test]
fn audit_names_a_writer_that_keeps_the_file_open() {
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}\n");
    let mut audit = Auditing::begin(&desk, &[]);
    let mut writer = Command::new("sh");
    writer.args([
        "-c",
        "exec 3>>tasks.json; echo x >&3; echo READY; read line",
    ]);
    writer.current_dir(desk.sandbox.path());
    let writer = SecondProcess::spawn_ready(&mut writer, PATIENCE);
    let told = audit.expect("in-place", "tasks.json", "free");
    assert_eq!(
        told["writers"][0]["pid"],
        writer.id(),
        "the process is named: {told}"
    );
    assert_eq!(
        told["writers"][0]["command"], "sh",
        "and what it is: {told}"
    );
    drop(writer);
    audit.end(1);
}

#[test]
fn audit_says_nothing_of_our_own_commands() {
    let desk = Desk::new();
    let audit = Auditing::begin(&desk, &[]);
    for arguments in [
        &[
            "set",
            "S-0034",
            "status=in-progress",
            "--inc",
            "retry_count",
        ][..],
        &["set", "S-0034", "--fast", "--append-body", "text"],
        &["section", "put", "S-0034", "research", "found"],
        &["section", "append", "S-0034", "research", "more"],
        &["workflow", "start", "S-0034", "plan"],
        &["workflow", "finish", "S-0034"],
        &["workflow", "clear", "S-0034"],
        &["new", "Another title"],
        &["move", "S-0035", "ready"],
        &["lease", "acquire", "src/", "--as", "worker-1"],
        &["lease", "release", "--as", "worker-1"],
        &["init"],
        &["doctor", "--fix"],
    ] {
        let finished = desk.run(arguments);
        assert!(
            finished.status.success(),
            "{arguments:?} works: {finished:?}"
        );
    }
    audit.end(0);
}

#[test]
fn audit_says_nothing_of_one_who_writes_in_place_with_the_lock() {
    let desk = Desk::new();
    let tasks = desk.sandbox.write("tasks.json", "{}\n");
    let mut audit = Auditing::begin(&desk, &[]);
    let run = ["lock", "run", "./tasks.json", "--"];
    for script in ["echo 1 > tasks.json", "sed -i s/1/2/ tasks.json"] {
        desk.expect(0, &[&run[..], &["sh", "-c", script]].concat());
    }
    let with = "printf -- '---\\nid: S-0034\\n---\\n' > \"$STORY_PATH\"";
    desk.expect(0, &["with", "S-0034", "--", "sh", "-c", with]);
    // As proper-lockfile does it, and a script.
    let sidecar = desk.sandbox.join("tasks.json.lock");
    for lock in [ForeignLock::directory, ForeignLock::file] {
        let lock = lock(&sidecar).expect("the name is free");
        LegacyWriter::new(&tasks).overwrite("3\n");
        drop(lock);
    }
    LegacyWriter::new(&tasks).overwrite("4\n");
    audit.expect("in-place", "tasks.json", "free");
    audit.end(1);
}

#[test]
fn audit_does_not_take_a_dead_owners_lock_for_one_that_is_held() {
    let desk = Desk::new();
    desk.hold(&["--owner", "runner 2"]).kill_9();
    let mut audit = Auditing::begin(&desk, &[]);
    let writer = LegacyWriter::new(&desk.path);
    writer.read_modify_write(|text| text + "more\n");
    let told = audit.expect("in-place", "story.md", "dead");
    assert!(
        told["lock_holder"]
            .as_str()
            .is_some_and(|text| text.contains("runner 2")),
        "whose lock it was is told: {told}"
    );
    // Taken over, then left behind again while it is watched.
    desk.expect(0, &["set", "S-0034", "status=done"]);
    desk.hold(&["--owner", "runner 3"]).kill_9();
    // Until it was looked at, the owner counts as alive: the blind spot that is documented.
    let mut told = Value::Null;
    testkit::wait_until("the dead owner is noticed", PATIENCE, || {
        writer.read_modify_write(|text| text + "more\n");
        told = audit
            .process
            .lines_so_far()
            .first()
            .map_or(Value::Null, |line| one_json(line));
        !told.is_null()
    });
    assert_eq!(told["lock"], "dead", "the second, too: {told}");
}

#[test]
fn audit_watches_folders_that_come_later() {
    let desk = Desk::new();
    let mut audit = Auditing::begin(&desk, &[]);
    let folder = desk.sandbox.join("a/b/c");
    fs::create_dir_all(&folder).expect("folders can be made");
    // The first moment of a folder is not judged: it is known to be watched when a second write is told.
    testkit::wait_until("the new folder is watched", PATIENCE, || {
        desk.sandbox.write("a/b/c/tasks.json", "{}");
        !audit.process.lines_so_far().is_empty()
    });
    let moved = desk.sandbox.join("moved");
    // `mv`, as people do it.
    shell(desk.sandbox.path(), "mv a/b moved");
    assert!(moved.is_dir(), "it was moved");
    testkit::wait_until("it is watched by its new name", PATIENCE, || {
        desk.sandbox.write("moved/c/tasks.json", "{}");
        let told = audit.process.lines_so_far();
        told.iter().any(|line| line.contains("/moved/c/tasks.json"))
    });
    audit.process.signal(Signal::INT);
    let ended = audit.process.wait(PATIENCE);
    assert_eq!(
        ended.status.code(),
        Some(7),
        "writers were found: {ended:?}"
    );
}

#[test]
fn audit_ends_when_its_time_is_over_and_tells_people_in_words() {
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}\n");
    let quiet = desk.expect(0, &["doctor", "--audit", ".", "--for", "50ms"]);
    assert_eq!(quiet.stdout, "", "nothing was found");
    assert!(
        quiet
            .stderr
            .contains("nobody was seen to write past the lock"),
        "it says so: {quiet:?}"
    );
    let mut process = SecondProcess::spawn(&mut desk.story(&["doctor", "--audit", "."]));
    let told = loop {
        LegacyWriter::new(desk.sandbox.join("tasks.json")).overwrite("{}\n");
        if let Some(line) = process.lines_so_far().into_iter().next() {
            break line;
        }
    };
    assert!(
        told.starts_with("unlocked: ") && told.contains("tasks.json: written in place"),
        "one line for people: {told}"
    );
    process.signal(Signal::INT);
    let ended = process.wait(PATIENCE);
    assert_eq!(ended.status.code(), Some(7), "Ctrl-C ends it: {ended:?}");
    desk.expect(3, &["doctor", "--audit", "no-such-folder"]);
    desk.expect(2, &["doctor", "--audit", ".", "--also", "["]);
    desk.expect(2, &["doctor", "--for", "1s"]);
}
