//! `lambuild lock` and what a build does with and without `lambda.lock`: against a module proxy
//! of the test's own, whose "Go" is two files, and with the real Go that the shared store has.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use insta::assert_snapshot;
use lambuild_testkit::{HttpServer, Program, TempWorkspace};
use zip::write::FileOptions;

use crate::harness::{example, lambuild, with_own_store};

const PLATFORMS: [&str; 4] = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"];

/// The archive of a Go that cannot build anything.
fn archive(version: &str, platform: &str, content: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["bin/go", "VERSION"] {
        let name = format!("golang.org/toolchain@v0.0.1-go{version}.{platform}/{name}");
        zip.start_file(name, FileOptions::<()>::DEFAULT).expect("a name");
        zip.write_all(content.as_bytes()).expect("a content");
    }
    zip.finish().expect("an archive").into_inner()
}

/// A proxy that has these versions for every platform.
fn proxy(versions: &[&str], content: &str) -> HttpServer {
    let mut files = BTreeMap::new();
    for version in versions {
        for platform in PLATFORMS {
            let path = format!("/golang.org/toolchain/@v/v0.0.1-go{version}.{platform}.zip");
            files.insert(path, archive(version, platform, content));
        }
    }
    HttpServer::files(files)
}

/// `examples/hello-go` without a lock.
fn unlocked() -> TempWorkspace {
    let workspace = example("hello-go");
    std::fs::remove_file(workspace.path("lambda.lock")).expect("the example has a lock");
    workspace
}

/// A call that knows this proxy alone, and no checksum database.
fn call(workspace: &TempWorkspace, proxy: &HttpServer, args: &[&str]) -> Program {
    with_own_store(workspace)
        .call(args)
        .env("GOPROXY", proxy.url(""))
        .env("GOSUMDB", "off")
        .env("NO_PROXY", "127.0.0.1")
}

