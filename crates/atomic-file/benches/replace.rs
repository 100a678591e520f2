//! What a commit costs: a file is read and replaced if it is unchanged, by size and durability.
//!
//! `cargo bench -p atomic-file`; folders: `BENCH_DIRS`, a colon-separated list, default the one for temporary files.

use atomic_file::{CommitOptions, Durability, Original, create, replace_if_unchanged};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [usize; 3] = [4_096, 400_000, 4_000_000];

const DURABILITIES: [(&str, Durability); 2] =
    [("fast", Durability::Fast), ("durable", Durability::Durable)];

fn replace(criterion: &mut Criterion) {
    for base in testkit::bench_folders() {
        let mut group = criterion.benchmark_group(format!("replace in {}", base.display()));
        let folder = tempfile::tempdir_in(&base).expect("a folder to work in");
        for size in SIZES {
            let path = folder.path().join(format!("{size}.md"));
            create(&path, &vec![b'x'; size], &CommitOptions::default()).expect("room");
            group.throughput(Throughput::Bytes(size as u64));
            for (name, durability) in DURABILITIES {
                let options = CommitOptions {
                    durability,
                    ..CommitOptions::default()
                };
                group.bench_function(BenchmarkId::new(name, size), |bench| {
                    bench.iter(|| {
                        let mut original = Original::read(&path).expect("it is there");
                        let mut bytes = original.take_bytes();
                        bytes[0] ^= 1;
                        replace_if_unchanged(original, &bytes, &options)
                            .expect("nobody else writes")
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, replace);
criterion_main!(benches);
