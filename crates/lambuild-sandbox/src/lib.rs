//! Runs one action on this machine. Knows no graph and no remote.
//!
//! In this version an action sees its inputs in a folder of its own and a fixed
//! environment, but nothing keeps it from looking further: results are marked
//! [`lambuild_action::Isolation::Weak`].

pub mod local;
pub mod log;
pub mod process;

pub use local::LocalExecutor;
