//! The unit of work: what an action is, its cache key, its result, and the
//! traits through which it is planned, run and stored.
//!
//! Does not know who runs an action or where bytes live.

pub mod cache_key;
pub mod conformance;
pub mod executor;
pub mod memory;
pub mod message;
pub mod planned;
pub mod rule;
pub mod store;

pub use cache_key::{ActionKey, EncodedAction};
pub use executor::{ExecuteError, Executed, Executor, InProcess, Request};
pub use memory::MemoryStore;
pub use message::{ActionResult, Command, Isolation};
pub use planned::{
    GoCache, Hints, HostBytes, HostFile, NodeId, PlannedAction, Seen, Selection, Selector, Step, Work,
};
pub use rule::{Content, Packager, Planner, Rule, Tool, Toolchain, ToolchainRule};
pub use store::{
    ActionCache, BlobStore, HostFolders, SourceError, SourceKind, Sources, Store, StoreError, Turn, Turns,
    write_tree,
};
