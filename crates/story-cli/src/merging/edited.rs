//! A version of a story that somebody made of an older one, to be merged into the story as it is by now. Pure.

use story::{Changes, Document, merge};

use crate::operations::Refusal;

/// What somebody made of what he had read.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The story as it was read.
    pub base: Document,
    /// What was made of it.
    pub edited: Document,
}

impl Edited {
    /// Merges it into the story and returns the keys that changed there.
    ///
    /// # Errors
    ///
    /// [`Refusal::Merge`] when others changed the same in another way; the story is unchanged.
    pub fn merge_into(&self, story: &mut Document) -> Result<Vec<String>, Refusal> {
        let merge = merge(Some(&self.base), story, &self.edited);
        if !merge.is_clean() {
            return Err(Refusal::Merge(merge.conflicts));
        }
        let changed = Changes::between(story, &merge.merged).keys();
        *story = merge.merged;
        Ok(changed)
    }

    /// Whether the key has another value than it had.
    pub fn changes(&self, key: &str) -> bool {
        self.base.get(key) != self.edited.get(key)
    }
}
