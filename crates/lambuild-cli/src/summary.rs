//! The summary of a run: the last line of `--json`, kept as `.lambuild/last-run.json`,
//! and its form for people.

use crate::artifacts::{Artifact, replace};
use crate::run::Built;
use crate::talk::{Talk, count, duration, size};
use crate::workspace::Workspace;
use lambuild_build::How;
use serde::Serialize;
use std::collections::BTreeSet;

/// Fields are only ever added.
#[derive(Debug, Serialize)]
pub struct Summary {
    event: &'static str,
    targets: usize,
    executed: usize,
    cached: usize,
    failed: usize,
    damaged: usize,
    seconds: f64,
    artifacts: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    target: String,
    arch: &'static str,
    path: String,
    size: Option<u64>,
    sha256: Option<String>,
    digest: String,
    key: String,
    host_tools: bool,
}

impl Summary {
    /// Of a build and its artifacts.
    pub fn of(built: &Built, artifacts: &[Artifact]) -> Self {
        let how = |how: How| {
            built
                .outcome
                .done
                .iter()
                .flatten()
                .filter(|done| done.how == how)
                .count()
        };
        let targets: BTreeSet<_> = built
            .graph
            .artifacts
            .iter()
            .map(|made| made.configured.target)
            .collect();
        Summary {
            event: "summary",
            targets: targets.len(),
            executed: how(How::Executed),
            cached: how(How::Cached),
            failed: built.outcome.failed.len(),
            damaged: built.damaged,
            seconds: built.outcome.took.as_secs_f64(),
            artifacts: artifacts.iter().map(entry).collect(),
        }
    }

    /// The JSON object on one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Keeps it as `.lambuild/last-run.json`; best effort, nothing depends on it.
    pub fn keep(&self, workspace: &Workspace) {
        let path = workspace.own().join("last-run.json");
        if let Err(error) = replace(&path, format!("{}\n", self.json()).as_bytes()) {
            tracing::debug!(%error, "the summary was not kept");
        }
    }

    /// One line for people.
    pub fn line(&self, took: std::time::Duration) -> String {
        let damaged = match self.damaged {
            0 => String::new(),
            many => format!(", {} set aside", count(many, "damaged object")),
        };
        format!("{}{damaged}", self.done(took))
    }

    fn done(&self, took: std::time::Duration) -> String {
        let targets = count(self.targets, "target");
        if self.failed > 0 {
            return format!(
                "{} failed; {} done in {}",
                count(self.failed, "action"),
                self.executed,
                duration(took)
            );
        }
        if self.executed == 0 {
            return format!(
                "nothing to do for {targets}: {} reused, {}",
                count(self.cached, "action"),
                duration(took)
            );
        }
        format!(
            "built {targets}: {} run, {} reused, {}",
            count(self.executed, "action"),
            self.cached,
            duration(took)
        )
    }
}

fn entry(artifact: &Artifact) -> Entry {
    Entry {
        target: artifact.target.clone(),
        arch: artifact.arch(),
        path: artifact.path(),
        size: artifact.facts.as_ref().map(|facts| facts.size),
        sha256: artifact.facts.as_ref().map(|facts| facts.code_sha256.clone()),
        digest: artifact.digest.hex(),
        key: artifact.key.clone(),
        host_tools: artifact.host_tools,
    }
}

/// The artifacts on stdout, a line each: path and size.
pub fn list(artifacts: &[Artifact], talk: &Talk) {
    let width = artifacts
        .iter()
        .map(|artifact| artifact.path().len())
        .max()
        .unwrap_or(0);
    for artifact in artifacts {
        let mark = if artifact.host_tools { "  (host tools)" } else { "" };
        match &artifact.facts {
            Some(facts) => talk.data(&format!(
                "{:width$}  {:>7}{mark}",
                artifact.path(),
                size(facts.size)
            )),
            None => talk.data(&format!("{}{mark}", artifact.path())),
        }
    }
}
