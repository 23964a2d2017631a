//! Decides how lambuild is measured: against a plain loop of `go build` over the same
//! programs, in the same run, on the same machine. Prints ratios; judges nothing. The
//! language is measured by an example of its own crate, which is built and run here.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

mod steps;

/// The programs of `examples/monorepo`.
const MAINS: [&str; 5] = [
    "services/orders/cmd/orders-api",
    "services/orders/cmd/audit",
    "services/payments/cmd/checkout",
    "services/payments/cmd/refund",
    "services/payments/cmd/void",
];
const ARCHITECTURES: [&str; 2] = ["arm64", "amd64"];
/// The program that is edited for "one file changed".
const EDITED: &str = "services/payments/cmd/void/main.go";
/// What it says, which the edits change.
const SAID: &str = "only an authorized one can be voided";
/// How often the short ones are run; the best counts.
const ROUNDS: usize = 10;

/// Wall time, and processor time of the process and its children.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

/// Runs the benchmark of this name; without one, lambuild against a loop of `go build`.
///
/// # Errors
/// Where there is none of that name, or it fails.
pub fn named(root: &Path, args: &[&str]) -> Result<()> {
    match args {
        [] => run(root),
        ["lang"] => run_lang(root),
        ["steps"] => steps::run(root, None),
        ["steps", functions] => steps::run(root, Some(functions)),
        ["store", rest @ ..] => {
            let start = [
                "cargo",
                "bench",
                "--locked",
                "-p",
                "lambuild-store",
                "--bench",
                "store",
                "--",
            ];
            process::run(root, &[&start[..], rest].concat())
        }
        [other, ..] => {
            bail!(
                "`{other}` is no benchmark: there are `lang`, `steps` and `store`, and without a name the one against Go"
            )
        }
    }
}

/// Builds the release program and measures it.
///
/// # Errors
/// Where something cannot be built or run.
pub fn run(root: &Path) -> Result<()> {
    process::run(root, &["cargo", "build", "--release", "--locked"])?;
    let bench = Bench::new(root)?;
    let size = fs::metadata(&bench.lambuild)?.len();
    println!(
        "\nlambuild is {:.1} MB (release profile, not stripped)\n",
        size as f64 / 1e6
    );
    println!(
        "{:<18} {:>21} {:>21} {:>14}",
        "examples/monorepo", "lambuild wall (cpu)", "go build wall (cpu)", "ratio wall (cpu)"
    );

    bench.fetch_modules()?;
    // Both start without compiled packages; lambuild has toolchain and modules fetched, as `go` has.
    bench.forget_compiled()?;
    row("cold", bench.lambuild()?, bench.go_loop()?);
    row(
        "nothing changed",
        bench.best(Bench::lambuild)?,
        bench.best(Bench::go_loop)?,
    );
    row(
        "one file changed",
        bench.best_edited(Bench::lambuild)?,
        bench.best_edited(Bench::go_loop)?,
    );
    bench.remove()
}

/// Measures the language: its own speed and memory, those of the program that users start, and
/// those of the same workspace in Nix. The example judges the figures and says what is missing.
fn run_lang(root: &Path) -> Result<()> {
    process::run(root, &["cargo", "build", "--release", "--locked"])?;
    let example = ["-p", "lambuild-lang", "--example", "bench"];
    let build = [&["cargo", "build", "--release", "--locked"][..], &example].concat();
    process::run(root, &build)?;
    let lambuild = root.join("target/release/lambuild");
    let bench = root.join("target/release/examples/bench");
    process::run(root, &[text(&bench)?, text(&lambuild)?])
}

fn row(name: &str, ours: Took, theirs: Took) {
    let shown = |took: Took| {
        format!(
            "{:.3} s ({:.2} s)",
            took.wall.as_secs_f64(),
            took.cpu.as_secs_f64()
        )
    };
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64().max(0.001);
    let ratios = format!(
        "{:.2} ({:.2})",
        ratio(ours.wall, theirs.wall),
        ratio(ours.cpu, theirs.cpu)
    );
    println!(
        "{name:<18} {:>21} {:>21} {ratios:>14}",
        shown(ours),
        shown(theirs)
    );
}

/// A copy of the example with a store and caches of its own.
struct Bench {
    folder: PathBuf,
    workspace: PathBuf,
    store: PathBuf,
    lambuild: PathBuf,
    go: PathBuf,
    edits: Cell<u32>,
}

