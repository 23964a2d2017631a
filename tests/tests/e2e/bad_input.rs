//! Shows what a user reads when something is wrong: the whole message and the exit code, that
//! nothing half-written is left, and that the repaired workspace builds.
//!
//! Here: what the build files alone show. The modules below: Go, this machine, and what happens
//! to the files and the program meanwhile.

mod go;
mod machine;
mod meanwhile;
mod same_bytes;
mod store;
mod wrong;

use insta::assert_snapshot;
use lambuild_testkit::TempWorkspace;

use crate::harness::with_own_store;
use wrong::{Wrong, tokens};

#[test]
fn a_syntax_error() {
    let wrong = Wrong::edited("./run.sh } }", "./run.sh }");
    assert_snapshot!(wrong.refuses(&["build"], 2), @"
    error[E0101]: expected `}`, found the end of the line
     --> lambda.build:7:2
      |
    3 | function hello {
      |                - opened here
    ...
    7 | }
      |  ^ expected `}`
    ");
    wrong.repaired();
}

#[test]
fn an_unknown_attribute_with_the_nearest_known() {
    let wrong = Wrong::edited("timeout", "timeot");
    assert_snapshot!(wrong.refuses(&["build"], 2), @"
    error[E0401]: the function `hello` has no attribute `timeot`
     --> lambda.build:6:3
      |
    6 |   timeot = 3
      |   ^^^^^^ unknown attribute
      |
      = help: did you mean `timeout`?
    ");
    wrong.repaired();
}

#[test]
fn a_wrong_type() {
    let wrong = Wrong::edited("./run.sh", "3");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0402]: `bootstrap` takes files: a path, a product, a reference or text, found an integer
     --> lambda.build:4:47
      |
    4 |   build   = files { content = { "bootstrap" = 3 } }
      |                                               ^ this is an integer
    "#);
    wrong.repaired();
}

#[test]
fn a_wrong_type_and_a_wrong_range_of_deploy_attributes() {
    let wrong = Wrong::edited("timeout = 3", "timeout = \"3\", memory_size = 64");
    assert_snapshot!(wrong.refuses(&["check"], 2), @r#"
    error[E0402]: `timeout` takes an integer from 1 to 900, found a string
     --> lambda.build:6:13
      |
    6 |   timeout = "3", memory_size = 64
      |             ^^^ this is a string

    error[E0403]: `memory_size` takes an integer from 128 to 10240, found 64
     --> lambda.build:6:32
      |
    6 |   timeout = "3", memory_size = 64
      |                                ^^ too small

    2 errors found
    "#);
    assert_snapshot!(wrong.refuses(&["deploy", "--stage", "dev"], 2), @r#"
    error[E0402]: `timeout` takes an integer from 1 to 900, found a string
     --> lambda.build:6:13
      |
    6 |   timeout = "3", memory_size = 64
      |             ^^^ this is a string

    error[E0403]: `memory_size` takes an integer from 128 to 10240, found 64
     --> lambda.build:6:32
      |
    6 |   timeout = "3", memory_size = 64
      |                                ^^ too small
    "#);
    wrong.repaired();
}

#[test]
fn a_missing_file() {
    let wrong = Wrong::edited("./run.sh", "./rum.sh");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0501]: `./rum.sh` does not exist
     --> lambda.build:4:47
      |
    4 |   build   = files { content = { "bootstrap" = ./rum.sh } }
      |                                               ^^^^^^^^ not found
      |
      = help: did you mean `./run.sh`?
    "#);
    wrong.repaired();
}

#[test]
fn a_path_out_of_the_workspace() {
    let wrong = Wrong::edited("./run.sh", "../home/secret");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0502]: `../home/secret` leaves the workspace
     --> lambda.build:4:47
      |
    4 |   build   = files { content = { "bootstrap" = ../home/secret } }
      |                                               ^^^^^^^^^^^^^^ this path climbs above the workspace's root
      |
      = help: copy or move what is needed into the workspace
    "#);
    wrong.repaired();
}

#[test]
fn a_link_out_of_the_workspace() {
    let wrong = Wrong::edited("./run.sh", "./away/passwd");
    std::os::unix::fs::symlink("/etc", wrong.workspace.path("away")).unwrap();
    assert_snapshot!(wrong.refuses(&["build", ":hello"], 2), @r#"
    error[E1001]: `away` cannot be used: it is a link out of the workspace
     --> lambda.build:4:47
      |
    4 |   build   = files { content = { "bootstrap" = ./away/passwd } }
      |                                               ^^^^^^^^^^^^^ needed here

    1 action not tried after the failure
    1 action failed; 0 done in [time]
    "#);
    wrong.repaired();
}

#[test]
fn a_cycle_with_the_place_of_each_hop() {
    let wrong = Wrong::edited(
        "layer tools",
        "target one {\n  build = files { content = { \"b\" = target.two } }\n}\n\ntarget two {\n  \
         build = files { content = { \"a\" = target.one } }\n}\n\nlayer tools",
    );
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0801]: targets depend on each other in a circle: target :one → target :two → target :one
      --> lambda.build:10:44
       |
    10 |   build = files { content = { "b" = target.two } }
       |                                            ^^^ target :one needs target :two
    ...
    14 |   build = files { content = { "a" = target.one } }
       |                                            --- target :two needs target :one
       |
       = help: move what both sides need into a target of its own
    "#);
    assert_snapshot!(wrong.refuses(&["graph"], 2), @r#"
    error[E0801]: targets depend on each other in a circle: target :one → target :two → target :one
      --> lambda.build:10:44
       |
    10 |   build = files { content = { "b" = target.two } }
       |                                            ^^^ target :one needs target :two
    ...
    14 |   build = files { content = { "a" = target.one } }
       |                                            --- target :two needs target :one
       |
       = help: move what both sides need into a target of its own
    "#);
    wrong.repaired();
}

#[test]
fn a_target_of_itself() {
    let wrong = Wrong::edited(
        "layer tools {",
        "target it = files { content = { \"b\" = target.it } }\nlayer tools {",
    );
    assert_snapshot!(wrong.refuses(&["check"], 2), @r#"
    error[E0801]: target :it depends on itself
     --> lambda.build:9:46
      |
    9 | target it = files { content = { "b" = target.it } }
      |                                              ^^ target :it needs target :it
      |
      = help: move what both sides need into a target of its own

    1 error found
    "#);
    wrong.repaired();
}

#[test]
fn a_duplicate_name() {
    let wrong = Wrong::edited("layer tools", "layer hello");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0202]: `hello` is declared twice
     --> lambda.build:9:7
      |
    3 | function hello {
      |          ----- first declared here
    ...
    9 | layer hello { content = { "bin/tool" = ./tool.sh } }
      |       ^^^^^ declared again here
    "#);
    wrong.repaired();
}

#[test]
fn an_unknown_architecture() {
    let wrong = Wrong::edited("[\"arm64\"]", "[\"arm64\", \"amd64\"]");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0406]: "amd64" is no architecture of AWS Lambda
     --> lambda.build:1:41
      |
    1 | workspace w { architectures = ["arm64", "amd64"] }
      |                                         ^^^^^^^ unknown architecture
      |
      = help: did you mean "x86_64"?
    "#);
    wrong.repaired();
}

#[test]
fn an_unknown_architecture_on_the_command_line() {
    assert_snapshot!(Wrong::nothing().refuses(&["build", "--arch", "amd64"], 2), @"
    error: invalid value 'amd64' for '--arch <ARCH>': it is arm64 or x86_64

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_runtime() {
    let wrong = Wrong::edited("provided.al2023", "provided.2023");
    assert_snapshot!(wrong.refuses(&["check"], 2), @r#"
    error[E0405]: `runtime` cannot be "provided.2023": `provided.2023` is no Lambda runtime; did you mean `provided.al2023`?
     --> lambda.build:5:13
      |
    5 |   runtime = "provided.2023"
      |             ^^^^^^^^^^^^^^^ this value

    1 error found
    "#);
    assert_snapshot!(wrong.refuses(&["deploy", "--stage", "dev"], 2), @r#"
    error[E0405]: `runtime` cannot be "provided.2023": `provided.2023` is no Lambda runtime; did you mean `provided.al2023`?
     --> lambda.build:5:13
      |
    5 |   runtime = "provided.2023"
      |             ^^^^^^^^^^^^^^^ this value
    "#);
    wrong.repaired();
}

#[test]
fn an_unknown_builder() {
    let wrong = Wrong::edited("files {", "filse {");
    assert_snapshot!(wrong.refuses(&["build"], 2), @r#"
    error[E0208]: there is no builder `filse`
     --> lambda.build:4:13
      |
    4 |   build   = filse { content = { "bootstrap" = ./run.sh } }
      |             ^^^^^ unknown builder
      |
      = help: did you mean `files`?
    "#);
    wrong.repaired();
}

#[test]
fn several_mistakes_are_shown_in_one_run() {
    let wrong = Wrong::of(
        r#"workspace w { architectures = ["arm64"] }

function hello {
  build   = files { content = { "bootstrap" = ./run.sh } }
  runtime = "provided.al2023"
  timeot  = 3
}

fuction bye { }

layer tools { content = { "bin/tool" = ./nowhere.sh } }

layer certs { content = { "etc/ca.pem" = ../ca.pem } }

stage dev { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/dev" }
"#,
    );
    assert_snapshot!(wrong.refuses(&["check"], 2), @r#"
    error[E0401]: the function `hello` has no attribute `timeot`
     --> lambda.build:6:3
      |
    6 |   timeot  = 3
      |   ^^^^^^ unknown attribute
      |
      = help: did you mean `timeout`?

    error[E0101]: expected an item such as `function` or `let`, found `fuction`
     --> lambda.build:9:1
      |
    9 | fuction bye { }
      | ^^^^^^^ no item begins like this
      |
      = help: did you mean `function`?

    error[E0501]: `./nowhere.sh` does not exist
      --> lambda.build:11:40
       |
    11 | layer tools { content = { "bin/tool" = ./nowhere.sh } }
       |                                        ^^^^^^^^^^^^ not found

    error[E0502]: `../ca.pem` leaves the workspace
      --> lambda.build:13:42
       |
    13 | layer certs { content = { "etc/ca.pem" = ../ca.pem } }
       |                                          ^^^^^^^^^ this path climbs above the workspace's root
       |
       = help: copy or move what is needed into the workspace

    4 errors found
    "#);
    wrong.repaired();
}

#[test]
fn no_workspace() {
    let empty = TempWorkspace::empty();
    for command in [
        &["build"][..],
        &["check"],
        &["graph"],
        &["deploy", "--stage", "dev"],
    ] {
        let run = with_own_store(&empty).run(command).exits(2);
        assert_eq!(
            run.stderr,
            "error: there is no lambda.build with a `workspace` item in this folder or above it; \
             `lambuild init` starts one\n"
        );
    }
    assert_eq!(empty.files(""), Vec::<String>::new());
}

#[test]
fn an_unknown_target_on_the_command_line() {
    assert_snapshot!(Wrong::nothing().refuses(&["build", "helo", ":toools"], 2), @"
    error[E0604]: no target matches `helo`
     |
     = help: did you mean `:hello`?

    error[E0604]: no target matches `:toools`
     |
     = help: did you mean `:tools`?
    ");
}

#[test]
fn an_unknown_stage() {
    assert_snapshot!(Wrong::nothing().refuses(&["deploy", "--stage", "dve"], 2), @"error: there is no stage `dve`; did you mean `dev`?");
    assert_snapshot!(Wrong::nothing().refuses(&["deploy", "--stage", "production"], 2), @"error: there is no stage `production`; there are: dev");
    let without = Wrong::edited("stage dev", "let dev =");
    assert_snapshot!(without.refuses(&["deploy", "--stage", "dev"], 2), @r#"error: there is no stage `dev`; declare one: stage dev { region = "eu-west-1", role = "arn:…" }"#);
}

#[test]
fn two_functions_with_one_name_in_a_stage() {
    let wrong = Wrong::edited(
        "layer tools {",
        "function bye {\n  build         = files { content = { \"bootstrap\" = ./tool.sh } }\n  \
         runtime       = \"provided.al2023\"\n  function_name = \"hello\"\n}\n\nlayer tools {",
    );
    assert_snapshot!(wrong.refuses(&["check"], 2), @"
    error[E0408]: `:bye` and `:hello` are both deployed as the function `hello` in the stage `dev`
     --> lambda.build:3:10
      |
    3 | function hello {
      |          ^^^^^ deployed under this name
    ...
    9 | function bye {
      |          --- and so is this one
      |
      = help: give one of them its own `function_name`, or put `${target.name}` into the workspace's pattern

    1 error found
    ");
    assert_snapshot!(wrong.refuses(&["deploy", "--stage", "dev"], 2), @"
    error[E0408]: `:bye` and `:hello` are both deployed as the function `hello` in the stage `dev`
     --> lambda.build:3:10
      |
    3 | function hello {
      |          ^^^^^ deployed under this name
    ...
    9 | function bye {
      |          --- and so is this one
      |
      = help: give one of them its own `function_name`, or put `${target.name}` into the workspace's pattern
    ");
    wrong.repaired();
}

#[test]
fn a_layer_that_nobody_would_see_is_a_warning() {
    let wrong = Wrong::edited("bin/tool", "certs/ca.pem");
    let run = with_own_store(&wrong.workspace)
        .run(["build", ":tools"])
        .success();
    assert_snapshot!(tokens(&run, &wrong.workspace), @"
    built 1 target: 2 actions run, 0 reused, [time]
    warning: layer :tools: `certs` is nothing the runtime looks at: this part of the layer will be invisible; put it under `bin/`, `lib/`, `python/`, `nodejs/node_modules/`, `java/lib/` or `ruby/lib/`, or say `data = true` when the function opens `/opt/certs` itself
    ");
    let quiet = with_own_store(&wrong.workspace)
        .run(["build", "-q", ":tools"])
        .success();
    assert_eq!(quiet.stderr, "");
    wrong
        .workspace
        .edit("lambda.build", "layer tools {", "layer tools {\n  data = true,");
    let meant = with_own_store(&wrong.workspace)
        .run(["build", ":tools"])
        .success();
    assert_snapshot!(tokens(&meant, &wrong.workspace), @"nothing to do for 1 target: 2 actions reused, [time]");
}

#[test]
fn init_overwrites_nothing() {
    let place = TempWorkspace::with(&[("main.go", "mine"), ("go.mod", "mine")]);
    let run = with_own_store(&place).run(["init"]).exits(2);
    assert_snapshot!(tokens(&run, &place), @"error: [workspace] has go.mod, main.go already; nothing was written: name a new folder, as in `lambuild init hello`");
    assert_eq!(
        (place.files(""), place.read("main.go")),
        (vec!["go.mod".into(), "main.go".into()], "mine".into())
    );
    with_own_store(&place).run(["init", "hello"]).success();
    with_own_store(&place)
        .within(place.path("hello"))
        .run(["check"])
        .success();
}
