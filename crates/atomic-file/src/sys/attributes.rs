//! Extended attributes and access control lists.

use std::ffi::CStr;
use std::fs::File;
use std::io;

use super::LostAttribute;

/// The access control list of a file. A folder's default list gives one to each new file.
const ACCESS_LIST: &CStr = c"system.posix_acl_access";

/// Attributes that describe the old *contents* (signatures, privileges) and would be wrong on new ones.
const OF_THE_CONTENTS: [&CStr; 3] = [c"security.ima", c"security.evm", c"security.capability"];

/// What copying came to.
#[derive(Default)]
pub(super) struct Copied {
    pub(super) lost: Vec<LostAttribute>,
    /// Something was set or removed, which may have changed the mode.
    pub(super) has_changed: bool,
}

/// Gives `new` the extended attributes of `old` and takes away an access list that `old` does not have.
///
/// Attributes of the system's security modules may belong to the administrator alone; those that are refused are
/// returned. Everything else must be kept.
pub(super) fn copy_attributes(old: &File, new: &File) -> io::Result<Copied> {
    let mut copied = Copied::default();
    let old_names = calls::list(old)?;
    let new_names = calls::list(new)?;
    if names(&new_names).any(|name| name == ACCESS_LIST)
        && names(&old_names).all(|name| name != ACCESS_LIST)
    {
        copied.has_changed = true;
        calls::remove(new, ACCESS_LIST)?;
    }
    for name in names(&old_names).filter(|name| !OF_THE_CONTENTS.contains(name)) {
        // Removed since it was listed.
        let Some(value) = calls::value(old, name)? else {
            continue;
        };
        copied.has_changed = true;
        if let Err(source) = calls::set(new, name, &value) {
            if !belongs_to_the_system(name) {
                return Err(source);
            }
            if calls::value(new, name)? != Some(value) {
                let name = name.to_string_lossy().into_owned();
                copied.lost.push(LostAttribute { name, source });
            }
        }
    }
    Ok(copied)
}

fn names(list: &[u8]) -> impl Iterator<Item = &CStr> {
    list.split_inclusive(|byte| *byte == 0)
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
}

fn belongs_to_the_system(name: &CStr) -> bool {
    let name = name.to_bytes();
    name.starts_with(b"security.") || name.starts_with(b"trusted.")
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod calls {
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;

    use rustix::buffer::spare_capacity;
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
    use rustix::io::{Errno, Result};

    #[cfg(not(target_vendor = "apple"))]
    const ABSENT: Errno = Errno::NODATA;
    #[cfg(target_vendor = "apple")]
    const ABSENT: Errno = Errno::NOATTR;

    /// More than the kernel allows for one value or for all names (64 KiB, `linux/limits.h`).
    const LARGEST: usize = 128 * 1024;

    pub(super) fn list(file: &File) -> io::Result<Vec<u8>> {
        match grow(|buffer| flistxattr(file, spare_capacity(buffer))) {
            Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    pub(super) fn value(file: &File, name: &CStr) -> io::Result<Option<Vec<u8>>> {
        match grow(|buffer| fgetxattr(file, name, spare_capacity(buffer))) {
            Err(ABSENT) => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    pub(super) fn set(file: &File, name: &CStr, value: &[u8]) -> io::Result<()> {
        Ok(fsetxattr(file, name, value, XattrFlags::empty())?)
    }

    pub(super) fn remove(file: &File, name: &CStr) -> io::Result<()> {
        Ok(fremovexattr(file, name)?)
    }

    /// Asks with a buffer that suffices as a rule, so that there is one call and no question for the size.
    fn grow(mut ask: impl FnMut(&mut Vec<u8>) -> Result<usize>) -> Result<Vec<u8>> {
        let mut buffer = Vec::with_capacity(256);
        loop {
            match ask(&mut buffer) {
                Err(Errno::RANGE) if buffer.capacity() < LARGEST => {
                    buffer = Vec::with_capacity(buffer.capacity() * 8);
                }
                Err(err) => return Err(err),
                Ok(_) => return Ok(buffer),
            }
        }
    }
}

/// Systems whose attributes are not reachable without unsafe code: nothing is copied.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod calls {
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;

    pub(super) fn list(_file: &File) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    pub(super) fn value(_file: &File, _name: &CStr) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    pub(super) fn set(_file: &File, _name: &CStr, _value: &[u8]) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove(_file: &File, _name: &CStr) -> io::Result<()> {
        Ok(())
    }
}
