//! Where the hostile cases play: a project with one story, and beside it a folder that nobody may touch.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::hostile::ran::Run;

/// The story that each point begins with.
pub const STORY: &str =
    "---\nid: S-1\ntitle: A story\nn: 1\nlabels: []\n---\n# A story\n\nIts body.\n";

/// A record of a dead owner, as `story` writes it.
pub fn record() -> Vec<u8> {
    let path = testkit::workspace().join("fixtures/locks/v1.lock");
    fs::read(&path).expect("the fixture of a record is part of the project")
}

/// A project, and what lies outside of it.
pub struct Ground {
    /// The project's folder, where `story` is run.
    pub project: PathBuf,
    /// The story's folder.
    pub folder: PathBuf,
    /// The story.
    pub story: PathBuf,
    /// The place of its lock.
    pub sidecar: PathBuf,
    /// What nobody may touch.
    pub outside: PathBuf,
    program: PathBuf,
    before: RefCell<Snapshot>,
}

impl Ground {
    /// A new project below `home`, which is emptied.
    pub fn new(context: &Context, home: &Path) -> Self {
        Self::with_program(&context.story, home)
    }

    /// The same with a `story` of this path.
    pub fn with_program(program: &Path, home: &Path) -> Self {
        if home.exists() {
            fs::remove_dir_all(home).expect("the old ground can be removed");
        }
        let project = home.join("project");
        let folder = project.join(".ai-sdlc/stories/S-1");
        let outside = home.join("outside");
        fs::create_dir_all(&folder).expect("the project can be made");
        make_outside(&outside);
        let before = RefCell::new(Snapshot::take(&outside));
        let ground = Self {
            story: folder.join("story.md"),
            sidecar: folder.join("story.md.lock"),
            folder,
            project,
            outside,
            program: program.to_owned(),
            before,
        };
        ground.reset();
        ground
    }

    /// Makes the story's folder new, with nothing but the story in it.
    pub fn reset(&self) {
        fs::remove_dir_all(&self.folder).expect("the story's folder can be removed");
        fs::create_dir_all(&self.folder).expect("the story's folder can be made");
        write(&self.story, STORY.as_bytes());
    }

    /// A run of `story` in the project; it waits for locks for a moment only.
    pub fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Run {
        Run::new(&self.program, &self.project, arguments).variable("LC_ALL", "C.UTF-8")
    }

    /// Whether everything outside is as it was. If it is not, it is made anew, for the next look.
    pub fn check_outside(&self) -> Result<(), String> {
        let outcome = self.before.borrow().check(&Snapshot::take(&self.outside));
        if outcome.is_err() {
            fs::remove_dir_all(&self.outside).expect("the outside can be removed");
            make_outside(&self.outside);
            self.before.replace(Snapshot::take(&self.outside));
        }
        outcome
    }

    /// Whether the story is still, byte for byte, what each point begins with.
    pub fn check_story_untouched(&self) -> Result<(), String> {
        match fs::read(&self.story) {
            Ok(bytes) if bytes == STORY.as_bytes() => Ok(()),
            other => Err(format!("the story was changed: {other:?}")),
        }
    }

    /// The names in the story's folder.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).expect("the story's folder can be listed");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("the story's folder can be listed"))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn make_outside(outside: &Path) {
    fs::create_dir_all(outside.join("folder")).expect("the outside can be made");
    let files: [(&str, Vec<u8>); 5] = [
        ("canary.txt", b"do not touch\n".to_vec()),
        ("canary.lock", record()),
        ("story.md", STORY.into()),
        ("folder/inner.txt", b"nor this\n".to_vec()),
        ("folder/story.md", STORY.into()),
    ];
    for (name, bytes) in files {
        write(&outside.join(name), &bytes);
    }
}

/// Writes a file, made or truncated.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::File::create(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
        .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
}

/// What stands at a path: all that a touch would change, but for the count of links and what depends on it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    mode: u32,
    owner: u32,
    size: u64,
    modified: (i64, i64),
    bytes: Vec<u8>,
}

impl Seen {
    fn of(path: &Path, metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            mode: metadata.mode(),
            owner: metadata.uid(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: if metadata.is_file() {
                fs::read(path).unwrap_or_default()
            } else {
                Vec::new()
            },
        }
    }
}

/// A folder and everything below it, as it was at one moment. The times of folders are part of it: a file that came
/// and went has changed them.
#[derive(Debug)]
pub struct Snapshot(BTreeMap<PathBuf, Seen>);

impl Snapshot {
    /// Looks at everything in `folder`.
    pub fn take(folder: &Path) -> Self {
        let mut seen = BTreeMap::new();
        let mut left = vec![folder.to_owned()];
        while let Some(path) = left.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            if metadata.is_dir() {
                let entries = fs::read_dir(&path).expect("the canary's folder can be listed");
                left.extend(entries.map(|entry| entry.expect("it can be listed").path()));
            }
            seen.insert(path.clone(), Seen::of(&path, &metadata));
        }
        Self(seen)
    }

    /// Says what is different `now`.
    pub fn check(&self, now: &Self) -> Result<(), String> {
        if self.0 == now.0 {
            return Ok(());
        }
        let names = |one: &Self, other: &Self| -> Vec<String> {
            let differs = |path: &&PathBuf| one.0.get(*path) != other.0.get(*path);
            one.0
                .keys()
                .filter(differs)
                .map(|path| path.display().to_string())
                .collect()
        };
        Err(format!(
            "outside was touched: {:?} before, {:?} now",
            names(self, now),
            names(now, self)
        ))
    }
}
