//! What multiplies itself, and whether it ends within the budget's 2 s and 256 MB: each in a
//! process of its own.

#[path = "../../src/tests/bomb.rs"]
mod bomb;

use crate::clock::{milliseconds, peak, processor_time, run};
use crate::schema::SCHEMAS;
use bomb::{Size, bombs};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Severity;
use lambuild_lang::{MemoryFiles, Options, evaluate};
use std::path::Path;
use std::time::Duration;

/// What a bomb may take: the limits of the language page.
const TIME: Duration = Duration::from_secs(2);
const MEMORY: u64 = 256;

/// Data files and strings nearly as long as they may be, and as much text as no one writes in
/// one file. What is allowed grows with what is written, so that more text is no bomb.
const SIZE: Size = Size {
    text: 1 << 18,
    data: 12 << 20,
    string: 1 << 20,
};

/// Evaluates one of them, and prints its processor time in nanoseconds, its memory in MB and
/// what is said first. What it took to make its files is not counted, but stays in the memory.
pub fn one(number: usize) {
    let Some(bomb) = bombs(SIZE).into_iter().nth(number) else {
        return;
    };
    let mut files = MemoryFiles::default();
    for (path, text) in &bomb.files() {
        files.insert(RelPath::new(path).expect("a clean path"), text);
    }
    crate::clock::forget_peak();
    let before = peak();
    let start = processor_time();
    let mut evaluation = evaluate(&files, &SCHEMAS, &Options::default());
    let errors = evaluation.check();
    let time = processor_time() - start;
    let first = errors.iter().find(|error| error.severity == Severity::Error);
    let first = first.map_or("no error", |error| &error.message);
    let short: String = first.chars().take(60).collect();
    println!("{} {} {} {short}", time.as_nanos(), peak() - before, errors.len());
    std::mem::forget(evaluation);
}

/// Runs each and prints what it took; whether all held.
pub fn measure_bombs() -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.to_string_lossy();
    let mut fine = true;
    for (number, bomb) in bombs(SIZE).iter().enumerate() {
        let args = ["alone".to_owned(), "bomb".to_owned(), number.to_string()];
        let output = run(Path::new("."), &program, &args).map_or_else(|why| why, |run| run.output);
        let mut words = output.trim().splitn(4, ' ');
        let time = words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(u64::MAX);
        let memory = words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(u64::MAX);
        let errors = words.next().unwrap_or_default();
        let time = Duration::from_nanos(time);
        let good = time < TIME && memory < MEMORY;
        fine = fine && good;
        println!(
            "  {:42} {:>10} {memory:>4} MB  {}{errors}: {}",
            bomb.name,
            milliseconds(time),
            if good { "" } else { "TOO MUCH: " },
            words.next().unwrap_or(&output)
        );
    }
    fine
}
