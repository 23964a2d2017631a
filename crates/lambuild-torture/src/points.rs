//! Row R5: the process ends at each named step of the store, in each way of using it that comes by
//! that step. Every step must be tried, and every store must be whole and go on.

use crate::check;
use crate::process::Worker;
use crate::random::Random;
use crate::report::Row;
use crate::worker::{Acknowledged, Collects, Work, results};
use anyhow::{Context, Result, bail};
use lambuild_action::BlobStore;
use lambuild_digest::DigestFunction;
use lambuild_store::points::ALL;
use lambuild_store::{DiskStore, Durability, folder};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A way of using a store, each of which comes by other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A new store, synced for each action.
    New,
    /// A new store, synced once.
    Session,
    /// A store of the format before.
    Old,
    /// A store with damaged objects.
    Damaged,
    /// A store with objects that nothing needs, which are collected.
    Collected,
}

/// A damaged folder hides the damage of what is in it and beside it: each round mends one.
const DEPTH: u32 = 8;

const WAYS: [Way; 5] = [Way::New, Way::Session, Way::Old, Way::Damaged, Way::Collected];

/// Tries each step in each way, `times` times with other seeds; dying, and failing.
///
/// # Errors
/// With the step, when the store did not stand it, or a step was never reached.
pub fn run(place: &Path, times: u64, seed: u64, broken: &str) -> Result<()> {
    let row = Row::begin("R5", seed);
    let store = place.join("points");
    let mut reached = BTreeSet::new();
    let mut tries = 0;
    for way in WAYS {
        for name in steps(&store, way, seed)? {
            for (time, act) in (0..times).flat_map(|time| [(time, "abort"), (time, "error")]) {
                let mut random = Random::part(seed, tries);
                tries += 1;
                let nth = if time == 0 { 1 } else { 1 + random.below(4) };
                let hit = one(&store, way, &format!("{name}@{nth}={act}"), random.draw(), broken)
                    .with_context(|| format!("{name}, time {nth}, {act}, {way:?}, seed {seed}"))?;
                reached.extend(hit.then(|| name.clone()));
                fs::remove_dir_all(&store)?;
            }
        }
    }
    let missed: Vec<_> = ALL.iter().filter(|name| !reached.contains(**name)).collect();
    if !missed.is_empty() {
        bail!("these steps were never reached: {missed:?}");
    }
    row.end(&format!(
        "{} of {} named steps stopped at, in {tries} tries: 0 not stood",
        reached.len(),
        ALL.len()
    ));
    Ok(())
}

/// The steps that a way comes by when nothing stops it.
fn steps(store: &Path, way: Way, seed: u64) -> Result<Vec<String>> {
    prepare(store, way, seed)?;
    let end = Worker::start(&work(store, way, "", seed).arguments())?.end()?;
    if end.code != Some(0) {
        bail!(
            "{way:?}: nothing stopped it, and it ended with {:?}: {}",
            end.code,
            end.complaint
        );
    }
    fs::remove_dir_all(store)?;
    let names = end.said.iter().filter_map(|line| line.strip_prefix("reached "));
    Ok(names.map(str::to_owned).collect())
}

fn work(store: &Path, way: Way, arm: &str, seed: u64) -> Work {
    Work {
        durability: if way == Way::Session {
            Durability::Session
        } else {
            Durability::Full
        },
        arm: arm.to_owned(),
        collects: (way == Way::Collected).then_some(Collects::Garbage),
        ..Work::on(store, seed, if way == Way::Collected { 1 } else { 3 })
    }
}

/// Whether the step was reached.
fn one(store: &Path, way: Way, arm: &str, seed: u64, broken: &str) -> Result<bool> {
    prepare(store, way, seed)?;
    let work = Work {
        broken: broken.to_owned(),
        ..work(store, way, arm, seed)
    };
    let end = Worker::start(&work.arguments())?.end()?;
    let hit = match end.code {
        Some(0) => false,
        Some(1) if end.complaint.contains("a failpoint was armed") => true,
        None => true,
        Some(code) => bail!("it ended with {code} and said: {}", end.complaint),
    };
    let acknowledged: Vec<_> = end
        .said
        .iter()
        .filter_map(|line| Acknowledged::read(line))
        .collect();
    let verdict = check::store(store, &acknowledged, seed)?;
    if way == Way::Damaged {
        mended(store, seed, verdict.wrong)?;
    } else {
        verdict.judge()?;
    }
    Ok(hit)
}

/// The damage is ours, so objects are corrupt and results gone; but no wrong byte is handed out, and
/// the same work makes everything again.
fn mended(store: &Path, seed: u64, wrong: u64) -> Result<()> {
    if wrong > 0 {
        bail!("{wrong} damaged objects were handed out");
    }
    let mut last = Ok(());
    for _ in 0..DEPTH {
        let open = DiskStore::open(store, DigestFunction::Blake3)?;
        let mut made = Vec::new();
        results(&open, &Work::on(store, seed, 3), &mut |line| {
            made.extend(Acknowledged::read(line))
        })?;
        last = check::results_of(&open, &made).judge();
        if last.is_ok() {
            break;
        }
    }
    last
}

fn prepare(store: &Path, way: Way, seed: u64) -> Result<()> {
    if matches!(way, Way::New | Way::Session) {
        return Ok(());
    }
    let open = DiskStore::open(store, DigestFunction::Blake3)?;
    results(&open, &Work::on(store, seed, 3), &mut |_| {})?;
    drop(open);
    match way {
        Way::Collected => garbage(store),
        Way::Old => write_sealed(&store.join("FORMAT"), b"lambuild store 1\nblake3\n"),
        _ => damage(store),
    }
}

/// Objects that no result names, and the stay of a process that died.
fn garbage(store: &Path) -> Result<()> {
    let open = DiskStore::open(store, DigestFunction::Blake3)?;
    for number in 0..20u32 {
        open.write(&number.to_le_bytes())?;
    }
    open.commit()?;
    drop(open);
    let arm = "finish.begin=abort".to_owned();
    let dies = Work {
        arm,
        ..Work::on(store, 0, 1)
    };
    Worker::start(&dies.arguments())?.end().map(drop)
}

fn damage(store: &Path) -> Result<()> {
    for (shard, _) in folder::list(&store.join("cas"))? {
        for (name, _) in folder::list(&store.join("cas").join(&shard))? {
            let path = store.join("cas").join(&shard).join(name);
            let mut bytes = fs::read(&path)?;
            if let Some(first) = bytes.first_mut() {
                *first ^= 1;
            }
            write_sealed(&path, &bytes)?;
        }
    }
    Ok(())
}

fn write_sealed(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))?;
    Ok(())
}
