//! Blobs, trees and results on disk, and the workspace's sources as content.
//!
//! Knows no graph and no network. The file system is the database: an object is
//! a file named by its digest, a rename is the commit, nothing in the store is
//! ever modified.

pub mod beneath;
pub mod collect;
pub mod compile_cache;
pub mod disk;
pub mod file_state;
pub mod folder;
pub mod fs;
pub mod host;
pub mod ingest;
mod inventory;
mod layout;
pub mod materialise;
pub mod outputs;
pub mod points;
pub mod publish;
pub mod read_and_hash;
pub mod remove;
mod session;
pub mod sources;
pub mod stage;
pub mod stat_cache;
pub mod statistics;
pub mod temporary;
mod threads;
mod tree_on_disk;
mod turns;
pub mod verify;

pub use disk::{DiskStore, Options};
pub use host::HostFolders;
pub use publish::Durability;
pub use sources::SourceTree;
pub use stage::{Stage, StageFolder};
