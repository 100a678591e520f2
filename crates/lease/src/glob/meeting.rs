//! Whether two machines accept a common path: both are run side by side over all paths at once. Pure.

use super::machine::{ByteSet, Machine, State, StateId};
use crate::project_path::fold;

/// How many situations are looked at before it is given up. Chosen: a few milliseconds; globs that people write need some
/// hundred.
const MAX_SITUATIONS: usize = 100_000;

/// Whether two machines accept a common path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// None does exist.
    Nowhere,
    /// This one; empty for the project's root.
    At(String),
    /// It was given up, or what was found is no path as paths are compared.
    Undecided,
}

/// The bytes of the paths that are compared, but for `/` and `.`, those that read best first. Controls and large letters do
/// not occur there.
const ORDINARY: [ByteSet; 5] = [
    ByteSet::range(b'a', b'z'),
    ByteSet::range(b'0', b'9'),
    ByteSet::range(b' ', b'~')
        .without(ByteSet::range(b'A', b'Z'))
        .without(ByteSet::range(b'.', b'/')),
    // Beginnings of letters outside ASCII, then what follows them.
    ByteSet::range(0xC2, 0xF4),
    ByteSet::range(0x80, 0xBF),
];

/// Where a path can stand, so that only texts are found that are paths: no empty parts, no `.` and `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// Nothing was read yet; ended here, it is the root.
    Root,
    PartBegins,
    OneDot,
    TwoDots,
    InPart,
}

const SPOTS: usize = 5;

impl Spot {
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::InPart, b'/') => Some(Self::PartBegins),
            (_, b'/') => None,
            (Self::Root | Self::PartBegins, b'.') => Some(Self::OneDot),
            (Self::OneDot, b'.') => Some(Self::TwoDots),
            _ => Some(Self::InPart),
        }
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Root | Self::InPart)
    }
}

/// In which states both are, and how they came there.
#[derive(Clone, Copy)]
struct Situation {
    one: StateId,
    other: StateId,
    spot: Spot,
    /// The index of the situation before, and the byte that led from there to here.
    from: Option<usize>,
    read: Option<u8>,
}

/// Looks for a path that both accept.
pub(super) fn meeting(one: &Machine, other: &Machine) -> Meeting {
    let mut search = Search::new(one, other);
    search.begin(one.start(), Spot::Root);
    search.run().told_behind("")
}

/// Looks for a path that the machine accepts and that is `key` or lies below it; everything does, if that is empty.
pub(super) fn meeting_below(machine: &Machine, key: &str) -> Meeting {
    let everything = Machine::of_everything();
    let mut search = Search::new(machine, &everything);
    if key.is_empty() {
        search.begin(machine.start(), Spot::Root);
        return search.run().told_behind("");
    }
    let there = machine.after(machine.at_start(), key.as_bytes());
    if there.accept(machine) {
        return Meeting::At(key.to_owned());
    }
    for state in machine.after(there, b"/").iter() {
        search.begin(state, Spot::PartBegins);
    }
    search.run().told_behind(&format!("{key}/"))
}

/// What a search has found.
enum Found {
    Nothing,
    Bytes(Vec<u8>),
    GivenUp,
}

impl Found {
    /// As a path, with what was known before the search.
    fn told_behind(self, known: &str) -> Meeting {
        match self {
            Self::Nothing => Meeting::Nowhere,
            Self::GivenUp => Meeting::Undecided,
            // Bytes outside ASCII that no literal of either glob demands may be half a letter, or one that folding changes.
            Self::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(path) if fold(&path) == path => Meeting::At(format!("{known}{path}")),
                _ => Meeting::Undecided,
            },
        }
    }
}

struct Search<'a> {
    one: &'a Machine,
    other: &'a Machine,
    /// One bit for each situation: whether it was found already.
    known: Vec<u64>,
    situations: Vec<Situation>,
    open: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(one: &'a Machine, other: &'a Machine) -> Self {
        Self {
            one,
            other,
            known: vec![0; (one.len() * other.len() * SPOTS).div_ceil(64)],
            situations: Vec::new(),
            open: Vec::new(),
        }
    }

    fn begin(&mut self, one: StateId, spot: Spot) {
        self.add(Situation {
            one,
            other: self.other.start(),
            spot,
            from: None,
            read: None,
        });
    }

    fn run(mut self) -> Found {
        while let Some(index) = self.open.pop() {
            if self.situations.len() > MAX_SITUATIONS {
                return Found::GivenUp;
            }
            let at = Situation {
                from: Some(index),
                read: None,
                ..self.situations[index]
            };
            match (self.one.state(at.one), self.other.state(at.other)) {
                (State::Also(ways), _) => {
                    for way in ways {
                        self.add(Situation { one: *way, ..at });
                    }
                }
                (_, State::Also(ways)) => {
                    for way in ways {
                        self.add(Situation { other: *way, ..at });
                    }
                }
                (State::Read(left, one), State::Read(right, other)) => {
                    let (one, other) = (*one, *other);
                    self.read(left.and(*right), Situation { one, other, ..at });
                }
                (State::End, State::End) if at.spot.may_end() => {
                    return Found::Bytes(self.way_to(index));
                }
                (State::End, _) | (_, State::End) => {}
            }
        }
        Found::Nothing
    }

    /// Goes on with one byte of each kind: which one it is makes no difference for what can follow.
    fn read(&mut self, bytes: ByteSet, before: Situation) {
        let ordinary = ORDINARY.iter().find_map(|kind| kind.and(bytes).first());
        let special = [b'/', b'.']
            .into_iter()
            .filter(|byte| bytes.contains(*byte));
        for byte in special.chain(ordinary) {
            if let Some(spot) = before.spot.after(byte) {
                self.add(Situation {
                    spot,
                    read: Some(byte),
                    ..before
                });
            }
        }
    }

    fn add(&mut self, situation: Situation) {
        let Situation {
            one, other, spot, ..
        } = situation;
        let number = (one as usize * self.other.len() + other as usize) * SPOTS + spot as usize;
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.known[word] & bit == 0 {
            self.known[word] |= bit;
            self.open.push(self.situations.len());
            self.situations.push(situation);
        }
    }

    /// The bytes that lead to a situation.
    fn way_to(&self, index: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            bytes.extend(self.situations[index].read);
            next = self.situations[index].from;
        }
        bytes.reverse();
        bytes
    }
}
