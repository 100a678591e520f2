use super::*;
use crate::leases::Which;
use crate::sample::{World, agent, at, blockers, exclusive, process, scope, shared};

/// Until when all wait here.
const LONG: i64 = 50;

struct Desk {
    leases: Leases,
    world: World,
    seconds: i64,
}

impl Desk {
    /// The requests are granted first.
    fn holding(requests: &[Request]) -> Self {
        let mut desk = Self {
            leases: Leases::default(),
            world: World::default(),
            seconds: 0,
        };
        for request in requests {
            desk.acquire(request).expect("nothing stands against it");
        }
        desk
    }

    fn acquire(&mut self, request: &Request) -> Result<Acquired, LeaseError> {
        let Self {
            leases,
            world,
            seconds,
        } = self;
        world.when(*seconds, |present| leases.acquire(request, present))
    }

    /// Whoever waits does so in a process of its own, numbered as it comes.
    fn try_wait(&mut self, request: &Request) -> Result<Token, LeaseError> {
        let Self {
            leases,
            world,
            seconds,
        } = self;
        let pid = u32::try_from(leases.waiting.len()).expect("few") + 1;
        world.when(*seconds, |present| {
            leases.enqueue(request, at(LONG), process(pid), present)
        })
    }

    fn wait(&mut self, request: &Request) -> Token {
        self.try_wait(request).expect("it may wait")
    }

    fn turn(&mut self, request: &Request, ticket: Token) -> Result<Turn, LeaseError> {
        let Self {
            leases,
            world,
            seconds,
        } = self;
        world.when(*seconds, |present| {
            leases.try_turn(request, ticket, present)
        })
    }

    /// Empty when it was granted.
    fn blocked_by(&mut self, request: &Request, ticket: Token) -> Vec<String> {
        match self.turn(request, ticket).expect("it may wait") {
            Turn::Granted(_) => Vec::new(),
            Turn::Blocked(by) => by.iter().map(|one| one.agent.to_string()).collect(),
        }
    }

    fn release(&mut self, name: &str) {
        let Self {
            leases,
            world,
            seconds,
        } = self;
        world
            .when(*seconds, |present| {
                leases.release(&agent(name), &Which::All, present)
            })
            .expect("its own");
    }
}

fn cycle(err: &LeaseError) -> Vec<String> {
    match err {
        LeaseError::Deadlock(links) => links.iter().map(ToString::to_string).collect(),
        other => panic!("they wait for each other, not {other}"),
    }
}

#[test]
fn turn_comes_in_order_of_arrival() {
    let mut desk = Desk::holding(&[exclusive("a", "x")]);
    let (b, c) = (exclusive("b", "x"), exclusive("c", "x"));
    let of_b = desk.wait(&b);
    let of_c = desk.wait(&c);
    assert_eq!(desk.blocked_by(&b, of_b), ["a"], "the holder");
    assert_eq!(
        desk.blocked_by(&c, of_c),
        ["a", "b"],
        "the holder and who came before"
    );
    desk.release("a");
    assert_eq!(
        desk.blocked_by(&c, of_c),
        ["b"],
        "who came before, though it is free"
    );
    assert!(
        desk.blocked_by(&b, of_b).is_empty(),
        "the first has its turn"
    );
    assert!(!desk.leases.is_waiting(of_b), "and its place is free");
    assert_eq!(desk.blocked_by(&c, of_c), ["b"], "who holds it now");
}

#[test]
fn newcomer_does_not_overtake_who_waits_for_the_same() {
    let mut desk = Desk::holding(&[exclusive("a", "x")]);
    desk.wait(&exclusive("b", "x y"));
    desk.release("a");
    for wanted in ["x", "y", "x z"] {
        let err = desk.acquire(&exclusive("c", wanted)).unwrap_err();
        assert_eq!(blockers(&err), ["b"], "{wanted} is waited for");
    }
    desk.acquire(&exclusive("c", "z"))
        .expect("nobody waits for that");
}

