//! A reader that takes no lock and must never see anything but a whole story.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::StoryBox;

/// Polls a story as fast as it can until it is asked what it saw.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

#[derive(Default)]
struct Seen {
    reads: u64,
    versions: u64,
    complaints: Vec<String>,
}

impl Watcher {
    pub fn start(story_path: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let path = story_path.to_owned();
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut seen = Seen::default();
                let mut last = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let bytes = match fs::read(&path) {
                        Ok(bytes) => bytes,
                        Err(err) => {
                            seen.complaints.push(format!("read {}: {err}", seen.reads));
                            continue;
                        }
                    };
                    seen.reads += 1;
                    if let Some(complaint) = complaint(&bytes) {
                        seen.complaints
                            .push(format!("read {}: {complaint}", seen.reads));
                    }
                    if bytes != last {
                        seen.versions += 1;
                        last = bytes;
                    }
                }
                seen
            }
        });
        Self { stop, thread }
    }

    /// Stops, and demands that every read was whole and that the story really changed meanwhile.
    pub fn assert_saw_only_whole_stories(self) {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.join().expect("the watcher does not panic");
        assert!(
            seen.complaints.is_empty(),
            "a reader never sees an empty, short or id-less story; {} of {} reads did, first: {}",
            seen.complaints.len(),
            seen.reads,
            seen.complaints[0]
        );
        assert!(
            seen.versions > 3,
            "the reader saw the story change ({} versions in {} reads), else it proves nothing",
            seen.versions,
            seen.reads
        );
    }
}

fn complaint(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("cut inside a character".into());
    };
    if text.is_empty() {
        Some("empty".into())
    } else if !text.starts_with("---\nid: S-0034\n") {
        Some(format!(
            "no id: {:?}…",
            text.chars().take(40).collect::<String>()
        ))
    } else if !text.ends_with(StoryBox::LAST_LINE) {
        Some(format!("cut off after {} bytes", bytes.len()))
    } else {
        None
    }
}
