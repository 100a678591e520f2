//! `story init`: the folders, and git's ignore rules.

use std::fs;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original};
use sidecar_lock::{LockState, SidecarLock};

use crate::args::InitArgs;
use crate::failure::{Code, Failure};
use crate::failure_sources::{code_of_io, hint_of_io};
use crate::git_hook::{self, Hook};
use crate::git_merging::{self, Merging};
use crate::ignore_rules;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::{STORIES, git_top_level, is_folder, project_root, sdlc_root_to_make};
use crate::settings::Settings;
use crate::signals;

/// Chosen: far above every real list of rules.
const MAX_RULES_BYTES: u64 = 16 * 1024 * 1024;
/// Somebody who edits it without our lock is unlikely to meet us twice.
const TRIES: u32 = 5;

/// Makes what is missing and says what that was.
///
/// # Errors
///
/// When a folder or the rules cannot be written; what was made before stays.
pub fn run(args: &InitArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    signals::watch();
    let root = sdlc_root_to_make(settings)?;
    let stories = root.join(STORIES);
    let made = !is_folder(&stories)?;
    fs::create_dir_all(&stories).map_err(|err| {
        let headline = format!("cannot make {}", stories.display());
        let mut failure = Failure::new(code_of_io(&err), headline)
            .cause(err.to_string())
            .at(&stories);
        failure.hint = hint_of_io(&err).map(str::to_owned);
        failure
    })?;
    let rules_path = rules_path(&root)?;
    let added = add_rules(&rules_path, &root, settings)?;
    let git = if args.git {
        Some(Git::set_up(&root, settings)?)
    } else {
        None
    };
    if output.is_json() {
        let mut result = json::success();
        result.insert("root".to_owned(), json::text(&root));
        result.insert("made".to_owned(), made.into());
        result.insert("gitignore".to_owned(), json::text(&rules_path));
        result.insert("added".to_owned(), added.clone().into());
        let is_changed = made || !added.is_empty() || git.as_ref().is_some_and(Git::is_changed);
        if let Some(git) = &git {
            result.extend(git.merging.to_json());
            result.extend(git.hook.to_json());
        }
        return write_json(result).map_err(|unwritten| {
            if is_changed {
                unreported(&unwritten, &root)
            } else {
                unwritten
            }
        });
    }
    if made {
        output.note(&format!("made {}", stories.display()));
    }
    if !added.is_empty() {
        output.note(&format!(
            "added to {}: {}",
            rules_path.display(),
            added.join(" ")
        ));
    }
    if let Some(git) = &git {
        git.merging.tell(output);
        git.hook.tell(output);
    }
    if !made && added.is_empty() && !git.is_some_and(|git| git.is_changed()) {
        output.note("nothing to change");
    }
    Ok(())
}

/// What `--git` sets up.
struct Git {
    merging: Merging,
    hook: Hook,
}

impl Git {
    fn set_up(root: &Path, settings: &Settings) -> Result<Self, Failure> {
        let merging = git_merging::set_up(root, settings)?;
        let project = project_root(root)?;
        // There is one, or the merging had been refused.
        let top_level = git_top_level(&project)?.unwrap_or(project);
        let hook = git_hook::install(&top_level, settings)?;
        Ok(Self { merging, hook })
    }

    fn is_changed(&self) -> bool {
        self.merging.is_changed() || self.hook.is_changed()
    }
}

fn unreported(unwritten: &Failure, root: &Path) -> Failure {
    let headline = "committed, not reported: the project is prepared";
    Failure::new(Code::Unsynced, headline)
        .cause(unwritten.message())
        .at(root)
        .hint("to run it again changes nothing")
}

/// The ignore file of the repository that holds the project, or of the project where there is none.
///
/// # Errors
///
/// When the working folder is gone, or a folder on the way cannot be looked at.
pub fn rules_path(sdlc_root: &Path) -> Result<PathBuf, Failure> {
    let project = project_root(sdlc_root)?;
    let folder = git_top_level(&project)?.unwrap_or(project);
    Ok(folder.join(".gitignore"))
}

/// Adds the rules for an sdlc root that are missing, under the file's lock, and says which.
///
/// # Errors
///
/// When the file cannot be locked, read or written; it is unchanged then.
pub fn add_rules(
    path: &Path,
    sdlc_root: &Path,
    settings: &Settings,
) -> Result<Vec<String>, Failure> {
    let resolved = sdlc_root.canonicalize();
    let rules = ignore_rules::of_root(resolved.as_deref().unwrap_or(sdlc_root));
    let completed = |bytes: &[u8]| ignore_rules::completed(bytes, &rules);
    complete(path, completed, settings).map(Option::unwrap_or_default)
}

/// Adds to a file of lines what it lacks, under the file's lock, and returns what `completed` said of it; `None`: nothing.
///
/// # Errors
///
/// As [`add_rules`].
pub fn complete<T>(
    path: &Path,
    completed: impl Fn(&[u8]) -> Option<(Vec<u8>, T)>,
    settings: &Settings,
) -> Result<Option<T>, Failure> {
    let about = |mut failure: Failure| {
        if !failure.is_committed() {
            failure.headline = format!("cannot add rules to {}", path.display());
        }
        failure
    };
    let lock = SidecarLock::new(path)
        .map_err(|err| about(Failure::from_acquire(err, settings.timeout)))?;
    // Most calls find nothing to do: no lock for them, unless somebody has died here.
    if let Some(rules) = read(path).map_err(about)?
        && completed(rules.bytes()).is_none()
        && !is_left_over(&lock, settings)
    {
        return Ok(None);
    }
    let guard = lock
        .acquire(&settings.lock_options("story init"))
        .map_err(|err| about(Failure::from_acquire(err, settings.timeout)))?;
    if guard.took_over().is_some()
        && let Err(err) = atomic_file::sweep_file(guard.resource())
        && guard.resource().exists()
    {
        return Err(about(Failure::new(Code::Io, "").with_chain(&err).at(path)));
    }
    let options = CommitOptions {
        durability: settings.durability(),
        ..CommitOptions::default()
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let original = read(guard.resource()).map_err(about)?;
        let bytes = original.as_ref().map(Original::bytes).unwrap_or_default();
        let Some((text, added)) = completed(bytes) else {
            return Ok(None);
        };
        let written = match original {
            Some(original) => atomic_file::replace_if_unchanged(original, &text, &options),
            None => atomic_file::create(guard.resource(), &text, &options),
        };
        match written {
            Ok(_) => return Ok(Some(added)),
            Err(CommitError::Changed { .. } | CommitError::AlreadyExists { .. })
                if tries < TRIES => {}
            Err(err) => return Err(about(Failure::from_commit(&err))),
        }
    }
}

/// Whether the lock is one that a dead process has left.
fn is_left_over(lock: &SidecarLock, settings: &Settings) -> bool {
    matches!(
        lock.inspect(settings.stale_after()),
        Ok(LockState::Leftover(_) | LockState::LeftoverUnreadable)
    )
}

fn read(path: &Path) -> Result<Option<Original>, Failure> {
    match Original::read_with_limit(path, MAX_RULES_BYTES) {
        Ok(original) => Ok(Some(original)),
        Err(atomic_file::ReadError::NotFound { .. }) => Ok(None),
        Err(err) => Err(Failure::new(Code::Io, "").with_chain(&err).at(path)),
    }
}
