//! Texts -> scalars: plain, quoted or block, by the rules of js-yaml 3.14 (contract, section 12).

use std::fmt::Write as _;

use super::block_scalar;
use crate::value::Value;
use crate::yaml::node::Style;
use crate::yaml::resolve;

/// Where a text is to stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    /// Column of the lines of a block scalar; `None` where only one line may stand (keys, flow).
    pub(crate) block_indent: Option<usize>,
    /// Whether nothing follows in the frontmatter. The reference tool cuts white space off the end
    /// of the YAML, so line ends at the end of a text would be lost in a block scalar there.
    pub(crate) at_end: bool,
}

/// Writes a text as a scalar; lines after the first are indented.
///
/// `keep` is the style of the scalar that stood there before, which the new one gets if it can.
pub(crate) fn string(text: &str, spot: Spot, keep: Option<Style>) -> String {
    if let Some(kept) = keep.and_then(|style| in_kept_style(text, spot, style)) {
        return kept;
    }
    if text.is_empty() {
        return "''".to_owned();
    }
    if is_deprecated_bool(text) {
        return single_quoted(text);
    }
    let Some(indent) = spot.block_indent else {
        return one_line(text);
    };
    if !text.chars().all(|char| char == '\n' || is_printable(char)) {
        return double_quoted(text, false);
    }
    let width = width(indent);
    let too_long = |line: &str| !line.starts_with(' ') && line.chars().count() > width;
    let foldable = text.split('\n').any(too_long);
    if !foldable && !text.contains('\n') {
        return one_line(text);
    }
    if spot.at_end && block_scalar::needs_keep(text) {
        return double_quoted(text, false);
    }
    if foldable {
        block_scalar::folded(text, indent, width)
    } else {
        block_scalar::literal(text, indent)
    }
}

/// Writes a key, always on one line.
pub(crate) fn key(name: &str) -> String {
    // Plain, the start of a line would end the document or look like a conflict of git; js-yaml overlooks that.
    let is_marker = name.starts_with("...") || name.starts_with("<<<<<<< ");
    if is_marker && name.chars().all(is_printable) {
        return single_quoted(name);
    }
    let spot = Spot {
        block_indent: None,
        at_end: false,
    };
    string(name, spot, None)
}

/// Longest line before a text is folded: 80 with the indentation, but never under 40.
fn width(indent: usize) -> usize {
    80_usize.saturating_sub(indent).max(40)
}

/// Plain if possible, else single quotes, else double quotes.
fn one_line(text: &str) -> String {
    if !text.chars().all(is_printable) {
        double_quoted(text, false)
    } else if is_canonical_plain(text) {
        text.to_owned()
    } else {
        single_quoted(text)
    }
}

/// Styles are kept in files that the reference did not write, so what it would escape without need
/// (emoji) stays readable.
fn in_kept_style(text: &str, spot: Spot, style: Style) -> Option<String> {
    let readable = |char| is_printable(char) || is_readable(char);
    match style {
        Style::Plain => {
            let stays = spot.block_indent.is_some() && is_safe_plain(text);
            stays.then(|| text.to_owned())
        }
        Style::Single => text.chars().all(readable).then(|| single_quoted(text)),
        Style::Double => Some(double_quoted(text, true)),
        Style::Literal => {
            let stays = text.contains('\n')
                && text
                    .chars()
                    .all(|char| matches!(char, '\n' | '\t') || readable(char))
                && !(spot.at_end && block_scalar::needs_keep(text));
            let indent = spot.block_indent.filter(|_| stays)?;
            Some(block_scalar::literal(text, indent))
        }
        Style::Folded => None,
    }
}

/// Whether js-yaml would write the text plain.
pub(crate) fn is_canonical_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    if " -?:,[]{}#&*!|=>'\"%@`".contains(first) || text.ends_with(' ') {
        return false;
    }
    let mut before = ' ';
    for char in text.chars() {
        let sound =
            is_printable(char) && !",[]{}:".contains(char) && (char != '#' || before != ' ');
        if !sound {
            return false;
        }
        before = char;
    }
    !is_deprecated_bool(text) && !reads_as_other(text)
}

/// Whether YAML allows the text to stand plain after a key or dash, and every reader sees a text.
fn is_safe_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let second = chars.next().unwrap_or(' ');
    let starts_well = if "-?:".contains(first) {
        !" ,[]{}".contains(second)
    } else {
        !" ,[]{}#&*!|>'\"%@`".contains(first)
    };
    starts_well
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && text
            .chars()
            .all(|char| is_printable(char) || is_readable(char))
        && !is_deprecated_bool(text)
        && !reads_as_other(text)
}

/// The words that YAML 1.1 calls booleans and js-yaml reads as texts.
fn is_deprecated_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// Whether a reader of YAML 1.1 or 1.2 could take the plain text for something else.
fn reads_as_other(text: &str) -> bool {
    matches!(text, "=" | "<<")
        || !matches!(resolve::plain(text), Value::String(_))
        || is_number_elsewhere(text)
}

/// Numbers of other readers that the 1.1 table does not have: `0o17`, `+.5`, `01.5`, `0_1`.
fn is_number_elsewhere(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|char: char| char == '.' || char.is_ascii_digit()) {
        return false;
    }
    let digits = unsigned.replace('_', "");
    let in_radix = |prefix: &str, radix: u32| {
        let body = digits.strip_prefix(prefix);
        body.is_some_and(|body| !body.is_empty() && body.chars().all(|char| char.is_digit(radix)))
    };
    digits.parse::<f64>().is_ok() || in_radix("0o", 8) || in_radix("0x", 16) || in_radix("0b", 2)
}

