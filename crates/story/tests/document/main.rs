//! The pure half of the crate, through its public functions.

mod corpus;
mod fixtures;
mod invariants;
mod mutations;
mod node_oracle;
