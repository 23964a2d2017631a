//! Which actions a workspace becomes, and what a user reads when one cannot be planned.

use crate::testing::planned;

const ARM: &str = "workspace w { architectures = [\"arm64\"] }\n";

#[test]
fn functions_and_layers_become_zips_and_targets_do_not() {
    let text = format!(
        "{ARM}
function f = mix {{ parts = [target.t, ./data] }}
layer l {{ content = {{ \"a\" = ./data/one.txt, \"b\" = \"text\" }} }}
target t = mix {{ at = {{ \"x\" = mix {{}} }} }}
"
    );
    insta::assert_snapshot!(planned(&text, &[]), @r#"
    0 take tool of this machine
    1 mix arm64 <- 0
    2 mix arm64 <- 0 1
    3 mix data arm64 <- 0 2
    4 zip :f arm64 <- 3
    5 files data/one.txt "text" arm64
    6 zip layer :l arm64 <- 5
    :f arm64: product 3, zip Some(4)
    :l arm64: product 5, zip Some(6)
    :t arm64: product 2, zip None
    "#);
}

#[test]
fn what_is_needed_is_built_and_not_delivered() {
    let text = format!("{ARM}target t = mix {{}}\nfunction f = mix {{ parts = [target.t, target.t] }}\n");
    insta::assert_snapshot!(planned(&text, &["f"]), @r"
    0 take tool of this machine
    1 mix arm64 <- 0
    2 mix arm64 <- 0 1 1
    3 zip :f arm64 <- 2
    :f arm64: product 2, zip Some(3)
    ");
}

#[test]
fn a_part_needs_no_action_and_at_plans_for_the_other_architecture() {
    let text = format!(
        "{ARM}
target t {{ build = mix {{}}, architectures = [\"arm64\", \"x86_64\"] }}
target f = mix {{ parts = [sub(sub(target.t, \"a\"), \"b\"), at(\"x86_64\", target.t), at(\"x86_64\", mix {{}}), ./data] }}
"
    );
    insta::assert_snapshot!(planned(&text, &["f"]), @r"
    0 take tool of this machine
    1 mix arm64 <- 0
    2 mix x86_64 <- 0
    3 mix x86_64 <- 0
    4 mix /a/b data arm64 <- 0 1 2 3
    :f arm64: product 4, zip None
    ");
}

#[test]
fn equal_toolchains_are_one_action_and_others_are_not() {
    let text = format!(
        "{ARM}
toolchain tool {{ version = \"1\" }}
toolchain old = tool {{ version = \"0\" }}
target a = mix {{}}
target b = mix {{}}
target c = mix {{ toolchain = toolchain.old }}
"
    );
    insta::assert_snapshot!(planned(&text, &[]), @r"
    0 take tool 1
    1 mix arm64 <- 0
    2 mix arm64 <- 0
    3 take tool 0
    4 mix arm64 <- 3
    :a arm64: product 1, zip None
    :b arm64: product 2, zip None
    :c arm64: product 4, zip None
    ");
}

#[test]
fn a_toolchain_of_another_kind_is_refused() {
    let text =
        format!("{ARM}toolchain hammer = other {{}}\ntarget a = mix {{ toolchain = toolchain.hammer }}\n");
    insta::assert_snapshot!(planned(&text, &[]), @r"
    error[E0803]: a toolchain for tool is expected, this is one for other
     --> lambda.build:3:40
      |
    3 | target a = mix { toolchain = toolchain.hammer }
      |                                        ^^^^^^ write `toolchain.NAME` of a toolchain declared with `toolchain NAME = tool { … }`
    ");
}

#[test]
fn a_layer_by_arn_has_no_content() {
    let text = format!("{ARM}layer l {{ arn = \"arn:x\" }}\nfunction f = mix {{ parts = [layer.l] }}\n");
    insta::assert_snapshot!(planned(&text, &["f"]), @r"
    error[E0802]: :l has no content: it is a layer that is given by its ARN
     --> lambda.build:3:35
      |
    3 | function f = mix { parts = [layer.l] }
      |                                   ^ files are expected here
    ");
}

#[test]
fn the_same_mistake_for_both_architectures_is_told_once() {
    let text = "workspace w { architectures = [\"arm64\", \"x86_64\"] }
layer l { arn = \"arn:x\" }
function f = mix { parts = [layer.l] }
function g = mix { parts = [layer.l] }
";
    let told = planned(text, &["f", "g"]);
    assert_eq!(told.matches("error[").count(), 2, "{told}");
}
