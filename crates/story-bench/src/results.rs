//! What a comparison measured: a file of JSON, section by section.

use std::error::Error;
use std::fs;
use std::path::Path;

use atomic_file::CommitOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What was measured of one contender: `driver`, and figures by name.
pub type Row = Map<String, Value>;

/// All that was measured.
#[derive(Serialize, Deserialize, Default)]
pub struct Results {
    pub machine: Machine,
    pub sections: Vec<Section>,
}

/// Where it was measured.
#[derive(Serialize, Deserialize, Default)]
pub struct Machine {
    pub processors: usize,
    pub model: String,
    pub memory_gib: u64,
    pub kernel: String,
}

/// One kind of measurement in one folder.
#[derive(Serialize, Deserialize)]
pub struct Section {
    pub name: String,
    /// The file system of the folder.
    pub fs: String,
    /// When it ended, UTC.
    pub at: String,
    /// How many processes were ready to run on average in the minute before.
    pub load: String,
    pub took_s: u64,
    /// The commit whose programs were measured, as git names it; `+` if there were changes beside, `unknown` for programs
    /// that do not say what they were built from.
    pub commit: String,
    /// Fewer rounds: the figures move more.
    pub is_quick: bool,
    pub rows: Vec<Row>,
}

impl Results {
    /// Reads a file of results; one that is not there has none.
    pub fn load(path: &Path) -> Result<Self, Box<dyn Error>> {
        if path.exists() {
            Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
        } else {
            Ok(Self::default())
        }
    }

    /// Writes them, one row a line, so that a difference can be read.
    pub fn save(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let mut sections = Vec::new();
        for section in &self.sections {
            let head = json!({"name": section.name, "fs": section.fs, "at": section.at,
                "load": section.load, "took_s": section.took_s,
                "commit": section.commit, "is_quick": section.is_quick})
            .to_string();
            let rows: Result<Vec<_>, _> = section.rows.iter().map(serde_json::to_string).collect();
            let rows = rows?.join(",\n");
            sections.push(format!(
                "{},\"rows\":[\n{rows}\n]}}",
                head.trim_end_matches('}')
            ));
        }
        let machine = serde_json::to_string(&self.machine)?;
        let sections = sections.join(",\n");
        let text = format!("{{\"machine\":{machine},\n\"sections\":[\n{sections}\n]}}\n");
        put(path, &text)
    }

    /// Puts a section in place of an older one of its name and file system.
    pub fn put(&mut self, section: Section) {
        let is_older = |old: &Section| old.name == section.name && old.fs == section.fs;
        match self.sections.iter().position(is_older) {
            Some(at) => self.sections[at] = section,
            None => self.sections.push(section),
        }
    }

    pub fn section(&self, name: &str, fs: &str) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|it| it.name == name && it.fs == fs)
    }

    /// One figure of one contender.
    pub fn figure(&self, name: &str, fs: &str, driver: &str, key: &str) -> Option<f64> {
        self.section(name, fs)?.row(driver)?.get(key)?.as_f64()
    }
}

impl Section {
    pub fn row(&self, driver: &str) -> Option<&Row> {
        self.rows.iter().find(|row| name(row) == driver)
    }
}

/// The contender of a row.
pub fn name(row: &Row) -> &str {
    row.get("driver").and_then(Value::as_str).unwrap_or("")
}

/// The one in the middle; of an even number the upper one of both.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A figure with four digits: more are noise, and would make each difference long.
pub fn rounded(value: f64) -> Value {
    format!("{value:.3e}")
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

/// Puts a text in place, whole.
pub fn put(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    let options = CommitOptions::default();
    if path.exists() {
        atomic_file::replace(path, text.as_bytes(), &options)?;
    } else {
        atomic_file::create(path, text.as_bytes(), &options)?;
    }
    Ok(())
}
