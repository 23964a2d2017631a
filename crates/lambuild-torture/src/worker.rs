//! What a tortured process does: makes objects and results from a seed, and says on standard
//! output what the store has acknowledged. Decides the workload; knows nothing of the torture.

use crate::broken;
use crate::check;
use crate::random::Random;
use anyhow::{Context, Result, bail};
use lambuild_action::store::write_tree;
use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, Isolation, StoreError};
use lambuild_digest::{Digest, DigestFunction, Dir, Node, RelPath};
use lambuild_store::collect::{Policy, collect_with};
use lambuild_store::{DiskStore, Durability, Options, outputs, points};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many contents all workers share, so that they meet at the same names.
const SHARED: u64 = 64;
/// In a store that syncs once a session, so many results make a session.
const SESSION: u64 = 5;

/// What was written in this very second may go, too: leases alone protect it.
const NO_GRACE: i64 = -2;

/// The exit code of a worker that cannot say what was acknowledged.
pub const NOBODY_LISTENS: i32 = 3;

/// What one worker is told.
#[derive(Debug, Clone)]
pub struct Work {
    /// Where the store is.
    pub store: PathBuf,
    /// From which everything that it makes follows.
    pub seed: u64,
    /// How many results it makes; then it ends.
    pub results: u64,
    /// The store's promise.
    pub durability: Durability,
    /// A folder that it also takes in, as if it were an output.
    pub import: Option<PathBuf>,
    /// Steps at which it dies or fails, as [`points::arm`] reads them.
    pub arm: String,
    /// Which mistake stands in the way to the disk; empty for none.
    pub broken: String,
    /// Whether it makes nothing, and collects so many times instead.
    pub collects: Option<Collects>,
    /// Whether it looks after each result that all of it is still there.
    pub looks: bool,
}

/// What a collector keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collects {
    /// All results.
    Garbage,
    /// Nothing that no running process needs.
    Everything,
}

impl Work {
    /// Work on a store, with the rest at its simplest.
    pub fn on(store: &Path, seed: u64, results: u64) -> Self {
        Work {
            store: store.to_owned(),
            seed,
            results,
            durability: Durability::Full,
            import: None,
            arm: String::new(),
            broken: String::new(),
            collects: None,
            looks: false,
        }
    }

    /// The command line that [`Work::read`] reads back.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("store={}", self.store.display()),
            format!("seed={}", self.seed),
            format!("results={}", self.results),
            format!("durability={}", durability_name(self.durability)),
            format!("arm={}", self.arm),
            format!("broken={}", self.broken),
        ];
        arguments.extend(
            self.collects
                .map(|what| format!("collects={}", what == Collects::Everything)),
        );
        arguments.extend(self.looks.then(|| "looks=true".to_owned()));
        arguments.extend(
            self.import
                .iter()
                .map(|folder| format!("import={}", folder.display())),
        );
        arguments
    }

    /// From a command line.
    ///
    /// # Errors
    /// The argument that is not understood.
    pub fn read(arguments: &[String]) -> Result<Self> {
        let mut work = Work::on(Path::new(""), 0, 0);
        for argument in arguments {
            let (name, value) = argument.split_once('=').context("arguments are NAME=VALUE")?;
            match name {
                "store" => work.store = value.into(),
                "seed" => work.seed = value.parse()?,
                "results" => work.results = value.parse()?,
                "durability" => work.durability = durability(value)?,
                "import" => work.import = Some(value.into()),
                "arm" => work.arm = value.to_owned(),
                "broken" => work.broken = value.to_owned(),
                "collects" => {
                    let everything = value.parse()?;
                    work.collects = Some(if everything {
                        Collects::Everything
                    } else {
                        Collects::Garbage
                    });
                }
                "looks" => work.looks = value.parse()?,
                _ => bail!("`{argument}` is not understood"),
            }
        }
        Ok(work)
    }
}

fn durability_name(durability: Durability) -> &'static str {
    match durability {
        Durability::Full => "full",
        Durability::Session => "session",
        Durability::None => "none",
    }
}

/// A durability by its name.
///
/// # Errors
/// When there is none of that name.
pub fn durability(name: &str) -> Result<Durability> {
    let all = [Durability::Full, Durability::Session, Durability::None];
    let found = all
        .into_iter()
        .find(|durability| durability_name(*durability) == name);
    found.with_context(|| format!("`{name}` is no durability"))
}

/// What the store has acknowledged: that this key has this tree as its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The key.
    pub key: ActionKey,
    /// The result's tree.
    pub root: Digest,
}

impl Acknowledged {
    /// As a line.
    pub fn line(&self) -> String {
        format!("ack {} {}", self.key.0, self.root)
    }

