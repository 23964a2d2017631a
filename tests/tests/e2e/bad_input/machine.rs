//! What this machine refuses: a store or a folder that cannot be written, a full disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use lambuild_testkit::{Lambuild, Program, Run, TempWorkspace};

use super::wrong::{Wrong, below, tokens};
use crate::harness::{Build, binary, with_own_store};

/// Runs lambuild as somebody for whom modes count: root passes over them, so it gives up
/// its capabilities first.
#[track_caller]
fn run(workspace: &TempWorkspace, args: &[&str]) -> Run {
    let is_root = fs::metadata(workspace.root()).is_ok_and(|meta| meta.uid() == 0);
    if !is_root {
        return with_own_store(workspace).run(args);
    }
    let powerless = ["--bounding-set=-all", "--inh-caps=-all"].map(str::to_owned);
    let args = args.iter().map(|arg| (*arg).to_owned());
    let program = binary().display().to_string();
    Lambuild::new("setpriv", workspace.root(), workspace.home())
        .run(powerless.into_iter().chain([program]).chain(args))
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

#[test]
fn a_store_that_cannot_be_made() {
    let at = Wrong::nothing().workspace;
    mode(&at.home(), 0o555);
    let refused = run(&at, &["build"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @"
    error: the store cannot be used: cannot create [home]/store: Permission denied (os error 13)
      it must be in a folder that you may write and that has space: name another with --store or LAMBUILD_STORE
    ");
    assert!(!at.path(".lambuild").exists());
    mode(&at.home(), 0o755);
    Build::of(&with_own_store(&at), &[]);
}

#[test]
fn a_read_only_store() {
    let at = Wrong::nothing().workspace;
    let built = Build::of(&with_own_store(&at), &[]);
    let all = below(&at.home().join("store")).into_iter().map(PathBuf::from);
    let mut folders: Vec<PathBuf> = all.filter(|path| path.is_dir()).collect();
    folders.push(at.home().join("store"));
    folders.iter().for_each(|folder| mode(folder, 0o555));
    at.edit("run.sh", "#!/bin/sh", "#!/bin/bash");
    let before = below(&at.home());
    run(&at, &["check"]).success();
    let refused = run(&at, &["build"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @r#"
    warning: the store [home]/store is only read: what is in it is used, and nothing new is kept
    error[E1004]: the store [home]/store is only read, and this needs something new in it: Permission denied (os error 13); make it writable, or name another folder with --store
     --> lambda.build:4:47
      |
    4 |   build   = files { content = { "bootstrap" = ./run.sh } }
      |                                               ^^^^^^^^ needed here
      |
      = help: free space there, or name another store with --store or LAMBUILD_STORE

    2 actions not tried after the failure
    1 action failed; 0 done in [time]
    "#);
    assert_eq!(below(&at.home()), before, "{refused}");
    // What is there is used.
    at.edit("run.sh", "#!/bin/bash", "#!/bin/sh");
    let reused = run(&at, &["build"]).success();
    assert_snapshot!(tokens(&reused, &at), @r#"
    warning: the store [home]/store is only read: what is in it is used, and nothing new is kept
    nothing to do for 2 targets: 4 actions reused, [time]
    "#);
    assert_eq!(below(&at.home()), before, "{reused}");
    at.edit("run.sh", "#!/bin/sh", "#!/bin/bash");
    folders.iter().for_each(|folder| mode(folder, 0o755));
    let after = Build::of(&with_own_store(&at), &[]);
    assert_eq!(
        after.changed_since(&built),
        [(":hello".to_owned(), "arm64".to_owned())]
    );
}

#[test]
fn a_store_of_another_version() {
    let at = Wrong::nothing().workspace;
    fs::create_dir(at.home().join("store")).unwrap();
    fs::write(at.home().join("store/FORMAT"), "lambuild store 9\nblake3\n").unwrap();
    let refused = with_own_store(&at).run(["build"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @"error: the store [home]/store has the format `lambuild store 9, blake3`; this version of lambuild uses `lambuild store 2, blake3`: name another folder with --store");
    assert_eq!(below(&at.home().join("store")).len(), 1);
}

/// Damage that shows only when the artifact is written: it is made again in the same run.
#[test]
fn a_damaged_artifact_in_the_store() {
    let at = Wrong::nothing().workspace;
    let built = Build::of(&with_own_store(&at), &[]);
    for path in below(&at.home().join("store/cas")).into_iter().map(PathBuf::from) {
        if path.is_file() && fs::read(&path).unwrap().starts_with(b"PK") {
            mode(&path, 0o644);
            let mut bytes = fs::read(&path).unwrap();
            bytes[40] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    fs::remove_dir_all(at.path(".lambuild/out")).unwrap();
    let told = with_own_store(&at).run(["build"]).success();
    assert_snapshot!(tokens(&told, &at), @r#"
    warning: a damaged object of the store was set aside and made again: [home]/store/cas/80/208328751552637f19564fd33ea20784b05ba6cafe16abd900186cff8f43c7, kept as [home]/store/quarantine/80208328751552637f19564fd33ea20784b05ba6cafe16abd900186cff8f43c7
    warning: a damaged object of the store was set aside and made again: [home]/store/cas/ac/64150945f71244a962725d1368e00f07be063a6c86e9b358cfe462a4f57548, kept as [home]/store/quarantine/ac64150945f71244a962725d1368e00f07be063a6c86e9b358cfe462a4f57548
    built 2 targets: 1 action run, 3 reused, [time], 2 damaged objects set aside
    "#);
    assert_eq!(Build::of(&with_own_store(&at), &[]).changed_since(&built), []);
    let again = with_own_store(&at).run(["build"]).success();
    assert!(!again.stderr.contains("damaged"), "{again}");
}

#[test]
fn a_dist_that_cannot_be_written() {
    let at = Wrong::nothing().workspace;
    with_own_store(&at).run(["deploy", "--stage", "dev"]).success();
    let before = (at.files("dist"), at.read("dist/dev/deploy.sh"));
    mode(&at.path("dist"), 0o555);
    at.edit("lambda.build", "timeout = 3", "timeout = 4");
    let refused = run(&at, &["deploy", "--stage", "dev"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @"error: dist/dev cannot be written: cannot create a folder in [workspace]/dist: Permission denied (os error 13)");
    assert_eq!((at.files("dist"), at.read("dist/dev/deploy.sh")), before);
    mode(&at.path("dist"), 0o755);
    with_own_store(&at).run(["deploy", "--stage", "dev"]).success();
    assert_eq!(
        below(&at.path("dist"))
            .iter()
            .filter(|path| path.contains(".new"))
            .count(),
        0
    );
    assert_ne!(at.read("dist/dev/deploy.sh"), before.1);
}

#[test]
fn a_file_where_dist_should_be() {
    let at = Wrong::nothing().workspace;
    at.write("dist", "mine");
    let refused = with_own_store(&at).run(["deploy", "--stage", "dev"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @"error: dist/dev cannot be written: cannot create [workspace]/dist: File exists (os error 17)");
    assert_eq!(at.read("dist"), "mine");
}

#[test]
fn a_workspace_that_cannot_be_written() {
    let at = Wrong::nothing().workspace;
    mode(&at.root(), 0o555);
    let refused = run(&at, &["build"]).exits(1);
    assert_snapshot!(tokens(&refused, &at), @"
    warning: the next build will read all files again: cannot create [workspace]/.lambuild: Permission denied (os error 13)
    error: the artifacts cannot be written: cannot create [workspace]/.lambuild: Permission denied (os error 13)
    ");
    run(&at, &["check"]).success();
    mode(&at.root(), 0o755);
    Build::of(&with_own_store(&at), &[]);
}

/// Mounts a small disk as the store, builds three times (no space at all, too little, enough)
/// and shows each exit code and what is left in the stage. The disk goes away with the process.
const ON_A_SMALL_DISK: &str = r#"
store=$1 lambuild=$2
mount -t tmpfs -o size=1m none "$store" || exit 99
for size in 0 1m 64m; do
  if [ $size = 0 ]; then
    head -c 2m /dev/zero 2>/dev/null >"$store/filler"
  else
    rm -f "$store/filler" && mount -o remount,size=$size "$store"
  fi
  "$lambuild" build :tools >"$store/../out" 2>"$store/../err"
  echo "exit code $?, in the stage: $(ls -A "$store"/s/stage/* | wc -l)"
  sed '/^ *$/d' "$store/../err"
done
"#;

#[test]
fn a_full_store() {
    let at = Wrong::nothing().workspace;
    at.write("tool.sh", vec![0x5a; 2 << 20]);
    let store = at.home().join("store");
    fs::create_dir(&store).unwrap();
    // The first works for root, the second for others where the system lets them.
    for namespace in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let args = [namespace, &["sh", "-c", ON_A_SMALL_DISK, "sh"]].concat();
        let told = Program::new("unshare", at.root())
            .args(args)
            .args([&store, binary()])
            .env("LAMBUILD_STORE", store.join("s"))
            .run();
        if told.code != Some(0) {
            continue;
        }
        let shown = Run {
            stderr: told.stdout.clone(),
            ..told
        };
        assert_snapshot!(tokens(&shown, &at), @r#"
        exit code 1, in the stage: 0
        error: no space left in [home]/store/s: needs about 2.1 MB, free 0 B; run `lambuild store gc`, or name another folder with --store
        exit code 1, in the stage: 0
        error[E1004]: no space left in [home]/store/s: needs about 2.0 MB, free 1.0 MB; run `lambuild store gc`, or name another folder with --store
         --> lambda.build:9:40
          |
        9 | layer tools { content = { "bin/tool" = ./tool.sh } }
          |                                        ^^^^^^^^^ needed here
          |
          = help: free space there, or name another store with --store or LAMBUILD_STORE
        1 action not tried after the failure
        1 action failed; 0 done in [time]
        exit code 0, in the stage: 0
        built 1 target: 2 actions run, 0 reused, [time]
        "#);
        assert_eq!(at.files(".lambuild/out"), ["tools/arm64.zip"]);
        return;
    }
    println!("not run: this user may not mount a small disk");
}
