//! What a scan reads, and that it tells what it could not read.

use std::fs;
use std::os::unix::fs::symlink;

use story::Scan;
use story::workspace::StoryCopy;

use crate::support::{Place, settle};

fn story(id: &str) -> String {
    format!("---\nid: {id}\nstatus: ready\n---\nbody\n")
}

/// The names of what was skipped, as `folder/file`, with the reasons.
fn skipped(scan: &Scan, place: &Place) -> Vec<(String, String)> {
    let entry = |skipped: &story::Skipped| {
        let name = skipped.path.strip_prefix(place.sandbox.path());
        let name = name.expect("it lies in the sandbox").display().to_string();
        (name, skipped.to_string())
    };
    scan.skipped.iter().map(entry).collect()
}

fn ids(scan: &Scan) -> Vec<&str> {
    scan.heads.iter().map(|head| head.id.as_str()).collect()
}

#[test]
fn scan_reads_main_copies_legacy_files_and_folders_there() {
    let place = Place::new();
    place.write("stories/S-0001/story.md", story("S-0001"));
    place.write("stories/S-0002/plan.md", "no story");
    place.write("stories/README.md", "no story");
    place.write("done/01-old.md", story("S-0090"));
    place.write("done/S-0094/story.md", story("S-0094"));
    place.write("blocked/02-other.md", story("S-0091"));
    place.write("logs/x.md", "no story");
    let scan = place.scan();
    assert_eq!(skipped(&scan, &place), [], "nothing was left out");
    assert_eq!(
        ids(&scan),
        ["S-0091", "S-0090", "S-0094", "S-0001"],
        "each story, and nothing that is none"
    );
    let copies: Vec<_> = scan
        .heads
        .iter()
        .map(|head| head.copy.to_string())
        .collect();
    assert_eq!(
        copies,
        ["legacy:blocked", "legacy:done", "legacy:done", "main"],
        "and which copy it is"
    );
}

