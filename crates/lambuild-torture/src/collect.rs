//! Rows R7 and R10: the collector on a full disk, and the collector that takes everything it may while
//! others build.

use crate::check;
use crate::image::{self, Memory};
use crate::process::{Worker, now};
use crate::report::{self, Row};
use crate::worker::{Acknowledged, Collects, Work};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Builders at a time, beside the collector.
const BUILDERS: u64 = 4;
/// How many results a builder makes before another one takes its place.
const RESULTS: u64 = 20;
/// A full disk: an empty store, its reserve, and some objects.
const FULL: u64 = 40 << 20;
/// At least so much of it is free again: all but what the collector reserves for itself and some folders.
const FREED: u64 = 12 << 20;

/// Builds for `seconds` while a collector takes all that nobody needs, again and again.
///
/// # Errors
/// With what a builder said when something it needs was taken.
pub fn race(place: &Path, seconds: u64, seed: u64, broken: &str) -> Result<()> {
    let row = Row::begin("R10", seed);
    let store = place.join("race");
    let collector = Work {
        collects: Some(Collects::Everything),
        broken: broken.to_owned(),
        ..Work::on(&store, seed, u64::MAX)
    };
    let mut collector = Worker::start(&collector.arguments())?;
    let end = now() + Duration::from_secs(seconds);
    let (mut builders, mut results) = (0, 0);
    while now() < end {
        let mut running = Vec::new();
        for _ in 0..BUILDERS {
            builders += 1;
            let work = Work {
                looks: true,
                broken: broken.to_owned(),
                ..Work::on(&store, seed ^ builders, RESULTS)
            };
            running.push(Worker::start(&work.arguments())?);
        }
        for builder in running {
            let end = builder.end()?;
            if end.code != Some(0) {
                bail!("a builder ended with {:?} and said: {}", end.code, end.complaint);
            }
            results += end.said.iter().filter(|line| line.starts_with("ack ")).count();
        }
    }
    collector.listen(Duration::from_millis(1));
    let collected = collector.kill()?;
    if !collected.complaint.is_empty() {
        bail!("the collector said: {}", collected.complaint);
    }
    check::store(&store, &[], seed)?.judge()?;
    let rounds = collected
        .said
        .iter()
        .filter(|line| line.starts_with("collected "))
        .count();
    if rounds == 0 {
        bail!("nothing was ever collected");
    }
    row.end(&format!(
        "{rounds} collections beside {builders} builders with {results} results: 0 failed builds"
    ));
    Ok(())
}

/// Fills disks to the last byte and collects there.
///
/// # Errors
/// Where nothing was freed.
pub fn full(place: &Path, disks: u64, seed: u64, broken: &str) -> Result<()> {
    if let Some(why) = image::missing() {
        report::skipped("R7", &why);
        return Ok(());
    }
    let row = Row::begin("R7", seed);
    let mut freed = 0;
    for number in 0..disks {
        let memory = Memory::new(&place.join("collect"), FULL + number * 4096, 1 << 20)?;
        freed += fill_and_collect(memory.path(), seed ^ number, broken)
            .with_context(|| format!("disk {number} of seed {seed}"))?;
    }
    row.end(&format!(
        "{disks} of {disks} full disks collected, {} MB freed",
        freed >> 20
    ));
    Ok(())
}

fn fill_and_collect(disk: &Path, seed: u64, broken: &str) -> Result<u64> {
    let store = disk.join("store");
    // The reserve is made by a collection.
    let collector = Work {
        collects: Some(Collects::Everything),
        broken: broken.to_owned(),
        ..Work::on(&store, seed, 1)
    };
    ended(Worker::start(&collector.arguments())?)?;
    let builder = Worker::start(&Work::on(&store, seed, u64::MAX).arguments())?.end()?;
    if builder.code == Some(0) {
        bail!("the disk was not filled");
    }
    // To the last byte: not even a lease can be written.
    let _ = fs::write(disk.join("filler"), vec![0; FULL as usize]);
    let before = image::free(disk)?;
    ended(Worker::start(&collector.arguments())?)?;
    let after = image::free(disk)?;
    if after < before + FREED {
        bail!("{before} bytes were free before the collection, {after} after it");
    }
    fs::remove_file(disk.join("filler"))?;
    let made: Vec<Acknowledged> = Vec::new();
    check::store(&store, &made, seed)?.judge()?;
    Ok(after - before)
}

fn ended(worker: Worker) -> Result<()> {
    let end = worker.end()?;
    if end.code == Some(0) {
        Ok(())
    } else {
        bail!("the collector ended with {:?}: {}", end.code, end.complaint)
    }
}
