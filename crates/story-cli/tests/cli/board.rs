//! Lists and boards as they look on a terminal, against `fixtures/board`; `UPDATE_EXPECT=1` rewrites them.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

use testkit::{SecondProcess, fixtures, on_path, skip, without_settings};

use crate::desk::{Desk, PATIENCE, finish};
use crate::queries::{NOW, desk};

/// What a command shows on a terminal of that size.
fn on_terminal(desk: &Desk, columns: usize, setting: &str, arguments: &str) -> String {
    let story = env!("CARGO_BIN_EXE_story");
    let line = format!("stty cols {columns} rows 40; {setting} {story} {arguments} --now {NOW}");
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command.env_remove("NO_COLOR");
    without_settings(&mut command);
    let finished = finish(command.current_dir(desk.sandbox.path()));
    assert!(finished.status.success(), "it is shown: {finished:?}");
    finished.stdout.replace("\r\n", "\n")
}

fn has_terminal(test: &str) -> bool {
    let has = on_path("script").is_some() && cfg!(target_os = "linux");
    if !has {
        skip(test, "no script(1) of util-linux to make a terminal");
    }
    has
}

fn check(name: &str, found: &str) {
    let path = fixtures().join("board").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        let written = File::create(&path).and_then(|mut file| file.write_all(found.as_bytes()));
        written.expect("a fixture can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "how {name} looks; UPDATE_EXPECT=1 rewrites it"
    );
}

/// Without the sequences of colours.
fn bare(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |bare, part| {
        bare + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn lists_and_boards_look_as_they_did() {
    let test = "lists_and_boards_look_as_they_did";
    if !has_terminal(test) {
        return;
    }
    let desk = desk();
    for verb in ["list", "board"] {
        for columns in [60, 100, 200] {
            let plain = on_terminal(&desk, columns, "NO_COLOR=1", verb);
            check(&format!("{verb}-{columns}"), &plain);
            let coloured = on_terminal(&desk, columns, "", verb);
            check(&format!("{verb}-{columns}-colour"), &coloured);
            assert_eq!(bare(&coloured), plain, "colours change nothing else");
            assert!(
                !plain.contains('\u{1b}'),
                "no text of a story acts on a terminal"
            );
            for line in plain.lines() {
                let width = unicode_width::UnicodeWidthStr::width(line);
                assert!(width <= columns, "{width} columns of {columns}: {line}");
            }
        }
    }
}

#[test]
fn width_is_that_of_the_terminal_else_of_the_variable_else_eighty() {
    let desk = desk();
    let widest = |text: &str| {
        text.lines()
            .map(unicode_width::UnicodeWidthStr::width)
            .max()
    };
    let with = |columns: Option<&str>| {
        let mut command = desk.story(&["board", "--now", NOW]);
        match columns {
            Some(columns) => command.env("COLUMNS", columns),
            None => command.env_remove("COLUMNS"),
        };
        finish(&mut command).stdout
    };
    let wide = with(Some("240"));
    assert!(
        wide.starts_with("BACKLOG")
            && wide
                .lines()
                .next()
                .is_some_and(|line| line.contains("BLOCKED")),
        "columns: {wide}"
    );
    assert!(
        widest(&wide).is_some_and(|width| (200..=240).contains(&width)),
        "as wide as said"
    );
    for columns in [None, Some("nonsense"), Some("0"), Some("80")] {
        let usual = with(columns);
        assert!(
            widest(&usual).is_some_and(|width| width <= 80),
            "{columns:?} is 80: {usual}"
        );
        assert_eq!(usual, with(Some("80")), "{columns:?} is 80");
    }
    for columns in ["1", "3", "17"] {
        let narrow = with(Some(columns));
        assert!(
            narrow.lines().count() > 10,
            "something is shown in {columns} columns"
        );
    }
    if has_terminal("width_is_that_of_the_terminal_else_of_the_variable_else_eighty") {
        let shown = on_terminal(&desk, 60, "NO_COLOR=1 COLUMNS=200", "board");
        assert!(
            widest(&shown).is_some_and(|width| width <= 60),
            "the terminal knows best"
        );
    }
}

#[test]
fn board_is_drawn_again_on_each_change() {
    let desk = Desk::new();
    let mut board = SecondProcess::spawn(&mut desk.story(&["board", "--watch"]));
    board.expect_line("READY (1)", PATIENCE);
    desk.expect(0, &["set", "S-0034", "status=blocked"]);
    board.expect_line("BLOCKED (1)", PATIENCE);
    desk.sandbox
        .write(".ai-sdlc/stories/S-0035/story.md", "---\nid: S-0035\n---\n");
    board.expect_line("BACKLOG (1)", PATIENCE);
    desk.sandbox
        .write(".ai-sdlc/stories/S-0036/story.md", "broken");
    board.expect_line("files left out: 1 (`story list` says why)", PATIENCE);
    board.signal(rustix::process::Signal::TERM);
    let ended = board.wait(PATIENCE);
    assert_eq!(
        ended.status.code(),
        Some(143),
        "it ends by itself: {ended:?}"
    );
    assert_eq!(ended.stderr, "", "without a word");
    desk.expect(2, &["board", "--watch", "--json"]);
}

#[test]
fn watched_board_fits_the_terminal() {
    let test = "watched_board_fits_the_terminal";
    if !has_terminal(test) {
        return;
    }
    let desk = desk();
    let story = env!("CARGO_BIN_EXE_story");
    let line = format!(
        "stty cols 60 rows 10; NO_COLOR=1 timeout -s INT 1 {story} board --watch --now {NOW}"
    );
    let mut command = Command::new("script");
    command.args(["-q", "-c", &line, "/dev/null"]);
    without_settings(&mut command);
    let shown = finish(command.current_dir(desk.sandbox.path())).stdout;
    let (before, board) = shown
        .split_once("\u{1b}[H\u{1b}[J")
        .expect("it is drawn from the top");
    assert_eq!(before, "", "nothing else comes first");
    assert!(
        board.contains(" more lines"),
        "what is left out is counted: {board}"
    );
    assert!(board.lines().count() <= 9, "nothing scrolls away: {board}");
}
