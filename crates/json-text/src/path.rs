//! Where a value stands in a text: dotted keys or a JSON pointer.

use std::fmt;
use std::str::FromStr;

/// The way from the whole text to a value.
///
/// Written as dotted keys, `tasks[0].history`, or as a JSON pointer (RFC 6901), `/tasks/0/history`, which also reaches keys
/// with dots, brackets, or nothing in them. The empty path is the whole text.
///
/// ```
/// use json_text::Path;
///
/// let path: Path = "tasks[0].history".parse()?;
/// assert_eq!(path, Path::whole().key("tasks").index(0).key("history"));
/// let path: Path = "/compilerOptions/paths/@~1*".parse()?;
/// assert_eq!(path, Path::whole().key("compilerOptions").key("paths").key("@/*"));
/// # Ok::<(), json_text::PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path {
    steps: Vec<Step>,
}

/// A step down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The member of an object; digits are also the item of a list (RFC 6901, section 4).
    Name(String),
    /// The item of a list.
    Index(usize),
}

impl Step {
    /// Which item of a list this is. Leading zeros are not allowed, as in RFC 6901.
    pub(crate) fn as_index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(*index),
            Self::Name(name) if name == "0" => Some(0),
            Self::Name(name) if name.starts_with('0') => None,
            Self::Name(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => name.parse().ok(),
            Self::Name(_) => None,
        }
    }
}

/// A path that cannot be understood. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is no path: {problem}")]
#[non_exhaustive]
pub struct PathError {
    /// The path.
    pub path: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Path {
    /// The whole text.
    pub fn whole() -> Self {
        Self::default()
    }

    /// The member of that name. Any text is a name.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.steps.push(Step::Name(name.into()));
        self
    }

    /// The item of that number, from 0.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.steps.push(Step::Index(index));
        self
    }

    /// Whether it is the whole text.
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether both lead to the same place, however they are written: `a[0]` and `/a/0`.
    ///
    /// Paths that are equal do; and digits are an item of a list also where they are a key.
    pub fn is_same_place(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Step, &Step)| {
            one == other
                || one
                    .as_index()
                    .is_some_and(|at| other.as_index() == Some(at))
        };
        self.steps.len() == other.steps.len() && self.steps.iter().zip(&other.steps).all(is_same)
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The first steps of this path.
    pub(crate) fn up_to(&self, steps: usize) -> Self {
        Self {
            steps: self.steps[..steps].to_vec(),
        }
    }

    fn of_pointer(pointer: &str) -> Result<Self, &'static str> {
        let tokens = pointer.split('/').skip(1);
        let steps = tokens.map(|token| unescaped(token).map(Step::Name));
        Ok(Self {
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    fn of_dotted(text: &str) -> Result<Self, &'static str> {
        let mut steps = Vec::new();
        for (number, part) in text.split('.').enumerate() {
            let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.contains(']') {
                return Err("a bracket is closed that was not opened");
            }
            if !name.is_empty() {
                steps.push(Step::Name(name.to_owned()));
            } else if number > 0 || rest.is_empty() {
                return Err("a key is empty; a JSON pointer can name such a one");
            }
            while let Some(inside) = rest.strip_prefix('[') {
                let (digits, after) = inside.split_once(']').ok_or("a bracket is not closed")?;
                let index = Step::Name(digits.to_owned()).as_index();
                steps.push(Step::Index(
                    index.ok_or("the number of an item is wanted in brackets")?,
                ));
                rest = after;
            }
            if !rest.is_empty() {
                return Err("a dot or a bracket is wanted behind a bracket");
            }
        }
        Ok(Self { steps })
    }
}

/// A token of a JSON pointer as the key that it means.
fn unescaped(token: &str) -> Result<String, &'static str> {
    let mut parts = token.split('~');
    let mut key = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mark, rest) = match part.split_at_checked(1) {
            Some(("0", rest)) => ('~', rest),
            Some(("1", rest)) => ('/', rest),
            _ => return Err("in a JSON pointer ~ is written as ~0, / as ~1"),
        };
        key.push(mark);
        key.push_str(rest);
    }
    Ok(key)
}

impl FromStr for Path {
    type Err = PathError;

