//! A glob as a machine that reads a path byte by byte, being in several states at a time. Pure.

use super::syntax::Token;

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    const ALL: Self = Self([u64::MAX; 4]);

    pub(super) const fn range(first: u8, last: u8) -> Self {
        let mut words = [0; 4];
        let mut byte = first;
        while byte <= last {
            words[(byte >> 6) as usize] |= 1 << (byte & 63);
            if byte == u8::MAX {
                break;
            }
            byte += 1;
        }
        Self(words)
    }

    pub(super) const fn one(byte: u8) -> Self {
        Self::range(byte, byte)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        let mut words = self.0;
        let mut index = 0;
        while index < words.len() {
            words[index] &= !other.0[index];
            index += 1;
        }
        Self(words)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] & other.0[index]))
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] | other.0[index]))
    }

    pub(super) fn contains(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    /// The lowest one.
    pub(super) fn first(self) -> Option<u8> {
        let word = self.0.iter().position(|word| *word != 0)?;
        u8::try_from(word * 64 + self.0[word].trailing_zeros() as usize).ok()
    }
}

/// The number of a state.
pub(super) type StateId = u32;

/// What a machine does in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Reads one of these bytes and goes on.
    Read(ByteSet, StateId),
    /// Is in all of these at once, without reading.
    Also(Vec<StateId>),
    /// Accepts what was read, if the path ends here.
    End,
}

/// All states, and the one to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    states: Vec<State>,
    start: StateId,
}

/// Several states at a time.
#[derive(Debug)]
pub(super) struct States {
    list: Vec<StateId>,
    is_in: Vec<bool>,
}

impl States {
    fn of(machine: &Machine) -> Self {
        Self {
            list: Vec::new(),
            is_in: vec![false; machine.len()],
        }
    }

    fn clear(&mut self) {
        for id in self.list.drain(..) {
            self.is_in[id as usize] = false;
        }
    }

    /// Adds a state, and those that it is without reading.
    fn enter(&mut self, machine: &Machine, id: StateId) {
        let mut index = self.list.len();
        self.add(id);
        while let Some(id) = self.list.get(index) {
            index += 1;
            if let State::Also(ways) = machine.state(*id) {
                for way in ways {
                    self.add(*way);
                }
            }
        }
    }

    fn add(&mut self, id: StateId) {
        if !std::mem::replace(&mut self.is_in[id as usize], true) {
            self.list.push(id);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = StateId> {
        self.list.iter().copied()
    }

    /// Whether what was read so far is accepted.
    pub(super) fn accept(&self, machine: &Machine) -> bool {
        self.iter()
            .any(|id| matches!(machine.state(id), State::End))
    }
}

const SEPARATOR: ByteSet = ByteSet::one(b'/');
const WITHIN_PART: ByteSet = ByteSet::ALL.without(SEPARATOR);

impl Machine {
    /// One that accepts what a glob matches.
    pub(super) fn of_glob(tokens: &[Token]) -> Self {
        let mut machine = Self::ending();
        machine.start = machine.chain(tokens, machine.start);
        machine
    }

    /// One that accepts everything.
    pub(super) fn of_everything() -> Self {
        let mut machine = Self::ending();
        machine.start = machine.anything(machine.start);
        machine
    }

    fn ending() -> Self {
        Self {
            states: vec![State::End],
            start: 0,
        }
    }

    pub(super) fn start(&self) -> StateId {
        self.start
    }

    /// The states in which it is before it has read anything.
    pub(super) fn at_start(&self) -> States {
        let mut states = States::of(self);
        states.enter(self, self.start);
        states
    }

    /// The states in which it is after it has read these bytes.
    pub(super) fn after(&self, mut states: States, bytes: &[u8]) -> States {
        let mut next = States::of(self);
        for byte in bytes {
            for id in &states.list {
                if let State::Read(set, then) = self.state(*id)
                    && set.contains(*byte)
                {
                    next.enter(self, *then);
                }
            }
            std::mem::swap(&mut states, &mut next);
            next.clear();
        }
        states
    }

    pub(super) fn state(&self, id: StateId) -> &State {
        &self.states[id as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    fn add(&mut self, state: State) -> StateId {
        let id = StateId::try_from(self.states.len()).expect("globs and paths are short");
        self.states.push(state);
        id
    }

    /// A loop over these bytes, left for any of `next` at any time.
    fn repeat(&mut self, bytes: ByteSet, next: &[StateId]) -> StateId {
        let head = self.add(State::Also(Vec::new()));
        let body = self.add(State::Read(bytes, head));
        let ways = next.iter().copied().chain([body]).collect();
        self.states[head as usize] = State::Also(ways);
        head
    }

    fn anything(&mut self, next: StateId) -> StateId {
        self.repeat(ByteSet::ALL, &[next])
    }

    /// Anything that ends in a separator.
    fn folders(&mut self, next: StateId) -> StateId {
        let separator = self.add(State::Read(SEPARATOR, next));
        self.repeat(ByteSet::ALL, &[separator])
    }

    fn chain(&mut self, tokens: &[Token], end: StateId) -> StateId {
        let tokens = tokens.iter().rev();
        tokens.fold(end, |next, token| self.link(token, next))
    }

    fn link(&mut self, token: &Token, next: StateId) -> StateId {
        match token {
            Token::Byte(byte) => self.add(State::Read(ByteSet::one(*byte), next)),
            Token::Question => self.add(State::Read(WITHIN_PART, next)),
            Token::Class { negated, ranges } => {
                let empty = ByteSet::ALL.without(ByteSet::ALL);
                let listed = ranges.iter().fold(empty, |set, (first, last)| {
                    set.or(ByteSet::range(*first, *last))
                });
                let meant = if *negated {
                    ByteSet::ALL.without(listed)
                } else {
                    listed
                };
                self.add(State::Read(meant, next))
            }
            Token::Star => self.repeat(WITHIN_PART, &[next]),
            Token::Everything => self.anything(next),
            Token::AnyFolders => {
                let folders = self.folders(next);
                self.add(State::Also(vec![next, folders]))
            }
            Token::FoldersBetween => {
                let folders = self.folders(next);
                let after = self.add(State::Also(vec![next, folders]));
                self.add(State::Read(SEPARATOR, after))
            }
            Token::Below => {
                let anything = self.anything(next);
                self.add(State::Read(SEPARATOR, anything))
            }
            Token::Alternatives(alternatives) => {
                let ways = alternatives
                    .iter()
                    .map(|alternative| self.chain(alternative, next))
                    .collect();
                self.add(State::Also(ways))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_a_set_is_its_lowest() {
        for byte in [0, 1, 63, 64, 127, 128, 200, 255] {
            assert_eq!(
                ByteSet::range(byte, 255).first(),
                Some(byte),
                "the lowest of those from {byte}"
            );
        }
        let none = ByteSet::ALL.without(ByteSet::ALL);
        assert_eq!(none.first(), None, "an empty set has none");
    }

    #[test]
    fn set_holds_its_range_and_nothing_else() {
        for (first, last) in [(0, 0), (b'a', b'z'), (60, 70), (200, 255), (0, 255), (9, 3)] {
            let set = ByteSet::range(first, last);
            for byte in 0..=u8::MAX {
                assert_eq!(
                    set.contains(byte),
                    (first..=last).contains(&byte),
                    "{byte} in {first}-{last}"
                );
                assert_eq!(
                    ByteSet::ALL.without(set).contains(byte),
                    !set.contains(byte),
                    "{byte} outside of {first}-{last}"
                );
            }
        }
    }
}
