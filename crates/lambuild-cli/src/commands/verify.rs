//! `lambuild verify`: builds twice, under other conditions, and tells what differs and why.

use crate::args::{Sandbox, Verify};
use crate::artifacts::{self, Artifact, replace};
use crate::codes;
use crate::commands::build::selected;
use crate::environment::Environment;
use crate::exit;
use crate::run::{self, Built, judge};
use crate::talk::{Talk, count, duration};
use crate::verify::again::{self, Second};
use crate::verify::blame::{Blame, blame};
use crate::verify::evidence::{Cause, Known};
use crate::verify::tree::{self, Entry, Kind};
use crate::workspace::Workspace;
use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, Isolation, NodeId, StoreError};
use lambuild_build::clock::Stopwatch;
use lambuild_digest::Node;
use lambuild_graph::{ActionGraph, configured};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_sandbox::Conditions;
use lambuild_store::materialise;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// So many differing entries of an action are shown.
const SHOWN: usize = 5;

/// One action that differs.
struct Difference {
    node: NodeId,
    /// `command :stamp x86_64`.
    action: String,
    key: Option<ActionKey>,
    first: Node,
    second: Node,
    entries: Vec<Entry>,
    causes: BTreeSet<Cause>,
    /// The artifacts that it reaches.
    reaches: Vec<String>,
}

/// One artifact and the actions to blame for what differs in it.
struct Verified {
    artifact: Artifact,
    same: bool,
    because: Vec<NodeId>,
}

impl Verified {
    /// Whether an action is the artifact's own.
    fn is_of(&self, action: &str) -> bool {
        action.ends_with(&address(&self.artifact))
    }
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(
    options: &Verify,
    workspace: &Workspace,
    environment: &Environment,
    talk: &Talk,
) -> Result<(), u8> {
    let watch = Stopwatch::start();
    // With --json there is one object, at the end.
    let aside = Talk { json: false, ..*talk };
    let mut evaluation = workspace.evaluate();
    judge(&evaluation.diagnostics.clone(), &evaluation, &aside)?;
    let targets = selected(&options.selection, &evaluation, workspace, &aside)?;
    let wanted = configured(&evaluation, &targets, &options.selection.architectures);
    let running = &options.running;
    let built = run::build(workspace, &mut evaluation, &wanted, running, environment, &aside)?;
    if built.exit != exit::OK {
        return Err(built.exit);
    }
    let ended = Stopwatch::start();
    aside.say(&format!(
        "building {} again under other conditions",
        count(built.graph.artifacts.len(), "artifact")
    ));
    let failed = |message: String| {
        aside.error(&message);
        exit::FAILED
    };
    let second = again::build(workspace, &built, running, environment, ended, &aside).map_err(failed)?;
    if running.sandbox == Sandbox::None || is_weak(&built, workspace) {
        aside.warning(WEAK);
    }
    let code = run::failures(
        &second.outcome,
        &built.graph,
        &evaluation,
        &*workspace.sources,
        &aside,
    );
    if code != exit::OK {
        aside.error("what the first build could do fails under other conditions");
        return Err(code);
    }
    let failed = |error: StoreError| failed(format!("the two builds cannot be compared: {error}"));
    let artifacts = artifacts::collect(&built, &evaluation, &workspace.store).map_err(failed)?;
    let found = blame(&built.graph, &built.outcome, &second.outcome);
    let verified = verified(artifacts, &found, &built);
    let differences = differences(&found, &verified, &built, &second, workspace).map_err(failed)?;
    remember(&differences, workspace).map_err(failed)?;
    if let Some(folder) = &options.keep {
        keep(&differences, &environment.folder.join(folder), workspace).map_err(failed)?;
    }
    let shown: Vec<Diagnostic> = differences
        .iter()
        .map(|difference| diagnostic(difference, &built.graph))
        .collect();
    aside.diagnostics(&shown, &evaluation.sources);
    tell(&verified, &differences, &built, watch, talk);
    if found.unequal.is_empty() {
        Ok(())
    } else {
        Err(exit::FAILED)
    }
}

const WEAK: &str =
    "without a sandbox the user, the host's name, the umask and the processors were not changed";

fn is_weak(built: &Built, workspace: &Workspace) -> bool {
    let keys = built.outcome.done.iter().flatten().filter_map(|done| done.key);
    keys.filter_map(|key| workspace.store.result(&key).ok().flatten())
        .any(|result| result.isolation == Isolation::Weak)
}

fn verified(artifacts: Vec<Artifact>, found: &Blame, built: &Built) -> Vec<Verified> {
    let nodes = |artifact: &Artifact| -> Vec<NodeId> {
        let planned = built.graph.artifacts.iter().filter(|planned| {
            planned.configured.target == artifact.id
                && artifact.architectures.contains(&planned.configured.arch)
        });
        planned
            .map(|planned| planned.zip.unwrap_or(planned.product))
            .collect()
    };
    artifacts
        .into_iter()
        .map(|artifact| {
            let unequal: Vec<NodeId> = nodes(&artifact)
                .into_iter()
                .filter(|node| found.unequal.contains(node))
                .collect();
            let because: BTreeSet<NodeId> = unequal
                .iter()
                .flat_map(|node| found.of(&built.graph, &built.outcome, *node))
                .collect();
            Verified {
                artifact,
                same: unequal.is_empty(),
                because: because.into_iter().collect(),
            }
        })
        .collect()
}

fn differences(
    found: &Blame,
    verified: &[Verified],
    built: &Built,
    second: &Second,
    workspace: &Workspace,
) -> Result<Vec<Difference>, StoreError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let store = workspace.store.root().to_string_lossy();
    let known = Known::new(&Conditions::changed(), second.during.clone(), processors, &store);
    let mut all = Vec::new();
    for node in &found.differs {
        let (Some(one), Some(two)) = (built.outcome.done(*node), second.outcome.done(*node)) else {
            continue;
        };
        let entries = tree::compare(&one.out, &two.out, &*workspace.store, &known)?;
        let action = name(*node, &built.graph);
        let reached = verified
            .iter()
            .filter(|one| one.because.contains(node) && !one.is_of(&action));
        let reaches = reached.map(|one| address(&one.artifact)).collect();
        all.push(Difference {
            node: *node,
            action,
            key: one.key,
            first: one.out.clone(),
            second: two.out.clone(),
            causes: tree::causes(&entries),
            entries,
            reaches,
        });
    }
    Ok(all)
}

