//! Stories in memory: parse, read one field, set one, count one up; by size and shape of the frontmatter, and by size of the body.
//! `cargo bench -p story --bench document`

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use story::Document;

/// The fields that a runner changes; they stand in the middle.
const CHANGED: &str = "status: ready\nretry_count: 1\nupdated: '2026-01-15T10:00:00.000Z'\n";

/// One key, one text, again and again.
fn flat(bytes: usize) -> String {
    fill(bytes, |text, at| {
        writeln!(text, "field_{at}: some words of value {at}").expect("a string takes all");
    })
}

/// Histories as the reference tool writes them: lists of mappings, quoted times, texts of several lines.
fn nested(bytes: usize) -> String {
    fill(bytes, |text, at| {
        write!(
            text,
            "history_{at}:\n  - timestamp: '2026-01-12T10:00:00.000Z'\n    decision: REJECTED\n    \
             feedback: >-\n      The error path is not tested: see\n      https://example.org/{at}#notes.\n    \
             blockers:\n      - tests are missing\n    codeReviewPassed: false\n  - timestamp: \
             '2026-01-13T10:00:00.000Z'\n    decision: APPROVED\n    blockers: []\n"
        )
        .expect("a string takes all");
    })
}

/// About `bytes` of entries around the ones that are changed.
fn fill(bytes: usize, entry: impl Fn(&mut String, usize)) -> String {
    let mut text = "id: S-0034\ntitle: A story\n".to_owned();
    let mut at = 0;
    let mut grow = |text: &mut String, most: usize| {
        while text.len() < most {
            entry(text, at);
            at += 1;
        }
    };
    grow(&mut text, bytes / 2);
    text.push_str(CHANGED);
    grow(&mut text, bytes);
    text
}

fn file(frontmatter: &str, body: usize) -> Vec<u8> {
    let mut bytes = format!("---\n{frontmatter}---\n\n").into_bytes();
    bytes.extend(b"A line of a body.\n".iter().cycle().take(body));
    bytes
}

/// What an update does in memory, and a look at one field.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bytes: &[u8]) {
    let parse = |bytes: Vec<u8>| Document::parse(bytes).expect("a story");
    let fresh = || parse(bytes.to_vec());
    group.bench_function(format!("{name}/parse"), |b| {
        b.iter_batched(|| bytes.to_vec(), parse, BatchSize::LargeInput);
    });
    group.bench_function(format!("{name}/read"), |b| {
        let read = |story: Document| (black_box(story.get("status")), story);
        b.iter_batched(fresh, read, BatchSize::LargeInput);
    });
    group.bench_function(format!("{name}/set"), |b| {
        let set = |mut story: Document| (story.set("status", "in-progress"), story);
        b.iter_batched(fresh, set, BatchSize::LargeInput);
    });
    group.bench_function(format!("{name}/increment"), |b| {
        let count = |mut story: Document| (story.increment("retry_count", 1), story);
        b.iter_batched(fresh, count, BatchSize::LargeInput);
    });
    group.bench_function(format!("{name}/parse and set"), |b| {
        let change = |bytes: Vec<u8>| {
            let before = parse(bytes);
            let mut after = before.clone();
            let changed = after.set("status", "in-progress");
            (changed, before, after)
        };
        b.iter_batched(|| bytes.to_vec(), change, BatchSize::LargeInput);
    });
}

fn frontmatters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frontmatter");
    for (size, name) in [
        (400, "400B"),
        (4096, "4KB"),
        (36_864, "36KB"),
        (153_600, "150KB"),
    ] {
        measure(
            &mut group,
            &format!("flat {name}"),
            &file(&flat(size), 4096),
        );
        measure(
            &mut group,
            &format!("nested {name}"),
            &file(&nested(size), 4096),
        );
    }
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("body");
    for (size, name) in [(4096, "4KB"), (409_600, "400KB"), (4_194_304, "4MB")] {
        measure(&mut group, name, &file(&nested(400), size));
    }
}

criterion_group!(benches, frontmatters, bodies);
criterion_main!(benches);
