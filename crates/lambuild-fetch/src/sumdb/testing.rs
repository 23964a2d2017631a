//! A small checksum database for tests: a log of records, signed, that answers lookups and tiles.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::SumDatabase;
use super::note::{ALGORITHM, key_hash};
use super::tree::{Hash, leaf, node, path};
use crate::test_server::{Answer, Server};

/// The database: one record that matters among others.
#[derive(Debug, Clone)]
pub struct Database {
    seed: [u8; 32],
    name: String,
    leaves: Vec<Hash>,
    place: usize,
    record: String,
}

impl Database {
    /// A database with so many other records, and this one at a place among them.
    pub fn new(name: &str, others: usize, place: usize, record: &str) -> Database {
        Database::with_seed([1; 32], name, others, place, record)
    }

    /// The same with another private key.
    pub fn with_seed(seed: [u8; 32], name: &str, others: usize, place: usize, record: &str) -> Database {
        let mut leaves: Vec<Hash> = (0..others)
            .map(|number| leaf(&format!("other {number}\n")))
            .collect();
        leaves.insert(place, leaf(record));
        Database {
            seed,
            name: name.into(),
            leaves,
            place,
            record: record.into(),
        }
    }

    /// The same tree, but another record is answered.
    pub fn answering(mut self, record: &str) -> Database {
        self.record = record.into();
        self
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap()
    }

    /// The database as a client's settings name it.
    pub fn known_as(&self, url: &str) -> SumDatabase {
        let pair = self.pair();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let hash = u32::from_be_bytes(key_hash(&self.name, &public));
        let key = STANDARD.encode([&[ALGORITHM][..], &public].concat());
        let value = format!("{}+{hash:08x}+{key} {url}", self.name);
        SumDatabase::parse(&value).unwrap().unwrap()
    }

    fn answer(&self) -> String {
        let size = self.leaves.len();
        let text = format!(
            "go.sum database tree\n{size}\n{}\n",
            STANDARD.encode(root(&self.leaves))
        );
        let pair = self.pair();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let signature = [
            &key_hash(&self.name, &public)[..],
            pair.sign(text.as_bytes()).as_ref(),
        ]
        .concat();
        let signature = STANDARD.encode(signature);
        format!(
            "{}\n{}\n{text}\n\u{2014} {} {signature}\n",
            self.place, self.record, self.name
        )
    }

    /// The answers below a folder of a server.
    pub fn answers(&self, folder: &str) -> BTreeMap<String, Answer> {
        let mut answers = BTreeMap::new();
        let mut words = self.record.split(' ');
        let (module, version) = (words.next().unwrap(), words.next().unwrap());
        let version = version.trim_end_matches("/go.mod");
        answers.insert(
            format!("{folder}/lookup/{module}@{version}"),
            Answer::ok(self.answer()),
        );
        let mut tier = 0;
        let mut hashes = self.leaves.clone();
        while !hashes.is_empty() {
            for (index, tile) in hashes.chunks(256).enumerate() {
                let name = path(tier, index as u64, tile.len() as u64);
                answers.insert(format!("{folder}/{name}"), Answer::ok(tile.concat()));
            }
            hashes = hashes.chunks_exact(256).map(root).collect();
            tier += 1;
        }
        answers
    }

    /// A server with nothing but this database, in a folder.
    pub fn serve(&self, folder: &str) -> Server {
        Server::by_path(self.answers(folder))
    }
}

/// RFC 6962's definition, word by word.
fn root(leaves: &[Hash]) -> Hash {
    if let [one] = leaves {
        return *one;
    }
    let mut split = 1;
    while split * 2 < leaves.len() {
        split *= 2;
    }
    node(&root(&leaves[..split]), &root(&leaves[split..]))
}
