//! `lambuild graph`: which target needs which, as a drawing for other tools.

use crate::args::{Graph, GraphFormat};
use crate::commands::build::selected;
use crate::run::judge;
use crate::talk::Talk;
use crate::workspace::Workspace;
use lambuild_graph::{TargetGraph, configured, draw};

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Graph, workspace: &Workspace, talk: &Talk) -> Result<(), u8> {
    let mut evaluation = workspace.evaluate();
    judge(&evaluation.diagnostics.clone(), &evaluation, talk)?;
    let targets = selected(&options.selection, &evaluation, workspace, talk)?;
    let wanted = configured(&evaluation, &targets, &options.selection.architectures);
    let graph = match TargetGraph::new(&mut evaluation, &wanted) {
        Ok(graph) => graph,
        Err(wrong) => return judge(&wrong, &evaluation, talk),
    };
    let text = match (talk.json, options.format) {
        (true, _) | (_, GraphFormat::Json) => draw::json(&graph, &evaluation).to_string(),
        (_, GraphFormat::Dot) => draw::dot(&graph, &evaluation),
        (_, GraphFormat::Mermaid) => draw::mermaid(&graph, &evaluation),
    };
    talk.data(text.trim_end());
    Ok(())
}
