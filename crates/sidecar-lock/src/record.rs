//! The 512-byte record in a sidecar: strict writer, tolerant reader. Pure.
//!
//! Byte 0 is a newline (Windows locks that byte, so the rest stays readable), then one JSON object
//! padded with spaces, then a newline. The first two members stand at fixed places: the magic, and
//! `released`, which the hand-over flips by writing one byte.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::holder::Holder;

/// The size of a record in bytes (SL1).
pub(crate) const SIZE: usize = 512;
/// Where `released` has its one digit.
pub(crate) const RELEASED_AT: u64 = (PREFIX.len() - 2) as u64;

const FAMILY: &[u8] = b"\n{\"sidecar-lock\":";
const MAGIC: &[u8] = b"\n{\"sidecar-lock\":1,";
const PREFIX: &str = "\n{\"sidecar-lock\":1,\"released\":0,";
/// A text longer than this is cut before the record is laid out (chosen: three of them fit).
const LONGEST_TEXT: usize = 64;

/// What a record of this version says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) holder: Holder,
    /// The owner released it and left the sidecar to a waiter.
    pub(crate) released: bool,
    /// When the sidecar was published, as time since boot: how long it has passed from hand to hand.
    pub(crate) run_started: Duration,
}

/// What a file at a sidecar's place holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Contents {
    /// A record of this version.
    Ours(Box<Record>),
    /// Our magic or our mark, but the rest cannot be read (a write in progress, a power cut, or damage).
    OursUnreadable,
    /// Anything else: another tool's file, or a later version, which is never adopted.
    NotOurs,
}

#[derive(Serialize)]
struct Members<'a> {
    token: &'a str,
    pid: u32,
    start_time: u64,
    boot_id: &'a str,
    pid_namespace: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a Option<String>>,
    acquired_at: &'a str,
    stale_ms: u64,
    generation: u64,
    run_ns: u64,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// What becomes of texts that are empty, or that the caller did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Written,
    /// For want of room.
    LeftOut,
}

impl Record {
    /// Lays the record out. Members that callers added go, last first, until the record would fit without any text; then texts
    /// are cut, on a character boundary, until it fits with them. The record itself is changed to what was written.
    pub(crate) fn lay_out(&mut self) -> [u8; SIZE] {
        for text in self.texts() {
            cut(text, LONGEST_TEXT);
        }
        let mut json = self.members_json(Empty::Written);
        if overflow(&json) > 0 {
            json = self.fit();
        }
        let mut bytes = [b' '; SIZE];
        bytes[..PREFIX.len()].copy_from_slice(PREFIX.as_bytes());
        bytes[PREFIX.len()..PREFIX.len() + json.len() - 1].copy_from_slice(&json.as_bytes()[1..]);
        if self.released {
            bytes[PREFIX.len() - 2] = b'1';
        }
        bytes[SIZE - 1] = b'\n';
        bytes
    }

    fn fit(&mut self) -> String {
        self.drop_members();
        loop {
            let json = self.members_json(Empty::Written);
            let overflow = overflow(&json);
            if overflow == 0 {
                return json;
            }
            if !self.shrink(overflow) {
                let holder = &mut self.holder;
                for text in [&mut holder.owner, &mut holder.command, &mut holder.purpose] {
                    *text = None;
                }
                return self.members_json(Empty::LeftOut);
            }
        }
    }

