//! `for`: what is gone through, and what its names mean each time.

use super::context::Context;
use super::expression::ENTRY_BYTES;
use super::scope::Binding;
use super::value::{Eval, Lazy, Shape, Slot, Slots, ThunkId};
use super::{EnvId, Machine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Comprehension, Entry, ExprId, NameId, Vars};
use std::sync::Arc;

impl Machine<'_> {
    /// The names of each round of `for vars in source`.
    pub(crate) fn rounds(
        &mut self,
        vars: &Vars,
        source: ExprId,
        env: EnvId,
        context: Context,
    ) -> Eval<Vec<Vec<(NameId, Binding)>>> {
        let value = self.eval_now(source, env, context)?;
        let at = self.program.arena.span(source);
        let count = match &value.shape {
            Shape::List(items) => items.len(),
            Shape::Set(slots) => slots.len(),
            _ => 0,
        };
        self.steps(count as u64, at)?;
        self.bytes(count * ENTRY_BYTES, at)?;
        match &value.shape {
            Shape::List(items) => Ok(self.rounds_of_list(vars, items, at)),
            Shape::Set(slots) => self.rounds_of_set(vars, slots, at, env),
            _ => Err(self.wrong_kind(env, "`for`", "a list or a set", &value, at)),
        }
    }

    fn rounds_of_list(&mut self, vars: &Vars, items: &[ThunkId], at: Span) -> Vec<Vec<(NameId, Binding)>> {
        let numbered = items.iter().enumerate().map(|(index, item)| {
            let item = Binding::Value(*item);
            match &vars.second {
                None => vec![(vars.first.name, item)],
                Some(second) => {
                    let index = self.known(Shape::Int(index as i64).at(at));
                    vec![(vars.first.name, Binding::Value(index)), (second.name, item)]
                }
            }
        });
        numbered.collect()
    }

    fn rounds_of_set(
        &mut self,
        vars: &Vars,
        slots: &Arc<Slots>,
        at: Span,
        env: EnvId,
    ) -> Eval<Vec<Vec<(NameId, Binding)>>> {
        let Some(second) = &vars.second else {
            let message = "the entries of a set are a key and a value";
            let error = Diagnostic::error(codes::TYPE, message, vars.first.span, "only one name")
                .label(at, "this is a set")
                .help(format!("write `for {}, value in …`", self.word(vars.first.name)));
            return Err(self.fail(env, error));
        };
        let entries = slots.iter().map(|(name, slot)| {
            let key = self.known(Shape::Str(name.clone()).at(slot.key_span));
            let value = Binding::Value(slot.value);
            vec![(vars.first.name, Binding::Value(key)), (second.name, value)]
        });
        Ok(entries.collect())
    }

    /// The environments of the rounds that a comprehension keeps.
    fn kept(&mut self, rule: &Comprehension, env: EnvId, context: Context) -> Eval<Vec<EnvId>> {
        let rounds = self.rounds(&rule.vars, rule.source, env, context)?;
        let mut kept = Vec::new();
        for names in rounds {
            let round = self.inner(env, names);
            let keep = match rule.condition {
                Some(condition) => self.condition("`if`", condition, round, context)?,
                None => true,
            };
            kept.extend(keep.then_some(round));
        }
        Ok(kept)
    }

    pub(super) fn list_for(
        &mut self,
        rule: &Comprehension,
        item: ExprId,
        env: EnvId,
        context: Context,
    ) -> Eval<Shape> {
        let rounds = self.kept(rule, env, context)?;
        Ok(Shape::List(
            rounds.into_iter().map(|round| self.delay(item, round)).collect(),
        ))
    }

    pub(super) fn set_for(
        &mut self,
        rule: &Comprehension,
        entry: &Entry,
        env: EnvId,
        context: Context,
    ) -> Eval<Shape> {
        let mut slots = Slots::default();
        for round in self.kept(rule, env, context)? {
            let name = self.key_name(&entry.key, round, context)?;
            let slot = Slot {
                key_span: entry.key.span,
                value: self.delay(entry.value, round),
            };
            self.insert(&mut slots, name, slot, env)?;
        }
        Ok(Shape::Set(Arc::new(slots)))
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn deeper<T>(&mut self, at: Span, inner: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.state.depth >= super::budget::MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        self.state.depth += 1;
        let result = inner(self);
        self.state.depth -= 1;
        result
    }

    /// Goes one level deeper, until [`Self::leave_part`].
    pub(crate) fn enter_part(&mut self, at: Span) -> Eval<()> {
        self.deeper(at, |_| Ok(()))?;
        self.state.depth += 1;
        Ok(())
    }

    /// Comes back from [`Self::enter_part`].
    pub(crate) fn leave_part(&mut self) {
        self.state.depth -= 1;
    }

    /// Every element of a list, evaluated.
    pub(super) fn elements(&mut self, items: &[ThunkId], context: Context, at: Span) -> Eval<Vec<Lazy>> {
        self.steps(items.len() as u64, at)?;
        items.iter().map(|item| self.force(*item, context, at)).collect()
    }
}
