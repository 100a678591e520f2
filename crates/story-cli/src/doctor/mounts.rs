//! What a mount says about its locks; pure.

/// The options of the file system on `device` (`major:minor`) in the text of `/proc/self/mountinfo`; see proc(5).
pub fn options_of<'a>(mountinfo: &'a str, device: &str) -> Option<&'a str> {
    mountinfo.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        (mount.split(' ').nth(2)? == device).then_some(())?;
        file_system.split(' ').nth(2)
    })
}

/// Whether a kernel lock that is taken there is seen by this machine only; see nfs(5).
pub fn keeps_locks_to_itself(options: &str) -> bool {
    options
        .split(',')
        .any(|option| matches!(option, "nolock" | "local_lock=all" | "local_lock=flock"))
}

#[cfg(test)]
mod tests {
    use super::{keeps_locks_to_itself, options_of};

    const MOUNTINFO: &str = "\
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
98 28 0:45 / /home/with\\040blank rw,relatime shared:52 - nfs server:/home rw,vers=3,nolock,local_lock=all,addr=10.0.0.1
99 28 0:46 / /work rw,relatime - nfs4 server:/work rw,vers=4.2,local_lock=none,addr=10.0.0.1
";

    #[test]
    fn options_are_those_of_the_device() {
        for (device, keeps) in [
            ("0:45", Some(true)),
            ("0:46", Some(false)),
            ("0:21", Some(false)),
            ("0:4", None),
        ] {
            let options = options_of(MOUNTINFO, device);
            assert_eq!(options.map(keeps_locks_to_itself), keeps, "device {device}");
        }
    }

    #[test]
    fn locks_for_records_only_do_not_concern_us() {
        for (options, keeps) in [
            ("rw,local_lock=posix", false),
            ("rw,local_lock=flock", true),
            ("rw,nolock", true),
        ] {
            assert_eq!(keeps_locks_to_itself(options), keeps, "{options}");
        }
    }
}
