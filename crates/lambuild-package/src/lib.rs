//! The bytes of a zip, and what must lie where in functions and layers.
//!
//! Knows no store, no AWS call and no disk: contents come in as slices, zips go
//! out as bytes.

pub mod archive;
pub mod facts;
pub mod layer;
pub mod mode;
pub mod tar;
pub mod zip;

pub use facts::Facts;
