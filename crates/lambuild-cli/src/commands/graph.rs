//! `lambuild graph`: which target needs which, as a drawing for other tools.

use crate::args::{Graph, GraphFormat};
use crate::commands::build::selected;
use crate::run::judge;
use crate::talk::Talk;
use crate::workspace::Workspace;
use lambuild_graph::{TargetGraph, configured, draw};
use lambuild_lang::Evaluation;
use lambuild_lang::value::{Data, TargetId};
use std::collections::BTreeSet;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Graph, workspace: &Workspace, talk: &Talk) -> Result<(), u8> {
    let mut evaluation = workspace.evaluate();
    judge(&evaluation.diagnostics.clone(), &evaluation, talk)?;
    let targets = selected(&options.selection, &evaluation, workspace, talk)?;
    let wanted = configured(&evaluation, &targets, &options.selection.architectures);
    let mut graph = match TargetGraph::new(&mut evaluation, &wanted) {
        Ok(graph) => graph,
        Err(wrong) => return judge(&wrong, &evaluation, talk),
    };
    for (function, layer) in attached(&mut evaluation, &targets) {
        graph.attach(function, layer);
    }
    let text = match (talk.json, options.format) {
        (true, _) | (_, GraphFormat::Json) => draw::json(&graph, &evaluation).to_string(),
        (_, GraphFormat::Dot) => draw::dot(&graph, &evaluation),
        (_, GraphFormat::Mermaid) => draw::mermaid(&graph, &evaluation),
    };
    talk.data(text.trim_end());
    Ok(())
}

/// The layers of each function, in any stage. What cannot be evaluated is `check`'s to tell.
fn attached(evaluation: &mut Evaluation<'_>, targets: &[TargetId]) -> BTreeSet<(TargetId, TargetId)> {
    let stages: BTreeSet<String> = evaluation
        .stages()
        .iter()
        .map(|stage| stage.name.to_string())
        .collect();
    let mut attached = BTreeSet::new();
    for stage in &stages {
        for function in targets {
            let Ok(attrs) = evaluation.deploy(*function, stage) else {
                continue;
            };
            let Some(Data::List(layers)) = attrs.get("layers").map(|value| &value.data) else {
                continue;
            };
            for layer in layers.iter() {
                if let Data::Reference(layer) = &layer.data {
                    attached.insert((*function, *layer));
                }
            }
        }
    }
    attached
}
