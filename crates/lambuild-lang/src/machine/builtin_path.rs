//! Built-in functions on paths: what is in a folder, and the parts of a path.

use super::Machine;
use super::builtin::Use;
use super::expression::ENTRY_BYTES;
use super::value::{Eval, Fail, Shape, ThunkId};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::files::FileKind;
use crate::nearest;
use crate::source::Span;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use lambuild_digest::RelPath;
use std::sync::Arc;

/// The deepest folder that `glob` looks into, from where it begins.
const MAX_GLOB_DEPTH: usize = 64;

/// What looking at a file or a folder costs, in steps: it asks the system, which takes some
/// 5 µs.
pub(super) const FILE_STEPS: u64 = 200;

/// What a pattern costs, in steps and bytes: it becomes a small machine, in some 10 µs.
const PATTERN_STEPS: usize = 400;
const PATTERN_BYTES: usize = 8192;

/// Patterns that a path is compared with for the price of a step.
const PATTERNS_AT_ONCE: usize = 8;

impl Machine<'_> {
    pub(super) fn path_arg(&mut self, call: &Use<'_>, at: usize) -> Eval<RelPath> {
        let value = self.arg(call, at)?;
        match &value.shape {
            Shape::Path(path) => Ok(path.clone()),
            _ => Err(self.wrong_arg(call, at, "a path", &value)),
        }
    }

    /// `dirs(dir)`: the folders in a folder, sorted.
    pub(super) fn dirs(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let dir = self.path_arg(call, 0)?;
        let at = call.args[0].1;
        let entries = self.entries(call, &dir)?;
        self.bytes(entries.len() * ENTRY_BYTES, at)?;
        let dirs = entries.into_iter().filter(|(_, kind)| *kind == FileKind::Dir);
        let paths = dirs.filter_map(|(name, _)| dir.child(&name).ok());
        Ok(Shape::List(
            paths
                .map(|path| self.known(Shape::Path(path).at(call.span)))
                .collect(),
        ))
    }

    /// The entries of a folder, sorted.
    fn entries(&mut self, call: &Use<'_>, dir: &RelPath) -> Eval<Vec<(String, FileKind)>> {
        self.steps(FILE_STEPS, call.span)?;
        let entries = self.files.list(dir).map_err(|why| {
            let at = call.args[0].1;
            let error = self.missing_path(dir, at).unwrap_or_else(|| {
                let message = format!("`{dir}` cannot be listed: {why}");
                Diagnostic::error(codes::UNREADABLE, message, at, "this folder")
            });
            self.fail(call.env, error)
        })?;
        self.steps(entries.len() as u64, call.span)?;
        Ok(entries)
    }

    /// `glob(dir, patterns, exclude = …, allow_empty = true)`: the files at or below a folder
    /// whose path below it matches, sorted. `*` stays inside a folder, `**` crosses folders.
    pub(super) fn glob(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let dir = self.path_arg(call, 0)?;
        let include = self.patterns(call, call.args[1])?;
        let exclude = match call.named("exclude") {
            Some(given) => self.patterns(call, given)?,
            None => GlobSet::empty(),
        };
        let found = self.files_below(call, &dir, include.len() + exclude.len(), |file| {
            include.is_match(file.as_str()) && !exclude.is_match(file.as_str())
        })?;
        if found.is_empty() && !self.allows_empty(call)? {
            let message = format!("no file in `{dir}` matches");
            let error = Diagnostic::error(
                codes::ARGUMENT_VALUE,
                message,
                call.args[1].1,
                "nothing matches this",
            );
            return Err(self.fail(call.env, error.help("if that may be, add `allow_empty = true`")));
        }
        self.bytes(found.len() * ENTRY_BYTES, call.span)?;
        let path = |file: &RelPath| self.known(Shape::Path(dir.join(file)).at(call.span));
        Ok(Shape::List(found.iter().map(path).collect()))
    }

    fn allows_empty(&mut self, call: &Use<'_>) -> Eval<bool> {
        let Some((value, at)) = call.named("allow_empty") else {
            return Ok(false);
        };
        let value = self.force(value, call.context, at)?;
        match value.shape {
            Shape::Bool(allowed) => Ok(allowed),
            _ => Err(self.wrong_kind(call.env, "`allow_empty`", "a boolean", &value, at)),
        }
    }

    /// One pattern, or a list of them.
    fn patterns(&mut self, call: &Use<'_>, (value, at): (ThunkId, Span)) -> Eval<GlobSet> {
        let given = self.force(value, call.context, at)?;
        let each = match &given.shape {
            Shape::List(items) => self.elements(items, call.context, at)?,
            _ => vec![given],
        };
        let mut set = GlobSetBuilder::new();
        for pattern in &each {
            let Shape::Str(text) = &pattern.shape else {
                return Err(self.wrong_kind(call.env, "`glob`", "patterns", pattern, at));
            };
            let cost = PATTERN_STEPS.saturating_add(text.len());
            self.steps(cost as u64, at)?;
            self.bytes(PATTERN_BYTES.saturating_add(text.len().saturating_mul(64)), at)?;
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            set.add(glob.map_err(|error| self.bad_pattern(call, text, &error, pattern.span))?);
        }
        set.build()
            .map_err(|error| self.bad_pattern(call, "", &error, at))
    }

    fn bad_pattern(&self, call: &Use<'_>, text: &str, error: &globset::Error, at: Span) -> Fail {
        let message = format!("{text:?} is no pattern: {}", error.kind());
        self.fail(
            call.env,
            Diagnostic::error(codes::ARGUMENT_VALUE, message, at, "this pattern"),
        )
    }

    /// The files below a folder that are wanted, relative to it, sorted.
    fn files_below(
        &mut self,
        call: &Use<'_>,
        dir: &RelPath,
        patterns: usize,
        wanted: impl Fn(&RelPath) -> bool,
    ) -> Eval<Vec<RelPath>> {
        let (mut found, mut waiting) = (Vec::new(), vec![RelPath::root()]);
        while let Some(folder) = waiting.pop() {
            // A link may lead to a folder above it, so depth and number are limited.
            if folder.parts().count() > MAX_GLOB_DEPTH {
                let message = format!(
                    "`{}` lies more than {MAX_GLOB_DEPTH} folders deep",
                    dir.join(&folder)
                );
                let error = Diagnostic::error(
                    codes::ARGUMENT_VALUE,
                    message,
                    call.args[0].1,
                    "below this folder",
                );
                return Err(self.fail(
                    call.env,
                    error.help("is there a link that leads back to a folder above it?"),
                ));
            }
            let entries = self.entries(call, &dir.join(&folder))?;
            for (name, kind) in entries {
                let Ok(path) = folder.child(&name) else { continue };
                match kind {
                    FileKind::File => {
                        let parts = (patterns / PATTERNS_AT_ONCE) as u64;
                        self.steps(1 + parts, call.span)?;
                        if wanted(&path) {
                            found.push(path);
                        }
                    }
                    FileKind::Dir => waiting.push(path),
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// The error of a path at which nothing stands, with its nearest sibling.
    pub(crate) fn missing_path(&self, path: &RelPath, at: Span) -> Option<Diagnostic> {
        if self.files.kind(path).is_some() {
            return None;
        }
        let written = self.sources.text(at);
        let literal = written.starts_with('.') && !written.contains(['$', '"', '\n']);
        let shown = if literal { written } else { path.display() };
        let error = Diagnostic::error(
            codes::MISSING_PATH,
            format!("`{shown}` does not exist"),
            at,
            "not found",
        );
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Some(error);
        };
        let siblings = self.files.list(&parent).unwrap_or_default();
        let near = nearest(name, siblings.iter().map(|(name, _)| name.as_str()));
        Some(match near {
            Some(near) => error.help(format!(
                "did you mean `{}{near}`?",
                shown.strip_suffix(name).unwrap_or_default()
            )),
            None => error,
        })
    }

    /// The last part of a path, or what stands before it.
    pub(super) fn part_of_path(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let value = self.arg(call, 0)?;
        let last = call.name == "basename";
        match &value.shape {
            Shape::Path(path) if last => {
                let name = path.name().ok_or_else(|| self.no_last_part(call))?;
                Ok(Shape::Str(Arc::from(name)))
            }
            Shape::Path(path) => {
                let parent = path.parent().ok_or_else(|| self.no_last_part(call))?;
                Ok(Shape::Path(parent))
            }
            Shape::Str(text) => {
                let (dir, name) = text.rsplit_once('/').unwrap_or(("", text));
                let part = if last { name } else { dir };
                self.text_bytes(text.len(), call.span)?;
                Ok(Shape::Str(Arc::from(part)))
            }
            _ => Err(self.wrong_arg(call, 0, "a path or a string", &value)),
        }
    }

    fn no_last_part(&self, call: &Use<'_>) -> Fail {
        let message = format!("`{}` has no answer for the workspace's root", call.name);
        self.fail(
            call.env,
            Diagnostic::error(codes::ARGUMENT_VALUE, message, call.args[0].1, "this is the root"),
        )
    }
}
