//! Proves that a second build under other conditions finds what leaks into a first one, names where it
//! comes from, and finds nothing where nothing leaks.

use std::collections::BTreeMap;
use std::fs;

use lambuild_testkit::{Run, TempWorkspace};
use serde_json::Value;

use crate::harness::{example, first_build, lambuild, with_own_store};

/// Name, command, causes. Each leaks one thing; what is behind the last colon is its true name.
const LEAKS: &[(&str, &str, &str)] = &[
    ("path", "echo built in $PWD > $out/a", "path"),
    ("link", "cd $out; touch $(uname -n); ln -s $(uname -n) a", "host"),
    ("epoch", "echo built=$(date +%s) > $out/a", "time"),
    ("date", "date -u > $out/a", "time"),
    ("rfc", "date -u -R > $out/a; date -u -Iseconds >> $out/a", "time"),
    ("local-time", "date > $out/a", "time, time-zone"),
    ("gzip", "cd $out; echo x > a; gzip a", "time"),
    (
        "tar-time",
        "cd tmp; echo x > a; tar cf $out/a.tar --owner=0 --group=0 --mode=644 a",
        "time",
    ),
    (
        "inside",
        "cd tmp; date -u > a; tar cf - --mtime=@0 --owner=0 --group=0 --mode=644 a | gzip -n > $out/a.tgz",
        "time",
    ),
    ("file-name", "echo > $out/log-$(date +%s).txt", "time"),
    ("zone", "date -d @0 > $out/a", "time-zone"),
    ("locale", "echo $LC_ALL > $out/a", "locale"),
    ("user", "id -un > $out/a", "user"),
    ("ids", "id > $out/a", "user"),
    (
        "tar-user",
        "cd tmp; echo x > a; tar cf $out/a.tar --mtime=@0 --mode=644 a",
        "user",
    ),
    ("host", "uname -n > $out/a", "host"),
    ("umask", "umask > $out/a", "mode"),
    ("modes", "cd tmp; echo x > a; stat -c '%A %a' a > $out/a", "mode"),
    (
        "tar-mode",
        "cd tmp; echo x > a; tar cf $out/a.tar --mtime=@0 --owner=0 --group=0 a",
        "mode",
    ),
    (
        "executable",
        "echo x > $out/a; if [ $(umask) = 0022 ]; then chmod +x $out/a; fi",
        "mode",
    ),
    ("process", "echo /tmp/x.$$ > $out/a", "process"),
    (
        "uuid",
        "cat /proc/sys/kernel/random/uuid > $out/a 2> /dev/null || mktemp XXXXXXXXXXXX > $out/a",
        "random",
    ),
    (
        "random-text",
        "head -c 8 /dev/urandom | od -An -tx1 > $out/a",
        "random",
    ),
    ("random-bytes", "head -c 64 /dev/urandom > $out/a", "random"),
    ("lines", "seq 100 | shuf > $out/a", "order"),
    (
        "entries",
        "cd tmp; touch 1 2 3 4 5 6 7 8 9; tar cf $out/a.tar --mtime=@0 --owner=0 --group=0 --mode=644 $(shuf -e *)",
        "order",
    ),
    (
        "race",
        "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.0$(shuf -n1 -i 0-9); echo $i >> $out/a) & done; wait",
        "order",
    ),
    (
        "vcs",
        "echo \"build\tvcs.modified=$(head -c 9 /dev/urandom | od -An -tx1)\" > $out/a",
        "vcs-stamp",
    ),
];

const TOOLS: &str = "toolchain sh { programs = [\"sh\", \"cat\", \"chmod\", \"date\", \"dd\", \"gzip\", \"head\", \"id\", \
    \"ln\", \"mktemp\", \"nproc\", \"od\", \"seq\", \"shuf\", \"sleep\", \"stat\", \"tar\", \"touch\", \"uname\"] }\n";

fn workspace(items: &str) -> TempWorkspace {
    let head = "workspace w { architectures = [\"x86_64\"] }\n";
    TempWorkspace::with(&[("lambda.build", &format!("{head}{TOOLS}{items}"))])
}

fn target(name: &str, run: &str) -> String {
    let run = run.replace('"', "\\\"").replace("\t", "\\t");
    format!("target {name} = command {{ run = \"{run}\", tools = [toolchain.sh] }}\n")
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// Whether actions run in a sandbox here; without one not all conditions can be changed.
fn has_sandbox(workspace: &TempWorkspace) -> bool {
    let doctor = with_own_store(workspace).run(["doctor", "--json"]);
    let found = doctor.json()["sandbox"] == "strict";
    if !found {
        skipped("this machine gives no sandbox");
    }
    found
}

/// Action → causes, as `verify --json` tells them.
fn causes(run: &Run) -> BTreeMap<String, String> {
    let told = run.json();
    let differences = told["differences"].as_array().expect("differences");
    let causes = |made: &Value| -> String {
        let causes = made["causes"].as_array().expect("causes");
        causes
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let name = |made: &Value| made["action"].as_str().unwrap_or_default().to_owned();
    differences
        .iter()
        .map(|made| (name(made), causes(made)))
        .collect()
}

#[test]
fn every_leak_is_found_and_named() {
    let items: String = LEAKS.iter().map(|(name, run, _)| target(name, run)).collect();
    let workspace = workspace(&format!("{items}{}", target("good", "echo good > $out/a")));
    if !has_sandbox(&workspace) {
        return;
    }
    let run = with_own_store(&workspace).run(["verify", "--json"]).exits(1);
    let expected: BTreeMap<String, String> = LEAKS
        .iter()
        .map(|(name, _, causes)| (format!("command :{name} x86_64"), (*causes).to_owned()))
        .collect();
    assert_eq!(causes(&run), expected, "{run}");
    assert_eq!(run.json()["verified"], LEAKS.len() + 1);
    assert_eq!(run.json()["differ"], LEAKS.len());
}

#[test]
fn the_number_of_processors_is_found_where_there_are_several() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return skipped("this machine has one processor");
    }
    let workspace = workspace(&target("jobs", "echo make -j$(nproc) > $out/a"));
    if has_sandbox(&workspace) {
        let run = with_own_store(&workspace).run(["verify", "--json"]).exits(1);
        assert_eq!(causes(&run)["command :jobs x86_64"], "jobs", "{run}");
    }
}

