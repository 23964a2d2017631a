//! `lambuild doc`: which attributes declarations and builders have, from the tables that
//! build files are checked against. Decides how they are shown.

use crate::args::Doc;
use crate::environment::Environment;
use crate::exit;
use crate::rules::{Tables, rules, this_platform};
use crate::talk::Talk;
use lambuild_lang::doc::{
    self, Entry, EntryKind, Found, attributes, describe, find, json_schema, type_schema,
};
use lambuild_lang::schema::Attribute;
use serde_json::{Value, json};
use std::sync::Arc;

/// Everything that this program has a table of.
pub fn entries(environment: &Environment) -> Vec<Entry> {
    let rules = rules(environment, &Arc::default(), this_platform());
    doc::entries(&Tables::of(&rules).schemas())
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Doc, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let entries = entries(environment);
    if options.json_schema {
        talk.data(&format!("{:#}", json_schema(&entries)));
        return Ok(());
    }
    let Some(name) = &options.name else {
        list(&entries, talk);
        return Ok(());
    };
    let found = find(&entries, name).map_err(|message| {
        talk.error(&format!("{message}\n  `lambuild doc` lists all that there is"));
        exit::USAGE
    })?;
    if talk.json {
        talk.data(&as_json(found).to_string());
    } else {
        talk.text(&as_text(found, &entries));
    }
    Ok(())
}

/// The names that may follow what was `typed`, with a line of text each: entries, and the
/// attributes of the one before the last dot.
pub fn names(entries: &[Entry], typed: &str) -> Vec<(String, &'static str)> {
    let mut names: Vec<(String, &'static str)> = entries
        .iter()
        .map(|entry| (entry.name.clone(), entry.doc))
        .collect();
    if let Some((owner, _)) = typed.rsplit_once('.')
        && let Ok(found) = find(entries, owner)
    {
        let below = attributes(found).into_iter();
        names.extend(below.map(|attribute| (format!("{owner}.{}", attribute.name), attribute.doc)));
    }
    names
}

fn list(entries: &[Entry], talk: &Talk) {
    if talk.json {
        let all: Vec<Value> = entries.iter().map(|entry| as_json(Found::Entry(entry))).collect();
        return talk.data(&json!({"entries": all}).to_string());
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for kind in EntryKind::ALL {
        talk.data(&format!("{}s", kind.word()));
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            talk.data(&format!("  {:width$}  {}", entry.name, entry.doc));
        }
    }
    talk.say("`lambuild doc NAME` shows the attributes of one");
}

/// An entry with its attributes, or one attribute. A `toolchain` has kinds instead.
fn as_text(found: Found<'_>, entries: &[Entry]) -> String {
    let mut text = String::new();
    let entry = match found {
        Found::Entry(entry) => entry,
        Found::Attribute(attribute) => {
            write(attribute, 0, &mut text);
            return text;
        }
    };
    text.push_str(&format!("{}: {}\n", entry.name, entry.doc));
    let begin = format!("{}.", entry.name);
    let kinds = entries.iter().filter(|kind| kind.name.starts_with(&begin));
    let kinds: String = kinds
        .map(|kind| format!("  {}: {}\n", kind.name, kind.doc))
        .collect();
    if !(kinds.is_empty() && entry.attributes.is_empty()) {
        text.push('\n');
    }
    entry
        .attributes
        .iter()
        .for_each(|attribute| write(attribute, 2, &mut text));
    text + &kinds
}

/// An attribute, what it takes and what it means, and below it the attributes of its set.
fn write(attribute: &'static Attribute, indent: usize, text: &mut String) {
    let space = " ".repeat(indent);
    let default = match (attribute.required, attribute.default) {
        (true, _) => "; needed".to_owned(),
        (false, Some(default)) => format!("; default: {default}"),
        (false, None) => String::new(),
    };
    let takes = describe(&attribute.ty);
    text.push_str(&format!(
        "{space}{}: {takes}{default}\n{space}  {}\n",
        attribute.name, attribute.doc
    ));
    for inner in attributes(Found::Attribute(attribute)) {
        write(inner, indent + 2, text);
    }
}

fn as_json(found: Found<'_>) -> Value {
    match found {
        Found::Entry(entry) => json!({
            "name": entry.name,
            "kind": entry.kind.word(),
            "doc": entry.doc,
            "attributes": all_as_json(found),
        }),
        Found::Attribute(attribute) => json!({
            "name": attribute.name,
            "doc": attribute.doc,
            "takes": describe(&attribute.ty),
            "required": attribute.required,
            "default": attribute.default,
            "schema": type_schema(&attribute.ty),
            "attributes": all_as_json(found),
        }),
    }
}

fn all_as_json(owner: Found<'_>) -> Vec<Value> {
    let attributes = attributes(owner).into_iter();
    attributes
        .map(|attribute| as_json(Found::Attribute(attribute)))
        .collect()
}
