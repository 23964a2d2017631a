//! Decides whether formatting kept its promises for one text. Knows no style: it reads both
//! texts and compares. For tests and fuzzing; `lambuild fmt` does not pay for it.

use super::format;
use crate::diagnostic::Diagnostic;
use crate::source::FileId;
use crate::syntax::ast::Arena;
use crate::syntax::lex::lex;
use crate::syntax::parse;
use crate::syntax::token::{Kind, Token};

/// Which promise is broken for `text`, with the texts that show it; `None` when all hold: comments
/// and words stay, the meaning stays, and what is formatted stays as it is.
///
/// # Errors
/// What keeps the text from being formatted at all.
pub fn broken(text: &str) -> Result<Option<String>, Vec<Diagnostic>> {
    let once = format(text)?;
    if kept(text) != kept(&once) {
        return Ok(Some(shown("comments or words differ", text, &once)));
    }
    if tree(text) != tree(&once) {
        return Ok(Some(shown("the meaning differs", text, &once)));
    }
    let twice = format(&once)?;
    Ok((twice != once).then(|| shown("formatting again changes it", &once, &twice)))
}

fn shown(what: &str, before: &str, after: &str) -> String {
    format!("{what}\n{before}\n--- becomes\n{after}")
}

/// The syntax tree without places, as text; `None` for a text with mistakes.
fn tree(text: &str) -> Option<String> {
    let mut arena = Arena::default();
    let parsed = parse(text, FileId(0), &mut arena);
    let shown = format!("{:?} {arena:?}", parsed.items);
    let mut pieces = shown.split("Span { file: FileId(0), start: ");
    let first = pieces.next().unwrap_or_default().to_owned();
    let whole = pieces.fold(first, |all, piece| {
        all + piece.split_once('}').map_or("", |(_, rest)| rest)
    });
    parsed.errors.is_empty().then_some(whole)
}

/// What is not layout: the comments, and all other tokens but commas.
fn kept(text: &str) -> (Vec<&str>, Vec<&str>) {
    let tokens = lex(text).filter(|token| !matches!(token.kind, Kind::Space | Kind::Newline | Kind::Comma));
    let (comments, code): (Vec<_>, Vec<_>) = tokens.partition(|token| token.kind == Kind::Comment);
    let text = |token: Token| text[token.start as usize..(token.start + token.len) as usize].trim_end();
    (
        comments.into_iter().map(text).collect(),
        code.into_iter().map(text).collect(),
    )
}
