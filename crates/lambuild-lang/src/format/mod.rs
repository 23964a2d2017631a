//! The one style of `lambuild fmt`. Decides where lines break, how they are indented and
//! what is aligned; knows no values and no files.
//!
//! The rules, which have no options:
//!
//! - Two spaces of indentation for each bracket; a value that goes on in the next line
//!   goes on two spaces deeper, the further names of a `let … in` four.
//! - A list, a set and the braces of `for` and `if` stay on one line where they were written
//!   on one line and the line has at most [`WIDTH`] columns. Otherwise each element has a
//!   line of its own: in a list every one ends with a comma, in a set none does (unless the
//!   next key is a word such as `in`, which would continue the line).
//! - Arguments stay on the line of the call where they were written so. The last one may
//!   then open a set, a list or a text of several lines: `merge(base, {` … `})`.
//! - A line break inside a value stays where it was written, and the operator (or `then`,
//!   `else`, `in`) begins the new line where the grammar allows that.
//! - `=` is aligned among the entries of neighbouring lines. An entry of several lines takes
//!   part and is the last of its run, a blank line ends a run, a comment does not. Items are
//!   aligned likewise where they begin with the same word, at `=` or at `{`, but only those
//!   of one line and no templates. Nobody is aligned beyond [`WIDTH`]: such an entry begins a run.
//! - Comments stay. One at the end of a line stands two spaces behind it, and comments of
//!   neighbouring lines are aligned.
//! - At most one blank line in a row, none next to a bracket.
//! - Strings and paths, with all that stands in their `${…}`, are left as they are.
//!
//! A width is judged before `=` is aligned, so that what is one line never depends on its
//! neighbours; that is what makes a formatted file a fixed point.

mod flat;
pub mod laws;
mod lexeme;
mod lines;
mod print;
mod read;
mod tree;

#[cfg(test)]
mod generate;
#[cfg(test)]
mod tests;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};
use crate::syntax::ast::Arena;
use crate::syntax::lex::MAX_TEXT;
use crate::syntax::parse;

/// How many columns (characters) a line has at most, where breaking it can help.
pub const WIDTH: usize = 100;

/// The text of a build file or library in the one style; a formatted text is given back
/// unchanged.
///
/// # Errors
/// What keeps the text from being parsed; the spans name the file 0 of a source map.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let file = FileId(0);
    if text.len() > MAX_TEXT {
        return Err(vec![too_large(file)]);
    }
    let parsed = parse(text, file, &mut Arena::default());
    if parsed.errors.is_empty() {
        Ok(print::print(&read::read(text)))
    } else {
        Err(parsed.errors)
    }
}

fn too_large(file: FileId) -> Diagnostic {
    let limit = MAX_TEXT >> 20;
    let message = format!("the file is larger than {limit} MiB, which no build file is");
    Diagnostic::error(codes::UNREADABLE, message, Span::new(file, 0, 0), "")
}
