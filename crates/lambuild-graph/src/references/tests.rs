//! Who refers to whom, the order that follows, and what a user reads when there is none.

use super::*;
use crate::testing::{all, drawn, graph, name, with};

const ARM: &str = "workspace w { architectures = [\"arm64\"] }\n";

/// The references of a workspace, sorted.
fn edges(text: &str) -> Vec<String> {
    with(text, |evaluation| {
        let graph = graph(evaluation, &[]).unwrap();
        let edge = |(from, to)| format!("{} -> {}", name(from, evaluation), name(to, evaluation));
        let mut edges: Vec<String> = graph.edges().map(edge).collect();
        edges.sort();
        edges
    })
}

/// What is wrong with `names`, or with all.
fn wrong(text: &str, names: &[&str]) -> String {
    with(text, |evaluation| {
        let errors = graph(evaluation, names).unwrap_err();
        drawn(&errors, evaluation)
    })
}

#[test]
fn a_reference_is_found_wherever_content_may_stand() {
    let text = format!(
        "{ARM}
target in-list = mix {{}}
target in-set = mix {{}}
target in-nested = mix {{}}
target bare = mix {{}}
function f = mix {{
  parts = [target.in-list, mix {{ at = {{ \"a/b\" = mix {{ parts = [target.in-nested] }} }} }}]
  at = {{ \"x\" = target.in-set }}
}}
layer l {{ content = target.bare }}
"
    );
    assert_eq!(
        edges(&text),
        [
            ":f arm64 -> :in-list arm64",
            ":f arm64 -> :in-nested arm64",
            ":f arm64 -> :in-set arm64",
            ":l arm64 -> :bare arm64",
        ]
    );
}

#[test]
fn a_part_is_an_edge_to_the_whole_and_at_one_to_the_other_architecture() {
    let text = "workspace w { architectures = [\"arm64\", \"x86_64\"] }
target t = mix {}
target f = mix { parts = [sub(target.t, \"a\"), at(\"arm64\", mix { parts = [target.t] })] }
";
    assert_eq!(
        edges(text),
        [
            ":f arm64 -> :t arm64",
            ":f x86_64 -> :t arm64",
            ":f x86_64 -> :t x86_64",
        ]
    );
}

#[test]
fn a_reference_is_for_the_architecture_of_who_refers() {
    let text = "workspace w { architectures = [\"arm64\", \"x86_64\"] }
target t = mix {}
target only-here = mix {}
target f = mix { parts = if arch.name == \"arm64\" then [target.t, target.only-here] else [target.t] }
";
    assert_eq!(
        edges(text),
        [
            ":f arm64 -> :only-here arm64",
            ":f arm64 -> :t arm64",
            ":f x86_64 -> :t x86_64",
        ]
    );
}

#[test]
fn the_order_puts_what_is_needed_first() {
    let text = format!(
        "{ARM}
target a = mix {{ parts = [target.b, target.c] }}
target b = mix {{ parts = [target.d] }}
target c = mix {{ parts = [target.d] }}
target d = mix {{}}
"
    );
    with(&text, |evaluation| {
        let graph = graph(evaluation, &["a"]).unwrap();
        let order = graph.in_order();
        assert_eq!(order.len(), 4, "what `a` needs comes along");
        let place = |wanted| order.iter().position(|one| *one == wanted).unwrap();
        for (from, to) in graph.edges() {
            assert!(place(to) < place(from), "{} is too late", name(to, evaluation));
        }
    });
}

#[test]
fn only_what_is_wanted_and_needed_is_taken() {
    let text = format!("{ARM}target a = mix {{}}\ntarget b = mix {{}}\n");
    with(&text, |evaluation| {
        let graph = graph(evaluation, &["b"]).unwrap();
        let names: Vec<String> = graph
            .in_order()
            .iter()
            .map(|one| name(*one, evaluation))
            .collect();
        assert_eq!(names, [":b arm64"]);
    });
}

#[test]
fn a_layer_by_arn_is_there_and_has_no_product() {
    let text = format!("{ARM}layer l {{ arn = \"arn:aws:lambda:eu-west-1:1:layer:x:1\" }}\n");
    with(&text, |evaluation| {
        let graph = graph(evaluation, &[]).unwrap();
        let [only] = graph.in_order()[..] else {
            panic!("one target")
        };
        assert_eq!(
            (name(only, evaluation).as_str(), graph.product(only)),
            (":l arm64", None)
        );
    });
}

#[test]
fn a_cycle_is_the_path_through_it() {
    let text = format!(
        "{ARM}
function checkout = mix {{ parts = [target.prices] }}
target prices = mix {{ at = {{ \"rates\" = target.rates }} }}
target rates = mix {{ parts = [mix {{ parts = [target.prices] }}, target.free] }}
target free = mix {{}}
"
    );
    insta::assert_snapshot!(wrong(&text, &["checkout"]), @r#"
    error[E0801]: targets depend on each other in a circle: target :prices → target :rates → target :prices
     --> lambda.build:4:47
      |
    4 | target prices = mix { at = { "rates" = target.rates } }
      |                                               ^^^^^ target :prices needs target :rates
    5 | target rates = mix { parts = [mix { parts = [target.prices] }, target.free] }
      |                                                     ------ target :rates needs target :prices
      |
      = help: move what both sides need into a target of its own
    "#);
}

#[test]
fn a_target_that_needs_itself_is_told_so() {
    insta::assert_snapshot!(wrong(
        &format!("{ARM}target a = mix {{ parts = [target.a] }}\n"),
        &[]
    ), @r"
    error[E0801]: target :a depends on itself
     --> lambda.build:2:34
      |
    2 | target a = mix { parts = [target.a] }
      |                                  ^ target :a needs target :a
      |
      = help: move what both sides need into a target of its own
    ");
}

#[test]
fn a_cycle_of_both_architectures_is_told_once_and_two_cycles_twice() {
    let text = "workspace w { architectures = [\"arm64\", \"x86_64\"] }
target a = mix { parts = [target.b] }
target b = mix { parts = [target.a] }
target c = mix { parts = [target.c] }
";
    let told = wrong(text, &[]);
    assert_eq!(told.matches(codes::CYCLE).count(), 2, "{told}");
}

#[test]
fn what_is_not_built_for_an_architecture_cannot_be_referred_to() {
    let text = "workspace w { architectures = [\"arm64\", \"x86_64\"] }
target data { build = mix {}, architectures = [\"arm64\"] }
function f = mix { parts = [target.data] }
";
    insta::assert_snapshot!(wrong(text, &["f"]), @r#"
    error[E0804]: target :data is not built for x86_64
     --> lambda.build:3:36
      |
    2 | target data { build = mix {}, architectures = ["arm64"] }
      |        ---- declared here
    3 | function f = mix { parts = [target.data] }
      |                                    ^^^^ needed for x86_64 here
      |
      = help: add "x86_64" to the `architectures` of :data
    "#);
}

#[test]
fn what_is_wrong_with_one_target_does_not_hide_the_next() {
    let text = format!(
        "{ARM}
target a = mix {{ parts = 1 }}
target b = mix {{ part = [] }}
target c = mix {{ parts = [target.c] }}
"
    );
    let told = wrong(&text, &[]);
    assert_eq!(told.matches("error[").count(), 3, "{told}");
}

#[test]
fn the_wanted_targets_are_sorted_and_each_there_once() {
    let text =
        "workspace w { architectures = [\"x86_64\", \"arm64\"] }\ntarget b = mix {}\ntarget a = mix {}\n";
    with(text, |evaluation| {
        let names = |wanted: Vec<Configured>| -> Vec<String> {
            wanted.iter().map(|one| name(*one, evaluation)).collect()
        };
        let every = all(evaluation);
        let ids: Vec<TargetId> = every.iter().chain(&every).rev().map(|one| one.target).collect();
        assert_eq!(
            names(crate::configured(evaluation, &ids, &[])),
            names(every.clone())
        );
        assert_eq!(
            names(crate::configured(evaluation, &ids, &Arch::ALL)),
            names(every)
        );
        let arm = crate::configured(evaluation, &ids, &[Arch::Arm64]);
        assert_eq!(names(arm), [":a arm64", ":b arm64"]);
    });
}

#[test]
fn a_tool_is_for_the_platform_that_runs_it_and_need_not_be_built_for_it_otherwise() {
    let text = format!(
        "{ARM}
target needed = mix {{}}
target gen = mix {{ parts = [target.needed] }}
target other = mix {{}}
target made = mix {{ parts = [target.needed], tools = [target.gen, at(\"arm64\", target.other), mix {{ parts = [target.other] }}] }}
"
    );
    assert_eq!(
        edges(&text),
        [
            ":gen arm64 -> :needed arm64",
            ":gen x86_64 -> :needed x86_64",
            ":made arm64 -> :gen x86_64",
            ":made arm64 -> :needed arm64",
            ":made arm64 -> :other arm64",
            ":made arm64 -> :other x86_64",
        ]
    );
}
