//! What is wrong with a Go program or its locks. Uses the shared store, so that nothing is
//! fetched or compiled twice.

use insta::assert_snapshot;
use lambuild_testkit::TempWorkspace;

use super::wrong::tokens;
use crate::harness::{Build, example, first_build, lambuild};

/// What lambuild says about `examples/hello-go` with one edit, after which it must have left no
/// zip; the repaired one is built to the known bytes.
#[track_caller]
fn refused(file: &str, from: &str, to: &str, code: i32) -> String {
    let workspace = example("hello-go");
    let right = workspace.read(file);
    workspace.edit(file, from, to);
    // With it both architectures are tried, whichever fails first.
    let run = lambuild(&workspace).run(["build", "--keep-going"]).exits(code);
    assert!(!workspace.path(".lambuild/out").exists(), "{run}");
    assert_eq!(run.stdout, "", "{run}");
    let said = tokens(&run, &workspace);
    workspace.write(file, right);
    builds(&workspace);
    said
}

#[track_caller]
fn builds(workspace: &TempWorkspace) {
    let built = Build::of(&lambuild(workspace), &[]);
    for arch in ["arm64", "x86_64"] {
        let known = first_build().artifact("examples/hello-go:hello", arch);
        assert_eq!(built.artifact(":hello", arch).sha256, known.sha256);
    }
}

/// The line of `go.sum` that begins like this.
fn sum(start: &str) -> String {
    let text = example("hello-go").read("go.sum");
    let line = text.lines().find(|line| line.starts_with(start));
    format!("{}\n", line.unwrap_or_else(|| panic!("no {start} in\n{text}")))
}

