//! What developers of lambuild run: house rules, test tools, the whole test run.
//!
//! Nothing here is shipped. A library beside the program, so that the tests run
//! the house rules too.
#![expect(clippy::print_stdout, reason = "these are commands for people at a terminal")]

pub mod bench;
pub mod botocore;
pub mod fuzz;
pub mod process;
pub mod soak;
pub mod suite;
pub mod tidy;
pub mod tools;

use std::path::{Path, PathBuf};

/// The folder of the whole repository.
pub fn repository_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