    /// Understands a path; one that begins with `/` is a JSON pointer.
    ///
    /// # Errors
    ///
    /// [`PathError`]: an empty key or brackets that do not fit in a dotted path, a wrong `~` in a pointer.
    fn from_str(path: &str) -> Result<Self, PathError> {
        let read = match path {
            "" => Ok(Self::default()),
            pointer if pointer.starts_with('/') => Self::of_pointer(pointer),
            dotted => Self::of_dotted(dotted),
        };
        read.map_err(|problem| PathError {
            path: path.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for Path {
    /// Dotted where that can be read again, else a JSON pointer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |step: &Step| match step {
            Step::Name(name) => !name.is_empty() && !name.contains(['.', '[', ']', '/']),
            Step::Index(_) => true,
        };
        let is_dotted = self.steps.iter().all(is_plain);
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Name(name) if is_dotted && number == 0 => f.write_str(name)?,
                Step::Name(name) if is_dotted => write!(f, ".{name}")?,
                Step::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1"))?,
                Step::Index(index) if is_dotted => write!(f, "[{index}]")?,
                Step::Index(index) => write!(f, "/{index}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_read_from_dotted_keys_and_from_pointers() {
        let whole = Path::whole;
        let table = [
            ("", whole()),
            ("a", whole().key("a")),
            ("a.b[0].c", whole().key("a").key("b").index(0).key("c")),
            ("[2][10]", whole().index(2).index(10)),
            ("a.0", whole().key("a").key("0")),
            ("ä~/b c", whole().key("ä~/b c")),
            ("/", whole().key("")),
            ("/a/b/0", whole().key("a").key("b").key("0")),
            ("/a.b//c[0]", whole().key("a.b").key("").key("c[0]")),
            ("/~0~1/~01", whole().key("~/").key("~1")),
        ];
        for (text, path) in table {
            assert_eq!(text.parse(), Ok(path), "{text:?} is read");
        }
    }

    #[test]
    fn path_that_is_none_is_refused() {
        let table = [
            ".",
            "a.",
            ".a",
            "a..b",
            "a[",
            "a[]",
            "a[x]",
            "a[01]",
            "a[-1]",
            "a[0]b",
            "a]",
            "a[1]]",
            "a.[0]",
            "/~",
            "/~2",
            "/a~",
            "a[99999999999999999999999]",
        ];
        for text in table {
            let read: Result<Path, _> = text.parse();
            let err = read.expect_err("it is no path");
            assert_eq!(err.path, text, "the error names it");
        }
    }

    #[test]
    fn path_is_shown_so_that_it_can_be_read_again() {
        let whole = Path::whole;
        let table = [
            (whole(), ""),
            (whole().key("a").index(0).key("b"), "a[0].b"),
            (whole().key("a.b").index(0), "/a.b/0"),
            (whole().key("").key("a/b~"), "//a~1b~0"),
            (whole().index(3), "[3]"),
        ];
        for (path, text) in table {
            assert_eq!(path.to_string(), text, "how it is shown");
            let again: Path = text.parse().expect("it is a path");
            assert_eq!(again.to_string(), text, "and read again");
        }
    }

    #[test]
    fn paths_are_the_same_place_however_they_are_written() {
        let table = [
            ("a[0].b", "/a/0/b", true),
            ("a.0", "a[0]", true),
            ("a.b", "/a/b", true),
            ("/a.b", "a.b", false),
            ("a[0]", "a[1]", false),
            ("a", "a.b", false),
            ("/a/00", "a[0]", false),
            ("", "", true),
        ];
        for (one, other, expected) in table {
            let [a, b]: [Path; 2] = [one, other].map(|text| text.parse().expect("it is a path"));
            assert_eq!(a.is_same_place(&b), expected, "{one:?} and {other:?}");
            assert_eq!(b.is_same_place(&a), expected, "{other:?} and {one:?}");
        }
    }

    #[test]
    fn step_of_digits_is_an_item_as_rfc_6901_has_it() {
        let table = [
            ("0", Some(0)),
            ("10", Some(10)),
            ("01", None),
            ("-", None),
            ("", None),
            ("+1", None),
        ];
        for (name, index) in table {
            let step = Step::Name(name.to_owned());
            assert_eq!(step.as_index(), index, "{name:?} as an item");
        }
    }
}
