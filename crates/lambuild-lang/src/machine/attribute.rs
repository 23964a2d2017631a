//! `a.b`, `a.b or default` and `a ? b`: from a value to one of its attributes.

use super::context::Context;
use super::scope::Binding;
use super::value::{Eval, Fail, Lazy, Shape};
use super::{EnvId, Machine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::source::{FileId, Span};
use crate::syntax::ast::{ExprId, ExprKind, Key, KeyName, Name, Select};

/// Where the first steps of a selection lead.
enum Root {
    /// A value, and how many keys led to it.
    Value(Lazy, usize),
    /// A set has no such attribute.
    Missing,
}

impl Machine<'_> {
    pub(super) fn select(&mut self, select: &Select, span: Span, env: EnvId, context: Context) -> Eval<Lazy> {
        let keys = self.program.arena.all(select.keys);
        let found = match self.root(select, env, context)? {
            Root::Value(value, used) if select.default.is_some() => {
                self.walk_or_missing(value, &keys[used..], env, context)?
            }
            Root::Value(value, used) => self.walk(value, &keys[used..], env, context)?,
            Root::Missing => None,
        };
        match (found, select.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.eval_now(default, env, context),
            (None, None) => Err(self.fail(
                env,
                Diagnostic::error(
                    codes::NO_ATTRIBUTE,
                    "there is no such attribute",
                    span,
                    "not found",
                ),
            )),
        }
    }

    /// `base ? keys`: only the way is evaluated, not the attribute itself.
    pub(super) fn has(&mut self, select: &Select, env: EnvId, context: Context) -> Eval<bool> {
        let mut value = self.eval_now(select.base, env, context)?;
        let Some((last, way)) = self.program.arena.all(select.keys).split_last() else {
            return Ok(true);
        };
        for key in way {
            match self.walk_or_missing(value, std::slice::from_ref(key), env, context)? {
                Some(next) => value = next,
                None => return Ok(false),
            }
        }
        let name = self.key_name(last, env, context)?;
        Ok(matches!(&value.shape, Shape::Set(slots) if slots.contains_key(&name)))
    }

    /// What a selection begins with: a word of the language, an imported file, or a value.
    fn root(&mut self, select: &Select, env: EnvId, context: Context) -> Eval<Root> {
        let program = self.program;
        let ExprKind::Name(name) = &program.arena.expr(select.base).kind else {
            return Ok(Root::Value(self.eval_now(select.base, env, context)?, 0));
        };
        let (base, keys) = (program.arena.span(select.base), program.arena.all(select.keys));
        let (found, name) = (self.find(env, *name, base)?, self.word(*name));
        match (found, &**name) {
            (Some(Binding::Module(file)), _) => self.imported(file, name, select, env, context),
            (Some(_), _) => Ok(Root::Value(self.eval_now(select.base, env, context)?, 0)),
            (None, "arch") => {
                let key = self.key_name(&keys[0], env, context)?;
                Ok(Root::Value(self.arch(&keys[0], &key, env, context)?, 1))
            }
            (None, "stage") => {
                let found = self.stage(keys, select.default.is_some(), env, context)?;
                Ok(found.map_or(Root::Missing, |value| Root::Value(value, keys.len())))
            }
            (None, "workspace") => Ok(Root::Value(self.workspace(base, env)?, 0)),
            (None, "exec") => {
                let key = &keys[0];
                let name = self.key_name(key, env, context)?;
                Ok(Root::Value(self.exec(key, &name, env)?, 1))
            }
            (None, "target") if self.is_fixed(&keys[0], "name") => {
                Ok(Root::Value(self.target_name(&keys[0], env, context)?, 1))
            }
            (None, "function" | "layer" | "target" | "toolchain") => {
                let file = self.file_of(env);
                let key = &keys[0];
                Ok(Root::Value(self.reference(name, key, file, env, context)?, 1))
            }
            _ => Err(self.unknown_name(name, base, env)),
        }
    }

    /// `lib.x`, `lib.layer.x`: a name of an imported file.
    fn imported(
        &mut self,
        file: FileId,
        alias: &Name,
        select: &Select,
        env: EnvId,
        context: Context,
    ) -> Eval<Root> {
        if self.is_foreign(file) {
            return Err(Fail::Reported);
        }
        self.open(file);
        let keys = self.program.arena.all(select.keys);
        let key = &keys[0];
        let name = self.key_name(key, env, context)?;
        match (self.member(file, key, &name), &*name) {
            (Some(Binding::Value(thunk)), _) => Ok(Root::Value(self.force(thunk, context, key.span)?, 1)),
            (Some(Binding::Template(..)), _) => {
                let name = format!("{alias}.{name}");
                Err(self.not_a_value(&name, "a template", "call it", "(…)", key.span, env))
            }
            (Some(Binding::Broken), _) => Err(Fail::Reported),
            (None, "function" | "layer" | "target" | "toolchain") => match keys.get(1) {
                Some(second) => Ok(Root::Value(self.reference(&name, second, file, env, context)?, 2)),
                None => Err(self.unknown_import(file, alias, &name, key, env)),
            },
            _ => Err(self.unknown_import(file, alias, &name, key, env)),
        }
    }

    pub(super) fn unknown_import(
        &self,
        file: FileId,
        alias: &str,
        name: &str,
        key: &Key,
        env: EnvId,
    ) -> Fail {
        self.fail(env, self.unknown_import_error(file, alias, name, key))
    }

    /// The error of a name that an imported file does not have.
    pub(crate) fn unknown_import_error(
        &self,
        file: FileId,
        alias: &str,
        name: &str,
        key: &Key,
    ) -> Diagnostic {
        let path = &self.sources.file(file).path;
        let message = format!("`{path}` has no `let {name}`");
        let error = Diagnostic::error(codes::UNKNOWN_NAME, message, key.span, "unknown name");
        let declared = self.declared_kind(file, name);
        match (declared, nearest(name, self.names_of_file(file))) {
            (Some(kind), _) => error.help(format!("to refer to the {kind}, write `{alias}.{kind}.{name}`")),
            (None, Some(near)) => error.help(format!("did you mean `{alias}.{near}`?")),
            _ => error,
        }
    }

    /// Whether `file.word.name` is a reference.
    pub(crate) fn is_reference_word(name: &str) -> bool {
        ["function", "layer", "target", "toolchain"].contains(&name)
    }

    /// From `value` along `keys`; a missing attribute is an error.
    pub(super) fn walk(
        &mut self,
        value: Lazy,
        keys: &[Key],
        env: EnvId,
        context: Context,
    ) -> Eval<Option<Lazy>> {
        let mut value = value;
        for key in keys {
            let name = self.key_name(key, env, context)?;
            value = match self.step_into(&value, key, &name, env, context)? {
                Some(next) => next,
                None => return Err(self.missing(&value, key, &name, env)),
            };
        }
        Ok(Some(value))
    }

    /// From `value` along `keys`; `None` where an attribute is missing.
    pub(super) fn walk_or_missing(
        &mut self,
        value: Lazy,
        keys: &[Key],
        env: EnvId,
        context: Context,
    ) -> Eval<Option<Lazy>> {
        let mut value = value;
        for key in keys {
            let name = self.key_name(key, env, context)?;
            if let Shape::Null = value.shape {
                return Ok(None);
            }
            match self.step_into(&value, key, &name, env, context)? {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    fn step_into(
        &mut self,
        value: &Lazy,
        key: &Key,
        name: &str,
        env: EnvId,
        context: Context,
    ) -> Eval<Option<Lazy>> {
        match &value.shape {
            Shape::Set(slots) => match slots.get(name) {
                Some(slot) => self.force(slot.value, context, key.span).map(Some),
                None => Ok(None),
            },
            Shape::Reference(id) => self.target_attribute(*id, name, key.span, env, context),
            Shape::Product(_) | Shape::Part(_) | Shape::Other(_) => Err(self.no_part(value, key, name, env)),
            _ => {
                let message = format!("{} has no attributes", value.shape.kind());
                Err(self.fail(env, self.found_at(codes::TYPE, message, value, key.span)))
            }
        }
    }

    /// Only some builders make parts that have names.
    fn no_part(&self, value: &Lazy, key: &Key, name: &str, env: EnvId) -> Fail {
        let message = match &value.shape {
            Shape::Product(recipe) => format!("what `{}` builds has no part `{name}`", recipe.builder),
            other => format!("{} has no attributes", other.kind()),
        };
        let error = Diagnostic::error(codes::NO_ATTRIBUTE, message, key.span, "no such part");
        self.fail(env, error.help("`sub(product, \"path\")` is a part by its path"))
    }

    fn missing(&self, value: &Lazy, key: &Key, name: &str, env: EnvId) -> Fail {
        match &value.shape {
            Shape::Set(slots) => {
                let names: Vec<&str> = slots.keys().map(|name| &**name).collect();
                let error = self.no_attribute_of("the set", key, name, names);
                let error = if super::trouble::overlap(value.span, key.span) {
                    error
                } else {
                    error.label(value.span, "the set comes from here")
                };
                self.fail(env, error)
            }
            _ => {
                let error = self.no_attribute_of(value.shape.kind(), key, name, Vec::new());
                let help = "it has `name`, `arn` and deploy attributes; `sub(reference, \"path\")` is a part of what it builds";
                self.fail(env, error.help(help))
            }
        }
    }

    /// The error of an attribute that `owner` does not have.
    pub(super) fn no_attribute<'n>(
        &self,
        env: EnvId,
        owner: &str,
        key: &Key,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Fail {
        let name = match &key.name {
            KeyName::Fixed(name) => self.word(*name).to_string(),
            KeyName::Computed(_) => self.sources.text(key.span).to_owned(),
        };
        self.fail(
            env,
            self.no_attribute_of(owner, key, &name, known.into_iter().collect()),
        )
    }

    fn no_attribute_of(&self, owner: &str, key: &Key, name: &str, known: Vec<&str>) -> Diagnostic {
        let message = format!("{owner} has no attribute `{name}`");
        let error = Diagnostic::error(codes::NO_ATTRIBUTE, message, key.span, "no such attribute");
        match nearest(name, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => error,
            None => error.help(format!("it has {}", list_names(&known))),
        }
    }

    /// What a key means at the top of a file, where `name` is its text.
    pub(super) fn member(&self, file: FileId, key: &Key, name: &str) -> Option<Binding> {
        let id = match key.name {
            KeyName::Fixed(id) => id,
            KeyName::Computed(_) => self.program.arena.known(name)?,
        };
        self.file_name(file, id)
    }

    fn is_fixed(&self, key: &Key, text: &str) -> bool {
        matches!(key.name, KeyName::Fixed(name) if &**self.word(name) == text)
    }

    /// Whether an expression is the name of an import, which only calls and selections may use.
    pub(super) fn as_import(&self, id: ExprId, env: EnvId) -> Option<FileId> {
        let ExprKind::Name(name) = &self.program.arena.expr(id).kind else {
            return None;
        };
        match self.lookup(env, *name)? {
            Binding::Module(file) => Some(file),
            _ => None,
        }
    }
}

/// The first few of some names.
fn list_names(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(6).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > shown.len() {
        " and more"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}
