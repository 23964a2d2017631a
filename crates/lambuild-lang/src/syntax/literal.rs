//! Numbers, strings and paths: what their text means.

use super::ast::{ExprId, ExprKind, NameId, Part};
use super::parse::{Parse, Parser, Stop};
use super::token::Kind;
use crate::codes;
use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use std::borrow::Cow;

/// A piece of a string before it is put together.
enum Piece {
    /// Text as it stands in the file.
    Raw(String),
    /// Text that an escape stands for.
    Escaped(String),
    Value(ExprId),
}

impl<'t> Parser<'t> {
    /// A number that begins at `start`, where a `-` may stand.
    pub(super) fn number(&mut self, start: Span) -> Parse<ExprId> {
        let token = self.bump();
        let span = start.to(self.span(token));
        let text = &self.text[span.start as usize..span.end as usize];
        let digits = text.trim_start_matches('-');
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            return match text.parse() {
                Ok(number) => Ok(self.add(ExprKind::Int(number), span)),
                Err(_) => {
                    Err(self.bad_number(span, "is beyond 64 bits", "integers go to 9223372036854775807"))
                }
            };
        }
        if digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return match Decimal::parse(text) {
                Some(number) => Ok(self.add(decimal(number), span)),
                None => {
                    let hint = "a decimal has at most 18 digits, the fraction's included";
                    Err(self.bad_number(span, "is beyond 64 bits", hint))
                }
            };
        }
        Err(self.bad_number(span, "is no number", "a text is written in quotes"))
    }

    fn bad_number(&mut self, span: Span, what: &str, help: &str) -> Stop {
        let text = &self.text[span.start as usize..span.end as usize];
        let error =
            Diagnostic::error(codes::NUMBER, format!("`{text}` {what}"), span, "this number").help(help);
        self.error(error)
    }

    /// quoted = '"' { text | escape | "${" expression "}" } '"'
    pub(super) fn quoted(&mut self) -> Parse<ExprId> {
        let start = self.here();
        self.bump();
        if let Some(text) = self.plain_text() {
            return Ok(self.add(ExprKind::Text(text), self.since(start)));
        }
        let (mut parts, mut text) = (Vec::new(), Cow::Borrowed(""));
        loop {
            let token = self.current();
            match token.kind {
                _ if token.newline => return Err(self.unterminated(start)),
                Kind::Text => text += self.raw(),
                Kind::Escape => text.to_mut().push_str(&self.escape()?),
                Kind::Open => {
                    self.push_text(&mut parts, &mut text);
                    parts.push(Part::Value(self.interpolation()?));
                }
                Kind::Quote => break,
                _ => return Err(self.unterminated(start)),
            }
        }
        self.bump();
        self.push_text(&mut parts, &mut text);
        Ok(self.string(parts, start))
    }

    /// The text of a string in which nothing is computed or escaped, and its closing quote.
    fn plain_text(&mut self) -> Option<NameId> {
        let (text, close) = (self.current(), self.following());
        if text.newline || text.kind != Kind::Text || close.newline || close.kind != Kind::Quote {
            return None;
        }
        self.bump();
        self.bump();
        Some(self.intern(text))
    }

    fn unterminated(&mut self, start: Span) -> Stop {
        let span = self.since(start);
        let error = Diagnostic::error(codes::STRING, "this string does not end", span, "it begins here")
            .help("close it with `\"` on the same line; for text of several lines use `''`");
        self.error(error)
    }

    fn raw(&mut self) -> &'t str {
        let token = self.bump();
        self.token_text(token)
    }

    /// interpolation = "${" expression "}"
    fn interpolation(&mut self) -> Parse<ExprId> {
        let open = self.here();
        self.bump();
        self.within(false, false, |p| {
            let value = p.expression()?;
            p.close(Kind::Close, open, "`}`")?;
            Ok(value)
        })
    }

    fn escape(&mut self) -> Parse<String> {
        let token = self.bump();
        let span = self.span(token);
        match unescape(&self.text[span.start as usize..span.end as usize]) {
            Some(text) => Ok(text),
            None => Err(self.bad_escape(span)),
        }
    }

    fn bad_escape(&mut self, span: Span) -> Stop {
        let text = &self.text[span.start as usize..span.end as usize];
        let message = format!(
            "`{}` is no escape",
            text.escape_debug().to_string().replace("\\\\", "\\")
        );
        let error = Diagnostic::error(codes::ESCAPE, message, span, "unknown escape")
            .help("escapes are \\n, \\r, \\t, \\\\, \\\", \\${ and \\u{3bb}; a backslash is written \\\\");
        let stop = self.error(error);
        self.skip_string();
        stop
    }

    /// After a bad escape: goes on behind the string, which is otherwise sound.
    fn skip_string(&mut self) {
        let mut open = 0usize;
        while !self.current().newline && self.kind() != Kind::End {
            match self.bump().kind {
                Kind::Open => open += 1,
                Kind::Close => open = open.saturating_sub(1),
                Kind::Quote | Kind::Indent if open == 0 => return,
                _ => {}
            }
        }
    }

    /// indented = "''" { text | escape | "${" expression "}" } "''"
    pub(super) fn indented(&mut self) -> Parse<ExprId> {
        let start = self.here();
        self.bump();
        let mut pieces = Vec::new();
        loop {
            match self.kind() {
                Kind::Text => pieces.push(Piece::Raw(self.raw().to_owned())),
                Kind::Escape => pieces.push(Piece::Escaped(self.escape()?)),
                Kind::Open => pieces.push(Piece::Value(self.interpolation()?)),
                Kind::Indent => break,
                _ => return Err(self.unterminated_indented(start)),
            }
        }
        self.bump();
        strip_indentation(&mut pieces);
        let parts = self.join(pieces);
        Ok(self.string(parts, start))
    }

    fn unterminated_indented(&mut self, start: Span) -> Stop {
        let error = Diagnostic::error(codes::STRING, "this string does not end", start, "it begins here")
            .help("close it with `''`");
        self.error(error)
    }

    fn string(&mut self, parts: Vec<Part>, start: Span) -> ExprId {
        let span = self.since(start);
        let kind = match parts.as_slice() {
            [] => ExprKind::Text(self.arena.intern("")),
            [Part::Text(text)] => ExprKind::Text(*text),
            _ => ExprKind::Template(self.arena.keep(parts)),
        };
        self.add(kind, span)
    }

    /// Puts neighbouring texts together.
    fn join(&mut self, pieces: Vec<Piece>) -> Vec<Part> {
        let (mut parts, mut text) = (Vec::new(), Cow::Borrowed(""));
        for piece in pieces {
            match piece {
                Piece::Raw(more) | Piece::Escaped(more) => text.to_mut().push_str(&more),
                Piece::Value(value) => {
                    self.push_text(&mut parts, &mut text);
                    parts.push(Part::Value(value));
                }
            }
        }
        self.push_text(&mut parts, &mut text);
        parts
    }

    fn push_text(&mut self, parts: &mut Vec<Part>, text: &mut Cow<'_, str>) {
        if !text.is_empty() {
            parts.push(Part::Text(self.arena.intern(text)));
            *text = Cow::Borrowed("");
        }
    }

    /// path = path text { path text | "${" expression "}" | string }, without spaces between
    pub(super) fn path(&mut self) -> Parse<ExprId> {
        let start = self.here();
        // Most paths are one piece.
        let mut parts = Vec::with_capacity(1);
        loop {
            match self.kind() {
                Kind::PathText => {
                    let token = self.bump();
                    parts.push(Part::Text(self.intern(token)));
                }
                Kind::Open => parts.push(Part::Value(self.interpolation()?)),
                _ => parts.push(Part::Value(self.quoted()?)),
            }
            if !self.path_goes_on() {
                break;
            }
        }
        let span = self.since(start);
        let parts = self.arena.keep(parts);
        Ok(self.add(ExprKind::Path(parts), span))
    }

    fn path_goes_on(&self) -> bool {
        let token = self.current();
        let after_slash = || self.text[..token.start as usize].ends_with('/');
        token.glued
            && (matches!(token.kind, Kind::PathText | Kind::Open)
                || token.kind == Kind::Quote && after_slash())
    }
}

