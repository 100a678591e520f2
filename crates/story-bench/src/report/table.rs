//! Tables of Markdown, and how figures are written.

use std::fmt::Write as _;

/// A table under a heading; empty when it has no rows.
pub fn table(title: &str, note: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("### {title}\n\n");
    if !note.is_empty() {
        text += note;
        text += "\n\n";
    }
    line(&mut text, head.iter().copied());
    line(&mut text, head.iter().map(|_| "---"));
    for row in rows {
        line(&mut text, row.iter().map(String::as_str));
    }
    text.push('\n');
    text
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    let cells: Vec<_> = cells.collect();
    writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes all");
}

/// Three digits, which is more than the noise leaves.
pub fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 99.5 => format!("{value:.0}"),
        Some(value) if value >= 9.95 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Ours stand out.
pub fn emphasised(name: &str, cell: String) -> String {
    if name.starts_with("story") && cell != "-" {
        format!("**{cell}**")
    } else {
        cell
    }
}

/// The bench's name of a contender in words.
pub fn title(name: &str) -> String {
    let known = [
        ("floor flock", "floor"),
        ("floor flock again", "floor again"),
        ("floor flock+fsync", "durable floor"),
        ("floor again+fsync", "durable floor again"),
        ("rs card tempfile", "fd-lock + serde_yaml + tempfile"),
        (
            "rs card atomicwrites",
            "fd-lock + serde_yaml + atomicwrites (durable)",
        ),
        ("rs gix-lock", "gix-lock + serde_yaml"),
        (
            "rs gix-lock+fsync",
            "gix-lock + serde_yaml, file synced, folder not",
        ),
        ("node right", "Node: proper-lockfile + gray-matter"),
        ("py filelock", "Python: filelock + frontmatter"),
        ("sh awk", "shell: flock + awk"),
        ("story", "**story**, fast"),
        ("story+fsync", "**story**, durable"),
        ("story unlocked", "**story**, fast, without the lock"),
        (
            "story unlocked+fsync",
            "**story**, durable, without the lock",
        ),
        ("story library", "**story**, the library alone"),
    ];
    match known.iter().find(|(known, _)| *known == name) {
        Some((_, words)) => (*words).to_owned(),
        None if name.starts_with("story") => format!("**`{name}`**"),
        None => name.to_owned(),
    }
}

/// Whether a contender promises that what it wrote is on the disk.
pub fn is_durable(name: &str) -> bool {
    name.contains("+fsync") || name == "rs card atomicwrites"
}
