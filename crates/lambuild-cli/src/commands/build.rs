//! `lambuild build`: targets in, artifacts under `.lambuild/out/`.

use crate::args::{Build, Running, Selection};
use crate::artifacts::{self, Artifact};
use crate::environment::Environment;
use crate::exit;
use crate::run::{self, Built, judge};
use crate::summary::{self, Summary};
use crate::talk::Talk;
use crate::workspace::Workspace;
use lambuild_action::StoreError;
use lambuild_graph::{Configured, configured};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::select::select;
use lambuild_lang::value::{Attrs, Data, TargetId};
use lambuild_lang::{Evaluation, TargetKind};
use std::collections::BTreeSet;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Build, workspace: &Workspace, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let mut evaluation = workspace.evaluate();
    judge(&evaluation.diagnostics.clone(), &evaluation, talk)?;
    let targets = selected(&options.selection, &evaluation, workspace, talk)?;
    let wanted = configured(&evaluation, &targets, &options.selection.architectures);
    judge(&mistakes(&wanted, &mut evaluation), &evaluation, talk)?;
    let (running, wanted) = (&options.running, &wanted);
    let mut built = run::build(workspace, &mut evaluation, wanted, running, environment, talk)?;
    let artifacts = deliver(&mut built, &evaluation, workspace, running, environment, talk)?;
    let summary = Summary::of(&built, &artifacts);
    summary.keep(workspace);
    if talk.json {
        talk.data(&summary.json());
    } else {
        summary::list(&artifacts, talk);
        if !built.outcome.interrupted {
            talk.say(&summary.line(built.outcome.took));
        }
    }
    warn_invisible(&artifacts, &mut evaluation, talk);
    if built.exit == exit::OK {
        Ok(())
    } else {
        Err(built.exit)
    }
}

/// What is wrong with the deploy attributes of the wanted targets, in any stage: everything is
/// checked against the tables before anything runs.
fn mistakes(wanted: &[Configured], evaluation: &mut Evaluation<'_>) -> Vec<Diagnostic> {
    let stages: BTreeSet<String> = evaluation
        .stages()
        .iter()
        .map(|stage| stage.name.to_string())
        .collect();
    let targets: BTreeSet<TargetId> = wanted.iter().map(|configured| configured.target).collect();
    let mut found: Vec<Diagnostic> = Vec::new();
    for target in targets {
        for stage in &stages {
            let deployed = evaluation.target(target).kind != TargetKind::Target;
            if deployed && evaluation.stage_of(target, stage).is_some() {
                let wrong = evaluation.deploy(target, stage).err().unwrap_or_default();
                // The same mistake in another stage says nothing new.
                let new: Vec<Diagnostic> = wrong.into_iter().filter(|made| !found.contains(made)).collect();
                found.extend(new);
            }
        }
    }
    found
}

/// The targets that the words of the command line mean.
///
/// # Errors
/// The exit code, where a word means none.
pub fn selected(
    words: &Selection,
    evaluation: &Evaluation<'_>,
    workspace: &Workspace,
    talk: &Talk,
) -> Result<Vec<TargetId>, u8> {
    select(evaluation.targets(), &words.targets, &workspace.here).map_err(|wrong| {
        talk.diagnostics(&wrong, &evaluation.sources);
        exit::USAGE
    })
}

/// How often a build goes on after an artifact was found damaged while it was written.
const AGAIN: usize = 3;

/// Collects what was built and writes it below `.lambuild/out/`. What is found damaged on the way is made again first.
///
/// # Errors
/// The exit code.
pub fn deliver(
    built: &mut Built,
    evaluation: &Evaluation<'_>,
    workspace: &Workspace,
    running: &Running,
    environment: &Environment,
    talk: &Talk,
) -> Result<Vec<Artifact>, u8> {
    let write = |built: &Built| {
        artifacts::collect(built, evaluation, &workspace.store)
            .and_then(|made| artifacts::publish(&made, workspace).map(|()| made))
    };
    let mut made = write(built);
    for _ in 0..AGAIN {
        if !matches!(made, Err(StoreError::NotFound(_) | StoreError::Damaged(_))) {
            break;
        }
        run::again(built, evaluation, workspace, running, environment, talk)?;
        made = write(built);
    }
    built.damaged += tell_damaged(workspace, built.exit == exit::OK, talk);
    made.map_err(|error| {
        talk.error(&format!("the artifacts cannot be written: {error}"));
        exit::FAILED
    })
}

/// How many damaged files are named; a disk that goes bad damages thousands.
const NAMED: usize = 5;

/// Says what of the store was damaged, once; how much it was.
fn tell_damaged(workspace: &Workspace, again: bool, talk: &Talk) -> usize {
    let damaged = workspace.store.take_damaged();
    let then = if again {
        "was set aside and made again"
    } else {
        "was set aside; the next build makes it again"
    };
    for (path, kept) in damaged.iter().take(NAMED) {
        let kept = kept.as_ref().map_or_else(
            || format!(": {}", path.display()),
            |kept| format!(": {}, kept as {}", path.display(), kept.display()),
        );
        talk.warning(&format!("a damaged object of the store {then}{kept}"));
    }
    if damaged.len() > NAMED {
        talk.warning(&format!(
            "so were {} more; `lambuild store verify` checks all of the store",
            damaged.len() - NAMED
        ));
    }
    damaged.len()
}

/// A layer whose files no runtime looks at is almost always a mistake, unless it says `data = true`.
fn warn_invisible(artifacts: &[Artifact], evaluation: &mut Evaluation<'_>, talk: &Talk) {
    let stages: Vec<String> = evaluation
        .stages()
        .iter()
        .map(|stage| stage.name.to_string())
        .collect();
    // Asked only where something is out of sight: the stages' attributes cost an evaluation each.
    for artifact in artifacts.iter().filter(|artifact| !artifact.invisible.is_empty()) {
        let layer = evaluation
            .targets()
            .iter()
            .find(|target| target.address() == artifact.target);
        let Some(id) = layer.map(|target| target.id) else {
            continue;
        };
        let mut is_data = false;
        for stage in &stages {
            is_data |= evaluation.deploy(id, stage).is_ok_and(|attrs| says_data(&attrs));
        }
        if !is_data {
            for sentence in &artifact.invisible {
                talk.warning(&format!("layer {}: {sentence}", artifact.target));
            }
        }
    }
}

fn says_data(attrs: &Attrs) -> bool {
    attrs
        .get("data")
        .is_some_and(|value| value.data == Data::Bool(true))
}
