//! Decides what must hold for every text that is handed to the language: one function for each
//! fuzz target. `fuzz/` feeds them what libFuzzer thinks of, the tests here the stored corpus and
//! mutations of it. Knows no fuzzer and no disk.
//!
//! A function returns when all is well and panics with what is wrong, which is what a fuzzer
//! and a test both understand.

mod evaluate;
pub mod mutate;
mod spans;

pub use evaluate::{evaluate, problems};

use lambuild_digest::RelPath;
use lambuild_lang::SyntaxTree;
use lambuild_lang::format::laws;
use lambuild_lang::source::SourceMap;

/// Parsing answers, and every mistake that it finds has a place in the text.
pub fn parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut sources = SourceMap::default();
    sources.add(RelPath::root(), text.into());
    spans::check(&SyntaxTree::parse(text).errors, &sources);
}

/// Formatting refuses exactly what does not parse; else the meaning and the comments stay,
/// and formatting again changes nothing.
pub fn fmt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parses = SyntaxTree::parse(text).errors.is_empty();
    match laws::broken(text) {
        Ok(None) => assert!(parses, "what does not parse was formatted"),
        Ok(Some(broken)) => panic!("{broken}"),
        Err(errors) => assert!(
            !parses && !errors.is_empty(),
            "what parses was refused: {errors:?}"
        ),
    }
}
