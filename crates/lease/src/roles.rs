//! Roles: what an agent of a kind touches, written down once with placeholders (`scopes.json`). Pure.
//!
//! ```json
//! {"roles": {"integration-developer": {"directories": ["backend/pkg/integrations/{vendor}/"]}}}
//! ```
//!
//! `{vendor}` is a placeholder: braces around one name of letters, digits, `_` and `-` that begins with a letter. Placeholders are
//! filled in before anything else is read, so in a glob `{go,rs}` is still a choice, while `{go}`, a choice of one, is a
//! placeholder; write `go`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::input::{InputError, from_json, unique_names};
use crate::lease::Mode;

/// What an agent does with the paths that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It writes them, and nobody else touches them.
    #[default]
    Exclusive,
    /// It reads them, and nobody else writes them.
    Shared,
    /// It only looks, whatever others do meanwhile: no lease.
    None,
}

impl Access {
    /// The mode of the lease that it needs.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Self::Exclusive => Some(Mode::Exclusive),
            Self::Shared => Some(Mode::Shared),
            Self::None => None,
        }
    }

    /// The word in JSON.
    pub fn name(self) -> &'static str {
        self.mode().map_or("none", Mode::name)
    }
}

/// What agents of one role touch: paths and globs with placeholders in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// Files; one with `*`, `?` or `{` in it, once it is filled in, is a glob.
    pub files: Vec<String>,
    /// Directories, with all under them.
    pub directories: Vec<String>,
    /// Globs.
    pub globs: Vec<String>,
    /// What is done with them.
    pub mode: Access,
}

/// The roles of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    #[serde(deserialize_with = "unique_names")]
    roles: BTreeMap<String, Role>,
}

/// Why a role cannot be filled in. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// There is no such role.
    #[error("there is no role {role:?}; there are: {}", .known.join(", "))]
    Unknown {
        /// As it was asked for.
        role: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A placeholder has no value.
    #[error("the role {role:?} needs a value for {{{placeholder}}}, in {text}")]
    Missing {
        /// The role.
        role: String,
        /// The placeholder's name.
        placeholder: String,
        /// The path in which it stands.
        text: String,
    },
    /// A value has no placeholder: a misspelt name, or the wrong role.
    #[error("the role {role:?} has no placeholder {{{name}}}")]
    Unused {
        /// The role.
        role: String,
        /// The value's name.
        name: String,
    },
    /// A value would change which folders are meant: it must be one plain part of a path.
    #[error("the value {value:?} of {{{name}}} {reason}")]
    Value {
        /// The value's name.
        name: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Roles {
    /// Reads `scopes.json`.
    ///
    /// # Errors
    ///
    /// [`InputError`]: it is no JSON, or holds members that are not known, or a role twice.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        from_json(text)
    }

    /// The names of the roles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// The role with all placeholders filled in.
    ///
    /// # Errors
    ///
    /// [`RoleError`].
    pub fn fill(&self, role: &str, values: &BTreeMap<String, String>) -> Result<Role, RoleError> {
        let Some(template) = self.roles.get(role) else {
            return Err(RoleError::Unknown {
                role: role.to_owned(),
                known: self.names().map(str::to_owned).collect(),
            });
        };
        for (name, value) in values {
            check_value(name, value)?;
        }
        let mut used = BTreeSet::new();
        let mut fill_all = |texts: &[String]| -> Result<Vec<String>, RoleError> {
            let filled = texts.iter().map(|text| fill(role, text, values, &mut used));
            filled.collect()
        };
        let filled = Role {
            files: fill_all(&template.files)?,
            directories: fill_all(&template.directories)?,
            globs: fill_all(&template.globs)?,
            mode: template.mode,
        };
        match values.keys().find(|name| !used.contains(name.as_str())) {
            Some(unused) => Err(RoleError::Unused {
                role: role.to_owned(),
                name: unused.clone(),
            }),
            None => Ok(filled),
        }
    }
}

/// A value is one part of a path, or a piece of one. `/` and `..` would lead elsewhere, the special characters of globs would
/// widen what is meant, and a comma would in a choice.
fn check_value(name: &str, value: &str) -> Result<(), RoleError> {
    let is_special = |c: char| "/\\*?[]{},".contains(c) || c.is_control();
    let reason = if value.is_empty() {
        "is empty"
    } else if value.contains(is_special) {
        "must not contain / \\ * ? [ ] { } , nor control characters"
    } else if value == "." || value.contains("..") {
        "must not be . nor contain .."
    } else {
        return Ok(());
    };
    Err(RoleError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        reason,
    })
}

