//! `story doctor`: what crashes and mistakes leave, found and mended.

mod audit;
mod file_system;
mod folders;
mod ignoring;
mod journals;
mod litter;
mod locks;
mod merging;
mod mounts;
mod report;
mod runs;
mod stories;
mod unfinished;
mod updatable;

use crate::args::DoctorArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::places::{Target, workspace};
use crate::settings::Settings;
use crate::signals;
use report::Report;

/// Whether to mend what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Look,
    Mend,
}

/// Prints each finding and returns 1 while problems remain, else 0; an audit returns 7 when it found something.
///
/// # Errors
///
/// When there is no sdlc root, or stdout does not take the findings.
pub fn run(args: &DoctorArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    if let Some(folder) = &args.audit {
        return audit::run(folder, args, settings, output);
    }
    signals::watch();
    let mode = if args.fix { Mode::Mend } else { Mode::Look };
    let workspace = workspace(settings)?;
    let root = Target::at(workspace.root().to_path_buf()).absolute();
    let mut report = Report::default();
    let folders = folders::to_look_at(&root, &workspace, &mut report);
    for folder in &folders {
        // Before the lock of a dead writer goes: it is what makes the next update sweep, should this one die here.
        litter::check(folder, mode, &mut report);
        locks::check(folder, mode, settings, &mut report);
        stories::check(folder, &mut report);
        updatable::check(folder, &mut report);
        journals::check(folder, mode, settings, &mut report);
    }
    unfinished::check(&root, &folders, mode, settings, &mut report);
    ignoring::check(&root, mode, settings, &mut report)?;
    merging::check(&root, mode, &mut report)?;
    runs::check(&root, mode, settings, output, &mut report)?;
    file_system::check(&root, settings, &mut report);
    report.print(output)?;
    Ok(u8::from(report.problems() > 0))
}
