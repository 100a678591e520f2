//! Somebody deletes the lock of the store while an edit holds it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lease::edit::{Replacement, Workplace, Writer};
use lease::store::folder::FolderStore;
use lease::store::{LeaseStore, Transaction};
use lease::{Agent, FileLockManager, Leases, Project, Rules, StoreError};
use testkit::Sandbox;

/// A folder of leases whose lock file is deleted once, as soon as it is held.
#[derive(Debug)]
struct Unlocked {
    folder: FolderStore,
    is_done: AtomicBool,
}

impl LeaseStore for Unlocked {
    fn place(&self) -> &Path {
        self.folder.place()
    }

    fn read(&self) -> Result<Leases, StoreError> {
        self.folder.read()
    }

    fn begin(&self, timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let transaction = self.folder.begin(timeout)?;
        if !self.is_done.swap(true, Ordering::SeqCst) {
            let sidecar = self.place().with_file_name("locks.lock");
            std::fs::remove_file(sidecar).expect("it is held");
        }
        Ok(transaction)
    }
}

#[test]
fn edit_whose_store_lost_its_lock_is_proven_anew_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "old");
    let project = Project::new(sandbox.path()).expect("it is there");
    let folder = FolderStore::new(sandbox.join("locks"), project.clone());
    let rules = Rules::default();
    let manager = FileLockManager::new(project.clone(), Box::new(folder.clone()), rules.clone());
    let hour = Duration::from_hours(1);
    manager
        .acquire_lock("a.txt".as_ref(), "a1", hour, Duration::ZERO)
        .expect("nobody holds it");
    let store = Unlocked {
        folder,
        is_done: AtomicBool::new(false),
    };
    let edit = Replacement {
        path: "a.txt".into(),
        old: b"old".to_vec(),
        new: b"new".to_vec(),
        if_revision: None,
    };
    let by = Writer::new(Agent::new("a1").expect("a name"));
    let edited = Workplace::new(&project, &store, &rules)
        .surgical_edit(&edit, &by)
        .expect("it is done in the end");
    assert_eq!(edited.reruns, 1, "the first try wrote nothing");
    assert_eq!(sandbox.read("a.txt"), "new", "the second one did");
}
