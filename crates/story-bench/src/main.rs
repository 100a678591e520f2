//! Benchmarks that anyone can run: our driver for `../shared/bench`, a comparison with the peers, and the page that shows it.
//!
//! ```text
//! story-bench compare --bench FOLDER --story STORY --out FILE.json [--dirs A,B] [--sections X,Y] [--quick]
//! story-bench report FILE.json PAGE.md
//! story-bench fast|durable|unlocked-fast|unlocked-durable update FILE FIELDS COUNT
//! story-bench fast|durable hold FILE
//! story-bench list FOLDER COUNT STORY
//! story-bench simulate [NAME=VALUE]...
//! ```
//!
//! `compare` runs the floor, the floor once more, the peers and ours in turn and writes what was measured; sections that it
//! runs replace those of the same name in the file. FOLDER is `../shared/bench` with its drivers built (its README says how),
//! STORY the program `story`; one that is older than its sources is refused, for the commit that is noted would not be its own.
//! `report` puts tables into PAGE.md, between its markers, and plots into the folder of the same
//! name beside it.
//!
//! `update` adds 1 to each of FIELDS (a comma list) COUNT times; `FILE` may be `@LIST`, a file of
//! paths that are taken in turn. With `BENCH_BARRIER` set it prints `READY` and waits for a line on
//! standard input; with `BENCH_MAX_MS=n` it starts no update later than n ms after that. The last
//! line of output is `{"lat_ns":[...],"errors":{...}}`, negative where an update failed. `hold` takes
//! the lock, prints `HELD` and sleeps until it is killed. `list` makes COUNT stories in FOLDER and compares the program
//! STORY that lists them with one that only reads their heads (`story-bench heads THREADS STORIES`). `simulate` writes
//! nothing: it predicts by a model how long many writers of one story wait (docs/scale.md).

mod compare;
mod contenders;
mod driver;
mod kills;
mod list;
mod peers;
mod processes;
mod programs;
mod report;
mod results;
mod simulate;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

const USAGE: &str = "usage: story-bench compare --bench FOLDER --story STORY --out FILE.json [--dirs A,B] [--sections X,Y] [--quick]\n\
                     \x20      story-bench report FILE.json PAGE.md\n\
                     \x20      story-bench fast|durable|unlocked-fast|unlocked-durable update FILE FIELDS COUNT\n\
                     \x20      story-bench fast|durable hold FILE\n\
                     \x20      story-bench list FOLDER COUNT STORY\n\
                     \x20      story-bench simulate [NAME=VALUE]...";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["compare", ref options @ ..] => compare::compare(options),
        ["report", results, page] => report::write(Path::new(results), Path::new(page)),
        ["list", folder, count, story] => {
            list::print(Path::new(folder), count.parse()?, Path::new(story))
        }
        ["simulate", ref arguments @ ..] => simulate::print(arguments),
        ["heads", threads, stories] => list::heads(threads.parse()?, Path::new(stories)),
        [mode, ref rest @ ..] => match driver::Mode::named(mode) {
            Some(mode) => driver::run(mode, rest),
            None => Err(USAGE.into()),
        },
        [] => Err(USAGE.into()),
    }
}

/// Prints a line at once.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Tells whoever waits how far things are.
fn tell(line: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{line}")
}
