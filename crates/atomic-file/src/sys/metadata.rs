//! Owner, attributes and mode of the old file for the new one.

use std::fs::File;

use rustix::fs::{Gid, Uid, fchmod, fchown};

use super::attributes::copy_attributes;
use super::unix::to_mode;
use super::{LostAttribute, MetadataError};
use crate::stamp::Stamp;

/// Gives `new` the owner, group, access rules and extended attributes of `old`, and a mode, which need not be that of `old`: to
/// have that for a moment would let others read what they must not.
///
/// The order matters: a change of owner takes set-user-id bits away, and an access rule changes the mode.
pub(crate) fn copy_metadata(
    old: &File,
    old_stamp: &Stamp,
    new: &File,
    new_stamp: &Stamp,
    mode: u32,
) -> Result<Vec<LostAttribute>, MetadataError> {
    let owner = (old_stamp.owner != new_stamp.owner).then(|| Uid::from_raw(old_stamp.owner));
    let group = (old_stamp.group != new_stamp.group).then(|| Gid::from_raw(old_stamp.group));
    if owner.is_some() || group.is_some() {
        fchown(new, owner, group).map_err(|err| MetadataError::Owner(err.into()))?;
    }
    let copied = copy_attributes(old, new).map_err(MetadataError::Attributes)?;
    let is_as_made = owner.is_none() && group.is_none() && !copied.has_changed;
    if !is_as_made || new_stamp.mode != mode {
        fchmod(new, to_mode(mode)).map_err(|err| MetadataError::Mode(err.into()))?;
    }
    Ok(copied.lost)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::stamp_of;
    use super::*;

    #[test]
    fn copy_metadata_gives_the_mode_that_is_asked_for_and_never_that_of_the_old_file() {
        let sandbox = testkit::Sandbox::new();
        let opened = |name: &str, mode| {
            let path = sandbox.write(name, "x");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
            File::open(path).expect("it is there")
        };
        let (old, new) = (opened("old", 0o644), opened("new", 0o600));
        let stamp = |file| stamp_of(file).expect("it can be looked at");
        copy_metadata(&old, &stamp(&old), &new, &stamp(&new), 0o600).expect("it is ours");
        assert_eq!(stamp(&new).mode & 0o7777, 0o600, "nobody else may read it");
    }
}
