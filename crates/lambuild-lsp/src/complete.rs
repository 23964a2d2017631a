//! What may be written at a place: attributes, values, names, paths. Knows no protocol; works in a
//! half-written file, too.

use crate::define::REFERENCES;
use crate::slot;
use crate::view::View;
use lambuild_lang::builtins::{BUILTINS, item_words};
use lambuild_lang::cursor::{Cursor, Place, cursor};
use lambuild_lang::doc::{EntryKind, describe};
use lambuild_lang::files::FileKind;
use lambuild_lang::index::{Definition, DefinitionKind, Index};
use lambuild_lang::schema::Type;
use std::ops::Range;

/// What a candidate is, for its picture in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The word of an item.
    Keyword,
    /// An attribute of a schema, or of `arch`, `stage`, a target.
    Attribute,
    /// A builder.
    Builder,
    /// A built-in function or a template.
    Function,
    /// A value with a name.
    Value,
    /// An import.
    Import,
    /// A declared function, layer, target, toolchain or stage.
    Declared,
    /// One of the texts that an attribute takes, or a boolean.
    Choice,
    /// A file or folder.
    File,
}

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As it is listed and filtered.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// A few words: the type, the call.
    pub detail: String,
    /// Markdown.
    pub doc: String,
    /// What is written in place of [`Completion::replace`].
    pub insert: String,
}

/// What may be written at a place, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What takes the place of which bytes.
    pub replace: Range<usize>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// Everything that may be written at a place.
pub fn complete(view: &View<'_>, offset: usize) -> Completion {
    let at = cursor(view.text, offset);
    let mut list = List {
        view,
        at: &at,
        offset,
        index: Index::of(view.text),
        found: Vec::new(),
    };
    let mut replace = at.word.clone();
    match &at.place {
        Place::Nothing => {}
        Place::Item => list.items(),
        Place::Key => list.keys(),
        Place::Value => list.values(),
        Place::Member(words) => list.members(words),
        Place::Text => list.texts(),
        Place::Path => replace = list.paths(),
    }
    Completion {
        replace,
        candidates: list.found,
    }
}

struct List<'l, 'v> {
    view: &'l View<'v>,
    at: &'l Cursor,
    offset: usize,
    index: Index,
    found: Vec<Candidate>,
}

impl List<'_, '_> {
    fn add(&mut self, label: &str, kind: Kind, detail: impl Into<String>, doc: impl Into<String>) {
        self.found.push(Candidate {
            label: label.to_owned(),
            kind,
            detail: detail.into(),
            doc: doc.into(),
            insert: label.to_owned(),
        });
    }

    fn items(&mut self) {
        for word in item_words() {
            let entry = self
                .view
                .entries
                .iter()
                .find(|entry| entry.kind == EntryKind::Declaration && entry.name == word);
            let doc = entry.map(|entry| entry.doc).unwrap_or_default();
            self.add(word, Kind::Keyword, "", doc);
        }
    }

    /// The attributes that the set does not have yet.
    fn keys(&mut self) {
        let rest = self.view.text.get(self.at.word.end..).unwrap_or_default();
        let assigned = rest.trim_start_matches(' ').starts_with(['=', '{', '.']);
        for attribute in slot::attributes(self.view.entries, &self.at.slot) {
            if self.at.given.iter().any(|given| given == attribute.name) {
                continue;
            }
            let end = if assigned { "" } else { " = " };
            self.found.push(Candidate {
                label: attribute.name.to_owned(),
                kind: Kind::Attribute,
                detail: describe(&attribute.ty),
                doc: slot::told(attribute),
                insert: format!("{}{end}", attribute.name),
            });
        }
        // A needed attribute is what one most likely looks for.
        self.found.sort_by_key(|found| !found.doc.contains("; needed\n"));
    }

    fn values(&mut self) {
        self.arguments();
        let types = slot::types(self.view.entries, &self.at.slot);
        for text in slot::choices(&types) {
            self.add(&format!("{text:?}"), Kind::Choice, "", "");
        }
        for ty in types {
            self.of_type(ty);
        }
        for definition in self.seen() {
            self.definition(&definition);
        }
        self.builders();
        for builtin in BUILTINS {
            self.add(builtin.name, Kind::Function, builtin.usage, builtin.doc);
        }
        for word in [
            "function",
            "layer",
            "target",
            "toolchain",
            "stage",
            "arch",
            "workspace",
        ] {
            self.add(word, Kind::Keyword, "", "");
        }
        for word in ["true", "false", "null", "if", "let", "assert"] {
            if !self.found.iter().any(|found| found.label == word) {
                self.add(word, Kind::Keyword, "", "");
            }
        }
    }

