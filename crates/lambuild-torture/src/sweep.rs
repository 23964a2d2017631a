//! Row R6: each call of the system fails in turn, with each error that it may have. The worker ends
//! well or says what is wrong; no wrong object is left, nothing acknowledged is lost, nobody panics.

use crate::check;
use crate::process;
use crate::report::{self, Row};
use crate::worker::{Acknowledged, NOBODY_LISTENS, Work, durability};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The calls that the store makes, with the errors that each is given.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EMFILE", "EIO", "ENOSPC"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("read", &["EIO"]),
    ("fchmod", &["EIO"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("syncfs", &["EIO"]),
    ("renameat2", &["ENOSPC", "EIO"]),
    ("renameat", &["ENOSPC", "EIO"]),
    ("unlinkat", &["EIO"]),
    ("mkdirat", &["ENOSPC", "EDQUOT"]),
    ("flock", &["ENOLCK"]),
    ("fallocate", &["ENOSPC", "EIO"]),
    ("newfstatat", &["EIO", "ESTALE"]),
    ("fstat", &["EIO"]),
    ("utimensat", &["EIO"]),
];
/// Other calls run at full speed.
const FAST: &str = "--seccomp-bpf";
/// The longest run of one call: where a call is made more often, every so manieth is tried.
const MOST: u64 = 400;

/// Lets calls fail until `wanted` were tried.
///
/// # Errors
/// With the call, its number and its error, when the store did not stand it.
pub fn run(place: &Path, wanted: u64, seed: u64, broken: &str) -> Result<()> {
    if !process::is_there("strace") {
        report::skipped("R6", "strace is missing (Debian: strace)");
        return Ok(());
    }
    let row = Row::begin("R6", seed);
    let (mut tried, mut failed, mut round) = (0, 0, 0);
    while tried < wanted {
        for (call, errors) in CALLS {
            let mode = ["full", "session", "none"][(round % 3) as usize];
            let counted = count(place, call, mode, seed ^ round)?.min(MOST);
            for error in *errors {
                // A small bar takes a sample that is spread over all calls.
                let step = (counted * CALLS.len() as u64 * 2 / wanted.max(1)).max(1);
                for number in (1..=counted).step_by(step as usize) {
                    let inject = format!("{call}:error={error}:when={number}");
                    failed += u64::from(
                        one(place, &inject, mode, seed ^ (tried << 8), broken)
                            .with_context(|| format!("{inject}, {mode}, seed {seed}"))?,
                    );
                    tried += 1;
                }
            }
        }
        round += 1;
    }
    if failed == 0 {
        bail!("no failure was ever told: nothing was made to fail");
    }
    row.end(&format!(
        "{tried} failing calls, {failed} of them told by the worker: 0 wrong, 0 lost, 0 panics"
    ));
    Ok(())
}

fn work(place: &Path, mode: &str, seed: u64, broken: &str) -> Result<Work> {
    let store = place.join("sweep");
    Ok(Work {
        durability: durability(mode)?,
        broken: broken.to_owned(),
        ..Work::on(&store, seed, 2)
    })
}

/// How often the worker makes a call.
fn count(place: &Path, call: &str, mode: &str, seed: u64) -> Result<u64> {
    let log = place.join("sweep.strace");
    let log_text = log.to_string_lossy().into_owned();
    let end = traced(call, &["-o", &log_text], &work(place, mode, seed, "")?)?;
    if end.code != Some(0) {
        bail!(
            "without a failing call the worker ended with {:?}: {}",
            end.code,
            end.complaint
        );
    }
    let lines = fs::read_to_string(&log)?;
    fs::remove_dir_all(place.join("sweep"))?;
    Ok(lines.lines().filter(|line| line.contains(call)).count() as u64)
}

/// Whether the worker told the failure.
fn one(place: &Path, inject: &str, mode: &str, seed: u64, broken: &str) -> Result<bool> {
    let store = place.join("sweep");
    let call = inject.split(':').next().unwrap_or_default();
    let options = ["-e", &format!("inject={inject}"), "-o", "/dev/null"];
    let end = traced(call, &options, &work(place, mode, seed, broken)?)?;
    match end.code {
        Some(0 | NOBODY_LISTENS) => {}
        // 127: the program itself could not be loaded; 1: it said what is wrong.
        Some(1 | 127) if !end.complaint.trim().is_empty() => {}
        _ => bail!("it ended with {:?} and said: {}", end.code, end.complaint),
    }
    let acknowledged: Vec<_> = end
        .said
        .iter()
        .filter_map(|line| Acknowledged::read(line))
        .collect();
    check::store(&store, &acknowledged, seed)?.judge()?;
    Ok(end.code != Some(0))
}

/// The worker under `strace`, which follows one call in all threads and does what `options` say.
fn traced(call: &str, options: &[&str], work: &Work) -> Result<process::End> {
    let trace = format!("trace={call}");
    let line = [&[FAST, "-f", "-qq", "-e", &trace, "-e", "signal=none"], options].concat();
    let line: Vec<String> = line.into_iter().map(str::to_owned).collect();
    process::Worker::start_under("strace", &line, &work.arguments())?.end()
}
