//! `//` that loses keys of a nested set: a warning, since `merge` is nearly always meant.
//!
//! While operators are evaluated only the pairs are noted down; what was replaced is
//! never asked for there, and is looked at when everything else is known.

use super::Machine;
use super::context::{Context, Purpose};
use super::value::{Eval, Shape, Slot, Slots};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::Name;
use std::collections::BTreeSet;

/// An entry that took the place of another one.
pub(super) struct Replaced {
    name: Name,
    under: Slot,
    over: Slot,
    context: Context,
}

impl Machine<'_> {
    /// Notes which entries of a set `//` replaces, as far as both may be sets.
    pub(super) fn note_replaced(&mut self, under: &Slots, over: &Slots, context: Context) {
        for (name, slot) in over {
            let Some(below) = under.get(name) else { continue };
            if self.may_be_set(*slot) && self.may_be_set(*below) {
                self.owe(size_of::<Replaced>() as u64);
                self.state.replaced.push(Replaced {
                    name: name.clone(),
                    under: *below,
                    over: *slot,
                    context,
                });
            }
        }
    }

    fn may_be_set(&self, slot: Slot) -> bool {
        let thunk = &self.state.thunks[slot.value.0 as usize];
        let known = thunk.first.as_ref().map(|outcome| &outcome.result);
        !matches!(known, Some(Ok(value)) if !matches!(value.shape, Shape::Set(_)))
    }

    /// A warning for each place where `//` lost keys of a nested set.
    pub(crate) fn lost_keys(&mut self) -> Vec<Diagnostic> {
        self.state.purpose = Purpose::Shape;
        let (mut seen, mut warnings) = (BTreeSet::new(), Vec::new());
        for replaced in std::mem::take(&mut self.state.replaced) {
            // What cannot be evaluated was reported where it was needed, or is needed nowhere.
            if let Ok(Some(warning)) = self.lost_in(&replaced)
                && seen.insert((replaced.over.key_span, replaced.under.key_span))
                && warnings.len() < super::MAX_ERRORS
            {
                warnings.push(warning);
            }
        }
        warnings
    }

    fn lost_in(&mut self, replaced: &Replaced) -> Eval<Option<Diagnostic>> {
        let Replaced {
            name,
            under,
            over,
            context,
        } = replaced;
        let top = self.force(over.value, *context, over.key_span)?;
        let bottom = self.force(under.value, *context, under.key_span)?;
        let (Shape::Set(top), Shape::Set(bottom)) = (&top.shape, &bottom.shape) else {
            return Ok(None);
        };
        let lost: Vec<String> = bottom
            .keys()
            .filter(|key| !top.contains_key(*key))
            .map(|key| format!("`{name}.{key}`"))
            .collect();
        if lost.is_empty() {
            return Ok(None);
        }
        let message = format!("`//` loses {}", lost.join(" and "));
        let warning = Diagnostic::warning(
            codes::LOST_KEYS,
            message,
            over.key_span,
            "this set takes the place of the other",
        );
        let help = "`merge(left, right)` keeps what the right side does not set";
        Ok(Some(
            warning.label(under.key_span, "of what is set here").help(help),
        ))
    }
}
