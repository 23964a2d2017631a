//! What the checksum database says a module's hash is, and that it is the database which says
//! it: the tree that it signed holds the record. Does not remember trees from run to run, so a
//! database that shows two people different trees is not found out.

use crate::client::Client;
use crate::download::{redacted, text};
use crate::error::FetchError;
use crate::goproxy::GoProxy;
use crate::toolchain::GO_DOMAIN;

pub mod note;
pub mod tree;

#[cfg(test)]
pub mod testing;

use note::Key;
use tree::Tree;

/// A checksum database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumDatabase {
    /// Its own URL, without a slash at the end.
    pub url: String,
    key: Key,
}

/// The key of Go's own database. Source: `knownGOSUMDB` of Go 1.26.
fn default_key() -> String {
    format!("sum.{GO_DOMAIN}+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
}

/// Answers are a few hundred bytes, a tile has 8 KiB.
const LIMIT: u64 = 64 * 1024;

impl SumDatabase {
    /// The database that the user's settings name: `gosumdb` is the value of `GOSUMDB`, empty for Go's
    /// default. `None` when it is `off`.
    ///
    /// # Errors
    /// A value that is neither a known name nor a key.
    pub fn parse(gosumdb: &str) -> Result<Option<SumDatabase>, FetchError> {
        let value = gosumdb.trim();
        let (named, url) = value
            .split_once(' ')
            .map_or((value, None), |(key, url)| (key, Some(url.trim())));
        let default = format!("sum.{GO_DOMAIN}");
        let (text, known_url) = match named {
            "off" => return Ok(None),
            "" => (default_key(), None),
            name if name == default => (default_key(), None),
            // The same database under an address that can be reached from China. Source: as above.
            name if name == CHINA => (default_key(), Some(format!("https://{CHINA}"))),
            key => (key.to_owned(), None),
        };
        let key = Key::parse(&text).ok_or_else(|| FetchError::BadSumDatabase {
            value: value.to_owned(),
        })?;
        let url = url.map(str::to_owned).or(known_url);
        let url = url.unwrap_or_else(|| format!("https://{}", key.name()));
        Ok(Some(SumDatabase {
            url: url.trim_end_matches('/').to_owned(),
            key,
        }))
    }

    /// Its name, under which proxies mirror it.
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// The `h1:` hash of a module's archive, from the first proxy that mirrors the database, else from itself.
    ///
    /// `module` and `version` must be free of upper-case letters, which the protocol escapes.
    ///
    /// # Errors
    /// Nobody answers, the answer has no hash of this module, or it is not the database's.
    pub async fn lookup(
        &self,
        client: &Client,
        proxies: &GoProxy,
        module: &str,
        version: &str,
    ) -> Result<String, FetchError> {
        let mut bases: Vec<String> = proxies
            .urls()
            .map(|url| format!("{url}/sumdb/{}", self.name()))
            .collect();
        bases.push(self.url.clone());
        let mut why = String::new();
        for base in bases {
            match self.ask(client, &base, module, version).await {
                Ok(hash) => return Ok(hash),
                Err(said) => why = said,
            }
        }
        Err(FetchError::NoSum {
            database: self.name().to_owned(),
            module: format!("{module}@{version}"),
            why,
        })
    }

    async fn ask(&self, client: &Client, base: &str, module: &str, version: &str) -> Result<String, String> {
        let shown = redacted(base);
        let answer = text(client, &format!("{base}/lookup/{module}@{version}"), LIMIT)
            .await
            .map_err(|error| error.to_string())?;
        let answer =
            Answer::parse(&answer).ok_or_else(|| format!("the answer from {shown} cannot be read"))?;
        let signed = self
            .key
            .open(answer.note)
            .ok_or_else(|| format!("the answer from {shown} is not signed with its key"))?;
        let tree = Tree::parse(signed).ok_or_else(|| format!("the answer from {shown} has no tree"))?;
        tree.holds(client, base, answer.number, answer.record)
            .await
            .map_err(|why| format!("the answer from {shown} is not what the database has: {why}"))?;
        find(answer.record, module, version)
            .ok_or_else(|| format!("the answer from {shown} has no line of it"))
    }
}

const CHINA: &str = "sum.golang.google.cn";

/// What a lookup answers: the number of the record, its lines (as in `go.sum`), an empty line and a signed tree.
struct Answer<'a> {
    number: u64,
    /// With the newline at its end.
    record: &'a str,
    note: &'a str,
}

