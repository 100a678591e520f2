//! The stress oracle: a critical section that notices every second visitor and every lost update.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use testkit::Sandbox;

/// A counter that is read, changed and written without any protection of its own, behind a door that only one may pass.
pub struct CriticalSection {
    marker: PathBuf,
    counter: PathBuf,
    overlaps: PathBuf,
}

/// What the critical section saw.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How often somebody came in while another was inside.
    pub overlaps: u64,
    /// What the counter says.
    pub counted: u64,
}

impl CriticalSection {
    pub fn new(sandbox: &Sandbox) -> Self {
        Self {
            marker: sandbox.join("inside"),
            counter: sandbox.write("counter", "0"),
            overlaps: sandbox.write("overlaps", ""),
        }
    }

    /// Comes in, adds one to the counter, goes out; stays for `stay` between reading and writing.
    pub fn visit(&self, stay: Duration) {
        let door = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.marker);
        if door.is_err() {
            self.note_overlap();
        }
        let count = self.counted();
        std::thread::sleep(stay);
        testkit::LegacyWriter::new(&self.counter).overwrite(&(count + 1).to_string());
        if door.is_ok() {
            fs::remove_file(&self.marker).ok();
        }
    }

    /// The same visit as a shell command, for `story lock run`.
    pub fn visit_script(&self) -> String {
        format!(
            "if (set -C; : > '{marker}') 2>/dev/null; then mine=yes; else echo shell >> '{overlaps}'; fi\n\
             read count < '{counter}'\n\
             echo $((count + 1)) > '{counter}'\n\
             if [ \"$mine\" ]; then rm -f '{marker}'; fi",
            marker = self.marker.display(),
            overlaps = self.overlaps.display(),
            counter = self.counter.display(),
        )
    }

    pub fn marker(&self) -> &PathBuf {
        &self.marker
    }

    pub fn counter(&self) -> &PathBuf {
        &self.counter
    }

    pub fn overlaps(&self) -> &PathBuf {
        &self.overlaps
    }

    pub fn verdict(&self) -> Verdict {
        let overlaps = fs::read_to_string(&self.overlaps).expect("the list of overlaps is there");
        Verdict {
            overlaps: overlaps.lines().count() as u64,
            counted: self.counted(),
        }
    }

    pub fn has_overlaps(&self) -> bool {
        fs::metadata(&self.overlaps).is_ok_and(|metadata| metadata.len() > 0)
    }

    fn note_overlap(&self) {
        OpenOptions::new()
            .append(true)
            .open(&self.overlaps)
            .and_then(|mut file| file.write_all(b"thread\n"))
            .expect("an overlap can be noted");
    }

    fn counted(&self) -> u64 {
        // A second visitor may have truncated it: that is an overlap, which the marker reports.
        let text = fs::read_to_string(&self.counter).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}
