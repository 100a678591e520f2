//! Owner, attributes and mode of the old file for the new one.

use std::fs::File;

use rustix::fs::{Gid, Uid, fchmod, fchown};

use super::attributes::copy_attributes;
use super::unix::to_mode;
use super::{LostAttribute, MetadataError};
use crate::stamp::Stamp;

/// Gives `new` the owner, group, access rules, extended attributes and mode of `old`.
///
/// The order matters: a change of owner takes set-user-id bits away, and an access rule changes the mode.
pub(crate) fn copy_metadata(
    old: &File,
    old_stamp: &Stamp,
    new: &File,
    new_stamp: &Stamp,
) -> Result<Vec<LostAttribute>, MetadataError> {
    let owner = (old_stamp.owner != new_stamp.owner).then(|| Uid::from_raw(old_stamp.owner));
    let group = (old_stamp.group != new_stamp.group).then(|| Gid::from_raw(old_stamp.group));
    if owner.is_some() || group.is_some() {
        fchown(new, owner, group).map_err(|err| MetadataError::Owner(err.into()))?;
    }
    let lost = copy_attributes(old, new).map_err(MetadataError::Attributes)?;
    fchmod(new, to_mode(old_stamp.mode)).map_err(|err| MetadataError::Mode(err.into()))?;
    Ok(lost)
}
