//! Texts that come from people, agents and files, made harmless: ids, titles, reasons, bodies; and slugs. Pure.

use std::borrow::Cow;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

/// The longest title, in UTF-16 units (contract, section 7).
pub const MAX_TITLE: usize = 200;
/// The longest reason, in UTF-16 units (contract, section 7).
pub const MAX_REASON: usize = 200;
/// The longest slug, in characters, all of them ASCII (contract, section 6).
pub const MAX_SLUG: usize = 50;

/// What a reason that was cut ends with.
const ELLIPSIS: &str = "...";

/// Why a text cannot be the id of a story. Retrying does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// It has no character.
    #[error("it is empty")]
    Empty,
    /// It is `.`, or holds `..`.
    #[error("it holds dots that lead elsewhere")]
    Dots,
    /// It is a path from the root or a drive.
    #[error("it is an absolute path")]
    Absolute,
    /// It holds `/` or `\`.
    #[error("it holds a character of paths")]
    Separator,
    /// It holds a character from U+0000 to U+001F, or U+007F.
    #[error("it holds a control character")]
    Control,
    /// It holds something else than ASCII letters, digits, `_` and `-`: asked of new ids only.
    #[error("a new id has only the characters A-Z, a-z, 0-9, _ and -")]
    Unusual,
}

/// Refuses what could lead elsewhere once it is part of a path.
///
/// `%2e` and blanks at the end pass: nothing of ours decodes or cuts them.
///
/// # Errors
///
/// [`IdError`], never [`IdError::Unusual`].
pub fn check_id(id: &str) -> Result<(), IdError> {
    if id.is_empty() {
        Err(IdError::Empty)
    } else if id == "." || id.contains("..") {
        Err(IdError::Dots)
    } else if is_absolute(id) {
        Err(IdError::Absolute)
    } else if id.contains(['/', '\\']) || Path::new(id).components().count() != 1 {
        Err(IdError::Separator)
    } else if id.chars().any(|c| c.is_ascii_control()) {
        Err(IdError::Control)
    } else {
        Ok(())
    }
}

/// Refuses what cannot be a new id: it also names branches and folders of worktrees, and the reference tool's `run` takes no
/// other.
///
/// # Errors
///
/// [`IdError`].
pub fn check_new_id(id: &str) -> Result<(), IdError> {
    check_id(id)?;
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(is_usual) {
        Ok(())
    } else {
        Err(IdError::Unusual)
    }
}

fn is_absolute(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_drive = bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    let is_separator = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
    is_separator(bytes.first()) || (has_drive && is_separator(bytes.get(2)))
}

/// A title without what a shell, a terminal or a file name could act on, at most [`MAX_TITLE`] long; it may become empty.
///
/// ```
/// assert_eq!(story::sanitise::title(" Pay `$(rm -rf)` \u{1b}[31mnow "), "Pay rm -rf now");
/// ```
pub fn title(text: &str) -> String {
    const SHELL: [char; 10] = ['`', '$', '(', ')', '\\', '|', '&', ';', '<', '>'];
    let is_harmless = |c: &char| !SHELL.contains(c);
    let text: String = text.chars().filter(is_harmless).collect();
    let text = without_controls(&without_sequences(&text));
    // Again: NFC makes some of these of other characters, such as ` of U+1FEF.
    let text: String = text.nfc().filter(is_harmless).collect();
    trim(cut(&text, MAX_TITLE)).to_owned()
}

/// A reason on one line, at most [`MAX_REASON`] long; it may become empty.
pub fn reason(text: &str) -> String {
    let text: String = without_sequences(text)
        .chars()
        .filter_map(|c| match c {
            '\r' | '\n' | '\t' => Some(' '),
            '`' | '|' | '>' => None,
            c => Some(c),
        })
        .collect();
    let text: String = without_controls(&text)
        .nfc()
        // NFC makes it of U+1FEF.
        .filter(|c| *c != '`')
        .collect();
    if utf16_length(&text) <= MAX_REASON {
        return trim(&text).to_owned();
    }
    let head = cut(&text, MAX_REASON - ELLIPSIS.len());
    trim(&format!("{head}{ELLIPSIS}")).to_owned()
}

