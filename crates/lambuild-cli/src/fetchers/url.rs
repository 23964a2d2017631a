//! Fetches what `fetch` names, verifies it by the hash in its key, and unpacks it; finds what
//! `lambda.lock` says of it.

use async_trait::async_trait;
use lambuild_action::{
    ActionResult, BlobStore as _, ExecuteError, Executed, Executor, Isolation, Request, StoreError,
    write_tree,
};
use lambuild_digest::{Digest, DigestFunction, Dir, Entry, Node, RelPath};
use lambuild_fetch::{Client, Downloaded, FetchError, Limits, download::download};
use lambuild_package::archive::{self, ArchiveError, Item};
use lambuild_rules::fetch::{Fetch, Form, pin as pinned};
use lambuild_rules::lock::Pinned;
use lambuild_store::DiskStore;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The largest file that is fetched, in bytes: what an archive may unpack to at most.
const LARGEST: u64 = 2 << 30;

async fn fetch(url: &str, to: &Path) -> Result<Downloaded, FetchError> {
    let client = Client::guarded(Limits::default())?;
    download(&client, url, to, LARGEST).await
}

/// Finds what `lambda.lock` says of a URL, with a sentence about who vouches for it.
///
/// # Errors
/// What keeps it from being fetched, in words.
pub async fn pin(url: &str, function: DigestFunction, folder: &Path) -> Result<(Pinned, String), String> {
    let name = DigestFunction::Sha256.digest(url.as_bytes()).hex();
    let to = folder.join(name);
    let not_had = |why: String| format!("{url} is not to be had: {why}");
    let got = fetch(url, &to)
        .await
        .map_err(|error| not_had(error.to_string()))?;
    let bytes = std::fs::read(&to).map_err(|error| not_had(error.to_string()))?;
    let digest = function.digest(&bytes);
    let other = format!("{}/{}/{}", function.name(), digest.hex(), digest.size());
    let said = "taken on first use: nobody else knows its hash".to_owned();
    Ok((pinned(&hex(&got.sha256), &other, got.size), said))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fetches files.
pub struct Urls {
    store: Arc<DiskStore>,
}

impl Urls {
    /// Into this store.
    pub fn new(store: Arc<DiskStore>) -> Self {
        Urls { store }
    }
}

#[async_trait]
impl Executor for Urls {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let refused = |why: &str| ExecuteError::Refused(why.to_owned());
        let wanted = Fetch::read(&request.command).ok_or_else(|| refused("its arguments cannot be read"))?;
        let url = request
            .hints
            .origin
            .clone()
            .ok_or_else(|| refused("nobody says where it is"))?;
        let stage = self.store.stage()?;
        let to = stage.path().join("file");
        let got = fetch(&url, &to)
            .await
            .map_err(|error| ExecuteError::Refused(error.to_string()))?;
        let found = hex(&got.sha256);
        if found != wanted.sha256 {
            return Err(ExecuteError::Lock(format!(
                "{url} should have the SHA-256 {}, and what was fetched has {found}: it was changed, or somebody stands \
                 between you and it\n  if the change is right, `lambuild lock --update {url}` pins it (or correct `hash`)",
                wanted.sha256
            )));
        }
        let store = self.store.clone();
        let out = tokio::task::spawn_blocking(move || {
            let out = take(&store, &to, wanted.form);
            drop(stage);
            out
        });
        let out = out.await.map_err(|error| refused(&error.to_string()))??;
        Ok(Executed {
            result: ActionResult::of(out, None, Isolation::Strict),
            log: Vec::new(),
        })
    }
}

/// What is made of a file whose hash is right.
fn take(store: &DiskStore, file: &Path, form: Form) -> Result<Node, ExecuteError> {
    let bytes = std::fs::read(file).map_err(StoreError::io("read", file))?;
    match form {
        Form::File | Form::Executable => Ok(Node::File {
            digest: store.write(&bytes)?,
            executable: form == Form::Executable,
        }),
        Form::Unpacked => unpack(store, &bytes),
    }
}

/// The tree of an archive. Nothing names it before all of it was found to be good.
fn unpack(store: &DiskStore, bytes: &[u8]) -> Result<Node, ExecuteError> {
    let (mut tree, mut files) = (Dir::default(), BTreeMap::new());
    let read = archive::read::<ExecuteError>(bytes, &archive::Limits::default(), &mut |path, item| {
        if let Some(entry) = entry(store, path, item, &mut files)? {
            tree.put(path, entry, &())
                .map_err(|error| ExecuteError::Refused(error.to_string()))?;
        }
        Ok(())
    });
    read.map_err(|error| match error {
        ArchiveError::Refused(why) => ExecuteError::Refused(format!("the archive is refused: {why}")),
        ArchiveError::Taker(error) => error,
    })?;
    Ok(Node::Directory(write_tree(store, &tree)?))
}

fn entry(
    store: &DiskStore,
    path: &RelPath,
    item: Item,
    files: &mut BTreeMap<RelPath, (Digest, bool)>,
) -> Result<Option<Entry>, ExecuteError> {
    let file = match item {
        // A folder is there where something lies in it; that it was there empty says nothing to a tool.
        Item::Folder => return Ok(None),
        Item::Link { target } => return Ok(Some(Entry::symlink(&target))),
        Item::Again { of } => files.get(&of).copied(),
        Item::File { executable, content } => Some((store.write(&content)?, executable)),
    };
    let (digest, executable) =
        file.ok_or_else(|| ExecuteError::Refused(format!("`{path}` is another name of nothing")))?;
    files.insert(path.clone(), (digest, executable));
    Ok(Some(Entry::file(digest, executable)))
}
