//! The tree → lines: which brackets are broken, what stands where. Knows no grammar but
//! that a line which begins with certain words continues the one before.

use super::WIDTH;
use super::flat::{columns, flat, flat_group};
use super::lines::{Lines, Mark};
use super::read::continues;
use super::tree::{Before, Body, Brackets, Comment, Element, Group, Piece, Row, What};

/// The text of a file.
pub(super) fn print(file: &Body<'_>) -> String {
    let mut printer = Printer::default();
    printer.body(file, 0, |_| "");
    printer.0.finish()
}

#[derive(Default)]
struct Printer<'t>(Lines<'t>);

/// Where a row or a group stands.
#[derive(Clone, Copy)]
struct Place {
    /// The indentation of its line.
    indent: usize,
    /// How many columns after it stand on the same line.
    rest: usize,
}

impl<'t> Printer<'t> {
    /// Elements on lines of their own; `separator` says what follows which.
    fn body(&mut self, body: &Body<'t>, indent: usize, separator: impl Fn(usize) -> &'static str) {
        let begin = self.0.count();
        let mut marks = Vec::new();
        for (at, element) in body.elements.iter().enumerate() {
            let blank = self.lead(&element.lead, element.blank, indent, begin);
            let line = self.0.count();
            self.0.start(indent);
            let separator = separator(at);
            let rest = separator.len();
            self.row(&element.row, Place { indent, rest });
            self.0.push(separator);
            marks.push(self.mark(element, line, blank));
            if let Some(comment) = element.comment {
                self.0.comment(comment);
            }
        }
        self.0.align(&marks);
        self.lead(&body.end, false, indent, begin);
    }

    /// Comments and blank lines between elements; whether there was a blank line. None
    /// stands at the `begin` of a body.
    fn lead(&mut self, comments: &[Comment<'t>], blank: bool, indent: usize, begin: usize) -> bool {
        let mut blanks = false;
        let mut blank_line = |lines: &mut Lines<'t>, wanted: bool| {
            if wanted && lines.count() > begin {
                lines.blank();
                blanks = true;
            }
        };
        for comment in comments {
            blank_line(&mut self.0, comment.blank);
            self.0.own_comment(indent, comment.text);
        }
        blank_line(&mut self.0, blank);
        blanks
    }

