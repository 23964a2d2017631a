//! The built-in functions: their names, their parameters, and those that look at
//! the workspace or the command line.

use super::context::Context;
use super::value::{Eval, Fail, Lazy, Shape, ThunkId};
use super::{EnvId, Machine};
use crate::codes;
use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::source::Span;
use crate::syntax::ast::{Call, Word};
use std::sync::Arc;

/// All of them, sorted.
pub(crate) const NAMES: [&str; 35] = [
    "at",
    "basename",
    "contains",
    "dirname",
    "dirs",
    "div",
    "ends_with",
    "glob",
    "hash",
    "join",
    "json",
    "keys",
    "len",
    "lower",
    "max",
    "merge",
    "min",
    "mod",
    "param",
    "range",
    "read",
    "replace",
    "secret",
    "sort",
    "split",
    "starts_with",
    "sub",
    "to_json",
    "to_string",
    "toml",
    "trim",
    "unique",
    "upper",
    "values",
    "yaml",
];

/// What a function takes: the fewest and the most arguments by place, and those by name.
struct Signature {
    least: usize,
    most: usize,
    named: &'static [&'static str],
}

fn signature(name: &str) -> Signature {
    let (least, most) = match name {
        "range" => (1, 2),
        "merge" | "min" | "max" => (1, usize::MAX),
        "contains" | "starts_with" | "ends_with" | "split" | "join" | "div" | "mod" | "sub" | "at"
        | "glob" => (2, 2),
        "replace" => (3, 3),
        _ => (1, 1),
    };
    let named: &[&str] = match name {
        "param" => &["default"],
        "glob" => &["exclude", "allow_empty"],
        _ => &[],
    };
    Signature { least, most, named }
}

/// A call of a built-in function, for its parts and its errors.
pub(super) struct Use<'c> {
    pub name: &'c str,
    /// By place.
    pub args: Vec<(ThunkId, Span)>,
    /// By name.
    named: Vec<(&'c str, ThunkId, Span)>,
    pub span: Span,
    pub env: EnvId,
    pub context: Context,
}

impl Use<'_> {
    /// The argument of this name, if it is given.
    pub fn named(&self, name: &str) -> Option<(ThunkId, Span)> {
        let given = self.named.iter().find(|(known, ..)| *known == name);
        given.map(|(_, value, span)| (*value, *span))
    }
}

