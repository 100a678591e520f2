//! Unified diffs of two versions of a story.

use std::path::Path;

use similar::TextDiff;

use crate::failure::Failure;
use crate::output::Output;
use crate::terminal::Style;

/// The diff between two versions of the file at `path`, as `git apply` and `patch` take it; empty when they are equal.
pub fn unified(path: &Path, before: &[u8], after: &[u8]) -> Vec<u8> {
    let lines = |text| <[u8]>::split_inclusive(text, |byte| *byte == b'\n').collect::<Vec<_>>();
    let (old, new) = (lines(before), lines(after));
    let diff = TextDiff::configure().diff_slices(&old, &new);
    let name = path.to_string_lossy();
    let name = name.trim_start_matches('/');
    let mut text = Vec::new();
    // Written here, because similar replaces bytes that are no text, and takes a lone carriage return for a line end.
    for hunk in diff.unified_diff().iter_hunks() {
        if text.is_empty() {
            text.extend_from_slice(format!("--- a/{name}\n+++ b/{name}\n").as_bytes());
        }
        text.extend_from_slice(format!("{}\n", hunk.header()).as_bytes());
        for change in hunk.iter_changes() {
            text.extend_from_slice(change.tag().to_string().as_bytes());
            text.extend_from_slice(change.value());
            if !change.value().ends_with(b"\n") {
                text.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

/// Prints a diff, in colours where they are wanted.
///
/// # Errors
///
/// When stdout does not take it.
pub fn print(diff: &[u8], output: &Output) -> Result<(), Failure> {
    if !output.has_colour() {
        return output.data(diff);
    }
    for line in String::from_utf8_lossy(diff).lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Some(Style::Heading),
            [b'@', ..] => Some(Style::Hint),
            [b'+', ..] => Some(Style::Added),
            [b'-', ..] => Some(Style::Removed),
            _ => None,
        };
        output.line(style, line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_shows_the_changed_line_and_its_surroundings() {
        let before = b"---\nid: S-1\nstatus: ready\n---\nbody";
        let after = b"---\nid: S-1\nstatus: done\n---\nbody";
        let expected = "--- a/x/story.md\n+++ b/x/story.md\n@@ -1,5 +1,5 @@\n ---\n id: S-1\n-status: ready\n+status: done\n ---\n body\n\\ No newline at end of file\n";
        let diff = unified(Path::new("/x/story.md"), before, after);
        assert_eq!(
            String::from_utf8_lossy(&diff),
            expected,
            "a diff that patch takes"
        );
    }

    #[test]
    fn unified_of_equal_texts_is_empty() {
        assert!(
            unified(Path::new("x"), b"a\n", b"a\n").is_empty(),
            "nothing to show"
        );
    }

    #[test]
    fn unified_keeps_bytes_that_are_no_text_and_lone_carriage_returns() {
        let diff = unified(Path::new("x"), b"a\xff\rb\n", b"a\xfe\rb\n");
        let expected: &[u8] = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\xff\rb\n+a\xfe\rb\n";
        assert_eq!(diff, expected, "byte for byte");
    }
}
