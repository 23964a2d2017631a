//! What a build tells while it goes on, for whoever shows it.

use crate::attempt::{Failure, How};
use lambuild_action::NodeId;
use std::time::Duration;

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The build begins with this many actions. More come where one turns out to need optional inputs.
    Planned {
        /// All actions of the graph that are known to be needed.
        actions: usize,
    },
    /// An action was not in the cache and starts to run.
    Started {
        /// Which.
        node: NodeId,
    },
    /// An action is run by somebody else, and has been for two seconds: its result is awaited.
    Waiting {
        /// Which.
        node: NodeId,
        /// Who runs it, such as `process 4711 (lambuild)`.
        by: &'a str,
    },
    /// An action has its output.
    Finished {
        /// Which.
        node: NodeId,
        /// Reused or run.
        how: How,
        /// How long it ran, or, where it was reused, how long it took to find that out.
        took: Duration,
        /// What it said; empty when it was reused or said nothing.
        log: &'a [u8],
    },
    /// An action has no output.
    Failed {
        /// Which.
        node: NodeId,
        /// Why.
        failure: &'a Failure,
    },
}

/// Takes events, from any thread, in the order in which they happen.
pub trait Reporter: Send + Sync {
    /// Something happened.
    fn report(&self, event: &Event<'_>);
}

/// Says nothing.
impl Reporter for () {
    fn report(&self, _: &Event<'_>) {}
}
