//! Toolchains from a server of our own, and one from the real proxy.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;

use zip::write::FileOptions;

use super::*;
use crate::client::Limits;
use crate::test_server::{Answer, Server, client};
use crate::unpack::unpack_toolchain;

const ZIP: &str = "/golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip";
const LOOKUP: &str = "/sumdb/sum.test/lookup/golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64";

fn toolchain() -> GoToolchain {
    GoToolchain::new("1.26.8", "linux", "amd64").unwrap()
}

fn archive() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["bin/go", "VERSION"] {
        zip.start_file(
            format!("{}{name}", toolchain().prefix()),
            FileOptions::<()>::DEFAULT,
        )
        .unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The hash of [`archive`], computed apart from this code.
const H1: &str = "h1:cbzj1IMkzC0/aihiqQaLDchIyhUKm7hXQk85WIFMYMk=";

fn server(lookup: Option<&str>) -> Server {
    let mut answers = BTreeMap::from([(ZIP.to_owned(), Answer::ok(archive()))]);
    if let Some(hash) = lookup {
        let text = format!("1\n{MODULE} {} {hash}\n\n", toolchain().module_version());
        answers.insert(LOOKUP.to_owned(), Answer::ok(text));
    }
    Server::by_path(answers)
}

async fn fetch_from(server: &Server, value: &str, expected: Option<&str>) -> (Result<Fetched, String>, bool) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("go.zip");
    let database = SumDatabase {
        name: "sum.test".into(),
        url: server.url("/own"),
    };
    let proxies = GoProxy::parse(value).unwrap();
    let result = fetch_toolchain(&client(), &proxies, &database, &toolchain(), expected, &to).await;
    (
        result.map_err(|error| error.to_string().replace(&server.url(""), "http://server")),
        to.exists(),
    )
}

#[tokio::test]
async fn an_expected_hash_needs_no_database() {
    let server = server(None);
    let (result, exists) = fetch_from(&server, &server.url(""), Some(H1)).await;
    let size = archive().len() as u64;
    assert_eq!(
        (result, exists),
        (
            Ok(Fetched {
                h1: H1.into(),
                size,
                trust: Trust::Expected
            }),
            true
        )
    );
}

#[tokio::test]
async fn without_one_the_database_is_asked_and_named() {
    let server = server(Some(H1));
    let (result, _) = fetch_from(&server, &server.url(""), None).await;
    assert_eq!(
        result.unwrap().trust,
        Trust::FirstUse {
            database: "sum.test".into()
        }
    );
}

#[tokio::test]
async fn a_wrong_hash_leaves_no_file() {
    let message = format!(
        "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 should have the hash h1:other=, but what was fetched has \
         {H1}: it was changed, or it is damaged"
    );
    let one = server(None);
    assert_eq!(
        fetch_from(&one, &one.url(""), Some("h1:other=")).await,
        (Err(message.clone()), false)
    );
    let other = server(Some("h1:other="));
    assert_eq!(
        fetch_from(&other, &other.url(""), None).await,
        (Err(message), false)
    );
}

#[tokio::test]
async fn what_no_proxy_has() {
    let server = Server::start(&[]);
    let (result, exists) = fetch_from(&server, &format!("{},direct", server.url("")), None).await;
    assert_eq!(
        (result.unwrap_err().as_str(), exists),
        (
            "Go 1.26.8 for linux/amd64 is not to be had from http://server/,direct: see whether the version exists",
            false
        )
    );
    let (result, _) = fetch_from(&server, "off", None).await;
    assert_eq!(
        result.unwrap_err(),
        "GOPROXY is `off`, which names no proxy to fetch Go from: install Go 1.26.8, or add a proxy to GOPROXY"
    );
}

#[test]
fn names_that_are_no_toolchain() {
    for text in ["", "../x", "1.26.8/x", "1..2", "Linux", "1.26?"] {
        assert!(GoToolchain::new(text, "linux", "amd64").is_err(), "{text}");
    }
    assert_eq!(
        GoToolchain::new("1.27rc1", "darwin", "arm64").unwrap().prefix(),
        "golang.org/toolchain@v0.0.1-go1.27rc1.darwin-arm64/"
    );
}

/// The real thing, from the proxy that `go` on this machine uses. Says so and passes where there is none.
#[tokio::test]
async fn the_real_toolchain_runs() {
    let Some((version, value)) = go_env() else {
        eprintln!("skipped: there is no `go` on PATH to name a proxy");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (zip, root) = (dir.path().join("go.zip"), dir.path().join("go"));
    let client = Client::new(Limits {
        tries: 2,
        ..Limits::default()
    })
    .unwrap();
    let toolchain = GoToolchain::new(&version, "linux", "amd64").unwrap();
    let proxies = GoProxy::parse(&value).unwrap();
    let fetched = fetch_toolchain(&client, &proxies, &SumDatabase::default(), &toolchain, None, &zip).await;
    match fetched {
        Err(error @ (FetchError::Unreachable { .. } | FetchError::NoProxy { .. })) => {
            eprintln!("skipped: {error}");
            return;
        }
        fetched => assert_eq!(
            fetched.unwrap().trust,
            Trust::FirstUse {
                database: SumDatabase::default().name
            }
        ),
    }
    unpack_toolchain(&zip, &toolchain, &root).unwrap();
    assert!(root.join("src/go.mod").is_file());
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let output = command(root.join("bin/go"))
            .env("GOTOOLCHAIN", "local")
            .arg("version")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!("go version go{version} linux/amd64\n")
        );
    }
}

fn go_env() -> Option<(String, String)> {
    let output = command("go".into())
        .args(["env", "GOVERSION", "GOPROXY"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (version, proxies) = text.trim().split_once('\n')?;
    Some((version.strip_prefix("go")?.to_owned(), proxies.to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runs what it fetched; the crate itself starts nothing"
)]
fn command(program: PathBuf) -> Command {
    Command::new(program)
}
