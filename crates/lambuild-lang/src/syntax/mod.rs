//! Text → tokens → syntax tree. Knows no values and no files.
//!
//! The lexer is lossless: its tokens, put together, are the text. The parser
//! records every mistake it meets and goes on at the next entry or item.

pub(crate) mod ast;
mod expression;
mod hint;
mod item;
pub(crate) mod lex;
mod literal;
mod parse;
mod set;
pub(crate) mod token;

pub(crate) use item::{BUILDERS, WORDS as ITEM_WORDS};
pub(crate) use parse::{MAX_DEPTH, parse};

use crate::diagnostic::Diagnostic;
use crate::source::FileId;

/// The syntax of one text, for those who need no values: a formatter, an editor.
#[derive(Debug)]
pub struct SyntaxTree {
    /// Every mistake of the text.
    pub errors: Vec<Diagnostic>,
    pub(crate) items: Vec<ast::Item>,
    /// Holds what the items refer to.
    arena: ast::Arena,
}

impl SyntaxTree {
    /// Parses a text, as far as it can be understood. One beyond 16 MiB, which no build
    /// file has, is not looked into.
    pub fn parse(text: &str) -> SyntaxTree {
        SyntaxTree::parse_all([text])
    }

    /// Parses the texts of several files into one tree, as an evaluation does with those of a
    /// workspace: words that several of them use are kept once. Spans count the files from 0.
    pub fn parse_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> SyntaxTree {
        let mut tree = SyntaxTree {
            errors: Vec::new(),
            items: Vec::new(),
            arena: ast::Arena::default(),
        };
        for (at, text) in texts.into_iter().enumerate() {
            let text = if text.len() > lex::MAX_TEXT { "" } else { text };
            let parsed = parse(text, FileId(at as u32), &mut tree.arena);
            tree.errors.extend(parsed.errors);
            tree.items.extend(parsed.items);
        }
        tree
    }
}

#[cfg(test)]
mod tests;
