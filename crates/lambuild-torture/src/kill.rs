//! Row R1: processes that use a store are killed at any instant. Afterwards the store is whole,
//! everything acknowledged is there, and nothing has to be done by hand.

use crate::check::{self, Verdict};
use crate::process::Worker;
use crate::random::Random;
use crate::report::Row;
use crate::worker::{Acknowledged, Collects, Work};
use anyhow::{Context, Result};
use lambuild_store::Durability;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Workers at a time: more than there are processors, so that they meet inside the store.
const WORKERS: u64 = 3;
/// The longest time until the kill, in milliseconds.
const LONGEST: u64 = 300;
/// After so many rounds the store is a new one: a first start is killed, too.
const FRESH: u64 = 20;

/// Runs `rounds` kills in a folder below `place`.
///
/// # Errors
/// With the round and its seed, when the store did not stand it.
pub fn run(place: &Path, rounds: u64, seed: u64, broken: &str) -> Result<()> {
    let row = Row::begin("R1", seed);
    let import = import_folder(place)?;
    let mut sum = Verdict::default();
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let store = place.join(format!("kill-{}", round / FRESH));
        if round % FRESH == 0 {
            acknowledged.clear();
        }
        let verdict = one(&store, round, seed, broken, &import, &mut acknowledged)
            .and_then(|verdict| verdict.judge().map(|()| verdict))
            .with_context(|| format!("round {round} of seed {seed}"))?;
        sum.add(verdict);
        if round % FRESH == FRESH - 1 {
            fs::remove_dir_all(&store)?;
        }
    }
    row.end(&format!(
        "{rounds} kills: 0 corrupt of {} objects, 0 lost of {} acknowledged results, 0 stuck",
        sum.objects, sum.acknowledged
    ));
    Ok(())
}

fn one(
    store: &Path,
    round: u64,
    seed: u64,
    broken: &str,
    import: &Path,
    acknowledged: &mut Vec<Acknowledged>,
) -> Result<Verdict> {
    let mut random = Random::part(seed, round);
    let durability = if random.below(3) == 0 {
        Durability::Session
    } else {
        Durability::Full
    };
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let work = Work {
            durability,
            import: Some(import.to_owned()),
            broken: broken.to_owned(),
            // The last one collects all the time.
            collects: (number + 1 == WORKERS).then_some(Collects::Garbage),
            ..Work::on(store, random.draw(), u64::MAX)
        };
        workers.push(Worker::start(&work.arguments())?);
    }
    let time = Duration::from_micros(random.below(LONGEST * 1000));
    if let Some(first) = workers.first_mut() {
        first.listen(time);
    }
    for worker in workers {
        let end = worker.kill()?;
        acknowledged.extend(end.said.iter().filter_map(|line| Acknowledged::read(line)));
    }
    check::store(store, acknowledged, random.draw())
}

/// A small folder to take in, as builds do.
///
/// # Errors
/// When it cannot be written.
pub fn import_folder(place: &Path) -> Result<std::path::PathBuf> {
    let folder = place.join("import");
    let mut random = Random::new(7);
    for number in 0..30 {
        let inner = folder.join(format!("d{}", number % 4));
        fs::create_dir_all(&inner)?;
        let length = random.below(9_000);
        fs::write(inner.join(format!("f{number}")), random.bytes(length))?;
    }
    Ok(folder)
}
