//! How a diagnostic is drawn: for people, and as JSON. The only module that
//! knows annotate-snippets.

use crate::diagnostic::{Diagnostic, Exit, Label, Severity};
use crate::source::{FileId, SourceMap, Span};
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str,
};
use serde_json::{Value, json};

/// The diagnostic as text for a terminal: code and message, each place with its
/// line, then notes and help. Without a newline at its end.
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(normalize_untrusted_str(&diagnostic.message))
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    for file in files(diagnostic) {
        group = group.element(snippet(diagnostic, file, sources));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group])
}

/// The files that a diagnostic points into, the main one first.
fn files(diagnostic: &Diagnostic) -> Vec<FileId> {
    let mut files = Vec::new();
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
}

fn snippet<'s>(
    diagnostic: &'s Diagnostic,
    file: FileId,
    sources: &'s SourceMap,
) -> Snippet<'s, Annotation<'s>> {
    let source = sources.file(file);
    let annotations = diagnostic
        .labels
        .iter()
        .enumerate()
        .filter(|(_, label)| label.span.file == file);
    let annotations = annotations.map(|(at, label)| annotation(at == 0, label));
    Snippet::source(&*source.text)
        .path(source.path.as_str())
        .annotations(annotations)
}

fn annotation(main: bool, label: &Label) -> Annotation<'_> {
    let kind = if main {
        AnnotationKind::Primary
    } else {
        AnnotationKind::Context
    };
    let annotation = kind.span(label.span.start as usize..label.span.end as usize);
    if label.text.is_empty() {
        annotation
    } else {
        annotation.label(normalize_untrusted_str(&label.text))
    }
}

/// The diagnostic as one JSON object: `code`, `severity`, `message`, `labels`
/// (`path`, `line`, `column`, `end_line`, `end_column`, `text`; lines and columns
/// from 1), `notes`, `help`, `exit`.
pub fn diagnostic_json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| label_json(label, sources))
        .collect();
    json!({
        "code": diagnostic.code,
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": diagnostic.message,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "exit": match diagnostic.exit { Exit::Usage => 2, Exit::Lock => 5, Exit::Failed => 1 },
    })
}

fn label_json(label: &Label, sources: &SourceMap) -> Value {
    let (line, column) = sources.line_column(label.span);
    let end = Span {
        start: label.span.end,
        ..label.span
    };
    let (end_line, end_column) = sources.line_column(end);
    json!({
        "path": sources.file(label.span.file).path.as_str(),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "text": label.text,
    })
}
