//! Fetches a Go module with `go` itself, which knows the user's proxies, private
//! repositories and credentials, and checks every byte against `go.sum`.

use crate::environment::Environment;
use async_trait::async_trait;
use lambuild_action::{ActionResult, ExecuteError, Executed, Executor, Isolation, Request, StoreError};
use lambuild_digest::RelPath;
use lambuild_rules::go::fetch::ModuleFetch;
use lambuild_rules::go::gosum::Sums;
use lambuild_rules::go::modcache::{
    CachePaths, FetchError, cache_paths, check_answer, check_sums, fetch_command, hash_go_mod, hash_module,
};
use lambuild_sandbox::process::{self, Process};
use lambuild_store::outputs::{self, Bounds};
use lambuild_store::{DiskStore, Stage, folder, materialise};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A module that has not come by then does not come: the largest are some 100 MB.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Fetches Go modules.
pub struct GoModules {
    store: Arc<DiskStore>,
    environment: BTreeMap<String, String>,
}

impl GoModules {
    /// Into this store, with what of the user's settings says how modules are reached.
    pub fn new(store: Arc<DiskStore>, environment: &Environment) -> Self {
        GoModules {
            store,
            environment: environment.variables.clone(),
        }
    }

    /// Runs `go mod download` with a module cache of its own in `stage`; checks its answer.
    async fn download(&self, fetch: &ModuleFetch, go: &Path, stage: &Stage) -> Result<(), ExecuteError> {
        let folder = stage.path();
        let command = fetch_command(&fetch.module);
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        for name in command.pass {
            environment.extend(
                self.environment
                    .get(*name)
                    .map(|value| ((*name).to_owned(), value.clone())),
            );
        }
        environment.extend(
            command
                .env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        for (name, path) in [
            ("GOROOT", go.to_owned()),
            ("GOMODCACHE", folder.join("cache")),
            ("GOCACHE", folder.join("build")),
        ] {
            environment.insert(name.to_owned(), path.to_string_lossy().into_owned());
        }
        let mut arguments = command.argv.clone();
        if let Some(program) = arguments.first_mut() {
            *program = go.join("bin/go").to_string_lossy().into_owned();
        }
        let answer = folder.join("answer");
        let process = Process {
            arguments: &arguments,
            environment: &environment,
            folder,
            timeout: Some(TIMEOUT),
            answer: Some(&answer),
            stage: Some(stage),
        };
        let ended = process::run(&process).await;
        let said = fs::read(&answer).unwrap_or_default();
        // `go` tells a failure in its answer; its exit code and log say less.
        match (check_answer(&fetch.module, &said, &fetch.sums), ended) {
            (Ok(()), Ok(_)) => Ok(()),
            (Err(error @ FetchError::Mismatch { .. }), _) => Err(ExecuteError::Lock(error.to_string())),
            (Err(_), Err(ExecuteError::Failed { how, log })) if said.is_empty() => {
                Err(ExecuteError::Failed { how, log })
            }
            (Err(error), _) => Err(ExecuteError::Refused(error.to_string())),
            (Ok(()), Err(error)) => Err(error),
        }
    }
}

#[async_trait]
impl Executor for GoModules {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let fetch = ModuleFetch::read(&request.command)
            .ok_or_else(|| ExecuteError::Refused("its arguments cannot be read".to_owned()))?;
        let Some(toolchain) = request.hints.tools.first().copied() else {
            return Err(ExecuteError::Refused(
                "no Go toolchain was planned for it".to_owned(),
            ));
        };
        let store = self.store.clone();
        let go = blocking(move || Ok(materialise::stable(&store, &toolchain)?)).await?;
        let stage = self.store.stage()?;
        self.download(&fetch, &go, &stage).await?;
        let store = self.store.clone();
        let out = blocking(move || take(&store, &fetch, stage.path())).await?;
        Ok(Executed {
            result: ActionResult::of(out, None, Isolation::Strict),
            log: Vec::new(),
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExecuteError> + Send + 'static,
) -> Result<T, ExecuteError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| {
        Err(ExecuteError::Refused(format!(
            "a step inside lambuild broke: {error}"
        )))
    })
}

/// Checks what came with hashes of our own, then keeps the part that an offline build needs.
fn take(store: &DiskStore, fetch: &ModuleFetch, stage: &Path) -> Result<lambuild_digest::Node, ExecuteError> {
    let paths = cache_paths(&fetch.module).map_err(|error| ExecuteError::Refused(error.to_string()))?;
    let (cache, out) = (stage.join("cache"), stage.join("out"));
    let found = sums(fetch, &cache, &paths).map_err(|error| cannot_read(&cache, error))?;
    check_sums(&fetch.module, &found, &fetch.sums).map_err(|error| ExecuteError::Lock(error.to_string()))?;
    for path in [&paths.tree, &paths.go_mod, &paths.zip_hash] {
        let (from, to) = (cache.join(path.as_str()), out.join(path.as_str()));
        let moved = to
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::rename(&from, &to));
        moved.map_err(StoreError::io("move", &from))?;
    }
    let at = RelPath::new("out").map_err(|error| ExecuteError::Refused(error.to_string()))?;
    let taken = outputs::collect(store, stage, &at, Bounds::default());
    taken
        .map_err(|error| ExecuteError::Refused(error.to_string()))?
        .ok_or_else(|| ExecuteError::Refused("the module is empty".to_owned()))
}

fn cannot_read(cache: &Path, error: io::Error) -> ExecuteError {
    ExecuteError::Store(StoreError::io("read", cache)(error))
}

fn sums(fetch: &ModuleFetch, cache: &Path, paths: &CachePaths) -> io::Result<Sums> {
    let tree = cache.join(paths.tree.as_str());
    let mut files = Vec::new();
    gather(&tree, &RelPath::root(), &mut files)?;
    let go_mod = fs::read(cache.join(paths.go_mod.as_str()))?;
    Ok(Sums {
        zip: Some(hash_module(&fetch.module, files)),
        go_mod: Some(hash_go_mod(&go_mod)),
    })
}

fn gather(root: &Path, at: &RelPath, files: &mut Vec<(RelPath, [u8; 32])>) -> io::Result<()> {
    for (name, kind) in folder::list(&root.join(at.as_str()))? {
        let path = name.to_str().and_then(|name| at.child(name).ok());
        let path = path.ok_or_else(|| io::Error::other("a module holds a name that no module may hold"))?;
        if kind.is_dir() {
            gather(root, &path, files)?;
        } else {
            files.push((
                path.clone(),
                Sha256::digest(fs::read(root.join(path.as_str()))?).into(),
            ));
        }
    }
    Ok(())
}
