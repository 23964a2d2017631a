//! Decides which program is tested, which store the tests share, and how its answers are read.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambuild_testkit::{Arch, Lambuild, Program, Run, TempWorkspace, repository_root};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The lambuild program, of the same target folder and profile as this test.
///
/// Cargo builds no other package's program for a test. Building it here, once for a run
/// of the tests, is the price of never testing a stale one.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo needs the folders that the user gave it"
)]
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("the test knows its own place");
        let profile = test
            .ancestors()
            .nth(2)
            .expect("a test lies in target/PROFILE/deps");
        let target = profile.parent().expect("a profile lies in the target folder");
        let release = profile.ends_with("release").then_some("--release");
        Program::new(env!("CARGO"), repository_root())
            .args(["build", "--quiet", "--workspace", "--bins", "--target-dir"])
            .arg(target)
            .args(release)
            .envs(
                CARGO_ENVIRONMENT
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .run()
            .success();
        profile.join("lambuild")
    });
    &BINARY
}

/// What cargo must be told again, so that it finds its folders and builds alike.
const CARGO_ENVIRONMENT: &[&str] = &[
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
];

/// lambuild in this workspace, with the store that the tests share.
pub fn lambuild(workspace: &TempWorkspace) -> Lambuild {
    with_own_store(workspace).store(&shared().store)
}

/// lambuild in this workspace, with an empty store of its own.
pub fn with_own_store(workspace: &TempWorkspace) -> Lambuild {
    Lambuild::new(binary(), workspace.root(), workspace.home())
}

/// A copy of `examples/NAME`.
pub fn example(name: &str) -> TempWorkspace {
    TempWorkspace::copy_of(&repository_root().join("examples").join(name))
}

/// The build of all examples that filled the shared store.
pub fn first_build() -> &'static Build {
    &shared().build
}

/// The workspace of [`first_build`], which nobody edits.
pub fn first_workspace() -> &'static TempWorkspace {
    &shared().workspace
}

/// The store that the tests share, filled.
pub fn shared_store() -> &'static Path {
    &shared().store
}

struct Shared {
    store: PathBuf,
    workspace: TempWorkspace,
    build: Build,
}

/// Fills the store that the tests share by building all examples, once and from nothing:
/// without it, tests that run side by side would all compile the same packages at once.
fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-store");
        if store.exists() {
            fs::remove_dir_all(&store).unwrap_or_else(|error| panic!("{}: {error}", store.display()));
        }
        let workspace = TempWorkspace::empty();
        let root = repository_root();
        workspace.write(
            "lambda.build",
            fs::read(root.join("lambda.build")).expect("the root's lambda.build"),
        );
        workspace.write(
            "lambda.lock",
            fs::read(root.join("lambda.lock")).expect("the root's lambda.lock"),
        );
        for name in ["hello-go", "monorepo"] {
            workspace.copy(&root.join("examples").join(name), &format!("examples/{name}"));
        }
        let build = Build::of(&with_own_store(&workspace).store(&store), &[]);
        Shared {
            store,
            workspace,
            build,
        }
    })
}

/// What `lambuild build --json` told.
#[derive(Clone, Debug)]
pub struct Build {
    /// How many actions were run.
    pub executed: u64,
    /// How many were answered by the cache.
    pub cached: u64,
    /// What was built, sorted as told.
    pub artifacts: Vec<Artifact>,
}

/// One line of what was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The target's address.
    pub target: String,
    /// `arm64`, `x86_64`, or `any`.
    pub arch: String,
    /// Where it lies, relative to the workspace.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Lambda's `CodeSha256` of it.
    pub sha256: String,
}

impl Build {
    /// Builds these targets (all, if none is named) and reads the summary.
    #[track_caller]
    pub fn of(lambuild: &Lambuild, targets: &[&str]) -> Self {
        let run = lambuild.run([&["build", "--json"], targets].concat()).success();
        let last = run
            .json_lines()
            .pop()
            .unwrap_or_else(|| panic!("{}", run.explain("a summary")));
        assert_eq!(last["event"], "summary", "{run}");
        assert_eq!(last["failed"], 0, "{run}");
        let number = |key: &str| {
            last[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{}", run.explain(key)))
        };
        let artifacts = last["artifacts"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", run.explain("artifacts")));
        Self {
            executed: number("executed"),
            cached: number("cached"),
            artifacts: artifacts
                .iter()
                .map(|artifact| Artifact::read(artifact, &run))
                .collect(),
        }
    }

    /// The artifact of one target.
    #[track_caller]
    pub fn artifact(&self, target: &str, arch: &str) -> &Artifact {
        let mut found = self
            .artifacts
            .iter()
            .filter(|artifact| artifact.target == target && artifact.arch == arch);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("no {target} for {arch} in {:#?}", self.artifacts));
        assert_eq!(found.next(), None, "{target} for {arch} is told twice");
        first
    }

    /// Targets and architectures whose bytes differ from another build's, sorted.
    #[track_caller]
    pub fn changed_since(&self, before: &Self) -> Vec<(String, String)> {
        let changed = |artifact: &&Artifact| {
            before.artifact(&artifact.target, &artifact.arch).sha256 != artifact.sha256
        };
        let mut list: Vec<_> = self
            .artifacts
            .iter()
            .filter(changed)
            .map(|a| (a.target.clone(), a.arch.clone()))
            .collect();
        list.sort();
        list
    }
}

impl Artifact {
    #[track_caller]
    fn read(value: &Value, run: &Run) -> Self {
        let text = |key: &str| {
            let text = value[key].as_str();
            text.unwrap_or_else(|| panic!("{}", run.explain(&format!("{key} in {value}"))))
                .to_owned()
        };
        let size = value["size"]
            .as_u64()
            .unwrap_or_else(|| panic!("{}", run.explain("a size")));
        Self {
            target: text("target"),
            arch: text("arch"),
            path: text("path"),
            size,
            sha256: text("sha256"),
        }
    }
}

/// What Lambda calls `CodeSha256`: the SHA-256 of a zip, in base64.
pub fn code_sha256(zip: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(zip))
}

/// The files of a zip: path, permission bits, content.
#[track_caller]
pub fn unzip(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("an entry");
        let path = file.name().expect("an entry's name").into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("an entry's content");
        files.push((path, file.unix_mode().unwrap_or_default() & 0o7777, content));
    }
    files
}

/// Lambda's two architectures by the name that artifacts have.
pub fn arch_of(name: &str) -> Arch {
    Arch::ALL
        .into_iter()
        .find(|arch| arch.name() == name)
        .unwrap_or_else(|| panic!("no architecture {name}"))
}
