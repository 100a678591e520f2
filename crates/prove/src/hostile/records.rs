//! Records that lie, that are damaged, or that carry what a terminal acts on.

use serde_json::{Value, json};

use crate::case::Tally;
use crate::context::Context;
use crate::hostile::crowd::{Age, Crowd, Holder};
use crate::hostile::ground::{Ground, record, write};
use crate::hostile::verbs::Verb;

/// How every record of version 1 begins.
pub const MAGIC: &[u8] = b"\n{\"sidecar-lock\":1,";
/// Members that hold a text.
const TEXT_MEMBERS: [&str; 7] = [
    "owner",
    "purpose",
    "host",
    "command",
    "acquired_at",
    "token",
    "boot_id",
];
/// Members that hold a number.
const NUMBER_MEMBERS: [&str; 7] = [
    "pid",
    "start_time",
    "pid_namespace",
    "stale_ms",
    "generation",
    "run_ns",
    "released",
];

/// Texts that a terminal would act on, or that break out of a line of JSON.
const TEXTS: [&str; 14] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "two\nlines",
    "error: all is well\r\nhint: none",
    "over\rwritten",
    "bell\u{7}back\u{8}\u{8}\u{8}",
    "\u{9b}31mred",
    "\u{202e}txet\u{202c}",
    "\u{2066}isolated\u{2069}\u{200f}\u{61c}",
    "\u{2028}line\u{2029}paragraph",
    "nul\u{0}del\u{7f}",
    "\",\"ok\":true,\"x\":\"",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{feff}\u{fffe}\u{e000}",
    "tab\tand\u{b}\u{c}\u{85}",
];

/// A record of a dead owner in which these members are others; it may be longer than a record.
fn altered(members: &[(&str, Value)]) -> Vec<u8> {
    let whole: Value = serde_json::from_slice(&record()).expect("a record is JSON");
    let mut whole = whole.as_object().expect("a record is an object").clone();
    whole.remove("sidecar-lock");
    let released = whole.remove("released").unwrap_or_default();
    for (name, value) in members {
        whole.insert((*name).to_owned(), value.clone());
    }
    let released = whole.remove("released").unwrap_or(released);
    let rest = Value::from(whole).to_string();
    let mut bytes = [MAGIC, format!("\"released\":{released},").as_bytes()].concat();
    bytes.extend_from_slice(&rest.as_bytes()[1..]);
    bytes.resize(bytes.len().max(511), b' ');
    bytes.push(b'\n');
    bytes
}

/// Texts of others in a record, dead and alive: people see them escaped, programs get them whole.
pub fn texts(context: &Context) -> Tally {
    let home = context.folder("hostile-texts");
    let mut tally = Tally::default();
    let mut records = Vec::new();
    for text in TEXTS {
        for member in TEXT_MEMBERS {
            records.push((
                format!("{member} {text:?}"),
                altered(&[(member, json!(text))]),
            ));
        }
    }
    Crowd::try_each(context, &home.join("crowd"), &records, Age::Now, &mut tally);
    let ground = Ground::new(context, &home.join("each"));
    let mut everywhere: Vec<Vec<u8>> = TEXTS
        .map(|text| altered(&TEXT_MEMBERS.map(|member| (member, json!(text)))))
        .to_vec();
    everywhere.push(without_utf8());
    for bytes in &everywhere {
        for (is_alive, verb) in [false, true]
            .into_iter()
            .flat_map(|is_alive| Verb::ALL.map(|verb| (is_alive, verb)))
        {
            let outcome = [true, false]
                .into_iter()
                .try_for_each(|as_json| seen_by(&ground, bytes, is_alive, verb, as_json));
            tally.point(outcome.map_err(|wrong| {
                let owner = if is_alive { "alive" } else { "dead" };
                let record = String::from_utf8_lossy(bytes);
                format!("{verb:?}, owner {owner}, {:?}: {wrong}", record.trim_end())
            }));
        }
    }
    tally
}

