//! Walks the graph of actions: look up, run, record, report.
//!
//! Does not know which store or executor is behind a trait, and knows no terminal.

pub mod attempt;
pub mod clock;
pub mod dispatch;
pub mod engine;
pub mod event;
pub mod state;
mod watch;

pub use attempt::{Done, Failure, How};
pub use dispatch::Dispatch;
pub use engine::{Engine, Outcome, Settings};
pub use event::{Event, Reporter};
