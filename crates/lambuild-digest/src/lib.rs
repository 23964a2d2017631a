//! What may be hashed, and how: digests, digest functions, clean relative
//! paths and directory trees. Knows no disk, no async, no Lambda.

pub mod digest;
pub mod path;
pub mod proto;
pub mod tree;

pub use digest::{Digest, DigestFunction, Hasher};
pub use path::{RelPath, check_name};
pub use tree::{Dir, Directories, Directory, Entry, Node, TreeError};
