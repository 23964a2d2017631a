//! What of `lambda.lock` one run uses: who asked for which pin, and whether a pin that is
//! missing ends the run. Does not know how a pin is found.

use crate::codes;
use crate::lock::{FILE, Lock, Pinned};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::source::Span;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The pins of one run.
#[derive(Debug, Default)]
pub struct Pins {
    lock: Lock,
    /// Whether a missing pin is an error (`--locked`, and every CI).
    locked: bool,
    /// Found for this run only.
    resolved: Mutex<Lock>,
    asked: Mutex<BTreeMap<(&'static str, String), Asked>>,
}

/// A pin that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it pins, for people: `Go 1.26.8`.
    pub what: String,
    /// Whether the lock has it.
    pub found: bool,
}

impl Pins {
    /// The pins of a lock; with `locked` a missing one is an error.
    pub fn new(lock: Lock, locked: bool) -> Self {
        Pins {
            lock,
            locked,
            resolved: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Whether a missing pin is an error.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The lock.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// What is pinned of a thing; `None` where it is to be resolved for this run. `what` says in words
    /// what it is, `asked` who needs it.
    ///
    /// # Errors
    /// When nothing is pinned of it and that may not be.
    pub fn get(
        &self,
        kind: &'static str,
        name: &str,
        what: &str,
        asked: Span,
    ) -> Result<Option<Pinned>, Box<Diagnostic>> {
        let pinned = self.lock.get(kind, name).cloned();
        let entry = Asked {
            what: what.to_owned(),
            found: pinned.is_some(),
        };
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((kind, name.to_owned()), entry);
        if pinned.is_none() && self.locked {
            let message = format!("{FILE} does not pin {what}");
            let made = Diagnostic::error(codes::LOCK, message, asked, "needed here").exit(Exit::Lock);
            return Err(Box::new(
                made.note(format!("no line of {FILE} begins with `{kind} {name}`"))
                    .note("with --locked, which CI implies, nothing is used that is not pinned")
                    .help(format!("run `lambuild lock` and commit {FILE}")),
            ));
        }
        Ok(pinned.or_else(|| self.resolved().get(kind, name).cloned()))
    }

    /// Takes what was found of a thing that is not pinned, for this run.
    ///
    /// # Errors
    /// As [`Lock::put`].
    pub fn resolve(&self, kind: &str, name: &str, pinned: Pinned) -> Result<(), String> {
        self.resolved().put(kind, name, pinned)
    }

    fn resolved(&self) -> std::sync::MutexGuard<'_, Lock> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was asked for, by kind and name.
    pub fn asked(&self) -> BTreeMap<(&'static str, String), Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
