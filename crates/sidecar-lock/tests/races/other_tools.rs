//! Another tool does something at every call of ours.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use super::points::{CYCLE, Findings, end, ensure, everywhere, lead};
use super::stage::Stage;

/// Another tool's step at every call of ours: whoever has made the name keeps it.
#[test]
fn other_tools_step_at_every_call_is_respected() {
    let mut findings = Findings::new();
    for (place, start) in everywhere() {
        for step in [
            ForeignStep::Script,
            ForeignStep::Node,
            ForeignStep::Touch,
            ForeignStep::Release,
            ForeignStep::ScriptAfterRelease,
            ForeignStep::NodeAfterRelease,
        ] {
            let stage = Stage::new();
            let mut ours = stage.process();
            for calls in 0.. {
                start.set(&stage);
                let before = identity(&stage);
                if lead(&mut ours, CYCLE, place, calls).is_some() {
                    stage.check_next().expect("it was alone");
                    break;
                }
                let call = ours.at().unwrap_or_default().to_owned();
                let at = format!("{place:?} {start:?}, {step:?} at {call}");
                let is_inside = call == "Holding";
                let holds = step.act(&stage, before);
                let outcome = end(&mut ours, place);
                let outcome = step.judge(&at, &stage, holds.filter(|_| !is_inside), &outcome);
                findings.point(&at, outcome);
                remove_whatever(&stage);
            }
        }
    }
    findings.check(900);
}

/// What another tool does to the lock that stood there at first, or to the free name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ForeignStep {
    /// A script makes the name.
    Script,
    /// Node makes it.
    Node,
    /// The owner of the foreign lock shows that it lives.
    Touch,
    /// It releases.
    Release,
    /// It releases, and another makes the name.
    ScriptAfterRelease,
    NodeAfterRelease,
}

/// Which file stands at the sidecar's place.
fn identity(stage: &Stage) -> Option<u64> {
    fs::symlink_metadata(stage.sidecar())
        .ok()
        .map(|it| it.ino())
}

impl ForeignStep {
    /// Returns which file it holds the lock by now, if it does.
    fn act(self, stage: &Stage, before: Option<u64>) -> Option<u64> {
        let sidecar = stage.sidecar();
        let stands = before.is_some() && identity(stage) == before;
        let is_foreign = sidecar.is_dir() || fs::read(sidecar).is_ok_and(|text| text == b"4711\n");
        let is_its_own = stands && is_foreign;
        match self {
            Self::Touch if is_its_own => {
                testkit::set_age(sidecar, Duration::ZERO);
                return identity(stage);
            }
            Self::Release | Self::ScriptAfterRelease | Self::NodeAfterRelease if is_its_own => {
                // A pinned one cannot be removed: then it has nothing more to do here.
                fs::remove_file(sidecar)
                    .or_else(|_| fs::remove_dir(sidecar))
                    .ok()?;
            }
            _ => {}
        }
        let made = match self {
            Self::Script | Self::ScriptAfterRelease => fs::File::create_new(sidecar).is_ok(),
            Self::Node | Self::NodeAfterRelease => fs::create_dir(sidecar).is_ok(),
            Self::Touch | Self::Release => false,
        };
        if made { identity(stage) } else { None }
    }

    fn judge(
        self,
        at: &str,
        stage: &Stage,
        holds: Option<u64>,
        outcome: &str,
    ) -> Result<(), String> {
        ensure(
            !outcome.contains("error") && !outcome.contains("TWO"),
            || outcome.to_owned(),
        )?;
        let Some(held) = holds else {
            return Ok(());
        };
        if at.ends_with("StaleFolder, Touch at Pin") {
            // The one moment that no call can close, see docs/protocol.md: putting the pin in sets the time as well.
            return ensure(outcome.starts_with("acquired from another tool"), || {
                format!("an exception that is none any more: {outcome}")
            });
        }
        ensure(identity(stage) == Some(held), || {
            format!("it holds the lock, and something else stands there; ours: {outcome}")
        })?;
        if self == Self::Touch {
            return Ok(());
        }
        ensure(
            !stage.sidecar().is_dir()
                || fs::read_dir(stage.sidecar()).is_ok_and(|it| it.count() == 0),
            || "something was put into its folder".to_owned(),
        )
    }
}

fn remove_whatever(stage: &Stage) {
    for name in stage.names() {
        let path = stage.path(&name);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir_all(&path))
            .expect("it can be removed");
    }
}
