//! Decides how the cost of a step is measured: a generated workspace of many small commands, sandboxed by
//! lambuild and plain under ninja, in one run. Prints processor and wall time a step; judges nothing.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Took, children, command, measure, now, remove, text};
use crate::process;

/// Functions, where nobody says how many.
const FUNCTIONS: usize = 1000;
/// Functions that share a library.
const SHARE: usize = 10;
/// Source files of each function and library, and their bytes.
const FILES: usize = 8;
const BYTES: usize = 2048;
/// How often the short ones are run; the least processor time counts.
const ROUNDS: usize = 5;
/// How many bare processes are run for the floor.
const BARE: usize = 200;

/// Builds the release program and measures it over `functions` steps and a tenth of that for libraries.
///
/// # Errors
/// Where the number is none, ninja is not installed, or something fails.
pub fn run(root: &Path, functions: Option<&str>) -> Result<()> {
    let functions = functions.map_or(Ok(FUNCTIONS), str::parse);
    let functions = functions.context("`bench steps` takes a number of functions")?;
    process::run(root, &["cargo", "build", "--release", "--locked"])?;
    let bench = Steps::generate(root, functions)?;
    let steps = bench.steps() as f64;
    println!(
        "\n{functions} functions, {} steps; load {}",
        bench.steps(),
        load()
    );
    println!(
        "{:<16} {:>30} {:>30} {:>16}",
        "a step", "lambuild cpu (wall)", "ninja cpu (wall)", "ratio cpu (wall)"
    );
    let bare = bench.bare()?;
    println!(
        "{:<16} {:>30} {:>30}",
        "bare process",
        "",
        shown(bare, BARE as f64)
    );
    row("cold", bench.lambuild()?, bench.ninja()?, steps);
    let (mut ours, mut theirs) = (None, None);
    for _ in 0..ROUNDS {
        ours = least(ours, bench.lambuild()?);
        theirs = least(theirs, bench.ninja()?);
    }
    row_of_best("nothing changed", ours, theirs, steps);
    let (mut ours, mut theirs) = (None, None);
    for round in 0..ROUNDS {
        bench.edit(round)?;
        ours = least(ours, bench.lambuild()?);
        theirs = least(theirs, bench.ninja()?);
    }
    row_of_best("one changed", ours, theirs, steps);
    println!("load {}", load());
    remove(&bench.folder)
}

fn least(best: Option<Took>, took: Took) -> Option<Took> {
    best.filter(|best| best.cpu <= took.cpu).or(Some(took))
}

fn row_of_best(name: &str, ours: Option<Took>, theirs: Option<Took>, steps: f64) {
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        row(name, ours, theirs, steps);
    }
}

fn row(name: &str, ours: Took, theirs: Took, steps: f64) {
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64().max(0.001);
    let ratios = format!(
        "{:.1} ({:.1})",
        ratio(ours.cpu, theirs.cpu),
        ratio(ours.wall, theirs.wall)
    );
    println!(
        "{name:<16} {:>30} {:>30} {ratios:>16}",
        shown(ours, steps),
        shown(theirs, steps)
    );
}

/// Milliseconds a step, and seconds in all.
fn shown(took: Took, steps: f64) -> String {
    let each = |time: Duration| time.as_secs_f64() * 1e3 / steps;
    format!(
        "{:.2} ms ({:.2} ms), {:.2} s cpu",
        each(took.cpu),
        each(took.wall),
        took.cpu.as_secs_f64()
    )
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The workspace, with a store of its own.
struct Steps {
    functions: usize,
    folder: PathBuf,
    workspace: PathBuf,
    lambuild: PathBuf,
}

impl Steps {
    fn generate(root: &Path, functions: usize) -> Result<Self> {
        let folder = root.join("target/bench-steps");
        remove(&folder)?;
        let steps = Steps {
            functions,
            workspace: folder.join("workspace"),
            folder,
            lambuild: root.join("target/release/lambuild"),
        };
        steps.write(
            "lambda.build",
            "workspace steps {}\ntoolchain sh { programs = [\"sh\", \"cat\"] }\n",
        )?;
        let mut ninja = "rule cat\n  command = cat $in > $out\n".to_owned();
        for number in 0..steps.libraries() {
            steps.library(number, &mut ninja)?;
        }
        for number in 0..functions {
            steps.function(number, &mut ninja)?;
        }
        steps.write("build.ninja", &ninja)?;
        Ok(steps)
    }

    fn libraries(&self) -> usize {
        self.functions.div_ceil(SHARE)
    }

    fn steps(&self) -> usize {
        self.functions + self.libraries()
    }

    fn library(&self, number: usize, ninja: &mut String) -> Result<()> {
        let folder = format!("libs/l{number}");
        self.sources(&folder)?;
        let build = "target lib = command { run = \"cat ${./src}/* > $out/lib\", tools = [toolchain.sh] }\n";
        self.write(&format!("{folder}/lambda.build"), build)?;
        writeln!(ninja, "build out/l{number}: cat{}", sources_of(&folder))?;
        Ok(())
    }

    fn function(&self, number: usize, ninja: &mut String) -> Result<()> {
        let (folder, library) = (format!("functions/f{number}"), number / SHARE);
        self.sources(&folder)?;
        let build = format!(
            "import ../../libs/l{library} as shared\n\
             target step = command {{\n  run   = \"cat ${{./src}}/* ${{shared.target.lib}}/lib > $out/step\"\n  \
             tools = [toolchain.sh]\n}}\n"
        );
        self.write(&format!("{folder}/lambda.build"), &build)?;
        writeln!(
            ninja,
            "build out/f{number}: cat{} out/l{library}",
            sources_of(&folder)
        )?;
        Ok(())
    }

    fn sources(&self, folder: &str) -> Result<()> {
        for file in 0..FILES {
            let mut text = format!("{folder} {file}\n").repeat(BYTES / 8);
            text.truncate(BYTES);
            self.write(&format!("{folder}/src/f{file}.txt"), &text)?;
        }
        Ok(())
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.workspace.join(path);
        fs::create_dir_all(path.parent().context("the path has a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// Another text in one file of one function.
    fn edit(&self, round: usize) -> Result<()> {
        self.write("functions/f0/src/f0.txt", &format!("edit {round}\n"))
    }

    fn lambuild(&self) -> Result<Took> {
        let mut command = command(&self.lambuild);
        command
            .args(["build", "--quiet", "--store"])
            .arg(self.folder.join("store"))
            .current_dir(&self.workspace);
        measure(command)
    }

    fn ninja(&self) -> Result<Took> {
        let mut command = command(Path::new("ninja"));
        // As many at once as lambuild runs.
        let jobs = std::thread::available_parallelism()?.to_string();
        command
            .args(["--quiet", "-j", &jobs])
            .current_dir(&self.workspace);
        measure(command).context("ninja is Debian's package ninja-build")
    }

    /// What the step itself costs: the shell and `cat`, one after the other.
    fn bare(&self) -> Result<Took> {
        let out = self.folder.join("bare");
        let text = format!("cat {} > {}", sources_of("functions/f0"), text(&out)?);
        let (before, start) = (children()?, now());
        for _ in 0..BARE {
            let mut shell = command(Path::new("sh"));
            shell.args(["-c", &text]).current_dir(&self.workspace);
            shell.status()?;
        }
        Ok(Took {
            wall: start.elapsed(),
            cpu: children()?.saturating_sub(before),
        })
    }
}

fn sources_of(folder: &str) -> String {
    (0..FILES)
        .map(|file| format!(" {folder}/src/f{file}.txt"))
        .collect()
}
