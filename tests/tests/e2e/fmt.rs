//! `lambuild fmt`: which files it takes, what it leaves alone, and what it says.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use lambuild_testkit::{Run, TempWorkspace, repository_root};

use crate::harness::with_own_store;

const ROOT: &str = "workspace w { architectures=[\"arm64\"], exclude=[./old] }\n";
const SLOPPY: &str = "import ../lib/team.build as team\nlet  a=[1,2]   # two\n";
const IN_STYLE: &str = "import ../lib/team.build as team\nlet a = [1, 2]  # two\n";

/// Five files that are not in style, three of which belong to the workspace.
fn workspace() -> TempWorkspace {
    TempWorkspace::with(&[
        ("lambda.build", ROOT),
        ("a/lambda.build", SLOPPY),
        ("lib/team.build", "let  b=1\n"),
        ("lib/unused.build", "let  b=1\n"),
        ("old/lambda.build", "let  b=1\n"),
    ])
}

fn fmt(workspace: &TempWorkspace, args: &[&str]) -> Run {
    with_own_store(workspace).run([&["fmt"], args].concat())
}

#[test]
fn without_paths_all_that_belongs_to_the_workspace_is_formatted() {
    let workspace = workspace();
    let run = fmt(&workspace, &[]).success();
    assert_eq!(run.stdout, "a/lambda.build\nlambda.build\nlib/team.build\n");
    assert_eq!(run.stderr, "3 of 3 files changed\n");
    assert_eq!(
        workspace.read("lambda.build"),
        "workspace w { architectures = [\"arm64\"], exclude = [./old] }\n"
    );
    assert_eq!(workspace.read("a/lambda.build"), IN_STYLE);
    assert_eq!(workspace.read("lib/team.build"), "let b = 1\n");
    assert_eq!(workspace.read("lib/unused.build"), "let  b=1\n");
    assert_eq!(workspace.read("old/lambda.build"), "let  b=1\n");
    let again = fmt(&workspace, &[]).success();
    assert_eq!(
        (again.stdout.as_str(), again.stderr.as_str()),
        ("", "3 files in style\n")
    );
}

#[test]
fn check_changes_nothing_and_exits_with_one() {
    let workspace = workspace();
    let run = fmt(&workspace, &["--check", "a", "lambda.build"]).exits(1);
    assert_eq!(run.stdout, "a/lambda.build\nlambda.build\n");
    assert_eq!(
        run.stderr,
        "2 of 2 files not in style; `lambuild fmt` changes that\n"
    );
    assert_eq!(workspace.read("a/lambda.build"), SLOPPY);
    fmt(&workspace, &["a"]).success();
    assert_eq!(fmt(&workspace, &["--check", "a"]).success().stdout, "");
    assert_eq!(workspace.read("lambda.build"), ROOT);
}

#[test]
fn names_are_those_that_one_would_type_in_the_current_folder() {
    let workspace = workspace();
    let run = with_own_store(&workspace)
        .within(workspace.path("a"))
        .run(["fmt", "--check"])
        .exits(1);
    assert_eq!(run.stdout, "lambda.build\n../lambda.build\n../lib/team.build\n");
}

#[test]
fn a_file_that_does_not_parse_is_left_alone_and_the_others_are_formatted() {
    let workspace = workspace();
    let broken = "let  b=1\nfunction f { build = }\n";
    workspace.write("lib/team.build", broken);
    let run = fmt(&workspace, &["lib/team.build", "a/lambda.build"]).exits(2);
    assert_eq!(run.stdout, "a/lambda.build\n");
    insta::assert_snapshot!(run.stderr, @r"
    error[E0101]: expected a value, found `}`
     --> lib/team.build:2:22
      |
    2 | function f { build = }
      |                      ^ expected a value

    1 file could not be formatted
    ");
    assert_eq!(workspace.read("lib/team.build"), broken);
    let root = fmt(&workspace, &["a/lambda.build", "none.build"]).exits(2);
    assert_eq!(
        root.stderr,
        "error: `none.build` cannot be read: it does not exist\n1 file could not be formatted\n"
    );
}

#[test]
fn a_root_whose_workspace_cannot_be_read_stands_alone() {
    let workspace = workspace();
    workspace.write("lambda.build", "workspace w  = 3\n");
    assert_eq!(fmt(&workspace, &[]).success().stdout, "lambda.build\n");
    assert_eq!(workspace.read("a/lambda.build"), SLOPPY);
}

#[test]
fn a_folder_that_holds_nothing_of_the_workspace_is_an_error() {
    let workspace = workspace();
    let run = fmt(&workspace, &["old"]).exits(2);
    assert!(
        run.stderr.starts_with("error: no build file at or below "),
        "{run}"
    );
}

#[test]
fn stdin_becomes_stdout() {
    let workspace = TempWorkspace::with(&[("in", SLOPPY), ("broken", "let a = [\n")]);
    let run = |file: &str, args: &[&str]| {
        let mut command = with_own_store(&workspace)
            .call([&["fmt", "-"], args].concat())
            .command();
        let input = fs::File::open(workspace.path(file)).unwrap();
        let output = command.stdin(input).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(run("in", &[]), (Some(0), IN_STYLE.to_owned(), String::new()));
    assert_eq!(
        run("in", &["--check", "--quiet"]),
        (Some(1), "-\n".to_owned(), String::new())
    );
    let (code, text, error) = run("broken", &[]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(error.contains("--> stdin:1:10"), "{error}");
}

#[test]
fn mode_and_links_stay() {
    let workspace = TempWorkspace::with(&[("real.build", "let  b=1\n")]);
    let mode = || {
        fs::metadata(workspace.path("real.build"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    fs::set_permissions(workspace.path("real.build"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.build", workspace.path("link.build")).unwrap();
    fmt(&workspace, &["link.build"]).success();
    assert_eq!(
        (workspace.read("real.build").as_str(), mode()),
        ("let b = 1\n", 0o640)
    );
    assert!(
        fs::symlink_metadata(workspace.path("link.build"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(workspace.files("."), ["link.build", "real.build"]);
}

#[test]
fn the_summary_is_one_json_object() {
    let workspace = workspace();
    let run = fmt(&workspace, &["--json", "--check"]).exits(1);
    assert_eq!(
        run.stdout,
        "{\"event\":\"summary\",\"files\":3,\"changed\":[\"a/lambda.build\",\"lambda.build\",\"lib/team.build\"],\"failed\":0}\n"
    );
}

#[test]
fn the_build_files_of_this_repository_are_in_style() {
    let (workspace, root) = (TempWorkspace::empty(), repository_root());
    workspace.copy(&root.join("examples"), "examples");
    workspace.write("lambda.build", fs::read(root.join("lambda.build")).unwrap());
    let run = fmt(&workspace, &["--check"]).success();
    assert_eq!(run.stdout, "");
}
