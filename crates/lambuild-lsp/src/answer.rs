//! Requests of the protocol → questions about a place → answers in the protocol's types. Decides which
//! requests there are; the answers are thought out elsewhere.

use crate::analyse::Terms;
use crate::complete::{self, Candidate, complete};
use crate::define::{Mention, define, mentions};
use crate::hover::hover;
use crate::lines::Lines;
use crate::outline;
use crate::rename;
use crate::restyle::restyle;
use crate::server::{Refusal, answered};
use crate::view::View;
use gen_lsp_types as lsp;
use lambuild_lang::RelPath;
use lambuild_lang::index::{Definition, DefinitionKind};
use serde_json::Value;
use std::ops::Range;

/// A request about a file.
pub struct Question<'q> {
    /// The byte that it is about; 0 where it is about no place.
    pub offset: usize,
    /// The file's lines.
    pub lines: &'q Lines<'q>,
    /// How places are told.
    pub terms: &'q Terms,
    /// All that was sent.
    pub params: &'q Value,
}

type Answer = Result<Value, Refusal>;

/// Who answers a request about a file; `None` where nobody does.
pub fn of(method: &str) -> Option<fn(&View<'_>, &Question<'_>) -> Answer> {
    Some(match method {
        "textDocument/completion" => completion,
        "textDocument/hover" => hovered,
        "textDocument/definition" => definition,
        "textDocument/references" => references,
        "textDocument/documentHighlight" => highlights,
        "textDocument/documentSymbol" => symbols,
        "textDocument/formatting" => formatting,
        "textDocument/prepareRename" => prepare_rename,
        "textDocument/rename" => renamed,
        _ => return None,
    })
}

/// What this server can do.
pub fn capabilities(encoding: lsp::PositionEncodingKind) -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        position_encoding: Some(encoding),
        text_document_sync: Some(lsp::TextDocumentSync::Options(lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(lsp::Save::Bool(true)),
            ..lsp::TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: Some([".", "/", "\""].map(str::to_owned).into()),
            ..lsp::CompletionOptions::default()
        }),
        hover_provider: Some(lsp::HoverProvider::Bool(true)),
        definition_provider: Some(lsp::DefinitionProvider::Bool(true)),
        references_provider: Some(lsp::ReferencesProvider::Bool(true)),
        document_highlight_provider: Some(lsp::DocumentHighlightProvider::Bool(true)),
        document_symbol_provider: Some(lsp::DocumentSymbolProvider::Bool(true)),
        workspace_symbol_provider: Some(lsp::WorkspaceSymbolProvider::Bool(true)),
        code_action_provider: Some(lsp::CodeActionProvider::CodeActionOptions(
            lsp::CodeActionOptions {
                code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix]),
                ..lsp::CodeActionOptions::default()
            },
        )),
        document_formatting_provider: Some(lsp::DocumentFormattingProvider::Bool(true)),
        rename_provider: Some(lsp::RenameProvider::RenameOptions(lsp::RenameOptions {
            prepare_provider: Some(true),
            ..lsp::RenameOptions::default()
        })),
        ..lsp::ServerCapabilities::default()
    }
}

fn completion(view: &View<'_>, question: &Question<'_>) -> Answer {
    let found = complete(view, question.offset);
    let range = question.lines.range(found.replace);
    let items = found.candidates.into_iter().enumerate();
    let items: Vec<_> = items.map(|(at, candidate)| item(at, candidate, &range)).collect();
    answered(lsp::CompletionList {
        is_incomplete: false,
        items,
        ..lsp::CompletionList::default()
    })
}

