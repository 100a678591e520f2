//! Where two serialisations of one value differ: the smallest list or object around it, and the way to that, found without
//! scanning either of them.

use std::ops::Range;

use crate::scan::plain_end;

/// The stretch outside of which two texts are alike.
struct Differing {
    /// How many bytes are alike at the beginning.
    start: usize,
    /// Where the first text is alike again, up to its end.
    end: usize,
}

impl Differing {
    fn of(before: &[u8], after: &[u8]) -> Self {
        let start = alike(before, after);
        let most = before.len().min(after.len()) - start;
        let tail = alike_at_end(&before[before.len() - most..], &after[after.len() - most..]);
        Self {
            start,
            end: before.len() - tail,
        }
    }
}

/// Whole blocks are compared at once; chosen.
const BLOCK: usize = 4096;

/// How many bytes are alike from the beginning on.
fn alike(before: &[u8], after: &[u8]) -> usize {
    let blocks = before.chunks_exact(BLOCK).zip(after.chunks_exact(BLOCK));
    let start = BLOCK * blocks.take_while(|(before, after)| before == after).count();
    let rest = before[start..].iter().zip(&after[start..]);
    start + rest.take_while(|(before, after)| before == after).count()
}

/// How many bytes are alike at the end of two pieces of one length.
fn alike_at_end(before: &[u8], after: &[u8]) -> usize {
    let blocks = before.rchunks_exact(BLOCK).zip(after.rchunks_exact(BLOCK));
    let end = BLOCK * blocks.take_while(|(before, after)| before == after).count();
    let rest = before[..before.len() - end].iter().rev();
    let rest = rest.zip(after[..after.len() - end].iter().rev());
    end + rest.take_while(|(before, after)| before == after).count()
}

/// A step from a list or object into what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inwards<'a> {
    /// To the member whose name stands so in the text, in quotes.
    Member(&'a str),
    /// To an item, of so many.
    Item {
        /// Which one, from 0.
        number: usize,
        /// How many there are.
        of: usize,
    },
}

/// The smallest list or object outside of which two serialisations are alike, and what stands in its place afterwards, which
/// need not be one value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Narrowed<'a> {
    /// The way to it.
    pub(crate) way: Vec<Inwards<'a>>,
    /// As it was.
    pub(crate) before: &'a str,
    /// As it is.
    pub(crate) after: &'a str,
}

/// Finds it; `None`: there is none, or the texts are not what a serialiser writes. What is found has been looked at only as
/// far as was needed: whoever uses it scans the two pieces.
pub(crate) fn narrow<'a>(before: &'a str, after: &'a str) -> Option<Narrowed<'a>> {
    let differs = Differing::of(before.as_bytes(), after.as_bytes());
    let frames = walk(before, &differs)?;
    let smallest = frames.iter().rposition(|frame| frame.end > differs.end)?;
    let range = frames[smallest].start..frames[smallest].end;
    let behind = before.len() - range.end;
    let way = frames[..smallest].iter().map(|frame| match &frame.name {
        Some(name) => Inwards::Member(&before[name.clone()]),
        None => Inwards::Item {
            number: frame.number,
            of: frame.items,
        },
    });
    Some(Narrowed {
        way: way.collect(),
        before: before.get(range.clone())?,
        after: after.get(range.start..after.len().checked_sub(behind)?)?,
    })
}

/// A list or object that begins before the stretch and has not ended there.
struct Frame {
    start: usize,
    /// Where it ends; known when the walk is over.
    end: usize,
    is_object: bool,
    /// The name of the member, in an object, that the walk is in.
    name: Option<Range<usize>>,
    /// The item that the walk was in at the stretch.
    number: usize,
    /// How many items it has.
    items: usize,
}

/// Walks through a text that is taken for JSON: the lists and objects around the stretch, the outermost first.
fn walk(text: &str, differs: &Differing) -> Option<Vec<Frame>> {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while at < differs.start {
        let end = match bytes.get(at)? {
            b'"' => string_end(bytes, at)?,
            _ => at + 1,
        };
        if end > differs.start {
            break;
        }
        match bytes[at] {
            b'{' | b'[' => frames.push(Frame {
                start: at,
                end: 0,
                is_object: bytes[at] == b'{',
                name: None,
                number: 0,
                items: 0,
            }),
            b'}' | b']' => {
                frames.pop()?;
            }
            b',' => {
                let frame = frames.last_mut()?;
                frame.number += 1;
                frame.name = None;
            }
            b'"' => {
                let frame = frames.last_mut()?;
                if frame.is_object && frame.name.is_none() {
                    frame.name = Some(at..end);
                }
            }
            _ => {}
        }
        at = end;
    }
    for frame in &mut frames {
        frame.items = frame.number + 1;
    }
    ends(bytes, at, &mut frames).map(|()| frames)
}