/// js-yaml's idea of printable; characters beyond U+FFFF are pairs of units there, and not.
fn is_printable(char: char) -> bool {
    matches!(char,
        ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// What js-yaml escapes although every reader takes it as it stands: a no-break space, emoji.
fn is_readable(char: char) -> bool {
    char > '\u{ffff}' || char == '\u{a0}'
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double_quoted(text: &str, readable: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' if !readable => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            char if readable && is_readable(char) => out.push(char),
            char if is_printable(char) => out.push(char),
            char => push_hex(&mut out, char),
        }
    }
    out.push('"');
    out
}

fn push_hex(out: &mut String, char: char) {
    let code = u32::from(char);
    let written = match code {
        0..=0xff => write!(out, "\\x{code:02X}"),
        0x100..=0xffff => write!(out, "\\u{code:04X}"),
        _ => write!(out, "\\U{code:08X}"),
    };
    written.expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Spot = Spot {
        block_indent: Some(2),
        at_end: false,
    };

    #[test]
    fn string_is_written_as_js_yaml_does() {
        let long = "word ".repeat(16);
        let table = [
            ("", "''"),
            ("done", "done"),
            ("two words", "two words"),
            ("yes", "'yes'"),
            ("2026-01-15", "'2026-01-15'"),
            ("2026-01-12T10:00:00.000Z", "'2026-01-12T10:00:00.000Z'"),
            ("0010", "'0010'"),
            ("12", "'12'"),
            ("1e3", "'1e3'"),
            ("0o17", "'0o17'"),
            ("null", "'null'"),
            ("~", "'~'"),
            ("<<", "'<<'"),
            ("=", "'='"),
            ("https://x.y", "'https://x.y'"),
            ("a, b", "'a, b'"),
            ("it's", "it's"),
            ("'t", "'''t'"),
            ("a #b", "'a #b'"),
            ("a#b", "a#b"),
            (" a", "' a'"),
            ("a ", "'a '"),
            ("- a", "'- a'"),
            ("Ünïcode 日本", "Ünïcode 日本"),
            ("🚀", "\"\\U0001F680\""),
            ("a\tb", "\"a\\tb\""),
            (
                "a\u{a0}b\u{1b}\u{85}\u{2028}\0\u{1}\u{feff}",
                "\"a\\_b\\e\\N\\L\\0\\x01\\uFEFF\"",
            ),
            ("a\nb", "|-\n  a\n  b"),
            ("1.2.3", "1.2.3"),
            ("12-34", "12-34"),
        ];
        for (text, expected) in table {
            assert_eq!(string(text, BLOCK, None), expected, "{text:?}");
        }
        let folded = string(long.trim_end(), BLOCK, None);
        assert_eq!(
            folded,
            format!(">-\n  {}\n  word", ["word"; 15].join(" ")),
            "a long line is folded"
        );
    }

    #[test]
    fn string_on_one_line_never_breaks() {
        let flow = Spot {
            block_indent: None,
            at_end: false,
        };
        assert_eq!(
            string("a\nb", flow, None),
            "\"a\\nb\"",
            "no block scalar in flow"
        );
        assert!(
            !string(&"word ".repeat(40), flow, None).contains('\n'),
            "no folding in flow"
        );
    }

    #[test]
    fn string_at_the_end_writes_trailing_line_ends_as_escapes() {
        let spot = Spot {
            at_end: true,
            ..BLOCK
        };
        assert_eq!(
            string("a\n\n", spot, None),
            "\"a\\n\\n\"",
            "the reference cuts them off a block"
        );
        assert_eq!(
            string("a\n\n", BLOCK, None),
            "|+\n  a\n",
            "elsewhere they stay in a block"
        );
        assert_eq!(string("a\n", spot, None), "|\n  a", "one line end is safe");
    }

    #[test]
    fn string_keeps_the_old_style_where_it_can() {
        let table = [
            ("done", Style::Single, "'done'"),
            ("it's", Style::Single, "'it''s'"),
            ("🚀", Style::Single, "'🚀'"),
            ("a\nb", Style::Single, "|-\n  a\n  b"),
            ("done", Style::Double, "\"done\""),
            ("a\nb", Style::Double, "\"a\\nb\""),
            ("🚀\u{a0}", Style::Double, "\"🚀\u{a0}\""),
            ("https://x.y", Style::Plain, "https://x.y"),
            ("a, b [c]", Style::Plain, "a, b [c]"),
            ("-x", Style::Plain, "-x"),
            ("- x", Style::Plain, "'- x'"),
            ("12:30", Style::Plain, "'12:30'"),
            ("a: b", Style::Plain, "'a: b'"),
            ("a:", Style::Plain, "'a:'"),
            ("a #b", Style::Plain, "'a #b'"),
            ("", Style::Plain, "''"),
            ("a\n\tb\n", Style::Literal, "|\n  a\n  \tb"),
            ("done", Style::Literal, "done"),
            ("done", Style::Folded, "done"),
        ];
        for (text, style, expected) in table {
            assert_eq!(
                string(text, BLOCK, Some(style)),
                expected,
                "{text:?} in {style:?}"
            );
        }
    }
}
