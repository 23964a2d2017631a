//! Row R9: many processes want the same actions at the same time. Each action runs once, everybody
//! has its result, nobody waits for ever, and a process that dies keeps nobody from going on.

use crate::broken;
use crate::check;
use crate::process::{self, End, Worker};
use crate::random::Random;
use crate::report::Row;
use anyhow::{Context, Result, bail};
use lambuild_action::store::write_tree;
use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, Isolation, Turn, Turns};
use lambuild_digest::{DigestFunction, Dir, Node, RelPath};
use lambuild_store::{DiskStore, Options};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Processes at a time.
const PROCESSES: u64 = 32;
/// Actions that each of them wants.
const ACTIONS: u64 = 10;
/// Of so many processes one is killed, in every second round.
const KILLED: u64 = 10;

/// Lets them all start at once, `rounds` times.
///
/// # Errors
/// With the action that ran twice, or what a process said.
pub fn run(place: &Path, rounds: u64, seed: u64, broken: &str) -> Result<()> {
    let row = Row::begin("R9", seed);
    let mut executions = 0;
    for round in 0..rounds {
        let folder = place.join(format!("many-{round}"));
        fs::create_dir_all(&folder)?;
        executions += one(&folder, round % 2 == 1, seed ^ round, broken)
            .with_context(|| format!("round {round} of seed {seed}"))?;
        fs::remove_dir_all(&folder)?;
    }
    row.end(&format!(
        "{rounds} rounds of {PROCESSES} processes that want {ACTIONS} actions: {executions} executions, 0 twice, 0 stuck"
    ));
    Ok(())
}

fn one(folder: &Path, kills: bool, seed: u64, broken: &str) -> Result<usize> {
    let (store, log) = (folder.join("store"), folder.join("executions"));
    fs::write(&log, "")?;
    let mut running = Vec::new();
    for number in 0..PROCESSES {
        let line = [
            "many",
            &store.to_string_lossy(),
            &log.to_string_lossy(),
            &number.to_string(),
            broken,
        ];
        running.push(Worker::start(&line.map(str::to_owned))?);
    }
    let mut random = Random::new(seed);
    let mut ends = Vec::new();
    for (number, mut worker) in running.into_iter().enumerate() {
        if kills && (number as u64).is_multiple_of(KILLED) {
            worker.listen(Duration::from_micros(random.below(60_000)));
            worker.kill()?;
        } else {
            ends.push(worker.end()?);
        }
    }
    all_well(&ends)?;
    let ran = fs::read_to_string(&log)?;
    once(&ran, kills)?;
    check::store(&store, &[], seed)?.judge()?;
    Ok(ran.lines().filter(|line| line.starts_with("begin")).count())
}

fn all_well(ends: &[End]) -> Result<()> {
    for end in ends {
        if end.code != Some(0) {
            bail!("a process ended with {:?} and said: {}", end.code, end.complaint);
        }
    }
    Ok(())
}

/// Every action ran once. One whose process was killed may have been begun again, or be kept without
/// its last line.
fn once(ran: &str, kills: bool) -> Result<()> {
    let mut begun: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for line in ran.lines() {
        let (what, action) = line.split_once(' ').context("a line of the log was torn")?;
        let counts = begun.entry(action).or_default();
        match what {
            "begin" => counts.0 += 1,
            _ => counts.1 += 1,
        }
    }
    for (action, (begins, ends)) in &begun {
        if !kills && (*begins, *ends) != (1, 1) || *ends > 1 {
            bail!("action {action} was begun {begins} times and ended {ends} times");
        }
    }
    if begun.len() as u64 != ACTIONS {
        bail!("{} of {ACTIONS} actions ran", begun.len());
    }
    Ok(())
}

/// One of the processes: `STORE LOG NUMBER MISTAKE`.
///
/// # Errors
/// What the store says.
pub fn main(arguments: &[String]) -> Result<()> {
    let [store, log, number, mistake] = arguments else {
        bail!("four arguments are wanted")
    };
    let options = Options {
        fs: broken::disk(mistake)?,
        ..Options::default()
    };
    let store = DiskStore::open_with(Path::new(store), DigestFunction::Blake3, &options)?;
    let start: u64 = number.parse()?;
    for step in 0..ACTIONS {
        let action = (start + step) % ACTIONS;
        let key = ActionKey(DigestFunction::Blake3.digest(&action.to_le_bytes()));
        process::until("another process to end its action", || {
            if store.result(&key)?.is_some() {
                return Ok(true);
            }
            let Turn::Mine(_turn) = store.turn(&key)? else {
                return Ok(false);
            };
            if store.result(&key)?.is_none() {
                execute(&store, &key, action, Path::new(log))?;
            }
            Ok(true)
        })?;
    }
    Ok(())
}

/// What an action does, and a line before and after, in one write each.
fn execute(store: &DiskStore, key: &ActionKey, action: u64, log: &Path) -> Result<()> {
    let say = |what: &str| -> Result<()> {
        let mut file = OpenOptions::new().append(true).open(log)?;
        Ok(file.write_all(format!("{what} {action}\n").as_bytes())?)
    };
    say("begin")?;
    let mut dir = Dir::default();
    dir.file(
        &RelPath::new("out")?,
        store.write(&Random::new(action).bytes(30_000))?,
        false,
    )?;
    let root = write_tree(store, &dir)?;
    store.record(
        key,
        &ActionResult::of(Node::Directory(root), None, Isolation::Strict),
    )?;
    say("end")
}
