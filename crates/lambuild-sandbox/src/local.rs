//! Runs a process action in a folder laid out for it: inputs, an empty output
//! place, a temporary folder. Does what the launcher does on a remote worker.

use crate::conditions::Conditions;
use crate::process::{self, Process};
use async_trait::async_trait;
use lambuild_action::{
    ActionResult, BlobStore, Command, ExecuteError, Executed, Executor, Isolation, Request, StoreError,
};
use lambuild_digest::{Node, RelPath};
use lambuild_store::ingest::IngestError;
use lambuild_store::materialise::{self, Instead};
use lambuild_store::outputs::{self, Bounds};
use lambuild_store::{DiskStore, Stage};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The token that stands for the input root's absolute path in argv and environment.
pub const ROOT: &str = "{root}";

/// Runs actions on this machine.
#[derive(Debug, Clone)]
pub struct LocalExecutor {
    store: Arc<DiskStore>,
    conditions: Conditions,
}

impl LocalExecutor {
    /// Inputs come from, and outputs go to, this store.
    pub fn new(store: Arc<DiskStore>) -> Self {
        LocalExecutor {
            store,
            conditions: Conditions::default(),
        }
    }

    /// With other surroundings, as far as they can be had without a sandbox: environment and compile
    /// caches. The folder is another one each time anyway.
    #[must_use]
    pub fn under(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// A compile cache of weak runs: not the one of strict runs, since nothing that an action could see
    /// more of may reach those.
    fn cache(&self, name: &str, stage: &Stage) -> Result<PathBuf, StoreError> {
        if self.conditions.shared_caches {
            return self.store.compile_cache(&format!("weak-{name}"));
        }
        let folder = stage.path().join("cache").join(name);
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(folder)
    }
}

/// Where `go` keeps what it compiled when nobody answers its questions.
const GOCACHE: &str = "GOCACHE";

#[async_trait]
impl Executor for LocalExecutor {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let stage = self.store.stage()?;
        let root = stage.path().join("root");
        let (store, laid_out, owned) = (self.store.clone(), root.clone(), request.clone());
        blocking(&stage, move || lay_out(&store, &owned, &laid_out)).await?;

        let absolute = root.to_str().ok_or_else(|| {
            ExecuteError::Refused(format!("the store's path {} is not UTF-8", root.display()))
        })?;
        let arguments = arguments(&request.command, absolute)?;
        let mut environment = environment(&request.command, absolute);
        self.conditions.apply(&mut environment);
        let go_cache = request.hints.go_cache.iter().map(|it| (GOCACHE, &it.name));
        let named = request.hints.accelerators.iter();
        let named = named.map(|(variable, name)| (variable.as_str(), name));
        for (variable, name) in named.chain(go_cache) {
            let folder = self.cache(name, &stage)?;
            environment.insert(variable.to_owned(), folder.to_string_lossy().into_owned());
        }
        let process = Process {
            arguments: &arguments,
            environment: &environment,
            folder: &root,
            timeout: request.timeout,
            answer: None,
            stage: Some(&stage),
        };
        let log = process::run(&process).await?;

        let (store, command) = (self.store.clone(), request.command.clone());
        blocking(&stage, move || {
            collect(&store, &command, &root, log, Isolation::Weak)
        })
        .await
    }
}

/// Work in `stage` on a thread of its own. It cannot be cancelled, so it holds the folder to its end.
pub(crate) async fn blocking<T: Send + 'static>(
    stage: &Stage,
    work: impl FnOnce() -> Result<T, ExecuteError> + Send + 'static,
) -> Result<T, ExecuteError> {
    let stage = stage.clone();
    let ended = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(stage);
        done
    });
    let ended = ended.await;
    ended.unwrap_or_else(|error| {
        Err(ExecuteError::Refused(format!(
            "a step inside lambuild broke: {error}"
        )))
    })
}

/// Puts the inputs, the empty places of the outputs and `tmp` below `root`. Big stable
/// trees are laid out once in the store and linked to.
fn lay_out(store: &DiskStore, request: &Request, root: &Path) -> Result<(), ExecuteError> {
    let mut links: BTreeMap<RelPath, PathBuf> = BTreeMap::new();
    for path in &request.hints.stable {
        if let Some(digest) = subtree(store, request.input_root, path)? {
            links.insert(path.clone(), materialise::stable(store, &digest)?);
        }
    }
    materialise::tree(store, &request.input_root, root, &|path| {
        links.get(path).cloned().map(Instead::Link)
    })?;
    let mut folders = vec![root.join("tmp")];
    for output in &request.command.output_paths {
        folders.extend(output.parent().map(|parent| root.join(parent.as_str())));
    }
    for folder in folders {
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
    }
    Ok(())
}

