//! Tables of filters and of the order.

use super::*;
use crate::head::sample;

fn now() -> Moment {
    Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
}

fn head(id: &str, change: impl FnOnce(&mut Head)) -> Head {
    let mut head = sample(id, Status::Ready);
    change(&mut head);
    head
}

fn heads() -> Vec<Head> {
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|&text| text.to_owned())
            .collect::<Vec<_>>()
    };
    vec![
        head("S-1", |head| head.status = Status::Done),
        head("S-2", |head| {
            head.dependencies = texts(&["s-1"]);
            head.labels = texts(&["team-a", "epic-x"]);
        }),
        head("S-3", |head| {
            head.dependencies = texts(&["S-1", "S-2"]);
            head.epic = Some("x".to_owned());
            head.labels = texts(&["team-b"]);
        }),
        head("S-4", |head| {
            head.dependencies = texts(&["S-99"]);
            head.epic = Some("epic-x".to_owned());
            head.assignee = Some("ann".to_owned());
        }),
        head("S-5", |head| {
            head.claimed_by = Some("bob".to_owned());
            head.claimed_until = Some("2026-03-04T05:06:08Z".to_owned());
            head.title = Some("Über das Wasser".to_owned());
        }),
        head("S-6", |head| {
            head.claimed_by = Some("bob".to_owned());
            head.claimed_until = Some("2026-03-04T05:06:07Z".to_owned());
            head.labels = texts(&["epic-xy"]);
        }),
        head("S-7", |head| {
            head.claimed_by = Some("eve".to_owned());
            head.epic = Some("xy".to_owned());
        }),
        head("S-8", |head| {
            head.status = Status::Other("parked".to_owned());
        }),
    ]
}

fn filter(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::default();
    change(&mut filter);
    filter
}

fn label(pattern: &str) -> LabelPattern {
    pattern.parse().expect("a pattern")
}

#[test]
fn filter_shows_what_satisfies_everything() {
    let done = filter(|f| f.statuses = vec![Status::Done]);
    let several = filter(|f| f.statuses = vec![Status::from("parked"), Status::Done]);
    let blocked = filter(|f| f.statuses = vec![Status::Blocked]);
    let team = filter(|f| f.labels = vec![label("team-*")]);
    let both = filter(|f| f.labels = vec![label("team-*"), label("epic-*")]);
    let epic = |name: &str| filter(|f| f.epic = Some(name.to_owned()));
    let owner = |name: &str| filter(|f| f.owner = Some(name.to_owned()));
    let text = |text: &str| filter(|f| f.text = Some(text.to_owned()));
    let ready = filter(|f| f.ready_at = Some(now()));
    let mut ready_of_bob = owner("bob");
    ready_of_bob.ready_at = Some(now());
    let all = "S-2 S-3 S-4 S-5 S-6 S-7 S-1 S-8";
    let table = [
        ("nothing asked for", Filter::default(), all),
        ("done", done, "S-1"),
        ("done or parked", several, "S-1 S-8"),
        ("blocked", blocked, ""),
        ("team-*", team, "S-2 S-3"),
        ("team-* and epic-*", both, "S-2"),
        ("epic x", epic("x"), "S-2 S-3 S-4"),
        ("epic epic-x", epic("epic-x"), "S-2 S-3 S-4"),
        ("epic xy", epic("xy"), "S-6 S-7"),
        ("of ann", owner("ann"), "S-4"),
        ("of bob", owner("bob"), "S-5 S-6"),
        ("ready", ready, "S-2 S-6"),
        ("ready of bob", ready_of_bob, "S-6"),
        ("an id", text("s-7"), "S-7"),
        ("a title", text("ÜBER"), "S-5"),
    ];
    let heads = heads();
    for (name, filter, expected) in table {
        let shown = filter.select(&heads);
        let shown: Vec<_> = shown.iter().map(|head| head.id.as_str()).collect();
        assert_eq!(shown.join(" "), expected, "what {name} shows");
    }
}

#[test]
fn order_is_total_and_does_not_depend_on_what_came_first() {
    let story = |id: &str, status: Status, priority: Option<f64>, created: Option<&str>| {
        head(id, |head| {
            head.status = status;
            head.priority = priority;
            head.created = created.map(str::to_owned);
        })
    };
    let mut twin = story("S-09", Status::Done, None, None);
    twin.path = "stories/again/story.md".into();
    let ordered = [
        story("S-20", Status::Backlog, Some(-1.0), None),
        story("S-19", Status::Backlog, Some(1.5), Some("2026-01-02")),
        story("S-18", Status::Backlog, Some(10.0), Some("2026-01-02")),
        story("S-17", Status::Backlog, Some(10.0), Some("2026-01-03")),
        story("S-15", Status::Backlog, Some(10.0), None),
        story("S-16", Status::Backlog, Some(10.0), None),
        story("S-14", Status::Backlog, Some(f64::INFINITY), None),
        story("S-13", Status::Backlog, None, Some("2020-01-01")),
        story("S-12", Status::Ready, None, None),
        story("S-11", Status::InProgress, None, None),
        story("S-09", Status::Done, None, None),
        twin,
        story("S-10", Status::Blocked, None, None),
        story("S-01", Status::from("a"), None, None),
        story("S-00", Status::from("b"), None, None),
    ];
    for turn in 0..ordered.len() {
        let mut turned = ordered.to_vec();
        turned.rotate_left(turn);
        turned.reverse();
        let sorted: Vec<_> = Filter::default()
            .select(&turned)
            .into_iter()
            .cloned()
            .collect();
        assert_eq!(sorted, ordered, "the same order after turn {turn}");
    }
    for (at, a) in ordered.iter().enumerate() {
        for (other, b) in ordered.iter().enumerate() {
            assert_eq!(order(a, b), at.cmp(&other), "{} and {}", a.id, b.id);
        }
    }
}
