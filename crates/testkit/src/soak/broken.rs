//! The negative control: a change without any lock, as `cat`, `sed` and `mv` would do it. The checker must notice.

use std::fs;
use std::path::Path;

use crate::LegacyWriter;

/// Reads, counts up, adds the token and puts the new text in place by rename; nobody is excluded, nothing compared.
pub(crate) fn change(path: &Path, writer: usize, token: &str) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let key = format!("count_{writer}: ");
    let line = text.lines().find(|line| line.starts_with(&key));
    let changed = match line {
        Some(line) => {
            let count: u64 = line[key.len()..].trim().parse().unwrap_or(0);
            text.replace(line, &format!("{key}{}", count + 1))
        }
        None => text.replacen("log: ", &format!("{key}1\nlog: "), 1),
    };
    LegacyWriter::new(path)
        .save_by_rename_through(&format!("~{writer}"), &format!("{changed}{token}\n"));
}
