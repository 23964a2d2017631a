//! The bytes of a zip, as a function of its members and of nothing else.
//!
//! Knows no store and no disk. The container is written here and read back
//! through the `zip` crate. That crate has no call that takes an already
//! compressed member: one would write a one-member zip by hand and have it
//! copied, hence write every header anyway, and the bytes would then also hang
//! on each release of the crate. As the reader it is an independent judge.

mod compress;
mod read;
mod write;

pub use compress::{Compressed, Method, compress, compress_all};
pub use read::{Entry, entries};
pub use write::assemble;

use lambuild_digest::RelPath;

/// Version of the writer, part of the key of every zip action: raised when any
/// byte of any zip may change (this file, the headers, the compressor).
pub const VERSION: u32 = 1;

/// One file or link of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where it lies in the zip; never the root.
    pub path: RelPath,
    /// What it is.
    pub kind: MemberKind,
}

/// What a member is. There are no folders: readers make those of the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File {
        /// Mode 0755 instead of 0644; see [`crate::mode`] for who decides.
        executable: bool,
        /// What is in it.
        content: Compressed,
    },
    /// A symbolic link, kept as a link.
    Symlink {
        /// Where it points, as written; not empty.
        target: String,
    },
}

/// Why members do not make a zip, or bytes are not one that we would write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// No member at all.
    #[error("there is nothing to put into the zip, and Lambda takes no empty one: give it at least one file")]
    Empty,
    /// A member without a name.
    #[error("a file has no name of its own in the zip: give the path that it should have there")]
    NoName,
    /// Two members with one path.
    #[error("`{0}` would be in the zip twice: take one of the two away, or give it another path")]
    Duplicate(RelPath),
    /// Two paths that differ in upper and lower case only.
    #[error(
        "`{0}` and `{1}` differ only in upper and lower case: on many machines one would overwrite the other, rename one"
    )]
    SameFolded(RelPath, RelPath),
    /// A file where another member needs a folder.
    #[error("`{file}` is a file, so `{below}` cannot lie in it: rename one of the two")]
    FileAsFolder {
        /// The file or link.
        file: RelPath,
        /// What should lie below it.
        below: RelPath,
    },
    /// A link without a target.
    #[error("the link `{0}` points nowhere: its target is empty")]
    EmptyLink(RelPath),
    /// A path that is longer than the format can say.
    #[error("the path `{start}…` has {size} bytes, and the format has room for 65535: give it a shorter one")]
    LongPath {
        /// How it begins.
        start: String,
        /// Its length in bytes.
        size: usize,
    },
    /// Too many members for the classic format.
    #[error(
        "the zip would hold {count} files, and the format has room for {limit}: split it, for example into a layer"
    )]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// One member, or the whole, is too big for the classic format.
    #[error(
        "{what} would have {size} bytes, and the format has room for {limit}: split it, or fetch the data at run time"
    )]
    TooBig {
        /// What it is, as a person would say it.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The most bytes.
        limit: u64,
    },
    /// The reader refuses the bytes.
    #[error("the zip cannot be read: {0}")]
    Unreadable(String),
}
