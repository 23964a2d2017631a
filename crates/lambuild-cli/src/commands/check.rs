//! `lambuild check`: everything that the build files alone can show to be wrong.
//! Builds nothing.

use crate::args::{Check, Deny};
use crate::commands::deploy::settings;
use crate::exit;
use crate::run::judge;
use crate::talk::{Talk, count};
use crate::workspace::Workspace;
use lambuild_graph::{TargetGraph, configured};
use lambuild_lang::Evaluation;
use lambuild_lang::diagnostic::{Diagnostic, Severity};
use lambuild_lang::value::TargetId;
use serde_json::json;
use std::collections::BTreeSet;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Check, workspace: &Workspace, talk: &Talk) -> Result<(), u8> {
    let mut evaluation = workspace.evaluate();
    let found = check(&mut evaluation);
    let judged = judge(&found, &evaluation, talk);
    let errors = found
        .iter()
        .filter(|made| made.severity == Severity::Error)
        .count();
    let warnings = found.len() - errors;
    let denied = judged.is_ok() && warnings > 0 && options.deny == Some(Deny::Warnings);
    let (targets, stages) = (evaluation.targets().len(), evaluation.stages().len());
    if talk.json {
        let summary = json!({"event": "summary", "targets": targets, "stages": stages, "errors": errors, "warnings": warnings});
        talk.data(&summary.to_string());
    } else if denied {
        talk.error(&format!(
            "{} found, and warnings are denied",
            count(warnings, "warning")
        ));
    } else if judged.is_ok() {
        talk.say(&format!(
            "checked {} in {}",
            count(targets, "target"),
            count(stages, "stage")
        ));
    } else {
        talk.say(&format!("{} found", count(errors, "error")));
    }
    if denied { Err(exit::USAGE) } else { judged }
}

/// What evaluation finds; where that is nothing, also cycles and what a deployment could not do.
fn check(evaluation: &mut Evaluation<'_>) -> Vec<Diagnostic> {
    let mut found = evaluation.check();
    if found.iter().any(|made| made.severity == Severity::Error) {
        return found;
    }
    let all: Vec<TargetId> = evaluation.targets().iter().map(|target| target.id).collect();
    let wanted = configured(evaluation, &all, &[]);
    found.extend(TargetGraph::new(evaluation, &wanted).err().unwrap_or_default());
    let stages: BTreeSet<String> = evaluation
        .stages()
        .iter()
        .map(|stage| stage.name.to_string())
        .collect();
    for stage in stages {
        found.extend(settings(evaluation, &stage).err().unwrap_or_default());
    }
    found
}
