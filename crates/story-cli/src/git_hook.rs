//! `story init --git`: the hook by which git asks `story lease guard` before each commit.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::failure_sources::code_of_io;
use crate::git;
use crate::init::complete;
use crate::json;
use crate::output::Output;
use crate::settings::Settings;
use crate::sys;

const NAME: &str = "pre-commit";

/// Where `story` is not installed a commit is made as ever: not everybody who clones a repository has it.
const SCRIPT: &str = "\
#!/bin/sh
# Installed by `story init --git`: refuses a commit of files that another agent has leased.
if command -v story >/dev/null 2>&1; then
  exec story lease guard
fi
echo 'warning: story is not on the PATH: nobody looks at the leases of agents' >&2
";

/// What does the same in a hook of somebody else.
const LINE: &str = "if command -v story >/dev/null 2>&1; then story lease guard || exit; fi";

/// By this a hook is known to ask us.
const CALL: &str = "story lease guard";

/// What became of the hook.
#[derive(Debug)]
pub struct Hook {
    path: PathBuf,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InstalledNow,
    InstalledBefore,
    /// Another hook stands there, and was left.
    Foreign,
    /// The hooks of this repository lie outside of it: they are those of others too.
    Shared,
}

/// Makes the hook, unless another one stands in its place.
///
/// # Errors
///
/// When git does not answer, or the hook cannot be written.
pub fn install(top_level: &Path, settings: &Settings) -> Result<Hook, Failure> {
    let about = |mut failure: Failure| {
        if !failure.is_committed() {
            "cannot install the hook".clone_into(&mut failure.headline);
        }
        failure
    };
    let of_io = |path: &Path, err: &std::io::Error| {
        Failure::new(code_of_io(err), "cannot install the hook")
            .cause(err.to_string())
            .at(path)
    };
    let found = git::hooks(top_level).map_err(|err| of_io(top_level, &err))?;
    let path = found.folder.join(NAME);
    if !found.is_own {
        let state = State::Shared;
        return Ok(Hook { path, state });
    }
    fs::create_dir_all(&found.folder).map_err(|err| of_io(&found.folder, &err))?;
    let added = complete(&path, completed, settings).map_err(about)?;
    let text = fs::read(&path).map_err(|err| of_io(&path, &err))?;
    let state = match added {
        Some(()) => State::InstalledNow,
        None if asks_us(&text) => State::InstalledBefore,
        None => State::Foreign,
    };
    if text == SCRIPT.as_bytes() {
        // Git passes over a hook that cannot be run: also one that a crash left so.
        sys::make_executable(&path).map_err(|err| of_io(&path, &err))?;
    }
    Ok(Hook { path, state })
}

/// Our script where there is nothing.
fn completed(text: &[u8]) -> Option<(Vec<u8>, ())> {
    text.is_empty().then(|| (SCRIPT.into(), ()))
}

fn asks_us(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n');
    let mut commands = lines.filter(|line| !line.trim_ascii_start().starts_with(b"#"));
    commands.any(|line| String::from_utf8_lossy(line).contains(CALL))
}

impl Hook {
    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.state == State::InstalledNow
    }

    fn is_left_to_do(&self) -> bool {
        matches!(self.state, State::Foreign | State::Shared)
    }

    /// Tells people what was done.
    pub fn tell(&self, output: &Output) {
        let path = self.path.display();
        match self.state {
            State::InstalledNow => output.note(&format!(
                "made {path}: a commit of files that another agent has leased is refused"
            )),
            State::InstalledBefore => {}
            State::Foreign => {
                output.warning(&format!("{path} is something else and was left"));
                output.hint(&format!("add to it: {LINE}"));
            }
            State::Shared => {
                output.warning(&format!(
                    "{path} lies outside of the repository and was left: others use it too"
                ));
                output.hint(&format!("add to it: {LINE}"));
            }
        }
    }

    /// Members of the result.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("hook".to_owned(), json::text(&self.path));
        members.insert("hook_made".to_owned(), self.is_changed().into());
        let line = self.is_left_to_do().then_some(LINE);
        members.insert("hook_line_to_add".to_owned(), line.into());
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hook_is_made_where_there_is_none_and_known_again() {
        let (text, ()) = completed(b"").expect("there is none");
        assert!(asks_us(&text), "our own asks us");
        assert!(completed(&text).is_none(), "and is not made again");
        let table = [
            ("#!/bin/sh\nmake lint\n", false),
            ("#!/bin/sh\n# story lease guard\n", false),
            ("#!/bin/sh\nmake lint\nstory lease guard || exit\n", true),
            (LINE, true),
        ];
        for (text, expected) in table {
            assert!(completed(text.as_bytes()).is_none(), "{text:?} is left");
            assert_eq!(
                asks_us(text.as_bytes()),
                expected,
                "whether {text:?} asks us"
            );
        }
    }
}