/// The title as part of a file or branch name: `a`-`z`, `0`-`9` and hyphens, at most [`MAX_SLUG`] long.
///
/// It can end in a hyphen, where the cut falls, and be empty, for a title in another script.
pub fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(title.len());
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.strip_prefix('-').unwrap_or(&slug);
    let slug = slug.strip_suffix('-').unwrap_or(slug);
    cut(slug, MAX_SLUG).to_owned()
}

/// A given body without `<script>` and `<iframe>` elements, and without NUL. One that is not closed ends with the text.
///
/// What is left holds no such element, also none that the cuts have put together.
///
/// ```
/// assert_eq!(story::sanitise::body("a<script src='x'>b</SCRIPT >c<iframe>d"), "ac");
/// ```
#[expect(
    clippy::missing_panics_doc,
    reason = "whole characters are kept or cut, for all that is searched is ASCII"
)]
pub fn body(text: &str) -> String {
    let text = text.replace('\0', "");
    let bytes = text.as_bytes();
    // It grows at its end only, so an opening that two cut pieces make up is met like any other.
    let mut kept: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        kept.push(bytes[at]);
        at += 1;
        let ends_word = |next: Option<&u8>| next.is_none_or(|next| !next.is_ascii_alphanumeric());
        if let Some(name) = opening_at_end(&kept)
            && ends_word(bytes.get(at))
        {
            kept.truncate(kept.len() - name.len() - 1);
            at = after_closing(bytes, at, name);
        }
    }
    String::from_utf8(kept)
        .expect("whole characters are kept or cut, for all that is searched is ASCII")
}

/// A body that does not begin like a frontmatter; one that does gets the title as a heading before it.
///
/// The reference tool reads the body for a frontmatter of its own when it writes the story, and executes `---js`.
pub(crate) fn unfenced<'a>(body: &'a str, title: &str) -> Cow<'a, str> {
    if body.starts_with("---") {
        let title = title.lines().next().unwrap_or_default();
        format!("# {title}\n\n{body}").into()
    } else {
        body.into()
    }
}

const ACTIVE: [&str; 2] = ["script", "iframe"];

fn opening_at_end(kept: &[u8]) -> Option<&'static str> {
    ACTIVE.into_iter().find(|name| {
        let start = kept.len().checked_sub(name.len() + 1);
        start.is_some_and(|start| {
            kept[start] == b'<' && kept[start + 1..].eq_ignore_ascii_case(name.as_bytes())
        })
    })
}

/// The place behind the first `</name…>` at or after `from`; the end where there is none.
fn after_closing(bytes: &[u8], from: usize, name: &str) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        at += found + 1;
        let tag = bytes[at..].strip_prefix(b"/");
        let Some(rest) = tag.and_then(|tag| tag.split_at_checked(name.len())) else {
            continue;
        };
        let is_whole = rest
            .1
            .first()
            .is_none_or(|next| !next.is_ascii_alphanumeric());
        if rest.0.eq_ignore_ascii_case(name.as_bytes()) && is_whole {
            let end = memchr::memchr(b'>', &bytes[at..]);
            return end.map_or(bytes.len(), |end| at + end + 1);
        }
    }
    bytes.len()
}

/// Without control sequences of terminals: CSI (`ESC [ … letter`) and OSC (`ESC ] … BEL`, or to the next ESC).
fn without_sequences(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(escape) = rest.find('\u{1b}') {
        kept.push_str(&rest[..escape]);
        let sequence = &rest[escape + 1..];
        let end = match sequence.as_bytes().first() {
            Some(b'[') => csi_end(sequence),
            Some(b']') => osc_end(sequence),
            _ => None,
        };
        // What is no whole sequence stays, but for the ESC.
        rest = &sequence[end.unwrap_or(0)..];
    }
    kept.push_str(rest);
    kept
}

/// Parameters, intermediates, one final byte (ECMA-48, 5.4).
fn csi_end(sequence: &str) -> Option<usize> {
    let bytes = sequence.as_bytes();
    let run = |from: usize, low: u8, high: u8| {
        let is_in = |byte: &&u8| (low..=high).contains(*byte);
        from + bytes[from..].iter().take_while(is_in).count()
    };
    let last = run(run(1, 0x30, 0x3f), 0x20, 0x2f);
    matches!(bytes.get(last), Some(0x40..=0x7e)).then_some(last + 1)
}

