//! Which Go toolchain is fetched, from where, and that it is the right one.
//! Does not unpack it.

use std::path::{Path, PathBuf};

use crate::client::Client;
use crate::download::{Downloaded, download};
use crate::error::FetchError;
use crate::goproxy::GoProxy;
use crate::h1::hash_zip;
use crate::sumdb::SumDatabase;

/// A Go distribution for one platform, which module proxies serve as a version of the module `golang.org/toolchain`.
/// Source: "Go Toolchains", section "Downloading toolchains".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoToolchain {
    version: String,
    goos: String,
    goarch: String,
}

/// The module under which proxies serve toolchains.
pub const MODULE: &str = "golang.org/toolchain";

/// The domain that publishes Go; its hosts `proxy` and `sum` are Go's default proxy and checksum database.
pub const GO_DOMAIN: &str = "golang.org";

/// The largest archive that is fetched, in bytes; Go 1.26 has about 75 MB.
pub const MAX_ARCHIVE: u64 = 512 << 20;

/// The most that an archive may unpack to, in bytes; Go 1.26 has about 250 MB.
pub const MAX_CONTENT: u64 = 2 << 30;

impl GoToolchain {
    /// Go `version` (such as `1.26.8`) that runs on a platform by Go's names (such as `linux`, `amd64`).
    ///
    /// # Errors
    /// A text that cannot be part of a module version.
    pub fn new(version: &str, goos: &str, goarch: &str) -> Result<GoToolchain, FetchError> {
        for text in [version, goos, goarch] {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.';
            if text.is_empty() || !text.bytes().all(plain) || text.contains("..") {
                return Err(FetchError::BadToolchain {
                    text: text.escape_debug().to_string(),
                });
            }
        }
        Ok(GoToolchain {
            version: version.into(),
            goos: goos.into(),
            goarch: goarch.into(),
        })
    }

    /// The version of the module, such as `v0.0.1-go1.26.8.linux-amd64`.
    pub fn module_version(&self) -> String {
        format!("v0.0.1-go{}.{}-{}", self.version, self.goos, self.goarch)
    }

    /// What the names of all entries of the archive begin with.
    pub fn prefix(&self) -> String {
        format!("{MODULE}@{}/", self.module_version())
    }
}

/// Why a toolchain is believed to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It has the hash that the caller expects.
    Expected,
    /// It has the hash that this checksum database names and signed.
    Database {
        /// The name of the database.
        database: String,
    },
    /// Nobody expected a hash and no database was to be asked: to be recorded, and said.
    FirstUse,
}

/// A toolchain's archive that has been fetched and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its hash, `h1:` and base64.
    pub h1: String,
    /// Its size in bytes.
    pub size: u64,
    /// Why it is believed.
    pub trust: Trust,
}

/// Fetches the archive of a toolchain into the new file `to` and verifies it: by `expected`, an `h1:`
/// hash from a lock, else by the checksum database, if one is to be asked.
///
/// # Errors
/// Nobody has it, the network or the disk fails, or its hash is another; then there is no file.
pub async fn fetch_toolchain(
    client: &Client,
    proxies: &GoProxy,
    database: Option<&SumDatabase>,
    toolchain: &GoToolchain,
    expected: Option<&str>,
    to: &Path,
) -> Result<Fetched, FetchError> {
    let size = fetch(client, proxies, toolchain, to).await?;
    let judged = judge(client, proxies, database, toolchain, expected, to).await;
    match judged {
        Ok((h1, trust)) => Ok(Fetched { h1, size, trust }),
        Err(error) => {
            // What is not verified must not be found; the error that says why is worth more than this one.
            let _ = tokio::fs::remove_file(to).await;
            Err(error)
        }
    }
}

async fn fetch(
    client: &Client,
    proxies: &GoProxy,
    toolchain: &GoToolchain,
    to: &Path,
) -> Result<u64, FetchError> {
    let file = format!("{MODULE}/@v/{}.zip", toolchain.module_version());
    let found = first(client, proxies, &file, to).await;
    let version = toolchain.version.clone();
    match found {
        Ok(Some(downloaded)) => Ok(downloaded.size),
        Ok(None) => Err(FetchError::NoProxy {
            value: proxies.shown(),
            version,
        }),
        Err(FetchError::NotFound { .. }) => {
            let platform = format!("{}/{}", toolchain.goos, toolchain.goarch);
            Err(FetchError::NoSuchGo {
                version,
                platform,
                proxies: proxies.shown(),
            })
        }
        Err(error) => Err(error),
    }
}

/// Asks one proxy after the other; `None` when there is none to ask.
async fn first(
    client: &Client,
    proxies: &GoProxy,
    file: &str,
    to: &Path,
) -> Result<Option<Downloaded>, FetchError> {
    let mut last = None;
    for step in proxies.steps() {
        match download(client, &format!("{}/{file}", step.url), to, MAX_ARCHIVE).await {
            Ok(found) => return Ok(Some(found)),
            Err(error) if step.goes_on(&error) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    last.map_or(Ok(None), Err)
}

async fn judge(
    client: &Client,
    proxies: &GoProxy,
    database: Option<&SumDatabase>,
    toolchain: &GoToolchain,
    expected: Option<&str>,
    archive: &Path,
) -> Result<(String, Trust), FetchError> {
    let version = toolchain.module_version();
    let (wanted, trust) = match (expected, database) {
        (Some(hash), _) => (Some(hash.to_owned()), Trust::Expected),
        (None, Some(database)) => {
            let hash = database.lookup(client, proxies, MODULE, &version).await?;
            let database = database.name().to_owned();
            (Some(hash), Trust::Database { database })
        }
        (None, None) => (None, Trust::FirstUse),
    };
    let found = hash_in_background(archive.to_owned()).await?;
    match wanted {
        Some(wanted) if wanted != found => Err(FetchError::Mismatch {
            what: format!("{MODULE}@{version}"),
            expected: wanted,
            found,
        }),
        _ => Ok((found, trust)),
    }
}

async fn hash_in_background(archive: PathBuf) -> Result<String, FetchError> {
    let path = archive.clone();
    let task = tokio::task::spawn_blocking(move || hash_zip(&archive, MAX_CONTENT));
    task.await.unwrap_or_else(|error| {
        Err(FetchError::Archive {
            path,
            why: error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests;
