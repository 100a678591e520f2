//! Replacing a stale lock of another tool in one step, and looking at what came out.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::files::{
    self, FileId, Kind, Linked, Look, Prepared, look, remove_file, temporary_beside,
};
use super::{Call, Name, about_to};
use crate::record;

/// Puts a new sidecar of ours in the place of the judged lock; `None` when another one stood there.
///
/// The two change places in one step, so nobody can slip in between. What was displaced is looked at:
/// if it is not what was judged, they change back.
pub(crate) fn swap_in(
    record: &[u8; record::SIZE],
    sidecar: &Name,
    judged: &Look,
) -> io::Result<Option<(Arc<File>, FileId)>> {
    let mut prepared = files::prepare_with_name(sidecar, record)?;
    let Some(name) = prepared.name.clone() else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    match super::exchange(&name, sidecar) {
        Ok(()) => prepared.name = None,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) if is_unsupported(&err) => {
            return move_away(sidecar, judged, &prepared);
        }
        Err(err) => return Err(err),
    }
    // From here on `name` stands for what was displaced: it goes only if it is what was judged.
    if is_judged(&name, judged) && is_removed_or_litter(&name, judged.kind) {
        return Ok(Some((Arc::clone(&prepared.file), prepared.id)));
    }
    put_back(name, sidecar, &mut prepared);
    Ok(None)
}

/// Whether what was displaced is gone, or is what was judged and merely cannot be removed: then a sweep does it later.
///
/// Not so when it has vanished or got content in this very moment: somebody else is at it.
fn is_removed_or_litter(name: &Name, kind: Kind) -> bool {
    match remove(name, kind) {
        Ok(()) => true,
        Err(err) => {
            tracing::debug!(displaced = %name.path().display(), %err, "a displaced lock file is left to the sweep");
            !matches!(
                err.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            )
        }
    }
}

/// Somebody else's lock was displaced: it gets its name back, if ours still has that name.
fn put_back(name: Name, sidecar: &Name, prepared: &mut Prepared) {
    let id = prepared.id;
    let stands_for_ours = |name: &Name| matches!(look(name), Ok(Some(now)) if now.id == id);
    if !stands_for_ours(sidecar) {
        // Whoever removed ours took it for its own, and has released: nobody owns what was displaced.
        tracing::debug!(displaced = %name.path().display(), "a displaced lock file is left to the sweep");
        return;
    }
    let exchanged = super::exchange(&name, sidecar);
    if exchanged.is_ok() && stands_for_ours(&name) {
        prepared.name = Some(name);
        return;
    }
    // What came out is not ours, so it is not ours to remove: put that back as well.
    if let Err(err) = exchanged.and_then(|()| super::exchange(&name, sidecar)) {
        tracing::warn!(displaced = %name.path().display(), %err, "a lock file could not be put back");
    }
}

/// The way of systems without an exchange: the name is free for a moment, and anybody may take it.
fn move_away(
    sidecar: &Name,
    judged: &Look,
    prepared: &Prepared,
) -> io::Result<Option<(Arc<File>, FileId)>> {
    let away = temporary_beside(sidecar)?;
    match rename(sidecar, &away) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        renamed => renamed?,
    }
    if !is_judged(&away, judged) || remove(&away, judged.kind).is_err() {
        if look(sidecar)?.is_none() {
            match rename(&away, sidecar) {
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                put_back => put_back?,
            }
        }
        return Ok(None);
    }
    match files::link_prepared(prepared, sidecar)? {
        Linked::Done(file, id) => Ok(Some((file, id))),
        Linked::Taken => Ok(None),
    }
}

/// A lock of another tool moves to a unique name and back; nothing is replaced.
fn rename(from: &Name, to: &Name) -> io::Result<()> {
    about_to(Call::Rename)?;
    super::rename(from, to)
}

fn is_judged(name: &Name, judged: &Look) -> bool {
    matches!(look(name), Ok(Some(now)) if now.id == judged.id && now.modified == judged.modified)
}

fn remove(name: &Name, kind: Kind) -> io::Result<()> {
    match kind {
        Kind::Directory => super::remove_folder(name),
        _ => remove_file(name),
    }
}

pub(super) fn is_unsupported(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_that_was_not_judged_gets_its_place_back() {
        let folder = tempfile::tempdir().unwrap();
        let (sidecar, other) = (folder.path().join("x.lock"), folder.path().join("other"));
        for path in [&sidecar, &other] {
            File::create_new(path).unwrap();
        }
        let (sidecar, other) = (Name::open(&sidecar).unwrap(), Name::open(&other).unwrap());
        let standing = look(&sidecar).unwrap();
        let judged = look(&other).unwrap().unwrap();
        let swapped = swap_in(&[b' '; record::SIZE], &sidecar, &judged).unwrap();
        assert!(swapped.is_none(), "nobody owns a lock by a wrong judgement");
        assert_eq!(
            look(&sidecar).unwrap(),
            standing,
            "the lock stands as it stood"
        );
        let names = super::super::names_in(sidecar.folder()).unwrap();
        assert_eq!(names.len(), 2, "nothing is left: {names:?}");
    }
}
