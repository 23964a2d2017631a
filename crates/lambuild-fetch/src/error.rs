//! What can go wrong between here and a file on a server, in words for people.

use std::error::Error;
use std::path::{Path, PathBuf};

/// Why something was not fetched. URLs are shown without user names and passwords.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server has no such file (404 or 410).
    #[error("there is nothing at {url}")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// The server answered with another failure.
    #[error("{url} answered with status {status}")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// There was no answer, or it broke off.
    #[error("{url} cannot be read: {why}")]
    Unreachable {
        /// The URL.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The file is larger than what may be fetched.
    #[error("{url} is larger than the {limit} bytes that it may have")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A URL that cannot be used.
    #[error("`{url}` is not a URL of the form https://…, http://… or file:///…")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// A part of `GOPROXY` that is no URL, nor `direct` or `off`.
    #[error("GOPROXY has the part `{part}`, which is neither a URL with its https:// nor `direct` or `off`")]
    BadProxy {
        /// The part, without a password.
        part: String,
    },
    /// A version, system or architecture that cannot be part of a toolchain's name.
    #[error("`{text}` cannot be part of a Go toolchain's name, which is made of letters, digits and dots")]
    BadToolchain {
        /// The text.
        text: String,
    },
    /// `GOPROXY` has nothing to fetch a toolchain from.
    #[error(
        "GOPROXY is `{value}`, which names no proxy to fetch Go from: install Go {version}, or add a proxy to GOPROXY"
    )]
    NoProxy {
        /// The value of `GOPROXY`, without passwords.
        value: String,
        /// The version of Go.
        version: String,
    },
    /// No proxy has this version of Go.
    #[error("Go {version} for {platform} is not to be had from {proxies}: see whether the version exists")]
    NoSuchGo {
        /// The version.
        version: String,
        /// `GOOS/GOARCH`.
        platform: String,
        /// The proxies that were asked.
        proxies: String,
    },
    /// The checksum database has no hash of a module, or its answer has none.
    #[error("the checksum database {database} does not know {module}: {why}")]
    NoSum {
        /// The name of the database.
        database: String,
        /// Module and version.
        module: String,
        /// What it answered.
        why: String,
    },
    /// A value of `GOSUMDB` that names no database.
    #[error(
        "GOSUMDB is `{value}`, which is neither `off`, nor a database that Go knows, nor a key of the form name+hash+key"
    )]
    BadSumDatabase {
        /// The value.
        value: String,
    },
    /// What was fetched is not what was asked for.
    #[error(
        "{what} should have the hash {expected}, but what was fetched has {found}: it was changed, or it is damaged"
    )]
    Mismatch {
        /// Module and version.
        what: String,
        /// The hash that it should have.
        expected: String,
        /// The hash that it has.
        found: String,
    },
    /// An archive that cannot be unpacked.
    #[error("`{}` is not a good archive: {why}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong, with the entry.
        why: String,
    },
    /// A file cannot be written or read here.
    #[error("`{}` cannot be {did}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// `written` or `read`.
        did: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The HTTP client cannot be set up.
    #[error("connections cannot be made: {why}")]
    Client {
        /// The innermost cause.
        why: String,
    },
}

impl FetchError {
    /// Whether asking again may help: no answer, a broken one, or a server in trouble.
    pub fn is_transient(&self) -> bool {
        match self {
            FetchError::Unreachable { .. } => true,
            FetchError::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    pub(crate) fn disk(path: &Path, did: &'static str) -> impl FnOnce(std::io::Error) -> FetchError {
        let path = path.to_owned();
        move |source| FetchError::Disk { path, did, source }
    }
}

/// The innermost cause, which says what happened; the outer ones only say where.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
