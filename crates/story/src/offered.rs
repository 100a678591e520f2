//! A text that is offered as a story: what of it is the title, and what the body. Pure.

use crate::document::Document;
use crate::sanitise::{MAX_TITLE, title};

/// What a text offered as a story holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its title, sanitised: the field `title` of its frontmatter, else its first heading `# …` of at most [`MAX_TITLE`]
    /// characters, be it inside a code fence.
    pub title: Option<String>,
    /// The text without its frontmatter, which is not that of the new story.
    pub body: String,
}

impl Offered {
    /// Looks at a text.
    ///
    /// ```
    /// use story::Offered;
    ///
    /// let offered = Offered::of("Some words.\n\n# Pay & go\n\nMore.\n");
    /// assert_eq!(offered.title.as_deref(), Some("Pay  go"));
    /// ```
    pub fn of(text: &str) -> Self {
        let text = text.replace('\0', "");
        let document = Document::parse(text.as_str()).ok();
        let body = match &document {
            Some(document) => String::from_utf8_lossy(document.body()).into_owned(),
            None => text.trim_start_matches('\u{feff}').to_owned(),
        };
        let field = document.and_then(|document| document.text("title"));
        let title = field
            .as_deref()
            .into_iter()
            .chain(headings(&body))
            .map(title)
            .find(|title| !title.is_empty());
        Self { title, body }
    }
}

fn headings(body: &str) -> impl Iterator<Item = &str> {
    let headings = body.lines().filter_map(|line| line.strip_prefix("# "));
    headings
        .map(str::trim)
        .filter(|heading| (1..=MAX_TITLE).contains(&heading.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offered_title_is_that_of_the_frontmatter_else_the_first_heading() {
        let long = format!("# {}\n# Short\n", "x".repeat(201));
        let table = [
            ("---\ntitle: 'A: b'\n---\n# C\n", Some("A: b"), "# C\n"),
            ("---\ntitle: ''\n---\n# C\n", Some("C"), "# C\n"),
            (
                "---\ntitle: `$()`\n---\n# C\n",
                Some("C"),
                "---\ntitle: `$()`\n---\n# C\n",
            ),
            ("# C\n# D\n", Some("C"), "# C\n# D\n"),
            ("## B\n#C\n# \n# D\n", Some("D"), "## B\n#C\n# \n# D\n"),
            (
                "```\n# in a fence\n```\n",
                Some("in a fence"),
                "```\n# in a fence\n```\n",
            ),
            (&long, Some("Short"), &long),
            ("\u{feff}# C\r\nx", Some("C"), "# C\r\nx"),
            ("a\0b", None, "ab"),
            ("", None, ""),
        ];
        for (text, title, body) in table {
            let offered = Offered::of(text);
            assert_eq!(offered.title.as_deref(), title, "the title of {text:?}");
            assert_eq!(offered.body, body, "the body of {text:?}");
        }
    }
}
