//! From an id or a slug to the file of a story, and to the copy of it that counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::folder::{self, FolderError, Order};
use crate::read::{ReadError, read};
use crate::sanitise::check_id;
use crate::scan::{SkipReason, scan};
use crate::workspace::{LegacyFolder, STORY_FILE, StoryCopy, Workspace, Worktree};

/// A story that was found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// Its file, below the sdlc root or a worktree, with the casing of the disk.
    pub path: PathBuf,
    /// The name of its folder, with the casing of the disk; for a legacy file, its id.
    pub id: String,
    /// Which copy it is.
    pub copy: StoryCopy,
    /// Files that came first in the order but are no readable stories. Something is wrong with them.
    pub passed_over: Vec<PassedOver>,
}

impl Found {
    /// The path with all links resolved.
    ///
    /// # Errors
    ///
    /// When it cannot be resolved; it may have been removed since.
    pub fn resolved(&self) -> io::Result<PathBuf> {
        fs::canonicalize(&self.path)
    }
}

/// A file that might have been the story, but is not readable as one.
#[derive(Debug)]
#[non_exhaustive]
pub struct PassedOver {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: ReadError,
}

/// Why no story was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// No copy has that id. Retrying does not help.
    #[error(
        "there is no story {id}: {} does not exist, nor does a worktree or a legacy folder (backlog, ready, in-progress, \
         done, blocked) hold a story of that id; it may have been deleted",
        .expected.display()
    )]
    NotFound {
        /// The id as given.
        id: String,
        /// Where its main copy would be.
        expected: PathBuf,
        /// Files that might have been it, but are not readable as stories.
        passed_over: Vec<PassedOver>,
    },
    /// It means several stories. Retrying does not help.
    #[error("{name} means {} stories", .paths.len())]
    Ambiguous {
        /// The id or slug as given.
        name: String,
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// A folder cannot be listed. Retrying helps after repair.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file cannot be looked at, and must not be taken for missing: another would be taken in its stead. Retrying
    /// helps after repair.
    #[error("cannot look at {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A copy cannot be read, so that it is not known whether it is the one. Retrying helps after repair.
    #[error(transparent)]
    Read(ReadError),
}

/// Finds the story of an id, ignoring case. The order is that of the contract (section 8):
///
/// 1. in each worktree, by name, the folder called like the id whose story also carries it. This copy wins over the main one,
///    because it is the one that is being worked on. A worktree that was made for another story ([`Worktree::own_ids`]) does
///    not count: it has a copy of every story, and nobody looks for changes of this one there;
/// 2. in `stories/` the folder called like the id, whatever id its story carries;
/// 3. in the legacy folders a file that carries it, [`LegacyFolder::Blocked`] last.
///
/// A story that cannot be parsed is passed over, and [`Found::passed_over`] tells that. What cannot be an id is not found.
///
/// No lock is taken. Where there are neither worktrees nor legacy folders this costs one look at each of these places, and
/// reads no file.
///
/// # Errors
///
/// [`FindError`].
pub fn find(workspace: &Workspace, id: &str) -> Result<Found, FindError> {
    let mut passed_over = Vec::new();
    if check_id(id).is_ok()
        && let Some((path, copy)) = search(workspace, id, &mut passed_over)?
    {
        let name = match copy {
            StoryCopy::Legacy { .. } => None,
            _ => path.parent().and_then(Path::file_name),
        };
        let name = name.map(|name| name.to_string_lossy().into_owned());
        return Ok(Found {
            id: name.unwrap_or_else(|| id.to_owned()),
            path,
            copy,
            passed_over,
        });
    }
    Err(FindError::NotFound {
        id: id.to_owned(),
        expected: workspace.story_file(id),
        passed_over,
    })
}

