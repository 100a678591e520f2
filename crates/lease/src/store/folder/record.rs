//! The file of one agent: from its bytes to leases, and back. Pure, but for finding out what other tools' paths mean.
//!
//! The top of the file is the schema that other tools read and write; what we know beyond it stands in the key `leases`. Where
//! the two differ, another tool has changed the top, and both count: there is never less protection than either view says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::entry::Entry;
use super::lists::{foreign_directory, foreign_file};
use super::members::Members;
use super::summary::Summary;
use super::times;
use crate::agent::Agent;
use crate::lease::{Lease, Mode};
use crate::pattern::Pattern;
use crate::project::Project;
use crate::project_path::PathError;
use crate::scope::Scope;

/// What is ours in a file, in the order in which a new one has it.
const KEYS: [&str; 7] = [
    "agent",
    "locked_at",
    "files",
    "directories",
    "task_description",
    "expires_at",
    "leases",
];

/// A file, read.
#[derive(Debug)]
pub(super) struct Record {
    /// The leases, in the order of the file; what other tools have added comes last.
    pub(super) leases: Vec<Lease>,
    /// What is not ours.
    pub(super) kept: Kept,
}

/// What a file holds beside leases, and keeps when it is written anew.
#[derive(Debug, Default, Clone)]
pub(super) struct Kept {
    /// The keys in their order; without a value where they are ours.
    members: Vec<(String, Option<Box<RawValue>>)>,
    /// Files and directories outside the project: they stand against nothing here.
    files: Vec<String>,
    directories: Vec<String>,
}

impl Kept {
    /// The keys whose order has to be kept: none where all are ours.
    fn order(&self) -> &[(String, Option<Box<RawValue>>)] {
        if self.members.iter().any(|(_, value)| value.is_some()) {
            &self.members
        } else {
            &[]
        }
    }
}

/// Reads the file of `agent`, or says what is wrong with it.
pub(super) fn parse(agent: &Agent, bytes: &[u8], project: &Project) -> Result<Record, String> {
    let members = Members::parse(bytes)?;
    let top = Top::read(&members)?;
    if top.agent != agent.as_str() {
        return Err(format!("it is the file of {:?}", top.agent));
    }
    let entries: Vec<Entry> = members.optional("leases")?.unwrap_or_default();
    let mut leases = Vec::with_capacity(entries.len());
    for entry in entries {
        leases.push(entry.lease(agent, project)?);
    }
    leases.retain(|lease| !lease.scope.is_empty());
    let mut kept = Kept::default();
    let scope = top
        .beyond(Summary::of(&leases), project, &mut kept)
        .map_err(|err| err.to_string())?;
    if !scope.is_empty() {
        leases.push(top.lease(agent, scope));
    }
    kept.members = in_order(members);
    Ok(Record { leases, kept })
}

fn in_order(members: Members) -> Vec<(String, Option<Box<RawValue>>)> {
    let members = members.0.into_iter();
    members
        .map(|(key, value)| {
            let is_ours = KEYS.contains(&key.as_str());
            (key, (!is_ours).then_some(value))
        })
        .collect()
}

/// What the schema knows.
struct Top {
    agent: String,
    locked_at: Timestamp,
    files: Vec<String>,
    directories: Vec<String>,
    task: Option<String>,
    expires_at: Timestamp,
}

impl Top {
    fn read(members: &Members) -> Result<Self, String> {
        let time = |key: &str| {
            let text: String = members.required(key)?;
            times::parse(&text).map_err(|err| format!("`{key}`: {err}"))
        };
        Ok(Self {
            agent: members.required("agent")?,
            locked_at: time("locked_at")?,
            files: members.required("files")?,
            directories: members.optional("directories")?.unwrap_or_default(),
            task: members.optional("task_description")?,
            expires_at: time("expires_at")?,
        })
    }

    /// What it says beyond our own leases: all of it where it says so for longer, else what is not among theirs.
    fn beyond(
        &self,
        summary: Option<Summary>,
        project: &Project,
        kept: &mut Kept,
    ) -> Result<Scope, PathError> {
        let holds_longer = summary.as_ref().is_none_or(|summary| {
            self.expires_at > summary.expires_at || self.locked_at > summary.locked_at
        });
        let (known_files, known_directories) = summary
            .map(|summary| (summary.files, summary.directories))
            .unwrap_or_default();
        let files = meant(&self.files, &known_files, |text| {
            foreign_file(text, project)
        })?;
        let directories = meant(&self.directories, &known_directories, |text| {
            foreign_directory(text, project)
        })?;
        kept.files.extend(files.outside);
        kept.directories.extend(directories.outside);
        let mut scope: Scope = files.new.into_iter().chain(directories.new).collect();
        if holds_longer {
            let known = files.known.into_iter().chain(directories.known);
            scope.extend(known.flat_map(Scope::patterns).cloned());
        }
        Ok(scope)
    }

