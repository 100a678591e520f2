//! What agents say beforehand that they will touch: the JSON of an orchestrator, and its way to paths of the project.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::agent::{Agent, AgentError};
use crate::input::{InputError, from_json, unique_names};
use crate::pattern::Pattern;
use crate::plan::PlannedRequest;
use crate::project::Project;
use crate::project_path::PathError;
use crate::roles::{Access, Role, RoleError, Roles};
use crate::scope::Scope;

/// What one agent says. Members that are not known are refused: a misspelt one would be a file that nobody guards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Its name.
    pub agent: String,
    /// A role whose paths are meant, beside those named here.
    #[serde(default)]
    pub role: Option<String>,
    /// Values for the role's placeholders.
    #[serde(default, deserialize_with = "unique_names")]
    pub with: BTreeMap<String, String>,
    /// Files, with all under them should they be folders; one with `*`, `?` or `{` in it is a glob.
    #[serde(default)]
    pub files: Vec<String>,
    /// Directories, with all under them.
    #[serde(default)]
    pub directories: Vec<String>,
    /// Globs.
    #[serde(default)]
    pub globs: Vec<String>,
    /// What it does with all of them; default: what the role says, else [`Access::Exclusive`].
    #[serde(default)]
    pub mode: Option<Access>,
    /// What for: free text.
    #[serde(default)]
    pub task_description: Option<String>,
    /// Agents that must have finished before it begins.
    #[serde(default)]
    pub after: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Intents {
    agents: Vec<Intent>,
}

/// Why what an agent says cannot be planned. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("agent {agent:?}: {problem}")]
pub struct IntentError {
    /// The agent's name, as it was given.
    pub agent: String,
    /// What is wrong.
    pub problem: IntentProblem,
}

/// What is wrong with what an agent says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentProblem {
    /// Its name, or one in `after`, is no good.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Its role does not fit.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// There are values, and no role that they are for.
    #[error("there are values for placeholders, but no role")]
    ValuesWithoutRole,
    /// A path or glob is no good.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It writes or reads, and does not say what.
    #[error("it names no files, directories or globs; one that only looks has the mode none")]
    NothingNamed,
    /// Its role takes no leases, and it names paths all the same.
    #[error("its role takes no leases, but it names paths; say with a mode what is done with them")]
    PathsOfNone,
}

/// Reads what several agents say: `{"agents": […]}`, or the bare list.
///
/// # Errors
///
/// [`InputError`].
pub fn parse_intents(text: &str) -> Result<Vec<Intent>, InputError> {
    if text.trim_start().starts_with('[') {
        return from_json(text);
    }
    from_json(text).map(|Intents { agents }| agents)
}

impl Intent {
    /// What it means in a project: the role filled in, the paths followed.
    ///
    /// # Errors
    ///
    /// [`IntentError`].
    pub fn planned(&self, roles: &Roles, project: &Project) -> Result<PlannedRequest, IntentError> {
        self.try_planned(roles, project)
            .map_err(|problem| IntentError {
                agent: self.agent.clone(),
                problem,
            })
    }

    fn try_planned(
        &self,
        roles: &Roles,
        project: &Project,
    ) -> Result<PlannedRequest, IntentProblem> {
        let role = match &self.role {
            Some(role) => roles.fill(role, &self.with)?,
            None if self.with.is_empty() => Role::default(),
            None => return Err(IntentProblem::ValuesWithoutRole),
        };
        let mut scope = scope_of(&self.files, &self.directories, &self.globs, project)?;
        let access = self.mode.unwrap_or(role.mode);
        if self.mode.is_none() && access == Access::None && !scope.is_empty() {
            return Err(IntentProblem::PathsOfNone);
        }
        let of_role = scope_of(&role.files, &role.directories, &role.globs, project)?;
        scope.extend(of_role.patterns().cloned());
        if access != Access::None && scope.is_empty() {
            return Err(IntentProblem::NothingNamed);
        }
        let after: Result<_, _> = self.after.iter().map(|name| Agent::new(name)).collect();
        Ok(PlannedRequest {
            agent: Agent::new(&self.agent)?,
            scope,
            access,
            task: self.task_description.clone(),
            after: after?,
        })
    }
}

