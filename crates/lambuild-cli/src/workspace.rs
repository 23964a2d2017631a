//! Opening a workspace: where its root is, its store, its sources, and what its
//! build files say.

use crate::args::Common;
use crate::environment::Environment;
use crate::files::SourceFiles;
use crate::rules::{Tables, rules};
use lambuild_action::StoreError;
use lambuild_digest::{DigestFunction, RelPath};
use lambuild_graph::RuleSet;
use lambuild_lang::{Evaluation, Options};
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
    /// The rules of this program.
    pub rules: RuleSet,
    /// Their tables.
    pub tables: Tables,
    options: Options,
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
        let rules = rules(environment);
        Ok(Workspace {
            here,
            files: SourceFiles::new(sources.clone()),
            tables: Tables::of(&rules),
            options: Options {
                params: common.params.iter().cloned().collect(),
            },
            root,
            store,
            sources,
            rules,
        })
    }

    /// What the build files say.
    pub fn evaluate(&self) -> Evaluation<'_> {
        lambuild_lang::evaluate(&self.files, &self.tables.schemas(), &self.options)
    }

    /// The folder of the workspace that is lambuild's own.
    pub fn own(&self) -> PathBuf {
        self.root.join(OWN)
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

fn store(common: &Common, environment: &Environment) -> Result<Arc<DiskStore>, String> {
    let folder = match &common.store {
        Some(folder) => environment.folder.join(folder),
        None => environment.default_store()?,
    };
    let store = DiskStore::open(&folder, DigestFunction::Blake3).map_err(|error| match error {
        StoreError::Io { .. } => format!("the store cannot be used: {error}\n  {HINT}"),
        other => other.to_string(),
    });
    store.map(Arc::new)
}

const HINT: &str = "it must be in a folder that you may write and that has space: name another with --store or LAMBUILD_STORE";
