//! What others want to know of a zip without its bytes: sizes and the hash
//! that Lambda shows. Knows no layout.

use crate::zip::{ZipError, entries};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The figures of one zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes of the zip.
    pub size: u64,
    /// Bytes of all members, unpacked: what counts for Lambda's limit of 250 MB.
    pub unzipped: u64,
    /// How many files and links.
    pub entries: u64,
    /// SHA-256 of the zip in base64, as Lambda's `CodeSha256`.
    pub code_sha256: String,
}

impl Facts {
    /// Reads them off the bytes of a zip.
    ///
    /// # Errors
    /// When the bytes are no zip.
    pub fn of(zip: &[u8]) -> Result<Facts, ZipError> {
        let entries = entries(zip)?;
        Ok(Facts {
            size: zip.len() as u64,
            unzipped: entries
                .iter()
                .fold(0, |sum, entry| sum.saturating_add(entry.size)),
            entries: entries.len() as u64,
            code_sha256: STANDARD.encode(Sha256::digest(zip)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zip::{Member, MemberKind, assemble, compress};
    use lambuild_digest::RelPath;

    #[test]
    fn facts_are_what_the_bytes_say() {
        let content = compress(&[b'x'; 5000]);
        let kind = MemberKind::File {
            executable: true,
            content,
        };
        let zip = assemble(&[Member {
            path: RelPath::new("bootstrap").unwrap(),
            kind,
        }])
        .unwrap();
        let facts = Facts::of(&zip).unwrap();
        assert_eq!(
            (facts.size, facts.unzipped, facts.entries),
            (zip.len() as u64, 5000, 1)
        );
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), facts);
    }

    #[test]
    fn what_is_no_zip_is_refused() {
        insta::assert_snapshot!(Facts::of(b"PK, but no more").unwrap_err(), @"the zip cannot be read: invalid Zip archive: Could not find EOCD");
    }
}
