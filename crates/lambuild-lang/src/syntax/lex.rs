//! Where one token ends and the next begins. The only module that knows nom.
//!
//! A stack of modes decides how the text at the cursor is read: as code, as the
//! inside of a string, or as a path. A `"` string ends on its line, everything
//! inside its `${…}` included, so a forgotten quote spoils one line only.

use super::token::{Kind, Token};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{anychar, char, satisfy};
use nom::combinator::{opt, recognize};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

/// The longest text that is read, in bytes: far beyond any file written by
/// hand, and small enough that every offset fits into a [`Token`].
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// Cuts `text`, of at most [`MAX_TEXT`] bytes, into tokens; together they are the text.
pub(crate) fn lex(text: &str) -> Lexer<'_> {
    Lexer {
        text,
        at: 0,
        modes: Vec::new(),
    }
}

/// How the text at the cursor is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Code inside `{ }`.
    Braces,
    /// Code inside `${ }`.
    Interpolation,
    /// The inside of `"…"`.
    Quoted,
    /// The inside of `''…''`.
    Indented,
    /// A path after its first piece.
    Path,
}

pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Empty: code at file level.
    modes: Vec<Mode>,
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while self.at < self.text.len() {
            let start = self.at as u32;
            if let Some((kind, len)) = self.token() {
                self.at += len;
                let len = len as u32;
                return Some(Token { kind, start, len });
            }
        }
        None
    }
}

impl Lexer<'_> {
    /// Of the whole text, in bytes.
    pub(crate) fn text_length(&self) -> usize {
        self.text.len()
    }

    /// The next token's kind and length; `None` when only the mode changed.
    fn token(&mut self) -> Option<(Kind, usize)> {
        let rest = &self.text[self.at..];
        match self.modes.last() {
            Some(Mode::Quoted) => Some(self.quoted(rest)),
            Some(Mode::Indented) => Some(self.indented(rest)),
            Some(Mode::Path) => self.path(rest),
            _ => Some(self.code(rest)),
        }
    }

    fn code(&mut self, rest: &str) -> (Kind, usize) {
        let (kind, len) = code_token(rest);
        match kind {
            Kind::Newline => self.end_quoted_strings(),
            Kind::Quote => self.modes.push(Mode::Quoted),
            Kind::Indent => self.modes.push(Mode::Indented),
            Kind::PathText => self.modes.push(Mode::Path),
            Kind::LeftBrace => self.modes.push(Mode::Braces),
            Kind::RightBrace => return (self.close_brace(), len),
            _ => {}
        }
        (kind, len)
    }

    /// A line break inside `"…"` ends the string and everything opened in it.
    fn end_quoted_strings(&mut self) {
        if let Some(first) = self.modes.iter().position(|mode| *mode == Mode::Quoted) {
            self.modes.truncate(first);
            if self.modes.last() == Some(&Mode::Path) {
                self.modes.pop();
            }
        }
    }

    fn close_brace(&mut self) -> Kind {
        match self.modes.pop() {
            Some(Mode::Interpolation) => Kind::Close,
            _ => Kind::RightBrace,
        }
    }

    /// quoted = '"' | escape | "${" | text
    fn quoted(&mut self, rest: &str) -> (Kind, usize) {
        match rest.as_bytes()[0] {
            b'"' => {
                self.modes.pop();
                (Kind::Quote, 1)
            }
            b'\n' => {
                self.end_quoted_strings();
                (Kind::Newline, 1)
            }
            b'\\' => (Kind::Escape, length(quoted_escape(rest))),
            _ if rest.starts_with("${") => self.open(),
            _ => (Kind::Text, quoted_text_length(rest)),
        }
    }

    /// indented = "''" | escape | "${" | text
    fn indented(&mut self, rest: &str) -> (Kind, usize) {
        if rest.starts_with("''") {
            return match length(indented_escape(rest)) {
                0 => {
                    self.modes.pop();
                    (Kind::Indent, 2)
                }
                len => (Kind::Escape, len),
            };
        }
        if rest.starts_with("${") {
            return self.open();
        }
        (Kind::Text, indented_text_length(rest))
    }

    /// path = ("./" | "../") { path text | "${" code "}" | string after "/" }
    fn path(&mut self, rest: &str) -> Option<(Kind, usize)> {
        if rest.starts_with("${") {
            return Some(self.open());
        }
        if rest.starts_with('"') && self.text[..self.at].ends_with('/') {
            self.modes.push(Mode::Quoted);
            return Some((Kind::Quote, 1));
        }
        match path_length(rest) {
            0 => {
                self.modes.pop();
                None
            }
            len => Some((Kind::PathText, len)),
        }
    }

    fn open(&mut self) -> (Kind, usize) {
        self.modes.push(Mode::Interpolation);
        (Kind::Open, 2)
    }
}

/// One token of code: decided by the first byte.
fn code_token(rest: &str) -> (Kind, usize) {
    match rest.as_bytes()[0] {
        b' ' | b'\t' | b'\r' => (Kind::Space, run_length(rest, SPACE)),
        b'\n' => (Kind::Newline, 1),
        b'#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        b'A'..=b'Z' | b'a'..=b'z' | b'_' => (Kind::Word, run_length(rest, WORD)),
        b'0'..=b'9' => (Kind::Number, length(number(rest))),
        b'.' if rest.starts_with("./") || rest.starts_with("../") => (Kind::PathText, path_length(rest)),
        b'"' => (Kind::Quote, 1),
        b'\'' if rest.starts_with("''") => (Kind::Indent, 2),
        _ => symbol(rest),
    }
}

