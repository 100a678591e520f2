//! A whole other kernel (user-mode-linux): killed at work, as NFS server with two clients, with vfat.

pub mod chance;
mod cuts;
mod guest;
mod nfs;
mod vfat;

use crate::case::{Case, Expect};

/// The cases of this section.
pub const CASES: &[Case] = &[
    Case {
        name: "kernel: cut with four writers on ext4",
        expect: Expect::NothingWrong,
        minimum: 3,
        run: cuts::ext4,
    },
    Case {
        name: "kernel: cut with four writers on xfs",
        expect: Expect::NothingWrong,
        minimum: 3,
        run: cuts::xfs,
    },
    Case {
        name: "kernel: cut with four writers on btrfs",
        expect: Expect::NothingWrong,
        minimum: 3,
        run: cuts::btrfs,
    },
    Case {
        name: "kernel: cut with fast writers",
        expect: Expect::NothingWrong,
        minimum: 3,
        run: cuts::fast,
    },
    Case {
        name: "kernel: cut with writers in place",
        expect: Expect::SomethingWrong,
        minimum: 1,
        run: cuts::written_in_place,
    },
    Case {
        name: "kernel: NFS 4.2 with two clients",
        expect: Expect::NothingWrong,
        minimum: 80,
        run: nfs::two_clients,
    },
    Case {
        name: "kernel: writers without a lock on NFS 4.2",
        expect: Expect::SomethingWrong,
        minimum: 40,
        run: nfs::without_a_lock,
    },
    Case {
        name: "kernel: vfat",
        expect: Expect::NothingWrong,
        minimum: 15,
        run: vfat::vfat,
    },
];
