//! The grammar of `story lease plan` and `story lease guard`.

use std::path::PathBuf;

use clap::Args;

/// Say which agents would stand in each other's way, before any of them begins
///
/// FILE says what each agent will touch, as shown below; mode is exclusive, shared or none. With --roles an agent may have a role,
/// and values for its placeholders. Shown are all pairs that cannot work at the same time, leases of others that stand in the
/// way, what could be done about each, and waves of agents that can run side by side. Nothing is acquired. With conflicts:
/// exit 5.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lease plan agents.json
  story lease plan agents.json --roles scopes.json --json

What agents will touch; a bare list is good, too:
  {\"agents\": [{\"agent\": \"a1\", \"files\": [\"x.rs\"], \"directories\": [\"src/api/\"], \"globs\": [\"**/*_test.go\"],
   \"mode\": \"exclusive\", \"task_description\": \"why\"},
   {\"agent\": \"a2\", \"role\": \"developer\", \"with\": {\"vendor\": \"stripe\"}, \"after\": [\"a1\"]}]}

A file of roles; {vendor} is a placeholder, one plain part of a path:
  {\"roles\": {\"developer\": {\"directories\": [\"backend/{vendor}/\"]}, \"reviewer\": {\"mode\": \"none\"}}}")]
pub struct PlanArgs {
    /// What the agents will touch, as JSON; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What agents of each role touch, as JSON
    #[arg(long, value_name = "FILE")]
    pub roles: Option<PathBuf>,
}

/// Refuse a commit of files that other agents have leased (for git's pre-commit hook; see `story init --git`)
///
/// Looks at what is staged, the old names of renamed files too, and at the leases of every project that holds such a file.
/// Leased by anybody but the agent of --as or `STORY_AGENT`: exit 4, and who, until when. Leases that cannot be read: exit 6.
/// `git commit --no-verify` commits without asking.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease guard --as worker-1")]
pub struct GuardArgs {}
