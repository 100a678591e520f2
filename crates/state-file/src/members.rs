//! The members of a JSON object, in their order, each as it is written. Pure.

use std::fmt;

use json_text::{JsonText, Path};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names and values.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// The members at the top that two versions of a text do not have in common, as paths: first those that were changed or
/// removed, in the order of the first version, then the new ones. Where one of them is no object, and they differ, that is the
/// empty path.
pub fn changed_members(before: &JsonText, after: &JsonText) -> Vec<String> {
    if before.as_str() == after.as_str() {
        return Vec::new();
    }
    let (Some(old), Some(new)) = (names(before), names(after)) else {
        return vec![Path::whole().to_string()];
    };
    let differs = |path: &&Path| before.raw(path) != after.raw(path);
    let added = new.iter().filter(|path| before.raw(path).is_none());
    old.iter()
        .filter(differs)
        .chain(added)
        .map(Path::to_string)
        .collect()
}

/// `None` of what is no object.
fn names(text: &JsonText) -> Option<Vec<Path>> {
    let Members(members) = serde_json::from_str(text.as_str()).ok()?;
    let paths = members.into_iter().map(|(name, _)| Path::whole().key(name));
    Some(paths.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_members_are_those_that_differ_at_the_top() {
        let table: [(&str, &str, &[&str]); 6] = [
            ("{\"a\":1}", "{\"a\":1}", &[]),
            ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", &[]),
            (
                "{\"a\":{\"x\":1},\"b\":2,\"c\":3}",
                "{\"d.e\":0,\"a\":{\"x\":2},\"c\":3}",
                &["a", "b", "/d.e"],
            ),
            ("{}", "[]", &[""]),
            ("[1]", "[2]", &[""]),
            ("1", "1", &[]),
        ];
        for (before, after, expected) in table {
            let [old, new] =
                [before, after].map(|text| JsonText::parse(text.as_bytes()).expect("it is JSON"));
            assert_eq!(
                changed_members(&old, &new),
                expected,
                "between {before} and {after}"
            );
        }
    }
}
