//! Decides how the fuzz targets are run: each for some minutes, one after the other, within the
//! limits that the language promises. What they check is `crates/lambuild-fuzz`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;

const TARGETS: [&str; 3] = ["parse", "fmt", "evaluate"];

/// Seconds that one input may take. An evaluation ends within 2 s; a target does three,
/// slowed down by being watched.
const TIMEOUT: &str = "-timeout=12";

/// MB that the process may hold: the 256 of an evaluation and what the fuzzer itself keeps.
const MEMORY: &str = "-rss_limit_mb=600";

/// Longer inputs find nothing that shorter ones do not, and take longer.
const LENGTH: &str = "-max_len=4096";

/// Fuzzes every target for the minutes that the first word says, 5 without one.
///
/// # Errors
/// Where a target finds something, or cargo-fuzz is not there.
pub fn run(root: &Path, words: &[&str]) -> Result<()> {
    let minutes: u64 = match words {
        [] => 5,
        [minutes] => minutes
            .parse()
            .with_context(|| format!("`{minutes}` is no number of minutes"))?,
        _ => bail!("`cargo xtask soak fuzz MINUTES` takes one number"),
    };
    if process::read(root, &["cargo", "fuzz", "--version"]).is_err() {
        bail!("cargo-fuzz is not there: `cargo install cargo-fuzz`");
    }
    for target in TARGETS {
        fuzz(root, target, minutes)?;
    }
    Ok(())
}

fn fuzz(root: &Path, target: &str, minutes: u64) -> Result<()> {
    // What it finds interesting goes into the first folder; the corpus is only read.
    let found = root.join("fuzz/target/found").join(target);
    fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", found.display()))?;
    let time = format!("-max_total_time={}", minutes * 60);
    let argv = ["cargo", "fuzz", "run", "--sanitizer", "none", target];
    let folders = [
        found.to_str().context("the repository's path is not UTF-8")?,
        "fuzz/corpus",
    ];
    let limits = ["--", "-dict=fuzz/dictionary.txt", TIMEOUT, MEMORY, LENGTH, &time];
    process::run(root, &[&argv[..], &folders, &limits].concat()).with_context(|| {
        format!(
            "`{target}` found something: reduce it with `cargo fuzz tmin --sanitizer none {target} FILE`, \
             mend it, and put the reduced file into fuzz/corpus"
        )
    })
}
