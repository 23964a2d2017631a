//! One URL into one file or text: sizes, retries, what counts as an answer.
//! Knows no registry.

use std::path::Path;
use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::client::Client;
use crate::error::{FetchError, innermost};

/// What arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downloaded {
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 of the bytes, taken while they came in.
    pub sha256: [u8; 32],
}

/// Fetches `url` into the new file `to`, trying again on transient failures, from the start each time.
///
/// # Errors
/// Nothing is there, it has more than `limit` bytes, the last try failed, or the disk refuses.
/// On an error there is no file.
pub async fn download(client: &Client, url: &str, to: &Path, limit: u64) -> Result<Downloaded, FetchError> {
    let url = parse(url)?;
    if url.scheme() == "file" {
        return copy(&url, to, limit).await;
    }
    let mut retry = Retry::new(client);
    let result = loop {
        match stream(client, &url, to, limit).await {
            Err(error) if retry.again(&error) => retry.wait().await,
            result => break result,
        }
    };
    if result.is_err() {
        // The failure that is reported is the first one; a file that is not there is none.
        let _ = tokio::fs::remove_file(to).await;
    }
    result
}

/// Fetches a short text of at most `limit` bytes, with the same retries.
///
/// # Errors
/// As [`download`]; bytes that are not UTF-8 count as unreadable.
pub async fn text(client: &Client, url: &str, limit: u64) -> Result<String, FetchError> {
    let read = bytes(client, url, limit).await?;
    utf8(&parse(url)?, read)
}

/// Fetches at most `limit` bytes, with the same retries.
///
/// # Errors
/// As [`download`].
pub async fn bytes(client: &Client, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let url = parse(url)?;
    if url.scheme() == "file" {
        return read_file(&url, limit).await;
    }
    let mut retry = Retry::new(client);
    loop {
        match collect(client, &url, limit).await {
            Err(error) if retry.again(&error) => retry.wait().await,
            result => return result,
        }
    }
}

fn utf8(url: &Url, bytes: Vec<u8>) -> Result<String, FetchError> {
    String::from_utf8(bytes).map_err(|_| unreachable(url, "it is not UTF-8 text"))
}

/// A URL for people: without user name and password.
pub fn redacted(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "(not a URL)".into(), |url| shown(&url))
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Fails for URLs that cannot have either, which is as good.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn parse(url: &str) -> Result<Url, FetchError> {
    match Url::parse(url) {
        Ok(url) if ["http", "https", "file"].contains(&url.scheme()) => Ok(url),
        _ => Err(FetchError::BadUrl { url: redacted(url) }),
    }
}

fn unreachable(url: &Url, why: impl Into<String>) -> FetchError {
    FetchError::Unreachable {
        url: shown(url),
        why: why.into(),
    }
}

/// How often, and after how long, a transient failure is tried again.
struct Retry {
    wait: Duration,
    left: u32,
}

impl Retry {
    fn new(client: &Client) -> Self {
        Retry {
            wait: client.limits.first_wait,
            left: client.limits.tries.max(1),
        }
    }

    fn again(&mut self, error: &FetchError) -> bool {
        self.left -= 1;
        let again = error.is_transient() && self.left > 0;
        if again {
            tracing::debug!(%error, wait = ?self.wait, "trying again");
        }
        again
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }
}

/// Longer than this nobody believes that something still happens.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

async fn get(client: &Client, url: &Url, limit: u64) -> Result<Response, FetchError> {
    let response = client
        .http
        .get(url.clone())
        .send()
        .await
        .map_err(|error| unreachable(url, innermost(&error)))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::NotFound { url: shown(url) }),
        status => {
            return Err(FetchError::Status {
                url: shown(url),
                status: status.as_u16(),
            });
        }
    }
    match response.content_length() {
        Some(size) if size > limit => Err(too_large(url, limit)),
        _ => Ok(response),
    }
}

fn too_large(url: &Url, limit: u64) -> FetchError {
    FetchError::TooLarge {
        url: shown(url),
        limit,
    }
}

async fn stream(client: &Client, url: &Url, to: &Path, limit: u64) -> Result<Downloaded, FetchError> {
    let mut response = get(client, url, limit).await?;
    let mut file = tokio::fs::File::create(to)
        .await
        .map_err(FetchError::disk(to, "written"))?;
    let (mut hasher, mut size) = (Sha256::new(), 0u64);
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(url, innermost(&error)))?
    {
        size = size.saturating_add(chunk.len() as u64);
        if size > limit {
            return Err(too_large(url, limit));
        }
        hasher.update(&chunk);
        file.write_all(&chunk)
            .await
            .map_err(FetchError::disk(to, "written"))?;
    }
    file.flush().await.map_err(FetchError::disk(to, "written"))?;
    Ok(Downloaded {
        size,
        sha256: hasher.finalize().into(),
    })
}

async fn collect(client: &Client, url: &Url, limit: u64) -> Result<Vec<u8>, FetchError> {
    let mut response = get(client, url, limit).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(url, innermost(&error)))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > limit {
            return Err(too_large(url, limit));
        }
    }
    Ok(bytes)
}

async fn copy(url: &Url, to: &Path, limit: u64) -> Result<Downloaded, FetchError> {
    let bytes = read_file(url, limit).await?;
    tokio::fs::write(to, &bytes)
        .await
        .map_err(FetchError::disk(to, "written"))?;
    Ok(Downloaded {
        size: bytes.len() as u64,
        sha256: Sha256::digest(&bytes).into(),
    })
}