#[test]
fn shared_waiter_goes_beside_shared_holders_but_not_past_a_writer_that_waits() {
    let mut desk = Desk::holding(&[shared("a", "x")]);
    let (reader, writer, late) = (shared("b", "x"), exclusive("w", "x"), shared("c", "x"));
    let of_reader = desk.wait(&reader);
    let of_writer = desk.wait(&writer);
    let of_late = desk.wait(&late);
    assert!(
        desk.blocked_by(&reader, of_reader).is_empty(),
        "readers go together"
    );
    assert_eq!(
        desk.blocked_by(&late, of_late),
        ["w"],
        "readers do not starve a writer"
    );
    desk.release("a");
    desk.release("b");
    assert!(desk.blocked_by(&writer, of_writer).is_empty(), "its turn");
}

#[test]
fn readers_that_wait_do_not_stand_in_each_others_way() {
    let mut desk = Desk::holding(&[exclusive("a", "x")]);
    let second = shared("c", "x");
    desk.wait(&shared("b", "x"));
    let of_second = desk.wait(&second);
    desk.release("a");
    let by = desk.blocked_by(&second, of_second);
    assert!(by.is_empty(), "it need not wait until the first has looked");
    desk.acquire(&shared("d", "x"))
        .expect("nor need a newcomer");
}

#[test]
fn place_of_one_that_is_gone_or_late_stands_against_nobody() {
    let mut desk = Desk::holding(&[exclusive("a", "x")]);
    let (b, c) = (exclusive("b", "x"), exclusive("c", "x"));
    desk.wait(&b);
    let of_c = desk.wait(&c);
    desk.release("a");
    let mut killed = Desk {
        leases: desk.leases.clone(),
        world: World { gone: [1].into() },
        seconds: 0,
    };
    assert!(
        killed.blocked_by(&c, of_c).is_empty(),
        "its process is gone"
    );
    let mut late = Desk {
        leases: desk.leases.clone(),
        world: World::default(),
        seconds: LONG,
    };
    assert!(late.blocked_by(&c, of_c).is_empty(), "its limit has passed");
    assert_eq!(desk.blocked_by(&c, of_c), ["b"], "else it is respected");
}

#[test]
fn enqueue_clears_away_places_where_nobody_waits() {
    let mut desk = Desk::holding(&[exclusive("a", "x y")]);
    let gone = desk.wait(&exclusive("b", "x"));
    let live = desk.wait(&exclusive("c", "x"));
    desk.world.gone.insert(1);
    desk.wait(&exclusive("d", "y"));
    assert!(!desk.leases.is_waiting(gone), "its process is gone");
    assert!(desk.leases.is_waiting(live), "this one waits still");
}

#[test]
fn queue_of_a_path_is_who_waits_for_it_in_order() {
    let mut desk = Desk::holding(&[exclusive("a", "src/")]);
    for (name, wanted) in [("b", "src/x"), ("c", "src/y"), ("d", "src/")] {
        desk.wait(&exclusive(name, wanted));
    }
    desk.wait(&exclusive("e", "src/x"));
    desk.world.gone.insert(4);
    let Desk { leases, world, .. } = &desk;
    let names: Vec<_> = world.when(1, |present| {
        leases
            .queue_of(&scope("src/x"), present)
            .map(|waiter| waiter.agent.to_string())
            .collect()
    });
    assert_eq!(names, ["b", "d"], "those that want it, without the dead");
}

#[test]
fn two_agents_that_wait_for_each_other_are_told_the_circle() {
    let mut desk = Desk::holding(&[exclusive("a", "x"), exclusive("b", "y")]);
    desk.wait(&exclusive("a", "y"));
    let before = desk.leases.clone();
    let err = desk.try_wait(&exclusive("b", "x")).unwrap_err();
    assert_eq!(
        cycle(&err),
        ["b waits for x of a", "a waits for y of b"],
        "{err}"
    );
    assert_eq!(desk.leases, before, "the second does not wait");
}

