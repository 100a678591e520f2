//! One shared file, put back or left.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use locked_file::together::FinishError;
use testkit::Sandbox;

use super::*;

const FILE: &str = "board/story.md";

/// Says what it is told to say.
struct Says {
    authorship: Authorship,
    /// What a dead process had decided of the file: its bytes, or that it cannot be found out.
    decided: Decided,
    puts_back: bool,
    asked: Cell<u32>,
    put: Cell<u32>,
}

enum Decided {
    Nothing,
    Bytes(&'static str),
    Unknown,
}

impl Says {
    fn that(authorship: Authorship) -> Self {
        Self {
            authorship,
            decided: Decided::Nothing,
            puts_back: true,
            asked: Cell::new(0),
            put: Cell::new(0),
        }
    }
}

impl SharedFiles for Says {
    fn is_shared(&self, _: &Path) -> bool {
        true
    }

    fn is_apart(&self, _: &Path) -> bool {
        false
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<&str>,
    ) -> Authorship {
        self.asked.set(self.asked.get() + 1);
        self.authorship
    }

    fn finish_under(
        &self,
        guard: &LockGuard,
        _: &LockOptions,
    ) -> Result<Vec<locked_file::Warning>, FinishError> {
        match self.decided {
            Decided::Nothing => Ok(Vec::new()),
            Decided::Bytes(bytes) => {
                let options = CommitOptions::default();
                atomic_file::replace(guard.resource(), bytes.as_bytes(), &options)?;
                Ok(Vec::new())
            }
            Decided::Unknown => {
                let path = guard.resource().to_path_buf();
                Err(FinishError::Read(ReadError::Unstable { path }))
            }
        }
    }

    fn put_back(&self, edit: &SharedEdit<'_>, commit: &mut dyn FnMut() -> bool) {
        assert!(edit.file.ends_with(FILE), "which file: {edit:?}");
        if self.puts_back {
            assert!(commit(), "it is in place");
            self.put.set(self.put.get() + 1);
        }
    }
}

struct Desk {
    sandbox: Sandbox,
    top: PathBuf,
}

impl Desk {
    fn with(now: Option<&str>) -> Self {
        let sandbox = Sandbox::new();
        let top = fs::canonicalize(sandbox.path()).expect("it is there");
        fs::create_dir(top.join("board")).expect("a folder can be made");
        if let Some(now) = now {
            sandbox.write(FILE, now);
        }
        Self { sandbox, top }
    }

    fn restore(
        &self,
        rescued: Option<&str>,
        then: Option<&str>,
        says: &Says,
        policy: SharedPolicy,
    ) -> SharedOutcome {
        let then = then.map(|then| SharedVersion {
            bytes: then.as_bytes(),
            permissions: 0o644,
        });
        let change = SharedChange {
            top: &self.top,
            path: Path::new(FILE),
            rescued: rescued.map(str::as_bytes),
            then,
            run: Some("T-1.1"),
        };
        let lock = LockOptions {
            timeout: Duration::ZERO,
            ..LockOptions::default()
        };
        let options = SharedOptions { policy, lock };
        restore_shared(&change, says, &options).expect("nothing stands in the way")
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(self.top.join(FILE)).ok()
    }

    fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
    }
}

const ASKED: SharedPolicy = SharedPolicy::IfOnlyTheRun;
const FORCED: SharedPolicy = SharedPolicy::Force;
const BY_OTHERS: SharedOutcome = SharedOutcome::Left(Reason::ChangedByOthers);
const MEANWHILE: SharedOutcome = SharedOutcome::Left(Reason::ChangedMeanwhile);

/// On disk, rescued, then, who, policy: what becomes of it, and what is on disk then.
type Case = (
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Authorship,
    SharedPolicy,
    SharedOutcome,
    Option<&'static str>,
);

