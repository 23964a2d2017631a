//! Closures of programs in memory: what is taken, what is left out, what is said when it cannot be told.

use super::*;
use crate::go::testing::{Memory, arm64};

const GO_MOD: &str = "module example.com/app\n\ngo 1.23\n\nrequire (\n\tdep.test/a v1.0.0\n\tdep.test/a/b v1.1.0\n\
    \tdep.test/unused v1.0.0\n\tlocal.test/lib v0.0.0\n)\n\nreplace local.test/lib => ../lib\n\
    \nreplace dep.test/a/b => fork.test/b v1.1.1\n";

const GO_SUM: &str = "dep.test/a v1.0.0 h1:a\ndep.test/a v1.0.0/go.mod h1:am\nfork.test/b v1.1.1 h1:b\n\
    fork.test/b v1.1.1/go.mod h1:bm\ndep.test/unused v1.0.0 h1:u\ndep.test/unused v1.0.0/go.mod h1:um\n";

fn workspace() -> Memory {
    Memory::new(&[
        ("app/go.mod", GO_MOD),
        ("app/go.sum", GO_SUM),
        (
            "app/cmd/x/main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"example.com/app/store\"\n\t\"dep.test/a/b/c\"\n)\n",
        ),
        (
            "app/cmd/x/main_amd64.go",
            "package main\nimport \"never.test/x\"\n",
        ),
        (
            "app/cmd/x/main_test.go",
            "package main\nimport \"never.test/x\"\n",
        ),
        ("app/cmd/x/default.pgo", ""),
        ("app/cmd/y/main.go", "package main\n"),
        (
            "app/store/store.go",
            "package store\nimport _ \"embed\"\nimport \"local.test/lib/deep\"\n//go:embed schema\nvar s string\n",
        ),
        ("app/store/schema/one.sql", ""),
        ("app/store/other.sql", ""),
        (
            "lib/go.mod",
            "module local.test/lib\ngo 1.20\nrequire dep.test/a v0.9.0\n",
        ),
        ("lib/deep/deep.go", "package deep\nimport \"dep.test/a\"\n"),
        ("lib/unused/unused.go", "package unused\n"),
    ])
}

fn module_a() -> Memory {
    Memory::new(&[
        ("a.go", "package a\nimport \"strings\"\n"),
        ("z/z.go", "package z\n"),
    ])
}

fn module_b() -> Memory {
    Memory::new(&[(
        "c/c.go",
        "package c\nimport \"github.com/aws/aws-lambda-go/lambda\"\n",
    )])
}

fn find(sources: &Memory, main: &str) -> Result<Closure, Vec<ClosureError>> {
    let (a, b, lambda) = (
        module_a(),
        module_b(),
        Memory::new(&[("lambda/l.go", "package lambda\n")]),
    );
    let main = RelPath::new(main).unwrap();
    let fetched = |module: &ModuleVersion| -> Option<&dyn GoFiles> {
        match module.path.as_str() {
            "dep.test/a" => Some(&a),
            "fork.test/b" => Some(&b),
            "github.com/aws/aws-lambda-go" => Some(&lambda),
            _ => None,
        }
    };
    let module = enclosing_module(sources, &main).map_err(|error| vec![error])?;
    closure(&Request {
        sources,
        module: &module,
        main: Main::Folder(&main),
        fetched: &fetched,
        platform: &arm64(),
    })
}

