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

    /// Replaces `range` anywhere by `bytes`; everything else is copied at most once.
    pub(crate) fn splice(&mut self, range: Range<usize>, bytes: &[u8]) {
        let is_own = self.head.is_none() && Arc::get_mut(&mut self.read).is_some();
        if is_own {
            Arc::make_mut(&mut self.read).splice(range, bytes.iter().copied());
            return;
        }
        let mut whole = Vec::with_capacity(self.len() - range.len() + bytes.len());
        extend(&mut whole, self.parts(), 0..range.start);
        whole.extend_from_slice(bytes);
        extend(&mut whole, self.parts(), range.end..self.len());
        *self = Self::new(whole);
    }

    /// Leaves only the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        let mut whole = Vec::with_capacity(length);
        extend(&mut whole, self.parts(), 0..length);
        *self = Self::new(whole);
    }

    pub(crate) fn last(&self) -> Option<&u8> {
        let [head, rest] = self.parts();
        rest.last().or(head.last())
    }

    /// How many of the bytes that were read are not shown.
    fn hidden(&self) -> usize {
        self.head.as_ref().map_or(0, |head| head.replaces)
    }
}

/// Copies a range of two parts that follow each other.
fn extend(whole: &mut Vec<u8>, parts: [&[u8]; 2], range: Range<usize>) {
    let mut start = 0;
    for part in parts {
        let within = |at: usize| at.clamp(start, start + part.len()) - start;
        whole.extend_from_slice(&part[within(range.start)..within(range.end)]);
        start += part.len();
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // What both share needs no look: from the later of the two heads' ends.
        let shared = if Arc::ptr_eq(&self.read, &other.read) {
            self.read.len() - self.hidden().max(other.hidden())
        } else {
            0
        };
        let length = self.len() - shared;
        let [ours, theirs] = [self, other].map(|bytes| runs(bytes.parts(), length));
        same(ours, theirs)
    }
}

/// The first bytes of two parts that follow each other.
fn runs(parts: [&[u8]; 2], length: usize) -> [&[u8]; 2] {
    let first = parts[0].len().min(length);
    [&parts[0][..first], &parts[1][..length - first]]
}

/// Whether two texts of the same length are equal, however they are parted.
fn same([ours, our_rest]: [&[u8]; 2], [theirs, their_rest]: [&[u8]; 2]) -> bool {
    if ours.len() > theirs.len() {
        return same([theirs, their_rest], [ours, our_rest]);
    }
    let (first, between) = theirs.split_at(ours.len());
    ours == first && our_rest.starts_with(between) && our_rest[between.len()..] == *their_rest
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
        twice.splice(7..7, b"!");
        assert_eq!(
            twice.clone().into_vec(),
            b"ad|rest!",
            "the rest can be changed, too"
        );
        twice.splice(1..5, b"");
        assert_eq!(twice.whole(), b"ast!", "in place where nobody shares it");
        let mut cut = edited.clone();
        cut.splice(3..7, b"--");
        assert_eq!(cut.whole(), b"hEE--est", "across both parts");
        cut = edited.clone();
        cut.truncate(6);
        assert_eq!(cut.whole(), b"hEEad|", "or cut off");
        assert_eq!(cut.last(), Some(&b'|'), "the last byte that is left");
        assert_eq!(edited.last(), Some(&b't'), "or was read");
        assert_eq!(original.whole(), b"head|rest", "clones are independent");
        assert!(edited != original, "other bytes are not equal");
        edited.replace(1..3, b"e", 6);
        assert!(
            edited == original,
            "equal bytes are, however they are parted"
        );
        assert!(
            edited == FileBytes::new(b"head|rest".to_vec()),
            "and wherever they come from"
        );
        edited.replace(0..1, b"H", 5);
        assert!(edited != original, "one byte of the head counts");
        let mut other = original.clone();
        other.splice(8..9, b"T");
        assert!(other != original, "and one of the rest");
    }
}
