//! The executors of fetches: the only actions that see the network and the user's
//! settings. What they bring is verified, so neither can reach a result.

pub mod go_module;
pub mod go_toolchain;
pub mod offline;
pub mod url;

use crate::environment::Environment;
use crate::workspace::Workspace;
use go_module::GoModules;
use go_toolchain::GoToolchain;
use lambuild_action::Executor;
use lambuild_rules::go;
use std::sync::Arc;

/// Every kind of fetch by its argv[0], with who executes it.
pub fn fetchers(workspace: &Workspace, environment: &Environment) -> Vec<(&'static str, Arc<dyn Executor>)> {
    let (store, pins) = (&workspace.store, workspace.pins.clone());
    let all: [(&'static str, Arc<dyn Executor>); 3] = [
        (
            lambuild_rules::fetch::STEP,
            Arc::new(url::Urls::new(store.clone())),
        ),
        (
            go::fetch::STEP,
            Arc::new(GoModules::new(store.clone(), environment)),
        ),
        (
            go::toolchain::STEP,
            Arc::new(GoToolchain::new(store.clone(), environment, pins)),
        ),
    ];
    let allowed = all.into_iter().map(|(step, executor)| match workspace.offline {
        true => (step, Arc::new(offline::Offline) as Arc<dyn Executor>),
        false => (step, executor),
    });
    allowed.collect()
}