impl Machine<'_> {
    pub(super) fn call_builtin(
        &mut self,
        name: &str,
        call: &Call,
        span: Span,
        env: EnvId,
        context: Context,
    ) -> Eval<Lazy> {
        let takes = signature(name);
        let mut made = Use {
            name,
            args: Vec::new(),
            named: Vec::new(),
            span,
            env,
            context,
        };
        for arg in self.program.arena.all(call.args) {
            let (value, at) = (self.delay(arg.value, env), self.program.arena.span(arg.value));
            match &arg.name {
                None => made.args.push((value, at)),
                Some(word) => {
                    self.check_named(&made, takes.named, word)?;
                    made.named.push((self.word(word.name), value, at));
                }
            }
        }
        if !(takes.least..=takes.most).contains(&made.args.len()) {
            return Err(self.wrong_count(name, made.args.len(), (takes.least, takes.most), span, env));
        }
        if name == "param" {
            return self.param(&made);
        }
        self.built_in(&made).map(|shape| shape.at(span))
    }

    fn check_named(&self, call: &Use<'_>, takes: &[&'static str], word: &Word) -> Eval<()> {
        let (name, text) = (call.name, &**self.word(word.name));
        let (message, label) = if takes.is_empty() {
            let message = format!("`{name}` takes its arguments by place, not by name");
            (message, "named here")
        } else if !takes.contains(&text) {
            let message = format!("`{name}` has no parameter `{text}`");
            (message, "unknown parameter")
        } else if call.named(text).is_some() {
            (format!("`{name}` gets `{text}` twice"), "given again here")
        } else {
            return Ok(());
        };
        let error = Diagnostic::error(codes::ARGUMENTS, message, word.span, label);
        Err(self.fail(
            call.env,
            match nearest(text, takes.iter().copied()) {
                Some(near) if near != text => error.help(format!("did you mean `{near}`?")),
                _ => error,
            },
        ))
    }

    fn wrong_count(
        &self,
        name: &str,
        found: usize,
        (least, most): (usize, usize),
        at: Span,
        env: EnvId,
    ) -> Fail {
        let takes = match (least, most) {
            (1, 1) => "one argument".to_owned(),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let message = format!("`{name}` takes {takes}, found {found}");
        self.fail(env, Diagnostic::error(codes::ARGUMENTS, message, at, "this call"))
    }

    fn built_in(&mut self, call: &Use<'_>) -> Eval<Shape> {
        match call.name {
            "dirs" => self.dirs(call),
            "glob" => self.glob(call),
            "basename" | "dirname" => self.part_of_path(call),
            "read" | "json" | "yaml" | "toml" => self.read_file(call),
            "secret" => self.secret(call),
            "merge" => self.merge(call),
            "sub" => self.sub(call),
            "at" => self.at(call),
            "len" | "keys" | "values" | "sort" | "unique" | "range" | "contains" => self.built_in_list(call),
            "min" | "max" | "div" | "mod" => self.built_in_number(call),
            _ => self.built_in_text(call),
        }
    }

    /// An argument, evaluated.
    pub(super) fn arg(&mut self, call: &Use<'_>, at: usize) -> Eval<Lazy> {
        let (thunk, span) = call.args[at];
        self.force(thunk, call.context, span)
    }

    pub(super) fn wrong_arg(&self, call: &Use<'_>, at: usize, takes: &str, found: &Lazy) -> Fail {
        self.wrong_kind(
            call.env,
            &format!("`{}`", call.name),
            takes,
            found,
            call.args[at].1,
        )
    }

    pub(super) fn text_arg(&mut self, call: &Use<'_>, at: usize) -> Eval<Arc<str>> {
        let value = self.arg(call, at)?;
        match &value.shape {
            Shape::Str(text) => Ok(Arc::clone(text)),
            _ => Err(self.wrong_arg(call, at, "a string", &value)),
        }
    }

    pub(super) fn int_arg(&mut self, call: &Use<'_>, at: usize) -> Eval<i64> {
        let value = self.arg(call, at)?;
        match value.shape {
            Shape::Int(number) => Ok(number),
            _ => Err(self.wrong_arg(call, at, "an integer", &value)),
        }
    }

    /// `merge(under, over, …)`: deep, the later one wins.
    fn merge(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let mut merged: Option<super::value::Slots> = None;
        for at in 0..call.args.len() {
            let value = self.arg(call, at)?;
            let Shape::Set(slots) = &value.shape else {
                return Err(self.wrong_arg(call, at, "sets", &value));
            };
            merged = Some(match merged {
                Some(under) => self.merge_sets(&under, slots, call.span)?,
                None => (**slots).clone(),
            });
        }
        Ok(Shape::Set(Arc::new(merged.unwrap_or_default())))
    }

    /// `param("name", default = …)`: what `--param name=…` says, read as what the default is.
    fn param(&mut self, call: &Use<'_>) -> Eval<Lazy> {
        let name = self.text_arg(call, 0)?;
        let given = self.options.params.get(&*name).cloned();
        match (given, call.named("default")) {
            (None, None) => {
                let message = format!("the parameter `{name}` has no value");
                let error = Diagnostic::error(codes::PARAM, message, call.span, "it is read here");
                Err(self.fail(
                    call.env,
                    error.help(format!("give it: `--param {name}=…`, or write a `default`")),
                ))
            }
            (None, Some((default, at))) => self.force(default, call.context, at),
            (Some(text), None) => Ok(Shape::Str(Arc::from(text)).at(call.span)),
            (Some(text), Some((default, at))) => {
                let default = self.force(default, call.context, at)?;
                self.read_param(&name, &text, &default, call.span, call.env)
            }
        }
    }

    fn read_param(&self, name: &str, text: &str, default: &Lazy, span: Span, env: EnvId) -> Eval<Lazy> {
        let shape = match &default.shape {
            Shape::Int(_) => text.parse().ok().map(Shape::Int),
            Shape::Decimal(_) => read_number(text),
            Shape::Bool(_) => text.parse().ok().map(Shape::Bool),
            _ => Some(Shape::Str(Arc::from(text))),
        };
        shape.map(|shape| shape.at(span)).ok_or_else(|| {
            let message = format!("`--param {name}={text}` is not {}", default.shape.kind());
            let error = Diagnostic::error(codes::PARAM, message, span, "it is read here");
            self.fail(
                env,
                error.label(default.span, format!("the default is {}", default.shape.kind())),
            )
        })
    }
}

/// `2` and `2.5` are both what a decimal may be.
fn read_number(text: &str) -> Option<Shape> {
    let integer = text.parse().ok().map(Shape::Int);
    integer.or_else(|| Decimal::parse(text).map(Shape::number))
}
