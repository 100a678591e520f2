//! One state of the world in six machine words: up to five processes, one name, twelve files.
//!
//! The small size is what makes the search cheap enough for a debug build. A process is one word: nine
//! registers (which file a descriptor stands for), and what each of its threads does next.

use std::ops::Range;

pub use crate::codes::{Budget, Kind, Place, Register, Step, Thread};

/// A file without regard to its name; an index into the world's list.
pub type Node = u8;
/// No file.
pub const NONE: Node = 15;
/// How many files can exist at once.
const NODES: u8 = 12;
/// How many processes fit into a state.
pub const PROCESSES: usize = 5;
const WORLD: usize = PROCESSES;

const PLACE: Range<u32> = 58..60;
const ROUNDS: Range<u32> = 60..62;
/// A hand-over has to be looked after.
const SWEEP_DUE: Range<u32> = 62..63;
/// The release took the lock back once: the limit of the run no longer applies.
const AGAIN: Range<u32> = 63..64;
const PATH: Range<u32> = 0..4;
const NO_FILES: u64 = 0xF_FFFF_FFFF;
/// Where a process's registers end in its word.
const FILES_END: u64 = 36;

const fn node_bits(node: Node) -> Range<u32> {
    let start = 16 + 4 * node as u32;
    start..start + 4
}
const LOCKED: u8 = 4;
const MARKED: u8 = 8;

/// One state of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(pub [u64; PROCESSES + 1]);

impl State {
    /// Nothing stands at the sidecar's path, nobody has begun.
    pub fn new() -> Self {
        let mut state = Self([NO_FILES; PROCESSES + 1]);
        state.0[WORLD] = 0;
        state.set_path(NONE);
        for process in 0..PROCESSES {
            state.set_step(process, Thread::Main, Step::Done);
        }
        state
    }

    fn get(&self, word: usize, bits: &Range<u32>) -> u8 {
        let mask = (1_u64 << (bits.end - bits.start)) - 1;
        ((self.0[word] >> bits.start) & mask & 0xFF) as u8
    }

    fn set(&mut self, word: usize, bits: &Range<u32>, value: u8) {
        let mask = (1_u64 << (bits.end - bits.start)) - 1;
        assert!(u64::from(value) <= mask, "{value} fits its field");
        self.0[word] = self.0[word] & !(mask << bits.start) | u64::from(value) << bits.start;
    }

    pub fn step(&self, process: usize, thread: Thread) -> Step {
        Step::of(self.get(process, &thread.bits()))
    }

    pub fn set_step(&mut self, process: usize, thread: Thread, step: Step) {
        self.set(process, &thread.bits(), step as u8);
    }

    pub fn file(&self, process: usize, register: Register) -> Node {
        self.get(process, &register.bits())
    }

    pub fn set_file(&mut self, process: usize, register: Register, node: Node) {
        self.set(process, &register.bits(), node);
    }

    /// Closes the file without unlocking it.
    pub fn clear(&mut self, process: usize, register: Register) -> Node {
        let node = self.file(process, register);
        self.set_file(process, register, NONE);
        node
    }

    pub fn place(&self, process: usize) -> Place {
        Place::of(self.get(process, &PLACE))
    }

    pub fn set_place(&mut self, process: usize, place: Place) {
        self.set(process, &PLACE, place as u8);
    }

    pub fn rounds(&self, process: usize) -> u8 {
        self.get(process, &ROUNDS)
    }

    pub fn set_rounds(&mut self, process: usize, rounds: u8) {
        self.set(process, &ROUNDS, rounds);
    }

    pub fn is_sweep_due(&self, process: usize) -> bool {
        self.get(process, &SWEEP_DUE) == 1
    }

    pub fn set_sweep_due(&mut self, process: usize, due: bool) {
        self.set(process, &SWEEP_DUE, due.into());
    }

    pub fn is_again(&self, process: usize) -> bool {
        self.get(process, &AGAIN) == 1
    }

    pub fn set_again(&mut self, process: usize, again: bool) {
        self.set(process, &AGAIN, again.into());
    }

    pub fn left(&self, budget: Budget) -> u8 {
        self.get(WORLD, &budget.bits())
    }

    pub fn set_left(&mut self, budget: Budget, left: u8) {
        self.set(WORLD, &budget.bits(), left);
    }

    /// What the sidecar's path names.
    pub fn path(&self) -> Node {
        self.get(WORLD, &PATH)
    }

    pub fn set_path(&mut self, node: Node) {
        self.set(WORLD, &PATH, node);
    }