/// All messages with their hints.
fn complaints(sources: &Memory, main: &str) -> String {
    let errors = find(sources, main).unwrap_err();
    let lines = errors.iter().map(|error| match error.hint() {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn with_lambda(workspace: Memory) -> Memory {
    let lambda = "github.com/aws/aws-lambda-go v1.47.0";
    workspace
        .with("app/go.mod", &format!("{GO_MOD}\nrequire {lambda}\n"))
        .with(
            "app/go.sum",
            &format!("{GO_SUM}{lambda} h1:l\n{lambda}/go.mod h1:lm\n"),
        )
}

#[test]
fn a_program_with_a_local_and_a_replaced_module() {
    let found = find(&with_lambda(workspace()), "app/cmd/x").unwrap();
    let files: Vec<&str> = found.files.iter().map(RelPath::as_str).collect();
    assert_eq!(
        files,
        [
            "app/cmd/x/default.pgo",
            "app/cmd/x/main.go",
            "app/store/schema/one.sql",
            "app/store/store.go",
            "lib/deep/deep.go"
        ]
    );
    assert_eq!(found.main, "example.com/app/cmd/x");
    assert!(found.imports_lambda());
    let slices: Vec<String> = found
        .slices
        .iter()
        .map(|(path, text)| format!("# {path}\n{text}"))
        .collect();
    insta::assert_snapshot!(slices.join("\n"), @r"
    # app/go.mod
    module example.com/app

    go 1.23

    require dep.test/a v1.0.0

    require dep.test/a/b v1.1.0

    replace dep.test/a/b v1.1.0 => fork.test/b v1.1.1

    require github.com/aws/aws-lambda-go v1.47.0

    require local.test/lib v0.0.0

    replace local.test/lib v0.0.0 => ../lib

    # app/go.sum
    dep.test/a v1.0.0 h1:a
    dep.test/a v1.0.0/go.mod h1:am
    fork.test/b v1.1.1 h1:b
    fork.test/b v1.1.1/go.mod h1:bm
    github.com/aws/aws-lambda-go v1.47.0 h1:l
    github.com/aws/aws-lambda-go v1.47.0/go.mod h1:lm

    # lib/go.mod
    module local.test/lib

    go 1.20
    ");
}

#[test]
fn what_is_outside_the_closure_changes_nothing() {
    let before = find(&with_lambda(workspace()), "app/cmd/x").unwrap();
    let touched = with_lambda(workspace())
        .with("app/cmd/y/main.go", "package main\n// new\n")
        .with(
            "app/store/new_windows.go",
            "package store\nimport \"never.test/x\"\n",
        )
        .with("lib/unused/more.go", "package unused\n")
        .with(
            "lib/go.mod",
            "module local.test/lib\ngo 1.20\nrequire dep.test/a v0.9.5\n",
        );
    assert_eq!(find(&touched, "app/cmd/x").unwrap(), before);
    let bumped = |text: String| text.replace("unused v1.0.0", "unused v1.2.0");
    let read = |path: &str| {
        let bytes = touched.read(&RelPath::new(path).unwrap()).unwrap();
        bumped(String::from_utf8(bytes.to_vec()).unwrap())
    };
    let touched = touched
        .clone()
        .with("app/go.mod", &read("app/go.mod"))
        .with("app/go.sum", &read("app/go.sum"));
    assert_eq!(find(&touched, "app/cmd/x").unwrap(), before);
}

#[test]
fn a_program_without_modules_needs_no_sum() {
    let found = find(&workspace().without("app/go.sum"), "app/cmd/y").unwrap();
    assert_eq!(found.slices.len(), 1);
    assert!(found.modules.is_empty() && !found.imports_lambda());
}

#[test]
fn a_program_of_a_required_module() {
    let sources = workspace();
    let tool = Memory::new(&[
        ("cmd/tool/main.go", "package main\nimport \"dep.test/a/x\"\n"),
        ("x/x.go", "package x\n"),
    ]);
    let fetched = |_: &ModuleVersion| -> Option<&dyn GoFiles> { Some(&tool) };
    let module = RelPath::new("app").unwrap();
    let main = Main::Import("dep.test/a/cmd/tool");
    let request = Request {
        sources: &sources,
        module: &module,
        main,
        fetched: &fetched,
        platform: &arm64(),
    };
    let found = closure(&request).unwrap();
    assert!(found.files.is_empty());
    assert_eq!(
        found.modules.keys().map(ToString::to_string).collect::<Vec<_>>(),
        ["dep.test/a@v1.0.0"]
    );
}

#[test]
fn missing_lines_of_the_lock_are_told_apart_and_told_once() {
    let text = complaints(
        &workspace().with("app/go.sum", "dep.test/a v1.0.0 h1:a\n"),
        "app/cmd/x",
    );
    insta::assert_snapshot!(text, @r"
    `app/go.sum` has no line of the module fork.test/b@v1.1.1, which app/cmd/x/main.go:6 needs
      hint: run `go mod tidy` and commit go.sum
    `app/go.sum` has no hash of the go.mod of the module dep.test/a@v1.0.0, which lib/deep/deep.go:2 needs
      hint: run `go mod tidy` and commit go.sum
    ");
    let errors = find(&workspace().with("app/go.sum", ""), "app/cmd/x").unwrap_err();
    assert!(errors.iter().all(ClosureError::is_lock));
}

#[test]
fn what_is_not_fetched_is_asked_for() {
    let sources = workspace().with("app/cmd/y/main.go", "package main\nimport \"dep.test/unused\"\n");
    let errors = find(&sources, "app/cmd/y").unwrap_err();
    assert_eq!(
        errors[0].to_fetch(),
        Some(&ModuleVersion::new("dep.test/unused", "v1.0.0"))
    );
}

#[test]
fn imports_that_lead_nowhere() {
    let main = "package main\nimport \"example.com/app/none\"\nimport \"no.test/x\"\nimport \"example.com/app/win\"\n\
        import \"example.com/app/tests\"\nimport \"fmt\"\n";
    let sources = workspace()
        .with("app/cmd/y/main.go", main)
        .with("app/win/win_windows.go", "package win\n")
        .with("app/tests/x_test.go", "package tests\n");
    insta::assert_snapshot!(complaints(&sources, "app/cmd/y"), @r"
    app/cmd/y/main.go:2: the package `example.com/app/none` is not in this module: there is no folder `app/none` with Go files
      hint: a generated folder can be put there with `inputs`
    app/cmd/y/main.go:5: the package `example.com/app/tests` has no Go files
      hint: files whose names end in `_test.go` or begin with `_` or `.` do not count
    app/cmd/y/main.go:4: build constraints exclude all Go files of the package `example.com/app/win` for linux/arm64: win_windows.go
    app/cmd/y/main.go:3: no required module provides the package `no.test/x`
      hint: run `go get no.test/x`, or `go mod tidy` if the code is right
    ");
}

#[test]
fn programs_that_are_none() {
    let sources = workspace()
        .with("app/nested/go.mod", "module n\n")
        .with("app/nested/main.go", "package main\n");
    insta::assert_snapshot!(complaints(&sources, "app/store"), @r"
    `example.com/app/store` is a package `store`, not a program: a function needs a package `main`
      hint: name the folder of the program in `main`
    ");
    assert_eq!(
        complaints(&sources, "app/none"),
        "the folder `app/none` of the main package does not exist"
    );
    insta::assert_snapshot!(complaints(&sources, "app/store/schema"), @r"
    the package `example.com/app/store/schema` has no Go files
      hint: files whose names end in `_test.go` or begin with `_` or `.` do not count
    ");
    insta::assert_snapshot!(complaints(&sources, "other"), @r"
    the folder `other` belongs to no Go module: neither it nor a folder above it holds a go.mod
      hint: run `go mod init example.com/name` in the folder of the module
    ");
    let (module, folder) = (RelPath::new("app").unwrap(), RelPath::new("app/nested").unwrap());
    let fetched = |_: &ModuleVersion| None;
    let main = Main::Folder(&folder);
    let request = Request {
        sources: &sources,
        module: &module,
        main,
        fetched: &fetched,
        platform: &arm64(),
    };
    assert_eq!(
        closure(&request).unwrap_err()[0].to_string(),
        "the folder `app/nested` is not part of the module in `app`"
    );
}

#[test]
fn modules_that_cannot_be_built_yet() {
    insta::assert_snapshot!(complaints(&workspace().with("app/go.mod", "module m\ngo 1.16\n"), "app/cmd/y"), @r"
    `app/go.mod` is for Go 1.16, and lambuild needs a module for Go 1.17 or later, whose go.mod lists every module
      hint: run `go mod tidy -go=1.21`
    ");
    insta::assert_snapshot!(complaints(&workspace().with("go.work", "go 1.23\n"), "app/cmd/y"), @r"
    `go.work`: Go workspaces are not supported yet
      hint: remove it, and name the other modules by `replace` in go.mod
    ");
    insta::assert_snapshot!(complaints(&workspace().with("app/go.mod", "module m\ngo 1.23\nrequire x\n"), "app/cmd/y"), @r"
    `app/go.mod` is malformed: line 3: expected `require example.com/path v1.2.3`
      hint: `go mod edit -fmt` checks the file
    ");
    insta::assert_snapshot!(complaints(&workspace().with("app/go.sum", "<<<<<<< HEAD\n"), "app/cmd/y"), @r"
    `app/go.sum` is malformed: line 1: expected a module, a version and a hash such as `h1:…`; `go mod tidy` rewrites the file
      hint: run `go mod tidy` and commit go.sum
    ");
}

#[test]
fn replacements_and_embeds_that_are_wrong() {
    let outside = workspace().with("app/go.mod", &GO_MOD.replace("../lib", "../../lib"));
    insta::assert_snapshot!(complaints(&with_fork(outside), "app/cmd/x"), @r"
    app/go.mod: `local.test/lib` is replaced by `../../lib`, which is not below the workspace
      hint: move the folder into the workspace, or replace by a version
    ");
    insta::assert_snapshot!(complaints(&with_fork(workspace().without("lib/go.mod")), "app/cmd/x"), @r"
    app/go.mod: `local.test/lib` is replaced by the folder `lib`, which holds no go.mod
      hint: run `go mod init` in that folder
    ");
    let embeds = workspace().without("app/store/schema/one.sql");
    assert_eq!(
        complaints(&with_fork(embeds), "app/cmd/x"),
        "app/store/store.go:4: cannot embed `schema`: it matches no file"
    );
}

/// Without the Lambda client, so that only the error under test remains.
fn with_fork(workspace: Memory) -> Memory {
    let main = "package main\nimport \"example.com/app/store\"\n";
    workspace.with("app/cmd/x/main.go", main)
}

/// The workspace with its third-party packages vendored.
fn vendored() -> Memory {
    let modules = "# dep.test/a v1.0.0\n## explicit\ndep.test/a\n# dep.test/a/b v1.1.0 => fork.test/b v1.1.1\n\
        ## explicit; go 1.20\ndep.test/a/b/c\n# local.test/lib v0.0.0 => ../lib\n## explicit; go 1.20\n\
        local.test/lib/deep\n# local.test/lib => ../lib\n";
    workspace()
        .with("app/vendor/modules.txt", modules)
        .with("app/vendor/dep.test/a/a.go", "package a\nimport \"strings\"\n")
        .with("app/vendor/dep.test/a/b/c/c.go", "package c\n")
        .with(
            "app/vendor/local.test/lib/deep/deep.go",
            "package deep\nimport \"dep.test/a\"\n",
        )
}

#[test]
fn vendored_packages_are_taken_where_they_lie_and_nothing_is_fetched() {
    let found = find(&vendored(), "app/cmd/x").unwrap();
    assert!(found.vendored && found.modules.is_empty(), "{found:?}");
    let files: Vec<&str> = found
        .files
        .iter()
        .map(RelPath::as_str)
        .filter(|path| path.contains("vendor"))
        .collect();
    assert_eq!(
        files,
        [
            "app/vendor/dep.test/a/a.go",
            "app/vendor/dep.test/a/b/c/c.go",
            "app/vendor/local.test/lib/deep/deep.go"
        ]
    );
    insta::assert_snapshot!(found.slices[&RelPath::new("app/vendor/modules.txt").unwrap()], @r#"
    # dep.test/a v1.0.0
    ## explicit
    dep.test/a
    # dep.test/a/b v1.1.0 => fork.test/b v1.1.1
    ## explicit; go 1.20
    dep.test/a/b/c
    # local.test/lib v0.0.0 => ../lib
    ## explicit; go 1.20
    local.test/lib/deep
    "#);
    assert!(!found.slices.contains_key(&RelPath::new("app/go.sum").unwrap()));
}

#[test]
fn a_vendor_folder_that_is_out_of_date_is_the_locks_trouble() {
    let other = vendored().with(
        "app/vendor/modules.txt",
        "# dep.test/a/b v1.2.0\n## explicit\ndep.test/a/b/c\n",
    );
    insta::assert_snapshot!(complaints(&other, "app/cmd/x"), @r#"
    `app/vendor/modules.txt` has the module dep.test/a/b in another version than go.mod requires
      hint: run `go mod vendor` and commit the vendor folder
    app/store/store.go:3: the package `local.test/lib/deep` is not in `app/vendor/modules.txt`
      hint: run `go mod vendor` and commit the vendor folder
    "#);
    assert!(
        find(&other, "app/cmd/x")
            .unwrap_err()
            .iter()
            .all(ClosureError::is_lock)
    );
}
