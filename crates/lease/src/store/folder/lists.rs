//! Between a scope and the lists of texts that stand for it in JSON.

use std::path::Path;

use crate::glob::Glob;
use crate::pattern::Pattern;
use crate::project::Project;
use crate::project_path::{PathError, ProjectPath};
use crate::scope::Scope;

/// A scope as this program writes it down.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) files: Vec<String>,
    pub(super) directories: Vec<String>,
    pub(super) globs: Vec<String>,
}

impl Lists {
    pub(super) fn of(scope: &Scope) -> Self {
        let mut lists = Self::default();
        for pattern in scope.patterns() {
            let list = match pattern {
                Pattern::File(_) => &mut lists.files,
                Pattern::Directory(_) => &mut lists.directories,
                Pattern::Glob(_) => &mut lists.globs,
            };
            list.push(pattern.to_string());
        }
        lists
    }

    /// The scope that was written down. Links are not followed again: it was found out where they lead when the scope was
    /// acquired. What somebody else has put in, and is not clean, is treated as that of other tools.
    pub(super) fn scope(&self, project: &Project) -> Result<Scope, PathError> {
        let mut scope = Scope::default();
        for text in &self.files {
            let path = clean(text).map_or_else(|| project.path(Path::new(text)), Ok);
            scope.extend(inside(path.map(Pattern::File))?);
        }
        for text in &self.directories {
            let path = clean(text).map_or_else(|| project.path(Path::new(text)), Ok);
            scope.extend(inside(path.map(Pattern::Directory))?);
        }
        for text in &self.globs {
            scope.insert(Pattern::Glob(Glob::from_clean(text)?));
        }
        Ok(scope)
    }
}

/// What another tool means by an entry of `files`, which may be a folder that exists; `None`: something outside the project.
pub(super) fn foreign_file(text: &str, project: &Project) -> Result<Option<Pattern>, PathError> {
    inside(project.entry(text))
}

/// What another tool means by an entry of `directories`; `None`: something outside the project.
pub(super) fn foreign_directory(
    text: &str,
    project: &Project,
) -> Result<Option<Pattern>, PathError> {
    inside(project.path(Path::new(text)).map(Pattern::Directory))
}

fn inside(found: Result<Pattern, PathError>) -> Result<Option<Pattern>, PathError> {
    match found {
        Err(PathError::Outside { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// The path, if the text is exactly what is written for one.
fn clean(text: &str) -> Option<ProjectPath> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if text == "." {
        return Some(ProjectPath::from_parts([]));
    }
    let is_clean = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    text.split('/')
        .all(is_clean)
        .then(|| ProjectPath::from_parts(text.split('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_takes_what_was_written_for_a_path_and_nothing_else() {
        for (text, expected) in [
            ("src/main.rs", "src/main.rs"),
            ("src/", "src"),
            (".", ""),
            ("./", ""),
            ("src/[id].ts", "src/[id].ts"),
        ] {
            let path = clean(text).map(|path| path.as_str().to_owned());
            assert_eq!(path.as_deref(), Some(expected), "{text:?} is written so");
        }
        for text in ["", "/", "/etc", "a//b", "./a", "a/..", "..", "a\nb", "a\\b"] {
            assert!(clean(text).is_none(), "{text:?} is never written so");
        }
    }
}
