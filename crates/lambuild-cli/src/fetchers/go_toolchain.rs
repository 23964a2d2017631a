//! Fetches a Go toolchain through the module proxy and keeps of it what builds programs.

use crate::environment::Environment;
use async_trait::async_trait;
use lambuild_action::{ActionResult, ExecuteError, Executed, Executor, Isolation, Request};
use lambuild_digest::Node;
use lambuild_fetch::{
    Client, FetchError, GoProxy, GoToolchain as Wanted, Limits, SumDatabase, Trust, fetch_toolchain,
    unpack_toolchain,
};
use lambuild_rules::go::toolchain::{Fetch, builds_programs};
use lambuild_store::{DiskStore, HostFolders, Stage};
use std::sync::Arc;

/// Fetches Go toolchains.
pub struct GoToolchain {
    store: Arc<DiskStore>,
    proxies: String,
}

impl GoToolchain {
    /// Into this store, through the proxies that `GOPROXY` names.
    pub fn new(store: Arc<DiskStore>, environment: &Environment) -> Self {
        GoToolchain {
            store,
            proxies: environment.get("GOPROXY").unwrap_or_default().to_owned(),
        }
    }

    async fn fetch(&self, wanted: &Wanted, stage: &Stage) -> Result<String, FetchError> {
        let folder = stage.path();
        let client = Client::new(Limits::default())?;
        let proxies = GoProxy::parse(&self.proxies)?;
        let archive = folder.join("archive.zip");
        let fetched =
            fetch_toolchain(&client, &proxies, &SumDatabase::default(), wanted, None, &archive).await?;
        let (to, owned, held) = (folder.join("go"), wanted.clone(), stage.clone());
        let unpacked = tokio::task::spawn_blocking(move || {
            let unpacked = unpack_toolchain(&archive, &owned, &to);
            drop(held);
            unpacked
        });
        let unpacked = unpacked.await;
        unpacked.unwrap_or_else(|error| {
            Err(FetchError::Client {
                why: error.to_string(),
            })
        })?;
        Ok(match fetched.trust {
            Trust::Expected => String::new(),
            Trust::FirstUse { database } => {
                format!(
                    "golang.org/toolchain@{} was taken on first use, with the hash that {database} has: {}\n",
                    wanted.module_version(),
                    fetched.h1
                )
            }
        })
    }
}

#[async_trait]
impl Executor for GoToolchain {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let refused = |why: String| ExecuteError::Refused(why);
        let fetch =
            Fetch::read(&request.command).ok_or_else(|| refused("its arguments cannot be read".into()))?;
        let (os, arch) = fetch
            .platform
            .split_once('-')
            .ok_or_else(|| refused("its platform cannot be read".into()))?;
        let wanted = Wanted::new(&fetch.version, os, arch).map_err(|error| refused(error.to_string()))?;
        let stage = self.store.stage()?;
        let said = self
            .fetch(&wanted, &stage)
            .await
            .map_err(|error| not_had(&fetch.version, &error))?;
        let hosts = HostFolders::new(self.store.clone());
        let taken =
            tokio::task::spawn_blocking(move || hosts.take_once(&stage.path().join("go"), builds_programs));
        let taken = taken
            .await
            .map_err(|error| refused(error.to_string()))?
            .map_err(|error| refused(error.to_string()))?;
        let result = ActionResult::of(Node::Directory(taken), None, Isolation::Strict);
        Ok(Executed {
            result,
            log: said.into_bytes(),
        })
    }
}

fn not_had(version: &str, error: &FetchError) -> ExecuteError {
    ExecuteError::Refused(format!(
        "Go {version} is not to be had: {error}\n  name another version in `toolchain go`, or take the item out to \
         use this machine's own Go"
    ))
}
