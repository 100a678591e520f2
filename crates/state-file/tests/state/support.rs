//! What these tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::Durability;
use json_text::{EditError, JsonText};
use serde::{Deserialize, Serialize};
use sidecar_lock::LockOptions;
use state_file::{StateFile, UpdateError, UpdateOptions, Updated};
use testkit::Sandbox;

/// Odd on purpose: spacing, order, number forms and a line end that a serialiser would not keep.
pub(crate) const STATE: &str = "{\n   \"share\": 1.0,\n   \"count\" : 7,\r\n   \"big\": 12345678901234567890123, \"note\":\"\\u00e4\"\n}\n\n";

/// A program that knows one member only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: i64,
}

pub(crate) fn state(sandbox: &Sandbox) -> PathBuf {
    sandbox.write("state.json", STATE)
}

pub(crate) fn counter(path: &Path) -> StateFile<Counter> {
    StateFile::new(path)
}

/// [`STATE`] with another count.
pub(crate) fn counted(count: i64) -> String {
    STATE.replace("7,", &format!("{count},"))
}

pub(crate) fn options(timeout: Duration) -> UpdateOptions {
    UpdateOptions {
        lock: LockOptions {
            timeout,
            ..LockOptions::default()
        },
        durability: Durability::Fast,
        ..UpdateOptions::default()
    }
}

/// Long enough for a machine under load; tests that pass do not wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn increment(path: &Path) -> Result<Updated<i64>, UpdateError<EditError>> {
    state_file::edit(path, &options(PATIENCE), add_one)
}

pub(crate) fn add_one(text: &mut JsonText) -> Result<i64, EditError> {
    text.increment(&json_text::Path::whole().key("count"), 1)
}

/// The sidecar of the file; removing it is what vandals do.
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
