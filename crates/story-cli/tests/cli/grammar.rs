//! What the command line takes, and what it says to the rest.

use crate::desk::Desk;

#[test]
fn wrong_grammar_is_a_usage_error_also_in_json() {
    let desk = Desk::new();
    let table: [&[&str]; 9] = [
        &[],
        &["frobnicate"],
        &["get"],
        &["set", "S-0034", "a=1", "--timeout", "soon"],
        &["set", "S-0034", "a=1", "--now", "noon"],
        &["set", "S-0034", "a=1", "--wrong"],
        &["lock", "run", "S-0034"],
        &["lock", "break", "S-0034"],
        &["completions", "tcl"],
    ];
    for arguments in table {
        let refused = desk.expect(2, arguments);
        assert_eq!(refused.stdout, "", "stdout is for data: {refused:?}");
        assert!(
            !refused.stderr.is_empty(),
            "it says what is wrong: {arguments:?}"
        );
    }
    let answer = desk.json(2, &["set", "S-0034", "a=1", "--timeout", "soon"]);
    assert_eq!(
        answer["error"]["code"], "EUSAGE",
        "a program sees the code: {answer}"
    );
    assert_eq!(
        answer["error"]["committed"], false,
        "and that nothing was done: {answer}"
    );
}

#[test]
fn common_options_stand_anywhere() {
    let desk = Desk::new();
    for arguments in [
        ["--json", "--no-touch", "set", "S-0034", "a=1"],
        ["set", "--json", "S-0034", "a=1", "--no-touch"],
        ["set", "S-0034", "a=1", "--no-touch", "--json"],
    ] {
        let finished = desk.expect(0, &arguments);
        assert!(
            finished.stdout.starts_with("{\"v\":1,\"ok\":true,"),
            "JSON: {finished:?}"
        );
    }
}

#[test]
fn json_flag_behind_two_dashes_belongs_to_the_command() {
    let desk = Desk::new();
    let refused = desk.expect(2, &["lock", "run", "--", "echo", "--json"]);
    assert_eq!(refused.stdout, "", "it is not ours: {refused:?}");
    let echoed = desk.expect(0, &["lock", "run", "S-0034", "--", "echo", "--json"]);
    assert_eq!(echoed.stdout, "--json\n", "the command gets it: {echoed:?}");
}

#[test]
fn colours_follow_option_and_environment() {
    let desk = Desk::new();
    let is_coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = desk.story(&["set", "S-0034", "status=x", "--dry-run"]);
        let finished =
            crate::desk::finish(command.args(arguments).envs(environment.iter().copied()));
        finished.stdout.contains('\u{1b}')
    };
    assert!(!is_coloured(&[], &[]), "a pipe gets none");
    assert!(is_coloured(&["--color", "always"], &[]), "unless asked for");
    assert!(
        is_coloured(&["--color=always"], &[("NO_COLOR", "1")]),
        "the option is stronger"
    );
    assert!(!is_coloured(&["--color", "never"], &[]), "never is never");
}
