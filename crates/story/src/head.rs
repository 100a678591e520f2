//! The head of a story: what lists, boards and claims need to know of it, without its body. Pure.

use std::path::{Path, PathBuf};

use crate::claim::Claim;
use crate::document::Document;
use crate::moment::Moment;
use crate::status::Status;
use crate::value::Value;
use crate::workspace::{StoryCopy, StoryFile};
use crate::yaml::{Given, Line, plain_lines};

/// What lists, boards and claims need to know of a story.
///
/// Lenient, for other tools write these files too: a list or mapping in the place of a text counts as missing, a number or
/// truth value as the text that it is written with, and a single value as a list of one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// The `id`; where it is missing, the name of the story's folder, or of a legacy file without `.md` and number.
    pub id: String,
    /// The `slug`, else the file's name without `.md` and a leading number: the reference tool's rule, which calls every
    /// `story.md` without a slug `story`.
    pub slug: String,
    /// The `title`.
    pub title: Option<String>,
    /// The `status`, whatever it says; where it is missing `backlog`, or the legacy folder's.
    pub status: Status,
    /// The `priority`, lower first; never NaN. Where it is missing, the number that a legacy file's name begins with.
    pub priority: Option<f64>,
    /// The `type`.
    pub kind: Option<String>,
    /// The day of `created`, as text.
    pub created: Option<String>,
    /// The `labels`.
    pub labels: Vec<String>,
    /// The `epic`, with or without `epic-` before it.
    pub epic: Option<String>,
    /// The `assignee`.
    pub assignee: Option<String>,
    /// The ids in `dependencies`.
    pub dependencies: Vec<String>,
    /// Who claimed it.
    pub claimed_by: Option<String>,
    /// Until when, as text.
    pub claimed_until: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// Which copy of the story it is.
    pub copy: StoryCopy,
}

/// The keys that a head is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Slug,
    Title,
    Status,
    Priority,
    Type,
    Created,
    Labels,
    Epic,
    Assignee,
    Dependencies,
    ClaimedBy,
    ClaimedUntil,
}

impl Key {
    const ALL: [(Self, &str); 13] = [
        (Self::Id, "id"),
        (Self::Slug, "slug"),
        (Self::Title, "title"),
        (Self::Status, "status"),
        (Self::Priority, "priority"),
        (Self::Type, "type"),
        (Self::Created, "created"),
        (Self::Labels, "labels"),
        (Self::Epic, "epic"),
        (Self::Assignee, "assignee"),
        (Self::Dependencies, "dependencies"),
        (Self::ClaimedBy, "claimed_by"),
        (Self::ClaimedUntil, "claimed_until"),
    ];

    fn named(name: &str) -> Option<Self> {
        let named = |entry: &&(Self, &str)| entry.1 == name;
        Self::ALL.iter().find(named).map(|(key, _)| *key)
    }
}

/// The values behind the keys of a head.
#[derive(Debug, Default)]
struct Values([Option<Value>; Key::ALL.len()]);

impl Values {
    fn at(&mut self, key: Key) -> &mut Option<Value> {
        &mut self.0[key as usize]
    }

    fn text(&mut self, key: Key) -> Option<String> {
        self.at(key).take().and_then(text)
    }

    /// As [`Values::text`], but what is no single value counts as well: nobody's claim is overlooked.
    fn written(&mut self, key: Key) -> Option<String> {
        self.at(key).take().and_then(written)
    }

    fn texts(&mut self, key: Key) -> Vec<String> {
        match self.at(key).take() {
            Some(Value::List(items)) => items.into_iter().filter_map(written).collect(),
            single => single.and_then(written).into_iter().collect(),
        }
    }

