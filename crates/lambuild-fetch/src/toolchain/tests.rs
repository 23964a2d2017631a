//! Toolchains from a server of our own, and one from the real proxy.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;

use zip::write::FileOptions;

use super::*;
use crate::client::Limits;
use crate::sumdb::testing::Database;
use crate::test_server::{Answer, Server, client};
use crate::unpack::{toolchain_tree, unpack_toolchain};
use lambuild_digest::{Digest, DigestFunction, Dir, RelPath};

const ZIP: &str = "/golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip";

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

fn database(hash: &str) -> Database {
    let record = format!("{MODULE} {} {hash}\n", toolchain().module_version());
    Database::new("sum.test", 5, 2, &record)
}

/// A proxy with the archive; it mirrors a database that has this hash of it.
fn server(lookup: Option<&str>) -> Server {
    let mut answers = lookup.map_or_else(BTreeMap::new, |hash| database(hash).answers("/sumdb/sum.test"));
    answers.insert(ZIP.to_owned(), Answer::ok(archive()));
    Server::by_path(answers)
}

async fn fetch_from(server: &Server, value: &str, expected: Option<&str>) -> (Result<Fetched, String>, bool) {
    let known = database(H1).known_as(&server.url("/own"));
    fetch_with(server, value, expected, Some(&known)).await
}

async fn fetch_with(
    server: &Server,
    value: &str,
    expected: Option<&str>,
    database: Option<&SumDatabase>,
) -> (Result<Fetched, String>, bool) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("go.zip");
    let proxies = GoProxy::parse(value).unwrap();
    let result = fetch_toolchain(&client(), &proxies, database, &toolchain(), expected, &to).await;
    (
        result.map_err(|error| error.to_string().replace(&server.url(""), "http://server")),
        to.exists(),
    )
}

#[tokio::test]
async fn where_no_database_is_to_be_asked_it_is_said() {
    let server = server(None);
    let (result, exists) = fetch_with(&server, &server.url(""), None, None).await;
    assert_eq!((result.unwrap().trust, exists), (Trust::FirstUse, true));
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
        Trust::Database {
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
    let database = SumDatabase::parse("").unwrap();
    let fetched = fetch_toolchain(&client, &proxies, database.as_ref(), &toolchain, None, &zip).await;
    match fetched {
        Err(error @ (FetchError::Unreachable { .. } | FetchError::NoProxy { .. })) => {
            eprintln!("skipped: {error}");
            return;
        }
        fetched => assert_eq!(
            fetched.unwrap().trust,
            Trust::Database {
                database: format!("sum.{GO_DOMAIN}")
            }
        ),
    }
    unpack_toolchain(&zip, &toolchain, &root).unwrap();
    assert!(root.join("src/go.mod").is_file());
    let tree = toolchain_tree(&zip, &toolchain, |_| true, DigestFunction::Blake3).unwrap();
    assert_eq!(tree, tree_of(&root), "what is computed is what is unpacked");
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

/// The digest of a folder, by the system's own view of it.
fn tree_of(root: &Path) -> Digest {
    use std::os::unix::fs::PermissionsExt as _;
    let listed = command("find".into())
        .args([root.as_os_str(), "-type".as_ref(), "f".as_ref()])
        .output()
        .unwrap();
    let mut tree = Dir::default();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        let path = RelPath::new(Path::new(line).strip_prefix(root).unwrap().to_str().unwrap()).unwrap();
        let executable = std::fs::metadata(line).unwrap().permissions().mode() & 0o111 != 0;
        let digest = DigestFunction::Blake3.digest(&std::fs::read(line).unwrap());
        tree.file(&path, digest, executable).unwrap();
    }
    tree.encode(DigestFunction::Blake3, &mut |_, _| {})
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
