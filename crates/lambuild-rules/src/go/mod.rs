//! What lambuild knows about Go: its module files, which files a package is
//! made of, and what a main package needs. Texts and lists of names come in,
//! values go out: nothing here knows a disk, a process or a network. The rule
//! that makes actions of it is in [`rule`].

pub mod fetch;
pub mod rule;
pub mod toolchain;
pub mod view;

pub mod closure;
pub mod constraint;
pub mod embed;
pub mod error;
pub mod gomod;
pub mod gosum;
pub mod imports;
pub mod locate;
pub mod modcache;
pub mod package;
pub mod slice;
pub mod sources;
pub mod vendor;

mod lexer;
mod quote;
mod units;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod testing;

pub use closure::{Closure, Main, Request, closure};
pub use constraint::Platform;
pub use error::ClosureError;
pub use gomod::{GoMod, ModuleVersion};
pub use gosum::GoSum;
pub use sources::{GoFiles, Kind};