#[test]
fn a_lock_pins_every_platform_and_a_second_run_asks_nobody() {
    let (workspace, proxy) = (unlocked(), proxy(&["1.26.8"], "go"));
    let run = call(&workspace, &proxy, &["lock"]).run().success();
    assert!(
        run.stderr
            .contains("taken on first use: no checksum database was to be asked"),
        "{run}"
    );
    assert_eq!(proxy.requests().len(), PLATFORMS.len());
    assert_snapshot!(run.stdout, @r#"
    added toolchain go/1.26.8/darwin-amd64
    added toolchain go/1.26.8/darwin-arm64
    added toolchain go/1.26.8/linux-amd64
    added toolchain go/1.26.8/linux-arm64
    "#);
    assert_snapshot!(workspace.read("lambda.lock"), @r#"
    # Written by `lambuild lock`. Commit it.
    lambda.lock 1
    toolchain go/1.26.8/darwin-amd64 h1=h1:ufqYLp8P78/IgQDs8c9DMsBCdShW/ON6AJZ2TfjoqgA= origin=goproxy:golang.org/toolchain@v0.0.1-go1.26.8.darwin-amd64 tree=2/blake3/f169fc76a803a66c97590ee7c4951730f7144b302daa51f56aef2a8fa1c10904/158
    toolchain go/1.26.8/darwin-arm64 h1=h1:5qbeaSzS1oQJU7FikQ/NI+Uarl2LSJ9JGZuLD0D1u/4= origin=goproxy:golang.org/toolchain@v0.0.1-go1.26.8.darwin-arm64 tree=2/blake3/f169fc76a803a66c97590ee7c4951730f7144b302daa51f56aef2a8fa1c10904/158
    toolchain go/1.26.8/linux-amd64 h1=h1:M8bL57fpMEZvwm1piw4b4o7wJ0D3rG9A14DSF9LyQdo= origin=goproxy:golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 tree=2/blake3/f169fc76a803a66c97590ee7c4951730f7144b302daa51f56aef2a8fa1c10904/158
    toolchain go/1.26.8/linux-arm64 h1=h1:LDV5YGnrUdSpu8EZjv2Uz6okVbD+g9EZxf7qCFwsHe8= origin=goproxy:golang.org/toolchain@v0.0.1-go1.26.8.linux-arm64 tree=2/blake3/f169fc76a803a66c97590ee7c4951730f7144b302daa51f56aef2a8fa1c10904/158
    "#);
    let again = call(&workspace, &proxy, &["lock"]).run().success();
    assert_eq!(
        (again.stdout.as_str(), proxy.requests().len()),
        ("", PLATFORMS.len())
    );
    assert_snapshot!(again.stderr.trim(), @r#"lambda.lock pins all that the workspace uses"#);
}

#[test]
fn lines_of_other_versions_of_lambuild_stay_and_unused_ones_go() {
    let (workspace, proxy) = (unlocked(), proxy(&["1.26.8", "1.25.0"], "go"));
    call(&workspace, &proxy, &["lock"]).run().success();
    let text = workspace.read("lambda.lock") + "layer arn:x sha256=1\n";
    workspace.write("lambda.lock", &text);
    workspace.edit("lambda.build", "1.26.8", "1.25.0");
    let run = call(&workspace, &proxy, &["lock", "--json"]).run().success();
    let changes = run.json()["changes"]
        .as_array()
        .expect("a list of changes")
        .clone();
    let count = |what: &str| changes.iter().filter(|change| change["change"] == what).count();
    assert_eq!(
        (count("added"), count("removed"), changes.len()),
        (4, 4, 8),
        "{run}"
    );
    let text = workspace.read("lambda.lock");
    assert!(
        text.contains("layer arn:x sha256=1\n") && !text.contains("1.26.8"),
        "{text}"
    );
}

#[test]
fn what_is_locked_is_changed_by_update_alone() {
    let workspace = unlocked();
    let (one, other) = (proxy(&["1.26.8"], "go"), proxy(&["1.26.8"], "other"));
    call(&workspace, &one, &["lock"]).run().success();
    let before = workspace.read("lambda.lock");
    call(&workspace, &other, &["lock"]).run().success();
    assert_eq!(workspace.read("lambda.lock"), before);
    let name = "go/1.26.8/linux-arm64";
    let run = call(&workspace, &other, &["lock", "--update", name])
        .run()
        .success();
    assert_eq!(run.stdout, format!("changed toolchain {name}\n"));
    let run = call(&workspace, &other, &["lock", "--update", "og"])
        .run()
        .exits(2);
    assert_snapshot!(run.stderr, @r#"
    error: the workspace uses nothing that is called `og` in lambda.lock
      it uses: go/1.26.8/darwin-amd64, go/1.26.8/darwin-arm64, go/1.26.8/linux-amd64, go/1.26.8/linux-arm64
    "#);
}

#[test]
fn with_locked_nothing_is_looked_for() {
    let (workspace, proxy) = (unlocked(), proxy(&["1.26.8"], "go"));
    for (args, env) in [(vec!["lock", "--locked"], "CI_NOT"), (vec!["lock"], "CI")] {
        let run = call(&workspace, &proxy, &args).env(env, "true").run().exits(5);
        assert!(
            run.stderr.contains("toolchain go/1.26.8/linux-amd64 is missing"),
            "{run}"
        );
    }
    let run = call(&workspace, &proxy, &["build"])
        .env("CI", "true")
        .run()
        .exits(5);
    assert_eq!(proxy.requests(), []);
    assert!(!workspace.path("lambda.lock").exists());
    // The same on both platforms that run this test.
    let said = run.stderr.replace("arm64", "amd64");
    assert_snapshot!(said, @r#"
    error[E1021]: lambda.lock does not pin Go 1.26.8 for linux/amd64
      --> lambda.build:10:17
       |
    10 |   build       = go { main = ./. }
       |                 ^^^^^^^^^^^^^^^^^ needed here
       |
       = note: no line of lambda.lock begins with `toolchain go/1.26.8/linux-amd64`
       = note: with --locked, which CI implies, nothing is used that is not pinned
       = help: run `lambuild lock` and commit lambda.lock
    "#);
}

#[test]
fn a_build_says_what_is_not_pinned_and_writes_no_lock() {
    let workspace = unlocked();
    let run = lambuild(&workspace).run(["build"]).success();
    let first = run.stderr.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("warning: lambda.lock does not pin Go 1.26.8 for ")
            && first.contains("`lambuild lock`"),
        "{run}"
    );
    assert!(!workspace.path("lambda.lock").exists());
    let locked = example("hello-go");
    let run = lambuild(&locked)
        .call(["build"])
        .env("CI", "true")
        .run()
        .success();
    assert!(!run.stderr.contains("lambda.lock"), "{run}");
}

#[test]
fn another_archive_than_the_pinned_one_is_the_locks_trouble() {
    let workspace = unlocked();
    let (one, other) = (proxy(&["1.26.8"], "go"), proxy(&["1.26.8"], "evil"));
    call(&workspace, &one, &["lock"]).run().success();
    let run = call(&workspace, &other, &["build"]).run().exits(5);
    assert!(
        run.stderr
            .contains("lambda.lock pins golang.org/toolchain@v0.0.1-go1.26.8.linux-"),
        "{run}"
    );
    assert!(
        run.stderr
            .contains("`lambuild lock --update go/1.26.8` finds it again"),
        "{run}"
    );
}

#[test]
fn offline_nothing_is_fetched_and_what_is_there_is_used() {
    let (workspace, proxy) = (unlocked(), proxy(&["1.26.8"], "go"));
    let run = call(&workspace, &proxy, &["lock", "--offline"]).run().exits(5);
    assert!(
        run.stderr.contains("with --offline nothing is looked for"),
        "{run}"
    );
    let run = call(&workspace, &proxy, &["build", "--offline"]).run().exits(1);
    assert!(
        run.stderr
            .contains("it is not in the store, and with --offline nothing is fetched"),
        "{run}"
    );
    assert_eq!(proxy.requests(), []);
    lambuild(&example("hello-go"))
        .run(["build", "--offline"])
        .success();
}

#[test]
fn a_version_that_is_not_to_be_had_leaves_the_lock_alone() {
    let (workspace, proxy) = (unlocked(), proxy(&["1.26.8"], "go"));
    workspace.edit("lambda.build", "1.26.8", "1.26.999");
    let run = call(&workspace, &proxy, &["lock"]).run().exits(1);
    assert!(!workspace.path("lambda.lock").exists());
    let said = run.stderr.replace(&proxy.url(""), "http://proxy");
    assert_snapshot!(said, @r#"
    error: Go 1.26.999 is not to be had: Go 1.26.999 for darwin/amd64 is not to be had from http://proxy/: see whether the version exists
      name another version in `toolchain go`, or take the item out to use this machine's own Go
      and 3 lines could not be pinned either
    "#);
}

#[test]
fn a_lock_that_cannot_be_read_ends_what_needs_it() {
    let workspace = example("hello-go");
    let text = workspace.read("lambda.lock");
    workspace.write("lambda.lock", text.replace("lambda.lock 1", "lambda.lock 7"));
    let run = lambuild(&workspace).run(["build"]).exits(5);
    assert_snapshot!(run.stderr, @r#"
    error[E1021]: lambda.lock has the format 7, and this lambuild knows formats up to 1
     --> lambda.lock:2:1
      |
    2 | lambda.lock 7
      | ^^^^^^^^^^^^^ a later format
      |
      = help: use the version of lambuild that wrote it, or a newer one
    "#);
    lambuild(&workspace).run(["fmt", "--check"]).success();
}
