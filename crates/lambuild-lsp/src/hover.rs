//! What is told about the word at a place, as Markdown. Knows no protocol.

use crate::define::define;
use crate::slot;
use crate::view::{Symbol, View};
use lambuild_lang::builtins::BUILTINS;
use lambuild_lang::cursor::{Owner, Place, cursor};
use lambuild_lang::doc::{Entry, EntryKind};
use lambuild_lang::index::{DefinitionKind, Index};
use std::ops::Range;

/// How many lines of a declaration are shown.
const LINES: usize = 12;

/// The word at a place and what is told about it; `None` where there is nothing to tell.
pub fn hover(view: &View<'_>, offset: usize) -> Option<(Range<usize>, String)> {
    let at = cursor(view.text, offset);
    let word = view.text.get(at.word.clone()).filter(|word| !word.is_empty())?;
    let text = match &at.place {
        Place::Key => {
            let found = slot::attributes(view.entries, &at.slot);
            let found = found.into_iter().find(|attribute| attribute.name == word);
            found.map(slot::told)
        }
        Place::Text => slot::attribute(view.entries, &at.slot).map(slot::told),
        Place::Item => entry(view.entries, EntryKind::Declaration, word),
        Place::Value => value(view, offset, &at.word, word),
        Place::Member(words) => member(view, offset, words, word),
        Place::Path | Place::Nothing => named(view, offset),
    };
    text.map(|text| (at.word, text))
}

fn entry(entries: &[Entry], kind: EntryKind, name: &str) -> Option<String> {
    let found = entries
        .iter()
        .find(|entry| entry.kind == kind && entry.name == name)?;
    let attributes: String = found
        .attributes
        .iter()
        .map(|attribute| format!("- `{}`: {}\n", attribute.name, attribute.doc))
        .collect();
    Some(format!(
        "**{name}** ({}): {}\n\n{attributes}",
        kind.word(),
        found.doc
    ))
}

fn value(view: &View<'_>, offset: usize, span: &Range<usize>, word: &str) -> Option<String> {
    if let Some(found) = named(view, offset) {
        return Some(found);
    }
    let rest = view.text.get(span.end..).unwrap_or_default().trim_start();
    if rest.starts_with('{')
        && let Some(found) = entry(view.entries, EntryKind::Builder, word)
    {
        return Some(found);
    }
    if let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == word) {
        return Some(format!("{}\n{}", code(builtin.usage), builtin.doc));
    }
    Some(ambient(word)?.to_owned())
}

/// What the words that are values of themselves stand for.
fn ambient(word: &str) -> Option<&'static str> {
    Some(match word {
        "arch" => {
            "The architecture that is built for: `arch.name` is `\"arm64\"` or `\"x86_64\"`; `.go`, `.rust`, `.python` and `.node` are the ecosystems' names."
        }
        "stage" => {
            "The stage that is deployed to: `stage.name`, `stage.vars.…` and its attributes. Known in deploy attributes."
        }
        "workspace" => "The workspace's attributes, such as `workspace.vars.…`.",
        "target" => {
            "`target.NAME` is another target of this file; `target.name` the name of the one that is evaluated."
        }
        "function" | "layer" | "toolchain" => "Refers to a declaration by its name.",
        _ => return None,
    })
}

fn member(view: &View<'_>, offset: usize, words: &[String], word: &str) -> Option<String> {
    if let Some(found) = named(view, offset) {
        return Some(found);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let owner = match words[..] {
        ["stage"] => Owner::Declaration("stage"),
        ["workspace"] => Owner::Declaration("workspace"),
        ["function", _] => Owner::Declaration("function"),
        ["layer", _] => Owner::Declaration("layer"),
        ["arch"] => return ambient("arch").map(str::to_owned),
        _ => return None,
    };
    let keys = Vec::new();
    let found = slot::attributes(view.entries, &lambuild_lang::cursor::Slot { owner, keys });
    found.into_iter().find(|known| known.name == word).map(slot::told)
}

/// What a declared name stands for: the text that declares it, and the comment above.
fn named(view: &View<'_>, offset: usize) -> Option<String> {
    let symbol = define(view, offset)?;
    let Some(definition) = &symbol.definition else {
        return file_of(view, &symbol);
    };
    if definition.kind == DefinitionKind::Import {
        let (path, _) = definition.path.as_ref()?;
        let file = view.imported(&symbol.file, path)?;
        return Some(format!("The names of `{file}`"));
    }
    let text = view.text_of(&symbol.file)?;
    let declared = text.get(definition.whole.clone())?;
    let mut shown: Vec<&str> = declared.lines().take(LINES).collect();
    if declared.lines().nth(LINES).is_some() {
        shown.push("…");
    }
    let what = match definition.kind {
        DefinitionKind::Parameter => "\nA parameter.",
        DefinitionKind::Variable => "\nA variable of `for`.",
        _ => "",
    };
    let comment = comment_above(&text, definition.whole.start);
    let from = if symbol.file == *view.file {
        String::new()
    } else {
        format!("\nFrom `{}`", symbol.file)
    };
    Some(format!("{}{what}{comment}{from}", code(&shown.join("\n"))))
}

fn file_of(view: &View<'_>, symbol: &Symbol) -> Option<String> {
    // A whole file, or a computed name whose text has changed since.
    let index = Index::of(&view.text_of(&symbol.file)?);
    let names: Vec<&str> = index
        .definitions
        .iter()
        .filter(|found| found.is_item && !matches!(found.kind, DefinitionKind::Import))
        .map(|found| &*found.name)
        .collect();
    Some(format!("`{}`: {}", symbol.file, names.join(", ")))
}

fn code(text: &str) -> String {
    format!("```lambda-build\n{text}\n```\n")
}

/// The comment lines right above an item, as text.
fn comment_above(text: &str, start: usize) -> String {
    let above = text.get(..start).unwrap_or_default();
    let Some(above) = above.strip_suffix('\n') else {
        return String::new();
    };
    let lines = above.rsplit('\n');
    let comments = lines.map_while(|line| line.trim().strip_prefix('#'));
    let mut comments: Vec<&str> = comments
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    comments.reverse();
    if comments.is_empty() {
        String::new()
    } else {
        format!("\n{}\n", comments.join("\n"))
    }
}
