//! Opening a workspace: where its root is, its store, its sources, and what its
//! build files say.

use crate::args::{Common, Durability};
use crate::environment::Environment;
use crate::files::SourceFiles;
use crate::rules::{Tables, rules, this_platform};
use crate::talk::Talk;
use lambuild_action::StoreError;
use lambuild_digest::{DigestFunction, RelPath};
use lambuild_graph::RuleSet;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::SourceMap;
use lambuild_lang::value::Arch;
use lambuild_lang::{Evaluation, Options};
use lambuild_rules::lock::{self, Lock};
use lambuild_rules::pins::Pins;
use lambuild_store::{DiskStore, SourceTree};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of a workspace that is lambuild's own.
pub const OWN: &str = ".lambuild";

/// An open workspace.
pub struct Workspace {
    /// Its root, an absolute path without links.
    pub root: PathBuf,
    /// The current folder, relative to the root.
    pub here: RelPath,
    /// Where results are kept.
    pub store: Arc<DiskStore>,
    /// Its files.
    pub sources: Arc<SourceTree>,
    /// The language's view of them.
    pub files: SourceFiles,
    /// What its lock pins, and what of that was asked for.
    pub pins: Arc<Pins>,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// The rules of this program.
    pub rules: RuleSet,
    /// Their tables.
    pub tables: Tables,
    wrong_lock: Option<WrongLock>,
    options: Options,
}

/// Why a lock cannot be read: the words, and what is wrong at which place.
struct WrongLock {
    why: String,
    wrong: Vec<Diagnostic>,
    sources: SourceMap,
}

/// A failure without a place in a build file: the words and the exit code.
#[derive(Debug)]
pub struct Trouble {
    /// What happened and what to do.
    pub message: String,
    /// See [`crate::exit`].
    pub exit: u8,
}

impl Workspace {
    /// Opens the workspace around the current folder.
    ///
    /// # Errors
    /// When there is none, or its store cannot be used.
    pub fn open(common: &Common, environment: &Environment) -> Result<Self, Trouble> {
        let root = root(&environment.folder).ok_or_else(|| Trouble {
            message: "there is no lambda.build with a `workspace` item in this folder or above it; `lambuild init` \
                      starts one"
                .to_owned(),
            exit: crate::exit::USAGE,
        })?;
        let failed = |message: String| Trouble {
            message,
            exit: crate::exit::FAILED,
        };
        let outside = || {
            failed(format!(
                "the current folder {} is not UTF-8",
                environment.folder.display()
            ))
        };
        let below = environment
            .folder
            .strip_prefix(&root)
            .ok()
            .and_then(Path::to_str)
            .ok_or_else(outside)?;
        let here = RelPath::new(below).map_err(|error| failed(error.to_string()))?;
        let store = store(common, environment).map_err(failed)?;
        let memory = root.join(OWN).join("stat-cache");
        let memory = (!common.no_stat_cache).then_some(&*memory);
        let sources = SourceTree::open(&root, store.clone(), memory);
        let sources = Arc::new(sources.map_err(|error| failed(error.to_string()))?);
        let locked = common.locked || environment.is_ci();
        let (lock, wrong_lock) = match read_lock(&root) {
            Ok(lock) => (lock, None),
            Err(wrong) => (Lock::default(), Some(wrong)),
        };
        let pins = Arc::new(Pins::new(lock, locked));
        let rules = rules(environment, &pins, this_platform());
        Ok(Workspace {
            here,
            files: SourceFiles::new(sources.clone()),
            tables: Tables::of(&rules),
            options: Options {
                params: common.params.iter().cloned().collect(),
                ..on_platform(this_platform())
            },
            root,
            store,
            sources,
            pins,
            wrong_lock,
            offline: common.offline,
            rules,
        })
    }

