//! What happens while a build runs: Ctrl-C, an edit, a second build.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use lambuild_testkit::{Lambuild, Program, Run, TempWorkspace, repository_root};
use serde_json::Value;
use tempfile::TempDir;

use super::wrong::{Wrong, below};
use crate::harness::{Build, lambuild, shared_store, with_own_store};

/// A Go program without imports: it compiles in seconds where nothing is compiled yet.
pub fn small_program(says: &str) -> TempWorkspace {
    let main = format!("package main\n\nfunc main() {{ println({says:?}) }}\n");
    let lock = fs::read_to_string(repository_root().join("lambda.lock")).expect("the pins");
    TempWorkspace::with(&[
        ("lambda.lock", &lock),
        (
            "lambda.build",
            "workspace small { architectures = [\"arm64\"] }\n\ntoolchain go { version = \"1.26.8\" }\n\n\
             function f { build = go { main = ./. } }\n",
        ),
        ("go.mod", "module example.com/small\n\ngo 1.26\n"),
        ("main.go", &main),
    ])
}

/// A store that holds what was fetched already and has compiled nothing, so that
/// a build takes its time. Objects are those of the shared store.
pub fn store_without_compiled_packages() -> TempDir {
    let shared = shared_store();
    let beside = shared.parent().expect("the shared store lies in a folder");
    let store = tempfile::tempdir_in(beside).expect("a folder beside the shared store");
    for area in ["cas", "trees"] {
        std::os::unix::fs::symlink(shared.join(area), store.path().join(area)).expect("a link");
    }
    for record in below(&shared.join("ac")).iter().map(PathBuf::from) {
        let place = store
            .path()
            .join(record.strip_prefix(shared).expect("a path in the store"));
        if record.is_dir() {
            fs::create_dir_all(place).expect("a folder");
        } else {
            fs::create_dir_all(place.parent().expect("a folder above")).expect("a folder");
            fs::copy(&record, place).expect("a record");
        }
    }
    fs::copy(shared.join("FORMAT"), store.path().join("FORMAT")).expect("the store's format");
    store
}

/// A build that goes on beside the test.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    #[track_caller]
    fn start(lambuild: &Lambuild) -> Self {
        let mut command = lambuild.call(["build", "--json"]).command();
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("lambuild starts");
        let lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        Self { child, lines }
    }

    /// Goes on when an action starts whose name begins like this.
    #[track_caller]
    fn until_it_starts(&mut self, action: &str) {
        for line in self.lines.by_ref() {
            let event: Value = serde_json::from_str(&line.expect("a line")).expect("an event");
            if event["event"] == "started"
                && event["action"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(action))
            {
                return;
            }
        }
        panic!("the build ended before `{action}` started");
    }

    /// Goes on when processes of the build run.
    #[track_caller]
    fn until_processes_of(&mut self, store: &Path) {
        while processes_of(store).is_empty() {
            assert_eq!(
                self.child.try_wait().expect("its state"),
                None,
                "the build has ended"
            );
            std::thread::yield_now();
        }
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        Program::new("sh", "/")
            .args(["-c", "kill -INT \"$1\"", "sh", &id])
            .run()
            .success();
    }

    fn end(mut self) -> Run {
        let mut stderr = String::new();
        let mut said = self.child.stderr.take().expect("its standard error");
        let stdout: Vec<String> = self.lines.map(|line| line.expect("a line")).collect();
        said.read_to_string(&mut stderr).expect("its standard error");
        Run {
            command: "lambuild build --json".into(),
            folder: "/".into(),
            code: self.child.wait().expect("its end").code(),
            stdout: stdout.join("\n"),
            stderr,
        }
    }
}

/// The processes of actions in this store: its staging area is in their environment or, in a
/// sandbox, in their mounts. lambuild itself has neither.
#[expect(
    clippy::disallowed_methods,
    reason = "a list of processes has no order that could matter"
)]
fn processes_of(store: &Path) -> Vec<PathBuf> {
    // A mount tells its path from the root of its own file system.
    let name = store.file_name().expect("a store has a name").display();
    let stage = format!("/{name}/stage/");
    let processes = fs::read_dir("/proc").expect("the list of processes").flatten();
    let names_it = |file: PathBuf| {
        let text = fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&text).contains(&stage)
    };
    processes
        .map(|process| process.path())
        .filter(|process| {
            ["environ", "mountinfo"]
                .iter()
                .any(|file| names_it(process.join(file)))
        })
        .collect()
}

#[test]
fn an_interrupted_build_leaves_nothing_and_the_next_one_is_fine() {
    let at = small_program("interrupted");
    let store = store_without_compiled_packages();
    let own = || with_own_store(&at).store(store.path());
    for compiler_runs in [false, true] {
        let mut running = Running::start(&own());
        running.until_it_starts("go build");
        if compiler_runs {
            running.until_processes_of(store.path());
        }
        running.interrupt();
        let ended = running.end().exits(130);
        assert_eq!(
            ended.stderr,
            "error: interrupted; what was built before is kept\n"
        );
        assert_eq!(processes_of(store.path()), Vec::<PathBuf>::new());
        assert_eq!(below(&store.path().join("stage")), Vec::<String>::new());
        assert!(!at.path(".lambuild/out").exists());
    }
    let built = Build::of(&own(), &[]);
    assert_eq!((built.executed, built.artifacts.len()), (2, 1));
}

#[test]
fn an_edit_during_a_build_does_not_enter_its_result() {
    let at = small_program("before");
    let mut running = Running::start(&lambuild(&at));
    running.until_it_starts("go build");
    at.edit("main.go", "before", "behind");
    running.end().success();
    let during = at.bytes(".lambuild/out/f/arm64.zip");

    let after = Build::of(&lambuild(&at), &[]);
    assert!(after.executed > 0, "the edit is seen by the next build");
    assert_ne!(at.bytes(".lambuild/out/f/arm64.zip"), during);
    at.edit("main.go", "behind", "before");
    assert_eq!(
        Build::of(&lambuild(&at), &[]).executed,
        0,
        "what was built first was built from this text"
    );
    assert_eq!(at.bytes(".lambuild/out/f/arm64.zip"), during);
}

#[test]
fn two_builds_at_once_are_both_right() {
    let layers: String = (0..12)
        .map(|n| format!("layer l{n} {{ content = {{ \"bin/a\" = ./run.sh, \"bin/b\" = \"{n}\" }} }}\n"))
        .collect();
    let at = Wrong::edited(
        "layer tools",
        &format!("target t = files {{ content = ./. }}\n{layers}layer tools"),
    );
    let mut known = None;
    for _ in 0..6 {
        let both = [
            Running::start(&with_own_store(&at.workspace)),
            Running::start(&with_own_store(&at.workspace)),
        ];
        let told = both.map(|running| {
            running.end().success().json_lines().pop().expect("a summary")["artifacts"].clone()
        });
        assert_eq!(told[0], told[1]);
        assert_eq!(*known.get_or_insert(told[0].clone()), told[0]);
        for artifact in told[0].as_array().expect("artifacts") {
            if let Some(sha256) = artifact["sha256"].as_str() {
                let path = artifact["path"].as_str().expect("a path");
                assert_eq!(crate::harness::code_sha256(&at.workspace.bytes(path)), sha256);
            }
        }
        assert_eq!(
            below(&at.workspace.home().join("store/stage")),
            Vec::<String>::new()
        );
        fs::remove_dir_all(at.workspace.home().join("store")).expect("a store to remove");
        at.workspace.remove(".lambuild");
    }
}
