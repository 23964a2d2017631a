//! `lambuild lock`: what the workspace uses and `lambda.lock` lacks is found and pinned, for
//! every platform that builds. Decides which lines stay, go and come; how a line is found is
//! its fetcher's.

use crate::args::Lock as Options;
use crate::artifacts::replace;
use crate::environment::Environment;
use crate::exit;
use crate::fetchers::go_toolchain::{GoSource, not_had_words};
use crate::fetchers::url;
use crate::rules::{PLATFORMS, Tables, rules};
use crate::run::judge;
use crate::talk::{Talk, count};
use crate::workspace::Workspace;
use lambuild_action::{BlobStore as _, StoreError};
use lambuild_graph::configured;
use lambuild_lang::Evaluation;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::value::TargetId;
use lambuild_rules::fetch;
use lambuild_rules::go::toolchain;
use lambuild_rules::lock::{FILE, Lock, Pinned};
use lambuild_rules::pins::{Asked, Pins};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The kinds of lines that this version writes, and so also takes out; others are kept.
const KINDS: [&str; 2] = [fetch::KIND, toolchain::KIND];

/// What the workspace uses, by kind and name.
pub type Used = BTreeMap<(&'static str, String), Asked>;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
    talk: &Talk,
) -> Result<(), u8> {
    let used = used(workspace, environment, talk)?;
    let old = workspace.pins.lock();
    let mut new = old.clone();
    new.retain(|kind, name| {
        !KINDS.contains(&kind) || used.keys().any(|(k, n)| (*k, n.as_str()) == (kind, name))
    });
    let mut open = used.clone();
    open.retain(|(kind, name), _| new.get(kind, name).is_none() || is_named(name, &options.update));
    unknown_names(options, &used, talk)?;
    if workspace.pins.is_locked() {
        return judge_locked(old, &new, &open, talk);
    }
    for (kind, name, pinned) in find(&open, workspace, environment, talk)? {
        new.put(kind, &name, pinned).map_err(|message| {
            talk.error(&message);
            exit::FAILED
        })?;
    }
    write(old, &new, workspace, talk)
}

/// Everything that the workspace uses, on every platform that builds.
fn used(workspace: &Workspace, environment: &Environment, talk: &Talk) -> Result<Used, u8> {
    let mut used = Used::new();
    for platform in PLATFORMS {
        // Nothing is pinned for these plans, so that all that is used is asked for.
        let pins = Arc::new(Pins::default());
        let rules = rules(environment, &pins, platform);
        let tables = Tables::of(&rules);
        let mut evaluation = workspace.evaluate_with(&tables, platform);
        judge(&evaluation.diagnostics.clone(), &evaluation, talk)?;
        let mut wrong = Vec::new();
        for declared in evaluation.toolchains() {
            let rule = rules.toolchain(&declared.kind);
            let planned = rule.map(|rule| rule.plan(Some(&declared.attrs), declared.span));
            wrong.extend(planned.and_then(Result::err).map(|made| *made));
        }
        judge(&wrong, &evaluation, talk)?;
        // What no file declares is this machine's own affair.
        let declared = pins.asked();
        let planned = plan_all(&mut evaluation, &rules, workspace);
        judge(&planned, &evaluation, talk)?;
        let undeclared = |kind: &str| kind == toolchain::KIND;
        used.extend(pins.asked().into_iter().filter(|(key, _)| !undeclared(key.0)));
        used.extend(declared);
    }
    Ok(used)
}

fn plan_all(
    evaluation: &mut Evaluation<'_>,
    rules: &lambuild_graph::RuleSet,
    workspace: &Workspace,
) -> Vec<Diagnostic> {
    let all: Vec<TargetId> = evaluation.targets().iter().map(|target| target.id).collect();
    let wanted = configured(evaluation, &all, &[]);
    let planned = lambuild_graph::plan(evaluation, rules, &*workspace.sources, &wanted);
    planned.err().unwrap_or_default()
}

/// Whether a name of `--update` means this line: all of its name, or whole parts at its start.
fn is_named(line: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        line.strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || name.ends_with('/'))
    })
}

/// A name that means nothing is a typing error.
fn unknown_names(options: &Options, used: &Used, talk: &Talk) -> Result<(), u8> {
    let known = |name: &String| {
        used.keys()
            .any(|(_, line)| is_named(line, std::slice::from_ref(name)))
    };
    match options.update.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let mut lines: Vec<&str> = used.keys().map(|(_, line)| line.as_str()).collect();
            lines.dedup();
            talk.error(&format!(
                "the workspace uses nothing that is called `{name}` in {FILE}\n  it uses: {}",
                lines.join(", ")
            ));
            Err(exit::USAGE)
        }
    }
}

/// With `--locked`: nothing is looked for and nothing written; would something be?
fn judge_locked(old: &Lock, new: &Lock, open: &Used, talk: &Talk) -> Result<(), u8> {
    if old == new && open.is_empty() {
        talk.say(&format!("{FILE} pins all that the workspace uses"));
        return Ok(());
    }
    let missing = open
        .iter()
        .map(|((kind, name), _)| format!("{kind} {name} is missing"));
    let unused = old
        .entries()
        .filter(|(kind, name, _)| new.get(kind, name).is_none());
    let unused = unused.map(|(kind, name, _)| format!("{kind} {name} is not used"));
    let lines: Vec<String> = missing.chain(unused).collect();
    talk.error(&format!(
        "{FILE} is out of date, and --locked, which CI implies, changes nothing\n  {}\n  run `lambuild lock` and commit \
         {FILE}",
        lines.join("\n  ")
    ));
    Err(exit::LOCK)
}

