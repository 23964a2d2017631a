//! What a question about a place is answered from: the text, the other files of its workspace, what the
//! last evaluation knew, and the tables of attributes. Knows no protocol.

use lambuild_lang::doc::Entry;
use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::index::{Definition, Index};
use lambuild_lang::{FileKind, Files, RelPath};
use std::ops::Range;

/// A file that is looked at, and everything around it.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// Its path in the workspace.
    pub file: &'v RelPath,
    /// Its text, as it is in the editor.
    pub text: &'v str,
    /// All files, as they are in the editor where they are open there.
    pub files: &'v dyn Files,
    /// What the last evaluation knew.
    pub facts: &'v Facts,
    /// The tables of attributes.
    pub entries: &'v [Entry],
}

/// What only evaluation knows of a workspace: names that are computed, and which files belong to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The files of the workspace, sorted.
    pub files: Vec<RelPath>,
    /// Every function, layer, target, toolchain and stage.
    pub declared: Vec<Declared>,
    /// The keys of `stage.vars`, of all stages.
    pub stage_vars: Vec<String>,
}

/// A declaration that evaluation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// `function`, `layer`, `target`, `toolchain` or `stage`.
    pub kind: &'static str,
    /// Its name, also where it is computed.
    pub name: String,
    /// The file that it stands in.
    pub file: RelPath,
    /// Where its name stands there, in bytes.
    pub span: Range<usize>,
}

/// A name that is declared somewhere in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The file that declares it.
    pub file: RelPath,
    /// Where its name stands there, in bytes.
    pub span: Range<usize>,
    /// Its declaration; `None` for a file as a whole, and for a computed name.
    pub definition: Option<Definition>,
}

impl<'v> View<'v> {
    /// The same about another file; `None` where it cannot be read.
    pub fn text_of(&self, file: &RelPath) -> Option<std::sync::Arc<str>> {
        if file == self.file {
            return Some(self.text.into());
        }
        self.files.read(file).ok()
    }

    /// The file that an import's path means here.
    pub fn imported(&self, from: &RelPath, path: &str) -> Option<RelPath> {
        let target = from.parent()?.resolve(path).ok()?;
        match self.files.kind(&target)? {
            FileKind::Dir => target.child(BUILD_FILE).ok(),
            FileKind::File => Some(target),
        }
    }

    /// The names that a reference such as `layer.x` in a file may go on with, sorted.
    pub fn names(&self, kind: &str, file: &RelPath, index: &Index) -> Vec<String> {
        let everywhere = matches!(kind, "toolchain" | "stage");
        let facts = self.facts.declared.iter();
        let facts = facts.filter(|known| known.kind == kind && (everywhere || known.file == *file));
        let mut names: Vec<String> = facts.map(|known| known.name.clone()).collect();
        let written = index.definitions.iter().filter(|found| {
            !found.computed
                && matches!(found.kind, lambuild_lang::index::DefinitionKind::Declaration(word) if word == kind)
        });
        names.extend(written.map(|found| found.name.to_string()));
        names.sort();
        names.dedup();
        names
    }
}
