//! Modules that do not come from a public proxy: vendored ones, and private ones behind a password,
//! which must be found nowhere after the build.

use std::fs;
use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambuild_testkit::{Program, TempWorkspace, Tool, Tools};
use sha2::{Digest as _, Sha256};
use zip::write::FileOptions;

use crate::harness::{Build, example, lambuild, shared_store};

#[test]
fn a_vendored_program_is_built_without_a_network_and_sees_what_it_uses() {
    if Tools::find().get(Tool::Go).is_none() {
        println!("skipped: this machine has no Go, which `go mod vendor` needs");
        return;
    }
    let workspace = example("hello-go");
    Program::new("go", workspace.root())
        .args(["mod", "vendor"])
        .env("HOME", workspace.home())
        .env("GOFLAGS", "-modcacherw")
        .env("GOTOOLCHAIN", "local")
        .run()
        .success();
    // The toolchain is there by then, and no module is.
    let build = |args: &[&str]| Build::of(&lambuild(&workspace), args);
    lambuild(&workspace).run(["build", "--offline"]).success();
    workspace.write(
        "vendor/github.com/aws/aws-lambda-go/unused/unused.go",
        "package unused\n",
    );
    assert_eq!(build(&[]).executed, 0, "a package that nobody imports");
    let listed = workspace.read("vendor/modules.txt");
    workspace.write(
        "vendor/modules.txt",
        listed.replace("github.com/aws/aws-lambda-go/lambda\n", ""),
    );
    let run = lambuild(&workspace).run(["build"]).exits(5);
    assert!(
        run.stderr
            .contains("the package `github.com/aws/aws-lambda-go/lambda` is not in `vendor/modules.txt`")
            && run
                .stderr
                .contains("run `go mod vendor` and commit the vendor folder"),
        "{run}"
    );
}

/// `go.mod` and `go.sum` of the example with one more module, which exists nowhere.
fn require_unused(workspace: &TempWorkspace, version: &str) {
    let (go_mod, go_sum) = (
        example("hello-go").read("go.mod"),
        example("hello-go").read("go.sum"),
    );
    workspace.write(
        "go.mod",
        format!("{go_mod}\nrequire nowhere.test/unused {version}\n"),
    );
    let line = |suffix: &str, text: &str| {
        format!(
            "nowhere.test/unused {version}{suffix} {}\n",
            h1(&[(version, text)])
        )
    };
    workspace.write(
        "go.sum",
        format!("{go_sum}{}{}", line("", "files"), line("/go.mod", "go.mod")),
    );
}

#[test]
fn bumping_a_module_that_is_not_used_fetches_and_runs_nothing() {
    let workspace = example("hello-go");
    let offline = || Build::of(&lambuild(&workspace), &["--offline"]);
    let before = offline();
    for version in ["v1.0.0", "v1.1.0"] {
        require_unused(&workspace, version);
        let after = offline();
        assert_eq!((after.executed, after.cached), (0, before.cached), "{version}");
        assert_eq!(after.artifacts, before.artifacts, "{version}");
    }
}

const GENERATED: &str = r#"
workspace generated { architectures = ["arm64"] }

toolchain go { version = "1.26.8" }
toolchain sh { programs = ["sh"] }

target names = command {
  inputs = { "names.txt" = ./names.txt }
  tools  = [toolchain.sh]
  run    = "read name rest < names.txt; printf 'package names\n\nconst Name = \"%s\"\n' \"$name\" > $out/names.go"
}

target tool = go { main = ./., inputs = { "names" = target.names } }
"#;

/// A Go program with a package that a command writes of a text.
fn generated() -> TempWorkspace {
    TempWorkspace::with(&[
        ("lambda.build", GENERATED),
        ("lambda.lock", &example("hello-go").read("lambda.lock")),
        ("names.txt", "Ada\n"),
        ("go.mod", "module example.com/app\n\ngo 1.26\n"),
        (
            "main.go",
            "package main\n\nimport \"example.com/app/names\"\n\nfunc main() { println(names.Name) }\n",
        ),
    ])
}

#[test]
fn a_package_that_a_command_writes_is_compiled_again_only_when_it_differs() {
    let workspace = generated();
    // A `target` is a folder and has no size, so the artifacts are not looked at.
    let build = || {
        let run = lambuild(&workspace).run(["build", "--json"]).success();
        let summary = run.json_lines().pop().expect("a summary");
        summary["executed"].as_u64().expect("a number of actions")
    };
    assert!(build() <= 2, "the command and the compiler");
    assert_eq!(build(), 0);
    workspace.write("names.txt", "Ada Lovelace\n");
    assert_eq!(build(), 1, "the command alone: what it writes is the same");
    workspace.write("names.txt", "Grace\n");
    assert_eq!(build(), 2, "the command and the compiler");
    workspace.write("names.txt", "Ada\n");
    assert_eq!(build(), 0, "both are known");
}

const MODULE: &str = "private.test/lib";
const GO_MOD: &str = "module private.test/lib\n\ngo 1.21\n";
const LIB: &str = "package lib\n\n// Name is what the test looks for.\nconst Name = \"private\"\n";
const PASSWORD: &str = "canary-7f3a91";

