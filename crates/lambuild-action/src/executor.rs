//! The trait behind which an action runs: in a sandbox, inside lambuild, or far away.

use crate::cache_key::ActionKey;
use crate::message::{ActionResult, Command, Isolation};
use crate::planned::Hints;
use crate::store::Store;
use crate::store::StoreError;
use async_trait::async_trait;
use lambuild_digest::{Digest, Node};
use std::time::Duration;

/// One action to run. Its messages and inputs are in the store.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its key.
    pub key: ActionKey,
    /// What is run.
    pub command: Command,
    /// All that it sees.
    pub input_root: Digest,
    /// When it is killed.
    pub timeout: Option<Duration>,
    /// What may be used beside the key.
    pub hints: Hints,
}

/// What came of a run that succeeded.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The result, whose objects are in the store.
    pub result: ActionResult,
    /// What the action said.
    pub log: Vec<u8>,
}

/// Why an action has no result.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// It ran and ended with an error.
    #[error("it ended with {how}")]
    Failed {
        /// `exit code 1`, `signal 9`.
        how: String,
        /// What it said, untouched.
        log: Vec<u8>,
    },
    /// It ran longer than it may.
    #[error("it was stopped after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The run was interrupted.
    #[error("it was interrupted")]
    Interrupted,
    /// It could not be run, or what it left behind cannot be an output.
    #[error("{0}")]
    Refused(String),
    /// A fetch did not match its lock.
    #[error("{0}")]
    Lock(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs actions.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Runs one action; its outputs are in the store when this returns.
    ///
    /// # Errors
    /// See [`ExecuteError`]. A failed action leaves nothing behind.
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError>;

    /// Whether a result that was made like this counts as one of this executor's. Who runs
    /// actions in a sandbox takes none that was made without. May block for some milliseconds.
    fn accepts(&self, made: Isolation) -> bool {
        let _ = made;
        true
    }
}

/// A step that runs inside lambuild: a pure function from an input root to an output.
pub trait InProcess: Send + Sync {
    /// What argv[0] is, beginning with [`crate::message::IN_PROCESS`].
    fn name(&self) -> &'static str;

    /// Makes the output; its objects are in the store when this returns.
    ///
    /// # Errors
    /// [`ExecuteError::Refused`] in the user's words, or the store's.
    fn run(&self, command: &Command, input_root: &Digest, store: &dyn Store) -> Result<Node, ExecuteError>;
}
