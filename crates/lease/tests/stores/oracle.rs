//! What leases mean, said a second time and more simply: which of a few concrete paths each pattern means.

use lease::{Agent, Lease, Mode};

/// What the tests lease.
pub const PATTERNS: [&str; 9] = [
    "src/a.rs",
    "src/b.rs",
    "src/deep/c.rs",
    "docs/x.md",
    "src/",
    "src/deep/",
    "docs/",
    "src/*.rs",
    "docs/*.md",
];

/// The concrete paths that a pattern means.
pub fn meant_by(pattern: &str) -> &'static [&'static str] {
    match pattern {
        "src/a.rs" => &["src/a.rs"],
        "src/b.rs" => &["src/b.rs"],
        "src/deep/c.rs" | "src/deep/" => &["src/deep/c.rs"],
        "src/" => &["src/a.rs", "src/b.rs", "src/deep/c.rs"],
        "src/*.rs" => &["src/a.rs", "src/b.rs"],
        "docs/x.md" | "docs/" | "docs/*.md" => &["docs/x.md"],
        other => panic!("the oracle does not know {other}"),
    }
}

/// Who has what, as the oracle sees it.
pub type Claim = (Agent, Mode, Vec<&'static str>);

pub fn claim(lease: &Lease) -> Claim {
    let patterns = lease.scope.patterns().map(ToString::to_string);
    let paths = patterns.flat_map(|pattern| meant_by(&pattern).iter().copied());
    (lease.agent.clone(), lease.mode, paths.collect())
}

/// Two agents that have a path at the same time though one of them wants it alone.
pub fn double(claims: &[Claim]) -> Option<(&Claim, &Claim)> {
    let pairs = claims
        .iter()
        .enumerate()
        .flat_map(|(index, one)| claims[..index].iter().map(move |other| (one, other)));
    pairs.into_iter().find(|(one, other)| {
        one.0 != other.0
            && !(one.1 == Mode::Shared && other.1 == Mode::Shared)
            && one.2.iter().any(|path| other.2.contains(path))
    })
}
