//! Files by name: looking, preparing an unpublished sidecar, linking it into place.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Call, Name, about_to, read_at, try_lock, write_at};
use crate::record;

/// Which file a name stands for, whatever the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    /// A FIFO, socket or device.
    Special,
}

/// One look at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) id: FileId,
    pub(crate) kind: Kind,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) size: u64,
    /// How many names the file has.
    pub(crate) links: u64,
    /// It was made by this protocol, whatever it holds by now.
    pub(crate) is_marked: bool,
}

/// Looks at what the name stands for, without following a symbolic link; `None` when there is nothing.
pub(crate) fn look(name: &Name) -> io::Result<Option<Look>> {
    match super::look_at(name) {
        Ok(look) => Ok(Some(look)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

/// Reads up to a record's size from the start of the file.
pub(crate) fn read_head(file: &File) -> io::Result<Vec<u8>> {
    read_start(file, record::SIZE)
}

/// Reads up to `limit` bytes from the start of the file.
pub(crate) fn read_start(file: &File, limit: usize) -> io::Result<Vec<u8>> {
    let mut head = vec![0; limit];
    let mut filled = 0;
    while filled < head.len() {
        match read_at(file, &mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    head.truncate(filled);
    Ok(head)
}

/// Removes a file by its name.
pub(crate) fn remove_file(name: &Name) -> io::Result<()> {
    about_to(Call::Remove)?;
    super::unlink(name)
}

/// Cuts or extends a file.
pub(crate) fn set_length(file: &File, length: u64) -> io::Result<()> {
    about_to(Call::SetLength)?;
    file.set_len(length)
}

/// A sidecar that nobody can see yet: locked, with its record, without (or beside) the final name.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) file: Arc<File>,
    pub(crate) id: FileId,
    /// The temporary name, where the system has no files without one, or where an exchange needs it.
    pub(crate) name: Option<Name>,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // It is not there where it became the final name.
        if let Some(name) = &self.name
            && let Err(err) = remove_file(name)
        {
            tracing::debug!(path = %name.path().display(), %err, "temporary lock file not removed");
        }
    }
}

/// Makes a locked, complete, invisible sidecar in the folder of `sidecar`.
pub(crate) fn prepare(sidecar: &Name, record: &[u8; record::SIZE]) -> io::Result<Prepared> {
    #[cfg(target_os = "linux")]
    if let Some(file) = super::linux::open_nameless(sidecar.folder())? {
        let id = super::unix::publishable(&file)?;
        let file = Arc::new(file);
        return fill(
            Prepared {
                file,
                id,
                name: None,
            },
            record,
        );
    }
    prepare_named(sidecar, record)
}

/// The same, but always under a temporary name: an exchange needs one.
pub(crate) fn prepare_with_name(
    sidecar: &Name,
    record: &[u8; record::SIZE],
) -> io::Result<Prepared> {
    let mut prepared = prepare(sidecar, record)?;
    if prepared.name.is_none() {
        let name = temporary_beside(sidecar)?;
        link_nameless(&prepared, &name)?;
        prepared.name = Some(name);
    }
    Ok(prepared)
}

/// The same under a temporary name.
fn prepare_named(sidecar: &Name, record: &[u8; record::SIZE]) -> io::Result<Prepared> {
    let name = temporary_beside(sidecar)?;
    about_to(Call::CreateNamed)?;
    let file = super::create_marked(&name)?;
    #[cfg(unix)]
    if let Err(err) = super::unix::publishable(&file) {
        tracing::debug!(%err, "a lock file was not made readable");
    }
    let id = super::look_at(&name).map(|look| look.id);
    let id = match id {
        Ok(id) => id,
        Err(err) => {
            remove_file(&name)?;
            return Err(err);
        }
    };
    fill(
        Prepared {
            file: Arc::new(file),
            id,
            name: Some(name),
        },
        record,
    )
}

fn fill(prepared: Prepared, record: &[u8; record::SIZE]) -> io::Result<Prepared> {
    if !try_lock(&prepared.file)? {
        return Err(io::Error::other("a new file is locked by somebody else"));
    }
    write_at(&prepared.file, record, 0)?;
    Ok(prepared)
}

/// Gives the prepared sidecar its final name, unless the name is taken.
///
/// # Errors
///
/// On any other failure the prepared file is gone as well.
pub(crate) fn link_prepared(prepared: &Prepared, sidecar: &Name) -> io::Result<Linked> {
    let linked = match &prepared.name {
        Some(name) => link_named(name, sidecar),
        None => link_nameless(prepared, sidecar),
    };
    match linked {
        Ok(()) => Ok(Linked::Done(Arc::clone(&prepared.file), prepared.id)),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(Linked::Taken),
        Err(err) => Err(err),
    }
}

/// FAT and its kin have no second names; there the temporary name becomes the final one, if that is free.
fn link_named(name: &Name, sidecar: &Name) -> io::Result<()> {
    let linked = about_to(Call::Link).and_then(|()| super::hard_link(name, sidecar));
    let has_no_links = linked.as_ref().is_err_and(|err| {
        matches!(
            err.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
        )
    });
    if !has_no_links {
        return linked;
    }
    match super::rename_new(name, sidecar) {
        Err(err) if super::swap::is_unsupported(&err) => linked,
        renamed => renamed,
    }
}

#[cfg(target_os = "linux")]
fn link_nameless(prepared: &Prepared, name: &Name) -> io::Result<()> {
    super::linux::link_nameless(&prepared.file, name)
}

#[cfg(not(target_os = "linux"))]
fn link_nameless(_prepared: &Prepared, _name: &Name) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The outcome of [`link_prepared`].
pub(crate) enum Linked {
    Done(Arc<File>, FileId),
    Taken,
}

/// An unpredictable name in the folder of `sidecar` that [`crate::is_temporary_name`] knows.
pub(crate) fn temporary_beside(sidecar: &Name) -> io::Result<Name> {
    Ok(sidecar.beside(temporary_name()?))
}

/// An unpredictable name that [`crate::is_temporary_name`] knows.
pub(crate) fn temporary_name() -> io::Result<String> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!(
        "{}{:016x}{}",
        crate::leftovers::TEMPORARY_PREFIX,
        u64::from_ne_bytes(random),
        crate::leftovers::TEMPORARY_SUFFIX
    ))
}
