//! The commands around building: what they print, where, and with which exit code.

use lambuild_testkit::TempWorkspace;

use crate::harness::{Build, example, lambuild, with_own_store};

#[test]
fn init_starts_a_workspace_that_builds_and_deploys_at_once() {
    let workspace = TempWorkspace::empty();
    let run = with_own_store(&workspace).run(["init", "orders"]).success();
    assert_eq!(
        run.stdout,
        "orders/lambda.build\norders/go.mod\norders/go.sum\norders/main.go\norders/main_test.go\norders/lambda.lock\norders/.gitignore\n"
    );
    let inside = lambuild(&workspace).within(workspace.root().join("orders"));
    assert_eq!(inside.run(["check"]).success().stdout, "");
    let build = Build::of(&inside, &[]);
    assert_eq!(build.artifacts.len(), 2, "{build:?}");
    inside.run(["deploy", "--stage", "dev"]).success();
    assert!(workspace.root().join("orders/dist/dev/deploy.sh").is_file());
    // What lambuild itself writes is not for Git.
    let ignored = std::fs::read_to_string(workspace.root().join("orders/.gitignore")).unwrap();
    assert_eq!(ignored, "/.lambuild/\n/dist/\n");
}

#[test]
fn the_second_run_says_that_there_was_nothing_to_do() {
    let workspace = example("hello-go");
    lambuild(&workspace).run(["build"]).success();
    let run = lambuild(&workspace).run(["build"]).success();
    assert!(
        run.stderr
            .starts_with("nothing to do for 1 target: 6 actions reused"),
        "{run}"
    );
    let paths: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        paths,
        [".lambuild/out/hello/arm64.zip", ".lambuild/out/hello/x86_64.zip"]
    );
}

#[test]
fn the_last_run_is_kept_as_its_summary() {
    let workspace = example("hello-go");
    let run = lambuild(&workspace).run(["build", "--json"]).success();
    let kept = std::fs::read_to_string(workspace.root().join(".lambuild/last-run.json")).unwrap();
    assert_eq!(run.stdout.lines().last(), Some(kept.trim_end()));
}

const TWO_TARGETS: &str = r#"workspace w { architectures = ["arm64"] }
target data = files { content = { "a" = "x" } }
layer tools { content = { "lib" = target.data } }
"#;

