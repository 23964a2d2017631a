//! Tortures the store: kills it, cuts its power, fills its disk, breaks its calls, lets many use it
//! at once, and checks with an oracle outside the store that no wrong byte is handed out and nothing
//! acknowledged is lost. Knows how a store is used, not how it works. Never shipped.
//!
//! Each suite prints its figure, seed, commit and time, and can be turned red: a deliberately
//! [`broken`] disk stands in for a mistake of ours, and the suite must find it.

pub mod broken;
pub mod check;
pub mod collect;
pub mod fill;
pub mod flip;
pub mod image;
pub mod iosim;
pub mod kill;
pub mod many;
pub mod points;
pub mod power;
pub mod process;
pub mod random;
pub mod report;
pub mod states;
pub mod sweep;
pub mod worker;
