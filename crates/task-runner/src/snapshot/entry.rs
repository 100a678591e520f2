//! What the index says of each file, and whether the disk still agrees. Pure.

use super::look::{Kind, Look, Moment};

/// `CE_VALID` of git's index: "assume unchanged".
const ASSUME_UNCHANGED: u32 = 0x8000;
/// `CE_INTENT_TO_ADD` of git's index.
const INTENT_TO_ADD: u32 = 1 << 29;
/// `CE_SKIP_WORKTREE` of git's index: left out of a sparse checkout.
const SKIP_WORKTREE: u32 = 1 << 30;

/// The mode of a submodule.
pub(crate) const GITLINK: u32 = 0o160_000;

/// Two moments closer than this may be the same to a file system that keeps nanoseconds: its clock ticks a hundred times a
/// second at least (`CONFIG_HZ` of Linux), twice that here.
const TICK_NANOSECONDS: i64 = 20_000_000;

/// The same for one that keeps seconds: FAT keeps every other.
const COARSE_TICK_SECONDS: i64 = 2;

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// As git has it: `0o100644`, `0o100755`, `0o120000` or [`GITLINK`].
    pub mode: u32,
    /// Of its contents.
    pub id: String,
}

/// A line of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub path: Vec<u8>,
    pub item: Item,
    /// Not zero: one side of a conflict.
    pub stage: u8,
    changed: Moment,
    modified: Moment,
    inode: u64,
    size: u64,
    flags: u32,
}

impl Entry {
    /// Whether two lines say the same, whatever they remember of the disk.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        const KEPT: u32 = ASSUME_UNCHANGED | INTENT_TO_ADD | SKIP_WORKTREE;
        let says = |entry: &Self| (entry.stage, entry.flags & KEPT);
        self.path == other.path && self.item == other.item && says(self) == says(other)
    }

    /// The same without a side, and without what git remembers of the disk: it is never [`Entry::is_surely`].
    pub(crate) fn uncertain(self) -> Self {
        Self {
            stage: 0,
            flags: 0,
            // The index keeps thirty-two bits of it.
            size: u64::MAX,
            ..self
        }
    }

    /// Whether git is told not to look at the file.
    pub(crate) fn is_unwatched(&self) -> bool {
        self.flags & (ASSUME_UNCHANGED | SKIP_WORKTREE) != 0
    }

    /// Whether the file on the disk surely has the contents that the index has for it, so that nobody has to read it.
    ///
    /// Stricter than git, which believes an entry that agrees to the second: every time that the index keeps has to agree to
    /// the nanosecond, and none may be so near to `index_written` that a later change could hide in the same tick.
    pub(crate) fn is_surely(&self, look: &Look, index_written: Moment) -> bool {
        let is_kind = match look.kind {
            Kind::File => self.item.mode == 0o100_644 || self.item.mode == 0o100_755,
            Kind::Link => self.item.mode == 0o120_000,
            Kind::Folder | Kind::Other => false,
        };
        // The index keeps the lower half of large numbers.
        let low = |number: u64| number & u64::from(u32::MAX);
        is_kind
            && self.flags & INTENT_TO_ADD == 0
            && self.size == low(look.size)
            && self.inode == low(look.inode)
            && self.modified == wrapped(look.modified)
            && self.changed == wrapped(look.changed)
            && is_well_before(look.changed, index_written)
            && is_well_before(look.modified, index_written)
    }
}

/// A moment as the index keeps it: thirty-two bits of seconds.
fn wrapped(moment: Moment) -> Moment {
    Moment {
        seconds: moment.seconds & i64::from(u32::MAX),
        ..moment
    }
}

fn is_well_before(moment: Moment, index_written: Moment) -> bool {
    let seconds = index_written.seconds.saturating_sub(moment.seconds);
    if moment.nanoseconds == 0 || index_written.nanoseconds == 0 {
        return seconds > COARSE_TICK_SECONDS;
    }
    let nanoseconds = i64::from(index_written.nanoseconds) - i64::from(moment.nanoseconds);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
        > TICK_NANOSECONDS
}

/// Reads the answer of `git ls-files --stage --debug -z`. `None` where it is not in that form.
pub(crate) fn parse_debug(mut answer: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !answer.is_empty() {
        let end = answer.iter().position(|byte| *byte == 0)?;
        let (item, stage, path) = parse_stage(&answer[..end])?;
        answer = &answer[end + 1..];
        let mut numbers = Vec::with_capacity(10);
        for _ in 0..5 {
            let end = answer.iter().position(|byte| *byte == b'\n')?;
            let line = str::from_utf8(&answer[..end]).ok()?;
            numbers.extend(line.split([' ', '\t', ':']).filter(|word| is_number(word)));
            answer = &answer[end + 1..];
        }
        entries.push(entry(item, stage, path, &numbers)?);
    }
    Some(entries)
}

/// All numbers but one are decimal; the flags are hexadecimal, and the last.
fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// From the ten numbers: changed, modified (both with nanoseconds), device, inode, user, group, size, flags.
fn entry(item: Item, stage: u8, path: &[u8], numbers: &[&str]) -> Option<Entry> {
    let [
        changed,
        changed_nanos,
        modified,
        modified_nanos,
        _,
        inode,
        _,
        _,
        size,
        flags,
    ] = numbers
    else {
        return None;
    };
    let moment = |seconds: &str, nanoseconds: &str| {
        Some(Moment {
            seconds: seconds.parse().ok()?,
            nanoseconds: nanoseconds.parse().ok()?,
        })
    };
    Some(Entry {
        path: path.to_vec(),
        item,
        stage,
        changed: moment(changed, changed_nanos)?,
        modified: moment(modified, modified_nanos)?,
        inode: inode.parse().ok()?,
        size: size.parse().ok()?,
        flags: u32::from_str_radix(flags, 16).ok()?,
    })
}

/// Reads one record of `git ls-files --stage -z`: mode, id, stage, a tab, the path.
pub(crate) fn parse_stage(record: &[u8]) -> Option<(Item, u8, &[u8])> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let mut words = str::from_utf8(&record[..tab]).ok()?.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let id = words.next()?.to_owned();
    let stage = words.next()?.parse().ok()?;
    Some((Item { mode, id }, stage, &record[tab + 1..]))
}
