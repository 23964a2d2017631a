//! Signed notes: a text is the signer's if one of the signatures below it is made with the
//! signer's key. Knows Ed25519 signatures alone, the only ones that checksum databases make.
//! Source: package `golang.org/x/mod/sumdb/note`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

/// The number of Ed25519 among the kinds of keys.
pub(crate) const ALGORITHM: u8 = 1;

/// The public key of a signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    hash: [u8; 4],
    public: [u8; 32],
}

impl Key {
    /// Reads `name+hash+key`; `None` for a text that is none, and where the hash is not that of the key.
    pub fn parse(text: &str) -> Option<Key> {
        let mut parts = text.splitn(3, '+');
        let (name, hash, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = STANDARD.decode(key).ok()?;
        let public: [u8; 32] = key.strip_prefix(&[ALGORITHM])?.try_into().ok()?;
        let known = key_hash(name, &public);
        let written = u32::from_str_radix(hash, 16).ok()?.to_be_bytes();
        let sound = !name.is_empty() && hash.len() == 8 && written == known;
        sound.then(|| Key {
            name: name.to_owned(),
            hash: known,
            public,
        })
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note that this key signed.
    pub fn open<'a>(&self, note: &'a str) -> Option<&'a str> {
        let end = note.rfind("\n\n")?;
        let (text, signatures) = (note.get(..end + 1)?, note.get(end + 2..)?);
        let ours = format!("\u{2014} {} ", self.name);
        let mut made = signatures.lines().filter_map(|line| line.strip_prefix(&ours));
        made.any(|signature| self.verify(text, signature)).then_some(text)
    }

    fn verify(&self, text: &str, signature: &str) -> bool {
        let Ok(bytes) = STANDARD.decode(signature) else {
            return false;
        };
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        bytes
            .strip_prefix(&self.hash)
            .is_some_and(|signature| key.verify(text.as_bytes(), signature).is_ok())
    }
}

/// The first bytes of a hash over name, algorithm and key, by which a signature names its key.
pub(crate) fn key_hash(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ALGORITHM])
        .chain_update(public)
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the package's documentation.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_known_note_is_its_signers() {
        let key = Key::parse(KEY).unwrap();
        let text = key.open(NOTE).unwrap();
        assert!(text.ends_with("what your problem is.\n"));
        assert_eq!(key.open(&NOTE.replace("think", "thing")), None);
        assert_eq!(key.open(&NOTE.replace("PeterNeumann", "Other")), None);
        assert_eq!(key.open("no note"), None);
    }

    #[test]
    fn keys_that_are_none() {
        for text in [
            "",
            "a+b",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX",
            "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AQ==",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