/// Finds the story of a slug, ignoring case, in whichever copy counts; main copies and legacy files without one have their
/// file's name for it.
///
/// # Errors
///
/// [`FindError`]; [`FindError::Ambiguous`] where several stories have that slug.
pub fn find_by_slug(workspace: &Workspace, slug: &str) -> Result<Found, FindError> {
    let wanted = slug.to_lowercase();
    let scanned = scan(workspace);
    let heads = scanned.heads.into_iter();
    let mut heads: Vec<_> = heads
        .filter(|head| head.slug.to_lowercase() == wanted)
        .collect();
    if heads.len() > 1 {
        let mut paths: Vec<_> = heads.into_iter().map(|head| head.path).collect();
        paths.sort();
        let name = slug.to_owned();
        return Err(FindError::Ambiguous { name, paths });
    }
    let skipped = scanned.skipped.into_iter();
    let passed_over = skipped.filter_map(|skipped| match skipped.reason {
        SkipReason::Unreadable(reason) => Some(PassedOver {
            path: skipped.path,
            reason,
        }),
        _ => None,
    });
    match heads.pop() {
        Some(head) if head.copy == StoryCopy::Main => {
            let folder = head.path.parent().and_then(Path::file_name);
            find(workspace, &folder.unwrap_or_default().to_string_lossy())
        }
        Some(head) => Ok(Found {
            path: head.path,
            id: head.id,
            copy: head.copy,
            passed_over: Vec::new(),
        }),
        None => Err(FindError::NotFound {
            id: slug.to_owned(),
            expected: workspace.story_file(slug),
            passed_over: passed_over.collect(),
        }),
    }
}

type Place = (PathBuf, StoryCopy);

