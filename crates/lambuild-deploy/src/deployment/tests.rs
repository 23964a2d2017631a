//! What goes together and what does not.

use super::*;
use crate::fixture::{function, layer, stage};

fn words(functions: Vec<Function>, layers: Vec<Layer>) -> String {
    let wrong = Deployment::new(stage(), functions, layers).unwrap_err();
    wrong
        .iter()
        .map(|error| format!("{} {error}\n", error.code()))
        .collect()
}

#[test]
fn equal_content_for_both_architectures_is_one_layer() {
    let both = vec![layer(Arch::X86_64), layer(Arch::Arm64)];
    let deployment = Deployment::new(stage(), vec![], both.clone()).unwrap();
    assert_eq!(deployment.layers().len(), 1);
    assert_eq!(deployment.layers()[0].architectures, Arch::ALL);

    let mut differing = both;
    differing[0].artifact.digest = "another".to_owned();
    let deployment = Deployment::new(stage(), vec![], differing).unwrap();
    let architectures: Vec<_> = deployment
        .layers()
        .iter()
        .map(|layer| layer.architectures.clone())
        .collect();
    assert_eq!(architectures, [[Arch::Arm64], [Arch::X86_64]]);
}

#[test]
fn the_order_of_the_targets_is_no_input() {
    let functions = || vec![function("b", Arch::Arm64), function("a", Arch::Arm64)];
    let layers = || vec![layer(Arch::Arm64)];
    let turned = Deployment::new(stage(), functions().into_iter().rev().collect(), layers()).unwrap();
    let deployment = Deployment::new(stage(), functions(), layers()).unwrap();
    assert_eq!(turned.functions(), deployment.functions());
    assert_eq!(deployment.functions()[0].address, ":a");
}

#[test]
fn everything_that_contradicts_is_reported_at_once() {
    let mut big = function("big", Arch::Arm64);
    big.artifact.size = ZIP_MAX + 1;
    let mut twin = function("twin", Arch::X86_64);
    twin.settings.function_name = big.settings.function_name.clone();
    insta::assert_snapshot!(words(vec![big, twin], vec![layer(Arch::Arm64)]), @r#"
    E0907 the zip of `:big` has 52428801 bytes, and Lambda takes at most 52428800 with a call: leave out what it does not need, or move shared files into a layer
    E0908 `:big` and `:twin` would both be called `dev-big` in AWS, stage `dev`: give one another `function_name`, or a pattern with `${target.name}` in the workspace
    E0909 the function `:twin` runs on x86_64, and its layer `:certs` is not built for that: add "x86_64" to the `architectures` of the layer
    "#);
}

#[test]
fn the_biggest_zip_that_lambda_takes_is_taken() {
    let mut big = function("big", Arch::Arm64);
    big.artifact.size = ZIP_MAX;
    assert!(Deployment::new(stage(), vec![big], vec![layer(Arch::Arm64)]).is_ok());
}

#[test]
fn a_protected_stage_takes_nothing_of_this_machine_unless_it_says_so() {
    let mut made = function("made", Arch::Arm64);
    made.artifact.host_tools = true;
    let both = || {
        (
            vec![made.clone(), function("plain", Arch::Arm64)],
            vec![layer(Arch::Arm64)],
        )
    };
    let with = |protected, allow_host_tools| {
        let (functions, layers) = both();
        let stage = Stage {
            protected,
            allow_host_tools,
            ..stage()
        };
        Deployment::new(stage, functions, layers).map(drop)
    };
    assert_eq!((with(false, false), with(true, true)), (Ok(()), Ok(())));
    let wrong = with(true, false).unwrap_err();
    let told: Vec<String> = wrong
        .iter()
        .map(|error| format!("{} {error}", error.code()))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"E0910 `:made` was made with programs of this machine (`toolchain sh`), and the stage `dev` is protected: make it without them, or write `allow_host_tools = true` in the stage");
}
