//! Where things are: the workspace, its fixtures, the neighbouring shared folder, the Node peers.

use std::path::{Path, PathBuf};

/// The root folder of the workspace.
///
/// # Panics
///
/// When the sources have been moved away since compilation.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace is where it was compiled")
}

/// The folder `fixtures/` of the workspace.
pub fn fixtures() -> PathBuf {
    workspace().join("fixtures")
}

/// The folder `shared` beside the workspace, where it exists (corpus of real files, never part of the project).
pub fn shared() -> Option<PathBuf> {
    let shared = workspace().parent()?.join("shared");
    shared.is_dir().then_some(shared)
}

/// The bytes of `fixtures/stories/<name>`, for example `valid/S-0034.md`.
///
/// # Panics
///
/// When there is no such fixture.
pub fn story_fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join("stories").join(name);
    std::fs::read(&path).unwrap_or_else(|err| panic!("fixture {}: {err}", path.display()))
}

/// The `node_modules` folder with the Node peers (proper-lockfile, gray-matter, js-yaml), where `node` is on the PATH too.
///
/// It is `$STORY_PEERS`, else `target/peers/node_modules` of the workspace, filled by `npm ci` (see `.ci/run`).
pub fn node_peers() -> Option<PathBuf> {
    let peers = std::env::var_os("STORY_PEERS").map_or_else(
        || workspace().join("target/peers/node_modules"),
        PathBuf::from,
    );
    (peers.join("proper-lockfile").is_dir() && on_path("node").is_some()).then_some(peers)
}

/// Where benchmarks work: the folders of `$BENCH_DIRS`, separated by colons, else the one for temporary files.
pub fn bench_folders() -> Vec<PathBuf> {
    match std::env::var_os("BENCH_DIRS") {
        Some(given) => std::env::split_paths(&given).collect(),
        None => vec![std::env::temp_dir()],
    }
}

/// The first file of that name in the folders of `PATH`.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
