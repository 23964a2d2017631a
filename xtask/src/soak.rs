//! Decides which long-running suites there are: those that take minutes or more and so
//! are no part of `cargo xtask test`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{fuzz, process};

/// A suite that runs on demand.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// The word that starts it.
    pub name: &'static str,
    /// What it proves and how long it takes, in one line.
    pub about: &'static str,
    /// Runs it to its end: the repository's folder, and the further words of the command line.
    pub run: fn(&Path, &[&str]) -> Result<()>,
}

/// All suites. A new one is one line here and a module beside this one.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "hermetic",
        about: "the examples under reprotest and under `verify`, 15 minutes; reprotest needs root",
        run: hermetic,
    },
    Suite {
        name: "fuzz",
        about: "parse, fmt and evaluate under libFuzzer, MINUTES (5) each; needs cargo-fuzz",
        run: fuzz::run,
    },
    Suite {
        name: "language",
        about: "a hundred workspaces that multiply themselves: each ends within 2 s and 256 MB, 1 minute",
        run: language,
    },
    Suite {
        name: "store",
        about: "the store tortured: COLUMN pr (20 minutes) or soak (hours); then each row with a mistake in it",
        run: store,
    },
    Suite {
        name: "sources",
        about: "the largest hostile source trees and 100,000 edits under coarse clocks, 5 minutes",
        run: sources,
    },
];

/// What the language's tests count in steps and bytes, in seconds and megabytes.
fn language(root: &Path, _: &[&str]) -> Result<()> {
    let build = "cargo run --release --locked -q -p lambuild-lang --example bench bombs";
    process::run(root, &build.split(' ').collect::<Vec<_>>())
}

/// The tests of the store's sources that take too long for every day.
fn sources(root: &Path, _: &[&str]) -> Result<()> {
    ignored_tests(root, &["lambuild-store", "--", "--ignored"])
}

/// Whole builds of the examples, from nothing and several times over.
fn hermetic(root: &Path, _: &[&str]) -> Result<()> {
    ignored_tests(root, &["lambuild-tests", "--", "--ignored", "reproducible::"])
}

/// Runs tests of one package, optimised; `words` begins with its name.
fn ignored_tests(root: &Path, words: &[&str]) -> Result<()> {
    let test = ["cargo", "test", "--release", "--locked", "-p"];
    process::run(root, &[&test[..], words].concat())
}

/// The bar of the store: the words of the command line go to `torture all`, `pr` where there are none.
fn store(root: &Path, words: &[&str]) -> Result<()> {
    let words = if words.is_empty() { &["pr"] } else { words };
    torture(root, &[&["all"], words].concat())?;
    torture(root, &["red"])
}

/// Runs the torture kit. Optimised: it hashes every object of every store that it made.
///
/// # Errors
/// Where a suite fails.
pub fn torture(root: &Path, words: &[&str]) -> Result<()> {
    let run = "cargo run --release --locked --quiet -p lambuild-torture --";
    let run: Vec<&str> = run.split(' ').collect();
    process::run(root, &[&run[..], words].concat())
}

/// The table of suites, for people.
pub fn list(suites: &[Suite]) -> String {
    if suites.is_empty() {
        return "there are no soak suites yet\n".to_owned();
    }
    let width = suites
        .iter()
        .map(|suite| suite.name.len())
        .max()
        .unwrap_or_default();
    suites
        .iter()
        .map(|suite| format!("{:width$}  {}\n", suite.name, suite.about))
        .collect()
}

/// Runs the suite of this name.
///
/// # Errors
/// Where there is none of that name, or the suite fails.
pub fn run(suites: &[Suite], root: &Path, name: &str, words: &[&str]) -> Result<()> {
    let suite = suites.iter().find(|suite| suite.name == name);
    let suite = suite.with_context(|| format!("`{name}` is no soak suite\n\n{}", list(suites)))?;
    (suite.run)(root, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Suite] = &[
        Suite {
            name: "good",
            about: "always passes, at once",
            run: |_, _| Ok(()),
        },
        Suite {
            name: "worse",
            about: "never does",
            run: |_, words| anyhow::bail!("as {}", words.join(" ")),
        },
    ];

    #[test]
    fn suites_are_listed_and_run_by_name() {
        assert_eq!(list(TWO), "good   always passes, at once\nworse  never does\n");
        assert!(run(TWO, Path::new("/"), "good", &[]).is_ok());
        let error = run(TWO, Path::new("/"), "worse", &["you", "wish"]).unwrap_err();
        assert_eq!(error.to_string(), "as you wish");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_list() {
        let error = run(&[], Path::new("/"), "store", &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "`store` is no soak suite\n\nthere are no soak suites yet\n"
        );
    }
}