/// Up to BEL or `ESC \`. Any other ESC ends it as well, as it does on terminals, and begins what comes next.
fn osc_end(sequence: &str) -> Option<usize> {
    let end = sequence.find(['\u{7}', '\u{1b}'])?;
    let tail = &sequence[end..];
    Some(match tail.as_bytes() {
        [7, ..] => end + 1,
        [_, b'\\', ..] => end + 2,
        _ => end,
    })
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// At most `limit` UTF-16 units, whole characters only.
fn cut(text: &str, limit: usize) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > limit {
            return &text[..at];
        }
    }
    text
}

fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// As JavaScript trims: a byte order mark is white space to it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_id_refuses_whatever_leads_elsewhere_and_says_why() {
        let table = [
            ("S-0034", Ok(())),
            ("story-abc-1f2e", Ok(())),
            ("S-0063-some-text", Ok(())),
            ("Grüße", Ok(())),
            ("%2e", Ok(())),
            ("%2e%2e%2f", Ok(())),
            ("S-1 ", Ok(())),
            ("a.b", Ok(())),
            ("", Err(IdError::Empty)),
            (".", Err(IdError::Dots)),
            ("..", Err(IdError::Dots)),
            ("a..b", Err(IdError::Dots)),
            ("../x", Err(IdError::Dots)),
            ("/etc", Err(IdError::Absolute)),
            ("\\\\host\\x", Err(IdError::Absolute)),
            ("C:\\x", Err(IdError::Absolute)),
            ("a/b", Err(IdError::Separator)),
            ("a\\b", Err(IdError::Separator)),
            ("a\0b", Err(IdError::Control)),
            ("a\nb", Err(IdError::Control)),
            ("a\u{1f}", Err(IdError::Control)),
            ("a\u{7f}", Err(IdError::Control)),
        ];
        for (id, expected) in table {
            assert_eq!(check_id(id), expected, "the id {id:?}");
        }
        let errors = [
            IdError::Empty,
            IdError::Dots,
            IdError::Absolute,
            IdError::Separator,
            IdError::Control,
        ];
        let mut texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), errors.len(), "each refusal has its own words");
    }

    #[test]
    fn check_new_id_takes_only_what_every_tool_takes() {
        for id in ["S-0034", "story-abc-1f2e", "x_Y-9"] {
            assert_eq!(check_new_id(id), Ok(()), "{id:?} can be a new id");
        }
        for id in ["S 1", "Grüße", "a.b", "%2e", "S-1 "] {
            assert_eq!(check_new_id(id), Err(IdError::Unusual), "{id:?} cannot");
        }
        assert_eq!(check_new_id("a/b"), Err(IdError::Separator), "as any id");
    }

    #[test]
    fn slug_is_as_the_reference_makes_it() {
        let long = "x".repeat(49);
        let table = [
            ("Hello, World!", "hello-world".to_owned()),
            ("Ünïcode Café", "n-code-caf".to_owned()),
            ("日本語", String::new()),
            (&format!("{long} y"), format!("{long}-")),
            (&"y".repeat(60), "y".repeat(50)),
            ("--a--", "a".to_owned()),
            ("", String::new()),
            ("...", String::new()),
            ("2024: a  year", "2024-a-year".to_owned()),
        ];
        for (title, expected) in table {
            assert_eq!(slug(title), expected, "the slug of {title:?}");
        }
    }

    #[test]
    fn title_loses_what_shells_and_terminals_act_on() {
        let table = [
            ("Plain title", "Plain title"),
            ("a`b$c(d)e\\f|g&h;i<j>k", "abcdefghijk"),
            ("  blanks \t", "blanks"),
            ("red \u{1b}[31mtext\u{1b}[0m", "red text"),
            ("\u{1b}[1;31mboth", "both"),
            ("\u{1b}]0;window\u{7}title", "title"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("\u{1b}$[31mhidden", "hidden"),
            ("a\u{0}b\u{9}c\u{7f}d\u{85}e\u{9b}f", "abcdef"),
            ("a\nb", "ab"),
            ("Cafe\u{301}", "Caf\u{e9}"),
            ("\u{feff}mark\u{feff}", "mark"),
            ("lone \u{1b} escape", "lone  escape"),
            ("\u{1b}[31", "[31"),
            ("`$()", ""),
            ("\u{1fef}id\u{1fef} \u{37e} x", "id  x"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(title(text), expected, "the title {text:?}");
        }
    }

    #[test]
    fn reason_is_one_line_without_marks() {
        let table = [
            ("plain", "plain"),
            ("a\r\nb\tc", "a  b c"),
            ("`code` | table > quote", "code  table  quote"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;t\u{7}x", "x"),
            ("lone \u{1b}c", "lone c"),
            ("a\u{0}b\u{9f}c\u{7f}", "abc"),
            ("$(kept) <too", "$(kept) <too"),
            ("e\u{301}", "\u{e9}"),
            ("\u{1fef}id\u{1fef}", "id"),
            (" \n ", ""),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(reason(text), expected, "the reason {text:?}");
        }
    }

    #[test]
    fn lengths_count_utf16_units_and_never_split_a_character() {
        let rocket = "\u{1f680}";
        assert_eq!(title(&"x".repeat(300)).len(), 200, "200 letters");
        assert_eq!(title(&rocket.repeat(150)), rocket.repeat(100), "two each");
        let odd = format!("x{}", rocket.repeat(150));
        assert_eq!(
            title(&odd),
            format!("x{}", rocket.repeat(99)),
            "at or below the limit"
        );
        assert_eq!(reason(&"x".repeat(200)), "x".repeat(200), "just fits");
        let cut = format!("{}...", "x".repeat(197));
        assert_eq!(reason(&"x".repeat(201)), cut, "197 and the dots");
        let rockets = reason(&rocket.repeat(101));
        assert_eq!(rockets, format!("{}...", rocket.repeat(98)), "whole ones");
    }

    #[test]
    fn body_loses_scripts_and_frames_until_none_is_left() {
        let table = [
            ("plain <b>text</b>\n", "plain <b>text</b>\n"),
            ("a<script>b</script>c", "ac"),
            ("a<SCRIPT type='x'>b</ScRiPt >c", "ac"),
            ("a<iframe src='x'></iframe>c", "ac"),
            ("a<script>b", "a"),
            ("a<script", "a"),
            ("a<iframe>b</script>c", "a"),
            ("a<scr<script>x</script>ipt>b</script>c", "ac"),
            ("a<ifr<script></script>ame>b</iframe>c", "ac"),
            ("<scr<scr<script></script>ipt></script>ipt>x</script>y", "y"),
            ("a<script>b</scripts>c</script>d", "ad"),
            ("a <scripting> b", "a <scripting> b"),
            ("a</script>b", "a</script>b"),
            ("a\0b<scr\0ipt>c</script>d", "abd"),
            ("日本<script>語</script>語", "日本語"),
        ];
        for (text, expected) in table {
            assert_eq!(body(text), expected, "the body {text:?}");
        }
    }

    proptest! {
        #[test]
        fn body_of_a_sanitised_body_is_itself(
            parts in proptest::collection::vec(
                prop_oneof!["<scr", "ipt", ">", "<script>", "</script>", "<iframe ", "</iframe>", "x", "ü"], 0..40)
        ) {
            let once = body(&parts.concat());
            prop_assert_eq!(body(&once), once.clone(), "stable");
            prop_assert!(!once.to_lowercase().contains("<script>"), "no script: {}", once);
        }

        #[test]
        fn sanitised_texts_hold_nothing_dangerous(text in "\\PC*|[\u{0}-\u{ff}\u{1b}\\[\\]mMa-z\u{7};`]*") {
            for clean in [title(&text), reason(&text)] {
                prop_assert!(!clean.chars().any(char::is_control), "no control: {:?}", clean);
                prop_assert!(utf16_length(&clean) <= 200, "not too long");
                prop_assert!(!clean.contains(['`', '|', '>']), "no mark: {:?}", clean);
            }
            prop_assert!(slug(&text).len() <= MAX_SLUG, "a short slug");
        }
    }
}
