//! Runs one action on this machine with nothing else visible. Knows no graph and no remote.
//!
//! ```text
//! executor ─ layout: inputs on disk, and where each is seen ──▶ spec, a plain value
//!     └─ run: sends the spec, hears the log, keeps the time
//!            └─ starter: has `lambuild __sandbox` double itself for each sandbox
//!            └─ helper: new namespaces ─ init: first process inside, watches (usage)
//!                                          └─ apply, seccomp, sys: in effect, then the program
//! ```
//!
//! Where the machine gives no sandbox, [`local`] lays the inputs out and starts the program as it
//! is; such results are marked [`lambuild_action::Isolation::Weak`]. The only `unsafe` of lambuild
//! is in [`sys`].

pub mod apply;
pub mod conditions;
pub mod executor;
pub mod go_cache;
pub mod helper;
pub mod init;
pub mod layout;
pub mod local;
pub mod log;
pub mod machine;
pub mod process;
pub mod run;
pub mod seccomp;
pub mod spec;
pub mod starter;
pub mod sys;
pub mod usage;

pub use conditions::Conditions;
pub use executor::{SandboxExecutor, Wanted};
pub use local::LocalExecutor;