    /// From a line; `None` for one that says something else.
    pub fn read(line: &str) -> Option<Self> {
        let (key, root) = line.strip_prefix("ack ")?.split_once(' ')?;
        Some(Acknowledged {
            key: ActionKey(key.parse().ok()?),
            root: root.parse().ok()?,
        })
    }
}

/// Does the work, and tells `say` each line.
///
/// # Errors
/// What the store says.
pub fn work(work: &Work, say: &mut dyn FnMut(&str)) -> Result<()> {
    points::arm(&work.arm).map_err(anyhow::Error::msg)?;
    match work.collects {
        Some(what) => collecting(work, what, say)?,
        None => making(work, say)?,
    }
    for name in points::reached().keys() {
        say(&format!("reached {name}"));
    }
    say("done");
    Ok(())
}

fn making(work: &Work, say: &mut dyn FnMut(&str)) -> Result<()> {
    let options = Options {
        durability: work.durability,
        fs: broken::disk(&work.broken)?,
        ..Options::default()
    };
    let store = DiskStore::open_with(&work.store, DigestFunction::Blake3, &options)?;
    say("open");
    results(&store, work, say)
}

/// Collects as often as results would be made, and says so each time.
fn collecting(work: &Work, what: Collects, say: &mut dyn FnMut(&str)) -> Result<()> {
    let everything = Policy {
        max_size: Some(0),
        keep_days: Some(0),
        grace: NO_GRACE,
    };
    let policy = match what {
        Collects::Garbage => Policy {
            grace: NO_GRACE,
            ..Policy::default()
        },
        Collects::Everything => everything,
    };
    for _ in 0..work.results {
        let fs = broken::disk(&work.broken)?;
        let done = collect_with(&work.store, DigestFunction::Blake3, fs, &policy, &mut |_| {})?;
        say(&format!(
            "collected {} of {} objects",
            done.removed_objects, done.objects
        ));
    }
    Ok(())
}

/// Makes the results of `work` in an open store.
///
/// # Errors
/// What the store says.
pub fn results(store: &DiskStore, work: &Work, say: &mut dyn FnMut(&str)) -> Result<()> {
    let mut waiting = Vec::new();
    for number in 0..work.results {
        let made = result(store, work, number)?;
        if work.looks {
            check::results_of(store, &[made])
                .judge()
                .context("what this process needs was collected")?;
        }
        waiting.push(made);
        let is_kept = work.durability == Durability::Full;
        let is_last = number + 1 == work.results;
        if !is_kept && (is_last || number % SESSION == SESSION - 1) {
            store.finish()?;
        } else if !is_kept {
            continue;
        }
        for made in waiting.drain(..) {
            say(&made.line());
        }
    }
    store.finish()?;
    Ok(())
}

/// Makes one result: some files in folders, and now and then a whole folder of the machine.
fn result(store: &DiskStore, work: &Work, number: u64) -> Result<Acknowledged> {
    let mut random = Random::part(work.seed, number);
    let mut dir = Dir::default();
    for name in 0..1 + random.below(6) {
        let bytes = content(&mut random);
        let path = RelPath::new(&format!("d{}/f{name}", random.below(3)))?;
        let digest = store.write(&bytes)?;
        dir.file(&path, digest, name == 0)?;
        // What a bad disk damaged is found when it is read, and made again.
        match store.read(&digest) {
            Err(StoreError::Damaged(_)) => store.write(&bytes).map(drop)?,
            other => drop(other?),
        }
    }
    let mut root = write_tree(store, &dir)?;
    if let (Some(folder), 0) = (&work.import, number % 5)
        && let Some(Node::Directory(taken)) =
            outputs::collect(store, folder, &RelPath::root(), Default::default())?
    {
        root = taken;
    }
    let key = ActionKey(DigestFunction::Blake3.digest(format!("{} {number}", work.seed).as_bytes()));
    let result = ActionResult::of(Node::Directory(root), None, Isolation::Strict);
    store.record(&key, &result)?;
    Ok(Acknowledged { key, root })
}

/// Mostly small, seldom large; half of it the same for all workers.
fn content(random: &mut Random) -> Vec<u8> {
    let mut source = match random.below(2) {
        0 => Random::part(u64::MAX, random.below(SHARED)),
        _ => Random::new(random.draw()),
    };
    let length = match source.below(40) {
        0 => 1 << 20,
        1..=10 => source.below(60_000),
        _ => source.below(600),
    };
    source.bytes(length)
}

/// The worker as a process: says each line on standard output at once.
///
/// # Errors
/// What the store says.
pub fn main(arguments: &[String]) -> Result<()> {
    let out = std::io::stdout();
    work(&Work::read(arguments)?, &mut |line| {
        // One write a line: a kill cuts between lines or leaves one without its end.
        let written = out.lock().write_all(format!("{line}\n").as_bytes());
        if written.and_then(|()| out.lock().flush()).is_err() {
            std::process::exit(NOBODY_LISTENS);
        }
    })
}
