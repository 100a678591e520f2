//! What must hold, whoever takes and restores: of what is taken nothing is touched, what was recorded comes back to the last
//! byte, what was not stays, and what was overwritten can be had back.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use testkit::git_tree::{Name, Picture, Thing, said, shown, text};

use crate::plan::HeadTo;
use crate::world::{NESTED, World, write};

/// Where one comes from and where one went back to.
pub struct WayBack<'a> {
    /// As it was recorded.
    pub then: &'a Picture,
    /// The names that were recorded.
    pub recorded: &'a BTreeSet<Name>,
    /// As it was before it was restored.
    pub damaged: &'a Picture,
    /// As it is now.
    pub now: &'a Picture,
    pub head: HeadTo,
}

impl WayBack<'_> {
    /// Whether everything is where it belongs.
    pub fn is_exact(&self, world: &World) -> Result<(), String> {
        let ignored_now = ignored(
            world,
            self.then,
            self.damaged.known.iter().chain(&self.damaged.ignored),
        );
        let damaged = self.damaged.things.keys();
        let names: BTreeSet<&Name> = damaged
            .chain(self.now.things.keys())
            .chain(self.recorded)
            .filter(|name| self.is_file_somewhere(name))
            .collect();
        for name in names {
            let wrong = if self.recorded.contains(name) {
                self.wrong_of_recorded(name)
            } else {
                self.wrong_of_others(name, &ignored_now)
            };
            if let Some(wrong) = wrong {
                let things = [self.then, self.damaged, self.now]
                    .map(|picture| said(picture.things.get(name)));
                return Err(format!(
                    "{} {wrong}: it was {}, became {}, is {}",
                    text(name),
                    things[0],
                    things[1],
                    things[2]
                ));
            }
        }
        self.then.same_index(self.now)?;
        self.history()?;
        if self.then.commit == self.now.commit && self.then.status != self.now.status {
            let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
            return Err(format!(
                "git's status was\n{}\nand is\n{}",
                said(&self.then.status),
                said(&self.now.status)
            ));
        }
        Ok(())
    }

    fn is_file_somewhere(&self, name: &Name) -> bool {
        [self.then, self.damaged, self.now]
            .iter()
            .any(|picture| picture.has(name))
    }

    fn wrong_of_recorded(&self, name: &Name) -> Option<&'static str> {
        let is_same = self.then.things.get(name) == self.now.things.get(name);
        (!is_same).then_some("was recorded and is not what it was")
    }

    /// What was not recorded stays where either rules ignore it: it may have been there before.
    fn wrong_of_others(&self, name: &Name, ignored: &BTreeSet<Name>) -> Option<&'static str> {
        let is_nested = name.starts_with(NESTED.as_bytes());
        let stays = is_nested || ignored.contains(name) || !self.damaged.known.contains(name);
        match (self.damaged.has(name), self.now.has(name)) {
            (false, true) => Some("came out of nowhere"),
            (true, true) if self.damaged.things.get(name) != self.now.things.get(name) => {
                Some("was not recorded and was written")
            }
            (true, true) if stays => None,
            (true, true) => Some("was made meanwhile and is still there"),
            (true, false) if stays && !self.is_in_the_way(name) => Some("is ignored and is gone"),
            (_, false) => None,
        }
    }

    /// Whether a recorded file could not come back beside it; it is in the rescue then.
    fn is_in_the_way(&self, name: &Name) -> bool {
        self.damaged.known.contains(name)
            && self
                .recorded
                .iter()
                .any(|other| is_below(other, name) || is_below(name, other))
    }

    fn history(&self) -> Result<(), String> {
        match self.head {
            HeadTo::Keep => self.damaged.same_history(self.now),
            HeadTo::Back if self.damaged.stashes != self.now.stashes => {
                Err("the owner's stashes are not what they were".to_owned())
            }
            HeadTo::Back
                if (&self.then.commit, &self.then.head) != (&self.now.commit, &self.now.head) =>
            {
                let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
                Err(format!(
                    "HEAD was {} at {}, and is {} at {}",
                    said(&self.then.head),
                    said(&self.then.commit),
                    said(&self.now.head),
                    said(&self.now.commit)
                ))
            }
            HeadTo::Back => Ok(()),
        }
    }
}

/// Whether something that may not be touched stands where a recorded file must come: then, and only then, restoring may be
/// refused.
pub fn has_obstacle(
    world: &World,
    then: &Picture,
    recorded: &BTreeSet<Name>,
    damaged: &Picture,
) -> bool {
    let others: Vec<&Name> = damaged
        .things
        .keys()
        .filter(|name| damaged.has(name) && !recorded.contains(*name))
        .collect();
    let ignored = ignored(world, then, others.iter().copied());
    others.into_iter().any(|other| {
        let is_untouchable = ignored.contains(other)
            || damaged.ignored.contains(other)
            || other.starts_with(NESTED.as_bytes());
        let is_in_the_way = recorded
            .iter()
            .any(|name| is_below(other, name) || is_below(name, other));
        is_in_the_way && is_untouchable
    })
}

