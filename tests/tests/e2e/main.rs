//! End-to-end tests: what a user of lambuild sees, with real programs and real modules.
//!
//! They know the command line, the files it leaves and nothing else of lambuild.

mod boot;
mod botocore;
mod command_line;
mod deploy_moto;
mod doc;
mod examples;
mod fmt;
mod harness;
mod toolchain;
