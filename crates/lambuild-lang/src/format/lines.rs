//! Lines of text and what is aligned between them: `=` and the comments at their ends.

use super::WIDTH;
use super::flat::columns;
use crate::syntax::token::Kind;

/// The lines that were printed so far.
#[derive(Default)]
pub(super) struct Lines<'t>(Vec<Line<'t>>);

#[derive(Default)]
struct Line<'t> {
    indent: usize,
    /// What stands on it, without its indentation.
    code: String,
    comment: Option<&'t str>,
    /// It goes on in a text of several lines: it stands as it was written.
    raw: bool,
    /// The columns of `indent` and `code`; counted once, since lines may be long.
    width: usize,
}

impl Line<'_> {
    fn push(&mut self, text: &str) {
        self.code.push_str(text);
        self.width += columns(text);
    }
}

/// An element that may be aligned with its neighbours.
#[derive(Debug)]
pub(super) struct Mark<'t> {
    /// Its first line.
    pub line: usize,
    /// It has several lines.
    pub multi: bool,
    /// A blank line stands before it.
    pub blank: bool,
    /// What it may be aligned with, and where its sign stands in `line`'s code.
    pub sign: Option<(&'t str, Kind, usize)>,
    /// It is not wider than [`WIDTH`] and has brackets, so it does not grow beyond that.
    pub bounded: bool,
}

impl<'t> Lines<'t> {
    /// Begins a line.
    pub(super) fn start(&mut self, indent: usize) {
        self.0.push(Line {
            indent,
            width: indent,
            ..Line::default()
        });
    }

    /// A line without anything.
    pub(super) fn blank(&mut self) {
        self.start(0);
    }

    /// Adds to the last line; a text of several lines brings its own.
    pub(super) fn push(&mut self, text: &str) {
        for (at, part) in text.split('\n').enumerate() {
            if at > 0 {
                self.0.push(Line {
                    raw: true,
                    ..Line::default()
                });
            }
            self.last().push(part);
        }
    }

    /// A comment at the end of the last line.
    pub(super) fn comment(&mut self, text: &'t str) {
        self.last().comment = Some(text);
    }

    /// A comment on a line of its own.
    pub(super) fn own_comment(&mut self, indent: usize, text: &str) {
        self.start(indent);
        self.push(text);
    }

    fn last(&mut self) -> &mut Line<'t> {
        if self.0.is_empty() {
            self.start(0);
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The column after the last line's text.
    pub(super) fn column(&self) -> usize {
        self.width(self.count().saturating_sub(1))
    }

    /// The columns of a line, 0 where there is none.
    pub(super) fn width(&self, line: usize) -> usize {
        self.0.get(line).map_or(0, |line| line.width)
    }

    /// Aligns the signs of each run of neighbours.
    pub(super) fn align(&mut self, marks: &[Mark<'t>]) {
        let mut rest = marks;
        while !rest.is_empty() {
            let (run, after) = rest.split_at(self.run(rest));
            self.align_run(run);
            rest = after;
        }
    }

    /// How many of the marks, at least one, are aligned with the first: neighbours, as long
    /// as nobody grows beyond [`WIDTH`].
    fn run(&self, marks: &[Mark<'t>]) -> usize {
        let (mut sign, mut tail) = (column(&marks[0]), self.tail(&marks[0]));
        let indent = self.0[marks[0].line].indent;
        let mut count = 1;
        while count < marks.len() && follows(&marks[count - 1], &marks[count]) {
            sign = sign.max(column(&marks[count]));
            tail = tail.max(self.tail(&marks[count]));
            if indent + sign + tail > WIDTH {
                break;
            }
            count += 1;
        }
        count
    }

    /// The columns from the sign on, of a line that is not to grow too wide.
    fn tail(&self, mark: &Mark<'t>) -> usize {
        let line = &self.0[mark.line];
        let from = line.indent + column(mark);
        if mark.bounded {
            line.width.saturating_sub(from)
        } else {
            0
        }
    }

    fn align_run(&mut self, run: &[Mark<'t>]) {
        let sign = run.iter().map(column).max().unwrap_or(0);
        for mark in run.iter().filter(|mark| mark.sign.is_some()) {
            let line = &mut self.0[mark.line];
            let at = line.code.char_indices().nth(column(mark));
            let padding = sign.saturating_sub(column(mark));
            line.code
                .insert_str(at.map_or(line.code.len(), |(at, _)| at), &" ".repeat(padding));
            line.width += padding;
        }
    }

    /// The text, with the comments of neighbouring lines aligned.
    pub(super) fn finish(self) -> String {
        let mut text = String::new();
        let mut rest = self.0.as_slice();
        while !rest.is_empty() {
            let (block, after) = rest.split_at(commented(rest));
            let column = block.iter().map(|line| line.width).max().unwrap_or(0) + 2;
            block.iter().for_each(|line| write(line, column, &mut text));
            rest = after;
        }
        text
    }
}

fn column(mark: &Mark<'_>) -> usize {
    mark.sign.map_or(0, |(_, _, column)| column)
}

/// Whether `next` is aligned with `mark`, which stands before it. Items of several lines
/// have no sign; entries of several lines do, and are the last of a run.
fn follows(mark: &Mark<'_>, next: &Mark<'_>) -> bool {
    let alike = |(item, kind, _): (&str, Kind, usize)| {
        next.sign
            .is_some_and(|(other, other_kind, _)| (other, other_kind) == (item, kind))
    };
    !mark.multi && !next.blank && mark.sign.is_some_and(alike)
}

/// How many lines, at least one, have comments that are aligned with the first's.
fn commented(lines: &[Line<'_>]) -> usize {
    let alike = |line: &&Line<'_>| line.comment.is_some() && !line.raw && line.indent == lines[0].indent;
    lines.iter().take_while(alike).count().max(1)
}

fn write(line: &Line<'_>, column: usize, text: &mut String) {
    if !line.code.is_empty() {
        text.extend(std::iter::repeat_n(' ', line.indent));
    }
    text.push_str(&line.code);
    if let Some(comment) = line.comment {
        text.extend(std::iter::repeat_n(' ', column.saturating_sub(line.width)));
        text.push_str(comment);
    }
    text.push('\n');
}
