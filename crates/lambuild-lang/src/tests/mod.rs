//! Whole workspaces in, whole answers out.

mod bomb;
mod bombs;
mod deep;
mod gallery;
mod laws;
mod page;
mod print;
mod reference;
mod tables;

use crate::diagnostic::Diagnostic;
use crate::{Evaluation, MemoryFiles, Options, evaluate};

/// Evaluates a workspace of `(path, text)` files with the tests' tables.
fn with_workspace<T>(files: &[(&str, &str)], use_it: impl FnOnce(&mut Evaluation<'_>) -> T) -> T {
    with_params(files, &[], use_it)
}

/// The same, with `--param`s.
fn with_params<T>(
    files: &[(&str, &str)],
    params: &[(&str, &str)],
    use_it: impl FnOnce(&mut Evaluation<'_>) -> T,
) -> T {
    let files = MemoryFiles::new(files.iter().copied()).unwrap();
    let params = params
        .iter()
        .map(|(name, text)| (name.to_string(), text.to_string()))
        .collect();
    let mut evaluation = evaluate(
        &files,
        &tables::SCHEMAS,
        &Options {
            params,
            ..Options::default()
        },
    );
    use_it(&mut evaluation)
}

/// Everything that is wrong with a workspace, drawn.
fn problems(files: &[(&str, &str)]) -> String {
    with_workspace(files, |evaluation| {
        let errors = evaluation.check();
        drawn(&errors, evaluation)
    })
}

/// Diagnostics as a user sees them.
fn drawn(errors: &[Diagnostic], evaluation: &Evaluation<'_>) -> String {
    let drawn: Vec<String> = errors
        .iter()
        .map(|error| crate::render(error, &evaluation.sources, false))
        .collect();
    drawn.join("\n\n")
}