    /// What the build files say.
    pub fn evaluate(&self) -> Evaluation<'_> {
        lambuild_lang::evaluate(&self.files, &self.tables.schemas(), &self.options)
    }

    /// What the build files say where another platform builds, by the tables that it has.
    pub fn evaluate_with<'a>(&'a self, tables: &'a Tables, platform: &str) -> Evaluation<'a> {
        let options = Options {
            params: self.options.params.clone(),
            ..on_platform(platform)
        };
        lambuild_lang::evaluate(&self.files, &tables.schemas(), &options)
    }

    /// Ends a command that needs the lock where it cannot be read; others, such as `fmt`, do not ask.
    ///
    /// # Errors
    /// The exit code, after what is wrong was shown.
    pub fn judge_lock(&self, talk: &Talk) -> Result<(), u8> {
        let Some(lock) = &self.wrong_lock else {
            return Ok(());
        };
        talk.diagnostics(&lock.wrong, &lock.sources);
        if !lock.why.is_empty() {
            talk.error(&format!("{} cannot be read: {}", lock::FILE, lock.why));
        }
        Err(crate::exit::LOCK)
    }

    /// Where its lock lies.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join(lock::FILE)
    }

    /// The folder of the workspace that is lambuild's own.
    pub fn own(&self) -> PathBuf {
        self.root.join(OWN)
    }
}

/// What the language calls `exec`, on a platform in Go's words.
fn on_platform(platform: &str) -> Options {
    Options {
        exec: Arch::ALL.into_iter().find(|arch| platform.ends_with(arch.go())),
        exec_os: Some(if platform.starts_with("darwin") {
            "darwin"
        } else {
            "linux"
        }),
        ..Options::default()
    }
}

/// The nearest folder at or above `folder` whose build file has a `workspace` item.
fn root(folder: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| {
        let text = std::fs::read_to_string(folder.join(lambuild_lang::files::BUILD_FILE));
        text.is_ok_and(|text| lambuild_lang::has_workspace(&text))
    };
    folder.ancestors().find(is_root).map(Path::to_owned)
}

/// The lock of the workspace at `root`; one that is not there is empty.
fn read_lock(root: &Path) -> Result<Lock, WrongLock> {
    let path = root.join(lock::FILE);
    let text = match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::default()),
        Ok(meta) if meta.len() > lock::LARGEST => Err("it is too large for a lock".to_owned()),
        _ => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
    };
    let text = text.map_err(|why| WrongLock {
        why,
        wrong: Vec::new(),
        sources: SourceMap::default(),
    })?;
    let mut sources = SourceMap::default();
    let name = RelPath::root()
        .child(lock::FILE)
        .unwrap_or_else(|_| RelPath::root());
    let file = sources.add(name, text.as_str().into());
    Lock::parse(&text, file).map_err(|wrong| WrongLock {
        why: String::new(),
        wrong,
        sources,
    })
}

/// The store's folder, as the options and the environment say.
///
/// # Errors
/// When nothing says where.
pub fn store_folder(common: &Common, environment: &Environment) -> Result<PathBuf, String> {
    match &common.store {
        Some(folder) => Ok(environment.folder.join(folder)),
        None => environment.default_store(),
    }
}

/// The store that the options and the environment name.
///
/// # Errors
/// In the user's words, where it cannot be used.
pub fn store(common: &Common, environment: &Environment) -> Result<Arc<DiskStore>, String> {
    let folder = store_folder(common, environment)?;
    #[cfg(feature = "failpoints")]
    lambuild_store::points::arm(environment.get("LAMBUILD_FAILPOINTS").unwrap_or_default())?;
    let options = lambuild_store::Options {
        durability: durability(common, environment),
        single_user: common.single_user_store,
        ..lambuild_store::Options::default()
    };
    let store =
        DiskStore::open_with(&folder, DigestFunction::Blake3, &options).map_err(|error| match error {
            StoreError::Io { .. } => format!("the store cannot be used: {error}\n  {HINT}"),
            other => other.to_string(),
        });
    store.map(Arc::new)
}

/// A CI machine is thrown away as a whole or not at all, so there a run is kept as a whole.
fn durability(common: &Common, environment: &Environment) -> lambuild_store::Durability {
    match common.durability {
        Some(Durability::Full) => lambuild_store::Durability::Full,
        Some(Durability::Session) => lambuild_store::Durability::Session,
        Some(Durability::None) => lambuild_store::Durability::None,
        None if environment.is_ci() => lambuild_store::Durability::Session,
        None => lambuild_store::Durability::Full,
    }
}

const HINT: &str = "it must be in a folder that you may write and that has space: name another with --store or LAMBUILD_STORE";
