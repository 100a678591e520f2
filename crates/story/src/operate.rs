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
/// What `operation` returned; the document may then be changed in part and must not be written.
pub fn carry_out<T>(
    story: &mut Document,
    dating: Dating,
    operation: impl FnOnce(&mut Document) -> Result<T, OperationError>,
) -> Result<T, OperationError> {
    let before = story.clone();
    let value = operation(story)?;
    if *story != before {
        date(story, dating)?;
    }
    Ok(value)
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
