//! A workspace in a sandbox.

use std::path::Path;
use std::time::{Duration, SystemTime};

use story::{Scan, Workspace};
use testkit::Sandbox;

/// A sandbox that is an sdlc root.
pub struct Place {
    pub sandbox: Sandbox,
    pub workspace: Workspace,
}

impl Place {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let workspace = Workspace::new(sandbox.path());
        Self { sandbox, workspace }
    }

    /// Writes a file as if somebody had done so a while ago, so that the fast way reads it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        settle(&self.sandbox.write(name, text));
    }

    pub fn scan(&self) -> Scan {
        let mut scan = story::scan(&self.workspace);
        scan.heads.sort_by(|a, b| a.path.cmp(&b.path));
        scan
    }
}

pub fn settle(path: &Path) {
    let then = SystemTime::now() - Duration::from_mins(1);
    let file = std::fs::File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(then))
        .expect("the time of a file can be set");
}
