//! What `lambuild check` prints about a wrong workspace, to people, to editors and to programs:
//! the whole output, with several errors, and the way through an import and a template.

use insta::assert_snapshot;
use lambuild_testkit::TempWorkspace;

use crate::harness::with_own_store;

fn workspace() -> TempWorkspace {
    TempWorkspace::with(&[
        (
            "lambda.build",
            "workspace w { architectures = [\"arm64\"] }\n\
             import ./lib/service.build as lib\n\n\
             function f = lib.service(./cmd, memory = 64)\n\
             target t = files { content = { a = ./missing } }\n",
        ),
        (
            "lib/service.build",
            "let sized(memory) = { memory_size = memory }\n\
             let service(dir, memory = 128) = sized(memory) // {\n  \
               build = files { content = { a = dir } }\n  \
               runtime = \"provided.al2023\"\n  \
               handler = 1 + \"x\"\n}\n",
        ),
        ("cmd/main.go", ""),
    ])
}

#[test]
fn people_see_every_error_with_its_line_and_the_calls_that_led_there() {
    let run = with_own_store(&workspace()).run(["check"]).exits(2);
    assert_eq!(run.stdout, "");
    assert_snapshot!(run.stderr, @r#"
    error[E0403]: `memory_size` takes an integer from 128 to 10240, found 64
     --> lambda.build:4:42
      |
    4 | function f = lib.service(./cmd, memory = 64)
      |              ----------------------------^^-
      |              |                           |
      |              |                           too small
      |              in this call of `service`
      |
     ::: lib/service.build:1:23
      |
    1 | let sized(memory) = { memory_size = memory }
      |                       ----------- for `memory_size`
    2 | let service(dir, memory = 128) = sized(memory) // {
      |                                  ------------- in this call of `sized`

    error[E0501]: `./missing` does not exist
     --> lambda.build:5:36
      |
    5 | target t = files { content = { a = ./missing } }
      |                                    ^^^^^^^^^ not found

    error[E0301]: `+` takes two numbers or two strings, found a string
     --> lib/service.build:5:17
      |
    5 |   handler = 1 + "x"
      |                 ^^^ this is a string
      |
     ::: lambda.build:4:14
      |
    4 | function f = lib.service(./cmd, memory = 64)
      |              ------------------------------- in this call of `service`

    3 errors found
    "#);
}

#[test]
fn programs_get_an_object_on_a_line_for_each_and_a_summary() {
    let run = with_own_store(&workspace()).run(["check", "--json"]).exits(2);
    assert_snapshot!(run.stdout, @r#"
    {"event":"diagnostic","code":"E0403","severity":"error","message":"`memory_size` takes an integer from 128 to 10240, found 64","labels":[{"path":"lambda.build","line":4,"column":42,"end_line":4,"end_column":44,"text":"too small"},{"path":"lib/service.build","line":1,"column":23,"end_line":1,"end_column":34,"text":"for `memory_size`"},{"path":"lib/service.build","line":2,"column":34,"end_line":2,"end_column":47,"text":"in this call of `sized`"},{"path":"lambda.build","line":4,"column":14,"end_line":4,"end_column":45,"text":"in this call of `service`"}],"notes":[],"help":null,"exit":2}
    {"event":"diagnostic","code":"E0501","severity":"error","message":"`./missing` does not exist","labels":[{"path":"lambda.build","line":5,"column":36,"end_line":5,"end_column":45,"text":"not found"}],"notes":[],"help":null,"exit":2}
    {"event":"diagnostic","code":"E0301","severity":"error","message":"`+` takes two numbers or two strings, found a string","labels":[{"path":"lib/service.build","line":5,"column":17,"end_line":5,"end_column":20,"text":"this is a string"},{"path":"lambda.build","line":4,"column":14,"end_line":4,"end_column":45,"text":"in this call of `service`"}],"notes":[],"help":null,"exit":2}
    {"event":"summary","targets":2,"stages":0,"errors":3,"warnings":0}
    "#);
    assert_snapshot!(run.stderr, @r#"
    error[E0403]: `memory_size` takes an integer from 128 to 10240, found 64
     --> lambda.build:4:42
      |
    4 | function f = lib.service(./cmd, memory = 64)
      |              ----------------------------^^-
      |              |                           |
      |              |                           too small
      |              in this call of `service`
      |
     ::: lib/service.build:1:23
      |
    1 | let sized(memory) = { memory_size = memory }
      |                       ----------- for `memory_size`
    2 | let service(dir, memory = 128) = sized(memory) // {
      |                                  ------------- in this call of `sized`

    error[E0501]: `./missing` does not exist
     --> lambda.build:5:36
      |
    5 | target t = files { content = { a = ./missing } }
      |                                    ^^^^^^^^^ not found

    error[E0301]: `+` takes two numbers or two strings, found a string
     --> lib/service.build:5:17
      |
    5 |   handler = 1 + "x"
      |                 ^^^ this is a string
      |
     ::: lambda.build:4:14
      |
    4 | function f = lib.service(./cmd, memory = 64)
      |              ------------------------------- in this call of `service`
    "#);
}
