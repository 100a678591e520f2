//! The user's index as it is at one moment, in a file of our own.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::error::SnapshotError;
use super::look::Moment;
use super::scratch::failed;
use crate::git::Repository;
use crate::sys;

/// What makes an index depend on more than its own bytes: the other part of a split one, the memory of a program that watches
/// files. The names of both extensions are in git's documentation of the format.
const DEPENDENCIES: [&[u8]; 2] = [b"link", b"FSMN"];

/// A copy of the index.
#[derive(Debug)]
pub(crate) struct IndexCopy {
    /// Complete in themselves; `None` where there is no index.
    pub bytes: Option<Vec<u8>>,
    /// When the user's index was last written; `None` where there is none.
    pub written: Option<Moment>,
}

impl IndexCopy {
    /// Copies the index to `place`, where one exists.
    pub(crate) fn make(repository: &Repository, place: &Path) -> Result<Self, SnapshotError> {
        let path = repository.git_dir().join("index");
        let (bytes, written) = match read(&path) {
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    bytes: None,
                    written: None,
                });
            }
            Err(err) => return Err(failed(&path)(err)),
        };
        File::create(place)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(failed(place))?;
        // The letters may also be part of a path or an id. Then it is written anew for nothing.
        let depends = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        let bytes = if DEPENDENCIES.into_iter().any(depends) {
            // Our settings forbid both, so that what git writes has neither.
            let git = repository.git(["update-index", "--force-write-index"]);
            git.index(place).run()?;
            read(place).map_err(failed(place))?.0
        } else {
            bytes
        };
        Ok(Self {
            bytes: Some(bytes),
            written: Some(written),
        })
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Moment)> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, sys::look_of(&file.metadata()?).modified))
}