fn name(node: NodeId, graph: &ActionGraph) -> String {
    let action = graph.action(node);
    format!("{} {}", action.mnemonic, action.subject)
        .trim_end()
        .to_owned()
}

fn address(artifact: &Artifact) -> String {
    format!("{} {}", artifact.target, artifact.arch())
}

/// Keeps second outputs in the store, as results of a key of their own that nothing else has, and writes down in
/// `.lambuild/verify.json` which they are.
fn remember(differences: &[Difference], workspace: &Workspace) -> Result<(), StoreError> {
    let mut noted = Vec::new();
    for difference in differences {
        let Some(key) = difference.key else { continue };
        let text = format!("lambuild:verify second output of {key}");
        let other = ActionKey(workspace.store.function().digest(text.as_bytes()));
        let result = ActionResult::of(difference.second.clone(), None, Isolation::Weak);
        workspace.store.record(&other, &result)?;
        noted.push(json!({
            "action": difference.action, "first": key.to_string(), "second": other.to_string(),
            "causes": difference.causes,
        }));
    }
    workspace.store.finish()?;
    let path = workspace.own().join("verify.json");
    if noted.is_empty() {
        return artifacts::remove(&path);
    }
    replace(&path, format!("{}\n", Value::from(noted)).as_bytes())
}

/// Writes both versions of what differs below a folder.
fn keep(differences: &[Difference], folder: &Path, workspace: &Workspace) -> Result<(), StoreError> {
    for difference in differences {
        let plain = |c: char| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        };
        let here = folder.join(difference.action.chars().map(plain).collect::<String>());
        fs::create_dir_all(&here).map_err(StoreError::io("create", &here))?;
        for (version, node) in [("first", &difference.first), ("second", &difference.second)] {
            let at = here.join(version);
            artifacts::remove(&at)?;
            match node {
                Node::Directory(digest) => materialise::tree(&workspace.store, digest, &at, &|_| None)?,
                other => materialise::place(&workspace.store, other, &at)?,
            }
        }
    }
    Ok(())
}

