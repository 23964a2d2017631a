//! The test kit: what every end-to-end test needs around the program.
//!
//! It starts real programs (lambuild, the AWS CLI, moto, qemu), keeps each test
//! in folders of its own and explains a failure with everything it saw. It knows
//! no crate of lambuild: a test that uses it sees only what a user sees.
#![expect(
    clippy::disallowed_methods,
    reason = "the kit starts programs, reads the environment for them and waits with deadlines; none of it is shipped"
)]

mod arch;
mod aws;
mod http;
mod moto;
mod program;
mod runtime_api;
mod tools;
mod workspace;

pub use arch::Arch;
pub use aws::Aws;
pub use http::{HttpAnswer, HttpRequest, HttpServer};
pub use moto::{Moto, Request};
pub use program::{Lambuild, Program, Run};
pub use runtime_api::{Bootstrap, run_bootstrap};
pub use tools::{Tool, Tools, repository_root};
pub use workspace::TempWorkspace;
