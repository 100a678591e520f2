//! What a random case does: how a repository is set up, what its owner did in it, and what a task did afterwards.

use proptest::collection::vec;
use proptest::prelude::*;

/// Names that meet each other (a file where a folder is, a name within a name), and names that are hard to say.
pub const NAMES: [&[u8]; 29] = [
    b"a",
    b"a/b",
    b"a/b/c",
    b"d/e",
    b"d/f",
    b"d/g/h",
    b"-dash",
    b"new\nline",
    b"quo\"te",
    b"bytes\xff\xfe",
    b"*",
    b"[x]",
    b":colon",
    b"back\\slash",
    b" ",
    b"d/ spa ce ",
    "spa\u{df}.txt".as_bytes(),
    b"Case",
    b"case",
    b"x.crlf",
    b"d/y.crlf",
    b"x.id",
    b"x.loud",
    b"x.ign",
    b"d/y.ign",
    b"d",
    b"build",
    b"build/out",
    b"build/deep/out",
];

/// What a rule in a `.gitignore` may say.
pub const RULES: [&str; 6] = ["*.ign", "/build/", "/d/", "a", "*.crlf", "[x]"];

/// Permissions of files.
pub const MODES: [u32; 5] = [0o644, 0o755, 0o600, 0o444, 0o700];

/// Where symlinks lead: to a file, to a folder, to nothing, out of the tree.
pub const TARGETS: [&str; 5] = ["a", "d", "nowhere", "../outside", "d/e"];

/// One step of somebody who works in a tree. Files are numbers of [`NAMES`]. What cannot be done there is not done.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Write(usize, u8),
    Append(usize),
    Remove(usize),
    RemoveFolder(usize),
    Rename(usize, usize),
    Chmod(usize, usize),
    Link(usize, usize),
    /// A rule for a `.gitignore`, of the top or of the folder `d`.
    Ignore(usize, usize),
    NoRules,
    /// A repository of its own inside the tree.
    Nest,
    Add(usize),
    AddAll,
    IntendToAdd(usize),
    ForceAdd(usize),
    Uncache(usize),
    Unstage,
    AssumeUnchanged(usize),
    SkipWorktree(usize),
    SplitIndex,
    Conflict(usize),
    Commit,
    Branch(u8),
    StashPush,
    StashPushAll,
    StashPop,
    ResetHard,
    Clean,
    Gc,
}

/// Where HEAD is at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Born {
    Unborn,
    OnBranch,
    Detached,
}

/// Which of a repository's working trees is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    Main,
    Second,
}

/// Whether HEAD goes back, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadTo {
    Keep,
    Back,
}

/// What git does to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filters {
    None,
    AutoCrlf,
    Attributes,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Plan {
    pub object_format: &'static str,
    pub born: Born,
    pub tree: Tree,
    pub filters: Filters,
    /// How many stashes the owner has.
    pub stashes: u8,
    /// The rules of the committed `.gitignore`.
    pub rules: Vec<usize>,
    /// The files of the first commit.
    pub committed: Vec<(usize, u8)>,
    /// What the owner did.
    pub owner: Vec<Step>,
    /// What the task did.
    pub task: Vec<Step>,
    pub head: HeadTo,
}

fn name() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

/// What changes files alone.
fn file_step() -> BoxedStrategy<Step> {
    prop_oneof![
        6 => (name(), any::<u8>()).prop_map(|(name, text)| Step::Write(name, text)),
        2 => name().prop_map(Step::Append),
        3 => name().prop_map(Step::Remove),
        1 => name().prop_map(Step::RemoveFolder),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (name(), 0..MODES.len()).prop_map(|(name, mode)| Step::Chmod(name, mode)),
        2 => (name(), 0..TARGETS.len()).prop_map(|(name, to)| Step::Link(name, to)),
        1 => (0..2_usize, 0..RULES.len()).prop_map(|(place, rule)| Step::Ignore(place, rule)),
        1 => Just(Step::NoRules),
        1 => Just(Step::Nest),
    ]
    .boxed()
}

/// What changes the index.
fn index_step() -> BoxedStrategy<Step> {
    prop_oneof![
        5 => name().prop_map(Step::Add),
        2 => Just(Step::AddAll),
        1 => name().prop_map(Step::IntendToAdd),
        1 => name().prop_map(Step::ForceAdd),
        2 => name().prop_map(Step::Uncache),
        1 => Just(Step::Unstage),
        1 => name().prop_map(Step::AssumeUnchanged),
        1 => name().prop_map(Step::SkipWorktree),
        1 => Just(Step::SplitIndex),
    ]
    .boxed()
}

/// What changes history, stashes, or much at once.
fn large_step() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => Just(Step::Commit),
        1 => any::<u8>().prop_map(Step::Branch),
        1 => Just(Step::StashPush),
        1 => Just(Step::StashPushAll),
        1 => Just(Step::StashPop),
        1 => name().prop_map(Step::Conflict),
        2 => Just(Step::ResetHard),
        2 => Just(Step::Clean),
        1 => Just(Step::Gc),
    ]
    .boxed()
}

fn steps(large: u32) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => file_step(),
        5 => index_step(),
        large => large_step(),
    ];
    vec(step, 0..12)
}

/// Any case.
pub fn plans() -> impl Strategy<Value = Plan> {
    let setting = (
        prop_oneof![4 => Just("sha1"), 1 => Just("sha256")],
        prop_oneof![1 => Just(Born::Unborn), 6 => Just(Born::OnBranch), 1 => Just(Born::Detached)],
        prop_oneof![3 => Just(Tree::Main), 1 => Just(Tree::Second)],
        prop_oneof![2 => Just(Filters::None), 1 => Just(Filters::AutoCrlf), 1 => Just(Filters::Attributes)],
        0..3_u8,
        vec(0..RULES.len(), 0..4),
        vec((name(), any::<u8>()), 3..16),
        prop_oneof![Just(HeadTo::Keep), Just(HeadTo::Back)],
    );
    (setting, steps(1), steps(4)).prop_map(|(setting, owner, task)| {
        let (object_format, born, tree, filters, stashes, rules, committed, head) = setting;
        Plan {
            object_format,
            born,
            tree,
            filters,
            stashes,
            rules,
            committed,
            owner,
            task,
            head,
        }
    })
}

/// Contents that differ in what matters: length, ends of lines, bytes that are no text, what filters act on.
pub fn contents(number: u8) -> Vec<u8> {
    let letter = b'a' + number % 26;
    match number % 8 {
        // Of one length, so that only times and bytes tell them apart.
        0 | 1 => vec![letter, letter, letter, b'\n'],
        2 => Vec::new(),
        3 => format!("one\r\n{}\r\n", char::from(letter)).into_bytes(),
        4 => format!("mixed\r\n{}\nno end", char::from(letter)).into_bytes(),
        5 => [&[0, 0xff, letter, b'\r', b'\n'][..], &[letter; 300]].concat(),
        6 => format!("$Id: {} $\n$Id$\nLOUD quiet\n", char::from(letter)).into_bytes(),
        _ => vec![letter; 70_000],
    }
}
