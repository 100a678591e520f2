//! What overlaps must agree with: what the crate globset matches.

use globset::GlobBuilder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Names that the globs below tell apart.
const NAMES: [&str; 7] = ["a", "b", "ab", "ba", "a.b", "c", "\u{e9}a"];

/// Parts of globs, with all that globset treats specially.
const PARTS: [&str; 26] = [
    "a",
    "b",
    "ab",
    "c",
    "*",
    "?",
    "**",
    "*a",
    "a*",
    "*b*",
    "??",
    "[ab]",
    "[!a]",
    "[^.-z]",
    "[a-]*",
    "{a,b}",
    "{a,b*}c",
    "{,a}b",
    "{a/b,**/c}",
    "{*,{a,b}/**}",
    "a**",
    "**b",
    "a{/**,}",
    "\u{e9}?",
    "\u{c9}*",
    "*.b",
];

fn whole_globs() -> impl Strategy<Value = Glob> {
    let parts = vec(select(&PARTS[..]), 1..5);
    parts.prop_filter_map("a glob", |parts| Glob::from_clean(&parts.join("/")).ok())
}

/// Without any order, to meet what nobody thought of.
fn odd_globs() -> impl Strategy<Value = Glob> {
    let pieces = [
        "a", "b", "/", "*", "**", "?", "[", "]", "!", "-", "{", "}", ",", "\\", ".",
    ];
    let text = vec(select(pieces.to_vec()), 1..12);
    text.prop_filter_map("a glob", |pieces| Glob::from_clean(&pieces.concat()).ok())
}

fn globs() -> impl Strategy<Value = Glob> {
    prop_oneof![3 => whole_globs(), 1 => odd_globs()]
}

fn paths() -> impl Strategy<Value = ProjectPath> {
    vec(select(&NAMES[..]), 1..4).prop_map(ProjectPath::from_parts)
}

fn patterns() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        2 => globs().prop_map(Pattern::Glob),
        1 => paths().prop_map(Pattern::File),
        1 => paths().prop_map(Pattern::Directory),
    ]
}

/// The glob that matches this path only.
fn literal(path: &ProjectPath) -> Glob {
    let text: String = path.as_str().chars().map(crate::glob::literally).collect();
    Glob::from_clean(&text).expect("a path is a glob")
}

/// Whether a pattern means a path as far as `other` is concerned: a glob has nothing to do with what may be below a file.
fn means(pattern: &Pattern, path: &ProjectPath, other: &Pattern) -> bool {
    match (pattern, other) {
        (Pattern::File(own), Pattern::Glob(_)) => own == path,
        _ => pattern.covers(path),
    }
}

/// Every path of up to three names.
fn all_paths() -> Vec<ProjectPath> {
    let mut all: Vec<Vec<&str>> = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..3 {
        let longer = last.iter().flat_map(|before| {
            NAMES.map(|name| before.iter().copied().chain([name]).collect::<Vec<_>>())
        });
        last = longer.collect();
        all.extend(last.clone());
    }
    all.into_iter().map(ProjectPath::from_parts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn overlap_is_the_same_from_both_sides(one in patterns(), other in patterns()) {
        prop_assert_eq!(one.overlap(&other), other.overlap(&one), "{} against {}", one, other);
    }

    #[test]
    fn glob_meets_a_path_exactly_when_it_matches_it(glob in globs(), path in paths()) {
        prop_assert_eq!(glob.meets(&path), Some(glob.matches(&path)), "{} on {}", &glob, &path);
        let met = match two_globs(&glob, &literal(&path)) {
            Meeting::At(met) => {
                prop_assert_eq!(&met, path.key(), "only that path is common");
                true
            }
            Meeting::Nowhere => false,
            Meeting::Undecided => return Err(TestCaseError::fail("a short glob is decided")),
        };
        prop_assert_eq!(met, glob.matches(&path), "{} on {}", glob, path);
    }

    #[test]
    fn globs_that_meet_both_match_where(one in globs(), other in globs()) {
        if let Meeting::At(path) = two_globs(&one, &other) {
            let path = ProjectPath::from_parts(path.split('/').filter(|part| !part.is_empty()));
            prop_assert!(one.matches(&path), "{} matches {}", one, path);
            prop_assert!(other.matches(&path), "{} matches {}", other, path);
        }
    }

    #[test]
    fn glob_that_meets_a_directory_matches_it_or_something_below(glob in globs(), path in paths()) {
        if let Meeting::At(met) = glob_and_directory(&glob, &path) {
            let met = ProjectPath::from_parts(met.split('/').filter(|part| !part.is_empty()));
            prop_assert!(glob.matches(&met), "{} matches {}", glob, met);
            prop_assert!(met.is_within(&path), "{} is within {}", met, path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn patterns_overlap_when_they_cover_a_common_path(one in patterns(), other in patterns()) {
        if one.overlap(&other) == Overlap::No {
            for path in all_paths() {
                prop_assert!(
                    !(means(&one, &path, &other) && means(&other, &path, &one)),
                    "{} and {} both cover {}", one, other, path
                );
            }
        }
    }

    /// Without `\`, which is taken away before the crate reads the text.
    #[test]
    fn glob_matches_what_globset_matches(
        glob in globs().prop_filter("no escape", |glob| !glob.as_str().contains('\\'))
    ) {
        let text = glob.as_str().to_lowercase();
        let built = GlobBuilder::new(&text)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build();
        let matcher = built.expect("what is accepted is a glob").compile_matcher();
        for path in all_paths() {
            prop_assert_eq!(glob.matches(&path), matcher.is_match(path.key()), "{} on {}", glob, path);
        }
    }
}
