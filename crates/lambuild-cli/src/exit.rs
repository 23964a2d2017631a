//! The exit codes (README, "Exit codes"): stable, as scripts and CI read them.

use lambuild_lang::diagnostic::{Diagnostic, Exit, Severity};

/// All went well.
pub const OK: u8 = 0;
/// A build failed, or this machine did (an unwritable store).
pub const FAILED: u8 = 1;
/// Wrong usage, or what the build file alone shows to be wrong.
pub const USAGE: u8 = 2;
/// A lock lacks a line or is out of date.
pub const LOCK: u8 = 5;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// The code that a group of diagnostics asks for: the most particular one wins, since
/// a lock that lacks a line has a remedy of its own.
pub fn of(diagnostics: &[Diagnostic]) -> u8 {
    let errors = || diagnostics.iter().filter(|made| made.severity == Severity::Error);
    if errors().next().is_none() {
        return OK;
    }
    for (exit, code) in [(Exit::Lock, LOCK), (Exit::Usage, USAGE)] {
        if errors().any(|made| made.exit == exit) {
            return code;
        }
    }
    FAILED
}
