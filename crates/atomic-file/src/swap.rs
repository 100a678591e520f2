//! Giving back what a swap of names has displaced, whoever else is at work.

use std::ffi::{OsStr, OsString};
use std::io;

use crate::name::{Mark, rescued};
use crate::stamp::Stamp;
use crate::sys::{Directory, Exchange};

/// How often two others may get in between before we stop following them. Each round needs a write by somebody else
/// within microseconds.
const ROUNDS: usize = 16;

/// Where a displaced version is now.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It has its name again; our own version is gone.
    GivenBack,
    /// It, or a version that was overtaken meanwhile, is kept under this name.
    Rescued(OsString),
}

/// Undoes a swap: `displaced`, now called `temporary`, gets `name` back in exchange for `put`, our own version.
///
/// When somebody else wrote in between, the newest version keeps the name and the older one is kept beside it.
/// Nothing but our own, unedited version is ever deleted.
pub(crate) fn give_back(
    directory: &Directory,
    temporary: &OsStr,
    name: &OsStr,
    put: Mark,
    displaced: &Stamp,
) -> io::Result<Outcome> {
    let mut is_ours = true;
    let mut put = put;
    let mut displaced = Mark::of(displaced);
    for _ in 0..ROUNDS {
        match directory.exchange(temporary, name) {
            Ok(Exchange::Done) => {}
            Ok(Exchange::Unsupported) => break,
            // The story was removed in between: what was displaced must not come back, nor get lost.
            Err(err) if err.kind() == io::ErrorKind::NotFound => break,
            Err(err) => {
                tracing::warn!(%err, "cannot give a displaced file its name back");
                break;
            }
        }
        let returned = directory.stamp(temporary)?;
        if put.fits(&returned) {
            if is_ours {
                directory.remove(temporary)?;
                return Ok(Outcome::GivenBack);
            }
            break;
        }
        // Somebody replaced what we had put there: theirs is the newest and gets the name.
        is_ours = false;
        put = displaced;
        displaced = Mark::of(&returned);
    }
    rescue(directory, temporary, name).map(Outcome::Rescued)
}

/// Keeps somebody's version under a name that no sweep touches, and returns that name.
pub(crate) fn rescue(
    directory: &Directory,
    temporary: &OsStr,
    name: &OsStr,
) -> io::Result<OsString> {
    let kept = rescued(name);
    match directory.rename_over(temporary, &kept) {
        Ok(()) => Ok(kept),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(err),
        Err(err) => {
            // It stays where it is: its name tells a sweep that it is not ours to delete.
            tracing::warn!(%err, "cannot rename a rescued file");
            Ok(temporary.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::{Outcome, give_back};
    use crate::name::Mark;
    use crate::sys::Directory;

    /// The state after our swap has displaced `theirs`, with what happened since in the story.
    fn swapped(story: &str, is_ours: bool) -> (Sandbox, Directory, Mark) {
        let sandbox = Sandbox::new();
        sandbox.write("temporary", "theirs");
        sandbox.write("ours", "ours");
        sandbox.write("story.md", story);
        let directory = Directory::open(sandbox.path()).expect("it can be opened");
        let put = if is_ours { "story.md" } else { "ours" };
        let put = Mark::of(&directory.stamp(put.as_ref()).expect("it is there"));
        (sandbox, directory, put)
    }

    fn undo(directory: &Directory, put: Mark) -> Outcome {
        let (temporary, story) = ("temporary".as_ref(), "story.md".as_ref());
        let displaced = directory.stamp(temporary).expect("it is there");
        give_back(directory, temporary, story, put, &displaced).expect("nothing is in the way")
    }

    #[test]
    fn give_back_undoes_the_swap_when_nobody_came_between() {
        let (sandbox, directory, put) = swapped("ours", true);
        let outcome = undo(&directory, put);
        assert!(
            matches!(outcome, Outcome::GivenBack),
            "it is undone: {outcome:?}"
        );
        assert_eq!(
            sandbox.read("story.md"),
            "theirs",
            "the displaced version has its name"
        );
        assert!(!sandbox.join("temporary").exists(), "ours is gone");
    }

    #[test]
    fn give_back_keeps_both_versions_when_a_third_party_came_between() {
        // Somebody has replaced our version before we could take it back: theirs is the newest.
        let (sandbox, directory, put) = swapped("third", false);
        let Outcome::Rescued(kept) = undo(&directory, put) else {
            panic!("two versions of others cannot both have the name");
        };
        assert_eq!(
            sandbox.read("story.md"),
            "third",
            "the newest version has the name"
        );
        assert_eq!(sandbox.read(kept), "theirs", "the other one is kept");
        assert!(
            !sandbox.join("temporary").exists(),
            "under a name that no sweep touches"
        );
    }

    #[test]
    fn give_back_keeps_our_version_when_a_person_has_edited_it() {
        let (sandbox, directory, put) = swapped("ours", true);
        sandbox.write("story.md", "ours, and a person's line");
        let Outcome::Rescued(kept) = undo(&directory, put) else {
            panic!("an edited version of ours is no longer ours to delete");
        };
        assert_eq!(
            sandbox.read("story.md"),
            "ours, and a person's line",
            "the newest version has the name"
        );
        assert_eq!(sandbox.read(kept), "theirs", "the other one is kept");
    }

    #[test]
    fn give_back_keeps_the_displaced_version_when_the_file_was_removed() {
        let (sandbox, directory, put) = swapped("ours", true);
        std::fs::remove_file(sandbox.join("story.md")).expect("it is there");
        let Outcome::Rescued(kept) = undo(&directory, put) else {
            panic!("a removed file must not come back");
        };
        assert!(
            !sandbox.join("story.md").exists(),
            "a removed file stays removed"
        );
        assert_eq!(sandbox.read(kept), "theirs", "what was displaced is kept");
    }
}