/// `2.0` is the integer 2.
fn decimal(number: Decimal) -> ExprKind {
    match number.integer() {
        Some(integer) => ExprKind::Int(integer),
        None => ExprKind::Decimal(Box::new(number)),
    }
}

/// What an escape stands for; `None` when it is none.
fn unescape(text: &str) -> Option<String> {
    let one = match text {
        "''$" => '$',
        "'''" => return Some("''".to_owned()),
        _ => {
            let rest = text.strip_prefix("''").unwrap_or(text).strip_prefix('\\')?;
            match rest {
                "n" => '\n',
                "r" => '\r',
                "t" => '\t',
                "\\" | "\"" | "$" => rest.chars().next()?,
                _ => unicode(rest)?,
            }
        }
    };
    Some(one.to_string())
}

/// `u{3bb}`: a character by its number, one to six digits.
fn unicode(rest: &str) -> Option<char> {
    let digits = rest.strip_prefix("u{")?.strip_suffix('}')?;
    if digits.len() > 6 {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// Takes away, as Nix does, the spaces that all lines begin with, a first line
/// without text, and the spaces before the closing quotes.
fn strip_indentation(pieces: &mut [Piece]) {
    drop_empty_first_line(pieces);
    let indentation = indentation(pieces);
    for (at, piece) in pieces.iter_mut().enumerate() {
        if let Piece::Raw(text) = piece {
            *text = unindent(text, indentation, at == 0);
        }
    }
    if let Some(Piece::Raw(last)) = pieces.last_mut() {
        let body = last.rfind('\n').map_or(0, |at| at + 1);
        if body > 0 && last[body..].bytes().all(|b| b == b' ') {
            last.truncate(body);
        }
    }
}

fn drop_empty_first_line(pieces: &mut [Piece]) {
    if let Some(Piece::Raw(first)) = pieces.first_mut()
        && let Some((line, rest)) = first.split_once('\n')
        && line.bytes().all(|b| b == b' ')
    {
        *first = rest.to_owned();
    }
}

/// The fewest spaces before text on any line that has some.
fn indentation(pieces: &[Piece]) -> usize {
    let (mut least, mut spaces) = (usize::MAX, Some(0usize));
    for piece in pieces {
        let Piece::Raw(text) = piece else {
            least = least.min(spaces.take().unwrap_or(usize::MAX));
            continue;
        };
        for byte in text.bytes() {
            spaces = match (byte, spaces) {
                (b'\n', _) => Some(0),
                (b' ', Some(count)) => Some(count + 1),
                (_, Some(count)) => {
                    least = least.min(count);
                    None
                }
                (_, None) => None,
            };
        }
    }
    least
}

/// `text` without the first `indentation` spaces of each line; its first line
/// is one only where the string begins, else it follows a `${…}` or an escape.
fn unindent(text: &str, indentation: usize, begins_line: bool) -> String {
    let mut result = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            result.push('\n');
        }
        let spaces = line.bytes().take_while(|b| *b == b' ').count().min(indentation);
        result.push_str(if at > 0 || begins_line {
            &line[spaces..]
        } else {
            line
        });
    }
    result
}
