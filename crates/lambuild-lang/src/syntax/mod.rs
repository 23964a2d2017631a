//! Text → tokens → syntax tree. Knows no values and no files.
//!
//! The lexer is lossless: its tokens, put together, are the text. The parser
//! records every mistake it meets and goes on at the next entry or item.

pub(crate) mod ast;
mod expression;
mod item;
pub(crate) mod lex;
mod literal;
mod parse;
mod set;
pub(crate) mod token;

pub(crate) use item::BUILDERS;
pub(crate) use parse::{Names, parse};

use crate::diagnostic::Diagnostic;
use crate::source::FileId;

/// The syntax of one text, for those who need no values: a formatter, an editor.
#[derive(Debug)]
pub struct SyntaxTree {
    /// Every mistake of the text.
    pub errors: Vec<Diagnostic>,
    pub(crate) items: Vec<ast::Item>,
    /// Holds what the items refer to.
    #[expect(dead_code, reason = "whoever keeps the items keeps what they refer to")]
    arena: ast::Arena,
}

impl SyntaxTree {
    /// Parses a text, as far as it can be understood. One beyond 16 MiB, which no build
    /// file has, is not looked into.
    pub fn parse(text: &str) -> SyntaxTree {
        let mut arena = ast::Arena::default();
        let text = if text.len() > lex::MAX_TEXT { "" } else { text };
        let parsed = parse(text, FileId(0), &mut arena, &mut Names::default());
        SyntaxTree {
            errors: parsed.errors,
            items: parsed.items,
            arena,
        }
    }
}

#[cfg(test)]
mod tests;
