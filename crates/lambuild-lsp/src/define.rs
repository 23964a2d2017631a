//! Where a name is declared, and everywhere that it is used. Knows the files of the workspace through
//! the view, no protocol.

use crate::view::{Symbol, View};
use lambuild_lang::RelPath;
use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::index::{Definition, DefinitionKind, Index, Use};
use std::ops::Range;

/// The words of references to declarations of a file.
pub const REFERENCES: [&str; 3] = ["function", "layer", "target"];

/// A place where a symbol is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The file.
    pub file: RelPath,
    /// The name there, in bytes.
    pub span: Range<usize>,
    /// Whether it is declared there.
    pub declares: bool,
    /// Whether it is an `inherit`, where the name is a key as well.
    pub inherited: bool,
}

/// What the name at a place stands for; for an import's path, the file.
pub fn define(view: &View<'_>, offset: usize) -> Option<Symbol> {
    let index = Index::of(view.text);
    if let Some(path) = import_path(&index, offset) {
        let file = view.imported(view.file, path)?;
        return Some(Symbol {
            file,
            span: 0..0,
            definition: None,
        });
    }
    if let Some((_, found)) = index.definition_at(offset) {
        return Some(symbol(view.file, found));
    }
    let (used, at) = index.use_at(offset)?;
    resolve(view, view.file, &index, used, at)
}

/// Every place that names a symbol: its own file first, the others by path.
pub fn mentions(view: &View<'_>, symbol: &Symbol) -> Vec<Mention> {
    let Some(definition) = &symbol.definition else {
        return Vec::new();
    };
    let mut files: Vec<&RelPath> = view.facts.files.iter().collect();
    files.extend([view.file, &symbol.file]);
    files.sort_by_key(|file| (**file != symbol.file, *file));
    files.dedup();
    let mut found = Vec::new();
    for file in files {
        let Some(text) = view.text_of(file) else { continue };
        if text.contains(&*definition.name) {
            mentions_in(view, file, &Index::of(&text), symbol, &mut found);
        }
    }
    found
}

fn mentions_in(view: &View<'_>, file: &RelPath, index: &Index, symbol: &Symbol, found: &mut Vec<Mention>) {
    if *file == symbol.file {
        found.push(Mention {
            file: file.clone(),
            span: symbol.span.clone(),
            declares: true,
            inherited: false,
        });
    }
    let name = symbol
        .definition
        .as_ref()
        .map(|found| &*found.name)
        .unwrap_or_default();
    for used in &index.uses {
        for (at, (word, span)) in used.words.iter().enumerate() {
            // A quoted word is longer than its name; and `layer` of `layer.x` is no name.
            if **word != *name || is_kind(used, at) {
                continue;
            }
            let meant = resolve(view, file, index, used, at);
            if meant.is_some_and(|meant| meant.file == symbol.file && meant.span == symbol.span) {
                found.push(Mention {
                    file: file.clone(),
                    span: span.clone(),
                    declares: false,
                    inherited: used.inherited,
                });
            }
        }
    }
}

/// Whether a word of a use is the kind before a name, which stands for no declaration of its own.
fn is_kind(used: &Use, at: usize) -> bool {
    let word = used.words.get(at).map(|(word, _)| &**word).unwrap_or_default();
    let kind = word == "toolchain" || REFERENCES.contains(&word);
    kind && (at == 0 && used.definition.is_none() || at == 1) && used.words.len() > at + 1
}

/// The path of the import that a place is in.
fn import_path(index: &Index, offset: usize) -> Option<&str> {
    let mut paths = index.definitions.iter().filter_map(|found| found.path.as_ref());
    let found = paths.find(|(_, span)| span.start <= offset && offset <= span.end);
    found.map(|(path, _)| path.as_str())
}

fn symbol(file: &RelPath, definition: &Definition) -> Symbol {
    Symbol {
        file: file.clone(),
        span: definition.span.clone(),
        definition: Some(definition.clone()),
    }
}

/// What the word `at` of a use in a file stands for.
pub fn resolve(view: &View<'_>, file: &RelPath, index: &Index, used: &Use, at: usize) -> Option<Symbol> {
    let words: Vec<&str> = used.words.iter().map(|(word, _)| &**word).collect();
    let Some(definition) = used.definition.and_then(|at| index.definitions.get(at)) else {
        return match words[..] {
            [kind, name, ..] if at <= 1 => declared(view, file, index, kind, name),
            _ => None,
        };
    };
    if at == 0 {
        return Some(symbol(file, definition));
    }
    let (path, _) = definition.path.as_ref()?;
    let target = view.imported(file, path)?;
    let text = view.text_of(&target)?;
    let index = Index::of(&text);
    match words[1..] {
        [kind, name, ..] if at <= 2 && REFERENCES.contains(&kind) => {
            declared(view, &target, &index, kind, name)
        }
        [name, ..] if at == 1 => index.top(name).map(|found| symbol(&target, found)),
        _ => None,
    }
}

/// The declaration that `kind.name` in a file means.
fn declared(view: &View<'_>, file: &RelPath, index: &Index, kind: &str, name: &str) -> Option<Symbol> {
    if let Some(found) = index.declared(kind, name) {
        return Some(symbol(file, found));
    }
    let everywhere = kind == "toolchain";
    if !everywhere && !REFERENCES.contains(&kind) {
        return None;
    }
    let mut known = view.facts.declared.iter();
    let known =
        known.find(|known| known.kind == kind && known.name == name && (everywhere || known.file == *file));
    if let Some(known) = known {
        let text = view.text_of(&known.file)?;
        let index = Index::of(&text);
        // Where the text has changed since, the name stands elsewhere, and its file has to do.
        let found = index.definitions.iter().find(|found| found.span == known.span);
        return Some(Symbol {
            file: known.file.clone(),
            span: found.map_or(0..0, |found| found.span.clone()),
            definition: found.cloned(),
        });
    }
    let root = RelPath::root().child(BUILD_FILE).ok().filter(|_| everywhere)?;
    let text = view.text_of(&root)?;
    let index = Index::of(&text);
    index.declared(kind, name).map(|found| symbol(&root, found))
}

/// Whether a definition is renamed by renaming its mentions: a parameter is also named by callers.
pub fn can_be_renamed(definition: &Definition) -> Result<(), String> {
    match definition.kind {
        _ if definition.computed => Err(format!("the name `{}` is computed", definition.name)),
        DefinitionKind::Parameter => Err(format!(
            "`{}` is a parameter, which callers may name: rename it by hand",
            definition.name
        )),
        DefinitionKind::Declaration("workspace" | "stage") => {
            Err("the name of a workspace or stage is used outside of the files, too".to_owned())
        }
        _ => Ok(()),
    }
}
