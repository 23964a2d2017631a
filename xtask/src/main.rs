//! Decides which of the developers' commands runs. Knows nothing of what they do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command for people at a terminal"
)]

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{bench, botocore, repository_root, soak, suite, tidy, tools};

const HELP: &str = "\
usage: cargo xtask COMMAND

  test         everything that must pass: tools, formatting, lints, all tests
  tidy         the house rules that no compiler knows
  tools        install what the tests need beside Rust: AWS CLI, moto, qemu, shellcheck, openssl
  botocore     what is new in the Lambda API since the pinned botocore; `botocore move` pins it
  bench        lambuild against a plain loop of `go build`, as a table with ratios;
               `bench store` the store against cp, stat and b3sum;
               `bench steps [N]` N small commands, sandboxed, against ninja;
               `bench lang` the language's speed and memory, against the same in Nix
  soak [NAME]  a long-running suite; without a name, the list of them; `soak fuzz MINUTES`
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match command(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(args: &[String]) -> Result<()> {
    let root = repository_root();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => suite::run(&root),
        ["tidy"] => tidy::run(&root),
        ["tools"] => tools::install(&root),
        ["botocore"] => botocore::compare(&root),
        ["botocore", "move"] => botocore::move_pin(&root),
        ["bench", ref names @ ..] => bench::named(&root, names),
        ["soak"] => {
            print!("{}", soak::list(soak::SUITES));
            Ok(())
        }
        ["soak", name, ref words @ ..] => soak::run(soak::SUITES, &root, name, words),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("`cargo xtask {}` is no command\n\n{HELP}", args.join(" ")),
    }
}
