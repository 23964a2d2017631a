//! What a row looks like on one line, where that is possible.

use super::WIDTH;
use super::tree::{Before, Brackets, Group, Piece, Row, What};

/// No text of this many bytes has at most [`WIDTH`] columns; so much is looked at.
const ENOUGH: usize = 4 * WIDTH;

/// The pieces on one line; `None` where they must break or are wider than any line.
pub(super) fn flat(pieces: &[Piece<'_>]) -> Option<String> {
    let mut text = String::new();
    (push_pieces(pieces, &mut text) && columns(&text) <= WIDTH).then_some(text)
}

/// The group on one line.
pub(super) fn flat_group(group: &Group<'_>) -> Option<String> {
    let mut text = String::new();
    (push_group(group, &mut text) && columns(&text) <= WIDTH).then_some(text)
}

/// The columns of a text of one line.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

impl Brackets {
    /// The brackets as they are written.
    pub(super) fn signs(self) -> (&'static str, &'static str) {
        match self {
            Brackets::List => ("[", "]"),
            Brackets::Set | Brackets::Block => ("{", "}"),
            Brackets::Arguments => ("(", ")"),
        }
    }

    fn padding(self) -> &'static str {
        match self {
            Brackets::List | Brackets::Arguments => "",
            Brackets::Set | Brackets::Block => " ",
        }
    }
}

fn push_pieces(pieces: &[Piece<'_>], text: &mut String) -> bool {
    pieces.iter().enumerate().all(|(at, piece)| {
        if at > 0 && piece.breaks() || text.len() > ENOUGH {
            return false;
        }
        if at > 0 && piece.before != Before::Nothing {
            text.push(' ');
        }
        match &piece.what {
            What::Text(piece) => {
                text.push_str(piece);
                !piece.contains('\n')
            }
            What::Group(group) => push_group(group, text),
        }
    })
}

fn push_group(group: &Group<'_>, text: &mut String) -> bool {
    let (open, close) = group.kind.signs();
    text.push_str(open);
    if group.is_empty() {
        text.push_str(close);
        return true;
    }
    if group.broken {
        return false;
    }
    text.push_str(group.kind.padding());
    let rows = group.body.elements.iter().map(|element| &element.row);
    let fits = push_rows(rows, text);
    text.push_str(group.kind.padding());
    text.push_str(close);
    fits
}

fn push_rows<'r, 't: 'r>(rows: impl Iterator<Item = &'r Row<'t>>, text: &mut String) -> bool {
    let mut rows = rows.enumerate();
    rows.all(|(at, row)| {
        if at > 0 {
            text.push_str(", ");
        }
        push_pieces(&row.pieces, text)
    })
}
