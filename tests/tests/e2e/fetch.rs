//! `fetch`: files and archives from a server of the test's own, which also breaks in every way.

use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;
use lambuild_testkit::{HttpAnswer, HttpRequest, HttpServer, Program, TempWorkspace};
use zip::write::FileOptions;

use crate::harness::with_own_store;

fn zip(entries: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = FileOptions::<()>::DEFAULT.unix_permissions(*mode);
        zip.start_file(*name, options).expect("a name");
        zip.write_all(content.as_bytes()).expect("a content");
    }
    zip.finish().expect("a zip").into_inner()
}

/// A workspace with one target, `tool`, that is fetched like this.
fn workspace(attributes: &str) -> TempWorkspace {
    let text = format!(
        "workspace small {{ architectures = [\"arm64\"] }}\n\ntarget tool = fetch {{ {attributes} }}\n"
    );
    TempWorkspace::with(&[("lambda.build", &text)])
}

fn call(workspace: &TempWorkspace, args: &[&str]) -> Program {
    with_own_store(workspace).call(args).env("NO_PROXY", "127.0.0.1")
}

/// The output of `tool`.
fn output(workspace: &TempWorkspace, path: &str) -> Vec<u8> {
    let run = call(workspace, &["build", "--json"]).run().success();
    let summary = run.json_lines().pop().expect("a summary");
    let folder = summary["artifacts"][0]["path"]
        .as_str()
        .expect("a path")
        .to_owned();
    let place = if path.is_empty() {
        folder
    } else {
        format!("{folder}/{path}")
    };
    workspace.bytes(&place)
}

#[test]
fn a_lock_has_the_hash_of_every_platform_and_the_build_takes_its_own() {
    let server = HttpServer::start(|_, request| {
        HttpAnswer::ok(zip(&[
            ("bin/tool", 0o755, &request.path),
            ("README", 0o644, "read"),
        ]))
    });
    let url = server.url("/tool-${exec.os}-${exec.name}.zip");
    let workspace = workspace(&format!("url = \"{url}\", unpack = true"));
    call(&workspace, &["lock"]).run().success();
    let lock = workspace
        .read("lambda.lock")
        .replace(&server.url(""), "http://server");
    let names: Vec<&str> = lock
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .skip(2)
        .collect();
    assert_eq!(
        names,
        [
            "http://server/tool-darwin-arm64.zip",
            "http://server/tool-darwin-x86_64.zip",
            "http://server/tool-linux-arm64.zip",
            "http://server/tool-linux-x86_64.zip"
        ],
        "{lock}"
    );
    let before = server.requests().len();
    assert_eq!(before, 4);
    let tool = String::from_utf8(output(&workspace, "bin/tool")).expect("a path");
    assert!(tool.starts_with("/tool-linux-"), "{tool}");
    assert_eq!(output(&workspace, "README"), b"read");
    assert_eq!(
        server.requests().len(),
        before + 1,
        "what is in the store is not fetched again"
    );
    let ci = call(&workspace, &["build"]).env("CI", "1").run().success();
    assert!(!ci.stderr.contains("lambda.lock"), "{ci}");
}

