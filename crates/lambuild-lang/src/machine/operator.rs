//! Operators: what each takes and gives.

use super::context::Context;
use super::value::{Eval, Fail, Lazy, Shape, Slots};
use super::{EnvId, Machine};
use crate::codes;
use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{ExprId, ExprKind, Operator};
use std::cmp::Ordering;
use std::sync::Arc;

/// Where an operation stands, for its errors.
#[derive(Clone, Copy)]
struct Place {
    operator: Operator,
    left: Span,
    right: Span,
    env: EnvId,
}

impl Machine<'_> {
    /// A chain of operators that group to the left is worked off in a loop, so
    /// that a long sum is not deep.
    pub(super) fn binary(&mut self, id: ExprId, env: EnvId, context: Context) -> Eval<Lazy> {
        let arena = &self.program.arena;
        let (mut first, mut rest) = (id, Vec::new());
        while let ExprKind::Binary(operator, left, right) = arena.expr(first).kind {
            rest.push((operator, left, right, arena.span(first)));
            first = left;
        }
        let mut value = self.eval_now(first, env, context)?;
        for (operator, left, right, whole) in rest.into_iter().rev() {
            let place = Place {
                operator,
                left: arena.span(left),
                right: arena.span(right),
                env,
            };
            let shape = self.operation(&value, right, place, context)?;
            value = shape.at(whole);
        }
        Ok(value)
    }

    fn operation(&mut self, left: &Lazy, right: ExprId, place: Place, context: Context) -> Eval<Shape> {
        if let Operator::And | Operator::Or = place.operator {
            return self.logic(left, right, place, context);
        }
        let right = self.eval_now(right, place.env, context)?;
        match place.operator {
            Operator::Equal => Ok(Shape::Bool(self.equal(
                left,
                &right,
                place.right,
                place.env,
                context,
            )?)),
            Operator::NotEqual => Ok(Shape::Bool(!self.equal(
                left,
                &right,
                place.right,
                place.env,
                context,
            )?)),
            Operator::Update => self.update(left, &right, place, context),
            Operator::Concat => self.concat(left, &right, place),
            Operator::Add => self.add(left, &right, place),
            Operator::Subtract | Operator::Multiply | Operator::Divide => self.numbers(left, &right, place),
            _ => {
                let order = self.order(left, &right, place)?;
                Ok(Shape::Bool(match place.operator {
                    Operator::Less => order == Ordering::Less,
                    Operator::LessEqual => order != Ordering::Greater,
                    Operator::Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }))
            }
        }
    }

    /// The right side is evaluated only when the left one does not decide.
    fn logic(&mut self, left: &Lazy, right: ExprId, place: Place, context: Context) -> Eval<Shape> {
        let who = format!("`{}`", place.operator.sign());
        let Shape::Bool(value) = left.shape else {
            return Err(self.wrong_kind(place.env, &who, "booleans", left, place.left));
        };
        if value == (place.operator == Operator::Or) {
            return Ok(Shape::Bool(value));
        }
        Ok(Shape::Bool(self.condition(&who, right, place.env, context)?))
    }

    fn operands(
        &self,
        left: &Lazy,
        right: &Lazy,
        fits: impl Fn(&Shape) -> bool,
        takes: &str,
        place: Place,
    ) -> Fail {
        let who = format!("`{}`", place.operator.sign());
        if fits(&left.shape) {
            self.wrong_kind(place.env, &who, takes, right, place.right)
        } else {
            self.wrong_kind(place.env, &who, takes, left, place.left)
        }
    }

    fn update(&mut self, left: &Lazy, right: &Lazy, place: Place, context: Context) -> Eval<Shape> {
        let (Shape::Set(under), Shape::Set(over)) = (&left.shape, &right.shape) else {
            return Err(self.operands(left, right, |s| matches!(s, Shape::Set(_)), "two sets", place));
        };
        self.bytes(
            (under.len() + over.len()) * super::expression::ENTRY_BYTES,
            place.right,
        )?;
        self.note_replaced(under, over, context);
        let mut result: Slots = (**under).clone();
        for (name, slot) in over.iter() {
            result.insert(name.clone(), *slot);
        }
        Ok(Shape::Set(Arc::new(result)))
    }

    fn concat(&mut self, left: &Lazy, right: &Lazy, place: Place) -> Eval<Shape> {
        let (Shape::List(first), Shape::List(second)) = (&left.shape, &right.shape) else {
            let error = self.operands(left, right, |s| matches!(s, Shape::List(_)), "two lists", place);
            return Err(error);
        };
        self.bytes(
            (first.len() + second.len()) * super::expression::ENTRY_BYTES,
            place.right,
        )?;
        Ok(Shape::List(first.iter().chain(second.iter()).copied().collect()))
    }

    fn add(&mut self, left: &Lazy, right: &Lazy, place: Place) -> Eval<Shape> {
        match (&left.shape, &right.shape) {
            (Shape::Str(first), Shape::Str(second)) => {
                self.text_bytes(first.len() + second.len(), place.right)?;
                Ok(Shape::Str(Arc::from([&**first, &**second].concat())))
            }
            (Shape::Str(_), _) => Err(self.operands(
                left,
                right,
                |s| matches!(s, Shape::Str(_)),
                "two strings or two numbers",
                place,
            )),
            _ => self.numbers(left, right, place),
        }
    }

    fn numbers(&mut self, left: &Lazy, right: &Lazy, place: Place) -> Eval<Shape> {
        let (Some(a), Some(b)) = (left.shape.as_number(), right.shape.as_number()) else {
            let takes = if place.operator == Operator::Add {
                "two numbers or two strings"
            } else {
                "two numbers"
            };
            return Err(self.operands(left, right, |s| s.as_number().is_some(), takes, place));
        };
        let result = match place.operator {
            Operator::Add => a.plus(b),
            Operator::Subtract => a.minus(b),
            Operator::Multiply => a.times(b),
            _ => return self.divide(a, b, place),
        };
        let at = place.left.to(place.right);
        result
            .map(Shape::number)
            .ok_or_else(|| self.overflow(place.env, at))
    }

    fn divide(&self, a: Decimal, b: Decimal, place: Place) -> Eval<Shape> {
        let at = place.left.to(place.right);
        if b == Decimal::from(0) {
            return Err(self.division_by_zero(place.env, at));
        }
        a.divided_by(b).map(Shape::number).ok_or_else(|| {
            let message = format!("{a} / {b} is no decimal of 64 bits");
            let error = Diagnostic::error(codes::ARITHMETIC, message, at, "this division is not exact")
                .help("`div(a, b)` gives the whole part, `mod(a, b)` the remainder");
            self.fail(place.env, error)
        })
    }

    pub(super) fn division_by_zero(&self, env: EnvId, at: Span) -> Fail {
        self.fail(
            env,
            Diagnostic::error(codes::ARITHMETIC, "division by zero", at, "the divisor is 0"),
        )
    }

    pub(super) fn overflow(&self, env: EnvId, at: Span) -> Fail {
        let error = Diagnostic::error(
            codes::ARITHMETIC,
            "the result is beyond 64 bits",
            at,
            "this overflows",
        );
        self.fail(env, error)
    }

    pub(super) fn negate(&mut self, id: ExprId, span: Span, env: EnvId, context: Context) -> Eval<Shape> {
        let value = self.eval_now(id, env, context)?;
        let Some(number) = value.shape.as_number() else {
            return Err(self.wrong_kind(env, "`-`", "a number", &value, self.program.arena.span(id)));
        };
        Decimal::from(0)
            .minus(number)
            .map(Shape::number)
            .ok_or_else(|| self.overflow(env, span))
    }

    fn order(&mut self, left: &Lazy, right: &Lazy, place: Place) -> Eval<Ordering> {
        if let (Some(a), Some(b)) = (left.shape.as_number(), right.shape.as_number()) {
            return Ok(a.cmp(&b));
        }
        match (&left.shape, &right.shape) {
            (Shape::Str(a), Shape::Str(b)) => {
                self.looked_at(a.len().min(b.len()), place.right)?;
                Ok(a.cmp(b))
            }
            _ => {
                let message = format!(
                    "`{}` compares two numbers or two strings, found {} and {}",
                    place.operator.sign(),
                    left.shape.kind(),
                    right.shape.kind()
                );
                let error = Diagnostic::error(
                    codes::COMPARE,
                    message,
                    place.left.to(place.right),
                    "compared here",
                );
                Err(self.fail(place.env, error))
            }
        }
    }

    /// Whether two values are the same, part by part; values of two kinds never are.
    pub(super) fn equal(
        &mut self,
        left: &Lazy,
        right: &Lazy,
        at: Span,
        env: EnvId,
        context: Context,
    ) -> Eval<bool> {
        self.step(at)?;
        match (&left.shape, &right.shape) {
            (odd, _) | (_, odd) if is_unknown(odd) => {
                let message = format!("{} cannot be compared", odd.kind());
                let error = Diagnostic::error(codes::COMPARE, message, at, "compared here");
                Err(self.fail(
                    env,
                    error.note("what it stands for is known only when it is built or deployed"),
                ))
            }
            (Shape::List(a), Shape::List(b)) => {
                let pairs = a.iter().copied().zip(b.iter().copied());
                Ok(a.len() == b.len() && self.all_equal(pairs, at, env, context)?)
            }
            (Shape::Set(a), Shape::Set(b)) => {
                let (a, b) = (Arc::clone(a), Arc::clone(b));
                self.steps(a.len() as u64, at)?;
                if a.len() != b.len() || a.keys().any(|key| !b.contains_key(key)) {
                    return Ok(false);
                }
                let pairs = a
                    .iter()
                    .filter_map(|(key, slot)| Some((slot.value, b.get(key)?.value)));
                self.all_equal(pairs, at, env, context)
            }
            (Shape::Str(a), Shape::Str(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                self.looked_at(a.len(), at)?;
                Ok(a == b)
            }
            (a, b) => Ok(Self::scalar(a).is_some() && Self::scalar(a) == Self::scalar(b)),
        }
    }

    fn all_equal(
        &mut self,
        pairs: impl Iterator<Item = (super::value::ThunkId, super::value::ThunkId)>,
        at: Span,
        env: EnvId,
        context: Context,
    ) -> Eval<bool> {
        for (a, b) in pairs {
            let (a, b) = (self.force(a, context, at)?, self.force(b, context, at)?);
            if !self.deeper(at, |m| m.equal(&a, &b, at, env, context))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether what a value stands for is known only when it is built or deployed.
fn is_unknown(shape: &Shape) -> bool {
    let built = matches!(shape, Shape::Product(_) | Shape::Part(_) | Shape::Other(_));
    built || matches!(shape, Shape::Template(_) | Shape::Secret(_))
}
