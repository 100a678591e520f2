use std::time::Duration;

use super::*;

const NOON: &str = "2026-03-04T12:00:00.000Z";
const TOKEN: &str = "a000000000000001";

fn noon() -> Moment {
    Moment::parse(NOON).expect("an instant")
}

fn story(fields: &str) -> Document {
    Document::parse(format!("---\nid: S-1\n{fields}---\n\nbody\n")).expect("a story")
}

fn terms(owner: &str, takes: Takes) -> Terms {
    Terms {
        owner: Owner::new(owner).expect("a name"),
        lease: Lease::default(),
        token: Token::new([0, 0, 0, 0, 0, 0, 0, 1]),
        takes,
    }
}

fn text(story: &Document) -> &str {
    story.as_str().expect("stories here are text")
}

fn held(until: &str) -> String {
    format!("status: ready\nclaimed_by: ann\nclaimed_until: '{until}'\nclaim_token: b1\n")
}

#[test]
fn claim_adds_three_keys_and_nothing_else() {
    let mut story = story("status: ready # now\nlabels: [a]\nupdated: '2026-01-01'\n");
    let claimed = claim(&mut story, &terms("bob", Takes::Ready), noon(), |_| None)
        .expect("it is ready and free");
    let expected = format!(
        "---\nid: S-1\nstatus: ready # now\nlabels: [a]\nupdated: '2026-01-01'\nclaimed_by: bob\n\
         claimed_until: '2026-03-04T12:30:00.000Z'\nclaim_token: {TOKEN}\n---\n\nbody\n"
    );
    assert_eq!(text(&story), expected, "all else stays, `updated` too");
    assert_eq!(claimed.took_over, None, "nobody had it");
    assert_eq!(
        Claim::of(&story),
        Some(claimed.claim),
        "it is read as it was told"
    );
}

/// Claims for bob; `refused` are words of the refusal.
fn assert_claim(fields: &str, takes: Takes, refused: Option<&str>) {
    let mut story = story(fields);
    let before = story.clone();
    let outcome = claim(&mut story, &terms("bob", takes), noon(), |_| None);
    let Some(words) = refused else {
        let claimed = outcome.unwrap_or_else(|err| panic!("{fields:?} can be claimed: {err}"));
        let had = Claim::of(&before);
        assert_eq!(claimed.took_over, had, "what it took over from {fields:?}");
        return;
    };
    let err = outcome.expect_err("it must be refused").to_string();
    assert!(err.contains(words), "{fields:?} with {takes:?}: {err}");
    assert_eq!(story, before, "a refusal changes nothing in {fields:?}");
}

#[test]
fn claim_obeys_earlier_claims() {
    let table = [
        ("", None),
        (
            "claimed_by: ann\nclaimed_until: '2026-03-04T12:00:00.000Z'\n",
            None,
        ),
        (
            "claimed_by: ann\nclaimed_until: '2026-03-04T12:00:00.001Z'\n",
            Some("claimed by \"ann\" until 2026-03-04T12:00:00.001Z"),
        ),
        ("claimed_by: bob\n", Some("claimed already by \"bob\"")),
        ("claimed_by: ann\n", Some("\"ann\" without an end")),
        ("claimed_by: 7\n", Some("claimed by \"7\"")),
        (
            "claimed_by: ann\nclaimed_until: soon\n",
            Some("without an end"),
        ),
        (
            "claimed_by: ann\nclaimed_until: 2026-03-04T11:00:00Z\n",
            None,
        ),
        ("claimed_by:\nclaimed_until: '2999-01-01T00:00:00Z'\n", None),
        ("claimed_by: ''\n", None),
    ];
    for (earlier, refused) in table {
        let fields = format!("status: ready\n{earlier}");
        assert_claim(&fields, Takes::Ready, refused);
    }
}

#[test]
fn claim_obeys_the_status() {
    use Takes::{Ready, ReadyOrAbandoned, ReadyOrInProgress};
    let live = "claimed_by: ann\nclaimed_until: '2026-03-04T12:00:00.001Z'\n";
    let ended = "claimed_by: ann\nclaimed_until: '2026-03-04T12:00:00.000Z'\n";
    let table = [
        ("in-progress", "", Ready, Some("its status is in-progress")),
        (
            "in-progress",
            ended,
            Ready,
            Some("its status is in-progress"),
        ),
        (
            "in-progress",
            "",
            ReadyOrAbandoned,
            Some("its status is in-progress"),
        ),
        ("in-progress", ended, ReadyOrAbandoned, None),
        ("in-progress", live, ReadyOrAbandoned, Some("claimed by")),
        ("in-progress", "", ReadyOrInProgress, None),
        ("ready", "", ReadyOrInProgress, None),
        ("done", ended, ReadyOrInProgress, Some("its status is done")),
        (
            "blocked",
            "",
            ReadyOrInProgress,
            Some("its status is blocked"),
        ),
        ("", "", ReadyOrInProgress, Some("its status is missing")),
    ];
    for (status, earlier, takes, refused) in table {
        let fields = format!("status: {status}\n{earlier}");
        assert_claim(&fields, takes, refused);
    }
}

