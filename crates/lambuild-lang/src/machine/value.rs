//! What the evaluator works on: values whose parts are evaluated on demand.

use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::Name;
use crate::value::{Arch, Secret, TargetId, ToolchainId};
use indexmap::IndexMap;
use lambuild_digest::RelPath;
use rustc_hash::FxBuildHasher;
use std::sync::Arc;

/// A value that is computed when it is asked for, by its place in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThunkId(pub u32);

/// A value evaluated as far as its outermost shape, and the expression that gave it.
#[derive(Debug, Clone)]
pub(crate) struct Lazy {
    pub shape: Shape,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Null,
    Bool(bool),
    Int(i64),
    /// Always with a fraction: a number without one is an `Int`.
    Decimal(Decimal),
    Str(Arc<str>),
    Path(RelPath),
    List(Arc<[ThunkId]>),
    Set(Arc<Slots>),
    Reference(TargetId),
    Toolchain(ToolchainId),
    Product(Arc<Recipe>),
    /// `sub(x, "path")` of something that is built.
    Part(Arc<Part>),
    /// `at("arm64", x)`
    Other(Arc<Other>),
    /// A string that interpolates content.
    Template(Arc<[Piece]>),
    Arn(TargetId),
    Url(TargetId),
    Secret(Secret),
}

impl Shape {
    /// What a user would call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Shape::Null => "null",
            Shape::Bool(_) => "a boolean",
            Shape::Int(_) => "an integer",
            Shape::Decimal(_) => "a decimal",
            Shape::Str(_) => "a string",
            Shape::Path(_) => "a path",
            Shape::List(_) => "a list",
            Shape::Set(_) => "a set",
            Shape::Reference(_) => "a reference",
            Shape::Toolchain(_) => "a toolchain",
            Shape::Product(_) => "a product",
            Shape::Part(_) => "a part of a product",
            Shape::Other(_) => "a product of another architecture",
            Shape::Template(_) => "a string with content in it",
            Shape::Arn(_) => "an ARN that is known at deployment",
            Shape::Url(_) => "a URL that is known at deployment",
            Shape::Secret(_) => "a secret",
        }
    }

    /// Whether it means files: what a string keeps as a part of its own.
    pub(crate) fn is_content(&self) -> bool {
        matches!(
            self,
            Shape::Path(_) | Shape::Reference(_) | Shape::Product(_) | Shape::Part(_) | Shape::Other(_)
        )
    }

    /// Whether it becomes text only at deployment.
    pub(crate) fn is_later_text(&self) -> bool {
        matches!(self, Shape::Arn(_) | Shape::Url(_) | Shape::Secret(_))
    }

    /// A number: an integer where it has no fraction.
    pub(crate) fn number(number: Decimal) -> Shape {
        number.integer().map_or(Shape::Decimal(number), Shape::Int)
    }

    /// The number that it is.
    pub(crate) fn as_number(&self) -> Option<Decimal> {
        match self {
            Shape::Int(number) => Some(Decimal::from(*number)),
            Shape::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn at(self, span: Span) -> Lazy {
        Lazy { shape: self, span }
    }
}

/// The entries of a set, in the order of writing.
pub(crate) type Slots = IndexMap<Name, Slot, FxBuildHasher>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub key_span: Span,
    pub value: ThunkId,
}

/// A builder call.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub builder: Name,
    pub attrs: ThunkId,
    pub span: Span,
}

/// A part of a reference, a product or [`Other`].
#[derive(Debug)]
pub(crate) struct Part {
    pub of: Lazy,
    pub path: RelPath,
}

/// A reference or a product for another architecture than the one at hand.
#[derive(Debug)]
pub(crate) struct Other {
    pub arch: Arch,
    pub of: Lazy,
}

/// A piece of a string that interpolates content.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(Arc<str>),
    /// A path, a reference, a product or a part of one.
    Content(Lazy),
}

/// Why a value could not be had.
#[derive(Debug, Clone)]
pub(crate) enum Fail {
    /// To be reported by whoever asked.
    Error(Arc<Diagnostic>),
    /// Reported already: a syntax error, or the first overrun of the budget.
    Reported,
    /// It depends on a stage, and there is none to judge it for.
    Unjudged,
}

pub(crate) type Eval<T> = Result<T, Fail>;