    fn members_json(&self, empty: Empty) -> String {
        let holder = &self.holder;
        let is_shown = |text: &str| empty == Empty::Written || !text.is_empty();
        let shown = |text| {
            Some(text)
                .filter(|text: &&Option<String>| is_shown(text.as_deref().unwrap_or_default()))
        };
        serde_json::to_string(&Members {
            token: &holder.token,
            pid: holder.pid,
            start_time: holder.start_time,
            boot_id: &holder.boot_id,
            pid_namespace: holder.pid_namespace,
            host: Some(holder.host.as_str()).filter(|host| is_shown(host)),
            owner: shown(&holder.owner),
            command: shown(&holder.command),
            purpose: shown(&holder.purpose),
            acquired_at: &holder.acquired_at,
            stale_ms: holder.stale_ms,
            generation: holder.generation,
            run_ns: u64::try_from(self.run_started.as_nanos()).unwrap_or(u64::MAX),
            extra: &holder.extra,
        })
        .expect("a record has string keys only, so it always serialises")
    }

    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let holder = &mut self.holder;
        [
            Some(&mut holder.host),
            holder.owner.as_mut(),
            holder.command.as_mut(),
            holder.purpose.as_mut(),
        ]
        .into_iter()
        .flatten()
    }

    /// Leaves out what would not fit even if every text were cut away.
    fn drop_members(&mut self) {
        let mut bare = self.clone();
        for text in bare.texts() {
            text.clear();
        }
        while overflow(&bare.members_json(Empty::LeftOut)) > 0 {
            let Some(last) = bare.holder.extra.keys().next_back().cloned() else {
                break;
            };
            bare.holder.extra.remove(&last);
        }
        self.holder.extra = bare.holder.extra;
    }

    /// Cuts the longest text by at least one byte; `false`: all of them are empty.
    fn shrink(&mut self, overflow: usize) -> bool {
        let longest = self.texts().max_by_key(|text| text.len());
        match longest {
            Some(text) if !text.is_empty() => {
                let target = text.len().saturating_sub(overflow);
                cut(text, target);
                true
            }
            _ => false,
        }
    }
}

/// How many bytes too long the members are. One of theirs is the opening brace, which the prefix already has; the last byte
/// of a record is a newline.
fn overflow(json: &str) -> usize {
    (PREFIX.len() + json.len() - 1 + 1).saturating_sub(SIZE)
}

/// Cuts `text` to at most `limit` bytes on a character boundary.
fn cut(text: &mut String, limit: usize) {
    text.truncate(text.floor_char_boundary(limit));
}

/// Reads what stands in a sidecar. `bytes` may be shorter or longer than a record.
pub(crate) fn parse(bytes: &[u8]) -> Contents {
    if !bytes.starts_with(MAGIC) {
        return Contents::NotOurs;
    }
    let record = bytes.get(1..).unwrap_or_default();
    let record = &record[..record.len().min(SIZE - 1)];
    match serde_json::from_slice::<Map<String, Value>>(record) {
        Ok(members) => read_members(members).map_or(Contents::OursUnreadable, |record| {
            Contents::Ours(Box::new(record))
        }),
        Err(_) => Contents::OursUnreadable,
    }
}

/// The same for a file that may be marked as made by this protocol, whatever it holds.
///
/// Its name reaches the disk before its bytes do. After a power cut it may be empty, or read as zeros.
pub(crate) fn parse_of(bytes: &[u8], is_marked: bool) -> Contents {
    match parse(bytes) {
        Contents::NotOurs if is_marked && bytes.iter().all(|byte| *byte == 0) => {
            Contents::OursUnreadable
        }
        contents => contents,
    }
}

/// Whether the bytes of a file begin as a lock of this protocol does, in any version and whatever the file is called.
///
/// ```
/// assert!(sidecar_lock::is_record(b"\n{\"sidecar-lock\":1,\"released\":0}"));
/// assert!(!sidecar_lock::is_record(b"# This file is automatically @generated by Cargo.\n"));
/// ```
pub fn is_record(bytes: &[u8]) -> bool {
    is_family(bytes)
}

/// Whether the bytes are a record of this protocol in any version.
pub(crate) fn is_family(bytes: &[u8]) -> bool {
    bytes.starts_with(FAMILY)
}

