//! Decides how the store is measured: against `cp -r`, plain `stat` and `b3sum` over the same
//! files, in the same run, one after the other. Prints a table; judges nothing.
//!
//! `cargo xtask bench store` runs it. A word as argument picks the rows whose name holds it;
//! `--files N` makes the tree smaller.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark for people at a terminal"
)]
#![allow(missing_docs)]

use lambuild_action::{Sources, write_tree};
use lambuild_digest::{DigestFunction, Entry, RelPath};
use lambuild_store::read_and_hash::read_and_hash;
use lambuild_store::{DiskStore, Durability, Options, SourceTree, ingest, materialise};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often each is run; the median counts. Fewer where one takes longer than [`SLOW`].
const ROUNDS: usize = 5;
const SLOW: Duration = Duration::from_secs(20);
const PER_FOLDER: usize = 100;
const FILE: usize = 2_048;
const BIG: u64 = 1 << 30;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

/// The median of both, each for itself.
fn median(mut all: Vec<Took>) -> Took {
    let mut cpu: Vec<Duration> = all.iter().map(|took| took.cpu).collect();
    cpu.sort();
    all.sort();
    Took {
        wall: all[all.len() / 2].wall,
        cpu: cpu[cpu.len() / 2],
    }
}

/// Processor time of all threads of this process, and of children that have ended.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    let threads: u64 = fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .map(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    Duration::from_nanos(threads) + Duration::from_millis(ticks * 10)
}

fn took<T>(work: impl FnOnce() -> T) -> (Took, T) {
    let (start, before) = (Instant::now(), cpu());
    let result = work();
    let took = Took {
        wall: start.elapsed(),
        cpu: cpu().saturating_sub(before),
    };
    (took, result)
}

/// Measures both in turn. `prepare` is not measured and comes before each.
fn compare<A, B>(name: &str, goal: &str, prepare: impl Fn(), ours: impl Fn() -> A, theirs: impl Fn() -> B) {
    if !wanted(name) {
        return;
    }
    let (mut mine, mut peer) = (Vec::new(), Vec::new());
    let mut rounds = ROUNDS;
    while mine.len() < rounds {
        prepare();
        let (time, kept) = took(&theirs);
        drop(kept);
        peer.push(time);
        prepare();
        let (time, kept) = took(&ours);
        drop(kept);
        mine.push(time);
        if time.wall > SLOW {
            rounds = 3;
        }
    }
    row(name, median(mine), median(peer), goal);
}

fn row(name: &str, ours: Took, theirs: Took, goal: &str) {
    let shown = |took: Took| {
        let (wall, cpu) = (took.wall.as_secs_f64(), took.cpu.as_secs_f64());
        format!("{:8.1} ms ({:8.1})", wall * 1e3, cpu * 1e3)
    };
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64().max(1e-6);
    println!(
        "{name:<50} {} {} {:>6.2} ({:.2})  {goal}",
        shown(ours),
        shown(theirs),
        ratio(ours.wall, theirs.wall),
        ratio(ours.cpu, theirs.cpu)
    );
}

fn wanted(name: &str) -> bool {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .take_while(|word| word != "--files")
        .filter(|word| !word.starts_with("--"))
        .collect();
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

fn files() -> usize {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == "--files");
    at.and_then(|at| words.get(at + 1)?.parse().ok())
        .unwrap_or(100_000)
}

struct Bench {
    folder: PathBuf,
    paths: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("tree")).unwrap();
        let mut bench = Bench {
            folder,
            paths: Vec::new(),
        };
        bench.make_tree(files());
        bench
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make_tree(&mut self, count: usize) {
        let mut text = vec![b'.'; FILE];
        for at in 0..count {
            let folder = at / PER_FOLDER;
            let above = format!("tree/{:02}/{folder:04}", folder / 32);
            if at % PER_FOLDER == 0 {
                fs::create_dir_all(self.at(&above)).unwrap();
                self.paths.push(above.clone());
            }
            let path = format!("{above}/file-{at:06}.txt");
            text[..16].copy_from_slice(format!("{at:016x}").as_bytes());
            fs::write(self.at(&path), &text).unwrap();
            self.paths.push(path);
        }
        let mut above: Vec<String> = (0..count.div_ceil(PER_FOLDER * 32))
            .map(|at| format!("tree/{at:02}"))
            .collect();
        self.paths.append(&mut above);
    }

    fn store(&self) -> Arc<DiskStore> {
        self.store_with(Durability::Session)
    }

    fn store_with(&self, durability: Durability) -> Arc<DiskStore> {
        let options = Options {
            durability,
            ..Options::default()
        };
        let store = DiskStore::open_with(&self.at("store"), DigestFunction::Blake3, &options);
        Arc::new(store.unwrap())
    }

    fn forget(&self, name: &str) {
        let away = self.at(name);
        if away.exists() {
            run(Command::new("chmod").arg("-R").arg("u+w").arg(&away));
            fs::remove_dir_all(&away).unwrap();
        }
    }

    fn sources(&self, store: &Arc<DiskStore>) -> SourceTree {
        let root = fs::canonicalize(self.at("tree")).unwrap();
        SourceTree::open(&root, store.clone(), Some(&self.at("memory/stat-cache"))).unwrap()
    }

    /// Takes the whole tree; the digest of nothing but the files is computed here.
    fn take(&self, store: &Arc<DiskStore>) -> (SourceTree, Entry) {
        let sources = self.sources(store);
        let entry = sources.content(&RelPath::root()).unwrap();
        (sources, entry)
    }

    fn cp(&self) {
        run(Command::new("cp")
            .arg("-r")
            .arg(self.at("tree"))
            .arg(self.at("copy")));
    }

    /// Flushes what [`Bench::cp`] has written, file by file, sixteen at a time.
    fn sync_copies(&self) {
        let files: Vec<PathBuf> = self
            .paths
            .iter()
            .map(|path| self.at(&path.replacen("tree", "copy", 1)))
            .filter(|path| path.is_file())
            .collect();
        std::thread::scope(|scope| {
            for part in files.chunks(files.len().div_ceil(16).max(1)) {
                scope.spawn(move || {
                    part.iter()
                        .for_each(|path| fs::File::open(path).unwrap().sync_data().unwrap());
                });
            }
        });
    }

    fn stat_all(&self) -> u64 {
        let root = fs::File::open(&self.folder).unwrap();
        let stat = |path: &String| {
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::statat(&root, path.as_str(), flags).unwrap().st_size as u64
        };
        self.paths.iter().map(stat).sum()
    }
}

