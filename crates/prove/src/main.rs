//! `cargo prove`: tries what docs/reliability.md promises, and prints a table.
//!
//! Each case is tried at many points: a kill at each system call, an error from each, a power cut at each, and so on.
//! Exits with 1 when anything was wrong at any of them, and when a negative control was not caught. What a machine lacks
//! is skipped and named; with `--strict` a skip is a failure too.
//!
//! It drives the real `story`, built beside it, and links none of the crates it tries.
#![cfg(unix)]

mod case;
mod context;
mod faults;
mod hostile;
mod kernel;
mod leases;
mod places;
mod power;
mod protocol;
mod sections;
mod share;
mod soak;
mod state_files;
mod table;
mod trees;

use std::error::Error;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;

use crate::case::{Case, Skip, Tally};
use crate::context::Context;
use crate::share::Share;
use crate::table::Table;

/// Tries what docs/reliability.md promises: kills, errors, power cuts, hostile places and files.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Debug, Parser)]
#[command(bin_name = "cargo prove")]
struct Args {
    /// Only the cases whose name contains one of these.
    only: Vec<String>,
    /// Fail when a case had to be skipped.
    #[arg(long)]
    strict: bool,
    /// Hundreds of rounds where a usual run makes a few.
    #[arg(long)]
    long: bool,
    /// Try one of so many points, and with each next seed the next ones; each commit whole, and negative controls.
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "long")]
    share: NonZeroUsize,
    /// Print the names of the cases.
    #[arg(long)]
    list: bool,
    /// Repeat a run of this seed, where chance plays a part.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The `story` to try, instead of building it.
    #[arg(long, value_name = "FILE")]
    story: Option<PathBuf>,
    /// The mounts of this run are its own already.
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let cases: Vec<Case> = sections::all()
        .into_iter()
        .filter(|case| {
            args.only.is_empty() || args.only.iter().any(|text| case.name.contains(text))
        })
        .collect();
    if args.list {
        for case in &cases {
            io::Write::write_all(&mut io::stdout(), format!("{}\n", case.name).as_bytes())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if cases.is_empty() {
        return Err("no case has such a name; see --list".into());
    }
    if !args.inside && rustix::process::geteuid().is_root() {
        enter_own_namespace()?;
    }
    let story = match args.story {
        Some(story) => story.canonicalize()?,
        None => build_story()?,
    };
    let target = story
        .ancestors()
        .nth(2)
        .ok_or("the program has no folder")?;
    let work = tempfile::Builder::new()
        .prefix("prove-")
        .tempdir_in(target)?;
    repository_at(work.path())?;
    let context = Context::new(story, work.path().to_owned(), args.seed, args.long);
    let share = Share {
        one_of: args.share.get(),
        seed: args.seed,
    };
    let mut table = Table::begin(io::stdout(), &cases)?;
    for case in &cases {
        let begun = Instant::now();
        let found = tried(case, &context.of_case(case, share));
        table.row(case, &found, begun.elapsed())?;
    }
    let well = table.end(args.strict)?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs a case; one that panics is wrong, and the others still run.
fn tried(case: &Case, context: &Context) -> Result<Tally, Skip> {
    let found = catch_unwind(AssertUnwindSafe(|| (case.run)(context))).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no words");
        Ok(Tally {
            wrong: vec![format!("the case itself panicked: {words}")],
            ..Tally::default()
        })
    });
    found.map(|tally| Tally {
        left_out: context.left_out(),
        ..tally
    })
}

/// Starts this program anew where its mounts are seen by nobody else and end with it.
///
/// Returns only when there can be no such place: then the cases that mount skip themselves.
fn enter_own_namespace() -> io::Result<()> {
    if testkit::on_path("unshare").is_none() {
        return Ok(());
    }
    let err = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--inside")
        .exec();
    Err(err)
}

/// Who looks for a project or a repository upwards finds this one, not that of this program's source.
fn repository_at(folder: &Path) -> io::Result<()> {
    if testkit::on_path("git").is_none() {
        return std::fs::create_dir(folder.join(".git"));
    }
    let mut git = Command::new("git");
    let status = git.args(["init", "--quiet"]).arg(folder).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{git:?}: {status}")))
    }
}

/// Builds `story` as the tests do and says where it is.
fn build_story() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--package", "story-cli"])
        .current_dir(testkit::workspace())
        .status()?;
    if !status.success() {
        return Err("story cannot be built".into());
    }
    let story = std::env::current_exe()?.with_file_name("story");
    Ok(story.canonicalize()?)
}