/// A line that was found.
pub type FoundPin = (&'static str, String, Pinned);

/// Finds what is open, all at once: it is the network that takes the time.
///
/// # Errors
/// The exit code, after it was said what is not to be had.
pub fn find(
    open: &Used,
    workspace: &Workspace,
    environment: &Environment,
    talk: &Talk,
) -> Result<Vec<FoundPin>, u8> {
    if open.is_empty() {
        return Ok(Vec::new());
    }
    if workspace.offline {
        let names: Vec<&str> = open.values().map(|asked| asked.what.as_str()).collect();
        talk.error(&format!(
            "with --offline nothing is looked for, and {FILE} does not pin {}",
            names.join(", ")
        ));
        return Err(exit::LOCK);
    }
    let failed = |message: String| {
        talk.error(&message);
        exit::FAILED
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("cannot look for anything: {error}")))?;
    let stage = workspace
        .store
        .stage()
        .map_err(|error: StoreError| failed(error.to_string()))?;
    let source = GoSource::new(environment);
    let function = workspace.store.function();
    runtime.block_on(async {
        let mut searches = JoinSet::new();
        for (kind, name) in open.keys().cloned() {
            let (source, folder) = (source.clone(), stage.path().to_owned());
            searches.spawn(async move {
                let found = pin(&source, kind, &name, function, &folder).await;
                (kind, name, found)
            });
        }
        let (mut found, mut wrong) = (Vec::new(), BTreeMap::new());
        while let Some(ended) = searches.join_next().await {
            let (kind, name, result) =
                ended.map_err(|error| failed(format!("a step inside lambuild broke: {error}")))?;
            match result {
                Ok((pinned, vouched)) => {
                    talk.say(&format!("{kind} {name}  {vouched}"));
                    found.push((kind, name, pinned));
                }
                Err(why) => drop(wrong.insert(name, why)),
            }
        }
        // Where one platform's is not to be had the others' rarely are: the first one says it.
        let more = wrong.len().saturating_sub(1);
        match wrong.into_values().next() {
            None => Ok(found),
            Some(first) if more == 0 => Err(failed(first)),
            Some(first) => Err(failed(format!(
                "{first}\n  and {} could not be pinned either",
                count(more, "line")
            ))),
        }
    })
}

async fn pin(
    source: &GoSource,
    kind: &str,
    name: &str,
    function: lambuild_digest::DigestFunction,
    folder: &std::path::Path,
) -> Result<(Pinned, String), String> {
    if kind == fetch::KIND {
        return url::pin(name, function, folder).await;
    }
    let Some((version, platform)) = toolchain::of_lock_name(name) else {
        return Err(format!("this version does not know how to find {name}"));
    };
    let found = source.pin(version, platform, function, folder).await;
    found.map_err(|error| not_had_words(version, &error))
}

fn write(old: &Lock, new: &Lock, workspace: &Workspace, talk: &Talk) -> Result<(), u8> {
    let changes = changes(old, new);
    let path = workspace.lock_file();
    // Also a lock with nothing in it is one: it says that nothing is forgotten.
    if changes.is_empty() && path.exists() {
        talk.say(&format!("{FILE} pins all that the workspace uses"));
        return tell(&changes, talk);
    }
    replace(&path, new.text().as_bytes()).map_err(|error| {
        talk.error(&format!("{FILE} cannot be written: {error}"));
        exit::FAILED
    })?;
    tell(&changes, talk)
}

fn tell(changes: &[(&'static str, String)], talk: &Talk) -> Result<(), u8> {
    if talk.json {
        let lines: Vec<_> = changes
            .iter()
            .map(|(what, line)| json!({"change": what, "line": line}))
            .collect();
        talk.data(&json!({"event": "summary", "changes": lines}).to_string());
    } else {
        for (what, line) in changes {
            talk.data(&format!("{what} {line}"));
        }
    }
    Ok(())
}

/// The lines that came, went and changed, by kind and name.
fn changes(old: &Lock, new: &Lock) -> Vec<(&'static str, String)> {
    let line = |kind: &str, name: &str| format!("{kind} {name}");
    let gone = old
        .entries()
        .filter(|(kind, name, _)| new.get(kind, name).is_none());
    let mut all: Vec<(&'static str, String)> = gone
        .map(|(kind, name, _)| ("removed", line(kind, name)))
        .collect();
    for (kind, name, pinned) in new.entries() {
        match old.get(kind, name) {
            None => all.push(("added", line(kind, name))),
            Some(before) if before != pinned => all.push(("changed", line(kind, name))),
            Some(_) => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_whole_parts() {
        let named = |name: &str| is_named("go/1.26.8/linux-amd64", &[name.to_owned()]);
        assert!(named("go") && named("go/1.26.8") && named("go/1.26.8/linux-amd64"));
        assert!(!named("g") && !named("go/1.2") && !named("1.26.8"));
    }
}
