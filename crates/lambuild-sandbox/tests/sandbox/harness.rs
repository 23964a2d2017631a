//! Decides how a probe is compiled and run, inside a sandbox and outside.

use lambuild_action::{
    BlobStore, Command, ExecuteError, Executed, Executor, Hints, Request, Step, cache_key,
};
use lambuild_digest::{DigestFunction, Dir, RelPath};
use lambuild_sandbox::executor::prepare;
use lambuild_sandbox::run;
use lambuild_sandbox::spec::{Limits, Report, Spec};
use lambuild_sandbox::starter::{self, Starter};
use lambuild_sandbox::{Conditions, SandboxExecutor, Wanted};
use lambuild_store::{DiskStore, folder};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::{Arc, OnceLock};

/// How a run as another user is told where the programs are.
pub const HELPER: &str = "SANDBOX_TEST_HELPER";
pub const PROBE: &str = "SANDBOX_TEST_PROBE";

#[expect(
    clippy::disallowed_methods,
    reason = "a run as another user is told by its environment"
)]
fn told(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "tests start programs of the machine")]
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Process {
    Process::new(name)
}

pub fn helper() -> PathBuf {
    told(HELPER).unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lambuild-sandbox-helper")))
}

/// The probes' program, compiled once for a run of the tests.
pub fn probe() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        told(PROBE).unwrap_or_else(|| {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/probe.c");
            let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
            let done = program("cc")
                .args(["-static", "-O1", "-w", "-o"])
                .arg(&built)
                .arg(source)
                .status();
            assert!(
                done.unwrap().success(),
                "the probes cannot be compiled: is there a static C library?"
            );
            built
        })
    })
}

/// Whether this machine gives a sandbox; a reason is printed where it does not.
pub fn possible(setup: &Setup) -> bool {
    match lambuild_sandbox::machine::missing(&Starter::default(), setup.store.root()) {
        None => true,
        Some(why) => {
            eprintln!("skipped: {why}");
            false
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A store of its own, with the probe in it.
pub struct Setup {
    pub folder: tempfile::TempDir,
    pub store: Arc<DiskStore>,
}

impl Setup {
    pub fn new() -> Self {
        starter::use_helper(&helper());
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap());
        Setup { folder, store }
    }

    /// A request that runs the probe with these words.
    pub fn request(&self, words: &[&str]) -> Request {
        let write = |bytes: &[u8]| self.store.write(bytes).unwrap();
        let mut root = Dir::default();
        let probe = write(&fs::read(probe()).unwrap());
        root.file(&RelPath::new("in/probe").unwrap(), probe, true)
            .unwrap();
        root.file(&RelPath::new("in/text").unwrap(), write(b"input\n"), false)
            .unwrap();
        root.file(&RelPath::new("stable/text").unwrap(), write(b"stable\n"), false)
            .unwrap();
        let mut arguments = vec!["launch".to_owned(), "{root}/in/probe".to_owned()];
        arguments.extend(words.iter().map(|word| (*word).to_owned()));
        let command = Command {
            arguments,
            environment: BTreeMap::from([("TMPDIR".to_owned(), "{root}/tmp".to_owned())]),
            output_paths: vec![RelPath::new("out").unwrap()],
            ..Command::default()
        };
        let hints = Hints {
            stable: vec![RelPath::new("stable").unwrap()],
            accelerators: BTreeMap::from([("CACHE".to_owned(), "c".to_owned())]),
            ..Hints::default()
        };
        let step = Step {
            command,
            input_root: root,
            timeout: None,
            hints,
        };
        let encoded = cache_key::encode(&step, DigestFunction::Blake3);
        for (_, message) in &encoded.messages {
            write(message);
        }
        Request {
            key: encoded.key,
            command: step.command,
            input_root: encoded.input_root,
            timeout: None,
            hints: step.hints,
        }
    }

    /// Runs the probe in a sandbox that `change` has changed; what it said in one line.
    pub async fn inside(&self, words: &[&str], change: impl Fn(&mut Spec)) -> String {
        let stage = self.store.stage().unwrap();
        let mut spec = prepare(
            &self.store,
            &self.request(words),
            stage.path(),
            Limits::default(),
            &Conditions::default(),
        )
        .unwrap();
        change(&mut spec);
        let ended = run::run(&Starter::default(), &spec, &stage, None).await.unwrap();
        match ended.report {
            Report::Ended(0) => String::from_utf8_lossy(&ended.log).trim().to_owned(),
            // Killed by the filter.
            Report::Killed(31) => "held: killed".to_owned(),
            other => format!("{other:?} {}", String::from_utf8_lossy(&ended.log)),
        }
    }

    /// Runs the probe as an action, all the way.
    pub async fn execute(&self, words: &[&str], limits: Limits) -> Result<Executed, ExecuteError> {
        SandboxExecutor::new(self.store.clone(), Wanted::Strict, limits)
            .execute(&self.request(words))
            .await
    }

    /// How many folders of actions are left in the store's folder for work in progress.
    pub fn left(&self) -> usize {
        // stage/BOOT/SESSION/ACTION
        let mut folders = vec![self.store.root().join("stage")];
        for _ in 0..3 {
            folders = folders.iter().flat_map(|folder| inner(folder)).collect();
        }
        let is_action = |folder: &PathBuf| {
            folder
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes()[0] == b'w')
        };
        folders.into_iter().filter(is_action).count()
    }
}

/// The folders in a folder.
fn inner(folder: &Path) -> Vec<PathBuf> {
    let names = folder::list(folder).unwrap_or_default();
    names
        .into_iter()
        .filter(|(_, kind)| kind.is_dir())
        .map(|(name, _)| folder.join(name))
        .collect()
}

/// Processes of this machine that have a word among their arguments.
pub fn processes_with(word: &str) -> usize {
    let named = |name: &std::ffi::OsStr| {
        let line = fs::read(Path::new("/proc").join(name).join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|argument| argument == word.as_bytes())
    };
    folder::list(Path::new("/proc"))
        .unwrap()
        .iter()
        .filter(|(name, _)| named(name))
        .count()
}
