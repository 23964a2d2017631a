//! End-to-end tests: what a user of lambuild sees, with real programs and real modules.
//!
//! They know the command line, the files it leaves and nothing else of lambuild; only `docs` also
//! reads the tables of attributes.

mod bad_input;
mod boot;
mod botocore;
mod command;
mod command_line;
mod deploy_moto;
mod diagnostics;
mod doc;
mod docs;
mod editors;
mod examples;
mod fetch;
mod fmt;
mod full_disk;
mod go_modules;
mod harness;
mod lock;
mod lsp;
mod lsp_client;
mod purity;
mod reproducible;
mod toolchain;
mod verify;
