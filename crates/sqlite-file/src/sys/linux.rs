//! File systems, as Linux tells of them.

use std::path::Path;

use rustix::fs::statfs;
use rustix::io::retry_on_intr;

/// statfs(2): NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph. FUSE and 9P are missing on purpose: containers keep local files on them.
const NETWORK: [u64; 7] = [
    0x6969,
    0x517B,
    0xFF53_4D42,
    0xFE53_4D42,
    0x5346_414F,
    0x7375_7245,
    0x00C3_6400,
];

/// Whether the folder is certainly on another machine.
pub(crate) fn is_on_network(folder: &Path) -> bool {
    #[expect(
        clippy::cast_sign_loss,
        reason = "a magic number, signed on some systems only"
    )]
    let magic = retry_on_intr(|| statfs(folder)).map(|found| found.f_type as u64);
    magic.is_ok_and(is_network)
}

fn is_network(magic: u64) -> bool {
    NETWORK.contains(&(magic & 0xFFFF_FFFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_network_knows_nfs_and_smb_and_leaves_local_ones_alone() {
        let table = [
            ("nfs", 0x6969, true),
            ("smb2", 0xFE53_4D42, true),
            ("smb2, sign extended", 0xFFFF_FFFF_FE53_4D42, true),
            ("ext4", 0xEF53, false),
            ("tmpfs", 0x0102_1994, false),
            ("9p", 0x0102_1997, false),
            ("fuse", 0x6573_5546, false),
        ];
        for (name, magic, expected) in table {
            assert_eq!(is_network(magic), expected, "{name}");
        }
        assert!(
            !is_on_network(Path::new("/proc")),
            "/proc is of this machine"
        );
    }
}
