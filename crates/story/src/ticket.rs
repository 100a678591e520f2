//! A story's ticket in another system. Pure.

use crate::document::Document;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::sanitise::unfenced;

/// A body that is shorter than this many UTF-16 units, without blanks at its ends, says nothing yet: that of a ticket takes
/// its place. The number is the reference tool's.
const SHORT_BODY: usize = 50;

/// The system that a ticket is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub issues.
    Github,
    /// Jira.
    Jira,
    /// Linear.
    Linear,
}

impl Provider {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Jira => "jira",
            Self::Linear => "linear",
        }
    }
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket<'a> {
    /// The system that it is in.
    pub provider: Provider,
    /// Its name there; written as text even if it is a number.
    pub id: &'a str,
    /// Where it can be looked at.
    pub url: &'a str,
    /// Becomes the title of the story.
    pub title: Option<&'a str>,
    /// Becomes the body of a story that has next to none, unless it is blank itself.
    pub body: Option<&'a str>,
}

/// Links a story to its ticket. A body that begins like a frontmatter gets the title before it.
///
/// # Errors
///
/// [`OperationError::Edit`] when a key cannot be edited.
pub fn link(story: &mut Document, ticket: &Ticket, now: Moment) -> Result<(), OperationError> {
    story.set("ticket_provider", ticket.provider.as_str())?;
    story.set("ticket_id", ticket.id)?;
    story.set("ticket_url", ticket.url)?;
    story.set("ticket_synced_at", now.stamp())?;
    if let Some(title) = ticket.title {
        story.set("title", title)?;
    }
    // Tickets on the web have CR LF.
    let body = ticket.body.unwrap_or_default().replace("\r\n", "\n");
    let body = body.trim();
    if !body.is_empty() && is_short(story.body()) {
        story.set_body("");
        let title = story.text("title").unwrap_or_default();
        story.append_body(&unfenced(body, &title));
    }
    Ok(())
}

fn is_short(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.trim().encode_utf16().take(SHORT_BODY).count() < SHORT_BODY
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: Ticket<'static> = Ticket {
        provider: Provider::Github,
        id: "123",
        url: "https://x.y/123",
        title: None,
        body: None,
    };

    fn linked(before: &str, ticket: &Ticket) -> String {
        let now = Moment::parse("2026-03-04T05:06:07Z").expect("an instant");
        let mut story = Document::parse(before).expect("a story");
        link(&mut story, ticket, now).expect("keys can be set");
        story.as_str().expect("text").to_owned()
    }

    #[test]
    fn link_sets_four_fields_and_the_id_is_text() {
        let expected = "---\nid: S-1\nticket_provider: github\nticket_id: '123'\nticket_url: 'https://x.y/123'\n\
                        ticket_synced_at: '2026-03-04T05:06:07.000Z'\n---\n\nbody\n";
        let found = linked("---\nid: S-1\n---\n\nbody\n", &TICKET);
        assert_eq!(found, expected, "title and body stay");
        let number = expected.replace("'123'", "123");
        assert_eq!(linked(&number, &TICKET), expected, "a number is put right");
    }

    #[test]
    fn link_takes_title_and_body_of_the_ticket() {
        let ticket = Ticket {
            title: Some("From there"),
            body: Some("\nLine 1\r\nLine 2\n\n"),
            ..TICKET
        };
        let found = linked("---\nid: S-1\ntitle: 'Here' # old\n---\n# Here\n", &ticket);
        assert!(
            found.starts_with("---\nid: S-1\ntitle: 'From there' # old\n"),
            "the title: {found}"
        );
        assert!(
            found.ends_with("\n---\nLine 1\nLine 2\n"),
            "the body: {found}"
        );
        let crlf = linked("---\r\nid: S-1\r\n---\r\n", &ticket);
        assert!(
            crlf.ends_with("\r\n---\r\nLine 1\r\nLine 2\r\n"),
            "line ends of the file: {crlf:?}"
        );
    }

    #[test]
    fn link_never_makes_a_body_that_begins_like_a_frontmatter() {
        let ticket = Ticket {
            title: Some("From there"),
            body: Some("\n---js\nprocess.exit()\n---\n"),
            ..TICKET
        };
        let found = linked("---\nid: S-1\n---\n", &ticket);
        assert!(
            found.ends_with("\n---\n# From there\n\n---js\nprocess.exit()\n---\n"),
            "the reference tool would execute it: {found}"
        );
    }

    #[test]
    fn link_keeps_the_body_when_the_ticket_has_none() {
        for body in [None, Some(""), Some(" \n\t\n")] {
            let found = linked("---\nid: S-1\n---\n# T\n", &Ticket { body, ..TICKET });
            assert!(found.ends_with("\n---\n# T\n"), "{body:?}: {found}");
        }
    }

    #[test]
    fn link_replaces_only_a_body_below_fifty_characters() {
        let ticket = Ticket {
            body: Some("new"),
            ..TICKET
        };
        let emoji = "🚀".repeat(25);
        let table = [
            (" \n\t\n".to_owned(), true),
            (format!("\n\n{}\n\n", "x".repeat(49)), true),
            ("x".repeat(50), false),
            (emoji, false),
            ("ü".repeat(49), true),
        ];
        for (body, is_replaced) in table {
            let found = linked(&format!("---\nid: S-1\n---\n{body}"), &ticket);
            let (_, after) = found.split_once("\n---\n").expect("a body");
            let expected = if is_replaced { "new\n" } else { &body };
            assert_eq!(after, expected, "instead of {body:?}");
        }
    }
}
