//! Rows R2 and R3: the power goes while a store is in use. Afterwards no object has a right name and
//! wrong bytes, and where the store promised it, nothing acknowledged is lost.

use crate::check::{self, Verdict};
use crate::image::{self, Image, Kind};
use crate::process::Worker;
use crate::random::Random;
use crate::report::{self, Row};
use crate::worker::{Acknowledged, Work};
use anyhow::{Context, Result};
use lambuild_store::Durability;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The longest time until the cut, in milliseconds: some commits of the journal long.
const LONGEST: u64 = 1500;
/// After so many cuts the store is a new one.
const FRESH: u64 = 4;

/// Runs `cuts` on each kind of file system.
///
/// # Errors
/// With the cut and its seed, when the store did not stand it.
pub fn run(place: &Path, cuts: u64, seed: u64, broken: &str) -> Result<()> {
    if let Some(why) = image::missing() {
        report::skipped("R2", &why);
        report::skipped("R3", &why);
        return Ok(());
    }
    let (first, second) = (Row::begin("R2", seed), Row::begin("R3", seed));
    let mut sum = Verdict::default();
    for kind in [Kind::Ext4, Kind::Xfs] {
        let folder = place.join("power");
        fs::create_dir_all(&folder)?;
        let mut image = match Image::new(kind, &folder) {
            Ok(image) => image,
            Err(error) => {
                report::skipped("R2", &format!("{}: {error:#}", kind.name()));
                continue;
            }
        };
        image::must_be_mounted(image.path())?;
        sum.add(cut_often(
            &mut image,
            cuts.div_ceil(2),
            seed ^ kind as u64,
            broken,
        )?);
    }
    first.end(&format!(
        "{cuts} power cuts on ext4 and xfs: 0 corrupt of {} objects",
        sum.objects
    ));
    second.end(&format!("0 lost of {} acknowledged results", sum.acknowledged));
    Ok(())
}

fn cut_often(image: &mut Image, cuts: u64, seed: u64, broken: &str) -> Result<Verdict> {
    let mut sum = Verdict::default();
    let mut acknowledged = Vec::new();
    for cut in 0..cuts {
        let store = image.path().join("store");
        if cut % FRESH == 0 {
            acknowledged.clear();
            if store.exists() {
                fs::remove_dir_all(&store)?;
            }
        }
        let verdict = one(image, &store, cut, seed, broken, &mut acknowledged)
            .and_then(|verdict| verdict.judge().map(|()| verdict))
            .with_context(|| format!("cut {cut} on {}, seed {seed}", image.kind().name()))?;
        sum.add(verdict);
    }
    Ok(sum)
}

fn one(
    image: &mut Image,
    store: &Path,
    cut: u64,
    seed: u64,
    broken: &str,
    acknowledged: &mut Vec<Acknowledged>,
) -> Result<Verdict> {
    let mut random = Random::part(seed, cut);
    let durability = [Durability::Full, Durability::Full, Durability::Session];
    let durability = durability[random.below(3) as usize];
    let work = Work {
        durability,
        broken: broken.to_owned(),
        ..Work::on(store, random.draw(), u64::MAX)
    };
    let mut worker = Worker::start(&work.arguments())?;
    // A store that was never there cannot be cut; its first moments can.
    let time = Duration::from_micros(random.below(LONGEST * 1000));
    worker.listen(time);
    // What is said later does not count: after a shutdown xfs lets the sync of a folder succeed whose
    // changes it has thrown away, and a process without power says nothing.
    acknowledged.extend(worker.said().iter().filter_map(|line| Acknowledged::read(line)));
    image.cut()?;
    worker.kill()?;
    image.restart()?;
    check::store(store, acknowledged, random.draw())
}
