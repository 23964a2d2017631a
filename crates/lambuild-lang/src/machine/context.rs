//! The ambient values: for which architecture, stage and target something is
//! evaluated, and which of them a value has really read.

use crate::value::{Arch, TargetId};

/// An ambient value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ambient<T> {
    /// It has no value here; reading it is an error.
    None,
    /// It would have one, but none is declared: what reads it is left unjudged.
    Unknown,
    Known(T),
}

/// A stage by its place in the evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StageId(pub u32);

/// What the ambient values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub arch: Ambient<Arch>,
    pub stage: Ambient<StageId>,
    pub target: Option<TargetId>,
}

impl Context {
    /// None at all.
    pub(crate) const NONE: Context = Context {
        arch: Ambient::None,
        stage: Ambient::None,
        target: None,
    };

    /// Build attributes of a target for one architecture.
    pub(crate) fn build(target: TargetId, arch: Arch) -> Self {
        Context {
            arch: Ambient::Known(arch),
            stage: Ambient::None,
            target: Some(target),
        }
    }

    /// What remains when only `reads` count.
    pub(crate) fn only(self, reads: Reads) -> Self {
        Context {
            arch: if reads.has(Reads::ARCH) {
                self.arch
            } else {
                Ambient::None
            },
            stage: if reads.has(Reads::STAGE) {
                self.stage
            } else {
                Ambient::None
            },
            target: if reads.has(Reads::TARGET) {
                self.target
            } else {
                None
            },
        }
    }
}

/// Which ambient values were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reads(u8);

impl Reads {
    pub(crate) const ARCH: Reads = Reads(1);
    pub(crate) const STAGE: Reads = Reads(2);
    pub(crate) const TARGET: Reads = Reads(4);

    pub(crate) fn has(self, other: Reads) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn add(&mut self, other: Reads) {
        self.0 |= other.0;
    }
}

/// What is being worked out, for the words of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Heads, names, `workspace`, `toolchain`, `stage`.
    Shape,
    /// Build attributes.
    Build,
    /// Deploy attributes.
    Deploy,
}
