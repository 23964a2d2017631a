//! What each kind of expression means.

use super::context::Context;
use super::scope::Binding;
use super::value::{Eval, Fail, Lazy, Piece, Recipe, Shape, Slot, Slots};
use super::{EnvId, Machine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::program::outside;
use crate::source::Span;
use crate::syntax::BUILDERS;
use crate::syntax::ast::{Assert, Build, Entry, ExprId, ExprKind, Key, KeyName, LetIn, Name, NameId, Part};
use crate::value::Data;
use std::sync::Arc;

/// Bytes that an entry of a list or a set is counted with.
pub(super) const ENTRY_BYTES: usize = 64;

/// Words with a meaning of their own, of which attributes are selected.
const WORDS: [&str; 7] = [
    "function",
    "layer",
    "target",
    "toolchain",
    "stage",
    "arch",
    "workspace",
];

impl Machine<'_> {
    /// The value of an expression, as far as its outermost shape.
    pub(super) fn eval(&mut self, id: ExprId, env: EnvId, context: Context) -> Eval<Lazy> {
        let program = self.program;
        let expr = program.arena.expr(id);
        let span = expr.span;
        self.step(span)?;
        let shape = match &expr.kind {
            ExprKind::Broken => return Err(Fail::Reported),
            ExprKind::Null => Shape::Null,
            ExprKind::Bool(value) => Shape::Bool(*value),
            ExprKind::Int(value) => Shape::Int(*value),
            ExprKind::Decimal(value) => Shape::Decimal(**value),
            ExprKind::Text(text) => Shape::Str(self.word(*text).clone()),
            ExprKind::Template(parts) => self.template(program.arena.all(*parts), span, env, context)?,
            ExprKind::Path(parts) => self.path(program.arena.all(*parts), span, env, context)?,
            ExprKind::List(items) => self.list(program.arena.all(*items), span, env)?,
            ExprKind::ListFor(rule, item) => self.list_for(rule, *item, env, context)?,
            ExprKind::Set(entries) => self.set(program.arena.all(*entries), span, env, context)?,
            ExprKind::SetFor(parts) => self.set_for(&parts.0, &parts.1, env, context)?,
            ExprKind::Name(name) => return self.name(*name, span, env, context),
            ExprKind::Select(select) => {
                return self.select(program.arena.select(*select), span, env, context);
            }
            ExprKind::Has(select) => Shape::Bool(self.has(program.arena.select(*select), env, context)?),
            ExprKind::Call(call) => return self.call(call, span, env, context),
            ExprKind::Build(build) => self.builder_call(build, span, env)?,
            ExprKind::Binary(..) => return self.binary(id, env, context),
            ExprKind::Not(operand) => Shape::Bool(!self.condition("`!`", *operand, env, context)?),
            ExprKind::Negate(operand) => self.negate(*operand, span, env, context)?,
            ExprKind::If(parts) => {
                let [condition, then, otherwise] = **parts;
                let holds = self.condition("`if`", condition, env, context)?;
                return self.eval_now(if holds { then } else { otherwise }, env, context);
            }
            ExprKind::Let(binding) => return self.let_in(binding, env, context),
            ExprKind::Assert(assert) => return self.assert(assert, span, env, context),
        };
        Ok(shape.at(span))
    }

    /// A boolean that `who` needs.
    pub(crate) fn condition(&mut self, who: &str, id: ExprId, env: EnvId, context: Context) -> Eval<bool> {
        let value = self.eval_now(id, env, context)?;
        match value.shape {
            Shape::Bool(value) => Ok(value),
            _ => Err(self.wrong_kind(env, who, "a boolean", &value, self.program.arena.span(id))),
        }
    }

    fn let_in(&mut self, binding: &LetIn, env: EnvId, context: Context) -> Eval<Lazy> {
        let value = self.delay(binding.value, env);
        let inner = self.inner(env, vec![(binding.name.name, Binding::Value(value))]);
        self.eval_now(binding.body, inner, context)
    }

    pub(crate) fn assert(&mut self, assert: &Assert, span: Span, env: EnvId, context: Context) -> Eval<Lazy> {
        if !self.condition("`assert`", assert.condition, env, context)? {
            let message = self.text_of("the message of `assert`", assert.message, env, context)?;
            let at = self.program.arena.span(assert.condition);
            return Err(self.fail(
                env,
                Diagnostic::error(codes::ASSERT, &*message, at, "this does not hold"),
            ));
        }
        match assert.body {
            Some(body) => self.eval_now(body, env, context),
            None => Ok(Shape::Bool(true).at(span)),
        }
    }

    /// A string that `who` needs.
    pub(super) fn text_of(&mut self, who: &str, id: ExprId, env: EnvId, context: Context) -> Eval<Arc<str>> {
        let value = self.eval_now(id, env, context)?;
        match value.shape {
            Shape::Str(text) => Ok(text),
            _ => Err(self.wrong_kind(env, who, "a string", &value, self.program.arena.span(id))),
        }
    }

    /// A string's parts, put together; content stays a piece of its own.
    fn template(&mut self, parts: &[Part], span: Span, env: EnvId, context: Context) -> Eval<Shape> {
        let mut string = Joined::default();
        for part in parts {
            match part {
                Part::Text(fixed) => {
                    self.longer(&mut string, self.word(*fixed), span)?;
                }
                Part::Value(id) => {
                    let value = self.eval_now(*id, env, context)?;
                    let at = self.program.arena.span(*id);
                    self.interpolate(value, at, env, &mut string)?;
                }
            }
        }
        Ok(string.shape())
    }

    fn interpolate(&mut self, value: Lazy, at: Span, env: EnvId, string: &mut Joined) -> Eval<()> {
        match &value.shape {
            shape if shape.is_content() => {
                self.bytes(ENTRY_BYTES, at)?;
                string.push(Piece::Content(value));
                return Ok(());
            }
            Shape::Template(pieces) => {
                self.bytes(pieces.len() * ENTRY_BYTES, at)?;
                pieces.iter().for_each(|piece| string.push(piece.clone()));
                return Ok(());
            }
            _ => {
                let piece = self.piece(&value, at, env)?;
                self.longer(string, &piece, at)?;
            }
        }
        Ok(())
    }

    /// Adds a text to a string, and pays for it.
    fn longer(&mut self, string: &mut Joined, text: &str, at: Span) -> Eval<()> {
        self.limit_text(string.text.len() + text.len(), at)?;
        self.text_bytes(text.len(), at)?;
        string.text.push_str(text);
        Ok(())
    }

    /// The text that `${…}` puts into a string.
    fn piece(&mut self, value: &Lazy, at: Span, env: EnvId) -> Eval<Arc<str>> {
        match &value.shape {
            Shape::Str(text) => Ok(Arc::clone(text)),
            Shape::Int(number) => Ok(Arc::from(number.to_string())),
            Shape::Decimal(number) => Ok(Arc::from(number.to_string())),
            Shape::Bool(value) => Ok(Arc::from(value.to_string())),
            Shape::List(_) => {
                let error = self
                    .in_string(value, at)
                    .help("make text of it with `join(\", \", list)`");
                Err(self.fail(env, error))
            }
            Shape::Secret(_) => {
                let message = "a secret is never part of a text";
                let error = Diagnostic::error(codes::SECRET, message, at, "this is a secret")
                    .help("make it the whole value, and let the program put the text together");
                Err(self.fail(env, error))
            }
            _ => Err(self.fail(env, self.in_string(value, at))),
        }
    }

    fn in_string(&self, value: &Lazy, at: Span) -> Diagnostic {
        let message = format!("{} cannot stand in a string", value.shape.kind());
        self.found_at(codes::TYPE, message, value, at)
    }

    /// Something of the language that this version lacks.
    pub(super) fn not_yet(&self, env: EnvId, what: &str, at: Span, help: &str) -> Fail {
        let message = format!("this version of lambuild does not have {what} yet");
        let error = Diagnostic::error(codes::NOT_YET, message, at, "used here");
        self.fail(env, if help.is_empty() { error } else { error.help(help) })
    }

    fn path(&mut self, parts: &[Part], span: Span, env: EnvId, context: Context) -> Eval<Shape> {
        let text = self.path_text(parts, span, env, context)?;
        self.text_bytes(text.len(), span)?;
        let dir = &self.program.module(self.file_of(env)).dir;
        match dir.resolve(&text) {
            Ok(path) => Ok(Shape::Path(path)),
            Err(why) => Err(self.fail(env, outside(&text, &why.to_string(), span))),
        }
    }

    /// The text of a path; a path cannot be part of another one.
    fn path_text(&mut self, parts: &[Part], span: Span, env: EnvId, context: Context) -> Eval<String> {
        if let [Part::Text(only)] = parts {
            return Ok(self.word(*only).to_string());
        }
        match self.template(parts, span, env, context)? {
            Shape::Str(text) => Ok(text.to_string()),
            _ => {
                let message = "a path is made of text, not of paths or products";
                let error = Diagnostic::error(codes::TYPE, message, span, "this path").help(
                    "`basename(path)` is the last part of a path, `sub(path, \"rest\")` lies below one",
                );
                Err(self.fail(env, error))
            }
        }
    }

    fn list(&mut self, items: &[ExprId], span: Span, env: EnvId) -> Eval<Shape> {
        self.bytes(items.len() * ENTRY_BYTES, span)?;
        Ok(Shape::List(
            items.iter().map(|item| self.delay(*item, env)).collect(),
        ))
    }

    fn set(&mut self, entries: &[Entry], span: Span, env: EnvId, context: Context) -> Eval<Shape> {
        self.bytes(entries.len() * ENTRY_BYTES, span)?;
        let mut slots = Slots::with_capacity_and_hasher(entries.len(), Default::default());
        for entry in entries {
            let name = self.key_name(&entry.key, env, context)?;
            let value = self.delay(entry.value, env);
            self.insert(
                &mut slots,
                name,
                Slot {
                    key_span: entry.key.span,
                    value,
                },
                env,
            )?;
        }
        Ok(Shape::Set(Arc::new(slots)))
    }

    /// Adds an entry whose key may only be known now.
    pub(super) fn insert(&mut self, slots: &mut Slots, name: Name, slot: Slot, env: EnvId) -> Eval<()> {
        if let Some(first) = slots.get(&name) {
            let error = Diagnostic::error(
                codes::DUPLICATE_KEY,
                format!("`{name}` is set twice"),
                slot.key_span,
                "set again here",
            );
            let same = first.key_span == slot.key_span;
            let error = if same {
                error
            } else {
                error.label(first.key_span, "first set here")
            };
            return Err(self.fail(env, error));
        }
        slots.insert(name, slot);
        Ok(())
    }

    /// The text of a key.
    pub(crate) fn key_name(&mut self, key: &Key, env: EnvId, context: Context) -> Eval<Name> {
        match &key.name {
            KeyName::Fixed(name) => {
                let name = self.word(*name);
                self.looked_at(name.len(), key.span)?;
                Ok(name.clone())
            }
            KeyName::Computed(id) => {
                let name = self.text_of("a key", *id, env, context)?;
                self.looked_at(name.len(), key.span)?;
                Ok(name)
            }
        }
    }

    fn name(&mut self, id: NameId, span: Span, env: EnvId, context: Context) -> Eval<Lazy> {
        let name = self.word(id);
        match self.find(env, id, span)? {
            Some(Binding::Value(thunk)) => self.force(thunk, context, span),
            Some(Binding::Template(..)) => {
                Err(self.not_a_value(name, "a template", "call it", "(…)", span, env))
            }
            Some(Binding::Module(_)) => {
                Err(self.not_a_value(name, "an imported file", "use one of its names", ".…", span, env))
            }
            Some(Binding::Broken) => Err(Fail::Reported),
            None => Err(self.unknown_name(name, span, env)),
        }
    }

    /// The error of a template or import where a value is needed.
    pub(super) fn not_a_value(
        &self,
        name: &str,
        what: &str,
        instead: &str,
        suffix: &str,
        span: Span,
        env: EnvId,
    ) -> Fail {
        let message = format!("`{name}` is {what}, not a value");
        let error = Diagnostic::error(codes::TYPE, message, span, "used as a value here");
        self.fail(env, error.help(format!("{instead}: `{name}{suffix}`")))
    }

    /// The error of a name that means nothing, with what may have been meant.
    pub(super) fn unknown_name(&self, name: &str, span: Span, env: EnvId) -> Fail {
        let error = self.unknown_name_error(name, span, &self.visible(env));
        self.fail(env, error)
    }

    /// The same, where `visible` are the names that can be seen.
    pub(crate) fn unknown_name_error(&self, name: &str, span: Span, visible: &[&str]) -> Diagnostic {
        let message = format!("`{name}` is not known here");
        let error = Diagnostic::error(codes::UNKNOWN_NAME, message, span, "unknown name");
        let known = visible.iter().copied().chain(WORDS).chain(super::builtin::NAMES);
        let (left, _) = name.split_once('-').unwrap_or_default();
        if visible.contains(&left) {
            let difference = name.replacen('-', " - ", 1);
            error.help(format!("to subtract, put spaces around the sign: `{difference}`"))
        } else if WORDS.contains(&name) {
            error.help(format!("write `{name}.` and a name"))
        } else if super::builtin::NAMES.contains(&name) {
            error.help(format!("a function is called: `{name}(…)`"))
        } else if BUILDERS.contains(&name) || self.is_builder(name) {
            error.help(format!("a builder is called with a set: `{name} {{ … }}`"))
        } else if let Some(near) = nearest(name, known) {
            error.help(format!("did you mean `{near}`?"))
        } else {
            error
        }
    }

    /// Whether a selection may begin with this word, though it is no one's name.
    pub(crate) fn is_root_word(name: &str) -> bool {
        WORDS.contains(&name) || name == "exec"
    }

    fn is_builder(&self, name: &str) -> bool {
        self.schemas.builders.iter().any(|schema| schema.name == name)
    }

    fn builder_names(&self) -> Vec<&'static str> {
        self.schemas.builders.iter().map(|schema| schema.name).collect()
    }

    fn builder_call(&mut self, build: &Build, span: Span, env: EnvId) -> Eval<Shape> {
        let (id, at) = (build.builder.name, build.builder.span);
        let name = self.word(id);
        if self.is_builder(name) {
            let attrs = self.delay(build.attrs, env);
            return Ok(Shape::Product(Arc::new(Recipe {
                builder: name.clone(),
                attrs,
                span,
            })));
        }
        if BUILDERS.contains(&&**name) {
            return Err(self.not_yet(env, &format!("the builder `{name}`"), at, ""));
        }
        let message = format!("there is no builder `{name}`");
        let error = Diagnostic::error(codes::UNKNOWN_BUILDER, message, at, "unknown builder");
        let known = self.builder_names().into_iter().chain(BUILDERS);
        let error = match (self.lookup(env, id), nearest(name, known)) {
            (Some(Binding::Template(..)), _) => {
                error.help(format!("a template is called with parentheses: `{name}(…)`",))
            }
            (_, Some(near)) => error.help(format!("did you mean `{near}`?")),
            _ => error.help(format!("the builders are {}", self.builder_names().join(", "))),
        };
        Err(self.fail(env, error))
    }

    /// What a scalar is downstream; `None` for everything that has parts.
    pub(crate) fn scalar(shape: &Shape) -> Option<Data> {
        Some(match shape {
            Shape::Null => Data::Null,
            Shape::Bool(value) => Data::Bool(*value),
            Shape::Int(value) => Data::Int(*value),
            Shape::Decimal(value) => Data::Decimal(*value),
            Shape::Str(text) => Data::Str(Arc::clone(text)),
            Shape::Path(path) => Data::Path(path.clone()),
            Shape::Reference(id) => Data::Reference(*id),
            Shape::Toolchain(id) => Data::Toolchain(*id),
            Shape::Arn(id) => Data::Arn(*id),
            Shape::Url(id) => Data::Url(*id),
            Shape::Secret(secret) => Data::Secret(secret.clone()),
            Shape::List(_)
            | Shape::Set(_)
            | Shape::Product(_)
            | Shape::Part(_)
            | Shape::Other(_)
            | Shape::Template(_) => return None,
        })
    }
}

/// A string under construction.
#[derive(Default)]
struct Joined {
    pieces: Vec<Piece>,
    /// What follows the pieces.
    text: String,
}

impl Joined {
    fn push(&mut self, piece: Piece) {
        match piece {
            Piece::Text(text) => self.text.push_str(&text),
            content => {
                self.end_text();
                self.pieces.push(content);
            }
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.pieces
                .push(Piece::Text(Arc::from(std::mem::take(&mut self.text))));
        }
    }

    fn shape(mut self) -> Shape {
        if self.pieces.is_empty() {
            return Shape::Str(Arc::from(self.text));
        }
        self.end_text();
        Shape::Template(self.pieces.into())
    }
}
