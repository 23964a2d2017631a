//! One file for each command.

pub mod build;
pub mod check;
pub mod completions;
pub mod deploy;
pub mod doc;
pub mod doctor;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod init;
pub mod lock;
pub mod lsp;
pub mod man;
pub mod store;
pub mod verify;

use crate::args::{Args, Command};
use crate::environment::Environment;
use crate::exit;
use crate::talk::Talk;
use crate::workspace::Workspace;

/// Runs the command; the exit code.
pub fn run(args: &Args, environment: &Environment) -> u8 {
    let talk = Talk::new(
        &args.common,
        environment.get("NO_COLOR").is_some(),
        environment.is_ci(),
    );
    trace(&talk);
    let open = || {
        let at = Workspace::open(&args.common, environment).map_err(|trouble| {
            talk.error(&trouble.message);
            trouble.exit
        })?;
        at.judge_lock(&talk).map(|()| at)
    };
    let ended = match &args.command {
        Command::Build(options) => open().and_then(|at| build::run(options, &at, environment, &talk)),
        Command::Deploy(options) => open().and_then(|at| deploy::run(options, &at, environment, &talk)),
        Command::Lock(options) => open().and_then(|at| lock::run(options, &at, environment, &talk)),
        Command::Check(options) => open().and_then(|at| check::run(options, &at, &talk)),
        Command::Verify(options) => open().and_then(|at| verify::run(options, &at, environment, &talk)),
        Command::Graph(options) => open().and_then(|at| graph::run(options, &at, &talk)),
        Command::Fmt(options) => fmt::run(options, &args.common, environment, &talk),
        Command::Doctor => doctor::run(&args.common, environment, &talk),
        Command::Doc(options) => doc::run(options, environment, &talk),
        Command::Store { command } => store::run(command, &args.common, environment, &talk),
        Command::Explain { code } => explain::run(code.as_deref(), &talk),
        Command::Init(options) => init::run(options, environment, &talk),
        Command::Lsp(options) => lsp::run(options, &args.common, environment),
        Command::Completions { shell } => completions::run(*shell, &talk),
        Command::Man { folder } => man::run(folder, environment, &talk),
    };
    ended.err().unwrap_or(exit::OK)
}

/// What happens inside, on stderr, from `-vv` on.
fn trace(talk: &Talk) {
    let level = match talk.verbose {
        0 | 1 => tracing::Level::ERROR,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(talk.color)
        .init();
}
