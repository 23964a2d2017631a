//! Row R8: one bit of one file of the store is turned. Whoever uses that file is told, once, and
//! never gets the wrong bytes; whoever makes it again goes on.

use crate::check;
use crate::random::Random;
use crate::report::Row;
use crate::worker::{Acknowledged, Work, results};
use anyhow::{Context, Result, bail};
use lambuild_action::{ActionCache, BlobStore};
use lambuild_digest::{Digest, DigestFunction};
use lambuild_store::{DiskStore, folder, points};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Turns `flips` bits in turn, each in an object or a record.
///
/// # Errors
/// With the file, when a flip was not noticed.
pub fn run(place: &Path, flips: u64, seed: u64, broken: &str) -> Result<()> {
    if !matches!(broken, "" | "read.check") {
        bail!("`{broken}` is no mistake of this suite: read.check");
    }
    points::leave_out(broken);
    let row = Row::begin("R8", seed);
    let store_path = place.join("flip");
    let work = Work::on(&store_path, seed, 30);
    let mut made = Vec::new();
    {
        let store = DiskStore::open(&store_path, DigestFunction::Blake3)?;
        results(&store, &work, &mut |line| made.extend(Acknowledged::read(line)))?;
    }
    let mut random = Random::new(seed);
    for flip in 0..flips {
        let area = if random.below(4) == 0 { "ac" } else { "cas" };
        let files = files(&store_path.join(area))?;
        let path = files
            .get(random.below(files.len() as u64) as usize)
            .context("an empty store")?;
        one(&store_path, area, path, &made, &mut random)
            .with_context(|| format!("flip {flip} of seed {seed} in {}", path.display()))?;
    }
    row.end(&format!(
        "{flips} of {flips} turned bits were noticed before use, and mended"
    ));
    Ok(())
}

fn files(area: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (shard, _) in folder::list(area)? {
        for (name, _) in folder::list(&area.join(&shard))? {
            let path = area.join(&shard).join(name);
            // An empty file has no bit to turn.
            if fs::metadata(&path)?.len() > 0 {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn one(root: &Path, area: &str, path: &Path, made: &[Acknowledged], random: &mut Random) -> Result<()> {
    let good = fs::read(path)?;
    turn(path, &good, random)?;
    let store = DiskStore::open(root, DigestFunction::Blake3)?;
    if area == "cas" {
        let digest = DigestFunction::Blake3.digest(&good);
        if let Ok(bytes) = store.read(&digest) {
            bail!(
                "{} bytes were handed out, wrong ones: {}",
                bytes.len(),
                bytes != good
            );
        }
        if store.contains(&digest) {
            bail!("the damaged object still counts as there");
        }
        // Whoever needs it makes it again.
        store.write(&good)?;
        store.commit()?;
        if store.read(&digest)? != good {
            bail!("it was not made again");
        }
    } else {
        let hex: String = path
            .iter()
            .rev()
            .take(2)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|part| part.to_string_lossy())
            .collect();
        let key: Digest = format!("{hex}/0").parse().ok().context("a record has a key")?;
        if store.result(&lambuild_action::ActionKey(key))?.is_some() {
            bail!("the damaged record still counts");
        }
        let made = made
            .iter()
            .find(|made| made.key.0.hex() == hex)
            .context("nobody made the record")?;
        let result = lambuild_action::ActionResult::of(
            lambuild_digest::Node::Directory(made.root),
            None,
            lambuild_action::Isolation::Strict,
        );
        store.record(&made.key, &result)?;
    }
    check::results_of(&store, made).judge()
}

/// Turns one bit under the same inode and time, as a bad disk does.
fn turn(path: &Path, good: &[u8], random: &mut Random) -> Result<()> {
    let mut bad = good.to_vec();
    let at = random.below(bad.len() as u64) as usize;
    if let Some(byte) = bad.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
    let before = fs::metadata(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    fs::write(path, &bad)?;
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(before.modified()?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))?;
    Ok(())
}
