//! One lease as it stands in an agent's file, in the key `leases`.

use serde::{Deserialize, Serialize};

use super::lists::Lists;
use super::times::Millis;
use crate::agent::Agent;
use crate::lease::{Lease, Mode, Token};
use crate::process::Process;
use crate::project::Project;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    token: Option<u64>,
    mode: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    directories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    globs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_description: Option<String>,
    acquired_at: Millis,
    renewed_at: Millis,
    expires_at: Millis,
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<Process>,
}

impl Entry {
    pub(super) fn of(lease: &Lease) -> Self {
        let Lists {
            files,
            directories,
            globs,
        } = Lists::of(&lease.scope);
        Self {
            token: lease.token.map(|token| token.0),
            mode: lease.mode.name().to_owned(),
            files,
            directories,
            globs,
            task_description: lease.task.clone(),
            acquired_at: Millis(lease.acquired_at),
            renewed_at: Millis(lease.renewed_at),
            expires_at: Millis::end(lease.expires_at),
            generation: lease.generation,
            bound_to: lease.bound_to.clone(),
        }
    }

    pub(super) fn lease(self, agent: &Agent, project: &Project) -> Result<Lease, String> {
        let lists = Lists {
            files: self.files,
            directories: self.directories,
            globs: self.globs,
        };
        Ok(Lease {
            token: self.token.map(Token::written).transpose()?,
            agent: agent.clone(),
            scope: lists.scope(project).map_err(|err| err.to_string())?,
            mode: mode(&self.mode)?,
            task: self.task_description,
            acquired_at: self.acquired_at.0,
            renewed_at: self.renewed_at.0,
            expires_at: self.expires_at.0,
            generation: self.generation,
            bound_to: self.bound_to,
        })
    }
}

pub(super) fn mode(name: &str) -> Result<Mode, String> {
    [Mode::Exclusive, Mode::Shared]
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or_else(|| format!("{name:?} is no mode of a lease"))
}
