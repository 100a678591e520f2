//! The scopes of several agents over real stores: checked, claimed, given back together.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{
    Agent, LeaseError, Project, ReleasedAll, Request, Roles, Rules, ScopeRegistry, Whose, Won,
    parse_intents,
};

const HOUR: Duration = Duration::from_hours(1);

/// A project with a registry, and a clock that is moved by hand.
struct Desk {
    folder: tempfile::TempDir,
    registry: ScopeRegistry,
    minutes: Arc<AtomicI64>,
}

impl Desk {
    fn new(store: fn(PathBuf, Project) -> Box<dyn LeaseStore>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project::new(folder.path()).expect("a project");
        let store = store(folder.path().join("store"), project.clone());
        let minutes = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&minutes);
        let noon: Timestamp = "2026-03-04T12:00:00Z".parse().expect("a time");
        let rules = Rules {
            clock: Arc::new(move || {
                noon + jiff::SignedDuration::from_mins(clock.load(Ordering::SeqCst))
            }),
            ..Rules::default()
        };
        Self {
            folder,
            registry: ScopeRegistry::new(project, store, rules),
            minutes,
        }
    }

    fn in_a_folder() -> Self {
        Self::new(|place, project| Box::new(FolderStore::new(place, project)))
    }

    fn in_a_database() -> Self {
        Self::new(|place, project| Box::new(SqliteStore::new(place, project)))
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn request(&self, agent: &str, directory: &str) -> Request {
        let text = format!(
            r#"[{{"agent":"{agent}","directories":["{directory}"],"task_description":"t"}}]"#
        );
        let intents = parse_intents(&text).expect("an intent");
        let planned = self.registry.planned(&intents, &Roles::default());
        let request = planned.expect("it can be planned")[0].request(HOUR);
        request.expect("it takes a lease")
    }

    fn claim(&self, agent: &str, directory: &str) -> Result<Won, LeaseError> {
        self.registry
            .claim(&self.request(agent, directory), Duration::ZERO)
    }

    fn claimed(&self, agent: &str, directory: &str) -> Won {
        self.claim(agent, directory).expect("it is free")
    }

    fn release_all(&self, whose: &Whose) -> ReleasedAll {
        self.registry
            .release_all(whose)
            .expect("it can be released")
    }
}

fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name")
}

fn holders(released: &ReleasedAll) -> Vec<&str> {
    let leases = released.given_back.iter();
    let mut agents: Vec<_> = leases.map(|lease| lease.agent.as_str()).collect();
    agents.sort_unstable();
    agents
}

#[test]
fn check_reports_what_a_claim_then_meets() {
    for desk in [Desk::in_a_folder(), Desk::in_a_database()] {
        desk.claimed("outsider", "src");
        let text = r#"[{"agent":"a","files":["src/x"]},{"agent":"b","files":["doc/x"]}]"#;
        let intents = parse_intents(text).expect("intents");
        let planned = desk.registry.planned(&intents, &Roles::default());
        let planned = planned.expect("they can be planned");
        let report = desk.registry.check(&planned).expect("it can be checked");
        assert_eq!(
            report.conflicts.len(),
            1,
            "one meets the outsider: {report:?}"
        );
        assert_eq!(report.waves[0].agents, [agent("b")], "the other can begin");
        let claims = planned.iter().map(|request| {
            let request = request.request(HOUR).expect("it takes a lease");
            desk.registry.claim(&request, Duration::ZERO).is_ok()
        });
        assert_eq!(claims.collect::<Vec<_>>(), [false, true], "as it was said");
        desk.minutes.store(61, Ordering::SeqCst);
        let report = desk.registry.check(&planned).expect("it can be checked");
        assert_eq!(
            report.conflicts,
            [],
            "an hour later the outsider's lease has ended"
        );
    }
}

#[test]
fn claim_over_an_expired_lease_says_whose_it_was() {
    let desk = Desk::in_a_folder();
    desk.claimed("late", "src");
    assert!(
        matches!(desk.claim("next", "src/api"), Err(LeaseError::Taken(_))),
        "it holds"
    );
    desk.minutes.store(60, Ordering::SeqCst);
    let won = desk.claimed("next", "src/api");
    assert_eq!(
        won.acquired.warnings(),
        ["Overwriting expired lock for late"],
        "the words of the requirement"
    );
}

#[test]
fn release_all_of_some_agents_leaves_the_others_theirs() {
    for desk in [Desk::in_a_folder(), Desk::in_a_database()] {
        for name in ["a", "b", "c"] {
            desk.claimed(name, name);
        }
        desk.claimed("a", "more");
        let both = Whose::Agents(vec![agent("a"), agent("c"), agent("nobody")]);
        let released = desk.release_all(&both);
        assert_eq!(holders(&released), ["a", "a", "c"], "all of both");
        assert!(!released.removal.removed, "b holds something still");
        assert!(
            matches!(desk.claim("x", "b"), Err(LeaseError::Taken(_))),
            "b holds it still"
        );
        desk.claimed("x", "a");
        assert_eq!(
            holders(&desk.release_all(&both)),
            [""; 0],
            "a second time nothing"
        );
    }
}

#[test]
fn release_all_removes_the_folder_and_a_later_token_is_higher() {
    let desk = Desk::in_a_folder();
    let before = desk.claimed("a", "src").acquired.lease.token;
    desk.claimed("b", "doc");
    desk.minutes.store(90, Ordering::SeqCst);
    let released = desk.release_all(&Whose::Everybody);
    assert_eq!(holders(&released), ["a", "b"], "also what has ended");
    assert!(released.removal.removed, "nothing is left: {released:?}");
    assert!(!desk.store().exists(), "the folder is gone");
    assert_eq!(
        desk.release_all(&Whose::Everybody),
        ReleasedAll::default(),
        "a second time there is nothing"
    );
    assert!(!desk.store().exists(), "and nothing is made for that");
    let after = desk.claimed("a", "src").acquired.lease.token;
    assert!(after > before, "{after:?} is higher than {before:?}");
}

#[test]
fn release_all_keeps_the_files_of_others_and_names_them() {
    let desk = Desk::in_a_folder();
    desk.claimed("a", "src");
    let note = desk.store().join("README.txt");
    let mut file = fs::File::create(&note).expect("a file");
    std::io::Write::write_all(&mut file, b"mine\n").expect("it can be written");
    let released = desk.release_all(&Whose::Everybody);
    assert_eq!(holders(&released), ["a"], "the lease is given back");
    assert!(!released.removal.removed, "the folder stays");
    let named: Vec<_> = released
        .removal
        .foreign
        .iter()
        .map(|path| path.file_name())
        .collect();
    assert_eq!(named, [note.file_name()], "what is not ours is named");
    assert_eq!(fs::read(&note).expect("it is there"), b"mine\n", "and left");
}

#[test]
fn release_all_and_prune_leave_a_database_where_it_is() {
    let desk = Desk::in_a_database();
    desk.claimed("a", "src");
    desk.minutes.store(61, Ordering::SeqCst);
    let pruned = desk.registry.prune().expect("it can be pruned");
    assert_eq!(pruned.len(), 1, "what has ended is cleared away");
    desk.claimed("a", "src");
    let released = desk.release_all(&Whose::Everybody);
    assert_eq!(holders(&released), ["a"], "given back");
    assert!(!released.removal.removed, "it is no folder");
    assert!(Path::new(&desk.store()).is_file(), "the database stays");
}
