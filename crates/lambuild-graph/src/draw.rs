//! The graph of targets as text for other tools: DOT, Mermaid, JSON.

use crate::references::{Configured, TargetGraph};
use lambuild_lang::Evaluation;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Nodes and edges of a drawing: addresses with their kinds, and who needs whom.
/// Architectures are folded together: a reference is the same for each of them, or
/// is drawn once.
struct Picture {
    nodes: BTreeSet<(String, &'static str)>,
    edges: BTreeSet<(String, String)>,
}

impl Picture {
    fn of(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> Self {
        let address = |configured: Configured| evaluation.target(configured.target).address();
        let word = |configured: Configured| evaluation.target(configured.target).kind.word();
        Picture {
            nodes: graph
                .in_order()
                .into_iter()
                .map(|node| (address(node), word(node)))
                .collect(),
            edges: graph
                .edges()
                .map(|(from, to)| (address(from), address(to)))
                .collect(),
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
    for (from, to) in &picture.edges {
        text.push_str(&format!("  {} -> {};\n", quoted(from), quoted(to)));
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
    for (from, to) in &picture.edges {
        text.push_str(&format!("  {} --> {}\n", id(from), id(to)));
    }
    text
}

/// `{"targets": [{"address", "kind"}], "edges": [{"from", "to"}]}`.
pub fn json(graph: &TargetGraph, evaluation: &Evaluation<'_>) -> Value {
    let picture = Picture::of(graph, evaluation);
    let nodes: Vec<Value> = picture
        .nodes
        .iter()
        .map(|(address, kind)| json!({"address": address, "kind": kind}))
        .collect();
    let edges: Vec<Value> = picture
        .edges
        .iter()
        .map(|(from, to)| json!({"from": from, "to": to}))
        .collect();
    json!({"targets": nodes, "edges": edges})
}

#[cfg(test)]
mod tests;
