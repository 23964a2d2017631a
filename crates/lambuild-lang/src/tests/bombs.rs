//! Whatever multiplies itself ends within its budget, as the evaluator counts it: no clock and no
//! memory of a machine is asked. That what is counted fits what is taken, the benchmark measures.

use super::bomb::{Bomb, Size, bombs};
use super::tables;
use crate::codes;
use crate::machine::Budget;
use crate::{MemoryFiles, Options, evaluation::evaluate_within};

/// A fiftieth of the real budget, so that the table is worked off in seconds.
const STEPS: u64 = 500_000;
const BYTES: u64 = 3 << 20;

const SIZE: Size = Size {
    text: 1 << 18,
    data: 1 << 18,
    string: 1 << 14,
};

/// Those whose work is little, or is bounded by the errors that they make, and what they end with.
const OTHERWISE: [(&str, &str); 3] = [
    ("one long text", "none"),
    ("many unknown names", codes::UNKNOWN_NAME),
    ("many elements", "none"),
];

/// The code of the first error of a bomb; `none` without one.
fn ends_with(bomb: &Bomb) -> String {
    let files = bomb.files();
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let files = MemoryFiles::new(files).unwrap();
    let budget = Budget::new(STEPS, BYTES);
    let mut evaluation = evaluate_within(&files, &tables::SCHEMAS, &Options::default(), budget);
    let errors = evaluation.check();
    let cost = evaluation.cost();
    assert!(cost.steps <= cost.most_steps && cost.bytes <= cost.most_bytes);
    let mut words: usize = 0;
    for error in &errors {
        let labels = error.labels.iter().map(|label| label.text.len());
        words += error.message.len() + labels.sum::<usize>();
    }
    assert!(
        errors.len() < 5000 && words < 4 << 20,
        "{}: {} errors of {words} bytes",
        bomb.name,
        errors.len()
    );
    let budget = errors.iter().find(|error| error.code == codes::BUDGET);
    budget
        .or(errors.first())
        .map_or("none", |error| error.code)
        .to_owned()
}

#[test]
fn what_multiplies_itself_ends_within_its_budget() {
    let bombs = bombs(SIZE);
    assert!(bombs.len() >= 60);
    let mut odd = String::new();
    for bomb in &bombs {
        let expected = OTHERWISE.iter().find(|(name, _)| *name == bomb.name);
        let (expected, found) = (expected.map_or(codes::BUDGET, |(_, code)| code), ends_with(bomb));
        if found != expected {
            odd.push_str(&format!("{}: {found}\n", bomb.name));
        }
    }
    assert_eq!(odd, "");
}