#[test]
fn three_agents_that_wait_in_a_circle_are_told_it() {
    let mut desk = Desk::holding(&[
        exclusive("a", "x"),
        exclusive("b", "y"),
        exclusive("c", "z"),
    ]);
    desk.wait(&exclusive("a", "y"));
    desk.wait(&exclusive("b", "z"));
    let err = desk.try_wait(&exclusive("c", "x")).unwrap_err();
    assert_eq!(
        cycle(&err),
        [
            "c waits for x of a",
            "a waits for y of b",
            "b waits for z of c"
        ],
        "{err}"
    );
}

#[test]
fn two_readers_that_both_want_to_write_are_told_so() {
    let mut desk = Desk::holding(&[shared("a", "x"), shared("b", "x")]);
    let a = exclusive("a", "x");
    let of_a = desk.wait(&a);
    let err = desk.try_wait(&exclusive("b", "x")).unwrap_err();
    assert_eq!(
        cycle(&err),
        ["b waits for x of a", "a waits for x of b"],
        "{err}"
    );
    desk.release("b");
    assert!(
        desk.blocked_by(&a, of_a).is_empty(),
        "the first goes on when the second gives up"
    );
}

#[test]
fn circle_through_one_that_waits_no_more_is_none() {
    let mut desk = Desk::holding(&[exclusive("a", "x"), exclusive("b", "y")]);
    desk.wait(&exclusive("a", "y"));
    desk.world.gone.insert(1);
    desk.wait(&exclusive("b", "x"));
}

#[test]
fn circle_that_others_close_later_is_told_to_who_came_last_in_it() {
    let mut desk = Desk::holding(&[
        exclusive("a", "x"),
        exclusive("q", "y"),
        exclusive("q", "z"),
    ]);
    let (a, b) = (exclusive("a", "y"), exclusive("b", "x"));
    let of_b = desk.wait(&b);
    let of_a = desk.wait(&a);
    // Another worker of b waits for what has nothing to do with it.
    desk.wait(&exclusive("b", "z"));
    // A tool that asks nobody changes the holder.
    desk.leases.held[1].agent = agent("b");
    assert_eq!(desk.blocked_by(&b, of_b), ["a"], "the first waits on");
    let err = desk.turn(&a, of_a).unwrap_err();
    assert_eq!(
        cycle(&err),
        ["a waits for y of b", "b waits for x of a"],
        "{err}"
    );
}

#[test]
fn who_waits_for_mine_does_not_stand_before_me() {
    let mut desk = Desk::holding(&[exclusive("a", "x")]);
    desk.wait(&exclusive("b", "x y"));
    desk.acquire(&exclusive("a", "y"))
        .expect("to wait for b would be to wait for oneself");
    let err = desk.acquire(&exclusive("c", "y")).unwrap_err();
    assert_eq!(blockers(&err), ["a", "b"], "others wait behind it");
}

#[test]
fn who_waits_for_mine_by_way_of_others_does_not_stand_before_me() {
    // b waits for x of a; a waits for z of c; c wants y, for which b came first.
    let mut desk = Desk::holding(&[exclusive("a", "x"), exclusive("c", "z")]);
    desk.wait(&exclusive("b", "x y"));
    desk.wait(&exclusive("a", "z"));
    desk.acquire(&exclusive("c", "y"))
        .expect("b waits for a, and a for c");
}

#[test]
fn who_stands_behind_one_that_waits_for_mine_does_not_stand_before_me() {
    // b waits for x of a. a wants z, for which d came first. d waits for w of c. c wants y, for which b came first.
    // Nobody holds what another would have to give back first, so it is no deadlock: c goes before b.
    let mut desk = Desk::holding(&[exclusive("a", "x"), exclusive("c", "w")]);
    desk.wait(&exclusive("b", "x y"));
    desk.wait(&exclusive("d", "w z"));
    let a = exclusive("a", "z");
    let of_a = desk.wait(&a);
    let mut other = Desk {
        leases: desk.leases.clone(),
        world: World::default(),
        seconds: 0,
    };
    other
        .acquire(&exclusive("c", "y"))
        .expect("b waits for a, a stands behind d, d waits for c");
    // Before c wants anything, a stands behind d.
    assert_eq!(
        desk.blocked_by(&a, of_a),
        ["d"],
        "d waits for c, who can go on"
    );
}
