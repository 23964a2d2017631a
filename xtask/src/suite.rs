//! Decides what must pass before a change lands, in which order, and how the time that
//! it took is told.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{process, soak, tools};

/// One part of the whole run.
struct Part {
    name: &'static str,
    seconds: Duration,
    outcome: Result<()>,
}

const TEST: [&str; 3] = ["test", "--locked", "--no-fail-fast"];
/// The package whose tests start the program; its time is told apart from that of the others.
const END_TO_END: &str = "lambuild-tests";

/// Runs everything. A part that fails does not hide the next: all are run, the failures
/// are listed at the end.
///
/// # Errors
/// Where a part failed.
pub fn run(root: &Path) -> Result<()> {
    let cargo = |args: &[&str]| process::run(root, &[&["cargo"], args].concat());
    let parts = [
        timed("test tools", || tools::install(root)),
        timed("formatting", || cargo(&["fmt", "--all", "--check"])),
        timed("lints", || {
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ])
        }),
        timed("program", || {
            cargo(&["build", "--workspace", "--bins", "--locked"])
        }),
        timed("unit tests", || {
            cargo(&[&TEST[..], &["--workspace", "--exclude", END_TO_END]].concat())
        }),
        timed("end to end", || {
            cargo(&[&TEST[..], &["--package", END_TO_END]].concat())
        }),
        timed("store", || {
            soak::torture(root, &["all", "ci"])?;
            soak::torture(root, &["red"])
        }),
    ];
    print!("\n{}", table(&parts));
    match parts.iter().filter(|part| part.outcome.is_err()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} parts failed", parts.len()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of each part is for the reader, nothing depends on it"
)]
fn timed(name: &'static str, work: impl FnOnce() -> Result<()>) -> Part {
    println!("\n== {name}");
    let start = Instant::now();
    let outcome = work();
    if let Err(error) = &outcome {
        println!("{error:#}");
    }
    Part {
        name,
        seconds: start.elapsed(),
        outcome,
    }
}

/// Name, minutes and outcome of each part, and their sum.
fn table(parts: &[Part]) -> String {
    let minutes = |time: Duration| time.as_secs_f64() / 60.0;
    let mut text = format!("{:<12} {:>7}\n", "part", "minutes");
    for part in parts {
        let outcome = if part.outcome.is_ok() { "ok" } else { "FAILED" };
        text += &format!("{:<12} {:>7.1}  {outcome}\n", part.name, minutes(part.seconds));
    }
    let sum = parts.iter().map(|part| part.seconds).sum();
    text + &format!("{:<12} {:>7.1}\n", "all", minutes(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_minutes_and_outcomes() {
        let part = |name, seconds, outcome| Part {
            name,
            seconds: Duration::from_secs(seconds),
            outcome,
        };
        let parts = [
            part("lints", 90, Ok(())),
            part("tests", 600, Err(anyhow::anyhow!("one"))),
        ];
        let expected = "part         minutes\nlints            1.5  ok\ntests           10.0  FAILED\nall             11.5\n";
        assert_eq!(table(&parts), expected);
    }

    #[test]
    fn a_part_that_fails_is_kept_as_failed() {
        assert!(timed("no", || bail!("broken")).outcome.is_err());
        assert!(timed("yes", || Ok(())).outcome.is_ok());
    }
}