fn item(at: usize, candidate: Candidate, range: &lsp::Range) -> lsp::CompletionItem {
    let kind = match candidate.kind {
        complete::Kind::Keyword => lsp::CompletionItemKind::Keyword,
        complete::Kind::Attribute => lsp::CompletionItemKind::Property,
        complete::Kind::Builder => lsp::CompletionItemKind::Class,
        complete::Kind::Function => lsp::CompletionItemKind::Function,
        complete::Kind::Value => lsp::CompletionItemKind::Variable,
        complete::Kind::Import => lsp::CompletionItemKind::Module,
        complete::Kind::Declared => lsp::CompletionItemKind::Reference,
        complete::Kind::Choice => lsp::CompletionItemKind::EnumMember,
        complete::Kind::File => lsp::CompletionItemKind::File,
    };
    lsp::CompletionItem {
        filter_text: Some(candidate.label.clone()),
        label: candidate.label,
        kind: Some(kind),
        detail: Some(candidate.detail).filter(|detail| !detail.is_empty()),
        documentation: Some(candidate.doc)
            .filter(|doc| !doc.is_empty())
            .map(|doc| lsp::Documentation::MarkupContent(markdown(doc))),
        sort_text: Some(format!("{at:04}")),
        text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(lsp::TextEdit {
            range: *range,
            new_text: candidate.insert,
        })),
        ..lsp::CompletionItem::default()
    }
}

fn markdown(value: String) -> lsp::MarkupContent {
    lsp::MarkupContent {
        kind: lsp::MarkupKind::Markdown,
        value,
    }
}

fn hovered(view: &View<'_>, question: &Question<'_>) -> Answer {
    let found = hover(view, question.offset).map(|(span, text)| lsp::Hover {
        contents: lsp::Contents::MarkupContent(markdown(text)),
        range: Some(question.lines.range(span)),
    });
    answered(found)
}

/// A piece of any file of the workspace as a place of the protocol.
fn location(view: &View<'_>, terms: &Terms, file: &RelPath, span: Range<usize>) -> lsp::Location {
    let text = view.text_of(file).unwrap_or_default();
    lsp::Location {
        uri: terms.uri(file).into(),
        range: Lines::new(&text, terms.encoding).range(span),
    }
}

fn definition(view: &View<'_>, question: &Question<'_>) -> Answer {
    let found = define(view, question.offset);
    answered(found.map(|symbol| location(view, question.terms, &symbol.file, symbol.span)))
}

fn mentioned(view: &View<'_>, offset: usize) -> Vec<Mention> {
    define(view, offset).map_or_else(Vec::new, |symbol| mentions(view, &symbol))
}

fn references(view: &View<'_>, question: &Question<'_>) -> Answer {
    let declaration = question.params.pointer("/context/includeDeclaration");
    let declaration = declaration.and_then(Value::as_bool).unwrap_or(true);
    let mut found = mentioned(view, question.offset);
    found.retain(|mention| declaration || !mention.declares);
    let places: Vec<_> = found
        .into_iter()
        .map(|mention| location(view, question.terms, &mention.file, mention.span))
        .collect();
    answered(places)
}

fn highlights(view: &View<'_>, question: &Question<'_>) -> Answer {
    let here = mentioned(view, question.offset)
        .into_iter()
        .filter(|mention| mention.file == *view.file);
    let found: Vec<_> = here
        .map(|mention| lsp::DocumentHighlight {
            range: question.lines.range(mention.span),
            kind: Some(if mention.declares {
                lsp::DocumentHighlightKind::Write
            } else {
                lsp::DocumentHighlightKind::Read
            }),
        })
        .collect();
    answered(found)
}

fn symbols(view: &View<'_>, question: &Question<'_>) -> Answer {
    #[expect(deprecated, reason = "the type has a field that the protocol has given up")]
    let symbol = |item: Definition| lsp::DocumentSymbol {
        detail: Some(detail(&item)),
        kind: symbol_kind(item.kind),
        range: question
            .lines
            .range(item.whole.start..item.whole.end.max(item.span.end)),
        selection_range: question.lines.range(item.span),
        name: item.name.to_string(),
        tags: None,
        deprecated: None,
        children: None,
    };
    answered(
        outline::items(view.text)
            .into_iter()
            .map(symbol)
            .collect::<Vec<_>>(),
    )
}

fn detail(item: &Definition) -> String {
    match item.kind {
        DefinitionKind::Declaration(word) => word.to_owned(),
        DefinitionKind::Template => format!("({})", item.parameters.join(", ")),
        DefinitionKind::Import => "import".to_owned(),
        _ => "let".to_owned(),
    }
}

