//! The inventory of shared files (docs/architecture/state-files.md) is true: what it names exists, and it names each file.

use std::fs;
use std::path::{Path, PathBuf};

use story::section_file::SectionFile;
use testkit::workspace;

use crate::support::{run, story};

/// A row of the inventory.
struct Row {
    files: String,
    changed_by: String,
    commands: String,
}

fn inventory() -> Vec<Row> {
    let page = workspace().join("docs/architecture/state-files.md");
    let page = fs::read_to_string(page).expect("there is a page");
    let (_, section) = page
        .split_once("\n## Who writes which shared file\n")
        .expect("the inventory has a section of its own");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<Row> = rows
        .skip(1)
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().to_owned());
            let mut cell = || cells.next().expect("a row has four cells");
            Row {
                files: cell(),
                changed_by: cell(),
                commands: cell(),
            }
        })
        .collect();
    assert!(rows.len() >= 10, "the inventory is found: {}", rows.len());
    rows
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("sources can be listed");
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(sources_below(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether a crate has this public function or type: its last name is declared in a source that is, or declares, the one before.
fn is_public(path: &str) -> bool {
    let parts: Vec<&str> = path.split("::").collect();
    let [name, .., last] = parts.as_slice() else {
        return false;
    };
    let folder = workspace()
        .join("crates")
        .join(name.replace('_', "-"))
        .join("src");
    let owner = parts[parts.len() - 2];
    let declares = |text: &str, keyword: &str, name: &str| {
        text.lines().any(|line| {
            let rest = line.trim_start().strip_prefix(keyword);
            rest.and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with(['(', '<', ' ', ';']))
        })
    };
    sources_below(&folder).iter().any(|source| {
        let text = fs::read_to_string(source).expect("a source is text");
        let is_there = declares(&text, "pub fn ", last) || declares(&text, "pub struct ", last);
        let is_module = source.file_stem().is_some_and(|stem| stem == owner)
            || source
                .parent()
                .is_some_and(|folder| folder.ends_with(owner));
        let is_method = [format!("impl {owner}"), format!("> {owner}")]
            .iter()
            .any(|head| text.contains(head.as_str()));
        is_there && (owner == *name || is_module || is_method)
    })
}

#[test]
fn each_function_of_the_inventory_is_public() {
    let mut count = 0;
    for row in inventory() {
        for name in names(&row.changed_by).filter(|name| name.contains("::")) {
            assert!(is_public(name), "{name} writes {}", row.files);
            count += 1;
        }
    }
    assert!(count >= 12, "functions are named: {count}");
    for missing in [
        "story::no_such_function",
        "state_file::Nobody::update",
        "nothing",
    ] {
        assert!(!is_public(missing), "{missing} would not be missed");
    }
}

#[test]
fn each_command_of_the_inventory_exists() {
    let mut count = 0;
    for row in inventory() {
        for command in names(&row.commands) {
            let arguments = command.split(' ').skip(1);
            let finished = run(story().args(arguments).arg("--help"));
            assert!(finished.status.success(), "`{command}`: {finished:?}");
            count += 1;
        }
    }
    assert!(count >= 15, "commands are named: {count}");
}

#[test]
fn inventory_names_each_shared_file_of_the_contract() {
    let files: Vec<String> = inventory().into_iter().map(|row| row.files).collect();
    let named = |name: &str| files.iter().any(|cell| cell.contains(&format!("{name}`")));
    let sections = SectionFile::ALL.map(SectionFile::file_name);
    let others = [
        "story.md",
        story::workflow_state::FILE_NAME,
        "`.workflow-state.json",
        ".ai-sdlc.json",
        "notifications.log",
        "tasks.json",
        "agent-performance-metrics.json",
        "leases.db",
        "workflow.yaml",
        ".migrated",
    ];
    for name in sections.into_iter().chain(others) {
        assert!(named(name), "who writes {name} stands in the inventory");
    }
}
