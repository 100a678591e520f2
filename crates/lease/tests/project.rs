//! From paths and globs as people write them to the form that is compared, in real folders with real links.

use std::path::Path;

use lease::{PathError, Pattern, Project};
use testkit::Sandbox;

fn project(sandbox: &Sandbox) -> Project {
    std::fs::create_dir_all(sandbox.join("proj/src/deep")).expect("a project");
    sandbox.write("proj/src/main.rs", "");
    Project::new(&sandbox.join("proj")).expect("the project is there")
}

fn text(project: &Project, given: &str) -> String {
    let path = project.path(Path::new(given));
    path.unwrap_or_else(|err| panic!("{given} is a path: {err}"))
        .as_str()
        .to_owned()
}

#[test]
fn path_is_cleaned_whether_it_exists_or_not() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    let table = [
        ("src/main.rs", "src/main.rs"),
        ("./src//main.rs", "src/main.rs"),
        ("src/./deep/../main.rs", "src/main.rs"),
        ("new/../src/later.rs", "src/later.rs"),
        ("src/", "src"),
        (".", ""),
        ("src/..", ""),
        ("src/main.rs/below", "src/main.rs/below"),
        ("../proj/src/a", "src/a"),
        ("src/[id]/page.tsx", "src/[id]/page.tsx"),
        ("Src/Caf\u{e9}", "Src/Caf\u{e9}"),
    ];
    for (given, expected) in table {
        assert_eq!(text(&project, given), expected, "what {given} is");
    }
    let absolute = project.root().join("src/x/../y");
    assert_eq!(
        text(&project, absolute.to_str().expect("text")),
        "src/y",
        "an absolute path inside is accepted"
    );
    let root = project.path(Path::new(".")).expect("the root is a path");
    assert_eq!(project.locate(&root), project.root(), "where the root lies");
    let file = project.path(Path::new("src/main.rs")).expect("a path");
    assert!(project.locate(&file).is_file(), "where a file lies");
}

#[test]
fn path_is_refused_when_it_leads_out_or_cannot_be_written_down() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    for given in [
        "..",
        "../other",
        "src/../../other",
        "/",
        "/etc/passwd",
        "../projx/a",
    ] {
        let err = project.path(Path::new(given)).expect_err(given);
        let PathError::Outside {
            path,
            project: root,
        } = &err
        else {
            panic!("{given} lies outside: {err}");
        };
        assert_eq!(path, given, "the error names the path");
        assert_eq!(
            Path::new(root),
            project.root(),
            "the error names the project"
        );
    }
    for given in ["a\nb", "a\tb", "a\u{7f}", "\u{85}"] {
        let err = project.path(Path::new(given)).expect_err(given);
        assert!(
            matches!(err, PathError::Unprintable { .. }),
            "{given:?} cannot be written down: {err}"
        );
    }
    assert_eq!(project.path(Path::new("")), Err(PathError::Empty), "empty");
}

#[test]
fn pattern_is_a_directory_where_one_stands_or_is_meant() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    let is_directory = |pattern: &Pattern| matches!(pattern, Pattern::Directory(_));
    for (given, as_file, as_either) in [
        ("src/main.rs", false, false),
        ("src", false, true),
        ("src/", true, true),
        ("new", false, false),
        ("new/", true, true),
        (".", true, true),
    ] {
        let file = project.file(Path::new(given)).expect(given);
        assert_eq!(is_directory(&file), as_file, "{given} as a file: {file:?}");
        let either = project.file_or_directory(Path::new(given)).expect(given);
        assert_eq!(is_directory(&either), as_either, "{given}: {either:?}");
    }
}

#[test]
fn entry_is_a_glob_only_with_a_star_question_mark_or_brace() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    for (given, is_glob) in [
        ("src/*.rs", true),
        ("src/?.rs", true),
        ("src/{a,b}.rs", true),
        ("src/[id]/page.tsx", false),
        ("src/main.rs", false),
        ("src/", false),
    ] {
        let pattern = project.entry(given).expect(given);
        assert_eq!(
            matches!(pattern, Pattern::Glob(_)),
            is_glob,
            "{given} is read as {pattern:?}"
        );
    }
    let folder = project.entry("src").expect("a folder");
    assert!(
        matches!(folder, Pattern::Directory(_)),
        "a folder among the files is meant with all that is in it: {folder:?}"
    );
    let literal = project.file(Path::new("src/*.rs")).expect("any name");
    assert!(
        matches!(literal, Pattern::File(_)),
        "a name with a star can be taken literally: {literal:?}"
    );
}

#[test]
fn glob_begins_with_folders_that_are_found_like_a_path() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    let root = project.root().to_str().expect("text").to_owned();
    let table = [
        ("**/*.rs", "**/*.rs"),
        ("./src//./*.rs", "src/*.rs"),
        ("src/../src/a*", "src/a*"),
        ("src/*/", "src/*/**"),
        ("src/", "src/**"),
        ("src/main.rs", "src/main.rs"),
        (".", "**"),
        ("./", "**"),
        ("src/*/./x//y", "src/*/x/y"),
        (r"src/\[id\]/*.tsx", "src/[[]id]/*.tsx"),
        (r"a\*b/*", "a[*]b/*"),
        ("../proj/*.rs", "*.rs"),
        ("src/a{,/b}/c", "src/a{,/b}/c"),
        (&format!("{root}/src/*.rs"), "src/*.rs"),
        (&format!("{root}/*"), "*"),
    ];
    for (given, expected) in table {
        let glob = project.glob(given).expect(given);
        assert_eq!(glob.as_str(), expected, "what {given} is");
    }
    let odd = project.path(Path::new("src/[id]/a.tsx")).expect("a path");
    let glob = project.glob(r"src/\[id\]/*.tsx").expect("a glob");
    assert!(glob.matches(&odd), "an escaped bracket is a bracket");
}