fn is_below(name: &[u8], folder: &[u8]) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// The names that the rules of a picture ignore, tracked or not.
fn ignored<'a>(
    world: &World,
    rules: &Picture,
    names: impl IntoIterator<Item = &'a Name>,
) -> BTreeSet<Name> {
    // In a tree that holds nothing else: git refuses to answer for what lies behind a link.
    let bare = world.bare_tree();
    for name in [".gitignore", "d/.gitignore"] {
        if let Some(Thing::File { bytes, .. }) = rules.things.get(name.as_bytes()) {
            write(&bare.join(name), bytes);
        }
    }
    let names: Vec<Name> = names.into_iter().cloned().collect();
    let mut git = world.command(&["check-ignore", "--no-index", "--stdin", "-z"]);
    git.env("GIT_DIR", &world.git_dir)
        .env("GIT_WORK_TREE", &bare)
        .current_dir(&bare);
    let found = world.answer(&mut git, &names.join(&0));
    found
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// Whether git finds the repository whole.
pub fn is_whole(world: &World) -> Result<(), String> {
    let said = world.git(&["fsck", "--full", "--no-dangling", "--no-progress"]);
    let words = [said.stdout, said.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    // It tells of a branch without a commit, which is no fault.
    let faults: Vec<&str> = words
        .lines()
        .filter(|line| !line.starts_with("notice: "))
        .collect();
    if said.status.success() && faults.is_empty() {
        return Ok(());
    }
    Err(format!("git fsck: {}: {words}", said.status))
}

/// Whether nothing of ours lies about that keeps git or its owner from working.
pub fn is_tidy(world: &World) -> Result<(), String> {
    for folder in [&world.git_dir, &world.common] {
        let locks: Vec<Name> = ["index.lock", "HEAD.lock", "packed-refs.lock"]
            .into_iter()
            .filter(|name| folder.join(name).exists())
            .map(|name| name.as_bytes().to_vec())
            .collect();
        if !locks.is_empty() {
            return Err(format!("git is locked by {}", shown(&locks)));
        }
        let scratch = folder.join("story-snapshots");
        let rest = scratch.read_dir().into_iter().flatten().count();
        if rest > 0 {
            return Err(format!("{rest} names are left in {}", scratch.display()));
        }
    }
    Ok(())
}

/// Where bytes are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safe {
    /// In the tree, in the index, in the owner's history.
    WithoutUs,
    /// There, or in a snapshot.
    WithSnapshots,
}

/// Whether the bytes of all files of a picture are still somewhere: of those that git knew, or of all.
pub fn is_nowhere_lost(
    world: &World,
    then: &Picture,
    now: &Picture,
    safe: Safe,
) -> Result<(), String> {
    let kept = blobs(world, safe);
    let in_tree: BTreeSet<&[u8]> = now.things.values().filter_map(bytes).collect();
    for (name, thing) in &then.things {
        let must_be_kept = safe == Safe::WithSnapshots || then.known.contains(name);
        match bytes(thing) {
            Some(bytes) if must_be_kept => {
                let is_kept = bytes.is_empty()
                    || in_tree.contains(bytes)
                    || kept.contains(bytes)
                    || is_made_of_kept(world, name, bytes, &kept);
                if !is_kept {
                    return Err(format!("the bytes of {} are nowhere", text(name)));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether git keeps these bytes in another form, of which it makes exactly them when it checks them out.
fn is_made_of_kept(world: &World, name: &Name, bytes: &[u8], kept: &BTreeSet<Vec<u8>>) -> bool {
    let path = OsString::from_vec([b"--path=", &name[..]].concat());
    let mut clean = world.command(&["hash-object", "-w", "--stdin"]);
    let id = world.answer(clean.arg(&path), bytes);
    let id = String::from_utf8_lossy(&id).trim().to_owned();
    let contents = world.must(&["cat-file", "blob", &id]);
    let mut smudge = world.command(&["cat-file", "--filters"]);
    kept.contains(&contents) && world.answer(smudge.arg(&path).arg(&id), b"") == bytes
}

fn bytes(thing: &Thing) -> Option<&[u8]> {
    match thing {
        Thing::File { bytes, .. } => Some(bytes),
        _ => None,
    }
}

/// The contents of all objects that are kept alive.
fn blobs(world: &World, safe: Safe) -> BTreeSet<Vec<u8>> {
    let mut words = vec![
        "rev-list",
        "--objects",
        "--no-object-names",
        "--indexed-objects",
    ];
    if safe == Safe::WithoutUs {
        words.push("--exclude=refs/devs-snapshots/*");
    }
    words.push("--all");
    let ids = world.must(&words);
    let batch = world.answer(&mut world.command(&["cat-file", "--batch"]), &ids);
    let mut found = BTreeSet::new();
    let mut rest = &batch[..];
    // `<id> <kind> <size>`, a line feed, so many bytes, a line feed.
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = line.rsplit(' ').next().and_then(|size| size.parse().ok());
        let size: usize = size.unwrap_or_else(|| panic!("git tells of no object: {line:?}"));
        found.insert(rest[end + 1..end + 1 + size].to_vec());
        rest = &rest[end + 2 + size..];
    }
    found
}

/// What a rescue records: what git knew, and what restoring overwrites or removes though git ignored it by then.
pub fn recorded_by_rescue(world: &World, then: &Picture, damaged: &Picture) -> BTreeSet<Name> {
    let still_ignored = ignored(world, then, &damaged.ignored);
    let revealed = damaged.ignored.difference(&still_ignored);
    let overwritten = then.known.iter().filter(|name| damaged.has(name));
    damaged
        .known
        .iter()
        .chain(overwritten)
        .chain(revealed)
        .filter(|name| !name.starts_with(NESTED.as_bytes()))
        .cloned()
        .collect()
}
