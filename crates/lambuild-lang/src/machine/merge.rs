//! The deep merge of two values: sets merge by key, everything else is replaced.

use super::context::Context;
use super::expression::ENTRY_BYTES;
use super::value::{Eval, Lazy, Shape, Slot, Slots, ThunkId};
use super::{Machine, Source};
use crate::source::Span;
use std::sync::Arc;

impl Machine<'_> {
    /// The value of a merge, as far as its outermost shape.
    pub(super) fn merge_thunks(
        &mut self,
        under: ThunkId,
        over: ThunkId,
        context: Context,
        asked: Span,
    ) -> Eval<Lazy> {
        let over = self.force(over, context, asked)?;
        let Shape::Set(top) = &over.shape else {
            return Ok(over);
        };
        let under = self.force(under, context, asked)?;
        let Shape::Set(bottom) = &under.shape else {
            return Ok(over);
        };
        let merged = self.merge_sets(bottom, top, asked)?;
        Ok(Shape::Set(Arc::new(merged)).at(over.span))
    }

    /// The entries of both sets; what both have is merged when it is asked for.
    pub(crate) fn merge_sets(&mut self, under: &Slots, over: &Slots, at: Span) -> Eval<Slots> {
        self.bytes((under.len() + over.len()) * ENTRY_BYTES, at)?;
        let mut result = under.clone();
        for (name, slot) in over {
            let value = match under.get(name) {
                Some(below) => self.push(Source::Merge(below.value, slot.value), None),
                None => slot.value,
            };
            result.insert(
                name.clone(),
                Slot {
                    key_span: slot.key_span,
                    value,
                },
            );
        }
        Ok(result)
    }
}
