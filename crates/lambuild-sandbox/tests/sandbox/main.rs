//! The sandbox from outside: what gets out of it, what wears it down, and who may use it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says where; clippy knows only functions with #[test] as tests"
)]

mod abuse;
mod escape;
mod go_cache;
mod harness;
mod who;
