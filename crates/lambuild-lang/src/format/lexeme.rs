//! Tokens that mean something, each with the comments and line breaks before it.

use super::tree::Comment;
use crate::syntax::lex::lex;
use crate::syntax::token::Kind;

/// A token that is not trivia.
#[derive(Debug)]
pub(super) struct Lexeme<'t> {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// A line break stands between the token before and this one.
    pub newline: bool,
    /// A blank line stands before it, after its comments.
    pub blank: bool,
    /// Nothing stands between the token before and this one.
    pub glued: bool,
    pub comments: Vec<Comment<'t>>,
}

/// The lexemes of a text; the last one is [`Kind::End`].
pub(super) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let mut all = Vec::new();
    // A file begins on a new line.
    let mut before = Trivia {
        newline: true,
        ..Trivia::after(0)
    };
    for token in lex(text) {
        let (start, end) = (token.start as usize, (token.start + token.len) as usize);
        match token.kind {
            Kind::Space => {}
            Kind::Newline => before.lines += 1,
            Kind::Comment => before.comment(text[start..end].trim_end()),
            kind => {
                all.push(before.lexeme(kind, start, end));
                before = Trivia::after(end);
            }
        }
    }
    all.push(before.lexeme(Kind::End, text.len(), text.len()));
    all
}

/// What was read since the last token.
struct Trivia<'t> {
    /// The end of that token.
    since: usize,
    /// Line breaks since that token or the last comment.
    lines: usize,
    newline: bool,
    comments: Vec<Comment<'t>>,
}

impl<'t> Trivia<'t> {
    fn after(since: usize) -> Self {
        Trivia {
            since,
            lines: 0,
            newline: false,
            comments: Vec::new(),
        }
    }

    fn comment(&mut self, text: &'t str) {
        self.newline |= self.lines > 0;
        self.comments.push(Comment {
            text,
            own_line: self.newline || !self.comments.is_empty(),
            blank: self.lines > 1,
        });
        self.lines = 0;
    }

    fn lexeme(self, kind: Kind, start: usize, end: usize) -> Lexeme<'t> {
        Lexeme {
            kind,
            start,
            end,
            newline: self.newline || self.lines > 0 || kind == Kind::End,
            blank: self.lines > 1,
            glued: start == self.since,
            comments: self.comments,
        }
    }
}
