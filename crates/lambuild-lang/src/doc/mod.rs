//! What `lambuild doc` knows: every declaration, builder and kind of toolchain with its
//! attributes, found by name. Reads the tables and nothing else; prints nothing.

mod describe;
mod json_schema;

#[cfg(test)]
mod tests;

pub use describe::describe;
pub use json_schema::{json_schema, type_schema};

use crate::evaluation::Schemas;
use crate::nearest;
use crate::schema::{Attribute, Schema, Type};
use crate::workspace::WORKSPACE;

/// What stands in a file under a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// `function NAME { … }`
    Declaration,
    /// `go { … }` as a value
    Builder,
    /// `toolchain go { … }`
    Toolchain,
}

impl EntryKind {
    /// Every kind, in the order of the reference.
    pub const ALL: [EntryKind; 3] = [EntryKind::Declaration, EntryKind::Builder, EntryKind::Toolchain];

    /// The kind in one word.
    pub fn word(self) -> &'static str {
        match self {
            EntryKind::Declaration => "declaration",
            EntryKind::Builder => "builder",
            EntryKind::Toolchain => "toolchain",
        }
    }
}

/// A declaration, a builder or a kind of toolchain.
#[derive(Debug)]
pub struct Entry {
    /// As `lambuild doc` takes it: `function`, `go`, `toolchain.go`.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// One line of text.
    pub doc: &'static str,
    /// Its attributes in the order of the reference.
    pub attributes: Vec<&'static Attribute>,
}

/// How a target is built: attributes of every kind, which stand in no table of deploy attributes.
static BUILD: Attribute = Attribute::new("build", Type::Product, "What builds it.").required();
static CONTENT: Attribute = Attribute::new(
    "content",
    Type::Either(&[
        Type::Map {
            key: any_key,
            value: &Type::Content,
        },
        Type::Product,
    ]),
    "Short for `build = files { content = … }`: where each path, product or text goes.",
);
static LAYER_BUILD: Attribute = Attribute::new(
    "build",
    Type::Product,
    "What builds it, where neither `content` nor `arn` says what it is.",
);
static ARCHITECTURES: Attribute = Attribute::new(
    "architectures",
    Type::List {
        item: &Type::OneOf(&["arm64", "x86_64"]),
        max: 2,
    },
    "What it is built for.",
)
.default("those of the workspace");

static TARGET: Schema = Schema {
    name: "target",
    doc: "Any other product of a build.",
    attributes: &[],
};

const TOOLCHAIN: &str =
    "A compiler or tool, pinned; `toolchain NAME = KIND { … }` gives it a name of its own.";

fn any_key(_: &str) -> Result<(), String> {
    Ok(())
}

/// Everything that these tables describe: declarations, then builders, then toolchains.
pub fn entries(schemas: &Schemas<'_>) -> Vec<Entry> {
    use EntryKind::{Builder, Declaration, Toolchain};
    let mut entries = vec![
        entry(&WORKSPACE, Declaration, &[]),
        Entry {
            name: "toolchain".to_owned(),
            kind: Declaration,
            doc: TOOLCHAIN,
            attributes: Vec::new(),
        },
        entry(schemas.function, Declaration, &[&BUILD, &ARCHITECTURES]),
        entry(
            schemas.layer,
            Declaration,
            &[&LAYER_BUILD, &CONTENT, &ARCHITECTURES],
        ),
        entry(&TARGET, Declaration, &[&BUILD, &ARCHITECTURES]),
        entry(schemas.stage, Declaration, &[]),
    ];
    entries.extend(schemas.builders.iter().map(|schema| entry(schema, Builder, &[])));
    entries.extend(schemas.toolchains.iter().map(|schema| Entry {
        name: format!("toolchain.{}", schema.name),
        ..entry(schema, Toolchain, &[])
    }));
    entries
}

fn entry(schema: &Schema, kind: EntryKind, first: &[&'static Attribute]) -> Entry {
    Entry {
        name: schema.name.to_owned(),
        kind,
        doc: schema.doc,
        attributes: first.iter().copied().chain(schema.attributes).collect(),
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Found<'e> {
    /// `function`, `toolchain.go`
    Entry(&'e Entry),
    /// `function.timeout`, `function.tracing_config.mode`
    Attribute(&'static Attribute),
}

/// Finds `function`, `go`, `toolchain.go` or an attribute below one.
///
/// # Errors
/// Where nothing has that name: a sentence that says what is unknown, with the nearest
/// known name where one is near.
pub fn find<'e>(entries: &'e [Entry], name: &str) -> Result<Found<'e>, String> {
    let holds = |entry: &&Entry| below(name, &entry.name).is_some();
    let Some(entry) = entries.iter().filter(holds).max_by_key(|entry| entry.name.len()) else {
        let known = entries.iter().map(|entry| entry.name.as_str());
        return Err(unknown(
            format!("there is no declaration or builder `{name}`"),
            name,
            known,
        ));
    };
    let (mut found, mut owner) = (Found::Entry(entry), entry.name.clone());
    let path = below(name, &entry.name).unwrap_or_default();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let attributes = attributes(found);
        let Some(attribute) = attributes.iter().find(|attribute| attribute.name == part) else {
            let known = attributes.iter().map(|attribute| attribute.name);
            let known: Vec<&str> = known.chain(kinds(entries, &owner)).collect();
            return Err(unknown(
                format!("`{owner}` has no attribute `{part}`"),
                part,
                known,
            ));
        };
        found = Found::Attribute(attribute);
        owner = format!("{owner}.{part}");
    }
    Ok(found)
}

/// What stands in `name` after `entry` and a dot; `None` when it is no part of that entry.
fn below<'n>(name: &'n str, entry: &str) -> Option<&'n str> {
    let rest = name.strip_prefix(entry)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('.')
    }
}

fn unknown<'n>(message: String, name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message,
    }
}

/// The kinds of toolchain, below `toolchain`.
fn kinds<'e>(entries: &'e [Entry], owner: &str) -> Vec<&'e str> {
    let below = entries.iter().filter_map(|entry| below(&entry.name, owner));
    below.filter(|rest| !rest.is_empty()).collect()
}

/// The attributes of an entry, or those of the sets that an attribute takes.
pub fn attributes(found: Found<'_>) -> Vec<&'static Attribute> {
    match found {
        Found::Entry(entry) => entry.attributes.clone(),
        Found::Attribute(attribute) => inner(&attribute.ty),
    }
}

/// The attributes of the sets that a type takes, by itself, in a list or as one of several forms.
fn inner(ty: &Type) -> Vec<&'static Attribute> {
    match ty {
        Type::Set(schema) => schema.attributes.iter().collect(),
        Type::List { item, .. } => inner(item),
        Type::Map { value, .. } => inner(value),
        Type::Either(types) => types.iter().flat_map(inner).collect(),
        _ => Vec::new(),
    }
}
