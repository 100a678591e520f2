//! Section files: what the phases of a story write beside it, one file each. Pure.

use std::fmt;
use std::str::FromStr;

use crate::beside::Next;
use crate::document::Document;
use crate::moment::Moment;
use crate::sections;

/// A section file of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionFile {
    /// `research.md`
    Research,
    /// `plan.md`
    Plan,
    /// `plan_review.md`
    PlanReview,
    /// `review.md`
    Review,
}

/// Which heading an entry gets that is appended to a section file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// `## Iteration n`
    Iteration,
    /// `## Rework n`
    Rework,
}

/// A name that no section file has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a section: one of research, plan, plan_review, review")]
#[non_exhaustive]
pub struct UnknownSection {
    /// The name as given.
    pub given: String,
}

impl SectionFile {
    /// All of them, in the order of the phases.
    pub const ALL: [Self; 4] = [Self::Research, Self::Plan, Self::PlanReview, Self::Review];

    /// Its name, as commands take it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Plan => "plan",
            Self::PlanReview => "plan_review",
            Self::Review => "review",
        }
    }

    /// The name of the file, in the story's folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Research => "research.md",
            Self::Plan => "plan.md",
            Self::PlanReview => "plan_review.md",
            Self::Review => "review.md",
        }
    }

    /// The heading in the story's body under which the section stands where it has no file.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Research => "Research",
            Self::Plan => "Implementation Plan",
            Self::PlanReview => "Plan Review",
            Self::Review => "Review Notes",
        }
    }

    /// Reads the section: the file's text as it is, else what stands under its heading in the story, trimmed, else nothing.
    pub fn text(self, file: Option<&[u8]>, story: &Document) -> String {
        match file {
            Some(file) => String::from_utf8_lossy(file).into_owned(),
            None => sections::under(story, self.heading())
                .unwrap_or_default()
                .into_owned(),
        }
    }
}

impl fmt::Display for SectionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SectionFile {
    type Err = UnknownSection;

    fn from_str(text: &str) -> Result<Self, UnknownSection> {
        let found = Self::ALL.into_iter().find(|section| section.name() == text);
        found.ok_or_else(|| UnknownSection {
            given: text.to_owned(),
        })
    }
}

impl Round {
    fn word(self) -> &'static str {
        match self {
            Self::Iteration => "Iteration",
            Self::Rework => "Rework",
        }
    }

    /// The number of the first entry that is appended. The fresh text is the first iteration; it is no rework.
    fn first(self) -> u32 {
        match self {
            Self::Iteration => 2,
            Self::Rework => 1,
        }
    }
}

/// The contents of a section file that holds only this text: the day it was generated on, then the text as it is.
pub fn fresh(text: &str, now: Moment) -> Vec<u8> {
    format!("---\n*Generated: {}*\n\n{text}", now.day()).into_bytes()
}

/// What becomes of a section file when a text is appended, and the number that the entry got; `None` for a fresh file.
///
/// A missing or blank file becomes a [`fresh`] one. `number` is the one for the heading; without it the entry gets the one
/// after the highest there is. The heading and the text get the line ends of the file; no byte that is there changes.
pub fn appended(
    contents: Option<&[u8]>,
    text: &str,
    round: Round,
    number: Option<u32>,
    now: Moment,
) -> (Option<u32>, Next) {
    let Some(old) = contents.filter(|old| !old.trim_ascii().is_empty()) else {
        return (None, Next::Written(fresh(text, now)));
    };
    let number = number.unwrap_or_else(|| next_number(old, round));
    let entry = format!(
        "\n\n---\n\n## {} {number}\n*Generated: {}*\n\n{text}",
        round.word(),
        now.day()
    );
    let entry = if has_crlf(old) {
        entry.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        entry
    };
    (
        Some(number),
        Next::Written([old, entry.as_bytes()].concat()),
    )
}

/// The number after the highest that a heading of this kind has.
fn next_number(contents: &[u8], round: Round) -> u32 {
    let prefix = format!("## {} ", round.word());
    contents
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(prefix.as_bytes()))
        .filter_map(|number| {
            std::str::from_utf8(number.trim_ascii())
                .ok()?
                .parse::<u32>()
                .ok()
        })
        .map(|number| number.saturating_add(1))
        .fold(round.first(), u32::max)
}

