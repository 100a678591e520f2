//! Who is compared as a process of its own: the floor, peers, and ours.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs are.
pub struct Places {
    /// `../shared/bench`, with its drivers built.
    pub bench: PathBuf,
    /// What the peers are installed in, `BENCH_PEERS` of its README.
    pub peers: PathBuf,
    /// The program `story`.
    pub story: PathBuf,
    /// This program.
    pub own: PathBuf,
}

/// Where the arguments of one update go.
#[derive(Clone, Copy)]
pub enum Calls {
    /// `update FILE tries COUNT`, the protocol of the bench.
    Protocol,
    /// `set FILE --inc tries` and this.
    Set(&'static [&'static str]),
}

/// One of them.
pub struct Contender {
    pub name: &'static str,
    program: PathBuf,
    first: Vec<String>,
    pub calls: Calls,
}

impl Places {
    fn driver(&self, name: &str) -> PathBuf {
        self.bench.join("drivers/rust/target/release").join(name)
    }

    /// A Rust driver of the bench, by the name that its table gives it.
    pub fn rust(&self, name: &'static str, program: &str, mode: &str) -> Contender {
        Contender {
            name,
            program: self.driver(program),
            first: vec![mode.into()],
            calls: Calls::Protocol,
        }
    }

    /// The floor, twice.
    pub fn floors(&self) -> Vec<Contender> {
        vec![
            self.rust("floor flock", "floor", "flock"),
            self.rust("floor flock again", "floor", "flock"),
            self.rust("floor flock+fsync", "floor", "flock+fsync"),
        ]
    }

    /// Peers in four languages.
    pub fn peers(&self) -> Vec<Contender> {
        let script = |name, program: PathBuf, file: &str, mode: &str| Contender {
            name,
            program,
            first: vec![self.bench.join(file).display().to_string(), mode.into()],
            calls: Calls::Protocol,
        };
        let node = std::env::var_os("BENCH_NODE").unwrap_or_else(|| "node".into());
        let python = std::env::var_os("BENCH_PY")
            .map_or_else(|| self.peers.join("venv/bin/python"), PathBuf::from);
        vec![
            self.rust("rs gix-lock", "gixdrv", "plain"),
            self.rust("rs card tempfile", "carddrv", "tempfile"),
            Contender {
                name: "sh awk",
                program: self.bench.join("drivers/sh/peer.sh"),
                first: vec!["awk".into()],
                calls: Calls::Protocol,
            },
            script("py filelock", python, "drivers/py/peer.py", "frontmatter"),
            script("node right", node.into(), "drivers/node/peer.mjs", "right"),
        ]
    }

    /// The library, in this program.
    pub fn library(&self, name: &'static str, mode: &str) -> Contender {
        Contender {
            name,
            program: self.own.clone(),
            first: vec![mode.into()],
            calls: Calls::Protocol,
        }
    }

    /// The command.
    pub fn command(&self, name: &'static str, further: &'static [&'static str]) -> Contender {
        Contender {
            name,
            program: self.story.clone(),
            first: Vec::new(),
            calls: Calls::Set(further),
        }
    }

    /// Our contenders for the bench's own table, as `BENCH_OURS` wants them.
    pub fn ours(&self, with_unlocked: bool) -> String {
        let own = self.own.display();
        let mut all = vec![
            format!(
                "floor again+fsync={} flock+fsync",
                self.driver("floor").display()
            ),
            format!("story={own} fast"),
            format!("story+fsync={own} durable"),
        ];
        if with_unlocked {
            all.push(format!("story unlocked={own} unlocked-fast"));
            all.push(format!("story unlocked+fsync={own} unlocked-durable"));
        }
        all.join(";")
    }

    pub fn node_modules(&self) -> PathBuf {
        self.peers.join("node/node_modules")
    }
}

impl Contender {
    /// A process that adds 1 to `tries` that often.
    pub fn updates(&self, file: &Path, count: usize, places: &Places) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.first);
        match self.calls {
            Calls::Protocol => command
                .arg("update")
                .arg(file)
                .args(["tries", &count.to_string()]),
            Calls::Set(further) => command
                .arg("set")
                .arg(file)
                .args(["--inc", "tries"])
                .args(further),
        };
        command.env("PEER_NODE_MODULES", places.node_modules());
        command
    }
}
