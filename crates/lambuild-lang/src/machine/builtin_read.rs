//! Built-in functions that read: a source file as text or as data, and what names a secret.
//! Only files of the workspace are read, each through [`crate::Files`], so whoever hands
//! in the files knows which ones.

use super::Machine;
use super::builtin::Use;
use super::builtin_path::FILE_STEPS;
use super::value::{Eval, Fail, Shape, Slot, Slots};
use crate::codes;
use crate::data_file::{self, Room, Tree};
use crate::diagnostic::Diagnostic;
use crate::files::FileKind;
use crate::syntax::ast::Name;
use crate::syntax::lex::MAX_TEXT;
use crate::value::Secret;
use std::sync::Arc;

/// How much slower a data file is read than its bytes are looked at.
const DATA_FACTOR: usize = 16;

impl Machine<'_> {
    /// `read(path)`, `json(path)`, `yaml(path)`, `toml(path)`
    pub(super) fn read_file(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let text = self.source_text(call)?;
        let read: fn(&str, &Room) -> Result<Tree, String> = match call.name {
            "json" => data_file::json,
            "yaml" => data_file::yaml,
            "toml" => data_file::toml,
            _ => {
                self.text_bytes(text.len(), call.span)?;
                return Ok(Shape::Str(text));
            }
        };
        self.looked_at(text.len().saturating_mul(DATA_FACTOR), call.span)?;
        let before = self.state.budget.bytes_left();
        let room = Room::new(before);
        let tree = read(&text, &room);
        // When nothing is left, that is the error, and not what the parser made of it.
        self.bytes(before - room.left(), call.span)?;
        match tree {
            Ok(tree) => Ok(self.tree(tree, call)),
            Err(why) => Err(self.bad_data(call, &why)),
        }
    }

    fn source_text(&mut self, call: &Use<'_>) -> Eval<Arc<str>> {
        let (path, at) = (self.path_arg(call, 0)?, call.args[0].1);
        self.steps(FILE_STEPS, at)?;
        if let Some(missing) = self.missing_path(&path, at) {
            return Err(self.fail(call.env, missing));
        }
        let unreadable = |why: String| {
            let message = format!("`{path}` cannot be read: {why}");
            self.fail(
                call.env,
                Diagnostic::error(codes::UNREADABLE, message, at, "this file"),
            )
        };
        if self.files.kind(&path) == Some(FileKind::Dir) {
            return Err(unreadable("it is a folder".to_owned()));
        }
        let text = self
            .files
            .read(&path)
            .map_err(|why| unreadable(why.to_string()))?;
        if text.len() > MAX_TEXT {
            return Err(unreadable(format!("it is larger than {} MiB", MAX_TEXT >> 20)));
        }
        Ok(text)
    }

    fn bad_data(&self, call: &Use<'_>, why: &str) -> Fail {
        let format = call.name.to_uppercase();
        let message = format!("this file cannot be read as {format}: {why}");
        let error = Diagnostic::error(codes::DATA, message, call.args[0].1, "this file");
        self.fail(call.env, error)
    }

    /// Recurses as deep as the parsers allow.
    fn tree(&mut self, tree: Tree, call: &Use<'_>) -> Shape {
        match tree {
            Tree::Null => Shape::Null,
            Tree::Bool(value) => Shape::Bool(value),
            Tree::Number(number) => Shape::number(number),
            Tree::Text(text) => Shape::Str(Arc::from(text)),
            Tree::List(items) => {
                let items = items.into_iter().map(|item| {
                    let shape = self.tree(item, call);
                    self.known(shape.at(call.span))
                });
                Shape::List(items.collect())
            }
            Tree::Set(entries) => {
                let entries = entries.into_iter().map(|(key, value)| {
                    let shape = self.tree(value, call);
                    let value = self.known(shape.at(call.span));
                    let key_span = call.span;
                    (Name::from(key), Slot { key_span, value })
                });
                Shape::Set(Arc::new(entries.collect::<Slots>()))
            }
        }
    }

    /// `secret("ssm:/a/b")`, `secret("env:NAME")`: what is fetched when the deployment runs.
    pub(super) fn secret(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let text = self.text_arg(call, 0)?;
        Secret::parse(&text).map(Shape::Secret).map_err(|why| {
            let message = format!("{text:?} names no secret: {why}");
            let error = Diagnostic::error(codes::ARGUMENT_VALUE, message, call.args[0].1, "this name");
            let help =
                "write `ssm:/path/of/parameter`, or `env:NAME` for a variable of the deploying machine";
            self.fail(call.env, error.help(help))
        })
    }
}