fn read_members(mut members: Map<String, Value>) -> Option<Record> {
    let mut text = |key: &str| match members.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let token = text("token")?;
    let (boot_id, host) = (text("boot_id"), text("host"));
    let (owner, command, purpose) = (text("owner"), text("command"), text("purpose"));
    let acquired_at = text("acquired_at");
    let mut number = |key: &str| members.remove(key).and_then(|value| value.as_u64());
    let pid = number("pid").and_then(|pid| u32::try_from(pid).ok())?;
    let (start_time, pid_namespace) = (number("start_time"), number("pid_namespace"));
    let (stale_ms, generation) = (number("stale_ms"), number("generation"));
    let (run_ns, released) = (number("run_ns"), number("released"));
    members.remove("sidecar-lock");
    Some(Record {
        holder: Holder {
            token,
            pid,
            start_time: start_time.unwrap_or_default(),
            boot_id: boot_id.unwrap_or_default(),
            pid_namespace: pid_namespace.unwrap_or_default(),
            host: host.unwrap_or_default(),
            owner,
            command,
            purpose,
            acquired_at: acquired_at.unwrap_or_default(),
            stale_ms: stale_ms.unwrap_or_default(),
            generation: generation.unwrap_or_default(),
            extra: members,
        },
        released: released == Some(1),
        run_started: Duration::from_nanos(run_ns.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            holder: Holder {
                token: "0123456789abcdef0123456789abcdef".into(),
                pid: 4711,
                start_time: 123_456,
                boot_id: "2f0cf2c5-2d4a-4a2b-8c63-4c1d4f3c9b1e".into(),
                pid_namespace: 4_026_531_836,
                host: "build-3".into(),
                owner: Some("runner 2".into()),
                command: Some("story set".into()),
                purpose: None,
                acquired_at: "2026-01-12T10:00:00.000Z".into(),
                stale_ms: 5000,
                generation: 7,
                extra: Map::new(),
            },
            released: false,
            run_started: Duration::from_nanos(1_234_567_890),
        }
    }

    #[test]
    fn record_reads_back_as_written() {
        let mut written = record();
        let bytes = written.lay_out();
        assert_eq!(bytes[0], b'\n', "byte 0 is the one that Windows locks");
        assert_eq!(bytes[SIZE - 1], b'\n', "the file ends with a newline");
        assert_eq!(
            parse(&bytes),
            Contents::Ours(Box::new(written)),
            "nothing is lost on the way"
        );
    }

    #[test]
    fn released_flips_with_one_byte() {
        let mut bytes = record().lay_out();
        bytes[usize::try_from(RELEASED_AT).unwrap()] = b'1';
        let Contents::Ours(read) = parse(&bytes) else {
            panic!("still a record")
        };
        assert!(read.released, "the byte at RELEASED_AT is the member");
    }

    #[test]
    fn long_and_escaped_texts_are_cut_on_a_character_boundary() {
        for text in [
            "x".repeat(4000),
            "ü€🚀".repeat(500),
            "\u{1}\"\\".repeat(400),
        ] {
            let mut long = record();
            long.holder.owner = Some(text.clone());
            long.holder.command = Some(text.clone());
            long.holder.purpose = Some(text.clone());
            long.holder.host = text;
            long.holder.extra.insert("task_id".into(), "T-1".into());
            let bytes = long.lay_out();
            let Contents::Ours(read) = parse(&bytes) else {
                panic!("a cut record is still readable")
            };
            assert_eq!(*read, long, "the record knows what was written");
            assert_eq!(
                read.holder.extra["task_id"], "T-1",
                "texts are cut before members are dropped"
            );
        }
    }

    /// What the task runner adds, at its longest, beside the largest numbers that a machine comes to: they must never be
    /// dropped.
    #[test]
    fn the_longest_name_of_a_task_and_its_time_fit_beside_the_longest_of_all_else() {
        let mut full = record();
        full.holder.pid = 1 << 22; // PID_MAX_LIMIT, proc(5)
        full.holder.start_time = 99_999_999_999; // ticks: 31 years
        full.holder.pid_namespace = u64::from(u32::MAX); // inodes of namespaces have 32 bits
        full.holder.stale_ms = 31_536_000_000; // a year
        full.holder.generation = 999_999;
        full.run_started = Duration::from_hours(24 * 365 * 31);
        for text in full.texts() {
            *text = "\u{1}\"".repeat(100);
        }
        let task = "\"\\".repeat(32);
        let timestamp = "2026-01-12T10:00:00.000Z";
        full.holder
            .extra
            .insert("task_id".into(), task.as_str().into());
        full.holder
            .extra
            .insert("timestamp".into(), timestamp.into());
        let bytes = full.lay_out();
        let Contents::Ours(read) = parse(&bytes) else {
            panic!("a full record is still readable")
        };
        assert_eq!(read.holder.extra["task_id"], task, "64 escaped bytes");
        assert_eq!(read.holder.extra["timestamp"], timestamp, "and the time");
        assert_eq!(*read, full, "the record knows what was written");
        full.holder
            .extra
            .insert("more".into(), "x".repeat(80).into());
        full.lay_out();
        assert_eq!(
            full.holder.extra.keys().collect::<Vec<_>>(),
            ["task_id", "timestamp"],
            "the last member goes first"
        );
    }

    #[test]
    fn extra_members_that_do_not_fit_are_left_out_and_cost_no_text() {
        let mut big = record();
        big.holder
            .extra
            .insert("note".into(), "n".repeat(600).into());
        let bytes = big.lay_out();
        assert!(
            matches!(parse(&bytes), Contents::Ours(_)),
            "the record itself survives"
        );
        assert!(
            big.holder.extra.is_empty(),
            "the member is dropped, not torn"
        );
        assert_eq!(big.holder.owner, record().holder.owner, "texts stay whole");
    }

    #[test]
    fn reader_is_tolerant_and_never_adopts_what_is_not_ours() {
        let whole = record().lay_out();
        let cases: [(&str, &[u8], bool); 8] = [
            ("empty", b"", false),
            ("a pid file", b"4711\n", false),
            ("json without our magic", b"\n{\"pid\":1}", false),
            (
                "a later version",
                b"\n{\"sidecar-lock\":2,\"token\":\"x\"}",
                false,
            ),
            (
                "version 10",
                b"\n{\"sidecar-lock\":10,\"token\":\"x\"}",
                false,
            ),
            ("magic only", MAGIC, true),
            ("cut in the middle", &whole[..200], true),
            (
                "deeply nested",
                b"\n{\"sidecar-lock\":1,\"x\":[[[[[[[[",
                true,
            ),
        ];
        for (name, bytes, ours) in cases {
            let expected = if ours {
                Contents::OursUnreadable
            } else {
                Contents::NotOurs
            };
            assert_eq!(parse(bytes), expected, "{name}");
        }
    }

    #[test]
    fn a_marked_file_without_a_byte_of_text_is_a_record_that_a_power_cut_has_taken() {
        for (bytes, is_marked, ours) in [
            (&b""[..], true, true),
            (&[0; SIZE], true, true),
            (b"", false, false),
            (&[0; SIZE], false, false),
            (b"4711\n", true, false),
            (b"\n{\"sidecar-lock\":2,\"token\":\"x\"}", true, false),
        ] {
            let expected = if ours {
                Contents::OursUnreadable
            } else {
                Contents::NotOurs
            };
            assert_eq!(
                parse_of(bytes, is_marked),
                expected,
                "{bytes:?}, marked: {is_marked}"
            );
        }
    }

    #[test]
    fn unknown_members_and_trailing_bytes_do_not_hide_the_record() {
        let mut bytes = record().lay_out().to_vec();
        bytes.extend_from_slice(b"appended by a vandal");
        assert!(
            matches!(parse(&bytes), Contents::Ours(_)),
            "only the first 512 bytes count"
        );
    }
}
