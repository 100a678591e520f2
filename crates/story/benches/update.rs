//! What an update costs by size and durability, what of it is the lock's share, and what a list costs by its length.
//!
//! `cargo bench -p story --bench update`; folders: `BENCH_DIRS`, a colon-separated list, default the one for temporary files.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use atomic_file::{CommitOptions, Durability, Original, create};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use story::{Document, UpdateOptions, Workspace};

const SIZES: [usize; 4] = [4_096, 40_000, 400_000, 4_000_000];

const COUNTS: [usize; 3] = [100, 1_000, 10_000];

const DURABILITIES: [(&str, Durability); 2] =
    [("fast", Durability::Fast), ("durable", Durability::Durable)];

fn text(number: usize, size: usize) -> String {
    let head = format!(
        "---\nid: S-{number:04}\ntitle: 'Story {number}'\npriority: {}\nstatus: ready\ntype: feature\n\
         created: '2026-01-15'\nlabels:\n  - concurrent-workflows\nslug: story-{number}\ntries: 0\n---\n",
        number % 97
    );
    let line = "What is to be done, and why, and how one sees it.\n";
    let lines = size.saturating_sub(head.len()) / line.len();
    head + &line.repeat(lines)
}

/// The same change as an update, but without the lock.
fn unlocked(path: &Path, options: &CommitOptions) {
    let mut original = Original::read(path).expect("it is there");
    let mut document = Document::parse(original.take_bytes()).expect("it is a story");
    document.increment("tries", 1).expect("a number");
    let staged = original.stage_parts(&document.parts(), options);
    let committed = staged.expect("room").commit();
    committed.expect("nobody else writes");
}

fn updates(criterion: &mut Criterion) {
    for base in testkit::bench_folders() {
        let mut group = criterion.benchmark_group(format!("update in {}", base.display()));
        let folder = tempfile::tempdir_in(&base).expect("a folder to work in");
        for size in SIZES {
            let path = folder.path().join(format!("{size}.md"));
            create(&path, text(1, size).as_bytes(), &CommitOptions::default()).expect("room");
            group.throughput(Throughput::Bytes(size as u64));
            for (name, durability) in DURABILITIES {
                let options = UpdateOptions {
                    durability,
                    ..UpdateOptions::default()
                };
                group.bench_function(BenchmarkId::new(name, size), |bench| {
                    bench.iter(|| {
                        let updated = story::update(&path, &options, |it| it.increment("tries", 1));
                        updated.expect("nobody else writes").value
                    });
                });
                let options = CommitOptions {
                    durability,
                    ..CommitOptions::default()
                };
                let name = format!("{name} without the lock");
                group.bench_function(BenchmarkId::new(name, size), |bench| {
                    bench.iter(|| unlocked(&path, &options));
                });
            }
        }
        group.finish();
    }
}

fn lists(criterion: &mut Criterion) {
    for base in testkit::bench_folders() {
        let mut group = criterion.benchmark_group(format!("list in {}", base.display()));
        group.sample_size(10);
        for count in COUNTS {
            let folder = tempfile::tempdir_in(&base).expect("a folder to work in");
            for number in 1..=count {
                let story = folder.path().join(format!("stories/S-{number:04}"));
                std::fs::create_dir_all(&story).expect("room");
                File::create_new(story.join("story.md"))
                    .and_then(|mut file| file.write_all(text(number, 4_096).as_bytes()))
                    .expect("room");
            }
            let workspace = Workspace::new(folder.path());
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::from_parameter(count), |bench| {
                bench.iter(|| {
                    let scan = story::scan(&workspace);
                    assert_eq!(scan.heads.len(), count, "each story is listed");
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, updates, lists);
criterion_main!(benches);
