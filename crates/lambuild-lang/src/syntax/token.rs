//! The kinds of token. Knows nothing of how they are found.

/// What a piece of text is to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Spaces, tabs, carriage returns, a byte order mark.
    Space,
    /// One line feed outside of strings.
    Newline,
    /// `#` to the end of the line.
    Comment,
    /// A word: `[A-Za-z_][A-Za-z0-9_-]*`.
    Word,
    /// Begins with a digit; the parser judges the rest.
    Number,
    /// `"`, opening or closing.
    Quote,
    /// `''`, opening or closing.
    Indent,
    /// Literal text of a string.
    Text,
    /// `\n`, `\u{…}`, `''$` and the like inside a string.
    Escape,
    /// Literal text of a path.
    PathText,
    /// `${`.
    Open,
    /// The `}` of a `${`.
    Close,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `{`
    LeftBrace,
    /// `}` of a `{`, or of nothing.
    RightBrace,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `?`
    Question,
    /// `=`
    Equals,
    /// `==`
    EqualsEquals,
    /// `!=`
    BangEquals,
    /// `<`
    Less,
    /// `<=`
    LessEquals,
    /// `>`
    Greater,
    /// `>=`
    GreaterEquals,
    /// `||`
    Or,
    /// `&&`
    And,
    /// `//`
    Update,
    /// `++`
    Concat,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `!`
    Bang,
    /// A character that the language does not use.
    Unknown,
    /// The end of the text; never in the lexer's answer.
    End,
}

impl Kind {
    /// Whether the parser skips it.
    pub(crate) fn is_trivia(self) -> bool {
        matches!(self, Kind::Space | Kind::Newline | Kind::Comment)
    }

    /// Whether a line that ends in it goes on in the next one.
    pub(crate) fn continues_line(self) -> bool {
        use Kind::*;
        matches!(self, Equals | Comma | Bang | Minus | Star | Slash | Question) || self.begins_continuation()
    }

    /// Whether a line that begins with it continues the one before.
    pub(crate) fn begins_continuation(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Update
                | Concat
                | Plus
                | And
                | Or
                | EqualsEquals
                | BangEquals
                | Less
                | LessEquals
                | Greater
                | GreaterEquals
        )
    }
}

/// A piece of the text: `len` bytes from `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: u32,
    /// Its length in bytes.
    pub len: u32,
}
