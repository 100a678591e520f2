//! The one writer: data to stdout, everything else to stderr. Nothing else in this crate writes to either.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::{Code, Failure};
use crate::json;
use crate::settings::{Settings, Verbosity};
use crate::sys;
use crate::terminal::{self, Canvas, Style, escape, escape_line};

/// Where results and messages go.
#[derive(Debug)]
pub struct Output {
    json: bool,
    verbosity: Verbosity,
    stdout: Stream,
    stderr: Stream,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    is_terminal: bool,
    has_colour: bool,
}

impl Stream {
    fn new(is_terminal: bool, settings: &Settings) -> Self {
        Self {
            is_terminal,
            has_colour: settings.wants_colour(is_terminal),
        }
    }
}

impl Output {
    /// Finds out what stdout and stderr are.
    pub fn new(settings: &Settings) -> Self {
        Self {
            json: settings.json,
            verbosity: settings.verbosity,
            stdout: Stream::new(io::stdout().is_terminal(), settings),
            stderr: Stream::new(io::stderr().is_terminal(), settings),
        }
    }

    /// Whether results are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether data are shown in colours.
    pub fn has_colour(&self) -> bool {
        self.stdout.has_colour
    }

    /// Where tables and boards are drawn: as wide as the terminal, else as `COLUMNS` says, else 80.
    pub fn canvas(&self, settings: &Settings) -> Canvas {
        let terminal = sys::terminal_size().map(|(columns, _)| columns);
        Canvas {
            width: terminal.or(settings.columns()).unwrap_or(80),
            has_colour: self.stdout.has_colour,
        }
    }

    /// The same that keeps warnings to itself: for what is told again and again.
    #[must_use]
    pub fn without_warnings(&self) -> Self {
        Self {
            verbosity: Verbosity::Quiet,
            ..*self
        }
    }

    /// Whether results go to a terminal.
    pub fn is_terminal(&self) -> bool {
        self.stdout.is_terminal
    }

    /// Whether messages go to a terminal.
    pub fn has_terminal(&self) -> bool {
        self.stderr.is_terminal
    }

    /// Whether somebody wants to know that something goes on.
    pub fn is_watched(&self) -> bool {
        self.has_terminal() || self.is_verbose()
    }

    /// Whether details are wanted.
    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    /// Writes data that may come from files: as it is to a file or pipe, made harmless for a terminal.
    pub fn data(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.stdout.is_terminal {
            write_stdout(escape(bytes).as_bytes())
        } else {
            write_stdout(bytes)
        }
    }

    /// Writes one line of data, coloured where that is wanted.
    pub fn line(&self, style: Option<Style>, text: &str) -> Result<(), Failure> {
        let text = if self.stdout.is_terminal {
            escape(text.as_bytes())
        } else {
            text.into()
        };
        match style {
            Some(style) if self.stdout.has_colour => {
                write_stdout(format!("{}\n", terminal::paint(style, &text)).as_bytes())
            }
            _ => write_stdout(format!("{text}\n").as_bytes()),
        }
    }

    /// Writes one line of data with a coloured word before it. The text must be on one line already.
    pub fn labelled(&self, style: Style, label: &str, text: &str) -> Result<(), Failure> {
        let label = if self.stdout.has_colour {
            terminal::paint(style, label)
        } else {
            label.to_owned()
        };
        write_stdout(format!("{label}: {text}\n").as_bytes())
    }

    /// Says what was done, to people; also in JSON mode, for it goes to stderr.
    pub fn note(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet && !self.json {
            self.message(None, text);
        }
    }

    /// Says a detail that only some want.
    pub fn detail(&self, text: &str) {
        if self.is_verbose() {
            self.message(None, text);
        }
    }

    /// Says what went wrong beside a success.
    pub fn warning(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.message(Some((Style::Warning, "warning")), text);
        }
    }

    /// Gives advice.
    pub fn hint(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.message(Some((Style::Hint, "hint")), text);
        }
    }

    /// Tells a failure on stderr.
    pub fn failure(&self, failure: &Failure) {
        if failure.already.is_some() {
            return self.note(&failure.headline);
        }
        self.message(Some((Style::Error, "error")), &failure.headline);
        for cause in &failure.causes {
            self.message(Some((Style::Heading, "  cause")), cause);
        }
        if let Some(hint) = &failure.hint {
            self.message(Some((Style::Hint, "hint")), hint);
        }
    }

    fn message(&self, label: Option<(Style, &str)>, text: &str) {
        let text = escape_line(text);
        let line = match label {
            Some((style, label)) if self.stderr.has_colour => {
                format!("{}: {text}\n", terminal::paint(style, label))
            }
            Some((_, label)) => format!("{label}: {text}\n"),
            None => format!("{text}\n"),
        };
        write_stderr(line.as_bytes());
    }
}

/// Writes to stdout and makes sure that it arrived.
pub fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|err| unwritten(&err))
}

/// Writes one result as one line of JSON.
pub fn write_json(result: Map<String, Value>) -> Result<(), Failure> {
    write_json_of(&Value::from(result))
}

/// As [`write_json`], for a result with a type of its own.
pub fn write_json_of(result: &impl Serialize) -> Result<(), Failure> {
    let mut line = json::to_line(result);
    line.push('\n');
    write_stdout(line.as_bytes())
}

/// Asks something; the answer is typed behind it.
pub fn ask(question: &str) {
    write_stderr(escape_line(question).as_bytes());
}

/// Writes to stderr. Who closed it does not want to know.
pub fn write_stderr(bytes: &[u8]) {
    io::stderr().lock().write_all(bytes).ok();
}

fn unwritten(err: &io::Error) -> Failure {
    let code = match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::NoSpace,
        _ => Code::Io,
    };
    let is_closed = err.kind() == io::ErrorKind::BrokenPipe;
    let failure =
        Failure::new(code, "cannot write the result to standard output").cause(err.to_string());
    if is_closed {
        failure.nobody_listens()
    } else {
        failure
    }
}