#[test]
fn a_linkers_build_id_is_told_from_what_is_linked() {
    let Some((id, program)) = with_build_id() else {
        return skipped("no program of this machine has a build id");
    };
    let script = format!(
        "cat program > $out/a; head -c 20 /dev/urandom | dd of=$out/a bs=1 seek={id} conv=notrunc 2> /dev/null"
    );
    let run = target("id", &script).replace("tools", "inputs = { \"program\" = ./program }, tools");
    let workspace = workspace(&run);
    workspace.write("program", program);
    let run = with_own_store(&workspace).run(["verify", "--json"]).exits(1);
    assert_eq!(causes(&run)["command :id x86_64"], "build-id", "{run}");
}

/// A program of this machine, and where the 20 bytes of its build id begin.
fn with_build_id() -> Option<(usize, Vec<u8>)> {
    let note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
    ["/bin/true", "/bin/cat", "/bin/sh"].iter().find_map(|path| {
        let program = fs::read(path).ok()?;
        let at = program.windows(note.len()).position(|bytes| bytes == note)?;
        Some((at + note.len(), program))
    })
}

#[test]
fn only_the_first_in_a_chain_is_blamed_and_both_versions_are_kept() {
    let items = "target zone = command { run = \"date -d @0 > $out/zone.txt\", tools = [toolchain.sh] }\n\
        target copy = command { run = \"cat ${target.zone}/zone.txt > $out/copy.txt\", tools = [toolchain.sh] }\n\
        target good = files { content = { \"a\" = \"a\" } }\n\
        layer data { content = { \"all\" = target.copy, \"good\" = target.good }, data = true }\n";
    let workspace = workspace(items);
    if !has_sandbox(&workspace) {
        return;
    }
    let run = with_own_store(&workspace)
        .run(["verify", "--quiet", "--keep", "both"])
        .exits(1);
    insta::assert_snapshot!(run.stdout, @"
    differs  :copy x86_64  follows from command :zone x86_64
    differs  :data x86_64  follows from command :zone x86_64
    same     :good x86_64
    differs  :zone x86_64
    ");
    insta::assert_snapshot!(run.stderr, @r#"
    error[E1101]: command :zone x86_64 makes other bytes when it is run again
     --> lambda.build:3:15
      |
    3 | target zone = command { run = "date -d @0 > $out/zone.txt", tools = [toolchain.sh] }
      |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it depends on the time zone
      |
      = note: `zone.txt` differs from byte 12 on: "Thu Jan  1 00:00:00 UTC 1970", then "Thu Jan  1 05:45:00 NPT 1970"
      = note: not the same because of it: :copy x86_64, :data x86_64
      = help: write times in UTC: `date -u`, `TZ=UTC program`
    "#);
    assert_eq!(
        workspace.read("both/command--zone-x86_64/first/zone.txt"),
        "Thu Jan  1 00:00:00 UTC 1970\n"
    );
    assert_eq!(
        workspace.read("both/command--zone-x86_64/second/zone.txt"),
        "Thu Jan  1 05:45:00 NPT 1970\n"
    );
    // Both are results in the store, so that they stay.
    let noted: Value = serde_json::from_str(&workspace.read(".lambuild/verify.json")).expect("JSON");
    for version in ["first", "second"] {
        let key = noted[0][version].as_str().expect("a key");
        let record = with_own_store(&workspace).run(["store", "path", key]).success();
        assert!(fs::metadata(record.stdout.trim()).is_ok(), "{record}");
    }
    // What a second build made is nobody's result.
    let again = with_own_store(&workspace).run(["build", "--json"]).success();
    assert_eq!(
        again.json_lines().last().expect("a summary")["executed"],
        0,
        "{again}"
    );
    workspace.edit("lambda.build", "date -d", "date -u -d");
    let run = with_own_store(&workspace).run(["verify"]).success();
    assert!(run.stderr.contains("4 artifacts verified, 0 differ; "), "{run}");
    assert!(!workspace.root().join(".lambuild/verify.json").exists());
}

#[test]
fn the_examples_are_the_same_under_other_conditions() {
    first_build();
    let workspace = example("command-target");
    let run = lambuild(&workspace)
        .run(["verify", "--arch", "x86_64", "--json"])
        .success();
    assert_eq!(run.json()["differ"], 0, "{run}");
    assert_eq!(run.json()["verified"], 2, "{run}");
}
