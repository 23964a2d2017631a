//! Calls: which template or built-in function is meant, and which argument each
//! parameter gets.

use super::context::Context;
use super::scope::{Binding, CallSite};
use super::value::{Eval, Fail, Lazy, ThunkId};
use super::{EnvId, Machine, builtin};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::source::Span;
use crate::syntax::ast::{Arg, Call, ExprId, ExprKind, LetId, Param};

/// What a call calls.
enum Callee<'p> {
    Template(LetId, EnvId),
    Builtin(&'p str),
}

impl<'p> Machine<'p> {
    pub(super) fn call(&mut self, call: &Call, span: Span, env: EnvId, context: Context) -> Eval<Lazy> {
        match self.callee(call.callee, env, context)? {
            Callee::Template(template, home) => self.call_template(template, home, call, span, env, context),
            Callee::Builtin(name) => self.call_builtin(name, call, span, env, context),
        }
    }

    fn callee(&mut self, id: ExprId, env: EnvId, context: Context) -> Eval<Callee<'p>> {
        let program = self.program;
        let span = program.arena.span(id);
        match &program.arena.expr(id).kind {
            ExprKind::Name(name) => match (self.find(env, *name, span)?, &**self.word(*name)) {
                (Some(Binding::Template(template, home)), _) => Ok(Callee::Template(template, home)),
                (Some(Binding::Broken), _) => Err(Fail::Reported),
                (Some(_), text) => Err(self.not_callable(text, span, env)),
                (None, text) if builtin::NAMES.contains(&text) => Ok(Callee::Builtin(text)),
                (None, text) => Err(self.unknown_function(text, span, env)),
            },
            ExprKind::Select(select) => {
                let select = program.arena.select(*select);
                let Some(file) = self.as_import(select.base, env) else {
                    if let ExprKind::Name(name) = program.arena.expr(select.base).kind
                        && matches!(self.lookup(env, name), Some(Binding::Broken))
                    {
                        return Err(Fail::Reported);
                    }
                    return Err(self.not_callable(self.sources.text(span), span, env));
                };
                let [key] = program.arena.all(select.keys) else {
                    return Err(self.not_callable(self.sources.text(span), span, env));
                };
                if self.is_foreign(file) {
                    return Err(Fail::Reported);
                }
                self.open(file);
                let name = self.key_name(key, env, context)?;
                match self.member(file, key, &name) {
                    Some(Binding::Template(template, home)) => Ok(Callee::Template(template, home)),
                    Some(Binding::Broken) => Err(Fail::Reported),
                    Some(_) => Err(self.not_callable(self.sources.text(span), span, env)),
                    None => {
                        let alias = self.sources.text(program.arena.span(select.base));
                        Err(self.unknown_import(file, alias, &name, key, env))
                    }
                }
            }
            _ => Err(self.not_callable(self.sources.text(span), span, env)),
        }
    }

    fn not_callable(&self, text: &str, span: Span, env: EnvId) -> Fail {
        let message = format!("`{text}` cannot be called");
        let error = Diagnostic::error(codes::NOT_CALLABLE, message, span, "not a template");
        self.fail(
            env,
            error.note("templates are written `let name(parameters) = …`"),
        )
    }

    fn unknown_function(&self, name: &str, span: Span, env: EnvId) -> Fail {
        let error = self.unknown_function_error(name, span, &self.visible(env));
        self.fail(env, error)
    }

    /// The error of a call of nothing, where `visible` are the names that can be seen.
    pub(crate) fn unknown_function_error(&self, name: &str, span: Span, visible: &[&str]) -> Diagnostic {
        let message = format!("there is no template or function `{name}`");
        let error = Diagnostic::error(codes::UNKNOWN_NAME, message, span, "unknown name");
        match nearest(name, visible.iter().copied().chain(builtin::NAMES)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        }
    }

    pub(crate) fn is_builtin(name: &str) -> bool {
        builtin::NAMES.contains(&name)
    }

    fn call_template(
        &mut self,
        template: LetId,
        home: EnvId,
        call: &Call,
        span: Span,
        env: EnvId,
        context: Context,
    ) -> Eval<Lazy> {
        let outer = self.calls(env).count();
        self.steps(outer as u64 / 8, span)?;
        if self.calls(env).any(|outer| outer.template == template) {
            return Err(self.calls_itself(template, span, env));
        }
        let item = self.program.arena.let_item(template);
        let params = item.params.as_deref().unwrap_or_default();
        let given = self.assign(self.word(item.name.name), item.name.span, params, call, span, env)?;
        let body = self.body(
            home,
            Vec::new(),
            CallSite {
                span,
                template,
                caller: env,
            },
        );
        for (param, given) in params.iter().zip(given) {
            let value = match (given, param.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.delay(default, body),
                (None, None) => return Err(Fail::Reported),
            };
            self.bind(body, param.name.name, Binding::Value(value));
        }
        self.eval_now(item.value, body, context)
    }

    fn calls_itself(&self, template: LetId, span: Span, env: EnvId) -> Fail {
        let name = &self.program.arena.let_item(template).name;
        let message = format!("the template `{}` calls itself", self.word(name.name));
        let error = Diagnostic::error(codes::RECURSION, message, span, "called again here")
            .label(name.span, "the template")
            .help("repeat with `for`: templates always come to an end");
        self.fail(env, error)
    }

    /// The argument of each parameter; every mistake of the call is one error.
    fn assign(
        &mut self,
        name: &str,
        declared: Span,
        params: &[Param],
        call: &Call,
        span: Span,
        env: EnvId,
    ) -> Eval<Vec<Option<ThunkId>>> {
        let mut given: Vec<Option<ThunkId>> = vec![None; params.len()];
        let mut place = 0;
        for arg in self.program.arena.all(call.args) {
            let at = match &arg.name {
                Some(word) => params.iter().position(|param| param.name.name == word.name),
                None => Some(place).filter(|at| *at < params.len()),
            };
            place += usize::from(arg.name.is_none());
            match at {
                Some(at) if given[at].is_none() => given[at] = Some(self.delay(arg.value, env)),
                Some(at) => return Err(self.twice_given(name, &params[at], arg, declared, env)),
                None => return Err(self.no_parameter(name, params, arg, declared, env)),
            }
        }
        let missing: Vec<String> = params
            .iter()
            .zip(&given)
            .filter(|(param, given)| given.is_none() && param.default.is_none())
            .map(|(param, _)| format!("`{}`", self.word(param.name.name)))
            .collect();
        if missing.is_empty() {
            return Ok(given);
        }
        let message = format!("`{name}` needs {}", missing.join(" and "));
        let error = Diagnostic::error(codes::ARGUMENTS, message, span, "not given in this call");
        Err(self.fail(env, error.label(declared, "the template")))
    }

    fn arg_span(&self, arg: &Arg) -> Span {
        let value = self.program.arena.span(arg.value);
        arg.name.as_ref().map_or(value, |word| word.span.to(value))
    }

    fn twice_given(&self, name: &str, param: &Param, arg: &Arg, declared: Span, env: EnvId) -> Fail {
        let message = format!("`{name}` gets `{}` twice", self.word(param.name.name));
        let error = Diagnostic::error(codes::ARGUMENTS, message, self.arg_span(arg), "given again here");
        self.fail(env, error.label(declared, "the template"))
    }

    fn no_parameter(&self, name: &str, params: &[Param], arg: &Arg, declared: Span, env: EnvId) -> Fail {
        let error = match &arg.name {
            Some(word) => {
                let text = self.word(word.name);
                let message = format!("`{name}` has no parameter `{text}`");
                let error = Diagnostic::error(codes::ARGUMENTS, message, word.span, "unknown parameter");
                match nearest(text, params.iter().map(|param| &**self.word(param.name.name))) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                }
            }
            None => {
                let takes = match params.len() {
                    0 => "no arguments".to_owned(),
                    1 => "one argument".to_owned(),
                    count => format!("{count} arguments"),
                };
                let message = format!("`{name}` takes {takes}");
                Diagnostic::error(codes::ARGUMENTS, message, self.arg_span(arg), "one too many")
            }
        };
        self.fail(env, error.label(declared, "the template"))
    }
}