    fn mark(&self, element: &Element<'t>, line: usize, blank: bool) -> Mark<'t> {
        let row = &element.row;
        let multi = self.0.count() > line + 1;
        let sign = row.sign.filter(|sign| !multi || sign.item.is_empty());
        let column = |at: usize| flat(&row.pieces[..at]).map(|head| columns(&head) + 1);
        Mark {
            line,
            multi,
            blank,
            sign: sign.and_then(|sign| Some((sign.item, sign.kind, column(sign.at)?))),
            bounded: self.0.width(line) <= WIDTH
                && row
                    .pieces
                    .iter()
                    .any(|piece| matches!(piece.what, What::Group(_))),
        }
    }

    /// A row at the current place: on one line if that is possible.
    fn row(&mut self, row: &Row<'t>, place: Place) {
        match flat(&row.pieces) {
            Some(text) if self.0.column() + columns(&text) + place.rest <= WIDTH => self.0.push(&text),
            _ => self.pieces(&row.pieces, place),
        }
    }

    fn pieces(&mut self, pieces: &[Piece<'t>], place: Place) {
        let mut indent = place.indent;
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 && piece.breaks() {
                indent = place.indent + if piece.before == Before::Binding { 4 } else { 2 };
                self.break_line(piece, indent);
            } else if at > 0 && piece.before != Before::Nothing {
                self.0.push(" ");
            }
            match &piece.what {
                What::Text(text) => self.0.push(text),
                What::Group(group) => {
                    let rest = rest(&pieces[at + 1..], place.rest);
                    self.group(group, Place { indent, rest });
                }
            }
        }
    }

    fn break_line(&mut self, piece: &Piece<'t>, indent: usize) {
        for comment in &piece.comments {
            if comment.own_line {
                self.0.own_comment(indent, comment.text);
            } else {
                self.0.comment(comment.text);
            }
        }
        self.0.start(indent);
    }

    /// A group in a row that is not on one line. The blocks of a `for` or `if` are then
    /// broken together.
    fn group(&mut self, group: &Group<'t>, place: Place) {
        let (open, close) = group.kind.signs();
        if group.is_empty() {
            self.0.push(open);
            return self.0.push(close);
        }
        match flat_group(group) {
            Some(text) if group.kind != Brackets::Block && self.fits(columns(&text), place) => {
                self.0.push(&text)
            }
            _ if group.kind == Brackets::Arguments && self.can_hug(group) => self.hug(group, place),
            _ => self.broken(group, place.indent),
        }
    }

    /// Whether so many columns fit. What follows counts only if it would fit after the
    /// closing bracket on a line of its own.
    fn fits(&self, width: usize, place: Place) -> bool {
        let end = self.0.column() + width;
        let helps = place.indent + 1 + place.rest <= WIDTH;
        end <= WIDTH && (end + place.rest <= WIDTH || !helps)
    }

    fn broken(&mut self, group: &Group<'t>, indent: usize) {
        let (open, close) = group.kind.signs();
        self.0.push(open);
        if let Some(comment) = group.body.opening {
            self.0.comment(comment);
        }
        self.body(&group.body, indent + 2, |at| separator(group, at));
        self.0.start(indent);
        self.0.push(close);
    }

    /// Whether all arguments but the end of the last one stand on the line of the call.
    fn can_hug(&self, group: &Group<'t>) -> bool {
        let Some((last, before)) = group.body.elements.split_last() else {
            return false;
        };
        let Some((end, begin)) = last.row.pieces.split_last() else {
            return false;
        };
        let opens = match &end.what {
            What::Text(text) => text.contains('\n'),
            What::Group(group) => !group.is_empty(),
        };
        let widths = before.iter().map(|element| width(&element.row.pieces));
        let width: Option<usize> = widths.chain([width(begin)]).sum();
        let separators = 2 * before.len() + 3;
        !group.broken && opens && width.is_some_and(|width| self.0.column() + width + separators <= WIDTH)
    }

    fn hug(&mut self, group: &Group<'t>, place: Place) {
        self.0.push("(");
        if let Some((last, before)) = group.body.elements.split_last() {
            for element in before {
                self.0.push(&flat(&element.row.pieces).unwrap_or_default());
                self.0.push(", ");
            }
            let rest = place.rest + 1;
            self.row(&last.row, Place { rest, ..place });
        }
        self.0.push(")");
    }
}

/// The columns of the pieces on one line.
fn width(pieces: &[Piece<'_>]) -> Option<usize> {
    flat(pieces).map(|text| columns(&text))
}

/// What follows the element `at` of a group that is broken.
fn separator(group: &Group<'_>, at: usize) -> &'static str {
    let next = group.body.elements.get(at + 1);
    let comma = match group.kind {
        Brackets::List => !group.body.elements[at].row.repeats,
        Brackets::Arguments => next.is_some(),
        Brackets::Set | Brackets::Block => next.is_some_and(|next| continues_line(&next.row)),
    };
    if comma { "," } else { "" }
}

/// Whether the row's first word would continue the line before.
fn continues_line(row: &Row<'_>) -> bool {
    matches!(row.pieces.first(), Some(Piece { what: What::Text(word), .. }) if continues(word))
}

/// How many columns of the pieces, and of what comes `after` them, stand on the line before
/// it can break.
fn rest(pieces: &[Piece<'_>], after: usize) -> usize {
    let mut width = 0;
    for piece in pieces {
        if piece.breaks() {
            return width;
        }
        width += usize::from(piece.before != Before::Nothing);
        match &piece.what {
            What::Text(text) => match text.split_once('\n') {
                Some((first, _)) => return width + columns(first),
                None => width += columns(text),
            },
            What::Group(group) if group.is_empty() => width += 2,
            What::Group(_) => return width + 1,
        }
    }
    width + after
}
