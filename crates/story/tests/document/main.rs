//! The pure half of the crate, through its public functions.

mod corpus;
mod fixtures;
mod frontmatter;
mod gray_matter;
mod invariants;
mod limits;
mod merging;
mod mutations;
mod node_reading;
mod node_writing;
mod oracle;
mod properties;
