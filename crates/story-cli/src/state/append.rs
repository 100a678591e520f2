//! `story state append`: lines for a log that many write.

use std::io::{self, BufRead as _};
use std::path::Path;

use serde_json::json;
use state_file::log_file::{LogError, LogOptions, Rotation, RotationLimits, append};

use super::target;
use crate::args::state_append::StateAppendArgs;
use crate::failure::{Code, Failure};
use crate::failure_sources::{code_of_io, judge_acquire};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::text_argument;
use crate::transaction::chain;

/// Appends the lines, and tells how many.
///
/// # Errors
///
/// [`Failure`]: the lines before the one that failed are in the log.
pub fn run(args: &StateAppendArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let mut log = Log::new(args, settings, output)?;
    if matches!(args.text.as_str(), "-" | "@-") {
        for line in io::stdin().lock().lines() {
            let line = line.map_err(|err| {
                Failure::new(code_of_io(&err), "cannot read standard input").cause(err.to_string())
            })?;
            log.line(&line)?;
        }
    } else {
        let text = text_argument::read(&args.text)?;
        // An empty text is an empty line.
        let lines = if text.is_empty() {
            vec![""]
        } else {
            text.lines().collect()
        };
        for line in lines {
            log.line(line)?;
        }
    }
    log.told()
}

/// The log at a path.
///
/// # Errors
///
/// `EUSAGE` for what is no log by its name: a line at its end, without any lock, would break a JSON file, a story or a lock.
fn log_at(given: &Path) -> Result<Target, Failure> {
    let target = target::of(given)?;
    if given.extension().is_some_and(|end| end == "json") {
        return Err(
            Failure::usage(format!("{} is JSON, not a log", given.display()))
                .hint("`story state set FILE --push KEY=VALUE` adds to a list in it; a log of JSON lines is called .jsonl"),
        );
    }
    Ok(target)
}

/// A log, and what was done with it.
struct Log<'a> {
    args: &'a StateAppendArgs,
    target: Target,
    options: LogOptions,
    output: &'a Output,
    lines: u64,
    rotated: u64,
    warnings: Vec<String>,
}

impl<'a> Log<'a> {
    fn new(
        args: &'a StateAppendArgs,
        settings: &Settings,
        output: &'a Output,
    ) -> Result<Self, Failure> {
        let keep = args.keep;
        let limits = |max_bytes| RotationLimits { max_bytes, keep };
        Ok(Self {
            args,
            target: log_at(&args.file)?,
            options: LogOptions {
                rotation: args.max_size.map(limits),
                durability: settings.durability(),
                lock: settings.lock_options("story state append"),
            },
            output,
            lines: 0,
            rotated: 0,
            warnings: Vec::new(),
        })
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let appended = append(&self.args.file, line, &self.options);
        let appended = appended.map_err(|err| self.failure(&err))?;
        self.lines += 1;
        match appended.rotation {
            Rotation::Done => self.rotated += 1,
            Rotation::Failed(err) => {
                let warning = chain(&err);
                self.output.warning(&warning);
                // Once is enough: it will be so for each line.
                self.options.rotation = None;
                self.warnings.push(warning);
            }
            _ => {}
        }
        Ok(())
    }

    fn failure(&self, err: &LogError) -> Failure {
        let code = match err {
            LogError::LineEnd | LogError::TooLong { .. } | LogError::NotAFile { .. } => {
                Code::Refused
            }
            LogError::Place(err) => judge_acquire(err).0,
            LogError::Io { source, .. } => code_of_io(source),
            LogError::Torn { .. } => Code::NoSpace,
            LogError::Unsynced { .. } => Code::Unsynced,
            _ => Code::Io,
        };
        let place = self.args.file.display();
        let mut failure = Failure::new(code, format!("cannot append to {place}"))
            .with_chain(err)
            .at(&self.target.absolute());
        if self.lines > 0 {
            let before = format!("the {} lines before it are in the log", self.lines);
            failure = failure.cause(before);
        }
        failure
    }

    fn told(self) -> Result<(), Failure> {
        let path = self.target.absolute();
        if !self.output.is_json() {
            return Ok(());
        }
        let mut answer = json::success();
        let members = json!({
            "path": json::text(&path),
            "lines": self.lines,
            "rotated": self.rotated,
            "warnings": self.warnings,
        });
        if let serde_json::Value::Object(members) = members {
            answer.extend(members);
        }
        write_json(answer).map_err(|failure| failure.after_commit(&self.target))
    }
}