impl<'a> Answer<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (number, rest) = text.split_once('\n')?;
        let end = rest.find("\n\n")?;
        Some(Answer {
            number: number.parse().ok()?,
            record: rest.get(..end + 1)?,
            note: rest.get(end + 2..)?,
        })
    }
}

fn find(record: &str, module: &str, version: &str) -> Option<String> {
    record.lines().find_map(|line| {
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
    use super::testing::Database;
    use super::*;
    use crate::test_server::client;

    const RECORD: &str = "m.test/a v1.0.0 h1:zip=\nm.test/a v1.0.0/go.mod h1:mod=\n";

    /// What is answered when `database` is asked, whose answers are those of `served`, under `folder`.
    async fn lookup_at(
        folder: &str,
        database: &Database,
        served: &Database,
        version: &str,
    ) -> Result<String, String> {
        let server = served.serve(folder);
        let asked = database.known_as(&server.url("/own"));
        let proxies = GoProxy::parse(&server.url("/proxy")).unwrap();
        let result = asked.lookup(&client(), &proxies, "m.test/a", version).await;
        result.map_err(|error| error.to_string().replace(&server.url(""), "http://server"))
    }

    #[tokio::test]
    async fn a_record_is_found_at_any_place_of_a_tree_of_any_size() {
        for (others, place) in [
            (0, 0),
            (1, 0),
            (1, 1),
            (6, 3),
            (255, 255),
            (256, 0),
            (256, 256),
            (700, 411),
        ] {
            let database = Database::new("sum.test", others, place, RECORD);
            for folder in ["/own", "/proxy/sumdb/sum.test"] {
                let found = lookup_at(folder, &database, &database, "v1.0.0").await;
                assert_eq!(found.as_deref(), Ok("h1:zip="), "{others} {place} {folder}");
            }
        }
    }

    #[tokio::test]
    async fn what_the_database_did_not_say_is_no_answer() {
        let database = Database::new("sum.test", 300, 7, RECORD);
        let other_key = Database::with_seed([9; 32], "sum.test", 300, 7, RECORD);
        assert_eq!(
            lookup_at("/own", &database, &other_key, "v1.0.0")
                .await
                .unwrap_err(),
            "the checksum database sum.test does not know m.test/a@v1.0.0: the answer from http://server/own is not \
             signed with its key"
        );
        let forged = database.clone().answering(&RECORD.replace("zip", "evil"));
        let said = lookup_at("/own", &database, &forged, "v1.0.0").await.unwrap_err();
        assert_eq!(
            said,
            "the checksum database sum.test does not know m.test/a@v1.0.0: the answer from http://server/own is not \
             what the database has: the tree that it signed does not hold the record"
        );
    }

    #[tokio::test]
    async fn an_unknown_module_is_no_success() {
        let database = Database::new("sum.test", 3, 1, RECORD);
        let said = lookup_at("/own", &database, &database, "v1.0.1")
            .await
            .unwrap_err();
        assert!(
            said.ends_with("there is nothing at http://server/own/lookup/m.test/a@v1.0.1"),
            "{said}"
        );
        let other = Database::new("sum.test", 3, 1, "m.test/a v1.0.0/go.mod h1:x=\n");
        let said = lookup_at("/own", &other, &other, "v1.0.0").await.unwrap_err();
        assert!(
            said.ends_with("the answer from http://server/own has no line of it"),
            "{said}"
        );
    }

    #[test]
    fn settings_name_a_database_or_none() {
        let parse = |value: &str| SumDatabase::parse(value);
        assert_eq!(parse("off").unwrap(), None);
        let go = parse("").unwrap().unwrap();
        let name = format!("sum.{GO_DOMAIN}");
        assert_eq!(go.name(), name);
        assert_eq!(parse(&name).unwrap(), Some(go.clone()));
        let china = parse(CHINA).unwrap().unwrap();
        assert_eq!(
            (china.name(), china.url.as_str()),
            (go.name(), "https://sum.golang.google.cn")
        );
        let own = parse(&format!("{} https://sums.example.com/", default_key()))
            .unwrap()
            .unwrap();
        assert_eq!(own.url, "https://sums.example.com");
        assert_eq!(
            parse("sum.example.com").unwrap_err().to_string(),
            "GOSUMDB is `sum.example.com`, which is neither `off`, nor a database that Go knows, nor a key of the form \
             name+hash+key"
        );
    }
}
