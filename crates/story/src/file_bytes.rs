//! The bytes of a story's file, of which an edit replaces the head and shares the rest.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Bytes in two parts: a head that was replaced, and the rest as it was read. Clones share both, so
/// an edit of a long story copies its head only.
#[derive(Debug, Clone)]
pub(crate) struct FileBytes {
    read: Arc<Vec<u8>>,
    head: Option<Head>,
    /// Both parts in one piece, made when somebody asks for it.
    whole: OnceLock<Arc<Vec<u8>>>,
}

#[derive(Debug, Clone)]
struct Head {
    bytes: Arc<Vec<u8>>,
    /// How many of the bytes that were read it stands for.
    replaces: usize,
}

impl FileBytes {
    pub(crate) fn new(read: Vec<u8>) -> Self {
        Self {
            read: Arc::new(read),
            head: None,
            whole: OnceLock::new(),
        }
    }

    /// The two parts in order; the second may be empty.
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        match &self.head {
            None => [&self.read, &[]],
            Some(head) => [&head.bytes, &self.read[head.replaces..]],
        }
    }

    /// All bytes in one piece.
    pub(crate) fn whole(&self) -> &[u8] {
        match &self.head {
            None => &self.read,
            Some(_) => self.whole.get_or_init(|| Arc::new(self.parts().concat())),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        match &self.head {
            None => Arc::unwrap_or_clone(self.read),
            Some(_) => self.parts().concat(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Replaces `range` of the head by `text`. The head ends at `head_end`, the same in each call.
    pub(crate) fn replace(&mut self, range: Range<usize>, text: &[u8], head_end: usize) {
        let old = self.parts()[0];
        let bytes = [&old[..range.start], text, &old[range.end..head_end]].concat();
        self.head = Some(Head {
            bytes: Arc::new(bytes),
            replaces: self.head.as_ref().map_or(head_end, |head| head.replaces),
        });
        self.whole = OnceLock::new();
    }

    /// All bytes in one piece, to be changed anywhere.
    pub(crate) fn make_mut(&mut self) -> &mut Vec<u8> {
        if self.head.is_some() {
            *self = Self::new(self.parts().concat());
        }
        Arc::make_mut(&mut self.read)
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &Self) -> bool {
        let untouched = self.head.is_none() && other.head.is_none();
        (untouched && Arc::ptr_eq(&self.read, &other.read))
            || (self.len() == other.len()
                && self.parts().iter().copied().flatten().eq(other
                    .parts()
                    .iter()
                    .copied()
                    .flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_heads_and_shared_rest_make_one_text() {
        let original = FileBytes::new(b"head|rest".to_vec());
        let mut edited = original.clone();
        edited.replace(1..2, b"EE", 5);
        assert_eq!(edited.whole(), b"hEEad|rest", "once");
        let mut twice = edited.clone();
        twice.replace(0..3, b"", 6);
        assert_eq!(twice.whole(), b"ad|rest", "and again");
        assert_eq!(twice.len(), 7, "the length is that of the whole");
        twice.make_mut().extend_from_slice(b"!");
        assert_eq!(
            twice.clone().into_vec(),
            b"ad|rest!",
            "the rest can be changed, too"
        );
        assert_eq!(original.whole(), b"head|rest", "clones are independent");
        assert!(edited != original, "other bytes are not equal");
        edited.replace(1..3, b"e", 6);
        assert!(
            edited == original,
            "equal bytes are, however they are parted"
        );
    }
}
