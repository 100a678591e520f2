//! The text of a merged frontmatter: the bytes of `ours`, with those of `theirs` where only they changed an entry. Pure.
//!
//! Whole entries are put together as text, then each value is compared with the one that the rules demand; what is not
//! right yet is set by a lossless edit. So text decides about comments and layout, never about values.

use super::Conflict;
use super::body::{Left, weave};
use super::values::{entries_of, equal, equal_or_missing, value_in};
use crate::document::Document;
use crate::path::{Step, display};
use crate::value::Value;
use crate::yaml::{Piece, Pieces};

/// Writes the wanted values into `ours`, and says what could not be written or kept.
///
/// `versions` are base, ours and theirs.
pub(super) fn merge(
    versions: [Option<&Document>; 3],
    ours: &Document,
    wanted: &[(String, Value)],
) -> (Document, Vec<Conflict>) {
    let mut lost = Vec::new();
    let woven =
        weave_pieces(versions, wanted, &mut lost).and_then(|yaml| ours.with_frontmatter(&yaml));
    if let Some(mut story) = woven
        && settle(&mut story, wanted).is_empty()
    {
        let inside = |piece: &Piece| piece.text.to_owned();
        lost.extend(lost_lines(versions, &story, inside));
        return (story, lost);
    }
    let mut story = ours.clone();
    let unwritten = settle(&mut story, wanted);
    let [base, _, theirs] = versions.map(|version| version.map_or_else(Vec::new, entries_of));
    let ours = entries_of(ours);
    // Nothing of theirs was woven in: no comment, wherever it stands.
    let whole = |piece: &Piece| [piece.above, piece.text, piece.beside].concat();
    let mut conflicts = lost_lines(versions, &story, whole);
    conflicts.extend(lost_rest(versions, &story));
    conflicts.extend(unwritten.into_iter().map(|key| Conflict::Field {
        path: display(&[Step::Key(key.clone())]),
        base: value_in(&base, &key).cloned(),
        ours: value_in(&ours, &key).cloned(),
        theirs: value_in(&theirs, &key).cloned(),
    }));
    (story, conflicts)
}

/// Sets what is not as it should be, and returns the keys for which that was not possible.
fn settle(story: &mut Document, wanted: &[(String, Value)]) -> Vec<String> {
    let is = entries_of(story);
    set_entries(story, &mut Vec::new(), &is, wanted);
    for (key, value) in wanted {
        let path = display(&[Step::Key(key.clone())]);
        if story.get(&path).ok().flatten().is_none() {
            story.set(&path, value.clone()).ok();
        }
    }
    let is = entries_of(story);
    let keys = is.iter().chain(wanted).map(|(key, _)| key);
    let mut unwritten: Vec<String> = keys
        .filter(|key| !equal_or_missing(value_in(&is, key), value_in(wanted, key)))
        .cloned()
        .collect();
    unwritten.dedup();
    unwritten
}

/// Sets a value with as few changed bytes as there are edits for. What fails is seen by whoever compares.
fn set(story: &mut Document, path: &mut Vec<Step>, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Map(old), Value::Map(new)) => set_entries(story, path, old, new),
        (Value::List(old), Value::List(new)) => set_items(story, path, old, new),
        _ => {}
    }
    let name = display(path);
    let is_set = |story: &Document| story.get(&name).ok()?.map(|is| equal(&is, new));
    if is_set(story) != Some(true) {
        story.set(&name, new.clone()).ok();
    }
}

fn set_entries(
    story: &mut Document,
    path: &mut Vec<Step>,
    old: &[(String, Value)],
    new: &[(String, Value)],
) {
    for (key, old) in old {
        path.push(Step::Key(key.clone()));
        match value_in(new, key) {
            None => drop(story.unset(&display(path))),
            Some(new) if !equal(old, new) => set(story, path, old, new),
            Some(_) => {}
        }
        path.pop();
    }
}

fn set_items(story: &mut Document, path: &mut Vec<Step>, old: &[Value], new: &[Value]) {
    for (at, (old, new)) in old.iter().zip(new).enumerate() {
        if let (Value::Map(_), Value::Map(_)) = (old, new)
            && !equal(old, new)
        {
            path.push(Step::Index(at));
            set(story, path, old, new);
            path.pop();
        }
    }
    let is_single = |item: &Value| !matches!(item, Value::Map(_) | Value::List(_));
    for gone in old.iter().filter(|item| is_single(item)) {
        if !new.iter().any(|item| equal(item, gone)) {
            story.remove_from_set(&display(path), gone).ok();
        }
    }
}

