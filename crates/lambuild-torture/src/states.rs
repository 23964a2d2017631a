//! Row R4: every state in which a power cut may leave the store is opened by the store itself. It
//! must hand out no wrong byte, have what it acknowledged, and go on.

use crate::check;
use crate::iosim::{Cut, Disk, Forgets, Inode, Op, Recorder, cuts, state};
use crate::random::Random;
use crate::report::Row;
use crate::worker::{Acknowledged, Work, results};
use anyhow::{Context, Result, bail};
use lambuild_digest::DigestFunction;
use lambuild_store::fs::Fs;
use lambuild_store::{DiskStore, Durability, Options};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Where the store is on the disk in memory: at its root.
const STORE: &str = "/";
/// Of so many states one is also asked to go on.
const GOES_ON: u64 = 16;
/// So many runs share the wanted states; one that has fewer than its share gives them all.
const RUNS: u64 = 8;

/// One run of the store that is recorded.
struct Recorded {
    base: Disk,
    log: Vec<Op>,
    /// What was acknowledged, with the number of calls made until then.
    acknowledged: Vec<(usize, Acknowledged)>,
    durability: Durability,
}

/// Opens at least `wanted` states; with `pairs`, those with two losses, too.
///
/// # Errors
/// With the run, the place and the loss, when a state was not stood.
pub fn run(wanted: u64, pairs: bool, seed: u64, broken: &str) -> Result<()> {
    let row = Row::begin("R4", seed);
    let states = AtomicU64::new(0);
    let (mut runs, mut calls) = (0, 0);
    while states.load(Ordering::Relaxed) < wanted {
        let recorded = record(seed, runs, broken)?;
        calls += recorded.log.len();
        all_states(&recorded, pairs, wanted, &states)
            .with_context(|| format!("run {runs} of seed {seed}"))?;
        runs += 1;
    }
    row.end(&format!(
        "{} crash states of {runs} runs with {calls} calls: 0 wrong, 0 lost, 0 stuck{}",
        states.load(Ordering::Relaxed),
        if pairs { ", pairs of losses included" } else { "" }
    ));
    Ok(())
}

/// The first run is the first start of a store, the others use one on; synced for each action, or once.
fn record(seed: u64, run: u64, broken: &str) -> Result<Recorded> {
    let durability = if run % 3 == 2 {
        Durability::Session
    } else {
        Durability::Full
    };
    let mut base = Disk::default();
    if run > 0 {
        let before = Work {
            durability,
            ..Work::on(Path::new(STORE), seed ^ run, 2)
        };
        base = play(base, 1, &before, "")?.0;
    }
    let work = Work {
        durability,
        ..Work::on(Path::new(STORE), seed ^ run ^ 0x5eed, 2)
    };
    let (_, log, acknowledged) = play(base.clone(), 2, &work, broken)?;
    Ok(Recorded {
        base,
        log,
        acknowledged,
        durability,
    })
}

type Played = (Disk, Vec<Op>, Vec<(usize, Acknowledged)>);

fn play(disk: Disk, boot: u64, work: &Work, broken: &str) -> Result<Played> {
    let forgets = match broken {
        "" => Forgets::Nothing,
        "no-sync" => Forgets::Everything,
        "no-folder-sync" => Forgets::Folders,
        other => bail!("`{other}` is no mistake of this suite: no-sync, no-folder-sync"),
    };
    let recorder = Arc::new(Recorder::new(disk, boot).forgetting(forgets));
    let mut acknowledged = Vec::new();
    {
        let store = open(recorder.clone(), work.durability)?;
        results(&store, work, &mut |line| {
            acknowledged.extend(Acknowledged::read(line).map(|made| (recorder.calls(), made)));
        })?;
    }
    Ok((recorder.disk(), recorder.log(), acknowledged))
}

fn open(fs: Arc<dyn Fs>, durability: Durability) -> Result<DiskStore> {
    let options = Options {
        durability,
        fs,
        ..Options::default()
    };
    Ok(DiskStore::open_with(
        Path::new(STORE),
        DigestFunction::Blake3,
        &options,
    )?)
}

/// Opens the states of one run; where they are many, a sample that is spread over all of them.
fn all_states(recorded: &Recorded, pairs: bool, wanted: u64, states: &AtomicU64) -> Result<()> {
    let ends: Vec<usize> = (0..=recorded.log.len()).collect();
    let total: usize = ends
        .iter()
        .map(|end| cuts(&recorded.log, *end, pairs).len())
        .sum();
    let step = (total as u64 * RUNS / wanted.max(1)).max(1) as usize;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some(end) = ends.get(next.fetch_add(1, Ordering::Relaxed)) {
                // Another start at each place, so that no kind of loss is always passed over.
                for cut in cuts(&recorded.log, *end, pairs)
                    .into_iter()
                    .skip(end % step)
                    .step_by(step)
                {
                    states.fetch_add(1, Ordering::Relaxed);
                    one(recorded, *end, cut).with_context(|| {
                        format!("after call {end} of {}, losing {cut:?}", recorded.log.len())
                    })?;
                }
            }
            Ok(())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("the store broke off"),
        })
    })
}

fn one(recorded: &Recorded, end: usize, cut: Cut) -> Result<()> {
    let disk = state(&recorded.base, &recorded.log, end, cut);
    no_wrong_object(&disk)?;
    let store =
        open(Arc::new(Recorder::new(disk, 3)), recorded.durability).context("the store does not open")?;
    let due = recorded.acknowledged.iter().filter(|(calls, _)| *calls <= end);
    let due: Vec<Acknowledged> = due.map(|(_, made)| *made).collect();
    check::results_of(&store, &due).judge()?;
    let mut random = Random::part(end as u64, recorded.log.len() as u64);
    if random.below(GOES_ON) == 0 {
        check::goes_on(&store, random.draw()).context("the store does not go on")?;
    }
    Ok(())
}

fn no_wrong_object(disk: &Disk) -> Result<()> {
    let Some(cas) = disk.find(0, Path::new("cas")) else {
        return Ok(());
    };
    for (shard, folder) in disk.names(cas) {
        for (name, inode) in disk.names(folder) {
            let Some(Inode::File(bytes, _)) = disk.inode(inode) else {
                continue;
            };
            let hex = format!("{}{}", shard.to_string_lossy(), name.to_string_lossy());
            if DigestFunction::Blake3.digest(bytes).hex() != hex {
                bail!("object {hex} has {} wrong bytes", bytes.len());
            }
        }
    }
    Ok(())
}
