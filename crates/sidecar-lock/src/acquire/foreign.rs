//! Another tool's lock stands at the place: judge it, and replace it when it is stale.

use std::fs::File;

use super::{Attempt, Busy, Outcome};
use crate::error::{AcquireError, Obstruction};
use crate::foreign::{ForeignKind, ForeignLock};
use crate::guard::TookOver;
use crate::stale::Verdict;
use crate::sys::{self, Look};

impl Attempt<'_> {
    /// The kernel lock on the file serialises those of us who would replace it.
    pub(super) fn judge_file(&mut self, file: &File, look: &Look) -> Result<Outcome, AcquireError> {
        let (foreign, verdict) = self.observation.judge(look, ForeignKind::File, self.limits);
        match verdict {
            Verdict::Alive { .. } => {
                sys::unlock(file).map_err(|err| self.io("unlock", err))?;
                Ok(Outcome::Busy(Busy::Foreign(foreign)))
            }
            Verdict::Stale => self.replace(look, foreign),
        }
    }

    pub(super) fn judge_directory(&mut self) -> Result<Outcome, AcquireError> {
        let sidecar = &self.sidecar;
        // Bind to this directory: from here on its name may come to mean another one.
        let (folder, look) = match sys::open_folder(sidecar) {
            Ok(opened) => opened,
            Err(err) if sys::is_other_kind(&err) => return Ok(Outcome::Moved),
            Err(err) => return Err(self.io("open", err)),
        };
        if !sys::is_empty_folder(&folder, sidecar).map_err(|err| self.io("read", err))? {
            return Err(self.obstructed(Obstruction::DirectoryWithContent));
        }
        let (foreign, verdict) = self
            .observation
            .judge(&look, ForeignKind::Directory, self.limits);
        let breaker = verdict == Verdict::Stale
            && sys::try_lock(&folder).map_err(|err| self.io("lock", err))?;
        if !breaker {
            return Ok(Outcome::Busy(Busy::Foreign(foreign)));
        }
        match sys::pin(&folder, sidecar, &look).map_err(|err| self.io("pin", err))? {
            Some(pinned) => self.replace(&pinned, foreign),
            None => Ok(Outcome::Moved),
        }
    }

    /// Puts our sidecar in the place of a stale lock, in one step, and looks at what came out.
    fn replace(&mut self, judged: &Look, foreign: ForeignLock) -> Result<Outcome, AcquireError> {
        let mut record = self.new_record(None);
        let bytes = record.lay_out();
        let swapped = sys::swap_in(&bytes, &self.sidecar, judged);
        match swapped {
            Ok(Some((file, id))) => {
                Ok(self.acquired(file, id, &record, Some(TookOver::Foreign(foreign))))
            }
            Ok(None) => Ok(Outcome::Moved),
            Err(err) => Err(self.io("replace", err)),
        }
    }
}
