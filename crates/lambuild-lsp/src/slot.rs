//! Which attributes and types the tables have for a place of a text. Knows neither text nor protocol.

use lambuild_lang::cursor::{Owner, Slot};
use lambuild_lang::doc::{Entry, EntryKind, describe};
use lambuild_lang::schema::{Attribute, Type};

/// What may stand in `workspace.defaults` and `stage.defaults`.
static DEFAULTS: [Attribute; 2] = [
    Attribute::new("function", Type::Any, "Deploy attributes of every function."),
    Attribute::new("layer", Type::Any, "Deploy attributes of every layer."),
];

/// What an element of `stage.overrides` holds.
static OVERRIDE: [Attribute; 2] = [
    Attribute::new("targets", Type::Any, "Which targets, as `dir:name` or a pattern.").required(),
    Attribute::new("set", Type::Any, "The deploy attributes that they get.").required(),
];

/// What says how a target is built, and so cannot be a default.
const BUILT: [&str; 3] = ["build", "content", "architectures"];

/// The attributes of a set.
pub fn attributes(entries: &[Entry], slot: &Slot) -> Vec<&'static Attribute> {
    let keys: Vec<&str> = slot.keys.iter().map(String::as_str).collect();
    let (start, rest): (Vec<&'static Attribute>, &[&str]) = match (&slot.owner, &keys[..]) {
        (Owner::Declaration("workspace" | "stage"), ["defaults"]) => (DEFAULTS.iter().collect(), &[]),
        (Owner::Declaration("stage"), ["overrides"]) => (OVERRIDE.iter().collect(), &[]),
        (Owner::Declaration("workspace" | "stage"), ["defaults", kind, rest @ ..]) => {
            (deployed(entries, &[kind]), rest)
        }
        (Owner::Declaration("stage"), ["overrides", "set", rest @ ..]) => {
            (deployed(entries, &["function", "layer"]), rest)
        }
        (Owner::Declaration(kind), rest) => (of(entries, EntryKind::Declaration, kind), rest),
        (Owner::Toolchain(kind), rest) => (
            of(entries, EntryKind::Toolchain, &format!("toolchain.{kind}")),
            rest,
        ),
        (Owner::Builder(name), rest) => (of(entries, EntryKind::Builder, name), rest),
        (Owner::Let, rest) => (either(entries, &["function", "layer"]), rest),
        (Owner::Unknown, _) => (Vec::new(), &[]),
    };
    below(start, rest)
}

/// What a value may be: the types of its attribute, one for each form that it has.
pub fn types(entries: &[Entry], slot: &Slot) -> Vec<&'static Type> {
    let Some((last, before)) = slot.keys.split_last() else {
        return Vec::new();
    };
    let set = Slot {
        owner: slot.owner.clone(),
        keys: before.to_vec(),
    };
    let found = attributes(entries, &set)
        .into_iter()
        .find(|known| known.name == last);
    if let Some(attribute) = found {
        let mut types = Vec::new();
        forms(&attribute.ty, &mut types);
        return types;
    }
    in_map(entries, &set)
}

/// The attribute that a value is for.
pub fn attribute(entries: &[Entry], slot: &Slot) -> Option<&'static Attribute> {
    let (last, before) = slot.keys.split_last()?;
    let set = Slot {
        owner: slot.owner.clone(),
        keys: before.to_vec(),
    };
    attributes(entries, &set)
        .into_iter()
        .find(|known| known.name == last)
}

/// The types of a value under a free key.
fn in_map(entries: &[Entry], set: &Slot) -> Vec<&'static Type> {
    if set.keys.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for ty in types(entries, set) {
        if let Type::Map { value, .. } = ty {
            forms(value, &mut found);
        }
    }
    found
}

/// The texts that an attribute of these types may be; empty where any other text may be, too.
pub fn choices(types: &[&'static Type]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for ty in types {
        match ty {
            Type::OneOf(known) | Type::Advised { known, .. } => found.extend_from_slice(known),
            _ => {}
        }
    }
    found
}

/// An attribute in words, as Markdown.
pub fn told(attribute: &Attribute) -> String {
    let default = match (attribute.required, attribute.default) {
        (true, _) => "; needed".to_owned(),
        (false, Some(default)) => format!("; default: `{default}`"),
        (false, None) => String::new(),
    };
    let (name, takes) = (attribute.name, describe(&attribute.ty));
    format!("**{name}**: {takes}{default}\n\n{}", attribute.doc)
}

fn of(entries: &[Entry], kind: EntryKind, name: &str) -> Vec<&'static Attribute> {
    let found = entries
        .iter()
        .find(|entry| entry.kind == kind && entry.name == name);
    found.map_or_else(Vec::new, |entry| entry.attributes.clone())
}

/// The attributes of several declarations, each name once.
fn either(entries: &[Entry], kinds: &[&str]) -> Vec<&'static Attribute> {
    let mut found: Vec<&'static Attribute> = Vec::new();
    for kind in kinds {
        for attribute in of(entries, EntryKind::Declaration, kind) {
            if !found.iter().any(|known| known.name == attribute.name) {
                found.push(attribute);
            }
        }
    }
    found
}

fn deployed(entries: &[Entry], kinds: &[&str]) -> Vec<&'static Attribute> {
    let mut found = either(entries, kinds);
    found.retain(|attribute| !BUILT.contains(&attribute.name));
    found
}

/// The attributes of the sets that stand below some attributes.
fn below(start: Vec<&'static Attribute>, keys: &[&str]) -> Vec<&'static Attribute> {
    let [first, rest @ ..] = keys else {
        return start;
    };
    let Some(attribute) = start.into_iter().find(|known| known.name == *first) else {
        return Vec::new();
    };
    let mut types = Vec::new();
    forms(&attribute.ty, &mut types);
    through(types, rest)
}

fn through(types: Vec<&'static Type>, keys: &[&str]) -> Vec<&'static Attribute> {
    let mut found = Vec::new();
    for ty in types {
        match (ty, keys) {
            (Type::Set(schema), keys) => found.extend(below(schema.attributes.iter().collect(), keys)),
            (Type::Map { value, .. }, [_, rest @ ..]) => {
                let mut inner = Vec::new();
                forms(value, &mut inner);
                found.extend(through(inner, rest));
            }
            _ => {}
        }
    }
    found
}

/// The forms of a type; of a list, those of its items as well.
fn forms(ty: &'static Type, found: &mut Vec<&'static Type>) {
    match ty {
        Type::Either(types) => types.iter().for_each(|ty| forms(ty, found)),
        Type::List { item, .. } => {
            found.push(ty);
            forms(item, found);
        }
        ty => found.push(ty),
    }
}
