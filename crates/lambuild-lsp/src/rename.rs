//! Giving a declared name another one, at all its places, or saying why not. Knows no protocol.

use crate::define::{Mention, can_be_renamed, define, mentions};
use crate::view::{Symbol, View};
use lambuild_lang::RelPath;
use lambuild_lang::builtins::builder_words;
use lambuild_lang::index::{DefinitionKind, Index};
use std::ops::Range;

/// Words that mean something of their own, beside the builders.
const RESERVED: [&str; 16] = [
    "true",
    "false",
    "null",
    "if",
    "then",
    "else",
    "in",
    "let",
    "assert",
    "workspace",
    "toolchain",
    "stage",
    "function",
    "layer",
    "target",
    "arch",
];

/// A piece of a file and the text that takes its place.
pub type Edit = (RelPath, Range<usize>, String);

/// The name at a place that can be renamed.
///
/// # Errors
/// Why it cannot be.
pub fn prepare(view: &View<'_>, offset: usize) -> Result<(Range<usize>, String), String> {
    let symbol = named(view, offset)?;
    let index = Index::of(view.text);
    let span = match (index.definition_at(offset), index.use_at(offset)) {
        (Some((_, found)), _) => found.span.clone(),
        (None, Some((used, at))) => used
            .words
            .get(at)
            .map(|(_, span)| span.clone())
            .unwrap_or_default(),
        (None, None) => return Err(NOTHING.to_owned()),
    };
    let name = symbol
        .definition
        .map(|found| found.name.to_string())
        .unwrap_or_default();
    Ok((span, name))
}

/// The edits that rename what is at a place.
///
/// # Errors
/// Why it cannot be renamed so.
pub fn rename(view: &View<'_>, offset: usize, to: &str) -> Result<Vec<Edit>, String> {
    let symbol = named(view, offset)?;
    check(to)?;
    taken(view, &symbol, to)?;
    let mut edits = Vec::new();
    for mention in mentions(view, &symbol) {
        if mention.inherited {
            return Err(format!(
                "`{}` inherits the name, where it is an attribute as well: write `name = name` there first",
                mention.file
            ));
        }
        edits.push(edit(view, mention, to));
    }
    Ok(edits)
}

const NOTHING: &str = "nothing with a name of its own stands here";

fn named(view: &View<'_>, offset: usize) -> Result<Symbol, String> {
    let symbol = define(view, offset).filter(|found| found.definition.is_some());
    let symbol = symbol.ok_or_else(|| NOTHING.to_owned())?;
    symbol.definition.as_ref().map_or(Ok(()), can_be_renamed)?;
    Ok(symbol)
}

fn check(name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err(format!(
            "`{name}` is no name: one begins with a letter or `_` and goes on with letters, digits, `_` and `-`"
        ));
    }
    if RESERVED.contains(&name) || builder_words().contains(&name) {
        return Err(format!("`{name}` is a word of the language"));
    }
    Ok(())
}

/// Refuses a name that the file has already, which would change what other places mean.
fn taken(view: &View<'_>, symbol: &Symbol, to: &str) -> Result<(), String> {
    let text = view.text_of(&symbol.file).unwrap_or_default();
    let index = Index::of(&text);
    let Some(renamed) = &symbol.definition else {
        return Ok(());
    };
    let declaration = |kind| matches!(kind, DefinitionKind::Declaration(_));
    let clash = index.definitions.iter().find(|found| {
        *found.name == *to
            && declaration(found.kind) == declaration(renamed.kind)
            && found.span != renamed.span
    });
    match clash {
        Some(_) => Err(format!("`{}` has a `{to}` already", symbol.file)),
        None => Ok(()),
    }
}

fn edit(view: &View<'_>, mention: Mention, to: &str) -> Edit {
    let text = view.text_of(&mention.file).unwrap_or_default();
    let quoted = text
        .get(mention.span.clone())
        .is_some_and(|name| name.starts_with('"'));
    let new = if quoted {
        format!("\"{to}\"")
    } else {
        to.to_owned()
    };
    (mention.file, mention.span, new)
}