/// What a verb says when it meets this record.
fn seen_by(
    ground: &Ground,
    bytes: &[u8],
    is_alive: bool,
    verb: Verb,
    as_json: bool,
) -> Result<(), String> {
    ground.reset();
    write(&ground.sidecar, bytes);
    let holder = is_alive.then(|| Holder::of(&ground.sidecar));
    let run = verb.on(ground, "S-1");
    let ran = match (as_json, verb) {
        (true, _) => run.json().piped(),
        // Its input is a pipe, and its answers are JSON anyhow.
        (false, Verb::Apply) => return Ok(()),
        (false, _) => run.on_terminal(),
    };
    if !as_json {
        ran.check_terminal()?;
    }
    let expected: &[i32] = match (verb, is_alive) {
        (Verb::LockBreak, _) => &[5],
        (Verb::Doctor, false) => &[1],
        (verb, true) if verb.takes_lock() => &[4],
        _ => &[0],
    };
    ran.check_exit(expected)?;
    holder.map_or(Ok(()), |holder| holder.check())
}

/// A record whose host is no text at all.
fn without_utf8() -> Vec<u8> {
    let mut bytes = record();
    let host = b"build-3";
    let at = bytes.windows(host.len()).position(|part| part == host);
    let at = at.expect("the fixture names its host");
    bytes[at..at + host.len()].copy_from_slice(b"\xff\x1b[2J\xc3\xff");
    bytes
}

/// What a record says of its owner decides nothing: a dead one is replaced, a live one is not.
pub fn lies(context: &Context) -> Tally {
    let home = context.folder("hostile-lies");
    let mut tally = Tally::default();
    let records: Vec<_> = lying_members()
        .into_iter()
        .map(|members| (format!("{members:?}"), altered(&members)))
        .collect();
    for age in [Age::Now, Age::LongAgo, Age::Future] {
        Crowd::try_each(context, &home, &records, age, &mut tally);
    }
    tally
}

fn lying_members() -> Vec<Vec<(&'static str, Value)>> {
    let numbers = [
        json!(0),
        json!(1),
        json!(std::process::id()),
        json!(-1),
        json!(u32::MAX),
        json!(u64::from(u32::MAX) + 1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
        json!("1"),
        json!(null),
        json!([[[]]]),
    ];
    let times = [
        "9999-12-31T23:59:59.999Z",
        "-009999-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "99999999999999999999",
        "",
    ];
    let tokens = ["", "../../x", "0", &"f".repeat(400)];
    // A run of hand-overs that never ends, and a generation that cannot grow.
    let released = ("released", json!(1));
    let mut lies = vec![
        vec![released.clone(), ("run_ns", json!(u64::MAX))],
        vec![released, ("generation", json!(u64::MAX))],
    ];
    for member in NUMBER_MEMBERS {
        lies.extend(numbers.iter().map(|number| vec![(member, number.clone())]));
    }
    lies.extend(times.map(|time| vec![("acquired_at", json!(time))]));
    lies.extend(tokens.map(|token| vec![("token", json!(token))]));
    lies
}

/// Each byte of a record turned into another, one at a time, and the record cut at each length.
pub fn damage(context: &Context) -> Tally {
    let whole = record();
    let flips: &[u8] = if context.long {
        &[0x01, 0x80, 0xff, 0x04, 0x20]
    } else {
        &[0x01, 0x80]
    };
    let mut records = Vec::new();
    for at in 0..whole.len() {
        for flip in flips {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            records.push((format!("byte {at} ^ {flip:#x}"), bytes));
        }
    }
    for length in 0..whole.len() {
        records.push((format!("cut to {length} bytes"), whole[..length].to_vec()));
    }
    // Longer than it should be, by what is not even text.
    for more in [1, 512, 1 << 20] {
        let mut bytes = whole.clone();
        bytes.resize(whole.len() + more, 0xff);
        records.push((format!("{more} bytes more"), bytes));
    }
    let mut tally = Tally::default();
    let home = context.folder("hostile-damage");
    Crowd::try_each(context, &home, &records, Age::Now, &mut tally);
    tally
}