/// Walks on to the ends of these lists and objects.
fn ends(bytes: &[u8], mut at: usize, frames: &mut [Frame]) -> Option<()> {
    let mut open = frames.len();
    let mut inner = 0_usize;
    while open > 0 {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => inner += 1,
            b'}' | b']' if inner > 0 => inner -= 1,
            b'}' | b']' => {
                open -= 1;
                frames[open].end = at + 1;
            }
            b',' if inner == 0 => frames[open - 1].items += 1,
            _ => {}
        }
        at += 1;
    }
    Some(())
}

/// The place behind the text in quotes that begins here.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        at = plain_end(bytes, at);
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_finds_the_smallest_list_or_object_around_what_differs() {
        let item = |number, of| Inwards::Item { number, of };
        let table: [(&str, &str, &[Inwards<'_>], &str, &str); 7] = [
            (
                r#"{"a":1,"b":[{"c":"x"},{"c":"y","d":2},7]}"#,
                r#"{"a":1,"b":[{"c":"x"},{"c":"z","d":2},7]}"#,
                &[Inwards::Member("\"b\""), item(1, 3)],
                r#"{"c":"y","d":2}"#,
                r#"{"c":"z","d":2}"#,
            ),
            ("[1,2,3]", "[1,3]", &[], "[1,2,3]", "[1,3]"),
            (
                r#"{"a":{"x":1},"b":2}"#,
                r#"{"a":{"x":1,"y":[]},"b":2}"#,
                &[Inwards::Member("\"a\"")],
                r#"{"x":1}"#,
                r#"{"x":1,"y":[]}"#,
            ),
            (
                r#"[["]",{"\"}":[1]}],[]]"#,
                r#"[["]",{"\"}":[2]}],[]]"#,
                &[item(0, 2), item(1, 2), Inwards::Member(r#""\"}""#)],
                "[1]",
                "[2]",
            ),
            (
                // Two items for one: that is for the list to sort out.
                r"[[1],[2],[3]]",
                r"[[1],[5],[6],[3]]",
                &[item(1, 3)],
                "[2]",
                "[5],[6]",
            ),
            (
                r#"{"ab":1}"#,
                r#"{"ac":1}"#,
                &[],
                r#"{"ab":1}"#,
                r#"{"ac":1}"#,
            ),
            (
                r#"{"a":[],"b":[1]}"#,
                r#"{"a":[1],"b":[1]}"#,
                &[Inwards::Member("\"a\"")],
                "[]",
                "[1]",
            ),
        ];
        for (before, after, way, was, is) in table {
            let expected = Narrowed {
                way: way.to_vec(),
                before: was,
                after: is,
            };
            assert_eq!(narrow(before, after), Some(expected), "{before} {after}");
        }
    }

    #[test]
    fn narrow_finds_nothing_in_scalars_and_in_what_is_no_json() {
        let table = [
            ("1", "2"),
            ("\"a\"", "\"b\""),
            ("", "{}"),
            ("{\"a", "{\"b"),
            ("[1", "[2"),
            ("]]", "]}"),
            ("{}", "[]"),
            ("[1]}", "[2]}}"),
            ("\\", "\\\\"),
        ];
        for (before, after) in table {
            let found = narrow(before, after);
            let is_whole = found.as_ref().is_none_or(|found| found.way.is_empty());
            assert!(is_whole, "{before:?} {after:?}: {found:?}");
        }
    }

    #[test]
    fn long_texts_are_alike_up_to_the_byte_that_differs() {
        let long = "x".repeat(3 * BLOCK);
        for length in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7] {
            let before = format!("[\"{}\",1,\"{long}\"]", &long[..length]);
            let after = format!("[\"{}\",22,\"{long}\"]", &long[..length]);
            let differs = Differing::of(before.as_bytes(), after.as_bytes());
            assert_eq!(
                (differs.start, differs.end),
                (length + 4, length + 5),
                "the one digit, behind {length} bytes"
            );
        }
    }
}
