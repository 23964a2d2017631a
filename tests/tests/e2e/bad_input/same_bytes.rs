//! What must not reach a zip: the mask of modes, the time zone, the language, the home folder,
//! Go's own settings, the place of the checkout.

use lambuild_testkit::{Lambuild, Program, TempWorkspace};
use serde_json::Value;

use super::meanwhile::{small_program, store_without_compiled_packages};
use crate::harness::{Build, binary, with_own_store};

/// Settings that would change what a plain `go build` or `zip` makes, or how they sort and print.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("TZ", "Asia/Kathmandu"),
    ("LANG", "de_DE.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("USER", "somebody"),
    ("GOFLAGS", "-tags=other -ldflags=-X=main.x=y"),
    ("GOOS", "windows"),
    ("GOARCH", "386"),
    ("GOARM64", "v9.0"),
    ("CGO_ENABLED", "1"),
    ("GODEBUG", "gctrace=1"),
    ("GOEXPERIMENT", "rangefunc"),
];

fn with_a_layer() -> TempWorkspace {
    let at = small_program("the same everywhere");
    at.edit(
        "lambda.build",
        "function f",
        "layer l { content = { \"bin\" = ./bin, \"lib/data\" = ./data } }\n\nfunction f",
    );
    at.write("bin/run", "#!/bin/sh\n");
    at.write("data/text", "text\n");
    std::os::unix::fs::symlink("run", at.path("bin/link")).expect("a link");
    let modes = "chmod 755 bin/run; chmod 644 data/text";
    Program::new("sh", at.root()).args(["-c", modes]).run().success();
    at
}

#[test]
fn surroundings_do_not_reach_a_zip() {
    let here = with_a_layer();
    let store = store_without_compiled_packages();
    let first = Build::of(&with_own_store(&here).store(store.path()), &[]);
    assert_eq!(first.artifacts.len(), 2);
    assert!(first.executed >= 4, "nothing may come from a cache: {first:?}");

    let (there, store) = (TempWorkspace::empty(), store_without_compiled_packages());
    let checkout = there.path("another place/überall");
    let checks_out = "umask 077; mkdir -p \"$2\"; cp -RP \"$1\"/. \"$2\"; rm -r \"$2\"/.lambuild";
    let places = [here.root(), checkout.clone()];
    Program::new("sh", "/")
        .args(["-c", checks_out, "sh"])
        .args(places)
        .run()
        .success();
    let build = "umask 077; exec \"$0\" build --json";
    let run = Lambuild::new("sh", &checkout, there.home())
        .store(store.path())
        .call(["-c", build, &binary().to_string_lossy()])
        .envs(SURROUNDINGS.iter().copied())
        .run()
        .success();
    let last: Value = run.json_lines().pop().expect("a summary");
    assert_eq!(
        last["executed"], first.executed,
        "nothing may come from a cache: {last}"
    );
    let told: Vec<_> = last["artifacts"]
        .as_array()
        .expect("artifacts")
        .iter()
        .map(|one| one["sha256"].as_str())
        .collect();
    let known: Vec<_> = first.artifacts.iter().map(|one| Some(&*one.sha256)).collect();
    assert_eq!(told, known);
}