#[test]
fn the_address_is_in_no_key() {
    let server = HttpServer::start(|_, _| HttpAnswer::ok("content"));
    let hash = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    let workspace = workspace(&format!(
        "url = \"{}\", hash = \"{hash}\", executable = true",
        server.url("/a")
    ));
    assert_eq!(output(&workspace, ""), b"content");
    workspace.edit("lambda.build", &server.url("/a"), "https://elsewhere.invalid/b");
    assert_eq!(
        output(&workspace, ""),
        b"content",
        "equal content is not fetched again"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_is_not_pinned_is_taken_for_one_run_and_not_in_ci() {
    let server = HttpServer::start(|_, _| HttpAnswer::ok("content"));
    let workspace = workspace(&format!("url = \"{}\"", server.url("/a")));
    let run = call(&workspace, &["build"]).env("CI", "1").run().exits(5);
    assert!(
        run.stderr
            .contains("error[E1021]: lambda.lock does not pin http://127.0.0.1:"),
        "{run}"
    );
    assert_eq!(server.requests(), []);
    let run = call(&workspace, &["build"]).run().success();
    assert!(
        run.stderr
            .contains("warning: lambda.lock does not pin http://127.0.0.1:"),
        "{run}"
    );
    assert!(!workspace.path("lambda.lock").exists());
}

#[test]
fn another_content_than_the_pinned_one_is_the_locks_trouble() {
    let evil = Arc::new(AtomicBool::new(false));
    let turned = evil.clone();
    let server = HttpServer::start(move |_, _| {
        HttpAnswer::ok(if turned.load(Ordering::SeqCst) {
            "evil"
        } else {
            "good"
        })
    });
    let workspace = workspace(&format!("url = \"{}\"", server.url("/a")));
    call(&workspace, &["lock"]).run().success();
    evil.store(true, Ordering::SeqCst);
    let run = call(&workspace, &["build"]).run().exits(5);
    assert!(!workspace.path(".lambuild/out/tool").exists());
    assert_snapshot!(run.stderr.replace(&server.url(""), "http://server").lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
    error: fetch http://server/a failed: http://server/a should have the SHA-256 770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c, and what was fetched has b5c1fb2efc6d6b4674c2fdcc48ce01b43a3b7c03763c0c3355de0099ee0f8c73: it was changed, or somebody stands between you and it
      if the change is right, `lambuild lock --update http://server/a` pins it (or correct `hash`)
    "#);
    let url = server.url("/a");
    call(&workspace, &["lock", "--update", &url]).run().success();
    assert_eq!(output(&workspace, ""), b"evil");
}

#[test]
fn a_hostile_archive_is_refused_and_nothing_of_it_is_left() {
    let hostile = [
        (
            zip(&[("../../evil", 0o644, "x")]),
            "the name `../../evil` cannot be unpacked",
        ),
        (
            zip(&[("a", 0o644, "x"), ("A", 0o644, "y")]),
            "differ only in upper and lower case",
        ),
        (
            [zip(&[("a", 0o644, "x")]), b"behind".to_vec()].concat(),
            "no end record at its end",
        ),
        (
            b"<html>not found</html>".to_vec(),
            "it is neither a zip nor a tar nor a tar.gz",
        ),
    ];
    for (bytes, why) in hostile {
        let server = HttpServer::start(move |_, _| HttpAnswer::ok(bytes.clone()));
        let workspace = workspace(&format!("url = \"{}\", unpack = true", server.url("/a")));
        let run = call(&workspace, &["build"]).run().exits(1);
        assert!(
            run.stderr.contains("the archive is refused: ") && run.stderr.contains(why),
            "{run}"
        );
        assert!(!workspace.path(".lambuild/out/tool").exists());
    }
}

/// What a server that fails twice answers in the end.
#[track_caller]
fn after(
    trouble: impl Fn(usize, &HttpRequest) -> Option<HttpAnswer> + Send + 'static,
) -> (TempWorkspace, HttpServer) {
    let server = HttpServer::start(move |number, request| {
        trouble(number, request).unwrap_or_else(|| HttpAnswer::ok("content"))
    });
    let workspace = workspace(&format!("url = \"{}\"", server.url("/a")));
    (workspace, server)
}

#[test]
fn trouble_on_the_way_is_waited_out() {
    let cut = HttpAnswer {
        announced: Some(99),
        ..HttpAnswer::ok("cont")
    };
    let answers = [HttpAnswer::status(503), cut];
    let (workspace, server) = after(move |number, _| answers.get(number).cloned());
    call(&workspace, &["lock"]).run().success();
    assert_eq!(server.requests().len(), 3);
    assert_eq!(output(&workspace, ""), b"content");
}

#[test]
fn redirects_are_followed_five_times_and_never_to_an_open_connection() {
    let (workspace, server) = after(|number, _| {
        (number < 5).then(|| HttpAnswer::status(302).header("Location", format!("/{number}")))
    });
    assert_eq!(output(&workspace, ""), b"content");
    assert_eq!(server.requests().len(), 7, "found once for the run, then fetched");
    for (to, why) in [
        (
            "http://example.com/x",
            "it redirects to a connection that is not encrypted",
        ),
        ("/again", "it redirects more than five times"),
    ] {
        let (workspace, _server) = after(move |_, _| Some(HttpAnswer::status(302).header("Location", to)));
        let run = call(&workspace, &["lock"]).run().exits(1);
        assert!(run.stderr.contains(why), "{run}");
    }
}

#[test]
fn what_cannot_be_fetched_is_said_before_anything_runs() {
    let workspace = workspace("url = \"http://example.com/a\", hash = \"md5:1\"");
    let run = call(&workspace, &["check"]).run().exits(2);
    assert_snapshot!(run.stderr, @r#"
    error[E0405]: `url` cannot be "http://example.com/a": an https URL is expected: over http anybody on the way could change it
     --> lambda.build:3:29
      |
    3 | target tool = fetch { url = "http://example.com/a", hash = "md5:1" }
      |                             ^^^^^^^^^^^^^^^^^^^^^^ this value

    error[E0405]: `hash` cannot be "md5:1": a hash is `sha256:` and 64 hexadecimal digits in small letters
     --> lambda.build:3:60
      |
    3 | target tool = fetch { url = "http://example.com/a", hash = "md5:1" }
      |                                                            ^^^^^^^ this value

    2 errors found
    "#);
    let workspace = self::workspace("url = \"https://me:secret@example.com/a\"");
    let run = call(&workspace, &["lock"]).run().exits(2);
    assert!(
        run.stderr.contains("would put them into lambda.lock and logs"),
        "{run}"
    );
}
