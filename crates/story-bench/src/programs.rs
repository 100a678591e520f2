//! Whether programs were built from the sources as they are, by the list of these that cargo leaves beside each program.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is known of programs.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// None is older than one of its sources.
    Current,
    /// One has no list of its sources: it was copied or installed.
    Unknown,
}

/// Compares programs with their sources.
///
/// # Errors
///
/// A source is younger than its program, or gone: build it again.
pub fn state_of<const N: usize>(programs: [&Path; N]) -> Result<State, Box<dyn Error>> {
    let mut state = State::Current;
    for program in programs {
        let list = match fs::read_to_string(program.with_extension("d")) {
            Ok(list) => list,
            Err(err) if err.kind() == ErrorKind::NotFound => {
                state = State::Unknown;
                continue;
            }
            Err(err) => return Err(err.into()),
        };
        let built = fs::metadata(program)?.modified()?;
        for source in sources(&list) {
            let is_old = fs::metadata(&source)
                .and_then(|found| found.modified())
                .is_ok_and(|changed| changed <= built);
            if !is_old {
                let [program, source] = [program, &source].map(Path::display);
                return Err(format!("{program} is older than {source}: build it again").into());
            }
        }
    }
    Ok(state)
}

/// The sources in a list as make reads it: `PROGRAM: SOURCE SOURCE`, a blank in a name behind a backslash.
fn sources(list: &str) -> Vec<PathBuf> {
    const BLANK: &str = "\0";
    let (_, sources) = list.split_once(": ").unwrap_or_default();
    let sources = sources.replace("\\ ", BLANK);
    sources
        .split_whitespace()
        .map(|source| source.replace(BLANK, " ").into())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use testkit::Sandbox;

    use super::*;

    /// A program of ten seconds ago with a source that was changed `age` seconds ago.
    fn state_with_source(age: u64) -> Result<State, String> {
        let sandbox = Sandbox::new();
        let source = sandbox.write("a folder/main.rs", "");
        let program = sandbox.write("story", "");
        for (path, age) in [(&source, age), (&program, 10)] {
            let time = SystemTime::now() - Duration::from_secs(age);
            let file = File::options().write(true).open(path);
            file.and_then(|file| file.set_modified(time))
                .expect("a time can be set");
        }
        let [story, source] = [&program, &source].map(|path| path.display().to_string());
        sandbox.write(
            "story.d",
            format!("{story}: {}\n", source.replace(' ', "\\ ")),
        );
        state_of([program.as_path()]).map_err(|err| err.to_string())
    }

    #[test]
    fn programs_that_are_older_than_a_source_are_refused() {
        assert_eq!(state_with_source(20), Ok(State::Current), "built since");
        let refused = state_with_source(0).expect_err("changed since");
        assert!(
            refused.contains("a folder/main.rs: build it again"),
            "it says which: {refused}"
        );
    }

    #[test]
    fn programs_whose_sources_are_gone_are_refused() {
        let sandbox = Sandbox::new();
        let program = sandbox.write("story", "");
        sandbox.write("story.d", "story: /nowhere/main.rs\n");
        let refused = state_of([program.as_path()]);
        assert!(refused.is_err(), "no commit can be told: {refused:?}");
    }

    #[test]
    fn programs_without_a_list_of_sources_are_unknown() {
        let sandbox = Sandbox::new();
        let program = sandbox.write("story", "");
        let state = state_of([program.as_path()]).expect("nothing is refused");
        assert_eq!(state, State::Unknown, "copied from elsewhere");
    }
}
