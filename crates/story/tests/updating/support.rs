//! What these tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::Durability;
use sidecar_lock::LockOptions;
use story::{Document, EditError, UpdateError, UpdateOptions, Updated, Value};
use testkit::Sandbox;

pub(crate) const STORY: &str =
    "---\nid: S-0034\nstatus: pending # of the author\nretry_count: 0\n---\n# Body\n";

pub(crate) fn story(sandbox: &Sandbox) -> PathBuf {
    sandbox.write("story.md", STORY)
}

pub(crate) fn options(timeout: Duration) -> UpdateOptions {
    UpdateOptions {
        lock: lock_options(timeout),
        durability: Durability::Fast,
        ..UpdateOptions::default()
    }
}

pub(crate) fn lock_options(timeout: Duration) -> LockOptions {
    LockOptions {
        timeout,
        ..LockOptions::default()
    }
}

/// Long enough for a machine under load; tests that pass do not wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn increment(path: &Path) -> Result<Updated<i128>, UpdateError<EditError>> {
    story::update(path, &options(PATIENCE), |story| {
        story.increment("retry_count", 1)
    })
}

pub(crate) fn get(document: &Document, key: &str) -> Option<Value> {
    document.get(key).expect("the key is well formed")
}

/// The sidecar of the story; removing it is what vandals do.
pub(crate) fn sidecar(path: &Path) -> PathBuf {
    let mut sidecar = path.as_os_str().to_owned();
    sidecar.push(".lock");
    sidecar.into()
}

pub(crate) fn assert_no_leftovers(sandbox: &Sandbox) {
    assert_eq!(
        testkit::leftovers(sandbox.path()),
        [] as [&Path; 0],
        "no lock and no temporary file is left"
    );
}
