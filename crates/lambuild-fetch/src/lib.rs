//! Registries, proxies, checksums: how bytes come from the network and whether
//! they are the right ones. Does not know what they are for, and reads no
//! environment: its callers hand in what the user has set.

pub mod client;
pub mod download;
pub mod error;
pub mod goproxy;
pub mod h1;
pub mod sumdb;
pub mod toolchain;
pub mod unpack;

#[cfg(test)]
mod test_server;

pub use client::{Client, Limits};
pub use download::Downloaded;
pub use error::FetchError;
pub use goproxy::GoProxy;
pub use sumdb::SumDatabase;
pub use toolchain::{Fetched, GoToolchain, Trust, fetch_toolchain};
pub use unpack::{toolchain_tree, unpack_toolchain};
