//! Where Go comes from: a declared version, the machine's own, or a known version where
//! there is neither. What is built does not depend on it.

use lambuild_testkit::{Run, TempWorkspace, Tool, Tools};

use crate::harness::{example, lambuild};

/// `examples/hello-go` without its `toolchain` item.
fn without_a_toolchain() -> TempWorkspace {
    let workspace = example("hello-go");
    workspace.edit("lambda.build", "toolchain go { version = \"1.26.8\" }\n", "");
    workspace
}

fn hash(run: &Run, arch: &str) -> String {
    let last = run.json_lines().pop().expect("a build prints its summary");
    let artifacts = last["artifacts"]
        .as_array()
        .expect("a summary has artifacts")
        .clone();
    let found = artifacts.iter().find(|artifact| artifact["arch"] == arch);
    found.expect("the architecture was built")["sha256"]
        .as_str()
        .expect("a zip has a hash")
        .to_owned()
}

#[test]
fn where_the_machine_has_no_go_a_known_version_is_fetched() {
    let workspace = without_a_toolchain();
    let run = lambuild(&workspace)
        .call(["build", "--json"])
        .env("PATH", "/nonexistent")
        .run()
        .success();
    let fetched = |line: &serde_json::Value| {
        line["event"] == "finished"
            && line["action"]
                .as_str()
                .is_some_and(|name| name.starts_with("fetch go 1.26.8"))
    };
    assert!(run.json_lines().iter().any(fetched), "{run}");
}

#[test]
fn the_machines_go_gives_the_same_bytes_as_the_same_version_fetched() {
    if Tools::find().get(Tool::Go).is_none() {
        println!("skipped: this machine has no Go");
        return;
    }
    let declared = example("hello-go");
    let fetched = lambuild(&declared).run(["build", "--json"]).success();
    let undeclared = without_a_toolchain();
    let taken = lambuild(&undeclared).run(["build", "--json"]).success();
    let is_taken = |line: &serde_json::Value| line["how"] == "taken";
    assert!(taken.json_lines().iter().any(is_taken), "{taken}");
    let version = lambuild_testkit::Program::new("go", undeclared.root())
        .args(["env", "GOVERSION"])
        .run()
        .success();
    if version.stdout.trim() != "go1.26.8" {
        println!(
            "skipped the comparison: the machine has {}",
            version.stdout.trim()
        );
        return;
    }
    for arch in ["arm64", "x86_64"] {
        assert_eq!(hash(&taken, arch), hash(&fetched, arch));
    }
}

#[test]
fn a_version_that_nobody_has_is_said_so() {
    let workspace = example("hello-go");
    workspace.edit("lambda.build", "1.26.8", "1.26.999");
    let run = lambuild(&workspace).run(["build"]).exits(1);
    assert!(run.stderr.contains("Go 1.26.999 is not to be had"), "{run}");
    assert!(
        run.stderr.contains("name another version in `toolchain go`"),
        "{run}"
    );
}
