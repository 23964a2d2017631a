//! Archives that strangers made, read strictly: what two readers could understand in two ways, or
//! what would not stay where it is unpacked, is refused. Knows no disk: an archive is bytes, and
//! what is in it is handed on entry by entry.

mod limits;
mod names;
mod tar;
mod zip;

pub use limits::Limits;

use lambuild_digest::RelPath;

/// One thing in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A folder of its own; those that paths imply are not told.
    Folder,
    /// A regular file. Of its mode only this remains.
    File {
        /// Whether anybody may execute it.
        executable: bool,
        /// What is in it.
        content: Vec<u8>,
    },
    /// A symbolic link that leads to something in the archive.
    Link {
        /// As written.
        target: String,
    },
    /// A second name of a file that came before.
    Again {
        /// The file.
        of: RelPath,
    },
}

/// Why an archive is refused, or why what was read could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError<E> {
    /// The archive is refused; a sentence that names the entry.
    #[error("{0}")]
    Refused(String),
    /// Whoever takes the entries failed.
    #[error(transparent)]
    Taker(E),
}

/// What a file of this kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// ZIP.
    Zip,
    /// A tar, not compressed.
    Tar,
    /// A tar in gzip.
    TarGz,
}

/// What an archive is, by its first bytes.
///
/// # Errors
/// A sentence, for what is none that this version reads.
pub fn form(bytes: &[u8]) -> Result<Form, String> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let known = if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        Form::Zip
    } else if begins(b"\x1f\x8b") {
        Form::TarGz
    } else if bytes.get(257..262) == Some(b"ustar") {
        Form::Tar
    } else {
        let other = [
            (&b"\xfd7zXZ\0"[..], "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"BZh", "bzip2"),
            (b"7z\xbc\xaf", "7z"),
        ];
        let named = other.iter().find(|(magic, _)| begins(magic));
        return Err(match named {
            Some((_, name)) => {
                format!("it is compressed with {name}, and only zip, tar and tar.gz can be unpacked")
            }
            None => "it is neither a zip nor a tar nor a tar.gz".to_owned(),
        });
    };
    Ok(known)
}

/// Reads a whole archive of any [`Form`] and hands each entry to `take`, in the archive's order. Takes it back by an error
/// as soon as something is wrong, so `take` must put things where nobody finds them before the end.
///
/// # Errors
/// [`ArchiveError::Refused`], and what `take` answers.
pub fn read<E>(
    bytes: &[u8],
    limits: &Limits,
    take: &mut dyn FnMut(&RelPath, Item) -> Result<(), E>,
) -> Result<(), ArchiveError<E>> {
    match form(bytes).map_err(ArchiveError::Refused)? {
        Form::Zip => zip::read(bytes, limits, take),
        Form::Tar => tar::read(bytes, limits, take),
        Form::TarGz => {
            let inner = gunzip(bytes, limits).map_err(ArchiveError::Refused)?;
            tar::read(&inner, limits, take)
        }
    }
}

/// The one stream of a gzip file, with nothing behind it.
///
/// # Errors
/// A sentence, for what is damaged, too large or has something behind it.
pub fn gunzip(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut decoder = flate2::bufread::GzDecoder::new(bytes);
    let mut inner = Vec::new();
    let most = limits.unpacked(bytes.len() as u64);
    let read = (&mut decoder).take(most + 1).read_to_end(&mut inner);
    read.map_err(|error| format!("its gzip stream is damaged: {error}"))?;
    if inner.len() as u64 > most {
        return Err(format!("it unpacks to more than {most} bytes"));
    }
    match decoder.into_inner() {
        [] => Ok(inner),
        _ => Err("there are bytes behind its gzip stream".to_owned()),
    }
}

#[cfg(test)]
mod tests;
