//! Whether patterns overlap, pair by pair.

use super::*;
use crate::project_path::ProjectPath;

fn path(text: &str) -> ProjectPath {
    ProjectPath::from_parts(text.split('/').filter(|part| !part.is_empty()))
}

/// `file:a`, `dir:a`, else a glob.
fn pattern(text: &str) -> Pattern {
    match text.split_once(':') {
        Some(("file", rest)) => Pattern::File(path(rest)),
        Some((_, rest)) => Pattern::Directory(path(rest)),
        None => Pattern::Glob(Glob::from_clean(text).expect("it is a glob")),
    }
}

fn check(table: &[(&str, &str, Overlap)]) {
    for (one, other, expected) in table {
        let (left, right) = (pattern(one), pattern(other));
        assert_eq!(left.overlap(&right), *expected, "{one} against {other}");
        assert_eq!(right.overlap(&left), *expected, "{other} against {one}");
    }
}

use Overlap::{No, Perhaps, Yes};

#[test]
fn files_and_directories_overlap_where_one_lies_within_the_other() {
    check(&[
        ("file:a/b.rs", "file:a/b.rs", Yes),
        ("file:a/b.rs", "file:A/B.rs", Yes),
        ("file:caf\u{e9}", "file:cafe\u{301}", Yes),
        ("file:a/b.rs", "file:a/b.rsx", No),
        ("file:a/b.rs", "file:a/c.rs", No),
        ("file:a", "file:a/b.rs", Yes),
        ("file:a/b.rs", "dir:a", Yes),
        ("file:a/b.rs", "dir:A", Yes),
        ("file:ab/c", "dir:a", No),
        ("file:a", "dir:a", Yes),
        ("file:a", "dir:a/b", Yes),
        ("dir:a", "dir:a", Yes),
        ("dir:a", "dir:a/b/c", Yes),
        ("dir:a/b", "dir:a/c", No),
        ("dir:a", "dir:ab", No),
        ("dir:", "dir:a", Yes),
        ("dir:", "file:a/b", Yes),
        ("dir:", "dir:", Yes),
    ]);
}

#[test]
fn glob_overlaps_paths_that_it_matches_or_could_match_below() {
    check(&[
        ("src/*.rs", "file:src/a.rs", Yes),
        ("src/*.rs", "file:SRC/A.RS", Yes),
        ("SRC/*.RS", "file:src/a.rs", Yes),
        ("src/*.rs", "file:src/a/b.rs", No),
        ("src/*", "file:src/a/b.rs", No),
        ("src/*.rs", "file:src/a.go", No),
        ("src/*.rs", "file:lib/a.rs", No),
        ("src/*.rs", "dir:src", Yes),
        ("src/*.rs", "file:src", No),
        ("src/*.rs", "dir:src/a.rs", Yes),
        ("src/*.rs", "dir:src/a", No),
        ("src/*.rs", "dir:sr", No),
        ("src/a*", "dir:src/b", No),
        ("a/**", "file:a", No),
        ("a/**", "dir:a", Yes),
        ("a/**", "file:a/b/c", Yes),
        ("a/**", "file:ab", No),
        ("**/*_test.go", "dir:backend", Yes),
        ("**/*_test.go", "file:backend/x_test.go", Yes),
        ("**/*_test.go", "file:x_test.go", Yes),
        ("**/*_test.go", "file:backend/x.go", No),
        ("*.go", "file:x.rs", No),
        ("*.go", "dir:backend", No),
        ("**", "file:a", Yes),
        ("**", "dir:", Yes),
        ("*.rs", "dir:", Yes),
        ("a/{b,c/d}/*", "dir:a/c", Yes),
        ("a/{b,c/d}/*", "dir:a/c/e", No),
        ("a/{b,c/d}/*", "file:a/b/x", Yes),
        ("a{,.txt}", "file:a", Yes),
        ("a{,.txt}", "file:a.txt", Yes),
        ("[a-c]/x", "dir:b", Yes),
        ("[a-c]/x", "dir:d", No),
        ("[!a-c]/x", "dir:b", No),
        ("[A-C]/x", "dir:b", Yes),
        ("?/x", "dir:b", Yes),
        ("?/x", "dir:bb", No),
        ("caf\u{e9}/*", "dir:cafe\u{301}", Yes),
        ("*.md", "file:\u{e9}.md", Yes),
        // A letter outside ASCII is several bytes to globset.
        ("?.md", "file:\u{e9}.md", No),
        ("??.md", "file:\u{e9}.md", Yes),
    ]);
}

#[test]
fn globs_overlap_where_a_path_matches_both() {
    check(&[
        ("src/*.rs", "src/*_test.rs", Yes),
        ("src/*.rs", "src/*_test.go", No),
        ("src/*.rs", "src/**/*.rs", Yes),
        ("src/*/*.rs", "src/*.rs", No),
        ("**/*.go", "backend/**", Yes),
        ("**/*.go", "backend/*.rs", No),
        ("**/a", "b/**", Yes),
        ("a/**/b", "a/b", Yes),
        ("a/**/b", "a/*/b", Yes),
        ("a/**/b", "*/c", No),
        ("a/**", "a", No),
        ("a/**", "a/*", Yes),
        ("a/**", "**/a", Yes),
        ("a/*", "b/*", No),
        ("a*", "*b", Yes),
        ("a*b", "a", No),
        ("a?", "?b", Yes),
        ("a?", "?bc", No),
        ("[a-m]*", "[n-z]*", No),
        ("[a-m]*", "[m-z]*", Yes),
        ("[!a]", "a", No),
        ("{a,b}/*", "{b,c}/*", Yes),
        ("{a,b}/*", "{c,d}/*", No),
        ("{a,{b,c}}/x", "c/*", Yes),
        ("ui/{x,y}.ts", "ui/x.ts", Yes),
        ("A/*.RS", "a/*.rs", Yes),
        ("**", "*", Yes),
        // A class may be the separator, as globset has it.
        ("a[!x]b", "a/b", Yes),
        // `.` and empty parts are no paths.
        ("[.]", "?", No),
        ("a/{,b}", "a/?", Yes),
        ("a/{,bc}", "a/?", No),
        ("a/{,xx}/b", "a/{,y}/b", No),
    ]);
}

#[test]
fn globs_that_meet_only_in_letters_that_neither_names_are_told_as_possible() {
    check(&[
        // An e with its accent apart is no path as paths are compared.
        ("e??", "*\u{301}", Perhaps),
        ("[! -~]*", "*", Perhaps),
        ("[! -~]*", "\u{e9}*", Yes),
    ]);
}

#[test]
fn hostile_globs_are_decided_or_given_up_soon() {
    let stars = "*a".repeat(100);
    check(&[(&format!("{stars}*b"), &format!("{stars}*c"), No)]);
    let stars = "*a".repeat(495);
    check(&[
        (&format!("{stars}*b"), &format!("{stars}*c"), Perhaps),
        (&format!("x/{stars}*b"), &format!("y/{stars}*c"), No),
    ]);
}
