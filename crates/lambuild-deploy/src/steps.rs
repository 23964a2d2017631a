//! Which AWS calls a function or a layer may need, each as a value. Knows no
//! shell: when a call is made is decided in [`crate::script`].

pub(crate) mod function;
pub(crate) mod layer;

use crate::command::Command;
use crate::deployment::Deployment;
use std::collections::BTreeSet;

/// Says whose credentials are in use.
pub(crate) fn account() -> Command {
    Command::new("sts", "get-caller-identity")
        .option("--query", "Account")
        .option("--output", "text")
}

/// The variables of the environment that the commands need, sorted: those of roles.
pub(crate) fn environment(deployment: &Deployment) -> BTreeSet<String> {
    let roles = deployment
        .functions()
        .iter()
        .map(|function| &function.settings.role);
    roles
        .flat_map(|role| {
            let word = crate::word::Word::with_placeholders(role);
            word.variables().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
