//! The executors of fetches: the only actions that see the network and the user's
//! settings. What they bring is verified, so neither can reach a result.

pub mod go_module;
pub mod go_toolchain;