#[test]
fn scan_tells_each_file_that_it_cannot_read() {
    let place = Place::new();
    place.write("stories/S-0001/story.md", story("S-0001"));
    place.write("stories/S-0002/story.md", "");
    place.write("stories/S-0003/story.md", "---\nid: a\nid: b\n---\n");
    place.write("stories/S-0004/story.md", "---js\nid: a\n---\n");
    place.write("stories/S-0005/story.md", "---\nid: a\n");
    place.write("stories/S-0006/story.md", "---\nid: a\n---x\n");
    fs::create_dir_all(place.sandbox.join("stories/S-0007/story.md")).expect("a folder");
    fs::create_dir_all(place.sandbox.join("stories/S-0008")).expect("a folder");
    symlink("nowhere", place.sandbox.join("stories/S-0008/story.md")).expect("a link");
    // A pipe without a writer must not keep the scan waiting.
    fs::create_dir_all(place.sandbox.join("stories/S-0009")).expect("a folder");
    let pipe = place.sandbox.join("stories/S-0009/story.md");
    let made = std::process::Command::new("mkfifo").arg(pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe is made");
    let scan = place.scan();
    assert_eq!(ids(&scan), ["S-0001"], "the one that can be read is there");
    let skipped = skipped(&scan, &place);
    let names: Vec<_> = skipped.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<_> = (2..=9)
        .map(|n| format!("stories/S-000{n}/story.md"))
        .collect();
    assert_eq!(names, expected, "each of the others is told");
    for (at, reason) in [
        (0, "the file is empty"),
        (1, "the key \"id\" stands twice"),
        (2, "only YAML is read"),
        (3, "not closed"),
        (4, "goes on"),
    ] {
        assert!(
            skipped[at].1.contains(reason),
            "with the reason {reason}: {:?}",
            skipped[at]
        );
    }
}

#[test]
fn scan_tells_a_folder_that_it_cannot_list() {
    let place = Place::new();
    place.write("stories", "a file in the place of the folder");
    let scan = place.scan();
    assert_eq!(ids(&scan), [] as [&str; 0], "no stories");
    assert_eq!(skipped(&scan, &place), [], "what is no folder has none");
    let place = Place::new();
    place.write("stories/S-0001/story.md", story("S-0001"));
    symlink("done", place.sandbox.join("done")).expect("a link to itself");
    let scan = place.scan();
    assert_eq!(ids(&scan), ["S-0001"], "the others are read all the same");
    assert_eq!(scan.skipped.len(), 1, "the folder is told: {scan:?}");
}

#[test]
fn scan_shows_a_story_by_the_copy_in_its_own_worktree() {
    let place = Place::new();
    let copy = |id: &str, status: &str| format!("---\nid: {id}\nstatus: {status}\n---\n");
    let root = place.sandbox.path().file_name().expect("a name");
    let inside = |worktree: &str, id: &str| {
        format!(
            "worktrees/{worktree}/{}/stories/{id}/story.md",
            root.display()
        )
    };
    for id in ["S-0001", "S-0002", "S-0003", "S-0004"] {
        place.write(&format!("stories/{id}/story.md"), copy(id, "ready"));
        place.write(&inside("S-0001-first", id), copy(id, "in-progress"));
    }
    place.write(&inside("S-0003-third", "S-0003"), "broken");
    place.write(&inside("S-0004-fourth", "S-0004"), copy("S-9999", "done"));
    place.write(&inside("S-0005-only", "S-0005"), copy("S-0005", "blocked"));
    place.write(&inside("S-0005-zwei", "S-0005"), copy("S-0005", "done"));
    let scan = place.scan();
    let mut shown: Vec<_> = scan
        .heads
        .iter()
        .map(|head| {
            (
                head.id.as_str(),
                head.status.as_str(),
                head.copy.to_string(),
            )
        })
        .collect();
    shown.sort();
    let expected = [
        ("S-0001", "in-progress", "worktree:S-0001-first"),
        ("S-0002", "ready", "main"),
        ("S-0003", "ready", "main"),
        ("S-0004", "ready", "main"),
        ("S-0005", "blocked", "worktree:S-0005-only"),
    ];
    let expected = expected.map(|(id, status, copy)| (id, status, copy.to_owned()));
    assert_eq!(shown, expected, "its own worktree's copy, and each once");
    assert_eq!(scan.skipped.len(), 1, "a broken copy is told: {scan:?}");
    assert!(
        matches!(
            scan.heads[0].copy,
            StoryCopy::Main | StoryCopy::Worktree { .. }
        ),
        "a copy is one of these"
    );
}

#[test]
fn scan_reads_a_file_that_was_just_written() {
    let place = Place::new();
    place
        .sandbox
        .write("stories/S-0001/story.md", story("S-0001"));
    place.sandbox.write("stories/S-0002/story.md", "");
    let scan = place.scan();
    assert_eq!(ids(&scan), ["S-0001"], "with the care of a single read");
    assert_eq!(scan.skipped.len(), 1, "an empty file is told: {scan:?}");
}

#[test]
fn scan_of_an_empty_place_finds_nothing() {
    let scan = Place::new().scan();
    assert!(scan.heads.is_empty() && scan.skipped.is_empty(), "nothing");
}

#[test]
fn scan_tells_a_file_that_is_too_large_for_a_story() {
    let place = Place::new();
    place.write("stories/S-0001/story.md", story("S-0001"));
    let path = place.sandbox.join("stories/S-0001/story.md");
    let file = fs::File::options().write(true).open(&path);
    file.and_then(|file| file.set_len(story::MAX_STORY_BYTES + 1))
        .expect("a file can be made long");
    settle(&path);
    let scan = place.scan();
    assert_eq!(ids(&scan), [] as [&str; 0], "no other command reads it");
    assert_eq!(scan.skipped.len(), 1, "it is told: {scan:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn scan_reads_no_body() {
    let read_so_far = || {
        let io = fs::read_to_string("/proc/thread-self/io").expect("Linux counts what is read");
        let count = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        count
            .and_then(|count| count.parse::<u64>().ok())
            .expect("a number")
    };
    let place = Place::new();
    let pad = "x".repeat(5000);
    let body = "body\n".repeat(200_000);
    // Plain, not plain, and longer than the first read.
    for (id, line) in [("1", "a: b"), ("2", "a: b # note"), ("3", pad.as_str())] {
        let name = format!("stories/{id}/story.md");
        let line = if line == pad {
            format!("a: {pad}")
        } else {
            line.to_owned()
        };
        place.write(&name, format!("---\nid: S-1\n{line}\n---\n{body}"));
    }
    let before = read_so_far();
    // So few files are read by this thread alone.
    let scan = place.scan();
    let read = read_so_far() - before;
    assert_eq!(scan.heads.len(), 3, "all are read: {scan:?}");
    assert!(
        (1..64 * 1024).contains(&read),
        "no body of a megabyte: {read}"
    );
}
