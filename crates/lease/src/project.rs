//! From paths and globs as people write them to the form in which they are compared: links followed, `..` taken away.

use std::path::{Component, Path, PathBuf};

use crate::glob::{Glob, escaped, literally};
use crate::pattern::Pattern;
use crate::project_path::{PathError, ProjectPath};
use crate::resolve::resolve;

/// The folder in which agents work. What lies outside cannot be leased.
///
/// Names are looked up in the file system, because a link makes two paths one file. What does not exist is taken as it is
/// written. An answer is as good as the tree was at that time: a folder that is replaced by a link later makes another path.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project at `root`, links followed.
    ///
    /// # Errors
    ///
    /// [`PathError::Unresolved`]: there is no such folder, or it cannot be reached.
    pub fn new(root: &Path) -> Result<Self, PathError> {
        let root = std::fs::canonicalize(root).map_err(|err| PathError::Unresolved {
            path: root.display().to_string(),
            reason: err.to_string(),
        })?;
        Ok(Self { root })
    }

    /// The project's root, links followed.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path of the project lies.
    pub fn locate(&self, path: &ProjectPath) -> PathBuf {
        // Part by part: after `\\?\` Windows knows no `/`.
        let mut place = self.root.clone();
        place.extend(path.as_str().split('/').filter(|part| !part.is_empty()));
        place
    }

    /// Finds out which path of the project is meant; it need not exist. Relative paths start at the root, absolute ones must
    /// lead into the project.
    ///
    /// Links are followed part by part, the last one and dangling ones too; after a link `..` is the folder above its target,
    /// as the system does it. The root itself is a path of the project, and has nothing to do with whether it is a file.
    ///
    /// # Errors
    ///
    /// - [`PathError::Empty`], [`PathError::Outside`].
    /// - [`PathError::Unprintable`]: a control character or no UTF-8, in it or where it leads.
    /// - [`PathError::Unresolved`]: links in a circle, a folder that must not be searched. Retrying helps after repair.
    pub fn path(&self, given: &Path) -> Result<ProjectPath, PathError> {
        if given.as_os_str().is_empty() {
            return Err(PathError::Empty);
        }
        printable(given, given)?;
        let resolved = resolve(&self.root, given)?;
        let inside = self.inside(&resolved).ok_or_else(|| PathError::Outside {
            path: given.display().to_string(),
            project: self.root.display().to_string(),
        })?;
        let parts: Vec<_> = inside.components().map(Component::as_os_str).collect();
        let parts = parts
            .into_iter()
            .map(|part| printable(Path::new(part), given));
        Ok(ProjectPath::from_parts(
            parts.collect::<Result<Vec<_>, _>>()?,
        ))
    }

    /// The part of a path behind the root. Where file names ignore case, or have several spellings, the root may be written
    /// otherwise than the system does.
    fn inside(&self, resolved: &Path) -> Option<PathBuf> {
        if let Ok(inside) = resolved.strip_prefix(&self.root) {
            return Some(inside.to_owned());
        }
        let is_root = |ancestor: &&Path| {
            std::fs::canonicalize(ancestor).is_ok_and(|ancestor| ancestor == self.root)
        };
        let root = resolved.ancestors().find(is_root)?;
        resolved.strip_prefix(root).ok().map(Path::to_owned)
    }

    /// A file; a directory if `given` ends in a separator or is the root. What is on disk there makes no difference.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn file(&self, given: &Path) -> Result<Pattern, PathError> {
        let path = self.path(given)?;
        Ok(if ends_in_separator(given) || path.as_str().is_empty() {
            Pattern::Directory(path)
        } else {
            Pattern::File(path)
        })
    }

    /// A file, or a directory where one stands or `given` ends in a separator.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn file_or_directory(&self, given: &Path) -> Result<Pattern, PathError> {
        Ok(match self.file(given)? {
            Pattern::File(path) if self.locate(&path).is_dir() => Pattern::Directory(path),
            pattern => pattern,
        })
    }

    /// An entry of `files` in a list of leases: with `*`, `?` or `{` in it a glob, else as by
    /// [`Project::file_or_directory`]. So `app/[id]/page.tsx` is a file.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn entry(&self, given: &str) -> Result<Pattern, PathError> {
        if given.contains(['*', '?', '{']) {
            self.glob(given).map(Pattern::Glob)
        } else {
            self.file_or_directory(Path::new(given))
        }
    }

    /// A glob, relative to the root, or absolute and leading into the project. `/` separates and `\` escapes on every system.
    ///
    /// The folders before its first special character are found like a path's, links followed; what comes after is compared
    /// as it is written, and `..` is refused there. One that ends in `/` means everything below: `src/*/` is `src/*/**`.
    ///
    /// # Errors
    ///
    /// [`PathError`]; [`PathError::Glob`] says what cannot be read.
    pub fn glob(&self, given: &str) -> Result<Glob, PathError> {
        if given.is_empty() {
            return Err(PathError::Empty);
        }
        printable(Path::new(given), Path::new(given))?;
        let refused = |reason: &str| PathError::Glob {
            glob: given.to_owned(),
            reason: reason.to_owned(),
        };
        let (folders, rest) = split_literal(given).map_err(refused)?;
        let start = if folders.is_empty() {
            ProjectPath::from_parts([])
        } else {
            self.path(Path::new(&folders))?
        };
        let mut parts: Vec<String> = Vec::new();
        if !start.as_str().is_empty() {
            parts.push(start.as_str().chars().map(literally).collect());
        }
        parts.extend(clean_rest(rest).map_err(refused)?);
        if parts.is_empty() {
            parts.push("**".to_owned());
        }
        Glob::from_clean(&parts.join("/"))
    }
}

fn ends_in_separator(given: &Path) -> bool {
    given.to_string_lossy().ends_with(std::path::is_separator)
}

/// The text of a path that can be written down; `given` is what an error names.
fn printable<'a>(path: &'a Path, given: &Path) -> Result<&'a str, PathError> {
    path.to_str()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| PathError::Unprintable {
            path: given.display().to_string(),
        })
}

/// The folders of a glob before its first special character, without `\`, and the parts from there on.
fn split_literal(glob: &str) -> Result<(String, &str), &'static str> {
    let mut literal = String::new();
    let mut folders = (0, 0);
    let mut chars = glob.char_indices();
    loop {
        match chars.next() {
            Some((_, '*' | '?' | '[' | '{')) => break,
            Some((at, '\\')) => {
                literal.push(escaped(&glob[at + 1..])?);
                chars.next();
            }
            Some((at, c)) => {
                literal.push(c);
                if c == '/' {
                    folders = (literal.len(), at + 1);
                }
            }
            // A glob without anything special is a path, which ends in a file unless it ends in a separator.
            None if folders.1 == glob.len() => return Ok((literal, "**")),
            None => return Ok((literal, "")),
        }
    }
    literal.truncate(folders.0);
    Ok((literal, &glob[folders.1..]))
}

/// The parts of a glob from the first special character on, without empty ones and `.`.
fn clean_rest(rest: &str) -> Result<Vec<String>, &'static str> {
    if rest.split(['/', '{', '}', ',']).any(|part| part == "..") {
        return Err(".. may stand only before the first of * ? [ {");
    }
    let parts = rest
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let below = rest.ends_with('/').then_some("**");
    Ok(parts.chain(below).map(str::to_owned).collect())
}
