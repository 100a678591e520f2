//! The private copy of a story that an editor works on.

use std::fs;
use std::path::PathBuf;

use atomic_file::{CommitOptions, Durability};

use crate::failure::Failure;
use crate::failure_sources::code_of_io;
use crate::places::Target;
use crate::settings::Settings;
use crate::sys;

/// More folders of this process than this are not left behind; chosen.
const MAX_TRIES: u32 = 1000;

/// A file in a folder of its own that only this user can open.
#[derive(Debug)]
pub struct Copy {
    /// The file; its name ends in `.md`, so that editors know what it is.
    pub path: PathBuf,
    folder: PathBuf,
}

impl Copy {
    /// Makes one with these contents.
    ///
    /// # Errors
    ///
    /// When the temporary folder cannot be used.
    pub fn make(target: &Target, contents: &[u8], settings: &Settings) -> Result<Self, Failure> {
        let folder = make_folder(settings)?;
        let path = folder.join(name(target));
        let options = CommitOptions {
            durability: Durability::Fast,
            ..CommitOptions::default()
        };
        let made = atomic_file::create(&path, contents, &options);
        let copy = Self { path, folder };
        if let Err(err) = made {
            copy.remove();
            return Err(Failure::from_commit(&err));
        }
        sys::make_private(&copy.path).map_err(|err| unusable(&copy.path, &err))?;
        Ok(copy)
    }

    /// Its contents now.
    ///
    /// # Errors
    ///
    /// When the editor has left nothing that can be read.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        atomic_file::read(&self.path, story::MAX_STORY_BYTES).map_err(|err| {
            // No lock is waited for.
            Failure::from_read(err.into(), std::time::Duration::ZERO)
        })
    }

    /// Removes it, with whatever the editor left beside it.
    pub fn remove(self) {
        for left in sys::entries_of(&self.folder).unwrap_or_default() {
            fs::remove_file(left).ok();
        }
        // What is still in it is nothing of ours.
        fs::remove_dir(&self.folder).ok();
    }
}

fn make_folder(settings: &Settings) -> Result<PathBuf, Failure> {
    let process = std::process::id();
    let mut tries = 0;
    loop {
        let folder = settings
            .temporary
            .join(format!("story-edit-{process}-{tries}"));
        tries += 1;
        match sys::make_private_folder(&folder) {
            Ok(()) => return Ok(folder),
            Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists && tries < MAX_TRIES => {}
            Err(err) => return Err(unusable(&folder, &err)),
        }
    }
}

fn name(target: &Target) -> PathBuf {
    let file = target.path.file_name().unwrap_or_default();
    let mut name = match &target.id {
        Some(id) => id.into(),
        None => file.to_owned(),
    };
    if !name.as_encoded_bytes().ends_with(b".md") {
        name.push(".md");
    }
    name.into()
}

fn unusable(path: &std::path::Path, err: &std::io::Error) -> Failure {
    let headline = format!("cannot make {}", path.display());
    Failure::new(code_of_io(err), headline)
        .cause(err.to_string())
        .at(path)
}
