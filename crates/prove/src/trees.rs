//! What the cases of git trees share: a tree with a bit of everything in it, a task that damages it, and what it must be again.

use std::collections::BTreeMap;

use testkit::git_tree::{Name, Picture, Thing, said, text};

/// What somebody had done in the tree, and what of it is staged; a stash of theirs; what git ignores.
pub const PREPARED: &str = "
set -e
git init --quiet --initial-branch=main
git config user.name 'A Person'; git config user.email a@example.org
printf '/build/\\n.devs*\\n' > .gitignore
mkdir src build
for name in kept changed staged removed both; do seq 2000 > src/$name; done
printf 'a\\r\\nb\\n' > src/ends; printf 'true\\n' > src/run; chmod 755 src/run; ln -s kept src/link
git add --all; git commit --quiet -m first
echo stashed > src/kept; git stash push --quiet -m 'of a person'
seq 2001 > src/changed; seq 2002 > src/staged; git add src/staged
seq 2003 > src/both; git add src/both; seq 2004 > src/both
rm src/removed; chmod 600 src/run; echo new > 'new file'; echo built > build/out
git mv src/ends src/moved
";

macro_rules! task {
    () => {
        "echo task > src/changed; rm src/kept; mkdir made; echo made > made/by-the-task; chmod 755 src/staged
rm 'new file'; mkdir 'new file'; echo inside > 'new file/inside'; ln -sf nowhere src/link
git add --all; echo more > src/both; echo task > build/out; seq 2000 > src/removed"
    };
}

/// What a task does in it.
pub const TASK: &str = task!();
/// A task that says that it has done so, and fails.
pub const FAILING_TASK: &str = concat!(task!(), "; echo > ../at-work; exit 3");
/// What `git stash` makes of it.
pub const STASHED_TASK: &str = concat!(
    "git stash push --quiet --include-untracked -m devs-snapshot-T-1\n",
    task!(),
    "\ngit stash pop --quiet"
);
/// What only the task has made: it must be somewhere as long as it is not in the tree.
pub const MADE: [&str; 4] = [
    "made/by-the-task",
    "src/changed",
    "src/both",
    "new file/inside",
];

/// Whether a line of this output is the id of a snapshot.
pub fn names_a_snapshot(stdout: &str) -> bool {
    stdout
        .lines()
        .any(|line| line.len() >= 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Files, links, permissions and index are the same, but for what git ignores and what is ours.
pub fn same_files(then: &Picture, now: &Picture) -> Result<(), String> {
    let (was, is) = (files(then), files(now));
    for name in was.keys().chain(is.keys()) {
        let (was, is) = (was.get(name), is.get(name));
        if was != is {
            let (was, is) = (said(was.copied()), said(is.copied()));
            return Err(format!("{} was {was} and is {is}", text(name)));
        }
    }
    then.same_index(now)
}

fn files(picture: &Picture) -> BTreeMap<&Name, &Thing> {
    let things = picture.things.iter();
    things
        .filter(|(name, _)| !name.starts_with(b"build/") && !name.starts_with(b".devs"))
        .filter(|(_, thing)| !matches!(thing, Thing::Folder { .. }))
        .collect()
}
