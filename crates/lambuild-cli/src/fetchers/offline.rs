//! The executor of fetches where nothing may be fetched: it says so.

use async_trait::async_trait;
use lambuild_action::{ExecuteError, Executed, Executor, Request};

/// Refuses to fetch.
pub struct Offline;

#[async_trait]
impl Executor for Offline {
    async fn execute(&self, _: &Request) -> Result<Executed, ExecuteError> {
        Err(ExecuteError::Refused(
            "it is not in the store, and with --offline nothing is fetched\n  run once without --offline, or take a \
             store that has it with --store"
                .to_owned(),
        ))
    }
}