fn run(command: &mut Command) {
    let status = command.stdout(std::process::Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}

fn main() {
    // `cargo test` starts benchmarks too, to see that they do.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let bench = Bench::new();
    println!(
        "{:<50} {:>22} {:>22} {:>13}  goal\n",
        format!("{} files of 2 KB", files()),
        "ours wall (cpu)",
        "peer wall (cpu)",
        "ratio (cpu)"
    );
    ingest_rows(&bench);
    recheck_rows(&bench);
    materialise_rows(&bench);
    hash_rows(&bench);
    let _ = fs::remove_dir_all(&bench.folder);
}

fn ingest_rows(bench: &Bench) {
    let fresh = || {
        bench.forget("copy");
        bench.forget("store");
        bench.forget("memory");
        bench.store();
    };
    // Up to the barrier: all bytes are in the store's files and nothing is flushed or named yet.
    compare(
        "ingest, cold, session / cp -r",
        "<= 1.5",
        fresh,
        || bench.take(&bench.store()),
        || bench.cp(),
    );
    compare(
        "ingest, cold, full, and barrier / cp -r and flush",
        "<= 1.5",
        fresh,
        || {
            let store = bench.store_with(Durability::Full);
            let taken = bench.take(&store);
            store.commit().unwrap();
            (taken, store)
        },
        || {
            bench.cp();
            bench.sync_copies();
        },
    );
}

fn recheck_rows(bench: &Bench) {
    let name = "re-check, warm stat cache / stat of all";
    if !wanted(name) {
        return;
    }
    bench.forget("store");
    bench.forget("memory");
    let store = bench.store();
    // What is younger than two seconds is not believed.
    std::thread::sleep(Duration::from_secs(3));
    let (sources, _) = bench.take(&store);
    sources.save().unwrap();
    drop(sources);
    compare(name, "<= 1.3", || (), || bench.take(&store), || bench.stat_all());
    compare(
        "open the stat cache / stat of all",
        "",
        || (),
        || bench.sources(&store),
        || bench.stat_all(),
    );
}

fn materialise_rows(bench: &Bench) {
    let name = "lay out a tree / cp -r";
    if !wanted(name) {
        return;
    }
    bench.forget("store");
    bench.forget("memory");
    let store = bench.store();
    let (_, Entry::Dir(tree)) = bench.take(&store) else {
        return;
    };
    let root = write_tree(&*store, &tree).unwrap();
    let fresh = || {
        bench.forget("copy");
        bench.forget("laid-out");
    };
    let out = bench.at("laid-out");
    compare(
        name,
        "",
        fresh,
        || materialise::tree(&store, &root, &out, &|_| None).unwrap(),
        || bench.cp(),
    );
}

fn hash_rows(bench: &Bench) {
    let (take, hash) = ("take a file of 1 GiB / cp", "hash a file of 1 GiB / b3sum");
    if !wanted(take) && !wanted(hash) {
        return;
    }
    let big = bench.at("big");
    write_big(&big);
    compare(
        hash,
        "<= 1.11",
        || (),
        || {
            let mut file = fs::File::open(&big).unwrap();
            read_and_hash(DigestFunction::Blake3, &mut file, |_| std::io::Result::Ok(())).unwrap()
        },
        || run(Command::new("b3sum").arg(&big)),
    );
    compare(
        take,
        "",
        || {
            bench.forget("store");
            bench.forget("copy");
        },
        || ingest::file(&bench.store(), &big).unwrap(),
        || run(Command::new("cp").arg(&big).arg(bench.at("copy"))),
    );
}

/// Bytes that no file system can leave out.
fn write_big(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    let (mut state, mut block) = (1u64, vec![0u8; 1 << 20]);
    for _ in 0..BIG >> 20 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
}
