//! What each language and kind of content brings: its attributes as a table,
//! its planned actions, selectors and locks. Does not know who executes.

pub mod archive;
pub mod codes;
pub mod command;
pub mod environment;
pub mod fetch;
pub mod files;
pub mod go;
pub mod host;
pub mod launcher;
pub mod lock;
pub mod pins;
pub mod zip;

mod content;
mod part;

#[cfg(test)]
mod testing;
