//! Words that several messages about tasks share. Pure.

use std::path::PathBuf;

/// How many files are named at most; chosen.
const MOST_NAMED: usize = 5;

/// A command of ours on a task or snapshot, as a shell reads it: `` `story run restore T-1` ``.
pub fn command_on(verb: &[&str], name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    let verb = verb.join(" ");
    if name.starts_with('-') {
        return format!("`story {verb} -- {}`", quoted(name));
    }
    if name.chars().all(is_plain) {
        return format!("`story {verb} {name}`");
    }
    format!("`story {verb} {}`", quoted(name))
}

fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// The first few of some files.
pub fn named(files: &[PathBuf]) -> String {
    let few = files.iter().take(MOST_NAMED);
    let mut names: Vec<_> = few.map(|path| path.display().to_string()).collect();
    if let Some(more) = files.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_on_is_one_that_a_shell_takes() {
        let table = [
            ("T-1", "`story run restore T-1`"),
            ("a b", "`story run restore 'a b'`"),
            ("it's", "`story run restore 'it'\\''s'`"),
            ("-x", "`story run restore -- '-x'`"),
        ];
        for (name, expected) in table {
            assert_eq!(command_on(&["run", "restore"], name), expected, "{name}");
        }
    }

    #[test]
    fn named_ends_after_a_few() {
        let files: Vec<PathBuf> = (1..=7).map(|number| number.to_string().into()).collect();
        assert_eq!(named(&files[..2]), "1, 2", "all");
        assert_eq!(named(&files[..5]), "1, 2, 3, 4, 5", "still all");
        assert_eq!(named(&files), "1, 2, 3, 4, 5, 2 more", "the first");
    }
}