#[test]
fn a_compile_error_is_the_compilers_own() {
    let said = refused(
        "main.go",
        "lambda.Start(greet)",
        "lambda.Start(greeet)\n\tvar unused int",
        1,
    );
    assert_snapshot!(said, @"
    error: go build . arm64 failed: it ended with exit code 1
    # example.com/hello-go
    ./main.go:25:15: undefined: greeet
    ./main.go:26:6: declared and not used: unused
    error: go build . x86_64 failed with the same output
    2 actions not tried after the failure
    2 actions failed; 0 done in [time]
    ");
}

#[test]
fn a_go_syntax_error_is_the_compilers_own() {
    assert_snapshot!(refused("main.go", "func main() {", "func main( {", 1), @"
    error: go build . arm64 failed: it ended with exit code 1
    # example.com/hello-go
    ./main.go:24:12: syntax error: unexpected {, expected )
    ./main.go:26:1: syntax error: non-declaration statement outside function body
    error: go build . x86_64 failed with the same output
    2 actions not tried after the failure
    2 actions failed; 0 done in [time]
    ");
}

#[test]
fn a_missing_line_of_go_sum() {
    let line = sum("github.com/aws/aws-lambda-go v1.55.1 h1:");
    assert_snapshot!(refused("go.sum", &line, "", 5), @"
    error[E1012]: `go.sum` has no hash of the files of the module github.com/aws/aws-lambda-go@v1.55.1, which main.go:9 needs
      --> lambda.build:10:17
       |
    10 |   build       = go { main = ./. }
       |                 ^^^^^^^^^^^^^^^^^ built here
       |
       = help: run `go mod tidy` and commit go.sum

    2 actions not tried after the failure
    2 actions failed; 0 done in [time]
    ");
}

#[test]
fn a_missing_go_mod_line_of_go_sum() {
    let line = sum("github.com/aws/aws-lambda-go v1.55.1/go.mod h1:");
    assert_snapshot!(refused("go.sum", &line, "", 5), @"
    error[E1012]: `go.sum` has no hash of the go.mod of the module github.com/aws/aws-lambda-go@v1.55.1, which main.go:9 needs
      --> lambda.build:10:17
       |
    10 |   build       = go { main = ./. }
       |                 ^^^^^^^^^^^^^^^^^ built here
       |
       = help: run `go mod tidy` and commit go.sum

    2 actions not tried after the failure
    2 actions failed; 0 done in [time]
    ");
}

#[test]
fn a_hash_in_go_sum_that_is_not_the_modules() {
    let line = sum("github.com/aws/aws-lambda-go v1.55.1 h1:");
    let other = line.replacen("h1:W", "h1:X", 1);
    assert_ne!(line, other);
    assert_snapshot!(refused("go.sum", &line, &other, 5), @"
    error: fetch github.com/aws/aws-lambda-go@v1.55.1 failed: the module github.com/aws/aws-lambda-go@v1.55.1 is not the one that go.sum names: its content should have the hash h1:Xe2cCp4BwqqH/JW+bEEo1FhgG71rslvjfi4y7KmlrR0=, but what was fetched has h1:We2cCp4BwqqH/JW+bEEo1FhgG71rslvjfi4y7KmlrR0=. Somebody changed the module after go.sum was written, or stands between you and it
    4 actions not tried after the failure
    1 action failed; 0 done in [time]
    ");
}

#[test]
fn a_conflict_that_was_merged_into_go_sum() {
    let line = sum("github.com/davecgh/go-spew v1.1.1 h1:");
    assert_snapshot!(refused("go.sum", &line, &format!("<<<<<<< HEAD\n{line}"), 5), @"
    error[E1012]: `go.sum` is malformed: line 3: expected a module, a version and a hash such as `h1:…`; `go mod tidy` rewrites the file
      --> lambda.build:10:17
       |
    10 |   build       = go { main = ./. }
       |                 ^^^^^^^^^^^^^^^^^ built here
       |
       = help: run `go mod tidy` and commit go.sum
    ");
}

#[test]
fn an_import_that_no_module_provides() {
    let said = refused(
        "main.go",
        "\"errors\"",
        "\"errors\"\n\t_ \"example.com/nowhere\"",
        2,
    );
    assert_snapshot!(said, @"
    error[E1011]: main.go:7: no required module provides the package `example.com/nowhere`
      --> lambda.build:10:17
       |
    10 |   build       = go { main = ./. }
       |                 ^^^^^^^^^^^^^^^^^ built here
       |
       = help: run `go get example.com/nowhere`, or `go mod tidy` if the code is right

    2 actions not tried after the failure
    2 actions failed; 0 done in [time]
    ");
}

#[test]
fn a_package_that_is_no_program() {
    assert_snapshot!(refused("lambda.build", "main = ./.", "main = ./main.go", 2), @"
    error[E1011]: `main` is a folder, and this is a file
      --> lambda.build:10:29
       |
    10 |   build       = go { main = ./main.go }
       |                             ^^^^^^^^^ a file
       |
       = note: building one file leaves the other files of its package out
       = help: name the folder of the main package (from the root of the workspace: `./.`)
    ");
}

#[test]
fn no_module() {
    let text = example("hello-go").read("go.mod");
    let workspace = example("hello-go");
    workspace.remove("go.mod");
    let run = lambuild(&workspace).run(["build"]).exits(2);
    assert_snapshot!(tokens(&run, &workspace), @"
    error[E1011]: the folder `.` belongs to no Go module: neither it nor a folder above it holds a go.mod
      --> lambda.build:10:29
       |
    10 |   build       = go { main = ./. }
       |                             ^^^ built here
       |
       = help: run `go mod init example.com/name` in the folder of the module
    ");
    workspace.write("go.mod", text);
    builds(&workspace);
}

#[test]
fn what_does_not_depend_on_a_mistake_is_built_with_keep_going() {
    let workspace = example("monorepo");
    let main = "services/payments/cmd/void/main.go";
    workspace.write(
        main,
        format!("{}\nvar wrong int = \"text\"\n", workspace.read(main)),
    );
    let args = [
        "build",
        "--keep-going",
        "--arch",
        "arm64",
        "services/payments/...",
    ];
    let run = lambuild(&workspace).run(args).exits(1);
    assert_snapshot!(tokens(&run, &workspace), @r#"
    error: go build services/payments/cmd/void arm64 failed: it ended with exit code 1
    # example.com/orders/services/payments/cmd/void
    services/payments/cmd/void/main.go:37:17: cannot use "text" (untyped string constant) as int value in variable declaration
    1 action not tried after the failure
    1 action failed; 0 done in [time]
    "#);
    let zips = workspace.files(".lambuild/out");
    assert_eq!(
        zips,
        [
            "services/payments/checkout/arm64.zip",
            "services/payments/refund/arm64.zip"
        ]
    );
}
