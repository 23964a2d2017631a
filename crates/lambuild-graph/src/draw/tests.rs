//! One graph in every language that it is drawn in.

use super::*;
use crate::testing::{graph, with};

/// Two architectures, which no drawing shows twice.
const SHOP: &str = "workspace shop { architectures = [\"arm64\", \"x86_64\"] }
function checkout = mix { parts = [target.rates, target.prices] }
layer certs { content = target.rates }
target prices = mix { parts = [target.rates] }
target rates = mix {}
";

fn drawn(draw: impl FnOnce(&TargetGraph, &Evaluation<'_>) -> String) -> String {
    with(SHOP, |evaluation| {
        let mut graph = graph(evaluation, &[]).unwrap();
        let id = |name: &str| {
            evaluation
                .targets()
                .iter()
                .find(|target| *target.name == *name)
                .unwrap()
                .id
        };
        graph.attach(id("checkout"), id("certs"));
        draw(&graph, evaluation)
    })
}

#[test]
fn as_dot() {
    insta::assert_snapshot!(drawn(dot), @r#"
    digraph lambuild {
      rankdir = LR;
      node [fontname = "sans-serif"];
      ":certs" [shape = folder];
      ":checkout" [shape = box];
      ":prices" [shape = ellipse];
      ":rates" [shape = ellipse];
      ":certs" -> ":rates";
      ":checkout" -> ":certs" [style = dashed];
      ":checkout" -> ":prices";
      ":checkout" -> ":rates";
      ":prices" -> ":rates";
    }
    "#);
}

#[test]
fn as_mermaid() {
    insta::assert_snapshot!(drawn(mermaid), @r#"
    flowchart LR
      n0[[":certs"]]
      n1[":checkout"]
      n2(":prices")
      n3(":rates")
      n0 --> n3
      n1 -.-> n0
      n1 --> n2
      n1 --> n3
      n2 --> n3
    "#);
}

#[test]
fn as_json() {
    insta::assert_snapshot!(drawn(|graph, evaluation| format!(
        "{:#}",
        json(graph, evaluation)
    )), @r#"
    {
      "targets": [
        {
          "address": ":certs",
          "kind": "layer"
        },
        {
          "address": ":checkout",
          "kind": "function"
        },
        {
          "address": ":prices",
          "kind": "target"
        },
        {
          "address": ":rates",
          "kind": "target"
        }
      ],
      "edges": [
        {
          "from": ":certs",
          "to": ":rates",
          "kind": "build"
        },
        {
          "from": ":checkout",
          "to": ":certs",
          "kind": "layer"
        },
        {
          "from": ":checkout",
          "to": ":prices",
          "kind": "build"
        },
        {
          "from": ":checkout",
          "to": ":rates",
          "kind": "build"
        },
        {
          "from": ":prices",
          "to": ":rates",
          "kind": "build"
        }
      ]
    }
    "#);
}

#[test]
fn an_empty_graph_is_a_drawing() {
    with("workspace w { architectures = [\"arm64\"] }\n", |evaluation| {
        let graph = graph(evaluation, &[]).unwrap();
        assert_eq!(mermaid(&graph, evaluation), "flowchart LR\n");
        assert_eq!(
            json(&graph, evaluation).to_string(),
            r#"{"targets":[],"edges":[]}"#
        );
    });
}
