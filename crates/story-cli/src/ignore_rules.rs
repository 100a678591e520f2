//! The rules that keep our locks and temporary files out of git. Pure.

/// What `.gitignore` must hold. Never a bare `*.lock`: that would hide `Cargo.lock` and its like.
pub const RULES: [&str; 5] = [
    "*.md.lock",
    ".*.atomic-tmp",
    ".*.lock-tmp",
    ".devs-state.lock",
    ".devs.db*",
];

const COMMENT: &str = "# Locks and temporary files of `story`";

/// The file with the rules that it lacks at its end, and which these are; `None` when it has all.
pub fn completed(text: &[u8]) -> Option<(Vec<u8>, Vec<&'static str>)> {
    let has = |rule: &str| {
        text.split(|byte| *byte == b'\n')
            .any(|line| line.trim_ascii_end() == rule.as_bytes())
    };
    let missing: Vec<_> = RULES.into_iter().filter(|rule| !has(rule)).collect();
    if missing.is_empty() {
        return None;
    }
    let line_end = if text.windows(2).any(|pair| pair == b"\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let mut completed = text.to_vec();
    if !completed.is_empty() && !completed.ends_with(b"\n") {
        completed.extend_from_slice(line_end.as_bytes());
    }
    let comment = (!has(COMMENT)).then_some(COMMENT);
    for line in comment.into_iter().chain(missing.iter().copied()) {
        completed.extend_from_slice(line.as_bytes());
        completed.extend_from_slice(line_end.as_bytes());
    }
    Some((completed, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "# Locks and temporary files of `story`\n*.md.lock\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n.devs.db*\n";

    #[test]
    fn completed_adds_what_is_missing_and_keeps_the_rest() {
        let table = [
            (String::new(), ALL.to_owned()),
            ("/build/".to_owned(), format!("/build/\n{ALL}")),
            ("a\r\nb".to_owned(), format!("a\r\nb\r\n{}", ALL.replace('\n', "\r\n"))),
            (
                "*.md.lock\n.devs.db*  \n".to_owned(),
                "*.md.lock\n.devs.db*  \n# Locks and temporary files of `story`\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n".to_owned(),
            ),
        ];
        for (before, expected) in table {
            let (after, _) = completed(before.as_bytes()).expect("something is missing");
            assert_eq!(
                String::from_utf8_lossy(&after),
                expected,
                "rules added to {before:?}"
            );
            assert!(completed(&after).is_none(), "a second time adds nothing");
        }
    }
}
