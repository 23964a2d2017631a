//! `lambuild completions`: completion of commands, options, targets and stages. The
//! shell's script asks the program itself, so that names are those of the workspace.

use crate::args::{Color, Common};
use crate::environment::Environment;
use crate::exit;
use crate::talk::Talk;
use crate::workspace::Workspace;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use lambuild_lang::Evaluation;
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// The variable by which a shell's script asks for candidates.
const VARIABLE: &str = "LAMBUILD_COMPLETE";

/// Answers a shell that asks for candidates, and ends; else does nothing.
pub fn answer(command: fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(shell: Shell, talk: &Talk) -> Result<(), u8> {
    let mut script = Vec::new();
    let name = shell.to_string();
    let written = match Shells::builtins().completer(&name) {
        Some(completer) => {
            completer.write_registration(VARIABLE, "lambuild", "lambuild", "lambuild", &mut script)
        }
        None => Err(std::io::Error::other("this shell has no dynamic completion")),
    };
    if let Err(error) = written {
        talk.error(&format!("there is no completion for {name}: {error}"));
        return Err(exit::USAGE);
    }
    talk.data(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// Every address in the workspace, as typed from the current folder.
pub fn targets() -> Vec<CompletionCandidate> {
    names(|evaluation, workspace| {
        let here = workspace.here.clone();
        let named = evaluation.targets().iter().map(move |target| {
            if target.dir == here {
                target.name.to_string()
            } else {
                target.address()
            }
        });
        named.collect()
    })
}

/// Every stage in the workspace.
pub fn stages() -> Vec<CompletionCandidate> {
    names(|evaluation, _| {
        evaluation
            .stages()
            .iter()
            .map(|stage| stage.name.to_string())
            .collect()
    })
}

/// Every error code.
pub fn codes() -> Vec<CompletionCandidate> {
    super::explain::all()
        .map(|code| CompletionCandidate::new(code.code).help(Some(code.title.into())))
        .collect()
}

/// Every declaration and builder; after a dot, the attributes.
pub fn docs(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(environment) = Environment::of_process() else {
        return Vec::new();
    };
    let typed = typed.to_string_lossy();
    let names = super::doc::names(&super::doc::entries(&environment), &typed);
    let named = names.into_iter().filter(|(name, _)| name.starts_with(&*typed));
    named
        .map(|(name, doc)| CompletionCandidate::new(name).help(Some(doc.into())))
        .collect()
}

/// Nothing where there is no workspace: a completion has nobody to complain to.
fn names(of: impl Fn(&Evaluation<'_>, &Workspace) -> BTreeSet<String>) -> Vec<CompletionCandidate> {
    let common = Common {
        locked: false,
        offline: false,
        durability: None,
        single_user_store: false,
        json: false,
        store: None,
        no_stat_cache: false,
        params: Vec::new(),
        verbose: 0,
        quiet: true,
        color: Color::Never,
    };
    let workspace = Environment::of_process()
        .ok()
        .and_then(|at| Workspace::open(&common, &at).ok());
    let named = workspace
        .map(|workspace| of(&workspace.evaluate(), &workspace))
        .unwrap_or_default();
    named.into_iter().map(CompletionCandidate::new).collect()
}
