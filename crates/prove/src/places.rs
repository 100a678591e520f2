//! Places that are hostile: full, read-only, failing, shared, foreign.
//!
//! In each an update either works, also for many at once, or is refused with an error that names the file, the reason and
//! what to do; the story is whole, the next update where it can work finds nothing in its way and leaves nothing behind.

mod doctor;
mod mounts;
mod names;
mod people;
mod place;
mod process;
mod space;

use crate::case::{Case, Expect, Skip, Tally};
use crate::context::Context;

type Run = fn(&Context) -> Result<Tally, Skip>;

/// The cases of this section.
pub const CASES: &[Case] = &[
    promise(
        "places: read-only bind mount and remount",
        22,
        space::read_only,
    ),
    promise("places: full disk at each fill level", 36, space::full),
    Case {
        expect: Expect::SomethingWrong,
        ..promise(
            "places: full disk, written in place",
            3,
            space::full_in_place,
        )
    },
    promise("places: no inodes left", 5, space::inodes),
    promise(
        "places: a disk that starts to fail (ext4, xfs)",
        33,
        space::failing_disk,
    ),
    promise("places: quota used up (btrfs)", 26, space::quota),
    promise("places: mount options", 4, mounts::options),
    promise("places: overlay, lower and upper", 19, mounts::overlay),
    promise(
        "places: mount points and other file systems",
        14,
        mounts::points,
    ),
    promise(
        "places: other namespaces (pid, uts, mount, time)",
        8,
        people::namespaces,
    ),
    promise(
        "places: other users' folders and stories",
        16,
        people::users,
    ),
    promise(
        "places: other users' locks, strict umask",
        6,
        people::locks_of_others,
    ),
    promise(
        "places: clocks a day off, or ten times as fast",
        18,
        people::clocks,
    ),
    promise("places: file names", 29, names::names),
    promise("places: links", 35, names::links),
    promise(
        "places: immutable, append-only, hard-linked",
        14,
        names::attributes,
    ),
    promise("places: few open files", 50, process::open_files),
    promise("places: limit of file sizes", 10, process::file_size),
    promise("places: no more processes", 15, process::processes),
    promise(
        "places: working folder removed",
        12,
        process::working_folder,
    ),
    promise("places: closed streams", 63, process::streams),
    promise(
        "places: readers that go away, full outputs",
        11,
        process::readers,
    ),
    promise(
        "places: umask, home, language, no environment",
        16,
        process::environments,
    ),
    promise("places: what the doctor says of them", 11, doctor::doctor),
];

const fn promise(name: &'static str, minimum: u64, run: Run) -> Case {
    Case {
        name,
        expect: Expect::NothingWrong,
        minimum,
        run,
    }
}
