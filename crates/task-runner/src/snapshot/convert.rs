//! Which files git would change on their way into the repository: those are recorded as they are.

use std::collections::HashMap;

use crate::git::{GitError, Repository};

/// What git may do to the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Nothing: what it keeps is what is on the disk.
    None,
    /// Shorten it (ends of lines, `$Id$`): what has the same length is the same.
    Shortens,
    /// Anything: a filter, an encoding.
    Anything,
}

/// What git may do to each of some files.
#[derive(Debug)]
pub(crate) struct Conversions {
    /// Without attributes.
    default: Conversion,
    by_path: HashMap<Vec<u8>, Attributes>,
}

/// The attributes that count, as far as they are set.
#[derive(Debug, Clone, Copy, Default)]
struct Attributes {
    /// `-text`: it is never converted, whatever the settings say.
    is_binary: bool,
    /// `text`, `text=auto`, `eol=…`, `ident`.
    shortens: bool,
    /// `filter=…`, `working-tree-encoding=…`.
    anything: bool,
}

impl Conversions {
    /// Asks git about the files of `paths`, each with a NUL at its end.
    pub(crate) fn of(repository: &Repository, paths: Vec<u8>) -> Result<Self, GitError> {
        let setting = repository.git(["config", "--get", "core.autocrlf"]);
        let setting = setting.run_if_any()?.unwrap_or_default();
        let is_off = [&b""[..], b"false", b"no", b"off", b"0"].contains(&setting.trim_ascii());
        let default = if is_off {
            Conversion::None
        } else {
            Conversion::Shortens
        };
        let git = repository.git(["check-attr", "-z", "--stdin", "--all"]);
        let answer = git.input(paths).run()?;
        Ok(Self {
            default,
            by_path: parse(&answer),
        })
    }

    /// What git may do to one of them.
    pub(crate) fn at(&self, path: &[u8]) -> Conversion {
        let attributes = self.by_path.get(path).copied().unwrap_or_default();
        if attributes.anything {
            Conversion::Anything
        } else if attributes.shortens {
            Conversion::Shortens
        } else if attributes.is_binary {
            Conversion::None
        } else {
            self.default
        }
    }
}

/// Reads triples of path, attribute and value, each with a NUL at its end.
fn parse(answer: &[u8]) -> HashMap<Vec<u8>, Attributes> {
    let mut by_path = HashMap::<Vec<u8>, Attributes>::new();
    let mut fields = answer.split(|byte| *byte == 0);
    while let (Some(path), Some(name), Some(value)) = (fields.next(), fields.next(), fields.next())
    {
        let is_set = value != b"unset" && value != b"unspecified";
        let attributes = by_path.entry(path.to_vec()).or_default();
        match name {
            // The old name of `text`.
            b"text" | b"crlf" if !is_set => attributes.is_binary = true,
            b"text" | b"crlf" | b"eol" | b"ident" => attributes.shortens |= is_set,
            b"filter" | b"working-tree-encoding" => attributes.anything |= is_set,
            _ => {}
        }
    }
    by_path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion(default: Conversion, triples: &str) -> Conversion {
        let by_path = parse(triples.replace(' ', "\0").as_bytes());
        Conversions { default, by_path }.at(b"f")
    }

    #[test]
    fn at_says_what_git_may_do_to_a_file() {
        use Conversion::{Anything, None, Shortens};
        for (default, triples, expected) in [
            (None, "", None),
            (Shortens, "", Shortens),
            (None, "f text set ", Shortens),
            (None, "f text auto ", Shortens),
            (Shortens, "f text unset ", None),
            (Shortens, "f crlf unset ", None),
            (None, "f crlf input ", Shortens),
            (None, "f eol crlf ", Shortens),
            (None, "f text unset f ident set ", Shortens),
            (None, "f filter lfs f text unset ", Anything),
            (None, "f working-tree-encoding UTF-16 ", Anything),
            (None, "f filter unset ", None),
            (None, "g filter lfs f diff set ", None),
        ] {
            assert_eq!(
                conversion(default, triples),
                expected,
                "{default:?} {triples}"
            );
        }
    }
}