    pub fn kind(&self, node: Node) -> Option<Kind> {
        match self.get(WORLD, &node_bits(node)) & 3 {
            1 => Some(Kind::Ours),
            2 => Some(Kind::Foreign),
            3 => Some(Kind::Folder),
            _ => None,
        }
    }

    /// What stands at the path.
    pub fn kind_at_path(&self) -> Option<Kind> {
        match self.path() {
            NONE => None,
            node => self.kind(node),
        }
    }

    pub fn set_kind(&mut self, node: Node, kind: Kind) {
        let rest = self.get(WORLD, &node_bits(node)) & !3;
        self.set(WORLD, &node_bits(node), rest | (kind as u8 + 1));
    }

    fn flag(&self, node: Node, flag: u8) -> bool {
        self.get(WORLD, &node_bits(node)) & flag != 0
    }

    fn set_flag(&mut self, node: Node, flag: u8, on: bool) {
        let rest = self.get(WORLD, &node_bits(node)) & !flag;
        self.set(WORLD, &node_bits(node), rest | if on { flag } else { 0 });
    }

    pub fn is_locked(&self, node: Node) -> bool {
        self.flag(node, LOCKED)
    }

    pub fn lock(&mut self, node: Node) {
        assert!(!self.is_locked(node), "the kernel lock is exclusive");
        self.set_flag(node, LOCKED, true);
    }

    pub fn unlock(&mut self, node: Node) {
        self.set_flag(node, LOCKED, false);
    }

    /// The record says "released"; for a directory: something was planted in it.
    pub fn is_marked(&self, node: Node) -> bool {
        self.flag(node, MARKED)
    }

    pub fn mark(&mut self, node: Node, on: bool) {
        self.set_flag(node, MARKED, on);
    }

    /// Makes a file; nothing refers to it yet.
    pub fn make(&mut self, kind: Kind) -> Node {
        let node = (0..NODES)
            .find(|node| self.get(WORLD, &node_bits(*node)) == 0)
            .expect("twelve files are enough for five processes");
        self.set_kind(node, kind);
        node
    }

    /// The process has neither a file open nor a thread besides the main one.
    pub fn is_bare(&self, process: usize) -> bool {
        self.0[process] & NO_FILES == NO_FILES
    }

    /// Whether the process has the file open.
    pub fn refers(&self, process: usize, node: Node) -> bool {
        !self.is_bare(process)
            && Register::ALL
                .iter()
                .any(|register| self.file(process, *register) == node)
    }

    /// Forgets files that nothing refers to, and numbers the others by their first mention.
    ///
    /// This and `shape` run for every transition: plain loops over words, for a debug build.
    pub fn compact(&mut self) {
        let world = self.0[WORLD];
        let mut map = [u64::from(NONE); 16];
        let mut nodes = 0;
        let mut count = 0;
        let mut renumber = |node: u64| {
            let index = (node & 15) as usize;
            if node != u64::from(NONE) && map[index] == u64::from(NONE) {
                map[index] = count;
                nodes |= (world >> (16 + 4 * node) & 15) << (16 + 4 * count);
                count += 1;
            }
            map[index]
        };
        let path = renumber(world & 15);
        let mut process = 0;
        while process < PROCESSES {
            let word = self.0[process];
            if word & NO_FILES != NO_FILES {
                let mut files = 0;
                let mut shift = 0;
                while shift < FILES_END {
                    files |= renumber(word >> shift & 15) << shift;
                    shift += 4;
                }
                self.0[process] = word & !NO_FILES | files;
            }
            process += 1;
        }
        self.0[WORLD] = world & 0xFFF0 | path | nodes;
    }

    /// The representative of all states that differ only in which of several like processes is which:
    /// they have the same future. `like` are ranges of processes of one kind.
    pub fn canonical(mut self, like: &[Range<usize>]) -> Self {
        for range in like {
            for end in range.clone().skip(1) {
                let mut at = end;
                while at > range.start && self.shape(at) < self.shape(at - 1) {
                    self.0.swap(at, at - 1);
                    at -= 1;
                }
            }
        }
        self.compact();
        self
    }

    /// What can be said of a process without naming a file by number.
    fn shape(&self, process: usize) -> (u64, u64) {
        let word = self.0[process];
        let world = self.0[WORLD];
        let mut files = 0;
        let mut shift = 0;
        while shift < FILES_END && word & NO_FILES != NO_FILES {
            let node = word >> shift & 15;
            let what = if node == u64::from(NONE) {
                0
            } else if node == world & 15 {
                1
            } else {
                2 + (world >> (16 + 4 * node + 2) & 1)
            };
            files = files << 2 | what;
            shift += 4;
        }
        (word >> FILES_END, files)
    }
}
