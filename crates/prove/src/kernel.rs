//! A whole other kernel (user-mode-linux): killed at work, as NFS server with two clients, with vfat.

use crate::case::Case;

/// The cases of this section.
pub const CASES: &[Case] = &[];
