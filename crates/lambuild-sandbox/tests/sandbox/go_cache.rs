//! Compiled Go packages are shared between sandboxes: what was compiled is told by `go` itself,
//! and what went wrong on the way must not change a byte.

use crate::harness::{Setup, possible, program};
use lambuild_action::{
    BlobStore, Command, ExecuteError, Executed, Executor, GoCache, Hints, Request, Step, cache_key,
};
use lambuild_digest::{Digest, DigestFunction, Dir, Node, RelPath};
use lambuild_sandbox::spec::Limits;
use lambuild_sandbox::{SandboxExecutor, Wanted};
use lambuild_store::folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const GOOD: &str = "package main\n\nimport (\n\t\"example.com/m/shared\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(shared.Name(), 0) }\n";
const BROKEN: &str = "package main\n\nimport \"errors\"\n\nfunc main() { panic(errors.New(nothing)) }\n";
const SHARED: &str =
    "package shared\n\nimport \"strings\"\n\nfunc Name() string { return strings.Repeat(\"s\", 2) }\n";

/// The machine's Go as an input, and what is compiled with it.
struct Bench {
    setup: Setup,
    toolchain: Dir,
}

impl Bench {
    fn new() -> Option<Self> {
        let setup = Setup::new();
        if !possible(&setup) {
            return None;
        }
        let Ok(told) = program("go").args(["env", "GOROOT", "GOVERSION"]).output() else {
            eprintln!("skipped: this machine has no Go");
            return None;
        };
        let told = String::from_utf8(told.stdout).unwrap();
        let (root, version) = told.trim().split_once('\n').unwrap();
        let minor = version
            .strip_prefix("go1.")
            .and_then(|rest| rest.split('.').next());
        if minor.and_then(|minor| minor.parse().ok()).unwrap_or(0) < 24 {
            eprintln!("skipped: {version} asks no GOCACHEPROG");
            return None;
        }
        let mut toolchain = Dir::default();
        for place in ["VERSION", "go.env", "bin/go", "pkg/include", "pkg/tool", "src"] {
            take(&setup, &mut toolchain, Path::new(root), place);
        }
        Some(Bench { setup, toolchain })
    }

    fn executor(&self) -> Arc<SandboxExecutor> {
        let store = self.setup.store.clone();
        Arc::new(SandboxExecutor::new(store, Wanted::Strict, Limits::default()))
    }

    /// Builds the function of this number, whose program is `main`.
    fn request(&self, arch: &str, number: usize, main: &str, cache: Option<&str>) -> Request {
        let mut root = self.toolchain.clone();
        let main = main.replace(", 0)", &format!(", {number})"));
        for (path, text) in [
            ("src/go.mod", "module example.com/m\n\ngo 1.24\n"),
            ("src/shared/shared.go", SHARED),
            ("src/f/main.go", &main),
        ] {
            let digest = self.setup.store.write(text.as_bytes()).unwrap();
            root.file(&RelPath::new(path).unwrap(), digest, false).unwrap();
        }
        let step = Step {
            command: command(arch),
            input_root: root,
            timeout: None,
            hints: Hints {
                stable: vec![RelPath::new("go").unwrap()],
                go_cache: cache.map(|name| GoCache {
                    name: name.to_owned(),
                    units: BTreeMap::from([
                        (format!("std {arch} fmt"), format!("std {arch}")),
                        (format!("shared {arch}"), format!("shared {arch}")),
                        (format!("{main} {arch}"), format!("{main} {arch}")),
                    ]),
                }),
                ..Hints::default()
            },
        };
        let encoded = cache_key::encode(&step, DigestFunction::Blake3);
        for (_, message) in &encoded.messages {
            self.setup.store.write(message).unwrap();
        }
        Request {
            key: encoded.key,
            command: step.command,
            input_root: encoded.input_root,
            timeout: None,
            hints: step.hints,
        }
    }