    /// The parameters of the template that is called here.
    fn arguments(&mut self) {
        let Some(template) = self.template() else { return };
        for parameter in &template.parameters {
            let (name, default) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, default) = (name.trim(), default.trim());
            let detail = if default.is_empty() {
                "parameter".to_owned()
            } else {
                format!("parameter, default: {default}")
            };
            self.found.push(Candidate {
                label: format!("{name} ="),
                kind: Kind::Attribute,
                detail,
                doc: String::new(),
                insert: format!("{name} = "),
            });
        }
    }

    fn template(&self) -> Option<Definition> {
        match &self.at.callee[..] {
            [name] => self.index.top(name).cloned(),
            [alias, name] => self.of_import(alias)?.1.top(name).cloned(),
            _ => None,
        }
    }

    fn of_type(&mut self, ty: &Type) {
        let references = match ty {
            Type::Bool => {
                self.add("true", Kind::Choice, "", "");
                return self.add("false", Kind::Choice, "", "");
            }
            Type::Layer => "layer",
            Type::Toolchain => "toolchain",
            _ => return,
        };
        for name in self.view.names(references, self.view.file, &self.index) {
            self.add(&format!("{references}.{name}"), Kind::Declared, references, "");
        }
    }

    fn seen(&self) -> Vec<Definition> {
        let seen = self.index.visible(self.offset);
        let here = |found: &&Definition| {
            // Neither a name that is just being written, nor the wrong half of the text.
            !(found.span.start <= self.offset && self.offset <= found.span.end)
        };
        seen.into_iter().filter(here).cloned().collect()
    }

    fn definition(&mut self, definition: &Definition) {
        let parameters = definition.parameters.join(", ");
        let (kind, detail) = match definition.kind {
            DefinitionKind::Template => (Kind::Function, format!("{}({parameters})", definition.name)),
            DefinitionKind::Import => {
                let path = definition.path.as_ref().map(|(path, _)| path.clone());
                (Kind::Import, path.unwrap_or_default())
            }
            DefinitionKind::Parameter => (Kind::Value, "parameter".to_owned()),
            DefinitionKind::Variable => (Kind::Value, "variable".to_owned()),
            DefinitionKind::Let | DefinitionKind::Declaration(_) => (Kind::Value, String::new()),
        };
        self.add(&definition.name, kind, detail, "");
    }

    fn builders(&mut self) {
        let builders = self
            .view
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Builder);
        for entry in builders {
            self.add(&entry.name, Kind::Builder, "builder", entry.doc);
        }
    }

    /// What follows `words` and a dot.
    fn members(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let local = words.first().is_some_and(|first| {
            let seen = self.index.visible(self.offset);
            seen.iter().any(|found| *found.name == **first)
        });
        match words[..] {
            [alias] if local => self.exported(alias),
            [alias, kind] if local => self.declared_in(alias, kind),
            [kind @ ("function" | "layer" | "toolchain")] => self.declared(kind),
            ["target"] => {
                self.add("name", Kind::Attribute, "the name of this target", "");
                self.declared("target");
            }
            ["stage"] => {
                self.add("name", Kind::Attribute, "the name of the stage", "");
                self.attributes("stage");
            }
            ["stage", "vars"] => {
                for name in &self.view.facts.stage_vars {
                    self.add(name, Kind::Attribute, "", "");
                }
            }
            ["workspace"] => self.attributes("workspace"),
            ["arch"] => self.plain(&["name", "go", "rust", "python", "node"]),
            ["exec"] => self.plain(&["os", "name"]),
            [kind @ ("function" | "layer"), _] => {
                self.add("arn", Kind::Attribute, "known only at deployment", "");
                self.attributes(kind);
            }
            _ => {}
        }
    }

    fn plain(&mut self, names: &[&str]) {
        for name in names {
            self.add(name, Kind::Attribute, "", "");
        }
    }

    fn attributes(&mut self, entry: &str) {
        let found = self
            .view
            .entries
            .iter()
            .find(|known| known.kind == EntryKind::Declaration && known.name == entry);
        for attribute in found.map(|entry| &entry.attributes[..]).unwrap_or_default() {
            let detail = describe(&attribute.ty);
            self.add(attribute.name, Kind::Attribute, detail, slot::told(attribute));
        }
    }

    fn declared(&mut self, kind: &str) {
        for name in self.view.names(kind, self.view.file, &self.index) {
            self.add(&name, Kind::Declared, kind, "");
        }
    }

    /// An imported file and its names.
    fn of_import(&self, alias: &str) -> Option<(lambuild_lang::RelPath, Index)> {
        let (path, _) = self.index.top(alias)?.path.as_ref()?;
        let file = self.view.imported(self.view.file, path)?;
        let text = self.view.text_of(&file)?;
        Some((file, Index::of(&text)))
    }

    fn exported(&mut self, alias: &str) {
        let Some((_, index)) = self.of_import(alias) else {
            return;
        };
        for definition in &index.definitions {
            let value = matches!(definition.kind, DefinitionKind::Let | DefinitionKind::Template);
            if value && definition.is_item && definition.scope.is_none() {
                self.definition(definition);
            }
        }
        for kind in REFERENCES {
            self.add(kind, Kind::Keyword, "", "");
        }
    }

    fn declared_in(&mut self, alias: &str, kind: &str) {
        let Some((file, index)) = self.of_import(alias).filter(|_| REFERENCES.contains(&kind)) else {
            return;
        };
        for name in self.view.names(kind, &file, &index) {
            self.add(&name, Kind::Declared, kind, "");
        }
    }

    fn texts(&mut self) {
        let types = slot::types(self.view.entries, &self.at.slot);
        for text in slot::choices(&types) {
            self.add(text, Kind::Choice, "", "");
        }
    }

    /// The files beside the last part of a path; the answer is that part.
    fn paths(&mut self) -> Range<usize> {
        let written = self
            .view
            .text
            .get(self.at.word.start..self.offset)
            .unwrap_or_default();
        let (folder, _) = written.rsplit_once('/').unwrap_or((".", written));
        let part = self.at.word.start + written.rfind('/').map_or(0, |at| at + 1)..self.at.word.end;
        let from = self.view.file.parent();
        let Some(folder) = from.and_then(|from| from.resolve(folder).ok()) else {
            return part;
        };
        for (name, kind) in self.view.files.list(&folder).unwrap_or_default() {
            let detail = if kind == FileKind::Dir { "folder" } else { "file" };
            self.add(&name, Kind::File, detail, "");
        }
        part
    }
}
