//! gray-matter 4 with js-yaml 3 reads the same values out of each file as we do, also after edits.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use story::{Document, Value};

use crate::invariants::{Choices, edit_does_what_it_says};
use crate::oracle::{agrees, ask, base64};

fn files() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["valid", "edits"]
        .iter()
        .map(|name| testkit::fixtures().join("stories").join(name))
        .collect();
    folders.extend(testkit::shared().map(|shared| shared.join("corpus")));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Merged keys are seen by the reference only.
fn holds_merge_key(story: &Document) -> bool {
    story
        .frontmatter()
        .lines()
        .any(|line| line.trim_start().starts_with("<<:"))
}

fn assert_alike(path: &Path, story: &Document, theirs: &Json) {
    let Value::Map(ours) = story.to_value() else {
        panic!("a frontmatter is a mapping");
    };
    let count = theirs.as_object().map_or(0, serde_json::Map::len);
    assert_eq!(ours.len(), count, "{}: the same keys", path.display());
    for (key, value) in &ours {
        let theirs = theirs.get(key).unwrap_or(&Json::Null);
        assert!(
            agrees(value, theirs),
            "{} {key}: {value:?} is {theirs}",
            path.display()
        );
    }
}

#[test]
fn each_file_has_the_same_values_for_the_reference_and_for_us() {
    let test = "each_file_has_the_same_values_for_the_reference_and_for_us";
    let files = files();
    let texts: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).expect("a file can be read"))
        .collect();
    let questions: Vec<Json> = texts
        .iter()
        .map(|text| json!({ "read": base64(text) }))
        .collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    let (mut same, mut only_we_read, mut only_they_read) = (0, Vec::new(), Vec::new());
    for ((path, text), answer) in files.iter().zip(&texts).zip(&answers) {
        match (Document::parse(text.as_slice()), answer.get("data")) {
            (Ok(story), Some(_)) if holds_merge_key(&story) => {}
            (Ok(story), Some(theirs)) => {
                assert_alike(path, &story, theirs);
                same += 1;
            }
            (Ok(_), None) => only_we_read.push((path, answer)),
            (Err(err), Some(_)) => only_they_read.push((path, err)),
            (Err(_), None) => {}
        }
    }
    println!("{same} alike; only we read {only_we_read:#?}; only they read {only_they_read:#?}");
    let real = |path: &Path| !path.starts_with(testkit::fixtures());
    assert!(same > 20, "there are files to compare");
    assert!(
        !only_we_read.iter().any(|(path, _)| real(path)),
        "what we read of real files, the reference reads"
    );
}

#[test]
fn each_edited_file_has_the_same_values_for_the_reference_and_for_us() {
    let test = "each_edited_file_has_the_same_values_for_the_reference_and_for_us";
    let mut edited = Vec::new();
    for (case, path) in (1..).zip(files()) {
        let Ok(mut story) = Document::parse(std::fs::read(&path).expect("a file can be read"))
        else {
            continue;
        };
        let mut choices = Choices::of_seed(case);
        for _ in 0..4 {
            let steps = choices.path(&story);
            let operation = choices.operation(&story, &steps);
            edit_does_what_it_says(&mut story, &steps, &operation);
        }
        if !holds_merge_key(&story) {
            edited.push((path, story));
        }
    }
    let question = |(_, story): &(PathBuf, Document)| json!({ "read": base64(story.as_bytes()) });
    let questions: Vec<Json> = edited.iter().map(question).collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    for ((path, story), answer) in edited.iter().zip(&answers) {
        match answer.get("data") {
            Some(theirs) => assert_alike(path, story, theirs),
            // The reference knows no tags but those of YAML itself.
            None => assert!(
                story.frontmatter().contains(" !color "),
                "{}: {answer}",
                path.display()
            ),
        }
    }
}
