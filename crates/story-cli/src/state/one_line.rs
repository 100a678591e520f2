//! JSON on one line, each number and text as it was written; and values as `story state set` reads them. Pure.

/// The text without the white space between its parts. It must be JSON.
pub fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let mut is_text = false;
    let mut is_escaped = false;
    for c in json.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !is_text => continue,
            '"' if !is_escaped => is_text = !is_text,
            _ => {}
        }
        is_escaped = is_text && c == '\\' && !is_escaped;
        line.push(c);
    }
    line
}

/// The value alone: a text without its quotes, everything else as JSON on one line.
pub fn bare(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| one_line(json))
}

/// The value on one line, so that `KEY=` and this set it again.
pub fn inline(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) if is_plain(&text) => text,
        _ => one_line(json),
    }
}

/// Whether the text is read back as itself: it is on one line, and no JSON.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.chars().any(char::is_control)
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_drops_white_space_between_the_parts_alone() {
        let table = [
            (
                "{ \"a b\" :\r\n\t[ 1.0 , 1e400 ] }",
                "{\"a b\":[1.0,1e400]}",
            ),
            (r#" "x \" y \\" "#, r#""x \" y \\""#),
            (r#"[ "\\" , " " ]"#, r#"["\\"," "]"#),
            ("null", "null"),
        ];
        for (json, expected) in table {
            assert_eq!(one_line(json), expected, "{json} on one line");
        }
    }

    #[test]
    fn bare_and_inline_differ_where_a_text_would_be_read_as_json() {
        let table = [
            ("\"plain words\"", "plain words", "plain words"),
            ("\"42\"", "42", "\"42\""),
            ("\"true\"", "true", "\"true\""),
            ("\"\"", "", "\"\""),
            ("\"a\\nb\"", "a\nb", "\"a\\nb\""),
            ("\"[x\"", "[x", "[x"),
            (
                "12345678901234567890123",
                "12345678901234567890123",
                "12345678901234567890123",
            ),
            ("{ }", "{}", "{}"),
        ];
        for (json, alone, among_others) in table {
            assert_eq!(bare(json), alone, "{json} alone");
            assert_eq!(inline(json), among_others, "{json} among others");
        }
    }
}
