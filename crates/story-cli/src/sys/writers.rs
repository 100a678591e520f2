//! Which processes have a file open to write into it, as `/proc` tells.

use std::fs;
use std::path::Path;

use super::{Writer, entries_of};

/// The bits of the flags in `/proc/PID/fdinfo` that say how a file was opened, and the value for reading only (open(2)).
const ACCESS_MODE: u32 = 0o3;

/// The processes that have the file open for writing at this moment, but for this one. Those of other users are seen by root
/// only.
pub fn writers_of(file: &Path) -> Vec<Writer> {
    let own = std::process::id();
    let processes = entries_of(Path::new("/proc")).unwrap_or_default();
    let mut writers = Vec::new();
    for process in processes {
        let pid = process
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        let Some(pid) = pid.filter(|pid: &u32| *pid != own) else {
            continue;
        };
        if has_open_to_write(&process, file) {
            let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
            let command = command.trim_end().to_owned();
            writers.push(Writer { pid, command });
        }
    }
    writers
}

fn has_open_to_write(process: &Path, file: &Path) -> bool {
    let opened = entries_of(&process.join("fd")).unwrap_or_default();
    opened.iter().any(|link| {
        fs::read_link(link).is_ok_and(|target| target == file)
            && link.file_name().is_some_and(|number| {
                let about = process.join("fdinfo").join(number);
                fs::read_to_string(about).is_ok_and(|about| is_for_writing(&about))
            })
    })
}

/// Whether a text of `/proc/PID/fdinfo/N` is that of a file opened for writing.
fn is_for_writing(about: &str) -> bool {
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.is_some_and(|flags| {
        u32::from_str_radix(flags.trim(), 8).is_ok_and(|flags| flags & ACCESS_MODE != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::is_for_writing;

    #[test]
    fn file_is_for_writing_where_the_flags_say_so() {
        let table = [
            ("pos:\t0\nflags:\t0100001\nmnt_id:\t1\n", true),
            ("pos:\t0\nflags:\t02102002\n", true),
            ("pos:\t0\nflags:\t02100000\n", false),
            ("", false),
        ];
        for (about, expected) in table {
            assert_eq!(is_for_writing(about), expected, "what {about:?} says");
        }
    }
}