#[test]
fn graph_draws_who_needs_whom() {
    let workspace = TempWorkspace::with(&[("lambda.build", TWO_TARGETS)]);
    let graph = |form: &str| {
        with_own_store(&workspace)
            .run(["graph", "--format", form])
            .success()
            .stdout
    };
    insta::assert_snapshot!(graph("dot"), @r#"
    digraph lambuild {
      rankdir = LR;
      node [fontname = "sans-serif"];
      ":data" [shape = ellipse];
      ":tools" [shape = folder];
      ":tools" -> ":data";
    }
    "#);
    insta::assert_snapshot!(graph("mermaid"), @r#"
    flowchart LR
      n0(":data")
      n1[[":tools"]]
      n1 --> n0
    "#);
    insta::assert_snapshot!(graph("json"), @r#"{"targets":[{"address":":data","kind":"target"},{"address":":tools","kind":"layer"}],"edges":[{"from":":tools","to":":data","kind":"build"}]}"#);
}

#[test]
fn check_builds_nothing() {
    let workspace = TempWorkspace::with(&[("lambda.build", TWO_TARGETS)]);
    let run = with_own_store(&workspace).run(["check"]).success();
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("", "checked 2 targets in 0 stages\n")
    );
    assert!(!workspace.root().join(".lambuild/out").exists());
}

#[test]
fn shells_complete_the_names_of_the_workspace() {
    let workspace = example("monorepo");
    let script = with_own_store(&workspace).run(["completions", "bash"]).success();
    assert!(
        script
            .stdout
            .contains("complete -o nospace -o bashdefault -o nosort -F"),
        "{script}"
    );
    let complete = |words: &[&str]| {
        let index = (words.len() - 1).to_string();
        with_own_store(&workspace)
            .call([&["--"], words].concat())
            .env("LAMBUILD_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", index)
            .env("_CLAP_IFS", "\n")
            .run()
            .success()
            .stdout
    };
    assert_eq!(
        complete(&["lambuild", "build", "services/orders:"]),
        "services/orders:audit\nservices/orders:orders-api"
    );
    assert_eq!(complete(&["lambuild", "deploy", "--stage", "p"]), "prod");
    assert_eq!(complete(&["lambuild", "expl"]), "explain");
    assert_eq!(
        complete(&["lambuild", "doc", "tool"]),
        "toolchain\ntoolchain.fetch\ntoolchain.go\ntoolchain.sh"
    );
    assert_eq!(
        complete(&["lambuild", "doc", "function.t"]),
        "function.timeout\nfunction.tracing_config\nfunction.tags"
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let workspace = TempWorkspace::empty();
    with_own_store(&workspace).run(["man", "pages"]).success();
    let build = std::fs::read_to_string(workspace.root().join("pages/lambuild-build.1")).unwrap();
    assert!(build.contains(r"\-\-keep\-going"), "{build}");
}

#[test]
fn a_code_is_explained() {
    let workspace = TempWorkspace::empty();
    let run = with_own_store(&workspace).run(["explain", "e0801"]).success();
    assert!(
        run.stdout.starts_with("E0801: a target depends on itself\n\n"),
        "{run}"
    );
    let wrong = with_own_store(&workspace).run(["explain", "E9999"]).exits(2);
    assert_eq!(
        wrong.stderr,
        "error: there is no code `E9999`; `lambuild explain` lists all of them\n"
    );
}

#[test]
fn quiet_is_silent_and_stdout_is_data() {
    let workspace = TempWorkspace::with(&[("lambda.build", TWO_TARGETS)]);
    let run = with_own_store(&workspace).run(["build", "--quiet"]).success();
    assert_eq!(run.stderr, "");
    let paths: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        paths,
        [".lambuild/out/data/arm64", ".lambuild/out/tools/arm64.zip"]
    );
}

#[test]
fn build_checks_deploy_attributes_before_anything_runs() {
    let text = r#"workspace w { architectures = ["arm64"] }
layer tools { content = { "lib/x" = "x" }, compatible_runtimes = ["cobol9"] }
stage dev { region = "eu-west-1" }
"#;
    let workspace = TempWorkspace::with(&[("lambda.build", text)]);
    let run = with_own_store(&workspace).run(["build"]).exits(2);
    assert!(run.stderr.contains("cobol9"), "{run}");
    assert!(!workspace.root().join(".lambuild/out").exists());
}

/// A workspace in which one thing is odd: Lambda has no such runtime yet.
fn with_a_warning() -> TempWorkspace {
    TempWorkspace::with(&[(
        "lambda.build",
        "workspace w { architectures = [\"arm64\"] }\n\
         stage dev { region = \"eu-west-1\", role = \"arn:aws:iam::111122223333:role/dev\" }\n\
         let base = { tags = { team = \"a\" } }\n\
         function f = base // {\n  build = files { content = { \"main.js\" = \"text\" } }\n  \
         runtime = \"nodejs30.x\"\n  handler = \"main.handler\"\n  tags = { cost = \"b\" }\n}\n",
    )])
}

#[test]
fn every_command_that_evaluates_shows_each_warning_once() {
    let workspace = with_a_warning();
    for args in [
        &["check"][..],
        &["build"],
        &["deploy", "--stage", "dev", "--dry-run"],
        &["build", "--json"],
    ] {
        let run = with_own_store(&workspace).run(args.iter().copied()).success();
        for code in ["warning[W0301]", "warning[W0401]"] {
            assert_eq!(run.stderr.matches(code).count(), 1, "{}", run.explain(code));
        }
        let quiet = [args, &["-q"]].concat();
        let run = with_own_store(&workspace).run(quiet).success();
        assert_eq!(run.stderr, "", "{}", run.explain("silence"));
    }
}

#[test]
fn check_can_refuse_warnings() {
    let run = with_own_store(&with_a_warning())
        .run(["check", "--deny", "warnings"])
        .exits(2);
    assert!(
        run.stderr
            .ends_with("\nerror: 2 warnings found, and warnings are denied\n"),
        "{}",
        run.stderr
    );
}
