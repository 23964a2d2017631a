//! The one HTTP client: how it trusts, how long it waits, how often it asks.

use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};

use crate::error::{FetchError, innermost};

/// What is waited for, and how often things are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a server may send nothing.
    pub stall: Duration,
    /// How often a transient failure is tried, the first time included.
    pub tries: u32,
    /// How long to wait before the second try; doubled for each further one.
    pub first_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits {
            connect: seconds(10),
            stall: seconds(30),
            tries: 4,
            first_wait: Duration::from_millis(500),
        }
    }
}

/// Fetches over HTTP. Cheap to clone; proxies are those of the user's environment.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) limits: Limits,
}

impl Client {
    /// A client with these limits; trusts what the operating system trusts.
    ///
    /// # Errors
    /// When the system's certificates or proxy settings cannot be read.
    pub fn new(limits: Limits) -> Result<Client, FetchError> {
        Client::build(reqwest::Client::builder(), limits)
    }

    /// A client for addresses that build files name: it follows redirects to encrypted connections only,
    /// and to this machine.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn guarded(limits: Limits) -> Result<Client, FetchError> {
        Client::with(reqwest::Client::builder(), limits, Policy::custom(follow_guarded))
    }

    pub(crate) fn build(builder: reqwest::ClientBuilder, limits: Limits) -> Result<Client, FetchError> {
        Client::with(builder, limits, Policy::custom(follow))
    }

    fn with(
        builder: reqwest::ClientBuilder,
        limits: Limits,
        redirects: Policy,
    ) -> Result<Client, FetchError> {
        install_crypto();
        let http = builder
            .user_agent(concat!("lambuild/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .read_timeout(limits.stall)
            .redirect(redirects)
            .build()
            .map_err(|error| FetchError::Client {
                why: innermost(&error),
            })?;
        Ok(Client { http, limits })
    }
}

/// As many redirects as are followed.
const MOST_REDIRECTS: usize = 5;

/// The process has one provider of cryptography; whoever came first, ours or another's, is as good.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// As [`follow`], and never to a plain connection that leaves this machine.
fn follow_guarded(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let url = attempt.url();
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() != "https" && !here {
        return attempt.error("it redirects to a connection that is not encrypted");
    }
    follow(attempt)
}

/// A redirect never leads from an encrypted connection to a plain one, and more than five of them are a circle.
/// Credentials do not follow to another host; that is the library's doing.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_encrypted = attempt
        .previous()
        .last()
        .is_some_and(|url| url.scheme() == "https");
    if was_encrypted && attempt.url().scheme() != "https" {
        return attempt.error("it redirects from https to a connection that is not encrypted");
    }
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("it redirects more than five times");
    }
    attempt.follow()
}