/// Puts the entries together as text. `None`: one of the versions cannot be cut into entries.
fn weave_pieces(
    versions: [Option<&Document>; 3],
    wanted: &[(String, Value)],
    lost: &mut Vec<Conflict>,
) -> Option<String> {
    let mut cut = Vec::with_capacity(3);
    for version in versions {
        cut.push(match version {
            Some(story) => story.pieces()?,
            None => Pieces::default(),
        });
    }
    let [base, ours, theirs] = cut.as_slice() else {
        return None;
    };
    let mut yaml = String::new();
    for name in order(base, ours, theirs) {
        if value_in(wanted, name).is_some() {
            let pieces = [base.get(name), ours.get(name), theirs.get(name)];
            yaml.push_str(&weave_piece(name, pieces, lost));
        }
    }
    yaml.push_str(&weave_comments(
        "",
        [base.rest, ours.rest, theirs.rest],
        lost,
    ));
    Some(yaml)
}

/// The keys as they stand in `ours`; a new one of `theirs` comes behind the key that it follows there, and behind what
/// `ours` has put in that place.
fn order<'a>(base: &Pieces<'a>, ours: &Pieces<'a>, theirs: &Pieces<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> = ours.entries.iter().map(|piece| piece.name).collect();
    let mut before = None;
    for piece in &theirs.entries {
        if !names.contains(&piece.name) {
            let mut at = before.map_or(0, |name| {
                names
                    .iter()
                    .position(|other| *other == name)
                    .map_or(names.len(), |at| at + 1)
            });
            while names
                .get(at)
                .is_some_and(|name| base.get(name).is_none() && theirs.get(name).is_none())
            {
                at += 1;
            }
            names.insert(at, piece.name);
        }
        before = Some(piece.name);
    }
    names
}

/// One entry that the merged story has.
fn weave_piece(name: &str, pieces: [Option<&Piece>; 3], lost: &mut Vec<Conflict>) -> String {
    let (base, ours, theirs) = match pieces {
        [base, Some(ours), Some(theirs)] => (base, ours, theirs),
        // Only one side has it: new there, or changed there and removed on the other, which is a conflict of values.
        [_, ours, theirs] => {
            let piece = ours.or(theirs);
            return piece.map_or_else(String::new, |piece| [piece.above, piece.text].concat());
        }
    };
    let of_base = |part: for<'a> fn(&Piece<'a>) -> &'a str| {
        base.map_or_else(String::new, |piece| part(piece).to_owned())
    };
    let above = [&of_base(|piece| piece.above), ours.above, theirs.above];
    let mut yaml = weave_comments(name, above, lost);
    // What both have only now would stand there twice.
    let past = base.map_or(theirs.text, |piece| piece.text);
    let (mut text, _) = weave(past, ours.text, theirs.text);
    let beside = of_base(|piece| piece.beside);
    if theirs.beside != beside && theirs.beside != ours.beside {
        let is_line = |piece: &Piece| piece.text.lines().count() == 1;
        if ours.beside == beside && is_line(ours) && is_line(theirs) {
            // The value is set afterwards, and that leaves the comment alone.
            theirs.text.clone_into(&mut text);
        } else if ours.beside != beside || !text.contains(theirs.beside) {
            lost.push(comment(name, ours.beside, theirs.beside));
        }
    }
    yaml.push_str(&text);
    yaml
}

fn weave_comments(name: &str, versions: [&str; 3], lost: &mut Vec<Conflict>) -> String {
    let [base, ours, theirs] = versions;
    let (text, left) = weave(base, ours, theirs);
    if left == Left::SomeOfTheirs {
        lost.push(comment(name, ours.trim_end(), theirs.trim_end()));
    }
    text
}

fn comment(key: &str, ours: &str, theirs: &str) -> Conflict {
    Conflict::Comment {
        key: key.to_owned(),
        ours: ours.to_owned(),
        theirs: theirs.to_owned(),
    }
}

/// Comments that are new in what `part` takes of an entry of `theirs`, and missing in the result.
fn lost_lines(
    versions: [Option<&Document>; 3],
    story: &Document,
    part: impl Fn(&Piece) -> String,
) -> Vec<Conflict> {
    let Some(pieces) = versions[2].and_then(Document::pieces) else {
        return Vec::new();
    };
    let fields = story.fields();
    let kept = pieces.entries.iter();
    kept.filter(|piece| fields.contains(&piece.name))
        .flat_map(|piece| lost_of(versions, story, piece.name, &part(piece)))
        .collect()
}

/// The same of the lines behind the last entry.
fn lost_rest(versions: [Option<&Document>; 3], story: &Document) -> Vec<Conflict> {
    let rest = versions[2].and_then(Document::pieces);
    rest.map_or_else(Vec::new, |pieces| lost_of(versions, story, "", pieces.rest))
}

/// Comments in `text`, which is of `theirs`, that neither the base nor the result has.
fn lost_of(
    versions: [Option<&Document>; 3],
    story: &Document,
    key: &str,
    text: &str,
) -> Vec<Conflict> {
    let base = versions[0].map_or("", Document::frontmatter);
    let merged = story.frontmatter();
    let has = |text: &str, line: &str| text.lines().any(|other| other.trim_end().ends_with(line));
    let lines = text.lines().map(str::trim);
    let comments = lines.filter(|line| line.starts_with('#'));
    let missing = comments.filter(|line| !has(base, line) && !has(merged, line));
    missing.map(|line| comment(key, "", line)).collect()
}
