//! The words of evaluation errors that tell a story: who called, who asked,
//! which circle was closed.

use super::EnvId;
use super::Machine;
use super::value::{Fail, Lazy};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use std::sync::Arc;

/// How many calls or askers are shown; more would hide the error.
const MAX_SHOWN: usize = 4;

impl Machine<'_> {
    /// An error in an expression, with the calls that led to it.
    pub(crate) fn fail(&self, env: EnvId, diagnostic: Diagnostic) -> Fail {
        Fail::Error(Arc::new(self.with_calls(env, diagnostic)))
    }

    /// Adds the calls of templates that an environment is part of, innermost first.
    pub(crate) fn with_calls(&self, env: EnvId, mut diagnostic: Diagnostic) -> Diagnostic {
        for call in self.calls(env).take(MAX_SHOWN) {
            let template = self.word(self.program.arena.let_item(call.template).name.name);
            diagnostic = diagnostic.label(call.span, format!("in this call of `{template}`"));
        }
        diagnostic
    }

    /// The calls that an environment is part of, innermost first.
    pub(super) fn calls(&self, env: EnvId) -> impl Iterator<Item = super::scope::CallSite> {
        let mut at = Some(env);
        std::iter::from_fn(move || {
            while let Some(id) = at {
                let scope = self.env(id);
                if let Some(call) = scope.call {
                    at = Some(call.caller);
                    return Some(call);
                }
                at = scope.parent();
            }
            None
        })
    }

    /// Adds who asked for what went wrong: the nearest askers and the first one.
    pub(crate) fn with_askers(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let mut shown: Vec<Span> = diagnostic.labels.iter().map(|label| label.span).collect();
        let frames = &self.state.stack;
        let nearest = frames.iter().rev().take(MAX_SHOWN - 1);
        for frame in nearest.chain(frames.first()) {
            if !shown.iter().any(|span| overlap(*span, frame.asked)) {
                shown.push(frame.asked);
                diagnostic = diagnostic.label(frame.asked, "asked for here");
            }
        }
        diagnostic
    }

    /// The circle that begins at a frame and is closed by `asked`.
    pub(super) fn cycle(&self, first: usize, asked: Span) -> Fail {
        let mut hops: Vec<Span> = self.state.stack[first + 1..]
            .iter()
            .map(|frame| frame.asked)
            .collect();
        hops.push(asked);
        hops.dedup();
        let names: Vec<String> = hops.iter().map(|hop| self.words(*hop)).collect();
        let start = names.last().cloned().unwrap_or_default();
        let message = format!("{start} depends on itself");
        if let [only] = hops[..] {
            let error = Diagnostic::error(codes::CYCLE, message, only, "it needs itself here");
            return Fail::Error(Arc::new(error));
        }
        let mut error = Diagnostic::error(
            codes::CYCLE,
            message,
            hops[0],
            format!("{start} needs {}", names[0]),
        );
        for at in 1..hops.len() {
            error = error.label(hops[at], format!("{} needs {}", names[at - 1], names[at]));
        }
        let path: Vec<&str> = std::iter::once(start.as_str())
            .chain(names.iter().map(String::as_str))
            .collect();
        Fail::Error(Arc::new(error.note(path.join(" → "))))
    }

    /// A short piece of the source in quotes, with what an attribute is selected from.
    fn words(&self, span: Span) -> String {
        let source = &self.sources.file(span.file).text;
        let before = &source[..span.start as usize];
        let selected = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "._-".contains(c));
        let start = if before.ends_with('.') {
            selected.len()
        } else {
            span.start as usize
        };
        let text = &source[start..span.end as usize];
        let short: String = text.lines().next().unwrap_or_default().chars().take(40).collect();
        if short.len() == text.len() {
            format!("`{short}`")
        } else {
            format!("`{short}…`")
        }
    }

    /// An operand or argument of the wrong kind.
    pub(crate) fn wrong_kind(&self, env: EnvId, who: &str, takes: &str, found: &Lazy, at: Span) -> Fail {
        let message = format!("{who} takes {takes}, found {}", found.shape.kind());
        self.fail(env, self.found_at(codes::TYPE, message, found, at))
    }

    /// An error about a value, at the place that uses it and the place it comes from.
    pub(crate) fn found_at(&self, code: &'static str, message: String, found: &Lazy, at: Span) -> Diagnostic {
        let inside = found.span.file == at.file && at.start <= found.span.start && found.span.end <= at.end;
        let main = if inside { found.span } else { at };
        let error = Diagnostic::error(code, message, main, format!("this is {}", found.shape.kind()));
        if overlap(found.span, at) {
            error
        } else {
            error.label(found.span, "the value comes from here")
        }
    }
}

pub(crate) fn overlap(a: Span, b: Span) -> bool {
    a.file == b.file && (a.start..=a.end).contains(&b.start) && b.end <= a.end
        || a.file == b.file && (b.start..=b.end).contains(&a.start) && a.end <= b.end
}
