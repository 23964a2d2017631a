//! Exactly what the compiler is started with, and what it sees.

use super::*;
use crate::testing::{Bench, Trees};

const MAIN: &str =
    "package main\n\nimport (\n\t\"example.com/app/price\"\n\t\"dep.test/a\"\n)\n\nfunc main() {}\n";
const GO_MOD: &str =
    "module example.com/app\n\ngo 1.23\n\nrequire (\n\tdep.test/a v1.0.0\n\tdep.test/unused v1.0.0\n)\n";
const GO_SUM: &str = "dep.test/a v1.0.0 h1:a\ndep.test/a v1.0.0/go.mod h1:am\n\
    dep.test/unused v1.0.0 h1:u\ndep.test/unused v1.0.0/go.mod h1:um\n";

/// A module in `folder` (with its slash) of a workspace. A test that fetches `dep.test/unused` fails: it is nowhere.
fn module_in(folder: &str) -> Bench {
    let files = [
        ("go.mod", GO_MOD),
        ("go.sum", GO_SUM),
        ("cmd/api/main.go", MAIN),
        ("cmd/api/main_test.go", "package main\n"),
        ("price/price.go", "package price\n"),
        ("price/price_arm64.go", "package price\n\nconst arm = 1\n"),
        ("price/price_amd64.go", "package price\n\nconst amd = 1\n"),
        ("tax/tax.go", "package tax\n"),
    ];
    let files = files.map(|(at, text)| (format!("{folder}{at}"), text));
    let files: Vec<(&str, &str)> = files.iter().map(|(at, text)| (at.as_str(), *text)).collect();
    Bench::new(&files).module(
        "dep.test/a@v1.0.0",
        &[("a.go", "package a\n"), ("LICENSE", "free")],
    )
}

fn app() -> Bench {
    module_in("")
}

const API: &str = "go { main = ./cmd/api }";

fn argument(step: &Step, after: &str) -> String {
    let at = step
        .command
        .arguments
        .iter()
        .position(|word| word == after)
        .unwrap();
    step.command.arguments[at + 1].clone()
}

