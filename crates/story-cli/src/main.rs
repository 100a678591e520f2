//! The `story` command: safe shared story files for people, scripts and agents.

mod app;
mod apply;
mod args;
mod by_path;
mod child;
mod claim;
mod completions;
mod configuration;
mod context;
mod contract;
mod creation;
mod diff;
mod doctor;
mod durations;
mod edits;
mod failure;
mod failure_board;
mod failure_edit;
mod failure_lease;
mod failure_operations;
mod failure_run;
mod failure_sources;
mod failure_state;
mod finding;
mod get;
mod git;
mod git_hook;
mod git_merging;
mod ignore_rules;
mod init;
mod journal;
mod json;
mod lease;
mod lease_store;
mod lifecycle;
mod lock;
mod merging;
mod operations;
mod output;
mod places;
mod queries;
mod recovery;
mod run;
mod section;
mod set;
mod settings;
mod shared_files;
mod show;
mod signals;
mod snapshot;
mod state;
mod story_leases;
mod sys;
mod table;
mod task;
mod task_board;
mod tasks;
mod terminal;
mod text_argument;
mod transaction;
mod value_text;
mod workflow;

use std::process::ExitCode;

fn main() -> ExitCode {
    app::run(std::env::args_os().collect())
}
