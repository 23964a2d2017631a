//! Proves that zips are the same bytes whatever the machine around a build is like: under reprotest's
//! variations, which take root and Debian, and under our own.

use std::fs;
use std::path::{Path, PathBuf};

use lambuild_testkit::{Lambuild, Program, Run, TempWorkspace, repository_root};

use crate::harness::{binary, with_own_store};

/// Data, commands, archives: whatever needs no compiler.
const DATA: &str = r#"workspace w { architectures = ["arm64", "x86_64"] }
toolchain sh { programs = ["sh", "cat", "sort", "gzip"] }
target all = command {
  inputs = { "data" = ./data }
  run    = "cat data/* | sort | gzip -n > $out/all.gz"
  tools  = [toolchain.sh]
}
target packed = archive { content = { "data" = ./data }, format = "tar.gz" }
layer table { content = { "all" = target.all, "packed" = target.packed, "data" = ./data }, data = true }
"#;

/// A target that tells the time, the host and the order of its folder.
const LEAK: &str = r#"workspace w { architectures = ["x86_64"] }
toolchain sh { programs = ["sh", "date"] }
layer table { content = { "now" = command { run = "date -u > $out/now", tools = [toolchain.sh] } }, data = true }
"#;

/// With its files made in this order.
fn data(build: &str, numbers: impl Iterator<Item = u32>) -> TempWorkspace {
    let workspace = TempWorkspace::with(&[("lambda.build", build)]);
    for number in numbers {
        workspace.write(
            &format!("data/{number}.csv"),
            format!("{number}\n").repeat(number as usize),
        );
    }
    workspace
}

/// The zip that a call of lambuild makes in a workspace.
#[track_caller]
fn zip(workspace: &TempWorkspace, call: Program) -> Vec<u8> {
    let out = workspace.path(".lambuild/out");
    if out.exists() {
        fs::remove_dir_all(&out).expect("results can be removed");
    }
    call.run().success();
    workspace.bytes(".lambuild/out/table/any.zip")
}

#[test]
fn zips_are_equal_whatever_the_store_the_jobs_and_the_files_are() {
    let workspace = data(DATA, 0..40);
    let lambuild = |store: &str| with_own_store(&workspace).store(workspace.home().join(store));
    let expected = zip(&workspace, lambuild("a").call(["build"]));
    for (what, store, words) in [
        ("a warm store", "a", &["build"][..]),
        (
            "a store with a longer path",
            "other/place/of/the/store",
            &["build"],
        ),
        ("one job", "b", &["build", "-j", "1"]),
        ("many jobs", "c", &["build", "-j", "16"]),
        ("no syncs", "d", &["build", "--durability", "none"]),
        ("no stat cache", "a", &["build", "--no-stat-cache"]),
        ("no sandbox", "e", &["build", "--sandbox", "none"]),
    ] {
        assert!(zip(&workspace, lambuild(store).call(words)) == expected, "{what}");
    }
    let call = lambuild("f").call(["build"]);
    let call = call
        .env("TZ", "Asia/Tokyo")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("USER", "x");
    assert!(zip(&workspace, call) == expected, "another environment");
    workspace.touch("data/7.csv");
    assert!(
        zip(&workspace, lambuild("g").call(["build"])) == expected,
        "a newer file"
    );
    let other = data(DATA, (0..40).rev());
    assert!(
        zip(&other, with_own_store(&other).call(["build"])) == expected,
        "files made in another order, in another folder"
    );
}

#[test]
fn zips_are_equal_on_a_file_system_in_memory() {
    let Some(place) = in_memory() else {
        return println!("skipped: this machine has no file system in memory at /dev/shm that takes files");
    };
    let workspace = data(DATA, 0..40);
    let expected = zip(&workspace, with_own_store(&workspace).call(["build"]));
    let (folder, home) = (place.path().join("w"), place.path().join("home"));
    fs::create_dir_all(folder.join("data")).expect("a folder");
    for path in workspace
        .files("")
        .iter()
        .filter(|path| !path.starts_with(".lambuild"))
    {
        fs::write(folder.join(path), workspace.bytes(path)).expect("a file");
    }
    Lambuild::new(binary(), &folder, &home).run(["build"]).success();
    let made = fs::read(folder.join(".lambuild/out/table/any.zip")).expect("a zip");
    assert!(made == expected);
}

