//! A digest: the name of a piece of content, and the functions that make one.

use std::fmt;
use std::str::FromStr;

/// A hash function that the Remote Execution API knows and lambuild uses.
///
/// A value, never assumed: some servers know only SHA-256, and then a whole
/// workspace is set to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DigestFunction {
    /// BLAKE3, 256 bits.
    #[default]
    Blake3,
    /// SHA-256.
    Sha256,
}

impl DigestFunction {
    /// REAPI's name in small letters, as in file and option names.
    pub fn name(self) -> &'static str {
        match self {
            DigestFunction::Blake3 => "blake3",
            DigestFunction::Sha256 => "sha256",
        }
    }

    /// The number of `build.bazel.remote.execution.v2.DigestFunction.Value`.
    pub fn reapi(self) -> u64 {
        match self {
            DigestFunction::Sha256 => 1,
            DigestFunction::Blake3 => 9,
        }
    }

    /// The digest of bytes that are at hand.
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// A hasher for bytes that come in pieces.
    pub fn hasher(self) -> Hasher {
        Hasher {
            size: 0,
            state: match self {
                DigestFunction::Blake3 => State::Blake3(Box::default()),
                DigestFunction::Sha256 => State::Sha256(sha2::Sha256::default()),
            },
        }
    }
}

/// Hashes content that comes in pieces; how it is cut makes no difference.
#[derive(Debug, Clone)]
pub struct Hasher {
    size: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Blake3(Box<blake3::Hasher>),
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        match &mut self.state {
            State::Blake3(hasher) => {
                hasher.update(bytes);
            }
            State::Sha256(hasher) => sha2::Digest::update(hasher, bytes),
        }
    }

    /// Adds the next piece with the help of idle threads, where the function allows that. Pays from
    /// some hundred kilobytes on.
    pub fn update_parallel(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Blake3(hasher) => {
                self.size += bytes.len() as u64;
                hasher.update_rayon(bytes);
            }
            State::Sha256(_) => self.update(bytes),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        let hash = match self.state {
            State::Blake3(hasher) => *hasher.finalize().as_bytes(),
            State::Sha256(hasher) => sha2::Digest::finalize(hasher).into(),
        };
        Digest {
            hash,
            size: self.size,
        }
    }
}

/// The name of a piece of content: its hash and its size, as in REAPI.
///
/// Which function made the hash is not part of it; a workspace uses one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    hash: [u8; 32],
    size: u64,
}

impl Digest {
    /// A digest from its parts.
    pub fn new(hash: [u8; 32], size: u64) -> Self {
        Digest { hash, size }
    }

    /// The 32 bytes of the hash.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The content's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash in 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.hash {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        text
    }

    /// Reads back [`Digest::hex`]; `None` for anything else, capitals included.
    pub fn from_hex(hex: &str, size: u64) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
        }
        Some(Digest { hash, size })
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// `hash/size`, REAPI's way of writing a digest in a resource name.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: 64 hexadecimal digits, `/`, a size in bytes")]
pub struct NotADigest(String);

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        text.split_once('/')
            .and_then(|(hex, size)| Digest::from_hex(hex, size.parse().ok()?))
            .ok_or_else(|| NotADigest(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The empty input's hashes as published with each function.
    #[test]
    fn known_vectors() {
        let blake3 = DigestFunction::Blake3.digest(b"");
        assert_eq!(
            blake3.hex(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
        let sha256 = DigestFunction::Sha256.digest(b"");
        assert_eq!(
            sha256.hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(sha256.size(), 0);
    }

    #[test]
    fn text_form_is_strict() {
        let digest = DigestFunction::Blake3.digest(b"x");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!(digest.hex().parse::<Digest>().is_err());
    }

    proptest! {
        #[test]
        fn cutting_the_input_makes_no_difference(bytes: Vec<u8>, cut in 0usize..100) {
            for function in [DigestFunction::Blake3, DigestFunction::Sha256] {
                let cut = cut.min(bytes.len());
                let mut hasher = function.hasher();
                hasher.update(&bytes[..cut]);
                hasher.update(&bytes[cut..]);
                prop_assert_eq!(hasher.finish(), function.digest(&bytes));
            }
        }
    }
}
