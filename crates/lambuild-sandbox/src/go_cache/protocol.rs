//! The messages of GOCACHEPROG: JSON lines, as `cmd/go/internal/cacheprog` documents them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambuild_store::compile_cache::entries::Id;
use serde::{Deserialize, Serialize};
use std::io;

/// What `go` asks.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// To be repeated in the answer.
    #[serde(rename = "ID")]
    pub id: i64,
    /// `get`, `put` or `close`.
    #[serde(rename = "Command")]
    pub command: String,
    #[serde(rename = "ActionID", default)]
    action: Option<String>,
    #[serde(rename = "OutputID", default)]
    output: Option<String>,
    /// How many bytes are put; they come after this line where there are any.
    #[serde(rename = "BodySize", default)]
    pub body_size: u64,
}

impl Request {
    /// The action that is meant.
    ///
    /// # Errors
    /// When it is not a SHA-256.
    pub fn action(&self) -> io::Result<Id> {
        id(self.action.as_deref())
    }

    /// The output that is put.
    ///
    /// # Errors
    /// When it is not a SHA-256.
    pub fn output(&self) -> io::Result<Id> {
        id(self.output.as_deref())
    }
}

/// What lambuild answers.
#[derive(Debug, Default, Serialize)]
pub struct Response {
    #[serde(rename = "ID")]
    pub id: i64,
    #[serde(rename = "Err", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(rename = "KnownCommands", skip_serializing_if = "Option::is_none")]
    pub known: Option<[&'static str; 3]>,
    #[serde(rename = "Miss", skip_serializing_if = "std::ops::Not::not")]
    pub miss: bool,
    #[serde(rename = "OutputID", skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    #[serde(rename = "Size")]
    pub size: u64,
    #[serde(rename = "DiskPath", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Response {
    /// Where the bytes of an output are.
    pub fn found(id: i64, output: &Id, size: u64, path: String) -> Self {
        Response {
            id,
            output: Some(STANDARD.encode(output)),
            size,
            path: Some(path),
            ..Response::default()
        }
    }
}

fn id(text: Option<&str>) -> io::Result<Id> {
    let bytes = STANDARD.decode(text.unwrap_or_default()).unwrap_or_default();
    bytes
        .try_into()
        .map_err(|_| io::Error::other("an id is not the base64 of 32 bytes"))
}

/// The bytes of the line that follows a `put`.
///
/// # Errors
/// When they are not as many as were announced.
pub fn body(line: &[u8], size: u64) -> io::Result<Vec<u8>> {
    let text = line.trim_ascii();
    let text = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
        .unwrap_or_default();
    let bytes = STANDARD.decode(text).map_err(io::Error::other)?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(io::Error::other(
            "what was put has not the size that was announced",
        ))
    }
}