#[test]
fn claim_waits_for_dependencies_that_are_not_done() {
    let done = |id: &str| (id != "S-7").then(|| "ready".to_owned());
    let table = [
        ("", None),
        ("dependencies:\n", None),
        ("dependencies: []\n", None),
        ("dependencies: [S-7]\n", None),
        ("dependencies: S-7\n", None),
        ("dependencies: S-8\n", Some("it waits for S-8 (ready)")),
        (
            "dependencies: [S-8, S-7, 12]\n",
            Some("it waits for S-8 (ready), 12 (ready)"),
        ),
    ];
    for (fields, expected) in table {
        let mut story = story(&format!("status: ready\n{fields}"));
        let outcome = claim(&mut story, &terms("bob", Takes::Ready), noon(), done);
        let refused = outcome.err().map(|err| err.to_string());
        assert_eq!(refused.as_deref(), expected, "with {fields:?}");
    }
}

#[test]
fn claim_asks_for_dependencies_only_when_all_else_is_well() {
    let mut story = story("status: done\ndependencies: [S-7]\n");
    let outcome = claim(&mut story, &terms("bob", Takes::Ready), noon(), |id| {
        panic!("{id} was looked for in vain")
    });
    assert!(outcome.is_err(), "done is not ready");
}

#[test]
fn renew_and_release_need_the_claim_to_be_ones_own() {
    let by = |owner: &'static str| Holder {
        owner: Some(owner),
        token: None,
    };
    let with = |token: &'static str| Holder {
        owner: None,
        token: Some(token),
    };
    let both = Holder {
        owner: Some("ann"),
        token: Some("b2"),
    };
    let live = held("2026-03-04T12:10:00.000Z");
    let ended = held("2026-03-04T11:00:00.000Z");
    let table: [(&str, Holder<'_>, Option<&str>); 8] = [
        (&live, by("ann"), None),
        (&live, with("b1"), None),
        (&ended, by("ann"), None),
        (
            &live,
            by("bob"),
            Some("the story is now claimed by \"ann\" until 2026-03-04T12:10:00.000Z"),
        ),
        (&ended, by("bob"), Some("now claimed by \"ann\"")),
        (&live, with("b2"), Some("now claimed by \"ann\"")),
        (&live, both, Some("now claimed by \"ann\"")),
        (
            "status: ready\n",
            by("ann"),
            Some("nobody claims the story now"),
        ),
    ];
    for (fields, holder, lost) in table {
        let before = story(fields);
        let (mut renewed, mut released) = (before.clone(), before.clone());
        let outcomes = [
            renew(&mut renewed, &holder, Lease::default(), noon()).map(|_| ()),
            release(&mut released, &holder).map(|_| ()),
        ];
        for outcome in outcomes {
            let told = outcome.err().map(|err| err.to_string()).unwrap_or_default();
            let words = lost.unwrap_or_default();
            assert!(told.contains(words), "{holder:?} on {fields:?}: {told}");
            assert_eq!(
                told.is_empty(),
                lost.is_none(),
                "{holder:?} on {fields:?}: {told}"
            );
        }
        if lost.is_some() {
            assert_eq!((&renewed, &released), (&before, &before), "nothing changed");
        } else {
            assert_eq!(
                text(&released),
                text(&story("status: ready\n")),
                "no trace stays"
            );
            let until = "claimed_until: '2026-03-04T12:30:00.000Z'\nclaim_token: b1\n";
            assert!(text(&renewed).contains(until), "a new end, the old token");
        }
    }
}

#[test]
fn renew_tells_that_the_lease_had_ended() {
    for (until, expired) in [("2026-03-04T12:10:00.000Z", false), (NOON, true)] {
        let mut story = story(&held(until));
        let renewed = renew(&mut story, &Holder::default(), Lease::default(), noon());
        let expired_at = renewed.expect("nobody took it").expired_at;
        assert_eq!(
            expired_at.is_some(),
            expired,
            "until {until}, renewed at {NOON}"
        );
    }
}

#[test]
fn lease_and_owner_have_limits() {
    let table = [
        (999, Some(LeaseError::TooShort)),
        (1_000, None),
        (30 * 86_400_000, None),
        (30 * 86_400_000 + 1, Some(LeaseError::TooLong)),
    ];
    for (millis, refused) in table {
        let lease = Lease::new(Duration::from_millis(millis));
        assert_eq!(lease.err(), refused, "a lease of {millis} ms");
    }
    let long = "x".repeat(201);
    let table = [
        (" ann ", None),
        ("Ünï: code #7", None),
        ("  ", Some(OwnerError::Empty)),
        ("a\nb", Some(OwnerError::Control)),
        (&long, Some(OwnerError::TooLong)),
        (&long[1..], None),
    ];
    for (name, refused) in table {
        assert_eq!(Owner::new(name).err(), refused, "the name {name:?}");
    }
}

#[test]
fn token_is_a_text_to_every_reader_of_yaml() {
    let samples = [
        0,
        1,
        u64::MAX,
        0x1234_5678_9012_3456,
        0xe123_4567_8901_2345,
        0x5 << 60,
        0x6 << 60,
    ];
    for sample in samples {
        let token = Token::new(sample.to_be_bytes()).to_string();
        assert_eq!(token.len(), 16, "16 digits: {token}");
        let read = Value::parse_yaml(&token).expect("it is YAML");
        assert_eq!(read, Value::String(token.clone()), "{token} stays a text");
    }
}