fn symbol(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let pair = match (bytes[0], bytes.get(1)) {
        (b'=', Some(b'=')) => Kind::EqualsEquals,
        (b'!', Some(b'=')) => Kind::BangEquals,
        (b'<', Some(b'=')) => Kind::LessEquals,
        (b'>', Some(b'=')) => Kind::GreaterEquals,
        (b'|', Some(b'|')) => Kind::Or,
        (b'&', Some(b'&')) => Kind::And,
        (b'/', Some(b'/')) => Kind::Update,
        (b'+', Some(b'+')) => Kind::Concat,
        _ => return single(rest),
    };
    (pair, 2)
}

fn single(rest: &str) -> (Kind, usize) {
    let kind = match rest.as_bytes()[0] {
        b'(' => Kind::LeftParen,
        b')' => Kind::RightParen,
        b'[' => Kind::LeftBracket,
        b']' => Kind::RightBracket,
        b'{' => Kind::LeftBrace,
        b'}' => Kind::RightBrace,
        b',' => Kind::Comma,
        b'.' => Kind::Dot,
        b'?' => Kind::Question,
        b'=' => Kind::Equals,
        b'<' => Kind::Less,
        b'>' => Kind::Greater,
        b'+' => Kind::Plus,
        b'-' => Kind::Minus,
        b'*' => Kind::Star,
        b'/' => Kind::Slash,
        b'!' => Kind::Bang,
        _ if rest.starts_with('\u{feff}') => return (Kind::Space, '\u{feff}'.len_utf8()),
        _ => return (Kind::Unknown, length(recognize(anychar).parse(rest))),
    };
    (kind, 1)
}

type Piece<'t> = IResult<&'t str, &'t str>;

/// number = digit { word character } [ "." digit { word character } ]
fn number(rest: &str) -> Piece<'_> {
    let digit = || satisfy(|c| c.is_ascii_digit());
    let fraction = recognize((char('.'), digit(), take_while(is_digit_or_letter)));
    recognize((digit(), take_while(is_digit_or_letter), opt(fraction))).parse(rest)
}

/// escape = "\u{" hexadecimal digits "}" | "\" any character of the line
fn quoted_escape(rest: &str) -> Piece<'_> {
    let unicode = recognize(delimited(
        tag("u{"),
        take_while(|c: char| c.is_ascii_hexdigit()),
        char('}'),
    ));
    recognize(preceded(
        char('\\'),
        opt(alt((unicode, recognize(satisfy(|c| c != '\n'))))),
    ))
    .parse(rest)
}

/// escape = "''$" | "'''" | "''\" any character
fn indented_escape(rest: &str) -> Piece<'_> {
    let backslash = recognize((char('\\'), anychar));
    recognize(preceded(tag("''"), alt((tag("$"), tag("'"), backslash)))).parse(rest)
}

/// The bytes of a class at the start; they are ASCII, so the length is that of whole characters.
fn run_length(rest: &str, class: u8) -> usize {
    let within = |byte: u8| CLASSES[usize::from(byte)] & class != 0;
    rest.bytes().position(|byte| !within(byte)).unwrap_or(rest.len())
}

/// How much of its input a piece takes; 0 when it does not match.
fn length(piece: Piece<'_>) -> usize {
    piece.map_or(0, |(_, taken)| taken.len())
}

/// The bytes of a `"` string before its end, an escape or `${`; at least one.
///
/// Only ASCII bytes stop it, so the length is that of whole characters.
fn quoted_text_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let stops = |at: &usize| {
        CLASSES[usize::from(bytes[*at])] & STOP != 0
            && (bytes[*at] != b'$' || bytes.get(at + 1) == Some(&b'{'))
    };
    (1..bytes.len()).find(stops).unwrap_or(bytes.len())
}

/// The same of a `''` string.
fn indented_text_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let pair = |at: usize| (bytes[at], bytes.get(at + 1));
    let stops = |at: &usize| matches!(pair(*at), (b'$', Some(b'{')) | (b'\'', Some(b'\'')));
    (1..bytes.len()).find(stops).unwrap_or(bytes.len())
}

/// The bytes of a path's literal piece; `//` ends it.
fn path_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let doubled = |at: usize| bytes[at] == b'/' && bytes.get(at + 1) == Some(&b'/');
    let ends = |at: &usize| CLASSES[usize::from(bytes[*at])] & PATH == 0 || doubled(*at);
    (0..bytes.len()).find(ends).unwrap_or(bytes.len())
}

const SPACE: u8 = 1;
const WORD: u8 = 2;
const PATH: u8 = 4;
/// What may end the text of a `"` string.
const STOP: u8 = 8;

/// The classes of every byte: one look for each byte of the text, where comparing would take several.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = class(byte as u8);
        byte += 1;
    }
    classes
};

const fn class(byte: u8) -> u8 {
    match byte {
        b' ' | b'\t' | b'\r' => SPACE,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => WORD | PATH,
        b'.' | b'@' | b'+' | b'~' | b'%' | b'=' | b'/' => PATH,
        b'"' | b'\\' | b'\n' | b'$' => STOP,
        _ => 0,
    }
}

fn is_digit_or_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
