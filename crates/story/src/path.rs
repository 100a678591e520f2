//! Paths into frontmatter: `status`, `a.b`, `review_history[0].decision`, `"odd.key"[2]`.
//!
//! Steps are keys parted by dots and indexes in brackets, counted from 0. A key that holds
//! `.`, `[`, `]` or `"`, or is empty, stands in double quotes, where `\"` and `\\` are escapes.

use crate::error::EditError;

/// Longest path in steps; deeper values are refused by the parser anyway.
const MAX_STEPS: usize = 64;

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Reads a path; the first step is always a key, for the frontmatter is a mapping.
pub(crate) fn parse(path: &str) -> Result<Vec<Step>, EditError> {
    let malformed = |reason| EditError::Path {
        path: path.to_owned(),
        reason,
    };
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        let (step, after) = key(rest).map_err(malformed)?;
        steps.push(step);
        rest = after;
        while let Some(after) = rest.strip_prefix('[') {
            let (step, after) = index(after).map_err(malformed)?;
            steps.push(step);
            rest = after;
        }
        if steps.len() > MAX_STEPS {
            return Err(malformed("it has more than 64 steps"));
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(steps),
            None => return Err(malformed("after ] there must be a dot, a [ or the end")),
        }
    }
}

/// Writes the steps as a path that [`parse`] reads back.
pub(crate) fn display(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
            Step::Key(key) => {
                let dot = if text.is_empty() { "" } else { "." };
                if key.is_empty() || key.contains(['.', '[', ']', '"']) {
                    let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
                    text.extend([dot, "\"", &escaped, "\""]);
                } else {
                    text.extend([dot, key]);
                }
            }
        }
    }
    text
}

fn key(text: &str) -> Result<(Step, &str), &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_key(quoted);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    if key.is_empty() {
        return Err("a key is empty");
    }
    if key.contains([']', '"']) {
        return Err("a key with ] or \" must stand in double quotes");
    }
    Ok((Step::Key(key.to_owned()), rest))
}

fn quoted_key(text: &str) -> Result<(Step, &str), &'static str> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => {
                let rest = &text[at + 1..];
                if rest.is_empty() || rest.starts_with(['.', '[']) {
                    return Ok((Step::Key(key), rest));
                }
                return Err("after a quoted key there must be a dot, a [ or the end");
            }
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => key.push(escaped),
                _ => return Err("after \\ there must be \" or \\"),
            },
            other => key.push(other),
        }
    }
    Err("a quoted key is not closed")
}

fn index(text: &str) -> Result<(Step, &str), &'static str> {
    let (digits, rest) = text.split_once(']').ok_or("a [ is not closed")?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("an index must be a number, counted from 0");
    }
    let index = digits.parse().map_err(|_| "an index is too large")?;
    Ok((Step::Index(index), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Step {
        Step::Key(text.to_owned())
    }

    #[test]
    fn parse_reads_keys_indexes_and_quotes() {
        let table = [
            ("status", vec![key("status")]),
            ("a.b", vec![key("a"), key("b")]),
            (
                "review_history[0].decision",
                vec![key("review_history"), Step::Index(0), key("decision")],
            ),
            ("a[1][2]", vec![key("a"), Step::Index(1), Step::Index(2)]),
            ("\"odd.key\"[3]", vec![key("odd.key"), Step::Index(3)]),
            ("a.\"\"", vec![key("a"), key("")]),
            ("\"q\\\"\\\\\".b", vec![key("q\"\\"), key("b")]),
            ("zwei worte.ü", vec![key("zwei worte"), key("ü")]),
        ];
        for (text, steps) in table {
            assert_eq!(parse(text).as_ref(), Ok(&steps), "{text:?} is read");
            assert_eq!(parse(&display(&steps)), Ok(steps), "{text:?} comes back");
        }
    }

    #[test]
    fn parse_refuses_what_is_not_a_path() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "[0]",
            "a[",
            "a[]",
            "a[-1]",
            "a[x]",
            "a[0]b",
            "a]",
            "\"a",
            "\"a\"b",
            "a\"b",
            "\"\\n\"",
            "a[99999999999999999999999]",
        ] {
            assert!(parse(text).is_err(), "{text:?} is refused");
        }
        assert!(
            parse(&vec!["a"; 65].join(".")).is_err(),
            "65 steps are refused"
        );
    }
}