    fn number(&mut self, key: Key) -> Option<f64> {
        match self.at(key).take()? {
            #[expect(clippy::cast_precision_loss, reason = "priorities are small")]
            Value::Int(int) => Some(int as f64),
            Value::Float(float) if !float.is_nan() => Some(float),
            _ => None,
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) | Value::Timestamp(text) => Some(text),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(value.to_json().to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Everything but null: a dependency that nobody can understand is not done either.
fn written(value: Value) -> Option<String> {
    match value {
        Value::List(_) | Value::Map(_) => Some(value.to_json().to_string()),
        value => text(value),
    }
}

impl Head {
    /// The head of a story that was read from `file`.
    pub fn of(story: &Document, file: &StoryFile) -> Self {
        let mut values = Values::default();
        for (key, name) in Key::ALL {
            *values.at(key) = story.get(name).ok().flatten();
        }
        Self::assemble(values, file)
    }

    /// The head in the text of a frontmatter that is plain enough to be read without a parser; `None`: it is not.
    pub(crate) fn of_plain(frontmatter: &str, file: &StoryFile) -> Option<Self> {
        let mut values = Values::default();
        let mut current = None;
        for line in plain_lines(frontmatter)? {
            match line? {
                Line::Entry { key, value, .. } => {
                    current = Key::named(key);
                    if let Some(key) = current {
                        *values.at(key) = Some(match value {
                            Given::Nothing => Value::Null,
                            Given::EmptyList => Value::List(Vec::new()),
                            Given::Single(single) => single.value(),
                        });
                    }
                }
                Line::Item { value, .. } => {
                    if let Some(key) = current {
                        push(values.at(key), value.value());
                    }
                }
            }
        }
        Some(Self::assemble(values, file))
    }

    /// The claim in it, live or expired; without its token, which a head does not have.
    pub fn claim(&self) -> Option<Claim> {
        let owner = self.claimed_by.clone().filter(|name| !name.is_empty())?;
        Some(Claim {
            owner,
            until: self.claimed_until.as_deref().and_then(Moment::parse),
            token: None,
        })
    }

    fn assemble(mut values: Values, file: &StoryFile) -> Self {
        let (number, bare) = numbered(&file.path);
        let legacy = match file.copy {
            StoryCopy::Legacy { folder } => Some(folder.name()),
            _ => None,
        };
        Self {
            id: values.text(Key::Id).unwrap_or_else(|| match legacy {
                Some(_) => bare.to_owned(),
                None => file.name.to_string_lossy().into_owned(),
            }),
            slug: values.text(Key::Slug).unwrap_or_else(|| bare.to_owned()),
            title: values.text(Key::Title),
            status: match values.text(Key::Status) {
                Some(word) => Status::from(word.as_str()),
                None => legacy.map_or(Status::Backlog, Status::from),
            },
            priority: values.number(Key::Priority).or_else(|| legacy.and(number)),
            kind: values.text(Key::Type),
            created: values.text(Key::Created),
            labels: values.texts(Key::Labels),
            epic: values.text(Key::Epic),
            assignee: values.text(Key::Assignee),
            dependencies: values.texts(Key::Dependencies),
            claimed_by: values.written(Key::ClaimedBy),
            claimed_until: values.written(Key::ClaimedUntil),
            path: file.path.clone(),
            copy: file.copy.clone(),
        }
    }
}

/// Adds an item to a list that begins as nothing.
fn push(list: &mut Option<Value>, item: Value) {
    match list {
        Some(Value::List(items)) => items.push(item),
        other => *other = Some(Value::List(vec![item])),
    }
}

/// A file's name without `.md`, parted into a leading `digits-` and the rest.
fn numbered(path: &Path) -> (Option<f64>, &str) {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    let name = name.unwrap_or_default();
    match name.split_once('-') {
        Some((digits, rest)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            match digits.parse() {
                Ok(number) => (Some(number), rest),
                Err(_) => (None, name),
            }
        }
        _ => (None, name),
    }
}

/// A story with nothing but an id and a status.
#[cfg(test)]
pub(crate) fn sample(id: &str, status: Status) -> Head {
    let file = StoryFile {
        path: Path::new("stories").join(id).join("story.md"),
        copy: StoryCopy::Main,
        name: id.into(),
    };
    Head {
        id: id.to_owned(),
        status,
        ..Head::assemble(Values::default(), &file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::LegacyFolder;

    fn file(path: &str, copy: StoryCopy) -> StoryFile {
        let path = PathBuf::from(path);
        let name = match copy {
            StoryCopy::Legacy { .. } => path.file_name(),
            _ => path.parent().and_then(Path::file_name),
        };
        let name = name.unwrap_or_default().to_owned();
        StoryFile { path, copy, name }
    }

    fn main_file() -> StoryFile {
        file("stories/S-0001/story.md", StoryCopy::Main)
    }

    fn full(frontmatter: &str, file: &StoryFile) -> Head {
        let text = format!("---\n{frontmatter}---\n");
        let story = Document::parse(text).expect("a story");
        Head::of(&story, file)
    }

    #[test]
    fn head_has_what_the_frontmatter_says() {
        let text = "id: S-0034\ntitle: 'A: b'\nslug: a-b\npriority: 20\nstatus: ready\ntype: bug\n\
                    created: '2026-01-15'\nupdated: x\nlabels:\n  - epic-x\n  - 7\nepic: x\nassignee: Ann\n\
                    dependencies:\n- S-0001\nclaimed_by: r1\nclaimed_until: '2026-01-15T10:00:00.000Z'\n";
        let head = full(text, &main_file());
        let expected = Head {
            id: "S-0034".to_owned(),
            slug: "a-b".to_owned(),
            title: Some("A: b".to_owned()),
            status: Status::Ready,
            priority: Some(20.0),
            kind: Some("bug".to_owned()),
            created: Some("2026-01-15".to_owned()),
            labels: vec!["epic-x".to_owned(), "7".to_owned()],
            epic: Some("x".to_owned()),
            assignee: Some("Ann".to_owned()),
            dependencies: vec!["S-0001".to_owned()],
            claimed_by: Some("r1".to_owned()),
            claimed_until: Some("2026-01-15T10:00:00.000Z".to_owned()),
            path: PathBuf::from("stories/S-0001/story.md"),
            copy: StoryCopy::Main,
        };
        assert_eq!(head, expected, "each field");
        assert_eq!(
            Head::of_plain(text, &main_file()),
            Some(expected),
            "without a parser too"
        );
    }

    #[test]
    fn head_takes_from_the_place_what_the_frontmatter_lacks() {
        let legacy = |path| {
            let folder = LegacyFolder::Done;
            file(path, StoryCopy::Legacy { folder })
        };
        let table = [
            (main_file(), ("S-0001", "story", "backlog", None)),
            (
                legacy("done/03-old-thing.md"),
                ("old-thing", "old-thing", "done", Some(3.0)),
            ),
            (legacy("done/plain.md"), ("plain", "plain", "done", None)),
            (legacy("done/x-1.md"), ("x-1", "x-1", "done", None)),
        ];
        for (file, (id, slug, status, priority)) in table {
            let head = full("title: x\n", &file);
            assert_eq!(head.id, id, "the id of {file:?}");
            assert_eq!(head.slug, slug, "the slug of {file:?}");
            assert_eq!(head.status.as_str(), status, "the status of {file:?}");
            assert_eq!(head.priority, priority, "the priority of {file:?}");
            assert_eq!(Head::of_plain("title: x\n", &file), Some(head), "{file:?}");
        }
    }

    #[test]
    fn head_is_lenient_about_types() {
        let table = [
            ("title: 42\n", Some("42")),
            ("title: 1.5\n", Some("1.5")),
            ("title: true\n", Some("true")),
            ("title: 2026-01-15\n", Some("2026-01-15")),
            ("title: ''\n", Some("")),
            ("title:\n", None),
            ("title: []\n", None),
            ("title:\n  - a\n", None),
        ];
        for (text, title) in table {
            let head = full(text, &main_file());
            assert_eq!(head.title.as_deref(), title, "{text:?}");
            assert_eq!(Head::of_plain(text, &main_file()), Some(head), "{text:?}");
        }
        let head = full(
            "labels: a\ndependencies: S-1\npriority: high\n",
            &main_file(),
        );
        assert_eq!(head.labels, ["a"], "one label is a list of one");
        assert_eq!(head.dependencies, ["S-1"], "no dependency is overlooked");
        assert_eq!(head.priority, None, "a word is no priority");
        let odd = full(
            "dependencies: [{a: 1}, null]\nclaimed_by: [r1]\n",
            &main_file(),
        );
        assert_eq!(odd.dependencies, ["{\"a\":1}"], "nor one that is odd");
        assert!(odd.claim().is_some(), "nor a claim");
        let nan = full("priority: .nan\n", &main_file());
        assert_eq!(nan.priority, None, "and what is no number neither");
    }
}
