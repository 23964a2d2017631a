//! Proves that any program can be a build step: the example runs on both architectures, tools are
//! built for this machine, what depends on the machine is marked, and what is missing is named.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lambuild_testkit::{Arch, Bootstrap, TempWorkspace};
use serde_json::Value;

use crate::harness::{example, first_build, lambuild, unzip, with_own_store};

/// The last line of `build --json`.
fn summary(run: &lambuild_testkit::Run) -> Value {
    run.json_lines().pop().expect("a build prints its summary")
}

#[test]
fn the_example_packs_its_table_once_and_answers_on_both_architectures() {
    first_build();
    let workspace = example("command-target");
    let run = lambuild(&workspace).run(["build", "--json"]).success();
    let commands: Vec<Value> = run
        .json_lines()
        .into_iter()
        .filter(|line| line["event"] == "started" && line["action"].to_string().contains("command :zones"))
        .collect();
    assert!(commands.len() <= 1, "the command ran twice: {run}");
    for artifact in summary(&run)["artifacts"].as_array().expect("artifacts") {
        assert_eq!(artifact["host_tools"], true, "{artifact}");
    }
    for arch in Arch::ALL {
        let task_root = TempWorkspace::empty();
        let zip = workspace.bytes(&format!(".lambuild/out/lookup/{}.zip", arch.name()));
        for (path, mode, content) in unzip(&zip) {
            task_root.write(&path, content);
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(task_root.path(&path), permissions).expect("the mode is set");
        }
        let zones = task_root.path("data/zones.csv.gz");
        let bootstrap =
            Bootstrap::new(task_root.path("bootstrap"), arch).env("ZONES", &zones.to_string_lossy());
        let answer = bootstrap.invoke(r#"{"zone":"north"}"#);
        assert_eq!(answer.as_deref(), Ok(r#""Oslo""#), "{}", arch.name());
    }
    let again = lambuild(&workspace).run(["build", "--json"]).success();
    assert_eq!(summary(&again)["executed"], 0, "{again}");
}

const STAGES: &str = r#"
stage prod { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/r", protected = true }
stage free { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/r", protected = true, allow_host_tools = true }
"#;

/// A workspace of data only: nothing of it needs a compiler.
fn data(items: &str) -> TempWorkspace {
    let head = "workspace w { architectures = [\"arm64\", \"x86_64\"] }\n\
        toolchain sh { programs = [\"sh\", \"cat\"] }\n";
    let workspace = TempWorkspace::with(&[("data/a.csv", "a\n"), ("data/b.csv", "b\n")]);
    workspace.write("lambda.build", format!("{head}{items}"));
    workspace
}

#[test]
fn a_protected_stage_refuses_what_programs_of_this_machine_made() {
    let layer = "layer table { build = command { run = \"cat ${./data}/*.csv > $out/all.csv\", tools = [toolchain.sh] }, data = true }\n\
        layer plain { content = { \"a.csv\" = ./data/a.csv }, data = true }\n";
    let workspace = data(&format!("{layer}{STAGES}"));
    let refused = with_own_store(&workspace)
        .run(["deploy", "--stage", "prod"])
        .exits(2);
    let told = refused
        .stderr
        .lines()
        .filter(|line| line.contains("E0910"))
        .collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{refused}");
    assert!(
        told[0].contains("`:table`") && told[0].contains("`prod`"),
        "{refused}"
    );
    with_own_store(&workspace)
        .run(["deploy", "--stage", "free"])
        .success();
    let manifest: Value = serde_json::from_str(&workspace.read("dist/free/manifest.json")).expect("JSON");
    let marks: Vec<(&str, bool)> = manifest["layers"]
        .as_array()
        .expect("layers")
        .iter()
        .filter_map(|layer| Some((layer["target"].as_str()?, layer["host_tools"].as_bool()?)))
        .collect();
    assert_eq!(marks, [(":plain", false), (":table", true)]);
}

#[test]
fn a_missing_input_is_named_with_the_line_to_add() {
    let target = "target all = command {\n  run    = \"cat data/a.csv data/b.csv > $out/all.csv\"\n  \
        inputs = { \"data/a.csv\" = ./data/a.csv }\n  tools  = [toolchain.sh]\n}\n";
    let workspace = data(target);
    let failed = with_own_store(&workspace)
        .run(["build", "--arch", "x86_64"])
        .exits(1);
    insta::assert_snapshot!(told(&failed.stderr), @r#"
    error: command :all x86_64 failed: it ended with exit code 1
    cat: data/b.csv: No such file or directory
    error[E1017]: `:all` reads `data/b.csv`, which is in the workspace, but not among its inputs
     --> lambda.build:4:12
      |
    4 |   run    = "cat data/a.csv data/b.csv > $out/all.csv"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ needed by this
      |
      = help: add it: `inputs = { "data/b.csv" = ./data/b.csv }`
    "#);
    workspace.edit(
        "lambda.build",
        "{ \"data/a.csv\" = ./data/a.csv }",
        "{ \"data/a.csv\" = ./data/a.csv, \"data/b.csv\" = ./data/b.csv }",
    );
    with_own_store(&workspace).run(["build"]).success();
    assert_eq!(workspace.read(".lambuild/out/all/any/all.csv"), "a\nb\n");
}

/// What is said of the failure itself, without the time that it took.
fn told(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.contains(" done in "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_go_program_is_a_tool_even_where_its_target_is_for_the_other_architecture() {
    first_build();
    let other = match std::env::consts::ARCH {
        "aarch64" => "x86_64",
        _ => "arm64",
    };
    let workspace = TempWorkspace::with(&[
        ("go.mod", "module example.com/gen\n\ngo 1.26\n"),
        (
            "cmd/gen/main.go",
            "package main\n\nimport (\n\t\"os\"\n\t\"runtime\"\n)\n\nfunc main() {\n\
             \tos.WriteFile(os.Args[1]+\"/arch\", []byte(runtime.GOARCH), 0o644)\n}\n",
        ),
    ]);
    workspace.write(
        "lambda.build",
        format!(
            "workspace w {{ architectures = [\"{other}\"] }}\ntoolchain go {{ version = \"1.26.8\" }}\n\
             target gen = go {{ module = ./., main = \"example.com/gen/cmd/gen\" }}\n\
             target named = command {{ run = [\"gen\", \"$out\"], tools = [target.gen] }}\n\
             target direct = command {{ run = [target.gen, \"$out\"] }}\n"
        ),
    );
    let run = lambuild(&workspace)
        .run(["build", ":named", ":direct", "--json"])
        .success();
    let own = if other == "arm64" { "amd64" } else { "arm64" };
    for name in ["named", "direct"] {
        let made = workspace.read(&format!(".lambuild/out/{name}/{other}/arch"));
        assert_eq!(made, own, "{run}");
    }
    for artifact in summary(&run)["artifacts"].as_array().expect("artifacts") {
        assert_eq!(artifact["host_tools"], false, "{artifact}");
    }
}
