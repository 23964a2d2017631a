//! Which files belong to an evaluation, and what each imports. Knows the syntax
//! tree and the files, no values.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::files::{BUILD_FILE, FileError, FileKind, Files};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{Arena, ExprKind, Import, Item, NameId, Part};
use crate::syntax::lex::MAX_TEXT;
use crate::syntax::parse;
use lambuild_digest::RelPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every file that was parsed; only ever added to.
#[derive(Default)]
pub(crate) struct Program {
    pub arena: Arena,
    modules: Vec<Module>,
    by_path: BTreeMap<RelPath, FileId>,
}

/// One parsed file; its id is that of its source.
pub(crate) struct Module {
    /// The folder that its paths are relative to.
    pub dir: RelPath,
    /// Whether it is a folder's `lambda.build`, where targets may be declared.
    pub is_build_file: bool,
    pub items: Vec<Item>,
    /// Mistakes of the text, and of its imports once they are followed.
    pub errors: Vec<Diagnostic>,
    /// What `import … as NAME` means; a failed import is `None`.
    pub imports: BTreeMap<NameId, (Span, Option<FileId>)>,
    followed: bool,
}

impl Program {
    pub(crate) fn module(&self, id: FileId) -> &Module {
        &self.modules[id.0 as usize]
    }

    pub(crate) fn find(&self, path: &RelPath) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// Parses a file unless that was done; one that cannot be read becomes an
    /// empty module with an error.
    pub(crate) fn load(&mut self, path: &RelPath, files: &dyn Files, sources: &mut SourceMap) -> FileId {
        if let Some(known) = self.find(path) {
            return known;
        }
        let (text, trouble) = match read(path, files) {
            Ok(text) => (text, None),
            Err(why) => (Arc::from(""), Some(why)),
        };
        let id = sources.add(path.clone(), Arc::clone(&text));
        let parsed = parse(&text, id, &mut self.arena);
        let mut errors = parsed.errors;
        errors.extend(trouble.map(|why| unreadable(path, &why, Span::new(id, 0, 0))));
        self.modules.push(Module {
            dir: path.parent().unwrap_or_else(RelPath::root),
            is_build_file: path.name() == Some(BUILD_FILE),
            items: parsed.items,
            errors,
            imports: BTreeMap::new(),
            followed: false,
        });
        self.by_path.insert(path.clone(), id);
        id
    }

    /// Loads what `from` imports, and what that imports, and so on.
    pub(crate) fn follow(&mut self, from: FileId, files: &dyn Files, sources: &mut SourceMap) {
        let mut waiting = vec![from];
        while let Some(id) = waiting.pop() {
            if std::mem::replace(&mut self.modules[id.0 as usize].followed, true) {
                continue;
            }
            let module = &self.modules[id.0 as usize];
            let (mut found, mut errors) = (Vec::new(), Vec::new());
            for import in module.items.iter().filter_map(as_import) {
                match self.destination(module, import, files) {
                    Ok(path) => found.push((import.name, Some(path))),
                    Err(error) => {
                        errors.extend(error);
                        found.push((import.name, None));
                    }
                }
            }
            for (name, path) in found {
                let target = path.map(|path| self.load(&path, files, sources));
                waiting.extend(target);
                let imports = &mut self.modules[id.0 as usize].imports;
                imports.entry(name.name).or_insert((name.span, target));
            }
            self.modules[id.0 as usize].errors.extend(errors);
        }
    }

    /// The file that an import names; `None` as error when the parser has said why.
    fn destination(
        &self,
        from: &Module,
        import: &Import,
        files: &dyn Files,
    ) -> Result<RelPath, Option<Diagnostic>> {
        let expr = self.arena.expr(import.path);
        let ExprKind::Path(parts) = &expr.kind else {
            return Err(None);
        };
        let text = self
            .fixed_path(self.arena.all(*parts))
            .ok_or_else(|| Some(computed_import(expr.span)))?;
        let path = from
            .dir
            .resolve(&text)
            .map_err(|why| Some(outside(&text, &why.to_string(), expr.span)))?;
        match files.kind(&path) {
            Some(FileKind::Dir) => {
                let file = path.child(BUILD_FILE).map_err(|_| None)?;
                match files.kind(&file) {
                    Some(FileKind::File) => Ok(file),
                    _ => Err(Some(import_error(&text, "has no `lambda.build`", expr.span))),
                }
            }
            Some(FileKind::File) if path.as_str().ends_with(".build") => Ok(path),
            Some(FileKind::File) => Err(Some(import_error(
                &text,
                "is no folder, and its name does not end in `.build`",
                expr.span,
            ))),
            None => Err(Some(import_error(&text, "does not exist", expr.span))),
        }
    }

    /// The text of a path without computed parts.
    fn fixed_path(&self, parts: &[Part]) -> Option<String> {
        let fixed = |part: &Part| match part {
            Part::Text(text) => Some(self.arena.name(*text).to_string()),
            Part::Value(value) => match &self.arena.expr(*value).kind {
                ExprKind::Text(text) => Some(self.arena.name(*text).to_string()),
                _ => None,
            },
        };
        parts.iter().map(fixed).collect()
    }
}

fn as_import(item: &Item) -> Option<&Import> {
    match item {
        Item::Import(import) => Some(import),
        _ => None,
    }
}

fn read(path: &RelPath, files: &dyn Files) -> Result<Arc<str>, FileError> {
    let text = files.read(path)?;
    if text.len() > MAX_TEXT {
        let limit = MAX_TEXT >> 20;
        return Err(FileError::Other(format!(
            "it is larger than {limit} MiB, which no build file is"
        )));
    }
    Ok(text)
}

fn unreadable(path: &RelPath, why: &FileError, span: Span) -> Diagnostic {
    Diagnostic::error(
        codes::UNREADABLE,
        format!("`{path}` cannot be read: {why}"),
        span,
        "",
    )
}

fn computed_import(span: Span) -> Diagnostic {
    Diagnostic::error(
        codes::IMPORT,
        "an import's path is fixed text",
        span,
        "this path is computed",
    )
    .help("import each folder by its own path")
}

fn import_error(text: &str, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(codes::IMPORT, format!("`{text}` {what}"), span, "imported here")
}

/// The error of a path that cannot lie in the workspace.
pub(crate) fn outside(text: &str, why: &str, span: Span) -> Diagnostic {
    if why.contains("leaves") {
        return Diagnostic::error(
            codes::OUTSIDE,
            format!("`{text}` leaves the workspace"),
            span,
            "this path climbs above the workspace's root",
        )
        .help("copy or move what is needed into the workspace");
    }
    Diagnostic::error(
        codes::INVALID,
        format!("`{text}` is no path: {why}"),
        span,
        "this path",
    )
}
