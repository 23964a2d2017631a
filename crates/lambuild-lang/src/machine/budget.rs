//! How much evaluation may cost: steps, bytes and depth, so that no file can
//! keep a machine busy or fill its memory.

use super::Machine;
use super::value::{Eval, Fail};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use std::sync::Arc;

/// How many values may wait for each other. A chain of `let`s this long is no
/// one's handwriting; an unoptimised build on a thread of 2 MiB holds more than as many again.
pub(super) const MAX_DEPTH: usize = 160;

/// Expressions that one evaluation may take, all its questions together. Ten thousand
/// functions for two architectures and two stages take a fiftieth of it.
const STEPS: u64 = 40_000_000;

/// Bytes of strings, lists and whatever else one evaluation may make, whatever is written;
/// with what is not counted, the process stays below 256 MB.
const BYTES: u64 = 144 << 20;

/// Bytes beside those for each byte of source text: a workspace that is large since much is
/// written takes about half of it, and what multiplies itself gains nothing.
const BYTES_PER_TEXT: u64 = 200;

/// What the evaluation may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: u64,
    bytes: u64,
    /// Once it is overrun, nothing is evaluated any more: what is wrong with the
    /// file is known, and every further question would cost as much.
    overrun: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            steps: STEPS,
            bytes: BYTES,
            overrun: false,
        }
    }
}

impl Budget {
    /// Adds what that much source text may need.
    pub(crate) fn add_for_text(&mut self, length: usize) {
        self.bytes = self
            .bytes
            .saturating_add(BYTES_PER_TEXT.saturating_mul(length as u64));
    }
}

impl Machine<'_> {
    /// Pays for one evaluated expression.
    pub(crate) fn step(&mut self, at: Span) -> Eval<()> {
        self.steps(1, at)
    }

    /// Pays for `count` of them.
    pub(crate) fn steps(&mut self, count: u64, at: Span) -> Eval<()> {
        let budget = &mut self.state.budget;
        budget.steps = budget.steps.saturating_sub(count);
        if budget.steps == 0 || budget.bytes == 0 {
            return Err(self.too_much("takes too many steps or too much memory", at));
        }
        Ok(())
    }

    /// Pays for a small piece of memory; when nothing is left, the next step says so.
    pub(super) fn owe(&mut self, count: u64) {
        let budget = &mut self.state.budget;
        budget.bytes = budget.bytes.saturating_sub(count);
    }

    /// Pays for memory before it is taken.
    pub(crate) fn bytes(&mut self, count: usize, at: Span) -> Eval<()> {
        let budget = &mut self.state.budget;
        budget.bytes = budget.bytes.saturating_sub(count as u64);
        if budget.bytes == 0 {
            return Err(self.too_much("takes too many steps or too much memory", at));
        }
        Ok(())
    }

    fn too_much(&mut self, what: &str, at: Span) -> Fail {
        if std::mem::replace(&mut self.state.budget.overrun, true) {
            return Fail::Reported;
        }
        (self.state.budget.steps, self.state.budget.bytes) = (0, 0);
        let error = Diagnostic::error(
            codes::BUDGET,
            format!("evaluation {what}"),
            at,
            "it was given up here",
        );
        Fail::Error(Arc::new(
            self.with_askers(error)
                .help("look for something that multiplies itself"),
        ))
    }

    pub(super) fn too_deep(&mut self, at: Span) -> Fail {
        let message = format!("more than {MAX_DEPTH} values wait for each other");
        let error = Diagnostic::error(codes::BUDGET, message, at, "it was given up here");
        Fail::Error(Arc::new(self.with_askers(error)))
    }
}
