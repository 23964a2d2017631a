//! Reading a large file and hashing it at the same time. Decides how the work is cut;
//! knows nothing of what the bytes are for.
//!
//! A file is read, never mapped: a file of the workspace may be cut while it is mapped, and
//! that would end the program.

use lambuild_digest::{Digest, DigestFunction};
use std::fs::File;
use std::io::{self, Read};

/// Large enough to share out among threads, small enough for two of them to stay in a processor's cache.
pub const PIECE: usize = 1 << 20;

/// The digest of what is left to read of `file`. Each piece also goes to `keep`, in order;
/// all but the last are of [`PIECE`] bytes.
///
/// # Errors
/// The system's, from reading, and what `keep` answers.
pub fn read_and_hash<E: From<io::Error> + Send>(
    function: DigestFunction,
    file: &mut File,
    mut keep: impl FnMut(&[u8]) -> Result<(), E> + Send,
) -> Result<Digest, E> {
    let mut hasher = function.hasher();
    let mut here = Vec::with_capacity(PIECE);
    let mut next = Vec::with_capacity(PIECE);
    fill(file, &mut here)?;
    while !here.is_empty() {
        let (hashed, filled) = rayon::join(
            || {
                hasher.update_parallel(&here);
                keep(&here)
            },
            || fill(file, &mut next),
        );
        hashed?;
        filled?;
        std::mem::swap(&mut here, &mut next);
    }
    Ok(hasher.finish())
}

fn fill(file: &mut File, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    file.take(PIECE as u64).read_to_end(buffer).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    #[test]
    fn it_is_the_digest_of_all_bytes_whatever_their_number() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            for function in [DigestFunction::Blake3, DigestFunction::Sha256] {
                file.rewind().unwrap();
                let mut kept = Vec::new();
                let digest = read_and_hash(function, &mut file, |piece| {
                    kept.extend_from_slice(piece);
                    io::Result::Ok(())
                });
                assert_eq!(digest.unwrap(), function.digest(&bytes), "{size}");
                assert_eq!(kept, bytes);
            }
        }
    }
}
