//! What would change in AWS: the attributes of functions, layers and stages,
//! a deployment as a value, and the commands and files that carry it out.
//!
//! Calls nothing and writes nothing; does not know how the zips were built.

pub mod schema;

pub mod deployment;
pub mod model;

mod command;
mod query;
mod steps;
mod word;

pub mod manifest;
pub mod script;

pub mod codes;

#[cfg(test)]
mod fixture;
