//! Byte offsets of a text ↔ the lines and columns of the protocol, in the encoding that was agreed on.
//! Knows nothing of what the text means.

use gen_lsp_types::{Position, Range as LspRange};
use std::ops::Range;

/// In which units the protocol counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client must know.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    fn width(self, character: char) -> usize {
        match self {
            Encoding::Utf8 => character.len_utf8(),
            Encoding::Utf16 => character.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }
}

/// A text with the starts of its lines.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Finds the lines of a text: they end with a line feed, a carriage return or both.
    pub fn new(text: &'t str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Lines {
            text,
            starts,
            encoding,
        }
    }

    /// The place of a byte; one inside a character counts as its start, one beyond the end as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..).unwrap_or_default().char_indices();
        let before = before.take_while(|(at, character)| start + at + character.len_utf8() <= offset);
        let column: usize = before.map(|(_, character)| self.encoding.width(character)).sum();
        Position {
            line: line as u32,
            character: column as u32,
        }
    }

    /// The byte at a place; a column beyond its line is the line's end, a line beyond the text its end.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let (mut left, mut offset) = (position.character as usize, start);
        for character in self.text.get(start..end).unwrap_or_default().chars() {
            let width = self.encoding.width(character);
            if matches!(character, '\n' | '\r') || width > left {
                break;
            }
            left -= width;
            offset += character.len_utf8();
        }
        offset
    }

    /// The places of a piece of the text.
    pub fn range(&self, span: Range<usize>) -> LspRange {
        LspRange {
            start: self.position(span.start),
            end: self.position(span.end),
        }
    }

    /// The bytes between two places, in order whatever the client sent.
    pub fn span(&self, range: &LspRange) -> Range<usize> {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        start.min(end)..start.max(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_count_in_the_agreed_units() {
        let text = "a\n# é 𝕏 x\r\nb\rc";
        let x = text.find('x').unwrap();
        for (encoding, column) in [(Encoding::Utf8, 10), (Encoding::Utf16, 7), (Encoding::Utf32, 6)] {
            let lines = Lines::new(text, encoding);
            assert_eq!(lines.position(x), at(1, column), "{encoding:?}");
            assert_eq!(lines.offset(at(1, column)), x, "{encoding:?}");
        }
        let lines = Lines::new(text, Encoding::Utf16);
        assert_eq!(lines.position(text.len()), at(3, 1));
        assert_eq!(lines.offset(at(1, 99)), text.find('\r').unwrap());
        assert_eq!(lines.offset(at(99, 0)), text.len());
        // Between the halves of `𝕏` there is no place: it counts as before it.
        assert_eq!(lines.offset(at(1, 5)), text.find('𝕏').unwrap());
    }

    proptest! {
        /// Every character's place leads back to it.
        #[test]
        fn a_place_leads_back(text in "[a\né𝕏\r ]{0,40}") {
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let lines = Lines::new(&text, encoding);
                for (offset, _) in text.char_indices() {
                    // The line feed of a pair has no place of its own.
                    if !text[..offset].ends_with('\r') || !text[offset..].starts_with('\n') {
                        prop_assert_eq!(lines.offset(lines.position(offset)), offset);
                    }
                }
            }
        }
    }
}