const CASES: [Case; 15] = [
    (
        Some("b"),
        Some("b"),
        Some("a"),
        Authorship::OnlyTheRun,
        ASKED,
        SharedOutcome::Done,
        Some("a"),
    ),
    (
        Some("b"),
        Some("b"),
        Some("a"),
        Authorship::OthersToo,
        ASKED,
        BY_OTHERS,
        Some("b"),
    ),
    (
        Some("b"),
        Some("b"),
        Some("a"),
        Authorship::OthersToo,
        FORCED,
        SharedOutcome::Done,
        Some("a"),
    ),
    (
        Some("c"),
        Some("b"),
        Some("a"),
        Authorship::OnlyTheRun,
        ASKED,
        MEANWHILE,
        Some("c"),
    ),
    (
        Some("c"),
        Some("b"),
        Some("a"),
        Authorship::OthersToo,
        FORCED,
        MEANWHILE,
        Some("c"),
    ),
    (
        Some("longer"),
        Some("b"),
        Some("a"),
        Authorship::OnlyTheRun,
        FORCED,
        MEANWHILE,
        Some("longer"),
    ),
    // Made by the task, removed by it, and changed by others meanwhile.
    (
        Some("b"),
        Some("b"),
        None,
        Authorship::OnlyTheRun,
        ASKED,
        SharedOutcome::Done,
        None,
    ),
    (
        Some("b"),
        Some("b"),
        None,
        Authorship::OthersToo,
        ASKED,
        BY_OTHERS,
        Some("b"),
    ),
    (
        Some("c"),
        Some("b"),
        None,
        Authorship::OnlyTheRun,
        FORCED,
        MEANWHILE,
        Some("c"),
    ),
    (
        None,
        None,
        Some("a"),
        Authorship::OnlyTheRun,
        ASKED,
        SharedOutcome::Done,
        Some("a"),
    ),
    (
        None,
        None,
        Some("a"),
        Authorship::OthersToo,
        ASKED,
        BY_OTHERS,
        None,
    ),
    (
        Some("c"),
        None,
        Some("a"),
        Authorship::OnlyTheRun,
        FORCED,
        MEANWHILE,
        Some("c"),
    ),
    (
        None,
        Some("b"),
        Some("a"),
        Authorship::OnlyTheRun,
        FORCED,
        MEANWHILE,
        None,
    ),
    // Done before, by a call that was killed.
    (
        Some("a"),
        Some("b"),
        Some("a"),
        Authorship::OthersToo,
        ASKED,
        SharedOutcome::Done,
        Some("a"),
    ),
    (
        None,
        Some("b"),
        None,
        Authorship::OthersToo,
        ASKED,
        SharedOutcome::Done,
        None,
    ),
];

#[test]
fn shared_file_is_put_back_only_if_the_run_alone_changed_it_and_it_is_what_was_rescued() {
    for (now, rescued, then, who, policy, expected, left) in CASES {
        let desk = Desk::with(now);
        let outcome = desk.restore(rescued, then, &Says::that(who), policy);
        let case =
            format!("{now:?} on disk, {rescued:?} rescued, {then:?} then, {who:?}, {policy:?}");
        assert_eq!(outcome, expected, "{case}");
        assert_eq!(desk.text().as_deref(), left, "on disk afterwards: {case}");
        desk.assert_tidy();
    }
}

#[test]
fn shared_file_is_left_while_somebody_holds_its_lock() {
    let desk = Desk::with(Some("b"));
    let path = desk.top.join(FILE);
    let (held, is_held) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        let lock = SidecarLock::new(path).expect("its folder is there");
        let guard = lock.acquire(&LockOptions::default()).expect("it is free");
        held.send(()).expect("somebody listens");
        ended.recv().ok();
        drop(guard);
    });
    is_held.recv().expect("it is held");
    let says = Says::that(Authorship::OnlyTheRun);
    let outcome = desk.restore(Some("b"), Some("a"), &says, FORCED);
    assert_eq!(outcome, BY_OTHERS, "its holder is changing it");
    assert_eq!(desk.text().as_deref(), Some("b"), "as it was");
    drop(end);
    holder.join().expect("it ended well");
    let outcome = desk.restore(Some("b"), Some("a"), &says, FORCED);
    assert_eq!(
        outcome,
        SharedOutcome::Done,
        "and afterwards it is put back"
    );
}

