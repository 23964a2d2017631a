//! Texts with a `|` where the cursor is → what stands around it.

use super::*;

fn at(marked: &str) -> Cursor {
    let offset = marked.find('|').unwrap();
    cursor(&marked.replacen('|', "", 1), offset)
}

/// Place, slot and word in one line.
fn told(marked: &str) -> String {
    let text = marked.replacen('|', "", 1);
    let found = at(marked);
    let owner = match &found.slot.owner {
        Owner::Declaration(kind) => (*kind).to_owned(),
        Owner::Toolchain(kind) => format!("toolchain.{kind}"),
        Owner::Builder(name) => format!("builder {name}"),
        Owner::Let => "let".to_owned(),
        Owner::Unknown => "?".to_owned(),
    };
    let slot = [vec![owner], found.slot.keys].concat().join(".");
    format!("{:?} of {slot}: {:?}", found.place, &text[found.word])
}

#[test]
fn items_stand_at_the_margin_and_in_blocks() {
    assert_eq!(told("|"), "Item of ?: \"\"");
    assert_eq!(told("let a = 1\nfun|"), "Item of ?: \"fun\"");
    assert_eq!(told("for x in xs {\n  fun|\n}"), "Item of ?: \"fun\"");
    assert_eq!(told("if a { } else {\n  |\n}"), "Item of ?: \"\"");
    assert_eq!(told("function na|"), "Nothing of ?: \"na\"");
    assert_eq!(told("import ./x as n|"), "Nothing of ?: \"n\"");
    assert_eq!(told("let x = 1 # fun|"), "Nothing of ?: \"# fun\"");
}

#[test]
fn keys_know_the_set_they_are_in() {
    assert_eq!(told("function f {\n  mem|\n}"), "Key of function: \"mem\"");
    assert_eq!(told("function f {\n  a = 1\n  |\n}"), "Key of function: \"\"");
    assert_eq!(told("function f { a = 1, |"), "Key of function: \"\"");
    assert_eq!(told("function f = merge(x, {\n  |"), "Key of function: \"\"");
    assert_eq!(
        told("function f {\n  build = go {\n    ma|\n  }\n}"),
        "Key of builder go: \"ma\""
    );
    assert_eq!(told("function f = go { |"), "Key of builder go: \"\"");
    assert_eq!(
        told("function f { tracing_config = { | } }"),
        "Key of function.tracing_config: \"\""
    );
    assert_eq!(
        told("function f { tracing_config.mo| }"),
        "Key of function.tracing_config: \"mo\""
    );
    assert_eq!(
        told("workspace w {\n  defaults.function = {\n    |\n  }\n}"),
        "Key of workspace.defaults.function: \"\""
    );
    assert_eq!(
        told("stage s { overrides = [ { targets = \"x\", set = { | } } ] }"),
        "Key of stage.overrides.set: \"\""
    );
    assert_eq!(told("toolchain go { | }"), "Key of toolchain.go: \"\"");
    assert_eq!(told("toolchain old = go { | }"), "Key of toolchain.go: \"\"");
    assert_eq!(told("let service(main) = {\n  |\n}"), "Key of let: \"\"");
    assert_eq!(told("let x = f({ | })"), "Key of ?: \"\"");
}

#[test]
fn values_know_what_they_are_for() {
    assert_eq!(
        told("function f {\n  runtime = |\n}"),
        "Value of function.runtime: \"\""
    );
    assert_eq!(
        told("function f {\n  runtime =\n    ser|\n}"),
        "Value of function.runtime: \"ser\""
    );
    assert_eq!(
        told("function f {\n  runtime = \"prov|ided\"\n}"),
        "Text of function.runtime: \"provided\""
    );
    assert_eq!(
        told("function f {\n  runtime = \"prov|\n  timeout = 3\n}"),
        "Text of function.runtime: \"prov\""
    );
    assert_eq!(
        told("function f { runtime = if a then \"|\" else b }"),
        "Text of function.runtime: \"\""
    );
    assert_eq!(
        told("layer l { compatible_runtimes = [\"a\", \"|\"] }"),
        "Text of layer.compatible_runtimes: \"\""
    );
    assert_eq!(
        told("function f { layers = [layer.|] }"),
        "Member([\"layer\"]) of function.layers: \"\""
    );
    assert_eq!(
        told("function f = orders.layer.ce|"),
        "Member([\"orders\", \"layer\"]) of function: \"ce\""
    );
    assert_eq!(
        told("let x = \"a ${stage.na|} b\""),
        "Member([\"stage\"]) of ?: \"na\""
    );
    assert_eq!(
        told("function f = go { main = ./cmd/a| }"),
        "Path of builder go.main: \"./cmd/a\""
    );
}

#[test]
fn a_set_left_open_ends_at_the_next_item() {
    let text = "function a {\n  build = go {\n    main = ./x\n\nfunction b {\n  |\n}\n";
    assert_eq!(told(text), "Key of function: \"\"");
    let text = "function a {\n  runtime = \"prov\n  mem|\n";
    assert_eq!(told(text), "Key of function: \"mem\"");
    let text = "function a {\n  runtime = \"prov\n\nlet x = {\n  |";
    assert_eq!(told(text), "Key of let: \"\"");
}

#[test]
fn keys_that_are_there_are_told_above_and_below() {
    let text = "function a {\n  runtime = \"x\"\n  ti|meout = 3\n  b = { c = 1 }\n}\nfunction b { d = 1 }";
    assert_eq!(at(text).given, ["b", "runtime"]);
    let open = "function a {\n  runtime = \"x\"\n  |\n\nfunction b {\n  d = 1\n}";
    assert_eq!(at(open).given, ["runtime"]);
}

#[test]
fn an_argument_knows_what_is_called() {
    assert_eq!(
        at("function f = lib.service(./x, me|)").callee,
        ["lib", "service"]
    );
    assert_eq!(at("function f = service(|)").callee, ["service"]);
    assert!(at("function f = service(x = |)").callee.is_empty());
}

/// Any place of any text has an answer.
#[test]
fn no_place_is_too_odd() {
    let text = "function é { a.\"b\".${ ''x\n ${ y } }} ) ] = go { \" ${ {\n\nlet } (\n";
    for offset in 0..=text.len() + 2 {
        cursor(text, offset);
    }
}