fn in_memory() -> Option<tempfile::TempDir> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let is_one = |line: &str| line.split(' ').nth(1) == Some("/dev/shm") && line.contains(" tmpfs ");
    mounts.lines().find(|line| is_one(line))?;
    tempfile::tempdir_in("/dev/shm").ok()
}

/// reprotest, where it is to be had and may do what it does; else why not.
fn reprotest() -> Result<PathBuf, &'static str> {
    let program = PathBuf::from("/usr/bin/reprotest");
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let is_root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    match (
        is_root,
        program.is_file(),
        Path::new("/usr/bin/disorderfs").is_file(),
    ) {
        (false, ..) => Err("reprotest needs root for another order of files"),
        (_, false, _) => Err("reprotest is not installed: apt-get install reprotest"),
        (.., false) => Err("disorderfs is not installed: apt-get install disorderfs faketime"),
        _ => Ok(program),
    }
}

/// Builds twice under reprotest, each time with an empty store beside the workspace.
fn under_reprotest(reprotest: PathBuf, variations: &str, workspace: &TempWorkspace, zips: &str) -> Run {
    let script = format!(
        "set -e\n{} build --store \"$PWD/store\" --durability none\ncd .lambuild/out\ntar cf ../../out.tar --sort=name \
         --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 {zips}\ncd ../..\nrm -rf store .lambuild\n",
        binary().display()
    );
    workspace.write("build.sh", script);
    Program::new(reprotest, workspace.root())
        .args([
            "--min-cpus",
            "1",
            "--variations",
            variations,
            "-c",
            "sh build.sh",
            ".",
            "out.tar",
            "--",
            "null",
        ])
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("HOME", workspace.home())
        .run()
}

/// All of reprotest's variations but another user, for whom a workspace of root's is closed.
const ALL: &str = "+all,-user_group";

#[test]
fn reprotest_finds_no_difference_in_data() {
    match reprotest() {
        Err(why) => println!("skipped: {why}"),
        Ok(reprotest) => {
            let run = under_reprotest(reprotest, ALL, &data(DATA, 0..40), "table/any.zip").success();
            assert!(run.stdout.contains("Reproduction successful"), "{run}");
        }
    }
}

#[test]
#[ignore = "minutes: cargo xtask soak hermetic"]
fn reprotest_finds_a_difference_where_there_is_one() {
    match reprotest() {
        Err(why) => println!("skipped: {why}"),
        Ok(reprotest) => {
            let run = under_reprotest(reprotest, ALL, &data(LEAK, 0..3), "table/x86_64.zip").exits(1);
            assert!(run.stdout.contains("out.tar"), "{run}");
        }
    }
}

#[test]
#[ignore = "minutes: cargo xtask soak hermetic"]
fn reprotest_finds_no_difference_in_the_examples() {
    let reprotest = match reprotest() {
        Err(why) => return println!("skipped: {why}"),
        Ok(reprotest) => reprotest,
    };
    for name in ["hello-go", "command-target", "monorepo"] {
        let workspace = TempWorkspace::copy_of(&repository_root().join("examples").join(name));
        let run = under_reprotest(reprotest.clone(), ALL, &workspace, ".").success();
        assert!(run.stdout.contains("Reproduction successful"), "{name}: {run}");
    }
}

#[test]
#[ignore = "minutes: cargo xtask soak hermetic"]
fn the_examples_are_the_same_under_other_conditions() {
    for name in ["hello-go", "command-target", "monorepo"] {
        let workspace = TempWorkspace::copy_of(&repository_root().join("examples").join(name));
        let run = with_own_store(&workspace).run(["verify", "--json"]).success();
        assert_eq!(run.json()["differ"], 0, "{name}: {run}");
    }
}
