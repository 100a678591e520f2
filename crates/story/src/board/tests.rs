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
            head.status = Status::Other("parked".to_owned())
        }),
    ]
}

#[test]
fn filter_shows_what_satisfies_everything() {
    let all = Filter::default;
    let label = |pattern: &str| pattern.parse::<LabelPattern>().expect("a pattern");
    let text = |text: &str| Some(text.to_owned());
    let table: [(&str, Filter, &[&str]); 15] = [
        (
            "all",
            all(),
            &["S-2", "S-3", "S-4", "S-5", "S-6", "S-7", "S-1", "S-8"],
        ),
        (
            "done",
            Filter {
                statuses: vec![Status::Done],
                ..all()
            },
            &["S-1"],
        ),
        (
            "done or parked",
            Filter {
                statuses: vec![Status::from("parked"), Status::Done],
                ..all()
            },
            &["S-1", "S-8"],
        ),
        (
            "blocked",
            Filter {
                statuses: vec![Status::Blocked],
                ..all()
            },
            &[],
        ),
        (
            "team-*",
            Filter {
                labels: vec![label("team-*")],
                ..all()
            },
            &["S-2", "S-3"],
        ),
        (
            "team-* and epic-*",
            Filter {
                labels: vec![label("team-*"), label("epic-*")],
                ..all()
            },
            &["S-2"],
        ),
        (
            "epic x",
            Filter {
                epic: text("x"),
                ..all()
            },
            &["S-2", "S-3", "S-4"],
        ),
        (
            "epic epic-x",
            Filter {
                epic: text("epic-x"),
                ..all()
            },
            &["S-2", "S-3", "S-4"],
        ),
        (
            "epic xy",
            Filter {
                epic: text("xy"),
                ..all()
            },
            &["S-6", "S-7"],
        ),
        (
            "of ann",
            Filter {
                owner: text("ann"),
                ..all()
            },
            &["S-4"],
        ),
        (
            "of bob",
            Filter {
                owner: text("bob"),
                ..all()
            },
            &["S-5", "S-6"],
        ),
        (
            "ready",
            Filter {
                ready_at: Some(now()),
                ..all()
            },
            &["S-2", "S-6"],
        ),
        (
            "ready of bob",
            Filter {
                ready_at: Some(now()),
                owner: text("bob"),
                ..all()
            },
            &["S-6"],
        ),
        (
            "an id",
            Filter {
                text: text("s-7"),
                ..all()
            },
            &["S-7"],
        ),
        (
            "a title",
            Filter {
                text: text("ÜBER"),
                ..all()
            },
            &["S-5"],
        ),
    ];
    let heads = heads();
    for (name, filter, expected) in table {
        let shown: Vec<_> = filter
            .select(&heads)
            .iter()
            .map(|head| head.id.as_str())
            .collect();
        assert_eq!(shown, expected, "what {name} shows");
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