fn fill<'v>(
    role: &str,
    text: &str,
    values: &'v BTreeMap<String, String>,
    used: &mut BTreeSet<&'v str>,
) -> Result<String, RoleError> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let Some(name) = placeholder(behind) else {
            filled.push('{');
            rest = behind;
            continue;
        };
        let Some((name, value)) = values.get_key_value(name) else {
            return Err(RoleError::Missing {
                role: role.to_owned(),
                placeholder: name.to_owned(),
                text: text.to_owned(),
            });
        };
        used.insert(name);
        filled.push_str(value);
        rest = &behind[name.len() + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The name of the placeholder whose opening brace stands before `text`.
fn placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('}')?;
    let is_named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_named.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Roles {
        let path = testkit::fixtures().join("leases/roles.json");
        let text = std::fs::read_to_string(path).expect("the fixture can be read");
        Roles::parse(&text).expect("the shipped roles can be read")
    }

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn values(pairs: Pairs<'_>) -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }

    #[test]
    fn shipped_roles_are_those_of_the_requirement() {
        let roles = shipped();
        let vendor = values(&[("vendor", "stripe")]);
        let fill = |role| roles.fill(role, &vendor).expect("it has one placeholder");
        let developer = fill("integration-developer");
        assert_eq!(
            developer.directories,
            ["backend/pkg/integrations/stripe/"],
            "the developer has the vendor's folder"
        );
        assert_eq!(
            fill("backend-tester").globs,
            ["backend/pkg/integrations/stripe/*_test.go"],
            "the tester has the tests in it"
        );
        assert_eq!(
            fill("frontend-developer").directories,
            ["ui/src/sections/integrations/stripe/"],
            "the frontend has its folder"
        );
        let reviewer = roles.fill("integration-reviewer", &values(&[]));
        let reviewer = reviewer.expect("it has no placeholder");
        assert_eq!(reviewer.mode, Access::None, "who only reads takes no lease");
        assert_eq!(roles.names().count(), 4, "and there are no others");
    }

    #[test]
    fn fill_replaces_placeholders_and_leaves_choices_of_globs() {
        let roles = Roles::parse(
            r#"{"roles":{"r":{"globs":["{a}/*.{go,rs}","x{a}{b-1}y","{}/{1}/{a b}/{a"],"files":["{a}"]}}}"#,
        );
        let roles = roles.expect("a role");
        let filled = roles.fill("r", &values(&[("a", "one"), ("b-1", "two")]));
        let filled = filled.expect("each placeholder has its value");
        assert_eq!(
            filled.globs,
            ["one/*.{go,rs}", "xonetwoy", "{}/{1}/{a b}/{a"],
            "only braces around one name are placeholders"
        );
        assert_eq!(filled.files, ["one"], "in files too");
    }

    #[test]
    fn fill_refuses_what_does_not_fit() {
        let roles = Roles::parse(r#"{"roles":{"r":{"directories":["src/{part}/"]}}}"#);
        let roles = roles.expect("a role");
        let table: [(&str, Pairs<'_>, &str); 12] = [
            ("x", &[], "no role \"x\"; there are: r"),
            ("r", &[], "needs a value for {part}, in src/{part}/"),
            (
                "r",
                &[("part", "a"), ("parts", "b")],
                "no placeholder {parts}",
            ),
            ("r", &[("part", "")], "is empty"),
            ("r", &[("part", "a/b")], "must not contain"),
            ("r", &[("part", "a\\b")], "must not contain"),
            ("r", &[("part", "..")], "must not be . nor contain .."),
            ("r", &[("part", "a..b")], "must not be . nor contain .."),
            ("r", &[("part", ".")], "must not be . nor contain .."),
            ("r", &[("part", "*")], "must not contain"),
            ("r", &[("part", "{part}")], "must not contain"),
            ("r", &[("part", "a,b")], "must not contain"),
        ];
        for (role, given, expected) in table {
            let refused = roles.fill(role, &values(given)).expect_err("it is refused");
            let text = refused.to_string();
            assert!(text.contains(expected), "{role} with {given:?}: {text}");
        }
    }

    #[test]
    fn parse_says_where_a_mistake_stands() {
        let table = [
            ("{", 1, ""),
            ("{\"roles\":{\"r\":{\n\"file\":[]}}}", 2, "roles.r"),
            ("{\"roles\":{\"r\":{},\n\"r\":{}}}", 2, "roles"),
            (
                "{\"roles\":{\"r\":{\"mode\":\"write\"}}}",
                1,
                "roles.r.mode",
            ),
            ("{\"roles\":{}} x", 1, ""),
        ];
        for (text, line, member) in table {
            let refused = Roles::parse(text).expect_err("it is refused");
            assert_eq!(refused.line, line, "the line of the mistake in {text:?}");
            assert!(
                refused.member.starts_with(member),
                "the member of the mistake in {text:?}: {refused}"
            );
        }
    }
}