#[test]
fn what_a_dead_process_had_decided_counts_before_the_file_is_judged() {
    let table = [
        // Others' decision comes first, and it is not lost.
        (Decided::Bytes("decided"), MEANWHILE, "decided"),
        (Decided::Unknown, BY_OTHERS, "b"),
        (Decided::Nothing, SharedOutcome::Done, "a"),
    ];
    for (decided, expected, left) in table {
        let desk = Desk::with(Some("b"));
        let mut says = Says::that(Authorship::OnlyTheRun);
        says.decided = decided;
        let outcome = desk.restore(Some("b"), Some("a"), &says, FORCED);
        assert_eq!(outcome, expected, "what becomes of it");
        assert_eq!(desk.text().as_deref(), Some(left), "what is on disk");
        desk.assert_tidy();
    }
}

#[test]
fn put_back_that_is_refused_leaves_the_file() {
    let desk = Desk::with(Some("b"));
    let mut says = Says::that(Authorship::OnlyTheRun);
    says.puts_back = false;
    let outcome = desk.restore(Some("b"), Some("a"), &says, FORCED);
    assert_eq!(outcome, BY_OTHERS, "somebody else has it");
    assert_eq!(desk.text().as_deref(), Some("b"), "as it was");
    desk.assert_tidy();
}

#[test]
fn authorship_is_not_asked_where_nobody_wants_to_know() {
    let desk = Desk::with(Some("b"));
    let says = Says::that(Authorship::OthersToo);
    desk.restore(Some("b"), Some("a"), &says, FORCED);
    assert_eq!(says.asked.get(), 0, "the caller overrules it");
    assert_eq!(says.put.get(), 1, "it was put back once");
}

#[cfg(unix)]
#[test]
fn links_on_the_way_to_a_shared_file_are_not_followed() {
    use std::os::unix::fs::symlink;

    for (link, target) in [("board", "elsewhere"), (FILE, "../elsewhere/story.md")] {
        let desk = Desk::with(None);
        desk.sandbox.write("elsewhere/story.md", "b");
        if link == "board" {
            fs::remove_dir(desk.top.join(link)).expect("it is empty");
        }
        symlink(target, desk.top.join(link)).expect("a link can be made");
        let says = Says::that(Authorship::OnlyTheRun);
        let outcome = desk.restore(Some("b"), Some("a"), &says, FORCED);
        assert_eq!(outcome, MEANWHILE, "{link} leads elsewhere");
        assert_eq!(
            desk.sandbox.read("elsewhere/story.md"),
            "b",
            "what lies there is as it was"
        );
        desk.assert_tidy();
    }
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_snapshot_whatever_they_are_now() {
    use std::os::unix::fs::PermissionsExt as _;

    for now in [Some("b"), None] {
        let desk = Desk::with(now);
        let says = Says::that(Authorship::OnlyTheRun);
        let change = SharedChange {
            top: &desk.top,
            path: Path::new(FILE),
            rescued: now.map(str::as_bytes),
            then: Some(SharedVersion {
                bytes: b"a",
                permissions: 0o606,
            }),
            run: None,
        };
        let options = SharedOptions {
            policy: ASKED,
            lock: LockOptions::default(),
        };
        let outcome = restore_shared(&change, &says, &options).expect("nothing stands in the way");
        assert_eq!(outcome, SharedOutcome::Done, "it is put back");
        let metadata = fs::metadata(desk.top.join(FILE)).expect("it is there");
        let mode = metadata.permissions().mode() & 0o7777;
        assert_eq!(mode, 0o606, "no umask takes from it: {mode:o}");
    }
}
