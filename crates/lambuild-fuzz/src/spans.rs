//! Decides what a diagnostic must look like, whatever it says.

use lambuild_lang::diagnostic::{Diagnostic, Exit, Severity};
use lambuild_lang::source::SourceMap;
use lambuild_lang::{diagnostic_json, render};

/// What no message may be made of: words of the implementation, or none of the user's.
const FOREIGN: [&str; 8] = [
    "syntax error",
    "parse error",
    "invalid input",
    "unexpected token",
    "Some(",
    "RelPath",
    "lambuild_",
    "alloc::",
];

/// Checks each: a place inside its file at borders of characters, words for people, exit code 2;
/// and that it can be drawn and written as JSON.
///
/// # Panics
/// Where one of that does not hold.
pub fn check(diagnostics: &[Diagnostic], sources: &SourceMap) {
    for made in diagnostics {
        one(made, sources);
        assert!(!render(made, sources, false).is_empty());
        let json = diagnostic_json(made, sources);
        let labels = json["labels"].as_array().map_or(0, Vec::len);
        assert_eq!(labels, made.labels.len());
    }
}

fn one(made: &Diagnostic, sources: &SourceMap) {
    if made.severity == Severity::Error {
        assert_eq!(made.exit, Exit::Usage, "a wrong file means exit code 2: {made:?}");
    }
    let message = made.message.as_str();
    assert!(!message.is_empty() && !message.ends_with('.'), "{made:?}");
    for foreign in FOREIGN {
        // What stands in quotes is the user's own text.
        let ours: String = message.split('`').step_by(2).collect();
        let ours: String = ours.split('"').step_by(2).collect();
        assert!(!ours.contains(foreign), "{made:?}");
    }
    for label in &made.labels {
        let text = &sources.file(label.span.file).text;
        let (start, end) = (label.span.start as usize, label.span.end as usize);
        let fits = start <= end && text.is_char_boundary(start) && text.is_char_boundary(end);
        assert!(fits, "{start}..{end} is no place in the file: {made:?}");
        let (line, column) = sources.line_column(label.span);
        assert!(line >= 1 && column >= 1, "{made:?}");
    }
}
