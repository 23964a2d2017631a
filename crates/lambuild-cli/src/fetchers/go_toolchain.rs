//! Fetches a Go toolchain through the module proxy and keeps of it what builds programs; finds
//! what `lambda.lock` says of one.

use crate::environment::Environment;
use async_trait::async_trait;
use lambuild_action::{ActionResult, ExecuteError, Executed, Executor, Isolation, Request};
use lambuild_digest::{Digest, DigestFunction, Node};
use lambuild_fetch::{
    Client, FetchError, Fetched, GoProxy, GoToolchain as Wanted, Limits, SumDatabase, Trust, fetch_toolchain,
    toolchain, toolchain_tree, unpack_toolchain,
};
use lambuild_rules::go::toolchain::{Fetch, H1, KIND, ORIGIN, STEP_VERSION, builds_programs, lock_name};
use lambuild_rules::lock::Pinned;
use lambuild_rules::pins::Pins;
use lambuild_store::{DiskStore, HostFolders, Stage};
use std::path::Path;
use std::sync::Arc;

/// From where Go toolchains come, and who vouches for them, as the user's settings say.
#[derive(Debug, Clone)]
pub struct GoSource {
    proxies: String,
    database: String,
    skips_database: bool,
}

impl GoSource {
    /// As `GOPROXY`, `GOSUMDB`, `GONOSUMDB`, `GOPRIVATE` and `GOFLAGS` say.
    pub fn new(environment: &Environment) -> Self {
        let get = |name: &str| environment.go_setting(name).unwrap_or_default();
        let not_summed = environment
            .go_setting("GONOSUMDB")
            .unwrap_or_else(|| get("GOPRIVATE"));
        let insecure = |flag: &str| flag == "-insecure" || flag == "--insecure";
        GoSource {
            proxies: get("GOPROXY"),
            database: get("GOSUMDB"),
            skips_database: get("GOFLAGS").split_whitespace().any(insecure)
                || lambuild_fetch::goproxy::matches_patterns(&not_summed, toolchain::MODULE),
        }
    }

    async fn fetch(
        &self,
        wanted: &Wanted,
        expected: Option<&str>,
        archive: &Path,
    ) -> Result<Fetched, FetchError> {
        let client = Client::new(Limits::default())?;
        let proxies = GoProxy::parse(&self.proxies)?;
        let database = match self.skips_database {
            true => None,
            false => SumDatabase::parse(&self.database)?,
        };
        fetch_toolchain(&client, &proxies, database.as_ref(), wanted, expected, archive).await
    }

    /// Finds what `lambda.lock` says of Go `version` on a platform, with a sentence about who vouches for it.
    /// The archive is fetched into `folder`, an empty one.
    ///
    /// # Errors
    /// As [`fetch_toolchain`].
    pub async fn pin(
        &self,
        version: &str,
        platform: &str,
        function: DigestFunction,
        folder: &Path,
    ) -> Result<(Pinned, String), FetchError> {
        let (os, arch) = platform.split_once('-').unwrap_or((platform, ""));
        let wanted = Wanted::new(version, os, arch)?;
        let archive = folder.join(format!("{platform}.zip"));
        let fetched = self.fetch(&wanted, None, &archive).await?;
        let (owned, path) = (wanted.clone(), archive.clone());
        let tree = tokio::task::spawn_blocking(move || {
            let tree = toolchain_tree(&path, &owned, builds_programs, function);
            // Four of them are 300 MB; the folder goes anyway, only later.
            let _ = std::fs::remove_file(&path);
            tree
        });
        let tree = tree.await.unwrap_or_else(|error| {
            Err(FetchError::Client {
                why: error.to_string(),
            })
        })?;
        let module = format!("{}@{}", toolchain::MODULE, wanted.module_version());
        let pinned = Pinned::from([
            (H1.to_owned(), fetched.h1.clone()),
            (ORIGIN.to_owned(), format!("goproxy:{module}")),
            (TREE.to_owned(), tree_value(&tree, function)),
        ]);
        Ok((pinned, vouched(&fetched)))
    }
}

