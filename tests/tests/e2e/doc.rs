//! `lambuild doc`: the attributes of declarations and builders, for people and for programs.

use lambuild_testkit::{Program, Run, TempWorkspace, Tool, Tools};
use serde_json::{Value, json};

use crate::harness::with_own_store;

fn doc(args: &[&str]) -> Run {
    with_own_store(&TempWorkspace::empty()).run([&["doc"], args].concat())
}

#[test]
fn without_a_name_all_of_them_are_listed() {
    let run = doc(&[]).success();
    insta::assert_snapshot!(run.stdout, @r#"
    declarations
      workspace        The root of a workspace and what holds for all of it.
      toolchain        A compiler or tool, pinned; `toolchain NAME = KIND { … }` gives it a name of its own.
      function         A Lambda function.
      layer            A Lambda layer: files below `/opt` that functions share.
      target           Any other product of a build.
      stage            A place to deploy to: region, account, role and what differs there.
    builders
      files            A folder put together from paths, products and texts.
      go               A Go program for Lambda: a static executable called `bootstrap`.
      archive          One zip or tar file, the same bytes for the same content: sorted, without times and owners.
      command          What a program makes out of declared inputs, with declared tools, and nothing else.
      fetch            A file from the network, pinned by its hash in lambda.lock.
    toolchains
      toolchain.fetch  A file from the network, pinned by its hash in lambda.lock.
      toolchain.go     The Go toolchain, fetched through the Go module proxy.
      toolchain.sh     Programs of this machine, taken by content with their shared libraries. What is built with them is marked as depending on the machine.
    "#);
    assert_eq!(run.stderr, "`lambuild doc NAME` shows the attributes of one\n");
}

#[test]
fn an_entry_is_shown_with_its_attributes_and_those_of_inner_sets() {
    insta::assert_snapshot!(doc(&["go"]).success().stdout, @r#"
    go: A Go program for Lambda: a static executable called `bootstrap`.

      main: a path, or a string of 1 to 1024 characters; needed
        The folder of the main package; with `module`, an import path.
      module: a path
        The folder of the module that provides the import path `main`.
      tags: a list of at most 100: a string of 1 to 1024 characters; default: []
        Build tags beside `lambda.norpc`.
      ldflags: a list of at most 100: a string of 1 to 1024 characters; default: []
        Linker flags beside `-s -w -buildid=`.
      cgo: `true` or `false`; default: false
        Whether C code may be compiled in; needs a C toolchain.
      debug: `true` or `false`; default: false
        Keep symbol table and DWARF: no `-s -w`.
      inputs: a set by name: files: a path, a product, a reference or text; default: {}
        Generated files, by their place relative to the module's folder.
      toolchain: `toolchain.NAME`
        Another Go than the declared one.
    "#);
    insta::assert_snapshot!(doc(&["toolchain"]).success().stdout, @r#"
    toolchain: A compiler or tool, pinned; `toolchain NAME = KIND { … }` gives it a name of its own.

      toolchain.fetch: A file from the network, pinned by its hash in lambda.lock.
      toolchain.go: The Go toolchain, fetched through the Go module proxy.
      toolchain.sh: Programs of this machine, taken by content with their shared libraries. What is built with them is marked as depending on the machine.
    "#);
    insta::assert_snapshot!(doc(&["function.logging_config"]).success().stdout, @r#"
    logging_config: a set with the attributes below
      Format and place of the logs.
      log_format: "JSON" or "Text"
        Format of the lines.
      application_log_level: "TRACE", "DEBUG", "INFO", "WARN", "ERROR" or "FATAL"
        Lowest level that is kept; needs `log_format = "JSON"`.
      system_log_level: "DEBUG", "INFO" or "WARN"
        The same for Lambda's own lines.
      log_group: a string
        Log group, instead of `/aws/lambda/NAME`.
    "#);
    insta::assert_snapshot!(doc(&["function.timeout"]).success().stdout, @r#"
    timeout: an integer from 1 to 900; default: 3
      Seconds that one call may take: 1 to 900.
    "#);
}

#[test]
fn an_unknown_name_comes_with_the_nearest_known() {
    let run = doc(&["function.memroy_size"]).exits(2);
    assert_eq!(
        run.stderr,
        "error: `function` has no attribute `memroy_size`; did you mean `memory_size`?\n  `lambuild doc` lists all that there is\n"
    );
}

#[test]
fn programs_get_one_json_object() {
    let read = |run: Run| serde_json::from_str::<Value>(&run.success().stdout).unwrap();
    let all = read(doc(&["--json"]));
    let names: Vec<&str> = all["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"stage") && names.contains(&"toolchain.go"),
        "{names:?}"
    );
    assert_eq!(
        read(doc(&["layer.data", "--json"])),
        json!({
            "name": "data",
            "doc": "It holds data that functions open by path: no warning that no runtime looks there.",
            "takes": "`true` or `false`",
            "required": false,
            "default": "false",
            "schema": {"type": "boolean"},
            "attributes": [],
        })
    );
}

/// Judged by an implementation of JSON Schema that is not ours.
#[test]
fn the_json_schema_tells_right_declarations_from_wrong_ones() {
    let workspace = TempWorkspace::empty();
    workspace.write("schema.json", doc(&["--json-schema"]).success().stdout);
    let python = Tools::find().require(Tool::Moto).with_file_name("python");
    let wrong = |declarations: Value| {
        workspace.write("declarations.json", declarations.to_string());
        let run = Program::new(&python, workspace.root())
            .args(["-c", JUDGE])
            .run()
            .success();
        run.stdout
    };
    let function = |attribute: &str, value: Value| json!({"function": {"f": {"build": {"go": {"main": "./cmd/f"}}, "runtime": "provided.al2023", attribute: value}}});
    assert_eq!(wrong(function("timeout", json!(900))), "");
    assert_eq!(wrong(function("timeout", Value::Null)), "");
    assert_eq!(wrong(function("timeout", json!(901))), "function/f/timeout\n");
    assert_eq!(wrong(function("time", json!(1))), "function/f\n");
    assert_eq!(wrong(function("build", json!({"go": {}}))), "function/f/build\n");
    assert_eq!(wrong(function("layers", json!(["layer.a", "layer.b"]))), "");
    assert_eq!(
        wrong(
            json!({"stage": {"dev": {"region": "eu-west-1"}}, "toolchain": {"go": {"go": {"version": "1.26.8"}}}})
        ),
        ""
    );
    assert_eq!(wrong(json!({"stage": {"dev": {}}})), "stage/dev\n");
}

/// Prints the place of each mistake.
const JUDGE: &str = r#"
import json, jsonschema
schema = json.load(open("schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
for error in jsonschema.Draft202012Validator(schema).iter_errors(json.load(open("declarations.json"))):
    print("/".join(map(str, error.absolute_path)))
"#;