    fn lease(self, agent: &Agent, scope: Scope) -> Lease {
        Lease {
            token: None,
            agent: agent.clone(),
            scope,
            mode: Mode::Exclusive,
            task: self.task,
            acquired_at: self.locked_at,
            renewed_at: self.locked_at,
            expires_at: self.expires_at,
            generation: 1,
            bound_to: None,
        }
    }
}

/// What the entries of a list mean.
#[derive(Default)]
struct Meant<'a> {
    /// What our own leases say as well.
    known: Vec<&'a Scope>,
    new: Vec<Pattern>,
    /// What lies outside the project, as it was written.
    outside: Vec<String>,
}

fn meant<'a>(
    texts: &[String],
    known: &'a BTreeMap<String, Scope>,
    read: impl Fn(&str) -> Result<Option<Pattern>, PathError>,
) -> Result<Meant<'a>, PathError> {
    let mut meant = Meant::default();
    for text in texts {
        if let Some(scope) = known.get(text) {
            meant.known.push(scope);
        } else if let Some(pattern) = read(text)? {
            meant.new.push(pattern);
        } else {
            meant.outside.push(text.clone());
        }
    }
    Ok(meant)
}

/// Writes the file of an agent that has these leases; `None` where it has none, and needs no file.
pub(super) fn render(agent: &Agent, leases: &[Lease], kept: &Kept) -> Option<Vec<u8>> {
    let summary = Summary::of(leases)?;
    let mut files: Vec<String> = summary.files.into_keys().collect();
    files.extend(kept.files.iter().cloned());
    let mut directories: Vec<String> = summary.directories.into_keys().collect();
    directories.extend(kept.directories.iter().cloned());
    let values = [
        Some(Value::Text(agent.to_string())),
        Some(Value::Text(format!("{:.0}", summary.locked_at))),
        Some(Value::Texts(files)),
        Some(Value::Texts(directories)),
        summary.task.map(Value::Text),
        Some(Value::Text(format!("{:.0}", summary.expires_at))),
        Some(Value::Leases(leases.iter().map(Entry::of).collect())),
    ];
    let mut ours: Vec<(&str, Option<Value<'_>>)> = KEYS.into_iter().zip(values).collect();
    let mut object = Object(Vec::with_capacity(KEYS.len() + kept.members.len()));
    for (key, value) in kept.order() {
        let value = match value {
            Some(value) => Some(Value::Foreign(value)),
            None => ours
                .iter_mut()
                .find(|(own, _)| own == key)
                .and_then(|(_, value)| value.take()),
        };
        object.0.extend(value.map(|value| (key.as_str(), value)));
    }
    let rest = ours.into_iter();
    object
        .0
        .extend(rest.filter_map(|(key, value)| value.map(|value| (key, value))));
    let mut bytes = serde_json::to_vec_pretty(&object).expect("texts and numbers are always JSON");
    bytes.push(b'\n');
    Some(bytes)
}

struct Object<'a>(Vec<(&'a str, Value<'a>)>);

impl Serialize for Object<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Text(String),
    Texts(Vec<String>),
    Leases(Vec<Entry>),
    Foreign(&'a RawValue),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use testkit::Sandbox;

    use super::*;
    use crate::lease::Token;
    use crate::sample::{agent, at, process, scope};

    fn project() -> (Sandbox, Project) {
        let sandbox = Sandbox::new();
        let project = Project::new(sandbox.path()).expect("it is there");
        (sandbox, project)
    }

    fn own(what: &str) -> Lease {
        Lease {
            token: Some(Token(7)),
            agent: agent("a"),
            scope: scope(what),
            mode: Mode::Shared,
            task: None,
            acquired_at: at(0),
            renewed_at: at(10),
            expires_at: at(100),
            generation: 2,
            bound_to: None,
        }
    }

    /// What is read after somebody has changed one text at the top into another.
    fn changed(lease: &Lease, from: &str, to: &str) -> Vec<Lease> {
        let (_sandbox, project) = project();
        let leases = std::slice::from_ref(lease);
        let bytes = render(&lease.agent, leases, &Kept::default()).expect("there is a lease");
        let text = String::from_utf8(bytes).expect("it is text");
        assert!(text.contains(from), "{from} stands in {text}");
        let text = text.replacen(from, to, 1);
        let record = parse(&lease.agent, text.as_bytes(), &project).expect("it can be read");
        record.leases
    }

    #[test]
    fn parse_counts_what_the_top_says_beyond_our_leases_and_nothing_else() {
        let lease = own("src/a.rs docs/ lib/*.c");
        let end = format!("{:.0}", lease.expires_at);
        let later = format!("{:.0}", at(200));
        let begin = format!("{:.0}", lease.acquired_at);
        let touched = format!("{:.0}", at(50));
        let all = "src/a.rs docs/ lib/*.c";
        let table: [(&str, &str, &str); 10] = [
            ("\"agent\"", "\"agent\"", ""),
            ("\"lib/*.c\",", "", ""),
            ("\"lib/*.c\",", "\"lib/*.c\", \"b.rs\",", "b.rs"),
            ("\"lib/*.c\",", "\"b/*.rs\",", "b/*.rs"),
            ("\"docs/\"", "\"docs/\", \"b\"", "b/"),
            ("\"docs/\"", "\"docs\"", "docs/"),
            (&end, &touched, ""),
            (&end, &later, all),
            (&begin, &touched, all),
            ("\"directories\": [", "\"dirs\": [", ""),
        ];
        for (from, to, beyond) in table {
            let mut leases = changed(&lease, from, to);
            let case = format!("{from} becomes {to}");
            assert_eq!(leases.remove(0), lease, "{case}: ours is what it was");
            let found: Scope = leases
                .iter()
                .flat_map(|lease| lease.scope.patterns().cloned())
                .collect();
            assert_eq!(found, scope(beyond), "{case}: what counts in addition");
            for lease in leases {
                assert_eq!(lease.token, None, "{case}: without a number");
                assert_eq!(lease.mode, Mode::Exclusive, "{case}: exclusively");
            }
        }
    }

    #[test]
    fn parse_does_not_take_a_name_for_a_glob_because_its_end_was_moved() {
        let mut lease = own("x");
        lease.scope = [Pattern::File(crate::sample::path("a*b"))]
            .into_iter()
            .collect();
        let end = format!("{:.0}", lease.expires_at);
        let leases = changed(&lease, &end, &format!("{:.0}", at(200)));
        assert_eq!(leases[1].scope, lease.scope, "a file whose name has a star");
    }

    #[test]
    fn render_says_no_less_than_it_was_told() {
        let mut lease = own("x");
        lease.acquired_at = "2026-01-02T03:04:05.6789Z".parse().expect("a time");
        lease.expires_at = lease.acquired_at;
        let bytes = render(&lease.agent, &[lease.clone()], &Kept::default()).expect("a lease");
        let text = String::from_utf8(bytes).expect("it is text");
        for expected in [
            r#""locked_at": "2026-01-02T03:04:05Z""#,
            r#""expires_at": "2026-01-02T03:04:06Z""#,
            r#""acquired_at": "2026-01-02T03:04:05.678Z""#,
            r#""expires_at": "2026-01-02T03:04:05.679Z""#,
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    fn leases() -> impl Strategy<Value = Vec<Lease>> {
        let names = prop::collection::vec("[a-cA-C*?{}\\[ äé.-]{1,3}(/[a-c]{1,2}/?)?", 1..4);
        let times = (0..4_000_000_i64, 0..4_000_000_i64, 0..4_000_000_i64);
        let one = (names, times, any::<bool>(), "[a-z\"\\\\\n]{0,4}");
        prop::collection::vec(one, 1..4).prop_map(|leases| {
            let ms = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).expect("a time");
            let leases = leases.into_iter().zip(1..);
            leases
                .map(|((names, (a, b, c), is_shared, task), token)| Lease {
                    token: Some(Token(token)),
                    agent: agent("a"),
                    scope: names.iter().map(|name| pattern(name)).collect(),
                    mode: if is_shared {
                        Mode::Shared
                    } else {
                        Mode::Exclusive
                    },
                    task: (!task.is_empty()).then_some(task),
                    acquired_at: ms(a),
                    renewed_at: ms(b),
                    expires_at: ms(c),
                    generation: token + 1,
                    bound_to: is_shared.then(|| process(17)),
                })
                .collect()
        })
    }

    /// Names with special characters are globs where they can be, or names.
    fn pattern(name: &str) -> Pattern {
        let parts = || {
            name.split('/')
                .filter(|part| !matches!(*part, "" | "." | ".."))
        };
        let text = parts().collect::<Vec<_>>().join("/");
        match crate::glob::Glob::from_clean(&text) {
            Ok(glob) if name.contains(['*', '{']) => Pattern::Glob(glob),
            _ if name.ends_with('/') => Pattern::Directory(crate::sample::path(&text)),
            _ => Pattern::File(crate::sample::path(&text)),
        }
    }

    #[test]
    fn parse_reads_what_render_has_written() {
        let (_sandbox, project) = project();
        proptest!(|(leases in leases())| {
            let bytes = render(&agent("a"), &leases, &Kept::default()).expect("there are leases");
            let record = parse(&agent("a"), &bytes, &project);
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(record.is_ok(), "it can be read: {record:?} {text}");
            let record = record.expect("it was looked at");
            prop_assert_eq!(&record.leases, &leases, "all of it, and no more: {}", text);
            let again = render(&agent("a"), &record.leases, &record.kept);
            prop_assert_eq!(again.expect("there are leases"), bytes, "to the byte");
        });
    }
}
