//! The suites on the command line. Decides the counts of each column of the bar; knows nothing of
//! what the suites do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command for people at a terminal"
)]

use anyhow::{Context, Result, bail};
use lambuild_torture::{collect, fill, flip, image, kill, many, points, power, states, sweep, worker};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
usage: torture SUITE [COLUMN | COUNT] [seed=N] [broken=MISTAKE] [in=FOLDER]

  kill     R1       processes are killed at any instant
  power    R2, R3   the power goes: images of ext4 and xfs, shut down without their journal (root)
  states   R4       every state that a power cut may leave, by a disk in memory
  points   R5       the process ends at each named step
  sweep    R6       each call of the system fails, by strace
  fill     F3       the disk is full (root)
  full     R7       the collector works on a full disk (root)
  flip     R8       a bit is turned
  many     R9       32 processes want the same actions at once
  race     R10      the collector takes all that it may while others build
  all               all of them
  red               each suite with a mistake that it must find

Columns: ci (minutes), pr (the bar of a change), soak (the bar of a release).
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "worker" => match rest.split_first() {
            Some((many, rest)) if many == "many" => many::main(rest),
            _ => worker::main(rest),
        },
        Some((suite, rest)) => command(suite, rest),
        None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a suite is told.
struct Call {
    count: Option<u64>,
    column: usize,
    seed: u64,
    broken: String,
    place: tempfile::TempDir,
}

/// Name and counts of the columns ci, pr and soak.
const SUITES: &[(&str, [u64; 3])] = &[
    ("states", [20_000, 50_000, 5_000_000]),
    ("points", [1, 1, 100]),
    ("flip", [100, 200, 10_000]),
    ("fill", [24, 60, 400]),
    ("full", [4, 20, 200]),
    ("many", [2, 4, 50]),
    ("race", [10, 180, 1_800]),
    ("kill", [60, 500, 10_000]),
    ("power", [20, 60, 1_000]),
    ("sweep", [400, 2_000, 50_000]),
];

/// Suites with mistakes that must turn them red, and a count that is enough.
const RED: &[(&str, &str, u64)] = &[
    ("kill", "in-place", 40),
    ("power", "no-sync", 6),
    ("power", "no-folder-sync", 40),
    ("states", "no-sync", 5_000),
    ("states", "no-folder-sync", 20_000),
    ("points", "half-writes", 1),
    ("sweep", "full-is-fine", 100),
    ("fill", "full-is-fine", 4),
    ("full", "keeps-trash", 1),
    ("flip", "read.check", 4),
    ("many", "no-locks", 4),
    ("race", "no-locks", 20),
];

/// Every row must be able to fail.
fn red(call: &Call) -> Result<()> {
    for (suite, mistake, count) in RED {
        let place = call.place.path().join(mistake);
        std::fs::create_dir_all(&place)?;
        let outcome = run_in(&place, suite, *count, call.seed, mistake);
        match outcome {
            Err(error) => println!("{suite:<7} is red with {mistake}: {error:#}"),
            Ok(()) if matches!(*suite, "power" | "fill" | "full") && image::missing().is_some() => {}
            Ok(()) => bail!("{suite} does not see the mistake {mistake}"),
        }
    }
    Ok(())
}

fn command(suite: &str, rest: &[String]) -> Result<()> {
    let call = read(rest)?;
    if suite == "red" {
        return red(&call);
    }
    if suite == "all" {
        return SUITES
            .iter()
            .try_for_each(|(name, counts)| run(name, counts, &call));
    }
    let (name, counts) = SUITES
        .iter()
        .find(|(name, _)| *name == suite)
        .with_context(|| format!("`{suite}` is no suite\n\n{HELP}"))?;
    run(name, counts, &call)
}

/// In memory where there is such a folder: most suites stop processes and calls, not disks, and a sync
/// costs nothing there. Those that cut the power bring disks of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "these are stores to be broken, not files of a build"
)]
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn read(rest: &[String]) -> Result<Call> {
    let (mut count, mut column, mut seed, mut broken, mut place) = (None, 0, 1, String::new(), place());
    for argument in rest {
        match argument.split_once('=') {
            Some(("seed", value)) => seed = value.parse()?,
            Some(("broken", value)) => broken = value.to_owned(),
            Some(("in", value)) => place = value.into(),
            _ => match argument.as_str() {
                "ci" => column = 0,
                "pr" => column = 1,
                "soak" => column = 2,
                number => {
                    count = Some(
                        number
                            .parse()
                            .with_context(|| format!("`{number}` is not understood\n\n{HELP}"))?,
                    )
                }
            },
        }
    }
    let place = tempfile::Builder::new().prefix("torture").tempdir_in(place)?;
    Ok(Call {
        count,
        column,
        seed,
        broken,
        place,
    })
}

fn run(name: &str, counts: &[u64; 3], call: &Call) -> Result<()> {
    let count = call
        .count
        .or_else(|| counts.get(call.column).copied())
        .unwrap_or(1);
    run_in(call.place.path(), name, count, call.seed, &call.broken)
}

fn run_in(place: &Path, name: &str, count: u64, seed: u64, broken: &str) -> Result<()> {
    match name {
        "kill" => kill::run(place, count, seed, broken),
        "power" => power::run(place, count, seed, broken),
        // Only the soak column has enough of them for pairs of losses.
        "states" => states::run(count, count > 1_000_000, seed, broken),
        "points" => points::run(place, count, seed, broken),
        "sweep" => sweep::run(place, count, seed, broken),
        "fill" => fill::run(place, count, seed, broken),
        "full" => collect::full(place, count, seed, broken),
        "race" => collect::race(place, count, seed, broken),
        "flip" => flip::run(place, count, seed, broken),
        "many" => many::run(place, count, seed, broken),
        _ => bail!("`{name}` is no suite\n\n{HELP}"),
    }
}