impl Bench {
    fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/bench");
        remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let workspace = folder.join("monorepo");
        let example = root.join("examples/monorepo");
        process::run(root, &["cp", "-r", text(&example)?, text(&workspace)?])?;
        remove(&workspace.join(".lambuild"))?;
        remove(&workspace.join("dist"))?;
        let lambuild = root.join("target/release/lambuild");
        let mut bench = Bench {
            store: folder.join("store"),
            go: PathBuf::new(),
            folder,
            workspace,
            lambuild,
            edits: Cell::new(0),
        };
        // The first build fetches Go; the same Go is then the peer.
        bench.lambuild()?;
        bench.go = bench.fetched_go()?;
        Ok(bench)
    }

    fn fetched_go(&self) -> Result<PathBuf> {
        let found = process::read(&self.store, &["find", "trees", "-path", "*/bin/go"])?;
        let go = found
            .lines()
            .next()
            .context("the build laid out no Go toolchain")?;
        Ok(self.store.join(go))
    }

    /// What the peer needs of the network, before anything is measured.
    fn fetch_modules(&self) -> Result<()> {
        measure(self.go_command(&["mod", "download"])).map(drop)
    }

    /// lambuild's compile cache and results, and the peer's compile cache.
    fn forget_compiled(&self) -> Result<()> {
        remove(&self.store.join("compile"))?;
        remove(&self.folder.join("gocache"))?;
        remove(&self.workspace.join(".lambuild"))?;
        for source in ["services/orders", "services/payments"] {
            let all = process::read(&self.workspace, &["find", source, "-name", "main.go"])?;
            all.lines()
                .try_for_each(|file| self.append(file, "\n// measured cold\n"))?;
        }
        Ok(())
    }

    fn append(&self, file: &str, text: &str) -> Result<()> {
        let path = self.workspace.join(file);
        let before = fs::read_to_string(&path)?;
        Ok(fs::write(path, before + text)?)
    }

    fn lambuild(&self) -> Result<Took> {
        let mut command = command(&self.lambuild);
        command
            .args(["build", "--quiet", "--store"])
            .arg(&self.store)
            .current_dir(&self.workspace);
        measure(command)
    }

    /// What one would write without lambuild: each program for each architecture, same flags.
    fn go_loop(&self) -> Result<Took> {
        let mut sum = Took {
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        };
        for main in MAINS {
            for arch in ARCHITECTURES {
                let out = format!(
                    "{}/out/{}/{arch}/bootstrap",
                    text(&self.folder)?,
                    main.replace('/', "-")
                );
                let package = format!("./{main}");
                let flags = [
                    "build",
                    "-trimpath",
                    "-buildvcs=false",
                    "-tags",
                    "lambda.norpc",
                    "-ldflags",
                ];
                let mut command = self.go_command(&flags);
                command
                    .args(["-s -w -buildid=", "-o", &out, &package])
                    .env("GOARCH", arch);
                let took = measure(command)?;
                sum = Took {
                    wall: sum.wall + took.wall,
                    cpu: sum.cpu + took.cpu,
                };
            }
        }
        Ok(sum)
    }

    fn go_command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.go);
        command.args(args).current_dir(&self.workspace);
        command
            .env("GOCACHE", self.folder.join("gocache"))
            .env("GOMODCACHE", self.folder.join("gomod"));
        command
            .env("GOOS", "linux")
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local");
        command.env("GOFLAGS", "-modcacherw");
        command
    }

    fn best(&self, work: fn(&Self) -> Result<Took>) -> Result<Took> {
        let mut best = work(self)?;
        for _ in 1..ROUNDS {
            let took = work(self)?;
            best = if took.wall < best.wall { took } else { best };
        }
        Ok(best)
    }

    /// As [`Bench::best`], with another edit of one file before each round. The edit reaches
    /// the executable: an edit that does not would be no work for the zip.
    fn best_edited(&self, work: fn(&Self) -> Result<Took>) -> Result<Took> {
        let path = self.workspace.join(EDITED);
        let original = fs::read_to_string(&path)?;
        let mut best: Option<Took> = None;
        for _ in 0..ROUNDS {
            self.edits.set(self.edits.get() + 1);
            let text = format!("{SAID}, says edit {}", self.edits.get());
            fs::write(&path, original.replace(SAID, &text))?;
            let took = work(self)?;
            best = best.filter(|best| best.wall <= took.wall).or(Some(took));
        }
        fs::write(&path, original)?;
        best.context("no round was run")
    }

    fn remove(&self) -> Result<()> {
        remove(&self.folder)
    }
}

fn measure(mut command: Command) -> Result<Took> {
    let (before, start) = (children()?, now());
    let output = command
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    let took = Took {
        wall: start.elapsed(),
        cpu: children()?.saturating_sub(before),
    };
    if !output.status.success() {
        bail!("{command:?} failed\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(took)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the repository's path is not UTF-8")
}

/// Trees of the store cannot be written; they must be writable to be removed.
fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let folder = text(folder)?;
    process::read(Path::new("/"), &["chmod", "-R", "u+w", folder])?;
    process::read(Path::new("/"), &["rm", "-rf", folder]).map(drop)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures")]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Processor time of all children that have ended, from `/proc/self/stat` (fields 16 and 17,
/// in ticks of 10 ms on every Linux that Rust runs on).
fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("processor time is read from /proc")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Ok(Duration::from_millis(10 * (ticks(13) + ticks(14))))
}
