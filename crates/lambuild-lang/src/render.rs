//! How a diagnostic is drawn: for people, and as JSON. The only module that
//! knows annotate-snippets.

use crate::diagnostic::{Diagnostic, Exit, Label, Severity};
use crate::source::{FileId, SourceMap, Span};
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use serde_json::{Value, json};

/// Bytes of a line that is still shown. Only programs write longer ones, and drawing takes a time
/// that grows with the square of its length.
const MAX_LINE: usize = 2000;

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
        if let Some(label) = in_long_line(diagnostic, file, sources) {
            group = group.element(origin(label, sources));
            if !label.text.is_empty() {
                group = group.element(Level::NOTE.message(normalize_untrusted_str(&label.text)));
            }
            continue;
        }
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

/// The first label in a file, if one of the file's lines that would be shown is too long.
fn in_long_line<'d>(diagnostic: &'d Diagnostic, file: FileId, sources: &SourceMap) -> Option<&'d Label> {
    let text = &*sources.file(file).text;
    let is_long = |label: &&Label| {
        let (start, end) = (label.span.start as usize, label.span.end as usize);
        let before = text[..start].bytes().rev().take(MAX_LINE);
        let after = text[end..].bytes().take(MAX_LINE);
        let line = |bytes: &mut dyn Iterator<Item = u8>| bytes.take_while(|byte| *byte != b'\n').count();
        let ends = line(&mut { before }) + line(&mut { after });
        ends + text[start..end]
            .split('\n')
            .map(str::len)
            .max()
            .unwrap_or_default()
            > MAX_LINE
    };
    let mut labels = diagnostic.labels.iter().filter(|label| label.span.file == file);
    let first = labels.next()?;
    std::iter::once(first)
        .chain(labels)
        .any(|label| is_long(&label))
        .then_some(first)
}

/// Where a label stands, without the line.
fn origin<'s>(label: &Label, sources: &'s SourceMap) -> Origin<'s> {
    let (line, column) = sources.line_column(label.span);
    Origin::path(sources.file(label.span.file).path.as_str())
        .line(line)
        .char_column(column)
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
