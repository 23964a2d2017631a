//! The tables as a JSON Schema (draft 2020-12), for editors and generators.
//!
//! It describes the declarations of a workspace as one JSON object: by kind, then by
//! name. A product is an object with the builder's name as its only key; paths and
//! references are strings as they are written in the language.

use super::{Entry, EntryKind};
use crate::schema::{Attribute, Type};
use serde_json::{Map, Value, json};

/// The schema of everything that the entries describe.
pub fn json_schema(entries: &[Entry]) -> Value {
    let mut definitions = Map::new();
    for entry in entries.iter().filter(|entry| entry.name != "toolchain") {
        let schema = set(entry.doc, &entry.attributes);
        definitions.insert(definition(entry), schema);
    }
    definitions.insert("path".to_owned(), pattern("A path of the workspace.", PATH));
    let reference = pattern("A reference to another declaration.", REFERENCE);
    definitions.insert("reference".to_owned(), reference);
    definitions.insert("product".to_owned(), product(entries));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lambuild",
        "description": "The declarations of a lambuild workspace, by kind and name.",
        "type": "object",
        "properties": properties(entries),
        "additionalProperties": false,
        "$defs": definitions,
    })
}

const PATH: &str = "^\\.\\.?/";
const REFERENCE: &str = "^(function|layer|target|toolchain)\\.";

fn pattern(doc: &str, pattern: &str) -> Value {
    json!({"description": doc, "type": "string", "pattern": pattern})
}

/// The name under which an entry is defined; a builder may be called like a declaration.
fn definition(entry: &Entry) -> String {
    match entry.kind {
        EntryKind::Builder => format!("builder.{}", entry.name),
        EntryKind::Declaration | EntryKind::Toolchain => entry.name.clone(),
    }
}

fn refer(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

/// For each kind of declaration, what stands under its names.
fn properties(entries: &[Entry]) -> Value {
    let declared = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Declaration);
    let property = |entry: &Entry| {
        let value = match entry.name.as_str() {
            "toolchain" => one_builder(entries, EntryKind::Toolchain, "toolchain."),
            name => refer(name),
        };
        let by_name = json!({"description": entry.doc, "type": "object", "additionalProperties": value});
        (entry.name.clone(), by_name)
    };
    Value::Object(declared.map(property).collect())
}

/// A call of a builder, or what becomes one.
fn product(entries: &[Entry]) -> Value {
    let call = one_builder(entries, EntryKind::Builder, "");
    json!({"description": "A builder with its attributes, a path or a reference.", "anyOf": [refer("path"), refer("reference"), call]})
}

/// An object with one key: the builder or kind of toolchain.
fn one_builder(entries: &[Entry], kind: EntryKind, prefix: &str) -> Value {
    let known = entries.iter().filter(|entry| entry.kind == kind);
    let property = |entry: &Entry| {
        let name = entry.name.strip_prefix(prefix).unwrap_or(&entry.name);
        (name.to_owned(), refer(&definition(entry)))
    };
    let properties: Map<String, Value> = known.map(property).collect();
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

/// A set with these attributes. `null` means "not given", so only what must be there refuses it.
fn set(doc: &str, attributes: &[&Attribute]) -> Value {
    let required = attributes.iter().filter(|attribute| attribute.required);
    let required: Vec<&str> = required.map(|attribute| attribute.name).collect();
    let properties: Map<String, Value> = attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), described(attribute)))
        .collect();
    json!({
        "description": doc,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn described(attribute: &Attribute) -> Value {
    let text = match attribute.default {
        Some(default) => format!("{} Default: {default}.", attribute.doc),
        None => attribute.doc.to_owned(),
    };
    let takes = type_schema(&attribute.ty);
    let forms = if attribute.required {
        json!([takes])
    } else {
        json!([takes, {"type": "null"}])
    };
    json!({"description": text, "anyOf": forms})
}

/// The schema of one type; `path`, `reference` and `product` are defined by [`json_schema`].
pub fn type_schema(ty: &Type) -> Value {
    match ty {
        Type::Bool => json!({"type": "boolean"}),
        Type::Int { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Type::Str { min, max: usize::MAX } => json!({"type": "string", "minLength": min}),
        Type::Str { min, max } => json!({"type": "string", "minLength": min, "maxLength": max}),
        Type::Checked(_) | Type::Advised { .. } | Type::Template => json!({"type": "string"}),
        Type::OneOf(known) => json!({"enum": known}),
        Type::Path => refer("path"),
        Type::Product => refer("product"),
        Type::Content => json!({"anyOf": [refer("product"), {"type": "string"}]}),
        Type::Layer => json!({"type": "string"}),
        Type::Toolchain => pattern("A toolchain.", "^toolchain\\."),
        Type::Tool => refer("product"),
        Type::Program => json!({"anyOf": [{"type": "string"}, refer("product")]}),
        Type::Words { first, rest, max } => json!({
            "type": "array",
            "prefixItems": [type_schema(first)],
            "items": type_schema(rest),
            "minItems": 1,
            "maxItems": max,
        }),
        Type::List {
            item,
            max: usize::MAX,
        } => json!({"type": "array", "items": type_schema(item)}),
        Type::List { item, max } => {
            json!({"type": "array", "items": type_schema(item), "maxItems": max})
        }
        Type::Map { value, .. } => json!({"type": "object", "additionalProperties": type_schema(value)}),
        Type::Set(schema) => set(schema.doc, &schema.attributes.iter().collect::<Vec<_>>()),
        Type::Either(types) => json!({"anyOf": types.iter().map(type_schema).collect::<Vec<_>>()}),
        // Whatever stands there is judged by whoever reads it.
        _ => json!({}),
    }
}
