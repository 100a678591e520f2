//! What a text says about the changes in it, found without our own parser; pure.
//!
//! Each change adds a token `t<writer>-<number>` and one to `count_<writer>`, in one transaction. So in every version that
//! anybody ever sees, each counter is the number of its writer's tokens: a torn or half-made version shows at once.

use std::collections::{BTreeMap, HashMap};

/// The line that each complete story has in its body.
pub(crate) const LAST_LINE: &str = "<!-- the end -->\n";

/// What was found in one version.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// `count_<writer>`, by writer.
    pub(crate) counters: BTreeMap<u32, u64>,
    /// How often each token is there.
    pub(crate) tokens: HashMap<String, u32>,
}

impl Seen {
    /// How often `token` is there.
    pub(crate) fn times(&self, token: &str) -> u32 {
        self.tokens.get(token).copied().unwrap_or(0)
    }
}

/// Takes a version apart.
///
/// # Errors
///
/// What is wrong with it, in words: it is not a whole version of the story `id`.
pub(crate) fn look(text: &str, id: &str) -> Result<Seen, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    let parts = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"));
    let Some((head, body)) = parts else {
        return Err(format!("has no frontmatter ({} bytes)", text.len()));
    };
    if !head
        .lines()
        .any(|line| line.strip_prefix("id: ") == Some(id))
    {
        return Err("has no id".to_owned());
    }
    if !body.contains(LAST_LINE) || !text.ends_with('\n') {
        return Err(format!("is cut off after {} bytes", text.len()));
    }
    let mut seen = Seen::default();
    for line in head.lines() {
        if let Some((writer, count)) = counter(line) {
            seen.counters.insert(writer, count);
        }
    }
    let in_body = body.lines().filter(|line| line.starts_with(['t', 'e']));
    for line in head.lines().chain(in_body) {
        for word in line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-') {
            if is_token(word) {
                *seen.tokens.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
    agree(&seen)?;
    Ok(seen)
}

fn agree(seen: &Seen) -> Result<(), String> {
    let mut counted: BTreeMap<u32, u64> = BTreeMap::new();
    for (token, times) in &seen.tokens {
        if let Some(writer) = writer_of(token) {
            *counted.entry(writer).or_default() += u64::from(*times);
        }
    }
    let mut writers: Vec<_> = counted.keys().chain(seen.counters.keys()).collect();
    writers.sort_unstable();
    writers.dedup();
    for writer in writers {
        let tokens = counted.get(writer).copied().unwrap_or(0);
        let counter = seen.counters.get(writer).copied().unwrap_or(0);
        if tokens != counter {
            return Err(format!(
                "is half a change: count_{writer} is {counter}, but {tokens} of its tokens are there"
            ));
        }
    }
    Ok(())
}

/// The writer of a token; `None` for an editor's, which counts nothing.
pub(crate) fn writer_of(token: &str) -> Option<u32> {
    token.strip_prefix('t')?.split_once('-')?.0.parse().ok()
}

fn counter(line: &str) -> Option<(u32, u64)> {
    let (writer, count) = line.strip_prefix("count_")?.split_once(": ")?;
    Some((writer.parse().ok()?, count.trim().parse().ok()?))
}

fn is_token(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.strip_prefix(['t', 'e'])
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(writer, number)| is_number(writer) && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::look;

    const WHOLE: &str = "---\nid: S-0001\ncount_3: 2\nlog: [t3-1]\n---\nProse t3-9.\n<!-- the end -->\nt3-2\ne0-1\n";

    #[test]
    fn look_finds_counters_and_tokens_of_a_whole_story() {
        let seen = look(WHOLE, "S-0001").expect("it is whole");
        assert_eq!(seen.counters[&3], 2, "the counter");
        assert_eq!(seen.times("t3-1"), 1, "in the frontmatter");
        assert_eq!(seen.times("t3-2"), 1, "in the body");
        assert_eq!(seen.times("e0-1"), 1, "an editor's");
        assert_eq!(seen.times("t3-9"), 0, "prose is none");
    }

    #[test]
    fn look_refuses_what_is_torn_or_half_changed() {
        for end in [0, 3, 20, WHOLE.len() - 10, WHOLE.len() - 1] {
            assert!(look(&WHOLE[..end], "S-0001").is_err(), "cut at {end}");
        }
        for (from, to) in [
            ("count_3: 2", "count_3: 1"),
            ("t3-2\n", ""),
            ("id: S", "id: T"),
        ] {
            let text = WHOLE.replace(from, to);
            assert!(look(&text, "S-0001").is_err(), "{from:?} became {to:?}");
        }
        let cut = WHOLE.replace("\ne0-1\n", "\n");
        assert!(
            look(&cut, "S-0001").is_ok(),
            "an editor's line counts nothing"
        );
    }
}
