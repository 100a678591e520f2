//! The pure half of the crate, through its public functions.

mod corpus;
mod invariants;
mod mutations;
mod node_oracle;
