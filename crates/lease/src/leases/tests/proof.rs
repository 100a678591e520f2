//! Who may write a path, and who holds it.

use super::*;

#[test]
fn proof_is_a_live_exclusive_lease_of_the_agent_that_covers_the_path() {
    let table = [
        ("a", exclusive("a", "x"), "x", 1, Ok(())),
        ("a", exclusive("a", "src/"), "src/deep/x", 1, Ok(())),
        ("a", exclusive("a", "*.rs"), "main.rs", 1, Ok(())),
        ("a", exclusive("a", "x"), "x", 60, Err("ended")),
        ("a", shared("a", "x"), "x", 1, Err("shared mode")),
        ("a", shared("a", "x"), "x", 60, Err("ended")),
        ("a", exclusive("a", "x"), "y", 1, Err("does not hold")),
        ("b", exclusive("a", "x"), "x", 1, Err("is held by a")),
        ("b", exclusive("a", "x"), "x", 60, Err("does not hold")),
    ];
    for (name, request, wanted, seconds, expected) in table {
        let leases = holding(&request);
        let proof = World::default().when(seconds, |present| {
            leases
                .prove_holder(&path(wanted), &agent(name), None, present)
                .map(|_| ())
                .map_err(|err| err.to_string())
        });
        match (&proof, expected) {
            (Ok(()), Ok(())) => {}
            (Err(err), Err(words)) => assert!(err.contains(words), "{words:?}, not {err:?}"),
            (proof, expected) => {
                panic!("{expected:?}, not {proof:?} for {name} {wanted} at {seconds}")
            }
        }
    }
}

#[test]
fn proof_by_number_refuses_a_worker_that_was_replaced() {
    let mut leases = holding(&exclusive("a", "x"));
    let old = leases.held[0].token;
    take(&mut leases, &exclusive("a", "x"), 1).expect("its own");
    let new = leases.held[0].token;
    let prove = |token| {
        World::default().when(2, |present| {
            leases
                .prove_holder(&path("x"), &agent("a"), token, present)
                .map(|lease| lease.token)
        })
    };
    assert_eq!(
        prove(new).expect("it holds"),
        new,
        "the one who holds it now"
    );
    assert_eq!(
        prove(None).expect("it holds"),
        new,
        "the agent, whoever it is"
    );
    assert!(
        matches!(prove(old), Err(LeaseError::NotHeld { .. })),
        "not the earlier one"
    );
}

#[test]
fn proof_is_refused_while_another_reads() {
    let mut leases = holding(&exclusive("a", "x"));
    // A tool that asks nobody wrote it.
    let mut foreign = holding(&shared("b", "x")).held;
    leases.held.append(&mut foreign);
    let proof = World::default().when(1, |present| {
        leases
            .prove_holder(&path("x"), &agent("a"), None, present)
            .map(|_| ())
    });
    assert!(
        matches!(proof, Err(LeaseError::HeldByAnother(by)) if by.agent == agent("b")),
        "a live lease of another in any mode"
    );
}

#[test]
fn other_holder_is_whoever_else_has_a_live_lease_on_the_path() {
    let table = [
        (exclusive("a", "x"), Some("a"), "x", 1, None),
        (exclusive("a", "x"), Some("b"), "x", 1, Some("a")),
        (shared("a", "x"), Some("b"), "x", 1, Some("a")),
        (exclusive("a", "x"), None, "x", 1, Some("a")),
        (exclusive("a", "src/"), Some("b"), "src/x", 1, Some("a")),
        (exclusive("a", "x"), Some("b"), "y", 1, None),
        (exclusive("a", "x"), Some("b"), "x", 60, None),
    ];
    for (request, name, wanted, seconds, expected) in table {
        let leases = holding(&request);
        let name = name.map(agent);
        let other = World::default().when(seconds, |present| {
            leases.other_holder(&path(wanted), name.as_ref(), present)
        });
        let other = other.map(|by| by.agent.to_string());
        assert_eq!(other.as_deref(), expected, "{name:?} {wanted} at {seconds}");
    }
}

#[test]
fn holders_of_a_path_are_all_who_hold_it_now() {
    let mut leases = holding(&shared("a", "src/"));
    take(&mut leases, &shared("b", "src/x"), 30).expect("shared");
    let names = |wanted: &str, seconds| {
        World::default().when(seconds, |present| {
            leases
                .holders_of(&path(wanted), present)
                .iter()
                .map(|lease| lease.agent.to_string())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(names("src/x", 31), ["a", "b"], "both");
    assert_eq!(names("src/y", 31), ["a"], "one");
    assert_eq!(names("src/x", 60), ["b"], "the other has ended");
}
