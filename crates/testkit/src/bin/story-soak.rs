//! `story-soak`: tries the real `story` with everything at once for a given time, and reports. Not shipped.
//!
//! Exits with 1 when anything was wrong, and with 2 when it does not understand its arguments.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<ExitCode> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    // It needs /proc, and an orphan's new parent.
    ExitCode::from(2)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Write as _};
    use std::path::PathBuf;
    use std::process::{Command, ExitCode};
    use std::time::{Duration, Instant};

    use testkit::Sandbox;
    use testkit::soak::{self, Settings};

    const USAGE: &str = "\
usage: story-soak --story FILE [--seconds N] [--seed N] [--epoch SECONDS] [--folder DIR] [--broken]
                  [--writers N] [--readers N] [--visitors N] [--menders N] [--killers N] [--stoppers N] [--vandals N]
                  [--peers N]
Writers are counted for each of the five kinds of story; the default suits two cores. An epoch that finds something
wrong leaves its folder in DIR (default: a folder of its own below target/).
";

    pub fn main() -> io::Result<ExitCode> {
        let Some(mut settings) = settings(std::env::args().skip(1)) else {
            io::stderr().write_all(USAGE.as_bytes())?;
            return Ok(ExitCode::from(2));
        };
        settings.story = settings.story.canonicalize()?;
        let sandbox = settings.folder.as_os_str().is_empty().then(Sandbox::new);
        if let Some(sandbox) = &sandbox {
            sandbox.path().clone_into(&mut settings.folder);
        }
        let mut out = io::stdout();
        writeln!(out, "{settings:?}")?;
        writeln!(out, "{}", machine())?;
        if settings.peers > 0 && testkit::node_peers().is_none() {
            writeln!(
                out,
                "SKIPPED: Node peers: node or its packages are not there"
            )?;
        }
        let began = Instant::now();
        let report = soak::run(&settings, |line| {
            // Who closed our stdout still gets the exit code.
            writeln!(io::stdout(), "{line}").ok();
        });
        writeln!(
            out,
            "\nseed {}, {:.0} s",
            settings.seed,
            began.elapsed().as_secs_f64()
        )?;
        writeln!(out, "{}\n{report}", machine())?;
        if report.is_well() {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(sandbox) = sandbox {
            writeln!(out, "kept: {}", sandbox.keep().display())?;
        }
        Ok(ExitCode::FAILURE)
    }

    /// The settings that the arguments say; `None`: they are wrong.
    fn settings(mut arguments: impl Iterator<Item = String>) -> Option<Settings> {
        let mut settings = Settings::new(PathBuf::new(), PathBuf::new());
        while let Some(name) = arguments.next() {
            if name == "--broken" {
                settings.broken = true;
                continue;
            }
            let value = arguments.next()?;
            let number = || value.parse::<u64>().ok();
            let count = || value.parse::<usize>().ok();
            match name.as_str() {
                "--story" => settings.story = value.into(),
                "--folder" => settings.folder = value.into(),
                "--seconds" => settings.length = Duration::from_secs(number()?),
                "--epoch" => settings.epoch = Duration::from_secs(number()?.max(1)),
                "--seed" => settings.seed = number()?,
                "--writers" => settings.writers = count()?,
                "--readers" => settings.readers = count()?,
                "--visitors" => settings.visitors = count()?,
                "--menders" => settings.menders = count()?,
                "--killers" => settings.killers = count()?,
                "--stoppers" => settings.stoppers = count()?,
                "--vandals" => settings.vandals = count()?,
                "--peers" => settings.peers = count()?,
                _ => return None,
            }
        }
        (!settings.story.as_os_str().is_empty()).then_some(settings)
    }

    /// Date, kernel, cores, load and our own memory, on one line.
    fn machine() -> String {
        let said = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output();
            output.map_or_else(
                |_| String::new(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            )
        };
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        format!(
            "{}, {}, {} cores, load {}, {}",
            said("date", &["-u", "+%Y-%m-%d %H:%M:%SZ"]),
            said("uname", &["-srm"]),
            std::thread::available_parallelism().map_or(0, usize::from),
            load.trim(),
            peak.unwrap_or_default(),
        )
    }
}