fn symbol_kind(kind: DefinitionKind) -> lsp::SymbolKind {
    match kind {
        DefinitionKind::Declaration("function") => lsp::SymbolKind::Function,
        DefinitionKind::Declaration("layer") => lsp::SymbolKind::Package,
        DefinitionKind::Declaration("workspace" | "stage") => lsp::SymbolKind::Namespace,
        DefinitionKind::Declaration(_) => lsp::SymbolKind::Object,
        DefinitionKind::Template => lsp::SymbolKind::Method,
        DefinitionKind::Import => lsp::SymbolKind::Module,
        _ => lsp::SymbolKind::Variable,
    }
}

/// The items of a workspace that a query finds.
pub fn search(view: &View<'_>, query: &str, terms: &Terms) -> Vec<lsp::WorkspaceSymbol> {
    let found = outline::search(view, query).into_iter();
    let symbol = |(file, item): (RelPath, Definition)| lsp::WorkspaceSymbol {
        location: lsp::WorkspaceSymbolLocation::Location(location(view, terms, &file, item.span.clone())),
        data: None,
        base_symbol_information: lsp::BaseSymbolInformation {
            name: item.name.to_string(),
            kind: symbol_kind(item.kind),
            tags: None,
            container_name: Some(file.to_string()),
        },
    };
    found.map(symbol).collect()
}

fn formatting(view: &View<'_>, question: &Question<'_>) -> Answer {
    match restyle(view.text) {
        Ok(edit) => answered(
            edit.map(|(span, new_text)| lsp::TextEdit {
                range: question.lines.range(span),
                new_text,
            })
            .into_iter()
            .collect::<Vec<_>>(),
        ),
        Err(errors) => {
            let first = errors.first();
            let line = first.and_then(|error| error.labels.first()).map_or(0, |label| {
                question.lines.position(label.span.start as usize).line + 1
            });
            let why = first.map(|error| error.message.clone()).unwrap_or_default();
            Err(Refusal::failed(format!(
                "the file stays as it is, since it cannot be read: line {line}: {why}"
            )))
        }
    }
}

fn prepare_rename(view: &View<'_>, question: &Question<'_>) -> Answer {
    let (span, placeholder) = rename::prepare(view, question.offset).map_err(Refusal::failed)?;
    answered(lsp::PrepareRenamePlaceholder {
        range: question.lines.range(span),
        placeholder,
    })
}

fn renamed(view: &View<'_>, question: &Question<'_>) -> Answer {
    let to = question
        .params
        .get("newName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let edits = rename::rename(view, question.offset, to).map_err(Refusal::failed)?;
    let mut changes: std::collections::BTreeMap<String, Vec<lsp::TextEdit>> =
        std::collections::BTreeMap::new();
    for (file, span, new_text) in edits {
        let place = location(view, question.terms, &file, span);
        let edit = lsp::TextEdit {
            range: place.range,
            new_text,
        };
        changes.entry(place.uri.0).or_default().push(edit);
    }
    answered(lsp::WorkspaceEdit {
        changes: Some(
            changes
                .into_iter()
                .map(|(uri, edits)| (uri.into(), edits))
                .collect(),
        ),
        ..lsp::WorkspaceEdit::default()
    })
}

/// The quick fixes of the diagnostics that the client names; what each proposes stands in its data.
pub fn repairs(params: &lsp::CodeActionParams) -> Value {
    let found = params.context.diagnostics.iter().filter_map(|diagnostic| {
        let new = diagnostic.data.as_ref()?.get("replace")?.as_str()?.to_owned();
        let edit = lsp::TextEdit {
            range: diagnostic.range,
            new_text: new.clone(),
        };
        Some(lsp::CodeAction {
            title: format!("Write `{new}`"),
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnostic.clone()]),
            is_preferred: Some(true),
            edit: Some(lsp::WorkspaceEdit {
                changes: Some([(params.text_document.uri.clone(), vec![edit])].into()),
                ..lsp::WorkspaceEdit::default()
            }),
            ..lsp::CodeAction::default()
        })
    });
    serde_json::to_value(found.collect::<Vec<_>>()).unwrap_or_default()
}
