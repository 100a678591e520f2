//! Files that lose their name while they are open.

use rusqlite::{Connection, FileControl};

/// Whether the file was deleted, renamed or replaced since it was opened.
pub(crate) fn has_moved(connection: &Connection) -> rusqlite::Result<bool> {
    let mut moved = 0;
    connection.file_control(None::<&str>, FileControl::HasMoved(&mut moved))?;
    Ok(moved != 0)
}
