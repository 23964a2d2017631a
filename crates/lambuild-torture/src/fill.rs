//! The disk is full at any moment, of bytes or of inodes. What cannot be kept is told as such, nothing
//! half-written counts, and with room again everything goes on.

use crate::check::{self, Verdict};
use crate::image::{self, Memory};
use crate::process::Worker;
use crate::report::{self, Row};
use crate::worker::{Acknowledged, Work};
use anyhow::{Context, Result, bail};
use lambuild_store::Durability;
use std::path::Path;

/// Each disk is larger than the one before by so much.
const STEP: u64 = 64 << 10;
/// The smallest disk: less than an empty store needs.
const SMALLEST: u64 = 128 << 10;
/// Inodes of an empty store, and some.
const INODES: u64 = 560;
/// Room again.
const LARGE: u64 = 512 << 20;

/// Fills `disks` disks, each of another size; every fourth one is short of inodes instead.
///
/// # Errors
/// With the size, when the store did not stand it.
pub fn run(place: &Path, disks: u64, seed: u64, broken: &str) -> Result<()> {
    if let Some(why) = image::missing() {
        report::skipped("F3", &why);
        return Ok(());
    }
    let row = Row::begin("F3", seed);
    let mut sum = Verdict::default();
    let mut full = 0;
    for number in 0..disks {
        let (size, inodes) = match number % 4 {
            3 => (LARGE, INODES + number),
            _ => (SMALLEST + number * STEP, 1 << 20),
        };
        let memory = Memory::new(&place.join("full"), size, inodes)?;
        let outcome = one(&memory, seed ^ number, broken)
            .with_context(|| format!("a disk of {size} bytes and {inodes} inodes, seed {seed}"))?;
        full += u64::from(outcome.1);
        sum.add(outcome.0);
    }
    row.end(&format!(
        "{disks} disks, {full} of them too small: 0 corrupt of {} objects, 0 lost of {} acknowledged results",
        sum.objects, sum.acknowledged
    ));
    Ok(())
}

fn one(memory: &Memory, seed: u64, broken: &str) -> Result<(Verdict, bool)> {
    let store = memory.path().join("store");
    let durability = [Durability::Full, Durability::Session][(seed % 2) as usize];
    let work = Work {
        durability,
        broken: broken.to_owned(),
        ..Work::on(&store, seed, 12)
    };
    let end = Worker::start(&work.arguments())?.end()?;
    let is_full = match end.code {
        Some(0) => false,
        Some(1) if end.complaint.contains("No space left") || end.complaint.contains("no space left") => true,
        _ => bail!("it ended with {:?} and said: {}", end.code, end.complaint),
    };
    let acknowledged: Vec<_> = end
        .said
        .iter()
        .filter_map(|line| Acknowledged::read(line))
        .collect();
    memory.resize(LARGE)?;
    let verdict = check::store(&store, &acknowledged, seed)?;
    verdict.judge()?;
    Ok((verdict, is_full))
}
