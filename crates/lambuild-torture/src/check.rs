//! The oracle: judges a store by what it has acknowledged and by its files. It stands outside: the
//! files are hashed here, and what was acknowledged comes from another process's memory.

use crate::worker::{Acknowledged, Work, results};
use anyhow::{Context, Result, bail};
use lambuild_action::{ActionCache, BlobStore};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Node};
use lambuild_store::{DiskStore, Options, folder};
use std::fs;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Files below `cas/` that were hashed.
    pub objects: u64,
    /// Those whose bytes are not those of their name.
    pub corrupt: u64,
    /// Acknowledged results that were looked for.
    pub acknowledged: u64,
    /// Those that are gone.
    pub lost: u64,
    /// Objects that the store handed out with bytes that are not theirs.
    pub wrong: u64,
    /// What is known of the first result that is gone.
    pub first: Option<String>,
}

impl Verdict {
    /// Adds another one.
    pub fn add(&mut self, other: Verdict) {
        self.objects += other.objects;
        self.corrupt += other.corrupt;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.first = self.first.take().or(other.first);
    }

    /// Fails where something is wrong.
    ///
    /// # Errors
    /// With the numbers.
    pub fn judge(&self) -> Result<()> {
        if self.corrupt + self.lost + self.wrong > 0 {
            bail!(
                "{} objects have a right name and wrong bytes, {} wrong objects were handed out, {} of {} acknowledged \
                 results are lost{}",
                self.corrupt,
                self.wrong,
                self.lost,
                self.acknowledged,
                self.first
                    .iter()
                    .map(|why| format!(": {why}"))
                    .collect::<String>()
            );
        }
        Ok(())
    }
}

/// Hashes every object of a store that nobody uses.
///
/// # Errors
/// Where a file cannot be read.
pub fn objects(store: &Path) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let cas = store.join("cas");
    if !cas.is_dir() {
        return Ok(verdict);
    }
    for (shard, _) in folder::list(&cas)? {
        for (name, _) in folder::list(&cas.join(&shard))? {
            let bytes = fs::read(cas.join(&shard).join(&name))?;
            let hex = format!("{}{}", shard.to_string_lossy(), name.to_string_lossy());
            verdict.objects += 1;
            verdict.corrupt += u64::from(DigestFunction::Blake3.digest(&bytes).hex() != hex);
        }
    }
    Ok(verdict)
}

/// Looks for every acknowledged result in an open store, and reads all that it names.
pub fn results_of(store: &DiskStore, acknowledged: &[Acknowledged]) -> Verdict {
    let mut verdict = Verdict::default();
    for made in acknowledged {
        verdict.acknowledged += 1;
        if let Err(why) = is_there(store, made, &mut verdict) {
            verdict.lost += 1;
            verdict.first.get_or_insert(format!("{}: {why:#}", made.line()));
        }
    }
    verdict
}

fn is_there(store: &DiskStore, made: &Acknowledged, verdict: &mut Verdict) -> Result<()> {
    let Some(result) = store.result(&made.key)? else {
        let record = spread(store.root(), "ac", &made.key.0);
        bail!(
            "no result; a record {}",
            if record.is_file() {
                "is there"
            } else {
                "is missing"
            }
        );
    };
    if result.out() != Some(&Node::Directory(made.root)) {
        bail!("it has another result");
    }
    for (path, node) in walk(&made.root, store)? {
        let Node::File { digest, .. } = node else { continue };
        let bytes = store.read(&digest).with_context(|| path.to_string())?;
        verdict.wrong += u64::from(DigestFunction::Blake3.digest(&bytes) != digest);
    }
    Ok(())
}

fn spread(store: &Path, area: &str, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    let (shard, rest) = hex.split_at(2);
    store.join(area).join(shard).join(rest)
}

/// Everything: the files, the results, and that the store goes on working without a human.
///
/// # Errors
/// Where the store does not open or takes no more work: it is stuck.
pub fn store(folder: &Path, acknowledged: &[Acknowledged], seed: u64) -> Result<Verdict> {
    let mut verdict = objects(folder)?;
    let open = DiskStore::open_with(folder, DigestFunction::Blake3, &Options::default())?;
    verdict.add(results_of(&open, acknowledged));
    goes_on(&open, seed)?;
    Ok(verdict)
}

/// Makes one more result, and finds it.
///
/// # Errors
/// Where the store is stuck.
pub fn goes_on(store: &DiskStore, seed: u64) -> Result<()> {
    let mut made = Vec::new();
    let work = Work::on(store.root(), seed ^ 0x7e57, 1);
    results(store, &work, &mut |line| made.extend(Acknowledged::read(line)))?;
    results_of(store, &made).judge()
}