async fn read_file(url: &Url, limit: u64) -> Result<Vec<u8>, FetchError> {
    let path = url
        .to_file_path()
        .map_err(|()| FetchError::BadUrl { url: shown(url) })?;
    let size = match tokio::fs::metadata(&path).await {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FetchError::NotFound { url: shown(url) });
        }
        Err(error) => return Err(FetchError::disk(&path, "read")(error)),
    };
    if size > limit {
        return Err(too_large(url, limit));
    }
    tokio::fs::read(&path)
        .await
        .map_err(FetchError::disk(&path, "read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer, Server, client};

    const LIMIT: u64 = 1000;

    async fn fetch(server: &Server) -> (Result<Downloaded, FetchError>, Option<Vec<u8>>) {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("file");
        let result = download(&client(), &server.url("/file"), &to, LIMIT).await;
        (result, std::fs::read(to).ok())
    }

    /// The message of the error that answers lead to, with the number of requests; there is no file after it.
    async fn failure(answers: &[Answer]) -> (String, usize) {
        let server = Server::start(answers);
        let (result, file) = fetch(&server).await;
        assert_eq!(file, None, "a failed download left a file");
        (
            result
                .unwrap_err()
                .to_string()
                .replace(&server.url(""), "http://server"),
            server.requests(),
        )
    }

    #[tokio::test]
    async fn a_file_comes_with_size_and_hash() {
        let server = Server::start(&[Answer::ok("content")]);
        let (result, file) = fetch(&server).await;
        assert_eq!(
            result.unwrap(),
            Downloaded {
                size: 7,
                sha256: Sha256::digest("content").into()
            }
        );
        assert_eq!(file.as_deref(), Some(&b"content"[..]));
    }

    #[tokio::test]
    async fn trouble_and_broken_answers_are_tried_again() {
        let answers = [
            Answer::status(500),
            Answer::truncated("cont"),
            Answer::status(429),
            Answer::ok("content"),
        ];
        let server = Server::start(&answers);
        let (result, file) = fetch(&server).await;
        assert_eq!(
            (result.unwrap().size, file.as_deref()),
            (7, Some(&b"content"[..]))
        );
        assert_eq!(server.requests(), 4);
    }

    #[tokio::test]
    async fn what_is_not_there_is_asked_for_once() {
        assert_eq!(
            failure(&[Answer::status(404)]).await,
            ("there is nothing at http://server/file".into(), 1)
        );
        assert_eq!(
            failure(&[Answer::status(403)]).await,
            ("http://server/file answered with status 403".into(), 1)
        );
    }

    #[tokio::test]
    async fn at_last_it_gives_up() {
        let (message, requests) = failure(&vec![Answer::status(503); 9]).await;
        assert_eq!(
            (message.as_str(), requests),
            ("http://server/file answered with status 503", 4)
        );
        let (message, requests) = failure(&vec![Answer::truncated("cont"); 9]).await;
        assert!(
            message.starts_with("http://server/file cannot be read: "),
            "{message}"
        );
        assert_eq!(requests, 4);
    }

    #[tokio::test]
    async fn a_file_beyond_the_limit_is_refused_announced_or_not() {
        let long = "x".repeat(1001);
        let message = "http://server/file is larger than the 1000 bytes that it may have".to_owned();
        assert_eq!(failure(&[Answer::ok(&long)]).await, (message.clone(), 1));
        assert_eq!(failure(&[Answer::without_length(&long)]).await, (message, 1));
    }

    #[tokio::test]
    async fn redirects_are_followed_but_not_for_ever() {
        let server = Server::start(&[Answer::redirect("/other"), Answer::ok("content")]);
        assert_eq!(fetch(&server).await.0.unwrap().size, 7);
        let (message, requests) = failure(&vec![Answer::redirect("/file"); 60]).await;
        assert_eq!(
            message,
            "http://server/file cannot be read: it redirects more than five times"
        );
        assert_eq!(requests, 6 * 4, "the first and five more, in each of four tries");
    }

    #[tokio::test]
    async fn files_and_bad_urls() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        std::fs::write(&from, "content").unwrap();
        let url = Url::from_file_path(&from).unwrap().to_string();
        assert_eq!(text(&client(), &url, 7).await.unwrap(), "content");
        assert_eq!(
            download(&client(), &url, &dir.path().join("to"), 7)
                .await
                .unwrap()
                .size,
            7
        );
        assert!(matches!(
            text(&client(), &url, 6).await,
            Err(FetchError::TooLarge { .. })
        ));
        assert!(matches!(
            text(&client(), &format!("{url}x"), 6).await,
            Err(FetchError::NotFound { .. })
        ));
        let message = text(&client(), "ftp://me:secret@host/x", 9)
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "`ftp://host/x` is not a URL of the form https://…, http://… or file:///…"
        );
    }

    #[tokio::test]
    async fn an_address_without_a_server_is_unreachable() {
        let server = Server::start(&[]);
        let url = server.url("/file");
        drop(server);
        let error = text(&client(), &url, 9).await.unwrap_err();
        assert!(error.to_string().contains("Connection refused"), "{error}");
    }
}
