//! All that evaluation says about a workspace: what is wrong in which file, and the facts that
//! questions about places need. Knows no protocol but the form of a diagnostic, and no threads.

use crate::address;
use crate::lines::{Encoding, Lines};
use crate::repair;
use crate::snapshot::Snapshot;
use crate::view::{Declared, Facts};
use gen_lsp_types as lsp;
use lambuild_lang::diagnostic::{Diagnostic, Label, Severity};
use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::source::{SourceMap, Span};
use lambuild_lang::value::Data;
use lambuild_lang::{Evaluation, Options, RelPath, Schemas, SyntaxTree, evaluate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where and how an analysis is told.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The workspace's root.
    pub root: PathBuf,
    /// How columns are counted.
    pub encoding: Encoding,
    /// How open files are called by the editor.
    pub uris: BTreeMap<RelPath, String>,
}

/// What was found out about a workspace.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What is wrong in each file, also none in those where something might be.
    pub diagnostics: BTreeMap<RelPath, Vec<lsp::Diagnostic>>,
    /// What questions about places need.
    pub facts: Facts,
}

/// Checks all of a workspace; files that are open but belong to no workspace for their syntax alone.
pub fn analyse(files: &Snapshot, schemas: &Schemas<'_>, options: &Options, terms: &Terms) -> Analysis {
    let mut evaluation = evaluate(files, schemas, options);
    let found = evaluation.check();
    let facts = facts(&evaluation);
    let sources = &evaluation.sources;
    let mut diagnostics: BTreeMap<RelPath, Vec<lsp::Diagnostic>> = BTreeMap::new();
    for file in &facts.files {
        diagnostics.insert(file.clone(), Vec::new());
    }
    for diagnostic in &found {
        let (file, told) = tell(diagnostic, sources, terms);
        diagnostics.entry(file).or_default().push(told);
    }
    for (path, text) in &files.open {
        let judged = facts.files.contains(path) || diagnostics.contains_key(path);
        if !judged {
            diagnostics.insert(path.clone(), syntax(path, text, terms));
        }
    }
    Analysis { diagnostics, facts }
}

/// What is wrong with the syntax of one text.
pub fn syntax(path: &RelPath, text: &str, terms: &Terms) -> Vec<lsp::Diagnostic> {
    let mut sources = SourceMap::default();
    sources.add(path.clone(), text.into());
    let errors = SyntaxTree::parse(text).errors;
    errors
        .iter()
        .map(|error| tell(error, &sources, terms).1)
        .collect()
}

fn facts(evaluation: &Evaluation<'_>) -> Facts {
    let sources = &evaluation.sources;
    let mut files: Vec<RelPath> = evaluation.own_files().map(|file| file.path.clone()).collect();
    files.sort();
    let declared = |kind: &'static str, name: &str, span: Span| Declared {
        kind,
        name: name.to_owned(),
        file: sources.file(span.file).path.clone(),
        span: span.start as usize..span.end as usize,
    };
    let targets = evaluation.targets().iter();
    let targets = targets.map(|found| declared(found.kind.word(), &found.name, found.span));
    let toolchains = evaluation.toolchains().iter();
    let toolchains = toolchains.map(|found| declared("toolchain", &found.name, found.span));
    let stages = evaluation.stages().iter();
    let stages = stages.map(|found| declared("stage", &found.name, found.span));
    Facts {
        files,
        declared: targets.chain(toolchains).chain(stages).collect(),
        stage_vars: stage_vars(evaluation),
    }
}

fn stage_vars(evaluation: &Evaluation<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for stage in evaluation.stages() {
        if let Some(Data::Set(vars)) = stage.attrs.get("vars").map(|value| &value.data) {
            names.extend(vars.0.keys().map(|name| name.to_string()));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The file that a diagnostic belongs to, and its form in the protocol. One without a place belongs
/// to the beginning of the root's file.
fn tell(diagnostic: &Diagnostic, sources: &SourceMap, terms: &Terms) -> (RelPath, lsp::Diagnostic) {
    let first = diagnostic.labels.first();
    let file = first.map(|label| sources.file(label.span.file));
    let text = file.map(|file| &*file.text).unwrap_or_default();
    let lines = Lines::new(text, terms.encoding);
    let span = first.map_or(0..0, |label| bytes(label.span));
    let related = diagnostic
        .labels
        .iter()
        .skip(1)
        .filter(|label| !label.text.is_empty());
    let related: Vec<_> = related.map(|label| relate(label, sources, terms)).collect();
    let told = lsp::Diagnostic {
        range: lines.range(span),
        severity: Some(match diagnostic.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
        }),
        code: Some(lsp::Code::String(diagnostic.code.to_owned())),
        source: Some("lambuild".to_owned()),
        message: lsp::Message::String(message(diagnostic)),
        related_information: (!related.is_empty()).then_some(related),
        data: repair::proposal(diagnostic, text).map(|new| serde_json::json!({ "replace": new })),
        ..lsp::Diagnostic::default()
    };
    let root = || {
        RelPath::root()
            .child(BUILD_FILE)
            .unwrap_or_else(|_| RelPath::root())
    };
    (file.map_or_else(root, |file| file.path.clone()), told)
}

fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// Message, label, notes, help and the command that explains the code, a line each.
fn message(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.message.clone()];
    let label = diagnostic.labels.first().map(|label| label.text.clone());
    lines.extend(label.filter(|text| !text.is_empty()));
    lines.extend(diagnostic.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.push(format!("`lambuild explain {}` tells more", diagnostic.code));
    lines.join("\n")
}

fn relate(label: &Label, sources: &SourceMap, terms: &Terms) -> lsp::DiagnosticRelatedInformation {
    let file = sources.file(label.span.file);
    let lines = Lines::new(&file.text, terms.encoding);
    lsp::DiagnosticRelatedInformation {
        location: lsp::Location {
            uri: terms.uri(&file.path).into(),
            range: lines.range(bytes(label.span)),
        },
        message: label.text.clone(),
    }
}

impl Terms {
    /// The address of a file: as the editor calls it, where it is open.
    pub fn uri(&self, file: &RelPath) -> String {
        match self.uris.get(file) {
            Some(uri) => uri.clone(),
            None => address::uri(&full(&self.root, file)),
        }
    }
}

/// The path of a file on disk.
pub fn full(root: &Path, file: &RelPath) -> PathBuf {
    if file.is_root() {
        root.to_owned()
    } else {
        root.join(file.as_str())
    }
}
