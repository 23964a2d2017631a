//! A disk in memory that remembers every call, and what a power cut may leave of them. Decides
//! which states are possible; knows nothing of stores.
//!
//! The model is harsher than any file system in use. A file's bytes are sure after a sync of that
//! file, a name after a sync of its folder, everything after a sync of the file system, and nothing
//! else is: calls that are not sure yet may be lost one by one, in any choice, and a write may be
//! cut at a page or leave zeros of its length (delayed allocation).

mod crash;
mod disk;
mod recorder;

pub use crash::{Cut, cuts, state};
pub use disk::{Disk, Inode, Op};
pub use recorder::{Forgets, Recorder};
