//! The command line as users and programs meet it: grammar, results, JSON shapes, exit codes, streams; through the real
//! `story` binary. Several processes at once are the business of `tests/` at the top of the workspace.
#![cfg(unix)]

mod apply;
mod audit;
mod board;
mod claims;
mod creation;
mod desk;
mod doctor;
mod edit_file;
mod finding;
mod get;
mod git_desk;
mod grammar;
mod help;
mod init;
mod journal;
mod lease_plan;
mod leased_stories;
mod leases;
mod lifecycle;
mod locks;
mod logs;
mod merging;
mod operations;
mod queries;
mod recovery;
mod run;
mod run_kills;
mod run_verbs;
mod sections;
mod set;
mod shapes;
mod snapshot;
mod state;
mod streams;
mod tasks;
mod terminal;
mod watch;
