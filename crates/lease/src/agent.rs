//! The name of an agent, which is also the name of its file in a folder of leases. Pure.

use std::fmt;

/// With `.lock` behind it and the marks of a temporary file around it, a name of this many bytes still fits the 255 of a file
/// name.
pub const MAX_AGENT_BYTES: usize = 100;

/// Who holds leases. An agent never stands in its own way: it is one worker, however many processes it consists of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Agent(String);

/// Why a text cannot be the name of an agent. Retrying does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// It is empty.
    #[error("the name of an agent is empty")]
    Empty,
    /// It is longer than [`MAX_AGENT_BYTES`].
    #[error("the name of an agent has {0} bytes, and may have {MAX_AGENT_BYTES}")]
    TooLong(usize),
    /// It begins with a dot, or begins or ends with a blank.
    #[error("the name of an agent must not begin with a dot, nor begin or end with a blank")]
    Edge,
    /// It holds a character that no file name may hold on one system or another.
    #[error("the name of an agent must not contain {0:?}")]
    Character(char),
}

impl Agent {
    /// Checks a name: it may hold any characters but control characters and `/ \ : * ? " < > |`.
    ///
    /// # Errors
    ///
    /// [`AgentError`].
    pub fn new(name: &str) -> Result<Self, AgentError> {
        if name.is_empty() {
            return Err(AgentError::Empty);
        }
        if name.len() > MAX_AGENT_BYTES {
            return Err(AgentError::TooLong(name.len()));
        }
        if name.starts_with('.') || name.trim() != name {
            return Err(AgentError::Edge);
        }
        let forbidden = |c: &char| c.is_control() || "/\\:*?\"<>|".contains(*c);
        match name.chars().find(forbidden) {
            Some(c) => Err(AgentError::Character(c)),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_takes_what_can_be_a_file_name_everywhere() {
        for name in ["agent-1", "a", "runner 2", "Ünal", "a.b@host+1"] {
            assert!(Agent::new(name).is_ok(), "{name:?} is a name");
        }
        let long = "x".repeat(MAX_AGENT_BYTES + 1);
        let table = [
            ("", AgentError::Empty),
            (".hidden", AgentError::Edge),
            (" a", AgentError::Edge),
            ("a ", AgentError::Edge),
            ("a/b", AgentError::Character('/')),
            ("a\\b", AgentError::Character('\\')),
            ("a\nb", AgentError::Character('\n')),
            ("a*", AgentError::Character('*')),
            (&long, AgentError::TooLong(101)),
        ];
        for (name, expected) in table {
            assert_eq!(Agent::new(name), Err(expected), "{name:?} is refused");
        }
    }
}
