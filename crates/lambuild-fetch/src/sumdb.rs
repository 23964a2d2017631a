//! What the checksum database says a module's hash is. The signature of its
//! answer is not checked yet: over TLS, and compared with what a lock recorded
//! on first use, it is as good as that first use.

use crate::client::Client;
use crate::download::text;
use crate::error::FetchError;
use crate::goproxy::GoProxy;
use crate::toolchain::GO_DOMAIN;

/// A checksum database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumDatabase {
    /// Its name, under which proxies mirror it.
    pub name: String,
    /// Its own URL, without a slash at the end.
    pub url: String,
}

impl Default for SumDatabase {
    /// The one that Go uses where `GOSUMDB` is not set. Source: `go help module-auth`.
    fn default() -> Self {
        let name = format!("sum.{GO_DOMAIN}");
        SumDatabase {
            url: format!("https://{name}"),
            name,
        }
    }
}

/// Answers are a few hundred bytes.
const LIMIT: u64 = 64 * 1024;

impl SumDatabase {
    /// The `h1:` hash of a module's archive, from the first proxy that mirrors the database, else from itself.
    ///
    /// `module` and `version` must be free of upper-case letters, which the protocol escapes.
    ///
    /// # Errors
    /// Nobody answers, or the answer has no hash of this module.
    pub async fn lookup(
        &self,
        client: &Client,
        proxies: &GoProxy,
        module: &str,
        version: &str,
    ) -> Result<String, FetchError> {
        let mut bases: Vec<String> = proxies
            .urls()
            .map(|url| format!("{url}/sumdb/{}", self.name))
            .collect();
        bases.push(self.url.clone());
        let mut why = String::new();
        for base in bases {
            match text(client, &format!("{base}/lookup/{module}@{version}"), LIMIT).await {
                Ok(answer) => match find(&answer, module, version) {
                    Some(hash) => return Ok(hash),
                    None => {
                        why = format!(
                            "the answer from {} has no line of it",
                            crate::download::redacted(&base)
                        )
                    }
                },
                Err(error) => why = error.to_string(),
            }
        }
        Err(FetchError::NoSum {
            database: self.name.clone(),
            module: format!("{module}@{version}"),
            why,
        })
    }
}

/// The answer is a record number, lines as in `go.sum`, an empty line and a signed tree.
fn find(answer: &str, module: &str, version: &str) -> Option<String> {
    let mut lines = answer.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let mut words = line.split(' ');
        let ours = words.next() == Some(module) && words.next() == Some(version);
        words
            .next()
            .filter(|hash| ours && hash.starts_with("h1:"))
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::test_server::{Answer, Server, client};

    const ANSWER: &str = "123\nm.test/a v1.0.0 h1:zip=\nm.test/a v1.0.0/go.mod h1:mod=\n\ngo.sum database tree\n\
        m.test/a v1.0.0 h1:no=\n";

    fn paths(entries: &[(&str, &str)]) -> Server {
        let answers = entries
            .iter()
            .map(|(path, body)| ((*path).to_owned(), Answer::ok(body)));
        Server::by_path(answers.collect::<BTreeMap<_, _>>())
    }

    async fn lookup(server: &Server) -> Result<String, String> {
        let database = SumDatabase {
            name: "sum.test".into(),
            url: server.url("/own"),
        };
        let proxies = GoProxy::parse(&server.url("/proxy")).unwrap();
        let result = database.lookup(&client(), &proxies, "m.test/a", "v1.0.0").await;
        result.map_err(|error| error.to_string().replace(&server.url(""), "http://server"))
    }

    #[tokio::test]
    async fn a_proxy_answers_for_the_database_or_it_answers_itself() {
        let mirrored = paths(&[("/proxy/sumdb/sum.test/lookup/m.test/a@v1.0.0", ANSWER)]);
        assert_eq!(lookup(&mirrored).await.as_deref(), Ok("h1:zip="));
        assert_eq!(
            lookup(&paths(&[("/own/lookup/m.test/a@v1.0.0", ANSWER)]))
                .await
                .as_deref(),
            Ok("h1:zip=")
        );
    }

    #[tokio::test]
    async fn an_unknown_module_is_no_success() {
        assert_eq!(
            lookup(&paths(&[])).await.unwrap_err(),
            "the checksum database sum.test does not know m.test/a@v1.0.0: there is nothing at \
             http://server/own/lookup/m.test/a@v1.0.0"
        );
        let other = ANSWER.replace("v1.0.0", "v1.0.1");
        assert_eq!(
            lookup(&paths(&[("/own/lookup/m.test/a@v1.0.0", &other)]))
                .await
                .unwrap_err(),
            "the checksum database sum.test does not know m.test/a@v1.0.0: the answer from http://server/own has no \
             line of it"
        );
    }
}
