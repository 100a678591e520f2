//! Operations of the contract: each is one locked read-modify-write on fresh content.

use std::path::Path;

use crate::document::Document;
use crate::error::EditError;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::update::{UpdateOptions, Updated, update};
use crate::update_error::UpdateError;

/// The key that holds the day of the last change.
const UPDATED: &str = "updated";

/// Whether an operation that changes a story sets `updated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dating {
    /// To the present day, and adds the key where it is missing: what the contract marks with U.
    Day(Moment),
    /// It stays as it is.
    Left,
}

/// Carries an operation out on a document, and dates it if that changed a byte. Pure.
///
/// # Errors
///
/// [`OperationError::NoId`] when the document is no story, else what `operation` returned; the document may then be changed in part and must not be written.
pub fn carry_out<T>(
    story: &mut Document,
    dating: Dating,
    operation: impl FnOnce(&mut Document) -> Result<T, OperationError>,
) -> Result<T, OperationError> {
    if !has_id(story) {
        return Err(OperationError::NoId);
    }
    let before = story.clone();
    let value = operation(story)?;
    if *story != before {
        date(story, dating)?;
    }
    Ok(value)
}

/// Whether a document has an id: a text that is not empty, or a number, as people write it who do not think of quotes. An
/// empty or damaged file must not be made to look like a story by a change.
pub fn has_id(story: &Document) -> bool {
    story.count("id").is_some() || story.text("id").is_some_and(|id| !id.is_empty())
}

fn date(story: &mut Document, dating: Dating) -> Result<(), EditError> {
    match dating {
        Dating::Day(moment) => story.set(UPDATED, moment.day()).map(|_| ()),
        Dating::Left => Ok(()),
    }
}

/// Carries an operation out on the story at `path`, under its lock and on what stands there then.
///
/// # Errors
///
/// Those of [`update`]; [`UpdateError::Edit`] is what `operation` returned.
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("story.md");
/// # atomic_file::create(&path, b"---\nid: S-1\n---\n", &Default::default())?;
/// use story::{Dating, Moment, UpdateOptions, operate};
///
/// let now = Moment::parse("2026-03-04T05:06:07Z").expect("an instant");
/// operate(&path, &UpdateOptions::default(), Dating::Day(now), |story| {
///     Ok(story.increment("retry_count", 1)?)
/// })?;
/// assert_eq!(story::read(&path)?.text("updated").as_deref(), Some("2026-03-04"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn operate<T>(
    path: &Path,
    options: &UpdateOptions,
    dating: Dating,
    mut operation: impl FnMut(&mut Document) -> Result<T, OperationError>,
) -> Result<Updated<T>, UpdateError<OperationError>> {
    update(path, options, |story| {
        carry_out(story, dating, &mut operation)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carry_out_demands_an_id_and_dates_only_what_changed() {
        let now = Moment::parse("2026-03-04T05:06:07Z").expect("an instant");
        let run = |fields: &str, value: i64| {
            let text = format!("---\n{fields}---\n");
            let mut story = Document::parse(text.clone()).expect("frontmatter");
            let set = |story: &mut Document| Ok(story.set("n", value)?);
            let result = carry_out(&mut story, Dating::Day(now), set);
            (
                result.map(drop),
                story.text(UPDATED),
                story.as_str() == Some(&text),
            )
        };
        for fields in [
            "n: 1\n",
            "id:\n",
            "id: ''\n",
            "id: [S-1]\n",
            "id: {a: 1}\n",
            "id: true\n",
        ] {
            let (result, updated, is_unchanged) = run(fields, 2);
            assert_eq!(result, Err(OperationError::NoId), "{fields:?} is no story");
            assert_eq!(
                (updated, is_unchanged),
                (None, true),
                "and it is left alone"
            );
        }
        let (result, updated, _) = run("id: S-1\nn: 1\n", 2);
        assert_eq!(result, Ok(()), "a story");
        assert_eq!(updated.as_deref(), Some("2026-03-04"), "a change is dated");
        let (result, updated, is_unchanged) = run("id: S-1\nn: 1\n", 1);
        assert_eq!(
            (result, updated, is_unchanged),
            (Ok(()), None, true),
            "no change, no date"
        );
    }
}
