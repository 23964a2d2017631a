//! The `lambuild` program: arguments, wiring, progress, words for people.
//!
//! Everything that thinks is in the crates below; here they are put together.

pub mod args;
pub mod commands;
pub mod environment;
pub mod exit;

pub mod artifacts;
pub mod fetchers;
pub mod files;
pub mod rules;
pub mod run;
pub mod summary;
pub mod workspace;

pub mod progress;
pub mod talk;

use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    commands::completions::answer(args::Args::command);
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // A closed pipe is the only way this fails, and then nobody reads it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK });
        }
    };
    let environment = match environment::Environment::of_process() {
        Ok(environment) => environment,
        Err(message) => {
            anstream::eprintln!("error: {message}");
            return ExitCode::from(exit::FAILED);
        }
    };
    ExitCode::from(commands::run(&args, &environment))
}