fn scope_of(
    files: &[String],
    directories: &[String],
    globs: &[String],
    project: &Project,
) -> Result<Scope, PathError> {
    let files = files.iter().map(|file| project.entry(file));
    let directories = directories.iter().map(|directory| {
        let path = project.path(Path::new(directory));
        path.map(Pattern::Directory)
    });
    let globs = globs
        .iter()
        .map(|glob| project.glob(glob).map(Pattern::Glob));
    files.chain(directories).chain(globs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Roles {
        let text = r#"{"roles":{
            "writer": {"directories": ["src/{part}/"]},
            "looker": {"mode": "none"},
            "reader": {"files": ["docs/{part}.md"], "mode": "shared"}
        }}"#;
        Roles::parse(text).expect("roles")
    }

    /// What a list of one says, as `access scope`.
    fn planned(text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project::new(folder.path()).expect("a project");
        let intents = parse_intents(&format!("[{text}]")).map_err(|err| err.to_string())?;
        let request = intents[0].planned(&roles(), &project);
        let request = request.map_err(|err| err.to_string())?;
        Ok(format!("{} {}", request.access.name(), request.scope))
    }

    #[test]
    fn intent_means_its_own_paths_and_those_of_its_role() {
        let table = [
            (r#"{"agent":"a","files":["x.rs"]}"#, "exclusive x.rs"),
            (r#"{"agent":"a","files":["lib","m/"]}"#, "exclusive lib, m/"),
            (
                r#"{"agent":"a","files":["*.rs","x?","{a,b}.c"]}"#,
                "exclusive *.rs, x?, {a,b}.c",
            ),
            (
                r#"{"agent":"a","directories":["d"],"globs":["**/*.md"]}"#,
                "exclusive d/, **/*.md",
            ),
            (
                r#"{"agent":"a","role":"writer","with":{"part":"p"},"files":["x"]}"#,
                "exclusive x, src/p/",
            ),
            (
                r#"{"agent":"a","role":"reader","with":{"part":"p"}}"#,
                "shared docs/p.md",
            ),
            (
                r#"{"agent":"a","role":"reader","with":{"part":"p"},"mode":"exclusive"}"#,
                "exclusive docs/p.md",
            ),
            (r#"{"agent":"a","role":"looker"}"#, "none "),
            (
                r#"{"agent":"a","role":"looker","files":["x"],"mode":"shared"}"#,
                "shared x",
            ),
            (r#"{"agent":"a","mode":"none"}"#, "none "),
            (r#"{"agent":"a","mode":"none","files":["x"]}"#, "none x"),
        ];
        for (text, expected) in table {
            assert_eq!(planned(text).as_deref(), Ok(expected), "what {text} means");
        }
    }

    #[test]
    fn intent_that_says_too_little_or_too_much_is_refused() {
        let table = [
            (r#"{"agent":"a"}"#, "agent \"a\": it names no files"),
            (
                r#"{"agent":"a","files":[],"mode":"shared"}"#,
                "names no files",
            ),
            (
                r#"{"agent":"a","with":{"part":"p"},"files":["x"]}"#,
                "but no role",
            ),
            (
                r#"{"agent":"a","role":"writer"}"#,
                "needs a value for {part}",
            ),
            (
                r#"{"agent":"a","role":"gardener"}"#,
                "there is no role \"gardener\"",
            ),
            (
                r#"{"agent":"a","role":"looker","files":["x"]}"#,
                "takes no leases, but it names paths",
            ),
            (r#"{"agent":"a/b","files":["x"]}"#, "must not contain '/'"),
            (
                r#"{"agent":"a","files":["x"],"after":[""]}"#,
                "the name of an agent is empty",
            ),
            (r#"{"agent":"a","files":[""]}"#, "the path is empty"),
            (r#"{"agent":"a","globs":["[a"]}"#, "is no glob"),
            (
                r#"{"agent":"a","file":["x"]}"#,
                "[0].file: unknown field `file`",
            ),
            (r#"{"files":["x"]}"#, "missing field `agent`"),
            (r#"{"agent":"a","agent":"b"}"#, "duplicate field `agent`"),
            (
                r#"{"agent":"a","with":{"p":"1","p":"2"}}"#,
                "\"p\" stands twice",
            ),
            (
                r#"{"agent":"a","mode":"write"}"#,
                "[0].mode: unknown variant `write`",
            ),
        ];
        for (text, expected) in table {
            let refused = planned(text).expect_err("it is refused");
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn intents_are_a_list_or_the_member_agents() {
        let one = r#"{"agent":"a","files":["x"]}"#;
        let list = parse_intents(&format!(" [{one}]")).expect("a list");
        let object = parse_intents(&format!("{{\"agents\":[{one}]}}")).expect("an object");
        assert_eq!(list, object, "both say the same");
        for text in [r#"{"agent":[]}"#, r#"{"agents":[],"x":1}"#, "", "7"] {
            assert!(parse_intents(text).is_err(), "{text:?} is neither");
        }
    }
}