/// Go's hash of files: a line with the SHA-256 of each, sorted by name.
fn h1(files: &[(&str, &str)]) -> String {
    let mut files = files.to_vec();
    files.sort_unstable();
    let hex = |text: &str| {
        Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let lines: String = files
        .iter()
        .map(|(name, text)| format!("{}  {name}\n", hex(text)))
        .collect();
    format!("h1:{}", STANDARD.encode(Sha256::digest(lines)))
}

/// A program of one private module.
fn workspace() -> TempWorkspace {
    let prefix = format!("{MODULE}@v1.0.0");
    let zip = h1(&[
        (&format!("{prefix}/go.mod"), GO_MOD),
        (&format!("{prefix}/lib.go"), LIB),
    ]);
    let sums = format!(
        "{MODULE} v1.0.0 {zip}\n{MODULE} v1.0.0/go.mod {}\n",
        h1(&[("go.mod", GO_MOD)])
    );
    TempWorkspace::with(&[
        (
            "lambda.build",
            "workspace private { architectures = [\"arm64\"] }\n\ntoolchain go { version = \"1.26.8\" }\n\n\
             target tool = go { main = ./. }\n",
        ),
        ("lambda.lock", &example("hello-go").read("lambda.lock")),
        (
            "go.mod",
            &format!("module example.com/app\n\ngo 1.21\n\nrequire {MODULE} v1.0.0\n"),
        ),
        ("go.sum", &sums),
        (
            "main.go",
            "package main\n\nimport \"private.test/lib\"\n\nfunc main() { println(lib.Name) }\n",
        ),
    ])
}

/// The proxy, ended when dropped.
struct Proxy {
    child: Child,
    port: String,
    certificate: PathBuf,
}

impl Proxy {
    fn start(folder: &Path) -> Proxy {
        let files = folder.join("files").join(MODULE).join("@v");
        fs::create_dir_all(&files).expect("the proxy's files");
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [("go.mod", GO_MOD), ("lib.go", LIB)] {
            zip.start_file(format!("{MODULE}@v1.0.0/{name}"), FileOptions::<()>::DEFAULT)
                .expect("the proxy's files");
            zip.write_all(text.as_bytes()).expect("the proxy's files");
        }
        fs::write(
            files.join("v1.0.0.zip"),
            zip.finish().expect("the proxy's files").into_inner(),
        )
        .expect("the proxy's files");
        fs::write(files.join("v1.0.0.mod"), GO_MOD).expect("the proxy's files");
        fs::write(files.join("v1.0.0.info"), "{\"Version\":\"v1.0.0\"}").expect("the proxy's files");
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        Program::new("openssl", folder)
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .run()
            .success();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/go_modules/private_proxy.py");
        let mut child = Program::new("python3", folder)
            .arg(script)
            .args([&certificate, &key, &folder.join("files")])
            .arg(format!("me:{PASSWORD}"))
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut port).expect("a port");
        Proxy {
            child,
            port: port.trim().to_owned(),
            certificate,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files below a folder that were written since then and hold the text.
fn holding(folder: &Path, text: &str, since: SystemTime) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file()
                && meta.modified().is_ok_and(|time| time >= since)
                && fs::read(&path)
                    .is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
            {
                found.push(path);
            }
        }
    }
    found
}

#[expect(
    clippy::disallowed_methods,
    reason = "the order of what is searched does not matter"
)]
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "what was written before the test is not looked at"
)]
fn a_private_module_is_fetched_with_the_users_password_which_is_found_nowhere() {
    if Tools::find().get(Tool::Go).is_none() {
        println!("skipped: this machine has no Go");
        return;
    }
    let folder = tempfile::tempdir().expect("the proxy's files");
    let proxy = Proxy::start(folder.path());
    let workspace = workspace();
    let store = shared_store();
    let since = SystemTime::now();
    let build = |password: &str| {
        lambuild(&workspace)
            .call(["build", "-vv"])
            .env(
                "GOPROXY",
                format!("https://me:{password}@127.0.0.1:{}", proxy.port),
            )
            .env("GONOSUMDB", MODULE)
            .env("NO_PROXY", "127.0.0.1")
            .env("SSL_CERT_FILE", &proxy.certificate)
            .run()
    };
    let refused = build("canary-wrong-1").exits(1);
    assert!(refused.stderr.contains("401 Unauthorized"), "{refused}");
    let run = build(PASSWORD).success();
    for text in [
        PASSWORD,
        "canary-wrong-1",
        &STANDARD.encode(format!("me:{PASSWORD}")),
    ] {
        assert!(
            !format!("{}{}", refused.stderr, refused.stdout).contains(text),
            "{refused}"
        );
        assert!(!format!("{}{}", run.stderr, run.stdout).contains(text), "{run}");
        assert_eq!(holding(&workspace.root(), text, since), Vec::<PathBuf>::new());
        assert_eq!(holding(store, text, since), Vec::<PathBuf>::new());
    }
    let seen = holding(
        store,
        "const Name = \\\"private\\\"".replace('\\', "").as_str(),
        since,
    );
    assert!(!seen.is_empty(), "the search finds what is there");
}
