//! One agent from end to end: plan, acquire, edit, renew, release; and what happens when its work fails.
//!
//! ```text
//! cargo run -p lease --example agent_pipeline
//! cargo run -p lease --example agent_pipeline -- --fail
//! ```
//!
//! Works in a folder of its own and tells what it does. Fails if anything is not as told.

mod pipeline;

use std::error::Error;
use std::io;

use pipeline::{Work, run};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let work = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Work::Succeeds,
        ["--fail"] => Work::Fails,
        _ => return Err("usage: agent_pipeline [--fail]".into()),
    };
    let place = tempfile::tempdir()?;
    run(place.path(), work, &mut io::stdout().lock())
}
