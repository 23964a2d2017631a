//! How much evaluation may cost: steps, bytes and depth, so that no file can
//! keep a machine busy or fill its memory.

use super::Machine;
use super::value::{Eval, Fail};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::evaluation::Cost;
use crate::source::Span;
use std::sync::Arc;

/// How many values may wait for each other. A chain of `let`s this long is no
/// one's handwriting; an unoptimised build on a thread of 2 MiB holds more than as many again.
pub(super) const MAX_DEPTH: usize = 160;

/// Expressions that one evaluation may take, all its questions together. Ten thousand
/// functions for two architectures and two stages take a thirtieth of it.
const STEPS: u64 = 25_000_000;

/// Bytes of strings, lists and whatever else one evaluation may make, whatever is written;
/// with what is not counted, the process stays below 256 MB.
const BYTES: u64 = 144 << 20;

/// Bytes beside those for each expression that is written: a workspace that is large since much
/// is written takes about half of it, and what multiplies itself, or is one long text, gains nothing.
const BYTES_PER_EXPRESSION: u64 = 1000;

/// Bytes of text that are looked at for the price of one step, which is some 30 ns: comparing
/// them takes 3 ns, changing or searching them 10 to 60.
const LOOKED_AT: u64 = 64;

/// The longest string that evaluation makes. A file of the workspace that is read is no longer.
const MAX_STRING: usize = 16 << 20;

/// Bytes that an error is counted with, for as long as it is remembered.
pub(crate) const ERROR_BYTES: u64 = 1024;

/// After so many errors nothing further is looked for: no one reads more, and a loop makes as
/// many as it has rounds.
pub(crate) const MAX_ERRORS: usize = 2000;

/// What the evaluation may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: u64,
    bytes: u64,
    most_steps: u64,
    most_bytes: u64,
    /// Once it is overrun, nothing is evaluated any more: what is wrong with the
    /// file is known, and every further question would cost as much.
    overrun: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(STEPS, BYTES)
    }
}

impl Budget {
    /// So many steps and bytes.
    pub(crate) fn new(steps: u64, bytes: u64) -> Self {
        Budget {
            steps,
            bytes,
            most_steps: steps,
            most_bytes: bytes,
            overrun: false,
        }
    }

    /// What was paid so far, and what may be.
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            steps: self.most_steps - self.steps,
            most_steps: self.most_steps,
            bytes: self.most_bytes - self.bytes,
            most_bytes: self.most_bytes,
        }
    }

    /// The bytes that are left.
    pub(super) fn bytes_left(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Adds what so many written expressions may need.
    pub(crate) fn add_for(&mut self, expressions: usize) {
        let more = BYTES_PER_EXPRESSION.saturating_mul(expressions as u64);
        self.bytes = self.bytes.saturating_add(more);
        self.most_bytes = self.most_bytes.saturating_add(more);
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

    /// Pays for looking at so many bytes of text.
    pub(crate) fn looked_at(&mut self, bytes: usize, at: Span) -> Eval<()> {
        self.steps(bytes as u64 / LOOKED_AT, at)
    }

    /// Pays for a string before it is made.
    pub(crate) fn text_bytes(&mut self, length: usize, at: Span) -> Eval<()> {
        self.limit_text(length, at)?;
        self.looked_at(length, at)?;
        self.bytes(length, at)
    }

    /// Refuses a string that is too long.
    pub(super) fn limit_text(&self, length: usize, at: Span) -> Eval<()> {
        if length > MAX_STRING {
            let message = format!("this makes a string of more than {} MiB", MAX_STRING >> 20);
            let error = Diagnostic::error(codes::BUDGET, message, at, "it was given up here");
            return Err(Fail::Error(Arc::new(self.with_askers(error))));
        }
        Ok(())
    }

    /// Pays for a small piece of memory; when nothing is left, the next step says so.
    pub(crate) fn owe(&mut self, count: u64) {
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