fn diagnostic(difference: &Difference, graph: &ActionGraph) -> Diagnostic {
    let causes: Vec<&str> = difference.causes.iter().map(|cause| cause.words()).collect();
    let depends = format!("it depends on {}", causes.join(", and on "));
    let span = graph.action(difference.node).span;
    let message = format!("{} makes other bytes when it is run again", difference.action);
    let mut made = Diagnostic::error(codes::DIFFERS, message, span, depends).exit(Exit::Failed);
    for entry in difference.entries.iter().take(SHOWN) {
        made = made.note(sentence(entry));
    }
    let more = difference.entries.len().saturating_sub(SHOWN);
    if more > 0 {
        made = made.note(format!(
            "{} more differ",
            count(more, "entry").replace("entrys", "entries")
        ));
    }
    if !difference.reaches.is_empty() {
        made = made.note(format!(
            "not the same because of it: {}",
            difference.reaches.join(", ")
        ));
    }
    let help: Vec<&str> = difference.causes.iter().map(|cause| cause.help()).collect();
    made.help(help.join("; "))
}

fn sentence(entry: &Entry) -> String {
    let path = match &*entry.path {
        "" => "the output".to_owned(),
        path => format!("`{path}`"),
    };
    let (first, second) = (&entry.first, &entry.second);
    match (entry.kind, entry.offset) {
        (Kind::Added, _) => format!("{path} is there only the second time"),
        (Kind::Removed, _) => format!("{path} is there only the first time"),
        (Kind::Mode, _) => format!("{path} is {first}, then {second}"),
        (Kind::Link, _) => format!("{path} leads to {first:?}, then to {second:?}"),
        (Kind::Type, _) => format!("{path} is {first}, then {second}"),
        (Kind::Content, offset) => format!(
            "{path} differs from byte {} on: {first}, then {second}",
            offset.unwrap_or_default()
        ),
    }
}

fn tell(verified: &[Verified], differences: &[Difference], built: &Built, watch: Stopwatch, talk: &Talk) {
    let differ = verified.iter().filter(|artifact| !artifact.same).count();
    let actions = built
        .outcome
        .done
        .iter()
        .flatten()
        .filter(|done| done.key.is_some())
        .count();
    if talk.json {
        let artifacts: Vec<Value> = verified
            .iter()
            .map(|one| artifact_json(one, &built.graph))
            .collect();
        let differences: Vec<Value> = differences.iter().map(difference_json).collect();
        talk.data(
            &json!({
                "verified": verified.len(), "differ": differ, "actions": actions,
                "seconds": watch.elapsed().as_secs_f64(), "artifacts": artifacts, "differences": differences,
            })
            .to_string(),
        );
        return;
    }
    for one in verified {
        let word = if one.same { "same   " } else { "differs" };
        let mut because: Vec<String> = one.because.iter().map(|node| name(*node, &built.graph)).collect();
        because.retain(|action| !one.is_of(action));
        let because = match &*because {
            [] => String::new(),
            some => format!("  follows from {}", some.join(", ")),
        };
        talk.data(&format!("{word}  {}{because}", address(&one.artifact)));
    }
    let verb = if differ == 1 { "differs" } else { "differ" };
    talk.say(&format!(
        "{} verified, {differ} {verb}; {}",
        count(verified.len(), "artifact"),
        duration(watch.elapsed())
    ));
}

fn artifact_json(one: &Verified, graph: &ActionGraph) -> Value {
    let because: Vec<String> = one.because.iter().map(|node| name(*node, graph)).collect();
    json!({
        "target": one.artifact.target, "arch": one.artifact.arch(), "same": one.same, "because": because,
    })
}

fn difference_json(difference: &Difference) -> Value {
    json!({
        "action": difference.action,
        "key": difference.key.map(|key| key.to_string()),
        "causes": difference.causes,
        "entries": difference.entries,
        "reaches": difference.reaches,
    })
}
