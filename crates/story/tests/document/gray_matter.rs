//! The crate `gray_matter` splits our files as we do, so programs that read with it see the same
//! frontmatter. (Never for writing: it drops line ends and blank lines.)

use gray_matter::engine::Engine;
use gray_matter::{Matter, Pod};

/// An engine on `serde_yaml`; that of the crate itself aborts the process on an alias bomb.
struct Yaml;

impl Engine for Yaml {
    fn parse(content: &str) -> gray_matter::Result<Pod> {
        let value: serde_yaml::Value = serde_yaml::from_str(content)
            .map_err(|err| gray_matter::Error::deserialize_error(&err.to_string()))?;
        Ok(pod(value))
    }
}

fn pod(value: serde_yaml::Value) -> Pod {
    match value {
        serde_yaml::Value::Null => Pod::Null,
        serde_yaml::Value::Bool(bool) => Pod::Boolean(bool),
        serde_yaml::Value::Number(number) => match number.as_i64() {
            Some(int) => Pod::Integer(int),
            None => Pod::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_yaml::Value::String(text) => Pod::String(text),
        serde_yaml::Value::Sequence(items) => Pod::Array(items.into_iter().map(pod).collect()),
        serde_yaml::Value::Mapping(entries) => {
            let name = |key: serde_yaml::Value| match key {
                serde_yaml::Value::String(text) => text,
                other => serde_yaml::to_string(&other)
                    .expect("a key can be written")
                    .trim_end()
                    .to_owned(),
            };
            Pod::Hash(
                entries
                    .into_iter()
                    .map(|(key, value)| (name(key), pod(value)))
                    .collect(),
            )
        }
        serde_yaml::Value::Tagged(tagged) => pod(tagged.value),
    }
}

/// Lines as that crate holds them: without carriage returns, trimmed as a whole.
fn lines(text: &str) -> String {
    text.lines()
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

#[test]
fn our_split_is_that_of_gray_matter() {
    let matter: Matter<Yaml> = Matter::new();
    let mut compared = 0;
    for (path, story) in crate::corpus::stories("our_split_is_that_of_gray_matter") {
        let (Some(text), false) = (
            story.as_str(),
            story.as_bytes().starts_with(b"\xef\xbb\xbf"),
        ) else {
            // It takes text only, and sees no frontmatter behind a byte order mark.
            continue;
        };
        if text.starts_with("---yaml") {
            // It knows no language names.
            continue;
        }
        let parsed = matter
            .parse::<Pod>(text)
            .unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        assert_eq!(
            parsed.matter,
            lines(story.frontmatter()),
            "{}: the same frontmatter",
            path.display()
        );
        let mut keys: Vec<String> = match parsed.data {
            Some(Pod::Hash(entries)) => entries.into_keys().collect(),
            _ => Vec::new(),
        };
        keys.sort();
        let mut fields: Vec<String> = story.fields().into_iter().map(str::to_owned).collect();
        fields.sort();
        assert_eq!(keys, fields, "{}: the same keys", path.display());
        compared += 1;
    }
    assert!(compared > 20, "there are files to compare");
}
