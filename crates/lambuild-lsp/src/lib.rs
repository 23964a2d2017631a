//! The language server of `lambda.build` files: what an editor asks while one types.
//!
//! Questions about a place are functions from a text and an offset to an answer, without a protocol;
//! around them a session keeps what is open, and a thin loop talks. Knows the language alone: no disk
//! (the machine comes through one trait), no graph, no AWS.

mod complete;
mod define;
mod hover;
mod outline;
mod rename;
mod repair;
mod restyle;
mod slot;
mod view;

mod analyse;
mod snapshot;

mod address;
mod lines;

mod answer;
mod serve;
mod server;
mod wire;

pub use serve::serve;
pub use server::Host;
pub use snapshot::SharedFiles;

#[cfg(test)]
mod tests;
