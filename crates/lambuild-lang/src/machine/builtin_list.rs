//! Built-in functions on lists, sets and numbers.

use super::Machine;
use super::builtin::Use;
use super::expression::ENTRY_BYTES;
use super::value::{Eval, Fail, Lazy, Shape, Slots, ThunkId};
use crate::codes;
use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use std::cmp::Ordering;
use std::sync::Arc;

impl Machine<'_> {
    pub(super) fn built_in_list(&mut self, call: &Use<'_>) -> Eval<Shape> {
        match call.name {
            "len" => self.len(call),
            "keys" => {
                let slots = self.set_arg(call)?;
                self.steps(slots.len() as u64, call.span)?;
                self.bytes(slots.len() * ENTRY_BYTES, call.span)?;
                let key = |(name, slot): (&Arc<str>, &super::value::Slot)| {
                    self.known(Shape::Str(name.clone()).at(slot.key_span))
                };
                Ok(Shape::List(slots.iter().map(key).collect()))
            }
            "values" => {
                let slots = self.set_arg(call)?;
                self.steps(slots.len() as u64, call.span)?;
                self.bytes(slots.len() * ENTRY_BYTES, call.span)?;
                Ok(Shape::List(slots.values().map(|slot| slot.value).collect()))
            }
            "range" => self.range(call),
            "contains" => self.contains(call),
            "sort" => self.sort(call),
            _ => self.unique(call),
        }
    }

    fn set_arg(&mut self, call: &Use<'_>) -> Eval<Arc<Slots>> {
        let value = self.arg(call, 0)?;
        match &value.shape {
            Shape::Set(slots) => Ok(Arc::clone(slots)),
            _ => Err(self.wrong_arg(call, 0, "a set", &value)),
        }
    }

    fn list_arg(&mut self, call: &Use<'_>) -> Eval<Arc<[ThunkId]>> {
        let value = self.arg(call, 0)?;
        match &value.shape {
            Shape::List(items) => Ok(Arc::clone(items)),
            _ => Err(self.wrong_arg(call, 0, "a list", &value)),
        }
    }

    /// `len(x)`: elements, entries or characters.
    fn len(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let value = self.arg(call, 0)?;
        let count = match &value.shape {
            Shape::List(items) => items.len(),
            Shape::Set(slots) => slots.len(),
            Shape::Str(text) => {
                self.looked_at(text.len(), call.span)?;
                text.chars().count()
            }
            _ => return Err(self.wrong_arg(call, 0, "a list, a set or a string", &value)),
        };
        Ok(Shape::Int(count as i64))
    }

    /// `range(n)`: 0 to before n; `range(from, to)`: from to before to.
    fn range(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let first = self.int_arg(call, 0)?;
        let (from, to) = if call.args.len() == 2 {
            (first, self.int_arg(call, 1)?)
        } else {
            (0, first)
        };
        let count = to.checked_sub(from).unwrap_or(i64::MAX).max(0) as usize;
        self.bytes(count.saturating_mul(ENTRY_BYTES), call.span)?;
        Ok(Shape::List(
            (from..to)
                .map(|number| self.known(Shape::Int(number).at(call.span)))
                .collect(),
        ))
    }

    /// `contains(list, element)`, `contains(text, part)`, `contains(set, key)`
    fn contains(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let whole = self.arg(call, 0)?;
        match &whole.shape {
            Shape::Str(text) => {
                let part = self.text_arg(call, 1)?;
                self.looked_at(text.len() + part.len(), call.span)?;
                Ok(Shape::Bool(text.contains(&*part)))
            }
            Shape::Set(slots) => {
                let key = self.text_arg(call, 1)?;
                self.looked_at(key.len(), call.span)?;
                Ok(Shape::Bool(slots.contains_key(&key)))
            }
            Shape::List(items) => {
                let wanted = self.arg(call, 1)?;
                for item in self.elements(items, call.context, call.args[0].1)? {
                    if self.equal(&item, &wanted, call.span, call.env, call.context)? {
                        return Ok(Shape::Bool(true));
                    }
                }
                Ok(Shape::Bool(false))
            }
            _ => Err(self.wrong_arg(call, 0, "a list, a set or a string", &whole)),
        }
    }

    /// `sort(list)` of strings or of numbers, strings by their bytes.
    fn sort(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let items = self.list_arg(call)?;
        let values = self.elements(&items, call.context, call.args[0].1)?;
        if let Some(odd) = values.iter().find(|value| !alike(value, &values[0])) {
            return Err(self.wrong_arg(call, 0, "a list of strings or a list of numbers", odd));
        }
        self.pay_for_sorting(&values, call)?;
        let mut pairs: Vec<(Lazy, ThunkId)> = values.into_iter().zip(items.iter().copied()).collect();
        pairs.sort_by(|(a, _), (b, _)| order(a, b));
        Ok(Shape::List(pairs.into_iter().map(|(_, item)| item).collect()))
    }

    /// A sort compares each value with about as many others as the number of values has bits.
    fn pay_for_sorting(&mut self, values: &[Lazy], call: &Use<'_>) -> Eval<()> {
        let rounds = values.len().checked_ilog2().unwrap_or_default() as usize + 1;
        let texts = values.iter().map(|value| match &value.shape {
            Shape::Str(text) => text.len(),
            _ => 0,
        });
        self.steps((values.len() * rounds) as u64, call.span)?;
        self.looked_at(texts.sum::<usize>().saturating_mul(rounds), call.span)?;
        self.bytes(values.len() * ENTRY_BYTES, call.span)
    }

    /// `unique(list)`: the first of each, in their order.
    fn unique(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let items = self.list_arg(call)?;
        let values = self.elements(&items, call.context, call.args[0].1)?;
        let mut kept: Vec<(Lazy, ThunkId)> = Vec::new();
        for (value, item) in values.into_iter().zip(items.iter()) {
            let mut known = false;
            for (other, _) in &kept {
                known = known || self.equal(&value, other, call.span, call.env, call.context)?;
            }
            if !known {
                kept.push((value, *item));
            }
        }
        Ok(Shape::List(kept.into_iter().map(|(_, item)| item).collect()))
    }

    /// `min`, `max` (of the arguments, or of one list), `div`, `mod`; the remainder is never negative.
    pub(super) fn built_in_number(&mut self, call: &Use<'_>) -> Eval<Shape> {
        if let "div" | "mod" = call.name {
            let (a, b) = (self.int_arg(call, 0)?, self.int_arg(call, 1)?);
            if b == 0 {
                return Err(self.division_by_zero(call.env, call.span));
            }
            let result = if call.name == "div" {
                a.checked_div_euclid(b)
            } else {
                a.checked_rem_euclid(b)
            };
            return result
                .map(Shape::Int)
                .ok_or_else(|| self.overflow(call.env, call.span));
        }
        let numbers = self.number_args(call)?;
        let found = if call.name == "min" {
            numbers.into_iter().min()
        } else {
            numbers.into_iter().max()
        };
        found.map(Shape::number).ok_or_else(|| self.nothing(call))
    }

    fn number_args(&mut self, call: &Use<'_>) -> Eval<Vec<Decimal>> {
        let values = if call.args.len() > 1 {
            let each = 0..call.args.len();
            each.map(|at| self.arg(call, at)).collect::<Eval<Vec<Lazy>>>()?
        } else {
            let items = self.list_arg(call)?;
            self.elements(&items, call.context, call.args[0].1)?
        };
        let place = |at: usize| at.min(call.args.len() - 1);
        let number = |(at, value): (usize, &Lazy)| {
            let number = value.shape.as_number();
            number.ok_or_else(|| self.wrong_arg(call, place(at), "numbers", value))
        };
        values.iter().enumerate().map(number).collect()
    }

    fn nothing(&self, call: &Use<'_>) -> Fail {
        let message = format!("`{}` has no answer for an empty list", call.name);
        self.fail(
            call.env,
            Diagnostic::error(
                codes::ARGUMENT_VALUE,
                message,
                call.span,
                "nothing to choose from",
            ),
        )
    }
}

fn alike(a: &Lazy, b: &Lazy) -> bool {
    let texts = matches!((&a.shape, &b.shape), (Shape::Str(_), Shape::Str(_)));
    texts || a.shape.as_number().is_some() && b.shape.as_number().is_some()
}

fn order(a: &Lazy, b: &Lazy) -> Ordering {
    match (&a.shape, &b.shape) {
        (Shape::Str(a), Shape::Str(b)) => a.cmp(b),
        (a, b) => a.as_number().cmp(&b.as_number()),
    }
}