#[test]
fn glob_is_refused_with_its_reason() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox);
    let long = "*".repeat(1001);
    let deep = format!("{}a{}", "{".repeat(300), "}".repeat(300));
    let table = [
        ("*/../x", ".. may stand only before"),
        ("{a,..}/x", ".. may stand only before"),
        ("a{b", "unclosed"),
        ("a[b*", "never closed"),
        ("*\\", "ends in a single"),
        (r"src\/*", "before a separator"),
        ("*\n", "cannot be written down"),
        ("../*", "outside"),
        ("/*", "outside"),
        ("/etc/*.conf", "outside"),
        ("", "empty"),
        (&long, "1000 characters"),
        (&deep, "braces"),
    ];
    for (given, expected) in table {
        let err = project.glob(given).expect_err(given).to_string();
        assert!(err.contains(expected), "{given} is refused because: {err}");
    }
}

#[cfg(unix)]
mod links {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_part_by_part() {
        let sandbox = Sandbox::new();
        let project = project(&sandbox);
        let link = |target: &str, at: &str| symlink(target, sandbox.join(at)).expect("a link");
        link("src", "proj/link");
        link("src/deep", "proj/into");
        link("main.rs", "proj/src/alias.rs");
        link("nowhere/at/all", "proj/dangling");
        link("../proj/src", "proj/round");
        std::fs::create_dir(sandbox.join("out")).expect("a folder");
        link("../proj/src/main.rs", "out/back");
        let table = [
            ("link/main.rs", "src/main.rs"),
            ("link/alias.rs", "src/main.rs"),
            ("link/new/later.rs", "src/new/later.rs"),
            ("dangling", "nowhere/at/all"),
            ("dangling/x", "nowhere/at/all/x"),
            // The folder above the target, not the one that holds the link.
            ("into/../main.rs", "src/main.rs"),
            ("round/deep", "src/deep"),
            ("../out/back", "src/main.rs"),
        ];
        for (given, expected) in table {
            assert_eq!(text(&project, given), expected, "where {given} leads");
        }
        let glob = project.glob("link/../link/*.rs").expect("a glob");
        assert_eq!(glob.as_str(), "src/*.rs", "a glob's folders are followed");
        let glob = project.glob("link/").expect("a glob");
        assert_eq!(glob.as_str(), "src/**", "also where nothing is special");
    }

    #[test]
    fn project_is_found_through_a_link_to_it() {
        let sandbox = Sandbox::new();
        let real = project(&sandbox);
        symlink("proj", sandbox.join("way")).expect("a link");
        let way = sandbox.join("way/src/a.rs");
        assert_eq!(text(&real, way.to_str().expect("text")), "src/a.rs", "path");
        let glob = sandbox.join("way/src/*.rs");
        let glob = real.glob(glob.to_str().expect("text")).expect("a glob");
        assert_eq!(glob.as_str(), "src/*.rs", "glob");
        let linked = Project::new(&sandbox.join("way")).expect("the project");
        assert_eq!(linked.root(), real.root(), "the same project");
    }

    #[test]
    fn link_that_leads_out_or_in_a_circle_is_refused() {
        let sandbox = Sandbox::new();
        let project = project(&sandbox);
        let link = |target: &str, at: &str| symlink(target, sandbox.join(at)).expect("a link");
        link("../other", "proj/out");
        link("/etc", "proj/etc");
        link("b", "proj/a");
        link("a", "proj/b");
        for given in ["out", "out/x", "etc/passwd", "out/../../x"] {
            let err = project.path(Path::new(given)).expect_err(given);
            assert!(
                matches!(err, PathError::Outside { .. }),
                "{given} leads out: {err}"
            );
        }
        let err = project.glob("etc/*").expect_err("outside");
        assert!(
            matches!(err, PathError::Outside { .. }),
            "a glob too: {err}"
        );
        let err = project.path(Path::new("a/x")).expect_err("a circle");
        assert!(
            matches!(err, PathError::Unresolved { .. }) && err.to_string().contains("links"),
            "a circle of links is told: {err}"
        );
    }

    #[test]
    fn name_that_is_no_text_is_refused_even_behind_a_link() {
        let sandbox = Sandbox::new();
        let project = project(&sandbox);
        let odd = OsStr::from_bytes(b"a\xff");
        symlink(odd, sandbox.join("proj/link")).expect("a link");
        symlink("a\nb", sandbox.join("proj/line")).expect("a link");
        for given in [Path::new(odd), Path::new("link"), Path::new("line")] {
            let err = project.path(given).expect_err("no text");
            assert!(
                matches!(err, PathError::Unprintable { .. }),
                "{} cannot be written down: {err}",
                given.display()
            );
        }
    }

    #[test]
    fn path_that_the_system_cannot_look_up_is_refused() {
        let sandbox = Sandbox::new();
        let project = project(&sandbox);
        // Longer than any file system allows: one of the errors that do not mean "it is not there".
        let long = "x".repeat(5000);
        let err = project.path(Path::new(&long)).expect_err("too long");
        assert!(
            matches!(err, PathError::Unresolved { .. }),
            "what cannot be looked up is not taken as written: {err}"
        );
    }
}
