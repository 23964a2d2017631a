//! The stored corpus and mutations of it, through the bodies of the fuzz targets: what was
//! once found stays found, without a fuzzer.

use lambuild_fuzz::mutate::{Edit, mutate};
use lambuild_testkit::repository_root;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 3] = [
    ("parse", lambuild_fuzz::parse),
    ("fmt", lambuild_fuzz::fmt),
    ("evaluate", lambuild_fuzz::evaluate),
];

/// The inputs of one corpus, sorted by name.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = repository_root().join("fuzz/corpus");
    let mut found: Vec<(PathBuf, Vec<u8>)> = entries(&folder)
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).expect("a file of the corpus");
            (path, bytes)
        })
        .collect();
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "`corpus` sorts")]
fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).expect("the corpus");
    listing
        .map(|entry| entry.expect("an entry of the corpus").path())
        .collect()
}

#[test]
fn the_corpus_holds_in_every_target() {
    let corpus = corpus();
    assert!(corpus.len() >= 12, "the corpus is missing");
    for (path, bytes) in &corpus {
        for (name, target) in TARGETS {
            let held = std::panic::catch_unwind(|| target(bytes));
            assert!(held.is_ok(), "{name} fails for {}", path.display());
        }
    }
}

/// Always the same mutations, so that the test says the same on every machine.
#[test]
fn mutations_of_the_corpus_hold_in_every_target() {
    let texts: Vec<String> = corpus()
        .into_iter()
        .filter_map(|(_, bytes)| String::from_utf8(bytes).ok())
        .collect();
    let edit = (any::<u8>(), any::<u16>(), any::<u16>()).prop_map(|(how, at, with)| Edit { how, at, with });
    let input = (
        proptest::sample::select(texts),
        proptest::collection::vec(edit, 1..6),
    );
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    let tested = TestRunner::new_with_rng(config, rng).run(&input, |(text, edits)| {
        let spoiled = mutate(&text, &edits);
        TARGETS.iter().for_each(|(_, target)| target(spoiled.as_bytes()));
        Ok(())
    });
    if let Err(failure) = tested {
        panic!("{failure}");
    }
}