/// Whether the first line of a file ends with CR LF.
fn has_crlf(contents: &[u8]) -> bool {
    memchr::memchr(b'\n', contents).is_some_and(|at| at > 0 && contents[at - 1] == b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
    }

    /// What is there, how it is appended, and the number that it gets.
    type Case<'a> = (&'a str, Round, Option<u32>, u32);

    #[test]
    fn appended_follows_what_is_there_with_its_number() {
        use Round::{Iteration, Rework};
        let many =
            "## Iteration 2\n## Iteration 12 \n## Iteration x\n### Iteration 99\n## Rework 40\n";
        let table: [Case<'_>; 9] = [
            ("old", Iteration, None, 2),
            ("old\n", Iteration, Some(9), 9),
            ("old", Rework, None, 1),
            ("old", Rework, Some(3), 3),
            (many, Iteration, None, 13),
            (many, Rework, None, 41),
            ("## Rework 4294967294\n", Rework, None, u32::MAX),
            ("## Rework 4294967295\n", Rework, None, u32::MAX),
            ("## Rework 99999999999\n", Rework, None, 1),
        ];
        for (old, round, given, number) in table {
            let found = appended(Some(old.as_bytes()), "new", round, given, now());
            let title = format!("## {} {number}", round.word());
            let expected = format!("{old}\n\n---\n\n{title}\n*Generated: 2026-03-04*\n\nnew");
            let expected = (Some(number), Next::Written(expected.into_bytes()));
            assert_eq!(found, expected, "after {old:?}, {round:?} {given:?}");
        }
    }

    #[test]
    fn appended_makes_a_fresh_file_where_there_is_nothing() {
        for old in [None, Some(""), Some(" \n")] {
            let old = old.map(str::as_bytes);
            let found = appended(old, "new", Round::Rework, Some(7), now());
            let expected = b"---\n*Generated: 2026-03-04*\n\nnew".to_vec();
            assert_eq!(found, (None, Next::Written(expected)), "after {old:?}");
        }
    }

    #[test]
    fn appended_keeps_the_line_ends_of_the_file() {
        let old = b"old\r\n";
        let (_, next) = appended(Some(old), "a\nb\r\nc", Round::Rework, None, now());
        let expected =
            b"old\r\n\r\n\r\n---\r\n\r\n## Rework 1\r\n*Generated: 2026-03-04*\r\n\r\na\r\nb\r\nc";
        assert_eq!(
            next,
            Next::Written(expected.to_vec()),
            "CR LF, and one of each"
        );
    }

    #[test]
    fn appended_keeps_bytes_that_are_no_text() {
        let (_, next) = appended(Some(b"\xff"), "new", Round::Iteration, None, now());
        let Next::Written(contents) = next else {
            panic!("something is written: {next:?}");
        };
        assert!(
            contents.starts_with(b"\xff\n\n---\n"),
            "what is there stays: {contents:?}"
        );
    }

    #[test]
    fn text_is_the_file_else_the_part_of_the_story() {
        let body = "# T\n## Research\n\nr\n\n## Implementation Plan\np\n## Plan Review\n\n## Review Notes\nv\n";
        let story = Document::parse(format!("---\nid: S-1\n---\n{body}")).expect("a story");
        let table = [
            (SectionFile::Research, "r"),
            (SectionFile::Plan, "p"),
            (SectionFile::PlanReview, ""),
            (SectionFile::Review, "v"),
        ];
        for (section, expected) in table {
            assert_eq!(
                section.text(None, &story),
                expected,
                "{section} without a file"
            );
            assert_eq!(
                section.text(Some(b" x\n"), &story),
                " x\n",
                "{section} with one"
            );
            assert_eq!(section.name().parse(), Ok(section), "{section} by its name");
            assert_eq!(section.file_name(), format!("{section}.md"), "and its file");
        }
        let bare = Document::parse("---\nid: S-1\n---\n").expect("a story");
        assert_eq!(SectionFile::Plan.text(None, &bare), "", "neither");
        assert!(
            "Plan".parse::<SectionFile>().is_err(),
            "names are lower case"
        );
    }
}
