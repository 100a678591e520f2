//! The system refuses every call there is, one at a time.

use rustix::io::Errno;

use super::points::{CYCLE, Findings, Place, Start, end, ensure, lead};
use super::process::Said;
use super::stage::Stage;

/// The system refuses a call: an error, or success by another way, and the lock is free for the next.
#[test]
fn error_from_every_call_keeps_nobody_out() {
    let mut findings = Findings::new();
    for start in Start::ALL {
        for errno in [Errno::IO, Errno::NOSPC, Errno::INTR] {
            let stage = Stage::new();
            let mut ours = stage.process();
            for calls in 0.. {
                start.set(&stage);
                if lead(&mut ours, CYCLE, Place::Usual, calls).is_some() {
                    stage.check_next().expect("nothing was refused");
                    break;
                }
                if ours.at() == Some("Holding") {
                    end(&mut ours, Place::Usual);
                    continue;
                }
                let at = format!("{start:?}, {errno:?} from {:?}", ours.at());
                let outcome = match ours.main().refuse(errno) {
                    Said::Done(outcome) => outcome,
                    _ => end(&mut ours, Place::Usual),
                };
                if stage.sidecar().is_dir() {
                    stage.make_stale();
                }
                let lost = outcome.contains("TWO") || outcome.contains("lost");
                let outcome = ensure(!lost, || outcome.clone()).and_then(|()| {
                    stage
                        .check_next()
                        .map_err(|err| format!("{err}, after {outcome}"))
                });
                findings.point(&at, outcome);
            }
        }
    }
    findings.check(150);
}