fn vouched(fetched: &Fetched) -> String {
    match &fetched.trust {
        Trust::Expected => "as it was pinned".to_owned(),
        Trust::Database { database } => format!("verified by {database}"),
        Trust::FirstUse => "taken on first use: no checksum database was to be asked".to_owned(),
    }
}

/// The key in a toolchain's line for the folder that is made of it: another machine that fetches the same archive
/// must come to the same folder.
pub const TREE: &str = "tree";

/// The version of the step that decides what of the archive is kept, then function, hash and size.
fn tree_value(tree: &Digest, function: DigestFunction) -> String {
    format!(
        "{STEP_VERSION}/{}/{}/{}",
        function.name(),
        tree.hex(),
        tree.size()
    )
}

/// Fetches Go toolchains.
pub struct GoToolchain {
    store: Arc<DiskStore>,
    source: GoSource,
    pins: Arc<Pins>,
}

impl GoToolchain {
    /// Into this store, from where the user's settings say.
    pub fn new(store: Arc<DiskStore>, environment: &Environment, pins: Arc<Pins>) -> Self {
        GoToolchain {
            store,
            source: GoSource::new(environment),
            pins,
        }
    }

    async fn fetch(&self, fetch: &Fetch, wanted: &Wanted, stage: &Stage) -> Result<String, FetchError> {
        let folder = stage.path();
        let archive = folder.join("archive.zip");
        let fetched = self.source.fetch(wanted, fetch.h1.as_deref(), &archive).await?;
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
        let module = format!("{}@{}", toolchain::MODULE, wanted.module_version());
        Ok(format!("{module} {}: {}\n", fetched.h1, vouched(&fetched)))
    }

    /// Compares with the folder that the lock names, where it names one by the same rules.
    fn judge(&self, fetch: &Fetch, taken: &Digest) -> Result<(), ExecuteError> {
        use lambuild_action::BlobStore as _;
        let name = lock_name(&fetch.version, &fetch.platform);
        let pinned = fetch.h1.as_ref().and_then(|_| self.pins.lock().get(KIND, &name));
        let Some(tree) = pinned.and_then(|pinned| pinned.get(TREE)) else {
            return Ok(());
        };
        let found = tree_value(taken, self.store.function());
        let rules = |value: &str| value.split('/').take(2).map(str::to_owned).collect::<Vec<_>>();
        if rules(tree) == rules(&found) && *tree != found {
            return Err(ExecuteError::Lock(format!(
                "lambda.lock says that Go {} becomes the folder {tree}, and here it became {found}: the archive is the \
                 pinned one, so the line was written by hand, or this lambuild unpacks it differently",
                fetch.version
            )));
        }
        Ok(())
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
            .fetch(&fetch, &wanted, &stage)
            .await
            .map_err(|error| not_had(&fetch, error))?;
        let hosts = HostFolders::new(self.store.clone());
        let taken =
            tokio::task::spawn_blocking(move || hosts.take_once(&stage.path().join("go"), builds_programs));
        let taken = taken
            .await
            .map_err(|error| refused(error.to_string()))?
            .map_err(|error| refused(error.to_string()))?;
        self.judge(&fetch, &taken)?;
        let result = ActionResult::of(Node::Directory(taken), None, Isolation::Strict);
        Ok(Executed {
            result,
            log: said.into_bytes(),
        })
    }
}

/// What was pinned and is not what comes is the lock's trouble; all else is the network's.
fn not_had(fetch: &Fetch, error: FetchError) -> ExecuteError {
    let version = &fetch.version;
    match error {
        FetchError::Mismatch {
            what,
            expected,
            found,
        } if fetch.h1.is_some() => ExecuteError::Lock(format!(
            "lambda.lock pins {what} with the hash {expected}, and what was fetched has {found}: somebody changed it, or \
             stands between you and it\n  if the line in lambda.lock is wrong, `lambuild lock --update go/{version}` \
             finds it again"
        )),
        error => ExecuteError::Refused(not_had_words(version, &error)),
    }
}

/// That a version is not to be had, and how to go on without it.
pub fn not_had_words(version: &str, error: &FetchError) -> String {
    format!(
        "Go {version} is not to be had: {error}\n  name another version in `toolchain go`, or take the item out to \
         use this machine's own Go"
    )
}