#[test]
fn the_command_of_a_build() {
    insta::assert_snapshot!(app().step(API).command.arguments.join("\n"), @r"
    .lambuild/launch
    {root}/go/bin/go
    build
    -C
    {root}/src
    -mod=readonly
    -trimpath
    -buildvcs=false
    -tags
    lambda.norpc
    -ldflags
    -s -w -buildid=
    -o
    {root}/out/bootstrap
    example.com/app/cmd/api
    ");
}

#[test]
fn the_environment_of_a_build() {
    let environment = app().step(API).command.environment;
    let lines = environment.iter().map(|(name, value)| format!("{name}={value}"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    CGO_ENABLED=0
    GO111MODULE=on
    GOARCH=arm64
    GOCACHE={root}/tmp/gocache
    GOENV=off
    GOFLAGS=
    GOMODCACHE={root}/mod
    GOOS=linux
    GOPATH={root}/tmp/gopath
    GOPROXY=off
    GOROOT={root}/go
    GOSUMDB=off
    GOTELEMETRY=off
    GOTOOLCHAIN=local
    GOWORK=off
    HOME={root}/tmp
    LC_ALL=C
    PATH={root}/go/bin
    SOURCE_DATE_EPOCH=315532800
    TMPDIR={root}/tmp
    TZ=UTC
    ");
}

#[test]
fn what_the_compiler_sees() {
    let bench = app();
    let step = bench.step(API);
    insta::assert_snapshot!(bench.listing(&step), @r#"
    .lambuild/launch* "launch"
    go/VERSION "go1.26.8\n"
    mod/cache/download/dep.test/a/@v/v1.0.0.mod "module"
    mod/cache/download/dep.test/a/@v/v1.0.0.ziphash "h1:"
    mod/dep.test/a@v1.0.0/LICENSE "free"
    mod/dep.test/a@v1.0.0/a.go "package a\n"
    src/cmd/api/main.go
    src/go.mod
    src/go.sum
    src/price/price.go "package price\n"
    src/price/price_arm64.go
    "#);
}

#[test]
fn the_architecture_decides_files_and_variable() {
    let bench = app();
    let step = bench.step_for(API, Arch::X86_64);
    assert_eq!(step.command.environment["GOARCH"], "amd64");
    let seen = bench.listing(&step);
    assert!(
        seen.contains("price_amd64.go") && !seen.contains("price_arm64.go"),
        "{seen}"
    );
}

#[test]
fn where_the_module_lies_in_the_workspace_is_not_in_the_key() {
    let key = app().key(API);
    assert_eq!(
        module_in("services/").key("go { main = ./services/cmd/api }"),
        key
    );
    assert_eq!(module_in("a/b/c/").key("go { main = ./a/b/c/cmd/api }"), key);
    assert_eq!(
        app().key("go { module = ./., main = \"example.com/app/cmd/api\" }"),
        key
    );
}

#[test]
fn only_what_is_used_is_in_the_key() {
    let key = app().key(API);
    assert_eq!(
        app().with("tax/tax.go", "package tax // changed\n").key(API),
        key,
        "another package"
    );
    assert_eq!(
        app().with("cmd/api/main_test.go", "package main // t\n").key(API),
        key,
        "a test"
    );
    assert_eq!(
        app().with("price/price_amd64.go", "package price\n").key(API),
        key,
        "another platform"
    );
    let bumped = app()
        .with("go.mod", &GO_MOD.replace("unused v1.0.0", "unused v2.0.0"))
        .with("go.sum", &GO_SUM.replace("unused v1.0.0", "unused v2.0.0"));
    assert_eq!(bumped.key(API), key, "a module that is not used");
}

#[test]
fn what_is_used_is_in_the_key() {
    let key = app().key(API);
    assert_ne!(
        app()
            .with("price/price.go", "package price // changed\n")
            .key(API),
        key
    );
    assert_ne!(
        app()
            .with("go.mod", &GO_MOD.replace("go 1.23", "go 1.24"))
            .key(API),
        key
    );
    let patched = app().module("dep.test/a@v1.0.0", &[("a.go", "package a // patched\n")]);
    assert_ne!(patched.key(API), key);
}

#[test]
fn tags_and_ldflags_add_and_debug_keeps_symbols() {
    let step =
        app().step("go { main = ./cmd/api, tags = [\"prod\", \"fips\"], ldflags = [\"-X main.version=7\"] }");
    assert_eq!(argument(&step, "-tags"), "lambda.norpc,prod,fips");
    assert_eq!(argument(&step, "-ldflags"), "-s -w -buildid= -X main.version=7");
    let debug = app().step("go { main = ./cmd/api, debug = true }");
    assert_eq!(argument(&debug, "-ldflags"), "-buildid=");
}

#[test]
fn a_tag_chooses_files() {
    let bench = app().with("price/extra.go", "//go:build prod\n\npackage price\n");
    let seen = |product: &str| bench.listing(&bench.step(product)).contains("price/extra.go");
    assert!(!seen(API));
    assert!(seen("go { main = ./cmd/api, tags = [\"prod\"] }"));
}

#[test]
fn generated_files_are_laid_over_the_module() {
    let bench = module_in("app/").with(
        "app/cmd/api/main.go",
        "package main\n\nimport (\n\t\"example.com/app/gen/pb\"\n\t\"example.com/app/price\"\n)\n",
    );
    let product = r#"go { main = ./app/cmd/api, inputs = {
      "gen/pb" = files { content = { "pb.go" = "package pb\n", "README" = "no Go" } }
      "price/price.go" = "package price // g"
    } }"#;
    let seen = bench.listing(&bench.step(product));
    assert!(seen.contains("src/gen/pb/pb.go \"package pb\\n\""), "{seen}");
    assert!(!seen.contains("README"), "{seen}");
    let written = bench.store.keep(&bench.step(product).input_root);
    assert_eq!(
        bench.store.file(&written, "src/price/price.go"),
        b"package price // g"
    );
}

/// Two modules side by side in `folder` (with its slash); the first uses the second.
fn pair_in(folder: &str) -> Bench {
    let go_mod =
        "module example.com/app\n\ngo 1.23\n\nrequire lib.test/l v0.0.0\n\nreplace lib.test/l => ../lib\n";
    let files = [
        ("app/go.mod", go_mod),
        ("app/main.go", "package main\n\nimport \"lib.test/l\"\n"),
        ("lib/go.mod", "module lib.test/l\n\ngo 1.23\n"),
        ("lib/l.go", "package l\n"),
    ];
    files.iter().fold(Bench::default(), |bench, (at, text)| {
        bench.with(&format!("{folder}{at}"), text)
    })
}

#[test]
fn modules_side_by_side_are_counted_from_the_folder_of_both() {
    let bench = pair_in("");
    let step = bench.step("go { main = ./app }");
    assert_eq!(argument(&step, "-C"), "{root}/src/app");
    let seen = bench.listing(&step);
    assert!(seen.contains("src/lib/l.go"), "{seen}");
    let deeper = pair_in("x/y/").key("go { main = ./x/y/app }");
    assert_eq!(deeper, bench.key("go { main = ./app }"));
}

#[test]
fn hints_name_what_is_worth_laying_out_once() {
    let hints = app().step(API).hints;
    let stable: Vec<&str> = hints.stable.iter().map(RelPath::as_str).collect();
    assert_eq!(stable, ["go", "mod/dep.test/a@v1.0.0"]);
    assert_eq!(hints.accelerators.len(), 0);
    let cache = hints.go_cache.unwrap();
    assert!(cache.name.starts_with("gocache-"), "{}", cache.name);
    // The program, its own package and the one of a fetched module.
    assert_eq!(cache.units.len(), 3, "{:?}", cache.units);
}

#[test]
fn a_missing_line_of_go_sum_is_a_lock() {
    let bench = app().with(
        "go.sum",
        "dep.test/unused v1.0.0 h1:u\ndep.test/unused v1.0.0/go.mod h1:um\n",
    );
    let (exit, message) = bench.refused(API);
    assert_eq!(exit, Exit::Lock);
    insta::assert_snapshot!(message, @r"
    error[E1012]: `go.sum` has no line of the module dep.test/a@v1.0.0, which cmd/api/main.go:5 needs
     --> lambda.build:2:12
      |
    2 | target t = go { main = ./cmd/api }
      |            ^^^^^^^^^^^^^^^^^^^^^^^ built here
      |
      = help: run `go mod tidy` and commit go.sum
    ");
}

#[test]
fn a_broken_go_sum_is_a_lock() {
    let (exit, message) = app().with("go.sum", "<<<<<<< HEAD\n").refused(API);
    assert_eq!(exit, Exit::Lock);
    insta::assert_snapshot!(message, @r"
    error[E1012]: `go.sum` is malformed: line 1: expected a module, a version and a hash such as `h1:…`; `go mod tidy` rewrites the file
     --> lambda.build:2:12
      |
    2 | target t = go { main = ./cmd/api }
      |            ^^^^^^^^^^^^^^^^^^^^^^^ built here
      |
      = help: run `go mod tidy` and commit go.sum
    ");
}

#[test]
fn all_that_is_wrong_with_the_imports_is_told_at_once() {
    let bench = app().with(
        "price/price.go",
        "package price\n\nimport (\n\t\"none.test/x\"\n\t\"example.com/app/nowhere\"\n)\n",
    );
    let (exit, message) = bench.refused(API);
    assert_eq!(exit, Exit::Usage);
    insta::assert_snapshot!(message, @r"
    error[E1011]: price/price.go:5: the package `example.com/app/nowhere` is not in this module: there is no folder `nowhere` with Go files
     --> lambda.build:2:12
      |
    2 | target t = go { main = ./cmd/api }
      |            ^^^^^^^^^^^^^^^^^^^^^^^ built here
      |
      = note: price/price.go:4: no required module provides the package `none.test/x`
      = help: a generated folder can be put there with `inputs`
    ");
}

#[test]
fn main_is_a_folder() {
    insta::assert_snapshot!(app().message("go { main = ./cmd/api/main.go }"), @r"
    error[E1011]: `main` is a folder, and this is a file
     --> lambda.build:2:24
      |
    2 | target t = go { main = ./cmd/api/main.go }
      |                        ^^^^^^^^^^^^^^^^^ a file
      |
      = note: building one file leaves the other files of its package out
      = help: name the folder of the main package (from the root of the workspace: `./cmd/api`)
    ");
}

#[test]
fn main_and_module_go_together_in_two_ways() {
    insta::assert_snapshot!(app().message("go { main = \"example.com/app/cmd/api\" }"), @r#"
    error[E1011]: `main` and `module` do not go together like this
     --> lambda.build:2:24
      |
    2 | target t = go { main = "example.com/app/cmd/api" }
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^ here
      |
      = help: write `main = ./cmd/x`, or `module = ./tools, main = "example.com/import/path"`
    "#);
}

#[test]
fn c_code_is_not_there_yet() {
    insta::assert_snapshot!(app().message("go { main = ./cmd/api, cgo = true }"), @r"
    error[E1013]: this version cannot compile C code for Go programs yet
     --> lambda.build:2:41
      |
    2 | target t = go { main = ./cmd/api, cgo = true }
      |                                         ^^^^ here
      |
      = help: leave `cgo` out where the program has a pure Go alternative
    ");
}

#[test]
fn a_folder_outside_every_module() {
    insta::assert_snapshot!(
        module_in("app/")
            .with("x/main.go", MAIN)
            .message("go { main = ./x }"), @r"
    error[E1011]: the folder `x` belongs to no Go module: neither it nor a folder above it holds a go.mod
     --> lambda.build:2:24
      |
    2 | target t = go { main = ./x }
      |                        ^^^ built here
      |
      = help: run `go mod init example.com/name` in the folder of the module
    ");
}
