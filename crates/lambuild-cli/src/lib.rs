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
pub mod host_files;
pub mod rules;
pub mod run;
pub mod summary;
pub mod workspace;

pub mod progress;
pub mod talk;

pub mod codes;
pub mod verify;

use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == lambuild_sandbox::helper::COMMAND)
    {
        // Before anything else: it must have one thread, and its arguments are its own.
        return lambuild_sandbox::helper::main();
    }
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
