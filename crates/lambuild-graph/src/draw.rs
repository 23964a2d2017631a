//! The graph of targets as text for other tools: DOT, Mermaid, JSON.

use crate::references::TargetGraph;
use lambuild_lang::Evaluation;
use lambuild_lang::value::TargetId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Nodes and edges of a drawing: addresses with their kinds, and who needs whom for what.
/// Architectures are folded together: a reference is the same for each of them, or
/// is drawn once.
struct Picture {
    nodes: BTreeSet<(String, &'static str)>,
    edges: BTreeSet<(String, String, Need)>,
}

/// What one target needs another for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// Its content.
    Build,
    /// As a layer at run time.
    Layer,
}

impl Picture {
    fn of(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> Self {
        let address = |target: TargetId| evaluation.target(target).address();
        let node = |target: TargetId| (address(target), evaluation.target(target).kind.word());
        let built = graph
            .edges()
            .map(|(from, to)| (address(from.target), address(to.target), Need::Build));
        let attached = graph
            .attached()
            .map(|(from, to)| (address(from), address(to), Need::Layer));
        let layers = graph.attached().map(|(_, layer)| node(layer));
        Picture {
            nodes: graph
                .in_order()
                .into_iter()
                .map(|made| node(made.target))
                .chain(layers)
                .collect(),
            edges: built.chain(attached).collect(),
        }
    }
}

/// Graphviz's language.
pub fn dot(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> String {
    let picture = Picture::of(graph, evaluation);
    let mut text = String::from("digraph lambuild {\n  rankdir = LR;\n  node [fontname = \"sans-serif\"];\n");
    for (address, kind) in &picture.nodes {
        let shape = match *kind {
            "function" => "box",
            "layer" => "folder",
            _ => "ellipse",
        };
        text.push_str(&format!("  {} [shape = {shape}];\n", quoted(address)));
    }
    for (from, to, need) in &picture.edges {
        let style = if *need == Need::Layer {
            " [style = dashed]"
        } else {
            ""
        };
        text.push_str(&format!("  {} -> {}{style};\n", quoted(from), quoted(to)));
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Mermaid's flowchart, as Markdown pages show it.
pub fn mermaid(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> String {
    let picture = Picture::of(graph, evaluation);
    let nodes: Vec<&String> = picture.nodes.iter().map(|(address, _)| address).collect();
    let id = |address: &String| {
        nodes
            .binary_search(&address)
            .map_or_else(|_| "?".to_owned(), |at| format!("n{at}"))
    };
    let mut text = String::from("flowchart LR\n");
    for (address, kind) in &picture.nodes {
        let label = address.replace('"', "#quot;");
        let (open, close) = match *kind {
            "function" => ("[", "]"),
            "layer" => ("[[", "]]"),
            _ => ("(", ")"),
        };
        text.push_str(&format!("  {}{open}\"{label}\"{close}\n", id(address)));
    }
    for (from, to, need) in &picture.edges {
        let arrow = if *need == Need::Layer { "-.->" } else { "-->" };
        text.push_str(&format!("  {} {arrow} {}\n", id(from), id(to)));
    }
    text
}

/// `{"targets": [{"address", "kind"}], "edges": [{"from", "to", "kind"}]}`; the kind is
/// `build` (content) or `layer` (a function is deployed with it).
pub fn json(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> Value {
    let picture = Picture::of(graph, evaluation);
    let nodes: Vec<Value> = picture
        .nodes
        .iter()
        .map(|(address, kind)| json!({"address": address, "kind": kind}))
        .collect();
    let edge = |(from, to, need): &(String, String, Need)| {
        let kind = if *need == Need::Layer { "layer" } else { "build" };
        json!({"from": from, "to": to, "kind": kind})
    };
    let edges: Vec<Value> = picture.edges.iter().map(edge).collect();
    json!({"targets": nodes, "edges": edges})
}

#[cfg(test)]
mod tests;
