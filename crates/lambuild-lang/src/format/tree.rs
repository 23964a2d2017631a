//! The shape of a file as it is printed: rows of pieces, and brackets with elements. Knows
//! what was written, not where it goes.

use crate::syntax::token::Kind;

/// A `#` comment.
#[derive(Debug)]
pub(super) struct Comment<'t> {
    /// With its `#`, without blanks at its end.
    pub text: &'t str,
    /// Whether it has a line of its own.
    pub own_line: bool,
    /// Whether a blank line stands before it.
    pub blank: bool,
}

/// An item, an entry, an element, an argument: what ends at a separator.
#[derive(Debug, Default)]
pub(super) struct Row<'t> {
    /// At least one in a file without mistakes.
    pub pieces: Vec<Piece<'t>>,
    /// What is aligned with the neighbours'.
    pub sign: Option<Sign<'t>>,
    /// It ends in `for … in …`, which makes the whole list or set.
    pub repeats: bool,
}

/// The piece of a row that is aligned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign<'t> {
    /// Which piece of the row.
    pub at: usize,
    /// The word that an item begins with; empty for an entry.
    pub item: &'t str,
    /// `=` or `{`.
    pub kind: Kind,
}

/// A piece of a row, and what stands before it.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    /// Comments between the piece before and this one: the line breaks after them.
    pub comments: Vec<Comment<'t>>,
    /// What goes before it.
    pub before: Before,
    /// A line break was written before it, or after an operator that goes there.
    pub newline: bool,
    pub what: What<'t>,
}

impl Piece<'_> {
    /// Whether it begins a line.
    pub(super) fn breaks(&self) -> bool {
        !self.comments.is_empty() || self.newline && matches!(self.before, Before::Line | Before::Binding)
    }
}

/// What goes before a piece that does not begin a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    Space,
    /// A space, or the line break that was written there.
    Line,
    /// As `Line`: a further name of a `let … in`.
    Binding,
}

#[derive(Debug)]
pub(super) enum What<'t> {
    /// A token, or a whole string or path, as it was written.
    Text(&'t str),
    Group(Group<'t>),
}

/// Brackets and what stands between them.
#[derive(Debug)]
pub(super) struct Group<'t> {
    pub kind: Brackets,
    pub body: Body<'t>,
    /// It was written in several lines (arguments: broken around one of them).
    pub broken: bool,
}

impl Group<'_> {
    /// Whether it is `{}`, `[]` or `()`, which no line breaks.
    pub(super) fn is_empty(&self) -> bool {
        let body = &self.body;
        body.elements.is_empty() && body.opening.is_none() && body.end.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    List,
    Set,
    /// The items of a `for` or `if`.
    Block,
    /// Arguments, parameters, or one value in parentheses.
    Arguments,
}

/// What stands between brackets, or in a file.
#[derive(Debug, Default)]
pub(super) struct Body<'t> {
    /// A comment on the line of the opening bracket.
    pub opening: Option<&'t str>,
    pub elements: Vec<Element<'t>>,
    /// Comments after the last element.
    pub end: Vec<Comment<'t>>,
    /// A line break stands next to an element or a separator.
    pub newline: bool,
}

#[derive(Debug)]
pub(super) struct Element<'t> {
    /// Comments on lines of their own before it.
    pub lead: Vec<Comment<'t>>,
    /// Whether a blank line stands before it, after `lead`.
    pub blank: bool,
    pub row: Row<'t>,
    /// A comment at the end of its last line.
    pub comment: Option<&'t str>,
}
