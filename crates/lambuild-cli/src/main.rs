//! The `lambuild` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambuild_cli::main()
}
