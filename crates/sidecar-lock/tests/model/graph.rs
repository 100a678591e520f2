//! The states that were seen and the transitions between them.

use std::collections::VecDeque;

use crate::state::{PROCESSES, State};

/// The states seen, found again by their hash; open addressing.
pub struct Seen {
    pub states: Vec<[u64; PROCESSES + 1]>,
    /// The state that led to each for the first time.
    pub parents: Vec<u32>,
    slots: Vec<u32>,
}

/// No state.
pub const EMPTY: u32 = u32::MAX;

impl Seen {
    pub fn new() -> Self {
        Self {
            states: Vec::new(),
            parents: Vec::new(),
            slots: vec![EMPTY; 1 << 12],
        }
    }

    fn slot_of(&self, words: &[u64; PROCESSES + 1]) -> usize {
        let mut hash = 0_u64;
        for word in words {
            hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            hash ^= hash >> 29;
        }
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(hash >> 20).expect("44 bits") & mask;
        while self.slots[slot] != EMPTY && &self.states[self.slots[slot] as usize] != words {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The state's number, and whether it is new.
    pub fn insert(&mut self, state: &State, parent: u32) -> (u32, bool) {
        let slot = self.slot_of(&state.0);
        if self.slots[slot] != EMPTY {
            return (self.slots[slot], false);
        }
        let number = u32::try_from(self.states.len()).expect("fewer than four billion states");
        self.slots[slot] = number;
        self.states.push(state.0);
        self.parents.push(parent);
        if self.states.len() * 2 > self.slots.len() {
            self.grow();
        }
        (number, true)
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; self.slots.len() * 2];
        for number in 0..self.states.len() {
            let words = self.states[number];
            let slot = self.slot_of(&words);
            self.slots[slot] = u32::try_from(number).expect("numbered before");
        }
    }
}

/// Where each state leads: `to[from[n]..from[n + 1]]`.
pub struct Edges {
    pub from: Vec<u32>,
    pub to: Vec<u32>,
}

/// The same transitions, from where they lead to where they come from.
pub fn reverse(edges: &Edges, states: usize) -> Edges {
    let mut from = vec![0_u32; states + 1];
    for to in &edges.to {
        from[*to as usize + 1] += 1;
    }
    for number in 0..states {
        from[number + 1] += from[number];
    }
    let mut fill = from.clone();
    let mut to = vec![0_u32; edges.to.len()];
    for number in 0..states {
        let range = edges.from[number] as usize..edges.from[number + 1] as usize;
        for target in &edges.to[range] {
            let place = &mut fill[*target as usize];
            to[*place as usize] = u32::try_from(number).expect("a number");
            *place += 1;
        }
    }
    Edges { from, to }
}

/// The states from which one that `is_good` can be reached.
pub fn can_reach(seen: &Seen, back: &Edges, is_good: impl Fn(&State) -> bool) -> Vec<bool> {
    let mut good = vec![false; seen.states.len()];
    let mut queue = VecDeque::new();
    for (number, words) in seen.states.iter().enumerate() {
        if is_good(&State(*words)) {
            good[number] = true;
            queue.push_back(number);
        }
    }
    while let Some(number) = queue.pop_front() {
        let range = back.from[number] as usize..back.from[number + 1] as usize;
        for source in &back.to[range] {
            let source = *source as usize;
            if !good[source] {
                good[source] = true;
                queue.push_back(source);
            }
        }
    }
    good
}
