//! Where words, strings and comments of a Go file begin and end, on any bytes.
//! Knows no grammar: numbers are words, operators single bytes.

/// A piece of a Go file that the callers care about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// An identifier, keyword or number.
    Word(&'a [u8]),
    /// A string literal with its quotes; unterminated ones go to the end of what could be read.
    Text(&'a [u8]),
    /// A `//` comment, with the slashes, without the line end.
    Comment(&'a [u8]),
    /// Any other byte, and rune literals (by their first byte).
    Other(u8),
}

/// Reads tokens from the front of a file. Block comments, white space and a leading BOM are passed over.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    rest: &'a [u8],
    line: u32,
}

/// UTF-8's byte order mark, which Go takes at the start of a file.
pub const BOM: &[u8] = b"\xef\xbb\xbf";

impl<'a> Lexer<'a> {
    /// Starts at the first byte.
    pub fn new(source: &'a [u8]) -> Self {
        Lexer {
            rest: source.strip_prefix(BOM).unwrap_or(source),
            line: 1,
        }
    }

    /// The line, from 1, where what was read last ends.
    pub fn line(&self) -> u32 {
        self.line
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(length.min(self.rest.len()));
        let lines = head.iter().filter(|b| **b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        head
    }

    fn skip_blanks(&mut self) {
        loop {
            let blanks = self.rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.take(blanks);
            if !self.rest.starts_with(b"/*") {
                return;
            }
            let body = self.rest.get(2..).unwrap_or_default();
            let end = body
                .windows(2)
                .position(|pair| pair == b"*/")
                .map_or(self.rest.len(), |at| at + 4);
            self.take(end);
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let first = *self.rest.first()?;
        Some(match first {
            b'/' if self.rest.starts_with(b"//") => {
                let line = self
                    .rest
                    .iter()
                    .position(|b| *b == b'\n')
                    .unwrap_or(self.rest.len());
                Token::Comment(self.take(line))
            }
            b'"' => Token::Text(self.take(quoted_length(self.rest))),
            b'`' => {
                let end = self
                    .rest
                    .iter()
                    .skip(1)
                    .position(|b| *b == b'`')
                    .map_or(self.rest.len(), |at| at + 2);
                Token::Text(self.take(end))
            }
            b'\'' => {
                self.take(quoted_length(self.rest));
                Token::Other(first)
            }
            _ if is_word(first) => {
                let length = self.rest.iter().take_while(|b| is_word(**b)).count();
                Token::Word(self.take(length))
            }
            _ => {
                self.take(1);
                Token::Other(first)
            }
        })
    }
}

/// Bytes of multi-byte characters count as letters: whether they are is the compiler's to say.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// How long the literal is that begins with the quote at the front; it ends before a line break at the latest.
fn quoted_length(rest: &[u8]) -> usize {
    let quote = rest.first();
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\n' => return at,
            b'\\' => at += 1,
            byte if Some(byte) == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_runes_do_not_leak_into_each_other() {
        let source = b"\xef\xbb\xbfa /* \" // */ \"x // \\\" y\" `r\n//` '\"' // end \"\n'\\'' z";
        let tokens: Vec<_> = Lexer::new(source).collect();
        assert_eq!(
            tokens,
            [
                Token::Word(b"a"),
                Token::Text(b"\"x // \\\" y\""),
                Token::Text(b"`r\n//`"),
                Token::Other(b'\''),
                Token::Comment(b"// end \""),
                Token::Other(b'\''),
                Token::Word(b"z"),
            ]
        );
    }

    #[test]
    fn a_trailing_backslash_in_a_broken_string_stays_inside_the_file() {
        assert_eq!(Lexer::new(b"\"a\\").collect::<Vec<_>>(), [Token::Text(b"\"a\\")]);
        assert_eq!(Lexer::new(b"/*").count(), 0);
    }
}