fn search(
    workspace: &Workspace,
    id: &str,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Option<Place>, FindError> {
    if let Some(place) = in_worktrees(workspace, id, passed_over)? {
        return Ok(Some(place));
    }
    let legacy = legacy_folders(workspace)?;
    if let Some(path) = in_stories(workspace, id)? {
        // Without legacy folders there is nothing to fall back on, and whoever opens it says what is wrong with it.
        if legacy.is_empty() || is_readable(&path, passed_over) {
            return Ok(Some((path, StoryCopy::Main)));
        }
    }
    in_legacy(workspace, &legacy, id, passed_over)
}

fn in_worktrees(
    workspace: &Workspace,
    id: &str,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Option<Place>, FindError> {
    for worktree in workspace.worktree_list(Order::Name)? {
        let mut found = Vec::new();
        let candidates = named(&worktree.stories, id)?;
        if candidates.is_empty() || is_of_another(&worktree, id)? {
            continue;
        }
        for path in candidates {
            match parse(&path, passed_over)? {
                Some(story) if carries(&story, id) => found.push(path),
                _ => {}
            }
        }
        if let Some(path) = only(id, found)? {
            let name = worktree.name;
            return Ok(Some((path, StoryCopy::Worktree { name })));
        }
    }
    Ok(None)
}

/// Whether a worktree was made for another story.
fn is_of_another(worktree: &Worktree, id: &str) -> Result<bool, FindError> {
    for own in worktree.own_ids() {
        if own.eq_ignore_ascii_case(id) {
            return Ok(false);
        }
        if is_there(&worktree.stories.join(own).join(STORY_FILE))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_stories(workspace: &Workspace, id: &str) -> Result<Option<PathBuf>, FindError> {
    only(id, named(&workspace.stories(), id)?)
}

fn in_legacy(
    workspace: &Workspace,
    folders: &[LegacyFolder],
    id: &str,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Option<Place>, FindError> {
    let mut unreadable = Vec::new();
    for &folder in folders {
        for file in workspace.legacy_files(folder, Order::Name)? {
            if parse(&file.path, &mut unreadable)?.is_some_and(|story| carries(&story, id)) {
                return Ok(Some((file.path, file.copy)));
            }
        }
    }
    // Told only now: a broken file somewhere says nothing about a story that was found elsewhere.
    passed_over.append(&mut unreadable);
    Ok(None)
}

/// The legacy folders that are there.
fn legacy_folders(workspace: &Workspace) -> Result<Vec<LegacyFolder>, FindError> {
    let mut there = Vec::new();
    for folder in LegacyFolder::ALL {
        if is_there(&workspace.legacy(folder))? {
            there.push(folder);
        }
    }
    Ok(there)
}

/// The files `<stories>/<id>/story.md` that are there, ignoring case; the one that is spelt as given alone, if it is.
fn named(stories: &Path, id: &str) -> Result<Vec<PathBuf>, FindError> {
    let exact = stories.join(id).join(STORY_FILE);
    if is_there(&exact)? {
        return Ok(vec![exact]);
    }
    let wanted = id.to_lowercase();
    let mut found = Vec::new();
    for entry in folder::entries_if_there(stories, Order::Name)? {
        let is_named = entry.kind.may_be_folder()
            && entry
                .name
                .to_str()
                .is_some_and(|name| name.to_lowercase() == wanted);
        let path = stories.join(&entry.name).join(STORY_FILE);
        if is_named && is_there(&path)? {
            found.push(path);
        }
    }
    Ok(found)
}

fn only(id: &str, mut paths: Vec<PathBuf>) -> Result<Option<PathBuf>, FindError> {
    if paths.len() > 1 {
        let name = id.to_owned();
        return Err(FindError::Ambiguous { name, paths });
    }
    Ok(paths.pop())
}

/// Reads a story; `None`: it is gone, or passed over.
fn parse(path: &Path, passed_over: &mut Vec<PassedOver>) -> Result<Option<Document>, FindError> {
    match read(path) {
        Ok(story) => Ok(Some(story)),
        Err(ReadError::File(atomic_file::ReadError::NotFound { .. })) => Ok(None),
        Err(reason @ ReadError::Parse { .. }) => {
            passed_over.push(PassedOver {
                path: path.to_path_buf(),
                reason,
            });
            Ok(None)
        }
        Err(err) => Err(FindError::Read(err)),
    }
}

/// Whether there is a story that can be parsed; what cannot even be opened is told better by whoever is to work with it.
fn is_readable(path: &Path, passed_over: &mut Vec<PassedOver>) -> bool {
    !matches!(parse(path, passed_over), Ok(None))
}

fn carries(story: &Document, id: &str) -> bool {
    story
        .text("id")
        .is_some_and(|carried| carried.to_lowercase() == id.to_lowercase())
}

fn is_there(path: &Path) -> Result<bool, FindError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(err) if is_missing(&err) => Ok(false),
        Err(source) => Err(FindError::Io {
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn is_missing(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    /// Paths below the root, and texts.
    type Files = &'static [(&'static str, &'static str)];

    const STORY: &str = "---\nid: S-0001\n---\n";
    const BROKEN: &str = "---\nid: S-0001\nid: again\n---\n";

    /// Writes files, looks for an id, and tells `copy file` of what was found.
    fn found(files: Files, id: &str) -> Result<String, FindError> {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.join("sdlc")).expect("a folder can be made");
        for (name, text) in files {
            sandbox.write(Path::new("sdlc").join(name), text);
        }
        let workspace = Workspace::new(sandbox.join("sdlc"));
        find(&workspace, id).map(|found| {
            let path = found.path.strip_prefix(workspace.root());
            let path = path.expect("it lies below the root").display().to_string();
            let passed = found.passed_over.len();
            format!("{} {path} {passed}", found.copy)
        })
    }

    const MAIN: &str = "stories/S-0001/story.md";
    const TREE: &str = "worktrees/S-0001-x/sdlc/stories/S-0001/story.md";
    const TREE_2: &str = "worktrees/A/sdlc/stories/s-0001/story.md";
    const DONE: &str = "done/03-x.md";
    const BLOCKED: &str = "blocked/01-x.md";
    const OTHER: &str = "---\nid: S-0002\n---\n";
    const LOWER: &str = "---\nid: s-0001\n---\n";

    /// What is said of it, the files, what is found for S-0001.
    const ORDER: [(&str, Files, &str); 17] = [
        (
            "a worktree of another story",
            &[
                (MAIN, STORY),
                ("worktrees/S-0002-x/sdlc/stories/S-0001/story.md", STORY),
                ("worktrees/S-0002-x/sdlc/stories/S-0002/story.md", OTHER),
            ],
            "main stories/S-0001/story.md 0",
        ),
        (
            "its own worktree, with copies of all",
            &[
                (MAIN, STORY),
                (TREE, STORY),
                ("worktrees/S-0001-x/sdlc/stories/S-0002/story.md", OTHER),
                ("worktrees/S-0001-x/sdlc/stories/S/story.md", OTHER),
            ],
            "worktree:S-0001-x worktrees/S-0001-x/sdlc/stories/S-0001/story.md 0",
        ),
        (
            "main",
            &[(MAIN, STORY), (DONE, STORY)],
            "main stories/S-0001/story.md 0",
        ),
        (
            "a worktree wins",
            &[(MAIN, STORY), (TREE, STORY)],
            "worktree:S-0001-x worktrees/S-0001-x/sdlc/stories/S-0001/story.md 0",
        ),
        (
            "worktrees by name",
            &[(TREE, STORY), (TREE_2, LOWER)],
            "worktree:A worktrees/A/sdlc/stories/s-0001/story.md 0",
        ),
        (
            "its id must be equal",
            &[(MAIN, STORY), (TREE, OTHER)],
            "main stories/S-0001/story.md 0",
        ),
        (
            "only in a worktree",
            &[(TREE, STORY)],
            "worktree:S-0001-x worktrees/S-0001-x/sdlc/stories/S-0001/story.md 0",
        ),
        (
            "a broken copy",
            &[(MAIN, STORY), (TREE, BROKEN)],
            "main stories/S-0001/story.md 1",
        ),
        (
            "the id of main is not compared",
            &[(MAIN, OTHER)],
            "main stories/S-0001/story.md 0",
        ),
        (
            "main without id",
            &[(MAIN, "---\n---\n")],
            "main stories/S-0001/story.md 0",
        ),
        (
            "broken main, nothing else",
            &[(MAIN, BROKEN)],
            "main stories/S-0001/story.md 0",
        ),
        (
            "broken main, legacy",
            &[(MAIN, BROKEN), (DONE, STORY)],
            "legacy:done done/03-x.md 1",
        ),
        (
            "legacy by id",
            &[("ready/01-x.md", OTHER), (DONE, LOWER)],
            "legacy:done done/03-x.md 0",
        ),
        (
            "blocked last",
            &[(BLOCKED, STORY), (DONE, STORY)],
            "legacy:done done/03-x.md 0",
        ),
        (
            "blocked",
            &[(BLOCKED, STORY)],
            "legacy:blocked blocked/01-x.md 0",
        ),
        (
            "broken legacy before",
            &[("backlog/1.md", BROKEN), (DONE, STORY)],
            "legacy:done done/03-x.md 0",
        ),
        (
            "another case",
            &[("stories/s-0001/story.md", STORY)],
            "main stories/s-0001/story.md 0",
        ),
    ];

    #[test]
    fn find_follows_the_order_of_the_contract() {
        for (case, files, expected) in ORDER {
            let found = found(files, "S-0001");
            assert_eq!(found.ok().as_deref(), Some(expected), "{case}");
        }
    }

    #[test]
    fn find_names_what_it_did_not_find() {
        let table: [(&str, Files, usize); 7] = [
            ("S-0001", &[], 0),
            (
                "S-0002",
                &[("stories/S-0001/story.md", "---\nid: S-0002\n---\n")],
                0,
            ),
            ("S-0001", &[("stories/S-0001/plan.md", "x")], 0),
            ("S-0001", &[("done/S-0001/story.md", STORY)], 0),
            ("S-0001", &[("done/01-x.md", BROKEN)], 1),
            (
                "S-0001",
                &[("stories/S-0001/story.md", BROKEN), ("done/x.txt", "")],
                1,
            ),
            ("../x", &[], 0),
        ];
        for (id, files, broken) in table {
            let refused = found(files, id);
            let Err(err @ FindError::NotFound { .. }) = refused else {
                panic!("{id} must not be found in {files:?}: {refused:?}");
            };
            let text = err.to_string();
            for part in [id, "stories", "blocked", "may have been deleted"] {
                assert!(text.contains(part), "the error names {part}: {text}");
            }
            let FindError::NotFound { passed_over, .. } = err else {
                continue;
            };
            assert_eq!(passed_over.len(), broken, "what may have been it");
        }
    }

    #[test]
    fn find_refuses_to_choose_between_two_that_differ_in_case() {
        let files: Files = &[
            ("stories/s-0001/story.md", STORY),
            ("stories/S-0001/story.md", STORY),
        ];
        assert!(found(files, "S-0001").is_ok(), "spelt as one of them");
        let files: Files = &[
            ("stories/story-a/story.md", STORY),
            ("stories/STORY-A/story.md", STORY),
        ];
        let refused = found(files, "Story-A");
        assert!(
            matches!(&refused, Err(FindError::Ambiguous { paths, .. }) if paths.len() == 2),
            "spelt as neither: {refused:?}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn resolved_follows_links_to_the_real_file() {
        let sandbox = Sandbox::new();
        let real = sandbox.write("elsewhere/story.md", STORY);
        fs::create_dir_all(sandbox.join("sdlc/stories")).expect("folders can be made");
        let link = sandbox.join("sdlc/stories/S-0001");
        std::os::unix::fs::symlink(sandbox.join("elsewhere"), link).expect("a link");
        let workspace = Workspace::new(sandbox.join("sdlc"));
        let found = find(&workspace, "s-0001").expect("it is found through the link");
        assert_eq!(found.id, "S-0001", "by the name that the link has");
        assert_eq!(found.resolved().expect("there"), real, "the file itself");
    }
}
