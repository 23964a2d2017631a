//! One line for each row of the bar: the figure, how it was had, and whether it is met.

use crate::process;
use std::path::Path;
use std::time::Instant;

/// A row under way.
pub struct Row {
    name: &'static str,
    seed: u64,
    start: Instant,
}

impl Row {
    /// Begins a row, such as `R1`.
    pub fn begin(name: &'static str, seed: u64) -> Self {
        Row {
            name,
            seed,
            start: process::now(),
        }
    }

    /// Prints the row.
    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub fn end(self, figure: &str) {
        let commit = process::commit(Path::new("."));
        let seconds = self.start.elapsed().as_secs_f64();
        println!(
            "{:<4} {figure} · seed {} · commit {commit} · {seconds:.1} s",
            self.name, self.seed
        );
    }
}

/// Prints that a row cannot be had on this machine, and why.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
pub fn skipped(name: &str, why: &str) {
    println!("{name:<4} skipped: {why}");
}
