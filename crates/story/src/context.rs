//! A story with what its phases wrote: what whoever goes on with it has to read.

use std::path::Path;

use crate::beside::read_beside;
use crate::document::Document;
use crate::read::{ReadError, read};
use crate::section_file::SectionFile;

/// A story with what its phases wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryContext {
    /// The story.
    pub story: Document,
    /// Its sections, in the order of the phases.
    pub sections: Vec<ContextSection>,
}

/// A section of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextSection {
    /// Which.
    pub section: SectionFile,
    /// What it says; empty where there is nothing.
    pub text: String,
    /// Where that stands.
    pub source: SectionSource,
}

/// Where the text of a section stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionSource {
    /// In a file of its own, beside the story.
    File,
    /// In the body of the story, or nowhere.
    Story,
}

impl StoryContext {
    /// Reads a story and its section files, each as it is now: no lock, and never parts of two versions of one file. Files
    /// that are written at the same time may be a version apart.
    ///
    /// # Errors
    ///
    /// Those of [`read()`], for the story or for a section file that is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let story = read(path)?;
        let mut sections = Vec::with_capacity(SectionFile::ALL.len());
        for section in SectionFile::ALL {
            let file = read_beside(path, section.file_name())?;
            sections.push(ContextSection {
                section,
                text: section.text(file.as_deref(), &story),
                source: match file {
                    Some(_) => SectionSource::File,
                    None => SectionSource::Story,
                },
            });
        }
        Ok(Self { story, sections })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_takes_a_section_from_its_file_else_from_the_story() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("story.md");
        let text =
            "---\nid: S-1\n---\n# T\n\n## Research\n\nold\n\n## Review Notes\n\ngood\n\n## Last\n";
        let files = [
            ("story.md", text),
            ("research.md", "new\n"),
            ("plan.md", ""),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            let options = atomic_file::CommitOptions::default();
            atomic_file::create(&path, text.as_bytes(), &options).expect("created");
        }
        let found = StoryContext::read(&path).expect("it can be read");
        let sections: Vec<_> = found
            .sections
            .iter()
            .map(|found| (found.section.name(), found.text.as_str(), found.source))
            .collect();
        let expected = [
            ("research", "new\n", SectionSource::File),
            ("plan", "", SectionSource::File),
            ("plan_review", "", SectionSource::Story),
            ("review", "good", SectionSource::Story),
        ];
        assert_eq!(sections, expected, "a file comes first, even an empty one");
        assert_eq!(found.story.text("id").as_deref(), Some("S-1"), "the story");
    }
}