/// The folder at `path` below the folder `root`, if there is one.
pub(crate) fn subtree(
    store: &DiskStore,
    root: lambuild_digest::Digest,
    path: &RelPath,
) -> Result<Option<lambuild_digest::Digest>, StoreError> {
    use lambuild_digest::Directories;
    let mut here = root;
    for name in path.parts() {
        match store.directory(&here).map_err(materialise::unreadable)?.get(name) {
            Some(Node::Directory(inner)) => here = *inner,
            _ => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// argv without the launcher, whose work is done here.
pub(crate) fn arguments(command: &Command, root: &str) -> Result<Vec<String>, ExecuteError> {
    let without = command.arguments.get(1..).filter(|rest| !rest.is_empty());
    let without = without.ok_or_else(|| ExecuteError::Refused("the command is empty".into()))?;
    Ok(without
        .iter()
        .map(|argument| argument.replace(ROOT, root))
        .collect())
}

pub(crate) fn environment(command: &Command, root: &str) -> BTreeMap<String, String> {
    command
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.replace(ROOT, root)))
        .collect()
}

/// Takes what the action left; nothing of it runs any more.
pub(crate) fn collect(
    store: &DiskStore,
    command: &Command,
    root: &Path,
    log: Vec<u8>,
    isolation: Isolation,
) -> Result<Executed, ExecuteError> {
    let mut found = BTreeMap::new();
    for path in &command.output_paths {
        let taken = outputs::collect(store, root, path, Bounds::default()).map_err(|error| match error {
            IngestError::Store(error) => ExecuteError::Store(error),
            other => ExecuteError::Refused(format!("its output cannot be taken: {other}")),
        })?;
        let node = taken
            .ok_or_else(|| ExecuteError::Refused(format!("it ended well but left nothing at `{path}`")))?;
        found.insert(path.clone(), node);
    }
    let said = if log.is_empty() {
        None
    } else {
        Some(store.write(&log)?)
    };
    Ok(Executed {
        result: ActionResult {
            outputs: found,
            log: said,
            isolation,
        },
        log,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_action::{Hints, Step, cache_key};
    use lambuild_digest::{DigestFunction, Dir};

    struct Setup {
        _folder: tempfile::TempDir,
        store: Arc<DiskStore>,
    }

    impl Setup {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap());
            Setup {
                _folder: folder,
                store,
            }
        }

        async fn sh(&self, script: &str, stable: &[&str]) -> Result<Executed, ExecuteError> {
            let mut root = Dir::default();
            let text = self.store.write(b"hello\n").unwrap();
            root.file(&RelPath::new("in/text").unwrap(), text, false).unwrap();
            let command = Command {
                arguments: ["launch", "/bin/sh", "-c", script].map(String::from).to_vec(),
                environment: BTreeMap::from([
                    ("IN".into(), "{root}/in".into()),
                    ("PATH".into(), "/bin".into()),
                ]),
                output_paths: vec![RelPath::new("out").unwrap()],
                ..Command::default()
            };
            let stable = stable.iter().map(|path| RelPath::new(path).unwrap()).collect();
            let hints = Hints {
                stable,
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
                self.store.write(message).unwrap();
            }
            let request = Request {
                key: encoded.key,
                command: step.command,
                input_root: encoded.input_root,
                timeout: None,
                hints: step.hints,
            };
            LocalExecutor::new(self.store.clone()).execute(&request).await
        }
    }

    #[tokio::test]
    async fn inputs_are_there_and_outputs_are_taken() {
        let setup = Setup::new();
        for stable in [&[][..], &["in"]] {
            let done = setup.sh("cat $IN/text > out; echo said", stable).await.unwrap();
            let Some(Node::File { digest, .. }) = done.result.out() else {
                panic!("no file")
            };
            assert_eq!(setup.store.read(digest).unwrap(), b"hello\n");
            assert_eq!(done.log, b"said\n");
            assert_eq!(done.result.isolation, Isolation::Weak);
        }
        // stage/BOOT/SESSION/ACTION
        let mut folders = vec![setup.store.root().join("stage")];
        for _ in 0..3 {
            let inner = |folder: &PathBuf| {
                let names = lambuild_store::folder::list(folder).unwrap_or_default();
                names
                    .into_iter()
                    .map(|(name, _)| folder.join(name))
                    .collect::<Vec<_>>()
            };
            folders = folders.iter().flat_map(inner).collect();
        }
        let is_action = |path: &&PathBuf| path.is_dir();
        assert_eq!(folders.iter().filter(is_action).count(), 0, "{folders:?}");
    }

    #[tokio::test]
    async fn an_action_that_leaves_nothing_or_something_impossible_is_refused() {
        let setup = Setup::new();
        let error = setup.sh("true", &[]).await.unwrap_err().to_string();
        assert_eq!(error, "it ended well but left nothing at `out`");
        let error = setup
            .sh("mkdir out; ln -s /etc/passwd out/l", &[])
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "its output cannot be taken: `l` is a link that leaves the output"
        );
    }
}
