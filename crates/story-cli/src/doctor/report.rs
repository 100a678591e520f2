//! What was found, and how it is told.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::terminal::{Style, escape_line};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It has to be mended.
    Problem,
    /// It is worth knowing.
    Warning,
}

/// What a look found.
#[derive(Debug)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Where.
    pub path: PathBuf,
    /// What, in words.
    pub message: String,
    /// Line and column, counted from 1.
    pub position: Option<(usize, usize)>,
    /// Whether it was mended.
    pub fixed: bool,
}

impl Finding {
    /// Something that has to be mended.
    pub fn problem(check: &'static str, path: &Path, message: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Problem,
            path: path.to_path_buf(),
            message: message.into(),
            position: None,
            fixed: false,
        }
    }

    /// Something worth knowing.
    pub fn warning(check: &'static str, path: &Path, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::problem(check, path, message)
        }
    }

    /// The same, mended or not.
    pub fn fixed(self, fixed: bool) -> Self {
        Self { fixed, ..self }
    }

    /// The same, with its place in the file.
    pub fn at(self, position: Option<(usize, usize)>) -> Self {
        Self { position, ..self }
    }

    fn to_json(&self) -> Map<String, Value> {
        let mut result = json::success_of(Target::at(self.path.clone()).id.as_deref(), &self.path);
        let level = match self.level {
            Level::Problem => "problem",
            Level::Warning => "warning",
        };
        let members = json!({
            "check": self.check,
            "level": level,
            "message": self.message,
            "line": self.position.map(|(line, _)| line),
            "column": self.position.map(|(_, column)| column),
            "fixed": self.fixed,
        });
        if let Value::Object(members) = members {
            result.extend(members);
        }
        result
    }

    fn print(&self, output: &Output) -> Result<(), Failure> {
        let (word, style) = match (self.fixed, self.level) {
            (true, _) => ("fixed", Style::Added),
            (false, Level::Problem) => ("problem", Style::Error),
            (false, Level::Warning) => ("warning", Style::Warning),
        };
        let place = match self.position {
            Some((line, column)) => format!("{}:{line}:{column}", self.path.display()),
            None => self.path.display().to_string(),
        };
        output.labelled(
            style,
            word,
            &format!("{}: {}", escape_line(&place), escape_line(&self.message)),
        )
    }
}

/// All findings.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// How many problems remain.
    pub fn problems(&self) -> usize {
        self.count(|finding| finding.level == Level::Problem && !finding.fixed)
    }

    fn count(&self, is_counted: impl Fn(&Finding) -> bool) -> usize {
        self.findings
            .iter()
            .filter(|finding| is_counted(finding))
            .count()
    }

    /// Prints all and a summary.
    ///
    /// # Errors
    ///
    /// When stdout does not take them.
    pub fn print(&self, output: &Output) -> Result<(), Failure> {
        let warnings = self.count(|finding| finding.level == Level::Warning && !finding.fixed);
        let fixed = self.count(|finding| finding.fixed);
        if output.is_json() {
            for finding in &self.findings {
                write_json(finding.to_json())?;
            }
            let mut summary = json::success();
            summary.insert("ok".to_owned(), (self.problems() == 0).into());
            summary.insert("problems".to_owned(), self.problems().into());
            summary.insert("warnings".to_owned(), warnings.into());
            summary.insert("fixed".to_owned(), fixed.into());
            return write_json(summary);
        }
        for finding in &self.findings {
            finding.print(output)?;
        }
        if self.findings.is_empty() {
            output.note("all is well");
        } else {
            output.note(&format!(
                "{} problems, {warnings} warnings, {fixed} fixed",
                self.problems()
            ));
        }
        Ok(())
    }
}
