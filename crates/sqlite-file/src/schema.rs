//! Whose database a file is, and of which version. Pure.

use std::path::Path;

use crate::error::DatabaseError;

/// What a program expects of its database.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'a> {
    /// Marks the databases of this program; not 0.
    pub application_id: i32,
    /// What makes version 1 out of an empty database, 2 out of 1, and so on. Never change one that was shipped: add one.
    pub migrations: &'a [&'a str],
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) application_id: i32,
    pub(crate) user_version: i32,
    pub(crate) pages: i64,
}

/// What to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An empty file: to be made ours.
    New,
    /// Ours, of that version.
    Ours(usize),
}

impl Schema<'_> {
    pub(crate) fn version(&self) -> usize {
        self.migrations.len()
    }

    /// The version as SQLite keeps it.
    pub(crate) fn user_version(&self) -> i32 {
        i32::try_from(self.version()).unwrap_or(i32::MAX)
    }

    pub(crate) fn judge(&self, path: &Path, found: Found) -> Result<Verdict, DatabaseError> {
        if found.pages == 0 {
            return Ok(Verdict::New);
        }
        if found.application_id != self.application_id {
            return Err(DatabaseError::OtherApplication {
                path: path.to_owned(),
                found: found.application_id,
            });
        }
        // Nobody makes negative ones; they are as strange as one from the far future.
        let version = usize::try_from(found.user_version).unwrap_or(usize::MAX);
        if version > self.version() {
            return Err(DatabaseError::LaterVersion {
                path: path.to_owned(),
                found: version,
                known: self.version(),
            });
        }
        Ok(Verdict::Ours(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judge_takes_empty_files_and_its_own_up_to_the_known_version() {
        let schema = Schema {
            application_id: 7,
            migrations: &["", ""],
        };
        let table = [
            ((0, 0, 0), "New"),
            ((7, 0, 1), "Ours(0)"),
            ((7, 2, 9), "Ours(2)"),
            ((7, 3, 9), "LaterVersion"),
            ((7, -1, 9), "LaterVersion"),
            ((0, 0, 1), "OtherApplication"),
            ((8, 1, 9), "OtherApplication"),
        ];
        for ((application_id, user_version, pages), expected) in table {
            let found = Found {
                application_id,
                user_version,
                pages,
            };
            let verdict = match schema.judge(Path::new("x.db"), found) {
                Ok(verdict) => format!("{verdict:?}"),
                Err(err) => format!("{err:?}"),
            };
            assert!(
                verdict.starts_with(expected),
                "{found:?} is {expected}: {verdict}"
            );
        }
    }
}
