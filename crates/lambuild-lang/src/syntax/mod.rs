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

#[cfg(test)]
mod tests;