    fn output(&self, executed: &Executed, name: &str) -> Digest {
        let path = RelPath::new(&format!("out/{name}")).unwrap();
        match executed.result.outputs.get(&path) {
            Some(Node::File { digest, .. }) => *digest,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn bootstrap(&self, executed: &Executed) -> Digest {
        self.output(executed, "bootstrap")
    }

    /// The packages for which the compiler was started.
    fn compiled(&self, executed: &Executed) -> Vec<String> {
        let graph = self
            .setup
            .store
            .read(&self.output(executed, "graph.json"))
            .unwrap();
        let graph: Vec<serde_json::Value> = serde_json::from_slice(&graph).unwrap();
        let ran = |action: &&serde_json::Value| {
            action["Mode"] == "build" && action["Cmd"].as_array().is_some_and(|ran| !ran.is_empty())
        };
        let ran = graph.iter().filter(ran);
        ran.map(|action| action["Package"].as_str().unwrap().to_owned())
            .collect()
    }

    fn cache(&self, name: &str, folder: &str) -> PathBuf {
        self.setup.store.root().join("compile").join(name).join(folder)
    }
}

fn take(setup: &Setup, into: &mut Dir, root: &Path, place: &str) {
    let path = root.join(place);
    if !path.is_dir() {
        let executable = place.starts_with("bin/") || place.starts_with("pkg/tool");
        let digest = setup.store.write(&fs::read(&path).unwrap()).unwrap();
        let at = RelPath::new(&format!("go/{place}")).unwrap();
        return into.file(&at, digest, executable).unwrap();
    }
    for (name, _) in folder::list(&path).unwrap() {
        let name = name.to_str().unwrap();
        let unused = matches!(name, "testdata" | "cmd" | "crypto" | "net") || name.ends_with("_test.go");
        // `src/cmd` and others that no test imports are most of the bytes.
        if !unused || place.starts_with("pkg") {
            take(setup, into, root, &format!("{place}/{name}"));
        }
    }
}

fn command(arch: &str) -> Command {
    let arguments = [
        "launch",
        "{root}/go/bin/go",
        "build",
        "-C",
        "{root}/src",
        "-trimpath",
        "-buildvcs=false",
        "-debug-actiongraph={root}/out/graph.json",
        "-o",
        "{root}/out/bootstrap",
        "./f",
    ];
    let environment = [
        ("CGO_ENABLED", "0"),
        ("GOARCH", arch),
        ("GOCACHE", "{root}/tmp/gocache"),
        ("GOENV", "off"),
        ("GOOS", "linux"),
        ("GOPATH", "{root}/tmp/gopath"),
        ("GOPROXY", "off"),
        ("GOROOT", "{root}/go"),
        ("GOTELEMETRY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("TMPDIR", "{root}/tmp"),
    ];
    let pairs = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Command {
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        environment: pairs.collect(),
        output_paths: ["out/bootstrap", "out/graph.json"]
            .map(|path| RelPath::new(path).unwrap())
            .into(),
        ..Command::default()
    }
}

/// All at once.
async fn all(executor: &Arc<SandboxExecutor>, requests: Vec<Request>) -> Vec<Executed> {
    let start = |request: Request| {
        let executor = executor.clone();
        tokio::spawn(async move { executor.execute(&request).await })
    };
    let running: Vec<_> = requests.into_iter().map(start).collect();
    let mut done = Vec::new();
    for task in running {
        done.push(
            task.await
                .unwrap()
                .unwrap_or_else(|error| panic!("{}", said(&error))),
        );
    }
    done
}

fn said(error: &ExecuteError) -> String {
    match error {
        ExecuteError::Failed { how, log } => format!("{how}: {}", String::from_utf8_lossy(log)),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn go_packages_are_compiled_once_and_never_believed() {
    let Some(bench) = Bench::new() else { return };

    // What a failed action put is seen by nobody. Its program was looked at, so its imports were compiled.
    let broken = bench.request("amd64", 0, BROKEN, Some("c"));
    let error = said(&bench.executor().execute(&broken).await.unwrap_err());
    assert!(error.contains("undefined: nothing"), "{error}");
    assert!(!bench.cache("c", "actions").exists());

    let numbered = |arch: &'static str| (0..5).map(move |number| (arch, number));
    let functions: Vec<_> = numbered("amd64").chain(numbered("arm64")).collect();
    let requests = functions
        .iter()
        .map(|(arch, number)| bench.request(arch, *number, GOOD, Some("c")));
    let built = all(&bench.executor(), requests.collect()).await;
    let mut times: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for ((arch, _), executed) in functions.iter().zip(&built) {
        for package in bench.compiled(executed) {
            *times.entry((arch, package)).or_default() += 1;
        }
    }
    for arch in ["amd64", "arm64"] {
        assert_eq!(times.remove(&(arch, "example.com/m/f".to_owned())), Some(5));
        for package in ["example.com/m/shared", "runtime", "fmt"] {
            assert_eq!(
                times.get(&(arch, package.to_owned())),
                Some(&1),
                "{arch} {package}"
            );
        }
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");

    // As `verify` does: from nothing.
    let first = bench.bootstrap(&built[0]);
    let alone = all(&bench.executor(), vec![bench.request("amd64", 0, GOOD, None)]).await;
    assert_eq!(bench.bootstrap(&alone[0]), first);

    // A byte of each output flipped: all are found damaged and made again.
    flip_all(&bench.cache("c", "outputs"));
    let again = all(
        &bench.executor(),
        vec![bench.request("amd64", 0, GOOD, Some("c"))],
    )
    .await;
    assert_eq!(bench.bootstrap(&again[0]), first);
    assert!(bench.compiled(&again[0]).contains(&"runtime".to_owned()));
    let healed = all(
        &bench.executor(),
        vec![bench.request("amd64", 1, GOOD, Some("c"))],
    )
    .await;
    assert!(
        bench
            .compiled(&healed[0])
            .iter()
            .all(|package| package == "example.com/m/f")
    );

    helper_killed(&bench, first).await;
}

fn flip_all(folder: &Path) {
    for (name, kind) in folder::list(folder).unwrap() {
        let path = folder.join(name);
        if kind.is_dir() {
            flip_all(&path);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
        fs::write(&path, bytes).unwrap();
    }
}

async fn helper_killed(bench: &Bench, expected: Digest) {
    let executor = bench.executor();
    let request = bench.request("amd64", 0, GOOD, Some("killed"));
    let running = tokio::spawn(async move { executor.execute(&request).await });
    let mut found = None;
    while found.is_none() && !running.is_finished() {
        found = helper();
        tokio::task::yield_now().await;
    }
    let helper = rustix::process::Pid::from_raw(found.expect("go starts its helper")).unwrap();
    rustix::process::kill_process(helper, rustix::process::Signal::KILL).unwrap();
    match running.await.unwrap() {
        Ok(done) => assert_eq!(bench.bootstrap(&done), expected),
        Err(error) => assert!(said(&error).contains("GOCACHEPROG"), "{}", said(&error)),
    }
    let again = all(
        &bench.executor(),
        vec![bench.request("amd64", 0, GOOD, Some("killed"))],
    )
    .await;
    assert_eq!(bench.bootstrap(&again[0]), expected);
}

/// The helper that one of our own sandboxes started.
fn helper() -> Option<i32> {
    let processes = folder::list(Path::new("/proc")).ok()?;
    let numbers = processes
        .iter()
        .filter_map(|(name, _)| name.to_str()?.parse().ok());
    numbers.into_iter().find(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(b"/cache/go/program") && is_below_this(*pid)
    })
}

fn is_below_this(mut pid: i32) -> bool {
    let ours = rustix::process::getpid().as_raw_nonzero().get();
    for _ in 0..8 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        pid = after
            .split_whitespace()
            .nth(1)
            .and_then(|parent| parent.parse().ok())
            .unwrap_or(0);
        if pid == ours {
            return true;
        }
    }
    false
}
