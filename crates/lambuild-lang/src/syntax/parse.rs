//! The parser's cursor: which token is next, whether a line goes on, how a
//! mistake is recorded and where to go on after it. Knows no grammar.

use super::ast::{Arena, ExprId, ExprKind, Item, NameId, Word};
use super::hint::hint;
use super::lex;
use super::token::Kind;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

/// How deep brackets, operators and `if` may nest. Generous for people; small
/// enough that no text can exhaust a thread's stack.
pub(crate) const MAX_DEPTH: usize = 100;

/// How many mistakes of one file are reported.
const MAX_ERRORS: usize = 20;

/// What could be understood of a file, and everything that is wrong with it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub items: Vec<Item>,
    pub errors: Vec<Diagnostic>,
}

/// Parses the text of a file of at most [`lex::MAX_TEXT`] bytes.
pub(crate) fn parse(text: &str, file: FileId, arena: &mut Arena) -> Parsed {
    arena.reserve(text.len());
    let mut tokens = Significants {
        lexer: lex::lex(text),
        newline: true,
        glued: false,
    };
    let mut parser = Parser {
        text,
        file,
        previous: None,
        current: tokens.next(),
        next: tokens.next(),
        tokens,
        at: 0,
        arena,
        errors: Vec::new(),
        depth: 0,
        lines: true,
        head: false,
        stopped: false,
        broken: false,
    };
    let items = parser.file_items();
    Parsed {
        items,
        errors: parser.errors,
    }
}

/// A token that is not trivia, and whether a line began before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Significant {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
    /// A line break stands between the token before and this one.
    pub newline: bool,
    /// Nothing stands between the token before and this one.
    pub glued: bool,
}

/// The tokens that mean something, one after another; at the end there is always one more.
struct Significants<'t> {
    lexer: lex::Lexer<'t>,
    newline: bool,
    glued: bool,
}

impl Significants<'_> {
    fn next(&mut self) -> Significant {
        for token in self.lexer.by_ref() {
            if token.kind.is_trivia() {
                self.newline |= token.kind == Kind::Newline;
                self.glued = false;
                continue;
            }
            let (newline, glued) = (self.newline, self.glued);
            (self.newline, self.glued) = (false, true);
            return Significant {
                kind: token.kind,
                start: token.start,
                end: token.start + token.len,
                newline,
                glued,
            };
        }
        self.end()
    }

    fn end(&self) -> Significant {
        let end = self.lexer.text_length() as u32;
        Significant {
            kind: Kind::End,
            start: end,
            end,
            newline: true,
            glued: false,
        }
    }
}

/// An error was recorded; whoever repeats entries or items finds the next one.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) type Parse<T> = Result<T, Stop>;

pub(super) struct Parser<'t> {
    pub text: &'t str,
    pub file: FileId,
    tokens: Significants<'t>,
    previous: Option<Significant>,
    current: Significant,
    next: Significant,
    /// How many tokens were taken.
    pub at: usize,
    pub arena: &'t mut Arena,
    pub errors: Vec<Diagnostic>,
    pub depth: usize,
    /// A newline ends an entry: in `{ }` and at file level, not in `( )` and `[ ]`.
    pub lines: bool,
    /// In the head of a `for` or `if` item, where `{` opens the items.
    pub head: bool,
    /// Too deep or too many errors: nothing more is read or reported.
    pub stopped: bool,
    /// The item that was read is kept for its name, but its value went wrong.
    pub broken: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn current(&self) -> Significant {
        self.current
    }

    /// The token after the current one.
    pub(super) fn following(&self) -> Significant {
        self.next
    }

    pub(super) fn kind(&self) -> Kind {
        self.current.kind
    }

    /// Takes the current token; at the end it stays there.
    pub(super) fn bump(&mut self) -> Significant {
        let token = self.current;
        if token.kind != Kind::End {
            self.previous = Some(token);
            self.current = self.next;
            self.next = self.tokens.next();
            self.at += 1;
        }
        token
    }

    pub(super) fn span(&self, token: Significant) -> Span {
        Span::new(self.file, token.start, token.end)
    }

    pub(super) fn here(&self) -> Span {
        self.span(self.current())
    }

    pub(super) fn previous(&self) -> Option<Significant> {
        self.previous
    }

    /// From `start` to the last token taken.
    pub(super) fn since(&self, start: Span) -> Span {
        self.previous().map_or(start, |last| start.to(self.span(last)))
    }

    pub(super) fn token_text(&self, token: Significant) -> &'t str {
        &self.text[token.start as usize..token.end as usize]
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind() == Kind::Word && self.token_text(self.current()) == word
    }

    /// Whether the current token begins a line that does not continue the one before.
    pub(super) fn at_new_line(&self) -> bool {
        let token = self.current();
        self.lines && token.newline && !self.begins_continuation(token)
    }

    fn begins_continuation(&self, token: Significant) -> bool {
        let word = || matches!(self.token_text(token), "or" | "then" | "else" | "in");
        token.kind.begins_continuation() || token.kind == Kind::Word && word()
    }

    /// Whether an operand may stand at the current token: not on a new line,
    /// unless the line before asks for more.
    pub(super) fn operand_may_follow(&self) -> bool {
        if !(self.lines && self.current().newline) {
            return true;
        }
        // `a =` and on the next line `b = 1` or `function c`: the value was forgotten.
        if self.kind() == Kind::Word && self.following().kind == Kind::Equals || self.at_declaration() {
            return false;
        }
        let asks = |token: Significant| {
            let word = || matches!(self.token_text(token), "then" | "else" | "in");
            token.kind.continues_line() || token.kind == Kind::Word && word()
        };
        self.previous().is_some_and(asks)
    }

    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// Takes the word that must follow here.
    pub(super) fn keyword(&mut self, word: &str, why: &str) -> Parse<()> {
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{word}` {why}")))
        }
    }

    pub(super) fn name(&mut self, what: &str) -> Parse<Word> {
        if self.kind() != Kind::Word || self.lines && self.current().newline {
            return Err(self.expected(what));
        }
        let token = self.bump();
        let span = self.span(token);
        Ok(Word {
            name: self.intern(token),
            span,
        })
    }

    pub(super) fn intern(&mut self, token: Significant) -> NameId {
        self.arena.intern(self.token_text(token))
    }

    pub(super) fn add(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.arena.add(kind, span)
    }

    /// Runs `inner` with its own rules for newlines and heads.
    pub(super) fn within<T>(&mut self, lines: bool, head: bool, inner: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.lines, self.head);
        (self.lines, self.head) = (lines, head);
        let result = inner(self);
        (self.lines, self.head) = before;
        result
    }

    /// Runs `inner` one level deeper, or stops the parser.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(super) fn too_deep(&mut self) -> Stop {
        let text = format!("this nests more than {MAX_DEPTH} levels deep");
        let error = Diagnostic::error(codes::TOO_DEEP, text, self.here(), "the levels end here")
            .help("give a name to an inner part with `let`");
        let stop = self.error(error);
        self.give_up();
        stop
    }

    fn give_up(&mut self) {
        self.stopped = true;
        (self.current, self.next) = (self.tokens.end(), self.tokens.end());
        self.at += 1;
    }

    /// Records a mistake.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) -> Stop {
        if !self.stopped {
            self.errors.push(diagnostic);
            if self.errors.len() == MAX_ERRORS {
                let last = self.errors.len() - 1;
                self.errors[last]
                    .notes
                    .push("further mistakes of this file are not shown".to_owned());
                self.give_up();
            }
        }
        Stop
    }

    /// Records that something else stands where `what` is needed.
    pub(super) fn expected(&mut self, what: &str) -> Stop {
        let diagnostic = self.expected_diagnostic(what);
        self.error(diagnostic)
    }

    pub(super) fn expected_diagnostic(&self, what: &str) -> Diagnostic {
        let token = self.current();
        let found = self.describe(token);
        let code = if token.kind == Kind::Unknown {
            codes::CHARACTER
        } else {
            codes::SYNTAX
        };
        let message = format!("expected {what}, found {found}");
        let error = Diagnostic::error(code, message, self.place_of(token), format!("expected {what}"));
        let same_line = !(self.lines && token.newline);
        let after_string = token.glued && token.kind == Kind::Word;
        let after_string = after_string && self.previous().is_some_and(|last| last.kind == Kind::Quote);
        let hint = match hint(self.token_text(token), token.glued) {
            None if after_string => Some("a `\"` ends a string; inside of one it is written `\\\"`"),
            hint => hint,
        };
        match hint.filter(|_| same_line) {
            Some(hint) => error.help(hint),
            None => error,
        }
    }

    /// Where to point at: the end of the line before, when the line simply ends.
    fn place_of(&self, token: Significant) -> Span {
        let ends = token.kind == Kind::End || self.lines && token.newline;
        match self.previous() {
            Some(last) if ends => Span::new(self.file, last.end, last.end),
            _ => self.span(token),
        }
    }

    fn describe(&self, token: Significant) -> String {
        match token.kind {
            _ if token.kind != Kind::End && self.lines && token.newline => "the end of the line".to_owned(),
            _ => self.describe_token(token),
        }
    }

    pub(super) fn describe_token(&self, token: Significant) -> String {
        match token.kind {
            Kind::End => "the end of the file".to_owned(),
            Kind::Quote | Kind::Indent => "a string".to_owned(),
            Kind::PathText => "a path".to_owned(),
            Kind::Text | Kind::Escape => "text".to_owned(),
            _ => {
                let shown = self.token_text(token).escape_debug().to_string();
                format!("`{}`", shown.replace("\\'", "'"))
            }
        }
    }

    /// Skips to where the next entry of a set may begin: after a comma, at a new
    /// line, or at the closing brace. Brackets that open on the way are skipped whole.
    pub(super) fn skip_entry(&mut self, began: usize) {
        if self.at == began {
            self.bump();
        }
        let mut open = 0usize;
        while self.kind() != Kind::End {
            let token = self.current();
            match token.kind {
                _ if open == 0 && token.newline => return,
                Kind::Comma | Kind::RightBrace if open == 0 => return,
                kind if opens(kind) => open += 1,
                kind if closes(kind) => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
    }

    /// Skips to the next `,` or `close` of a list that went wrong; false when the
    /// list seems never to be closed and its owner should go on.
    pub(super) fn skip_element(&mut self, close: Kind) -> bool {
        let mut open = 0usize;
        loop {
            let token = self.current();
            match token.kind {
                Kind::End => return false,
                kind if open == 0 && (kind == Kind::Comma || kind == close) => return true,
                kind if open == 0 && closes(kind) => return false,
                Kind::Word if token.newline && self.looks_like_entry() => return false,
                kind if opens(kind) => open += 1,
                kind if closes(kind) => open -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    fn looks_like_entry(&self) -> bool {
        self.following().kind == Kind::Equals || self.at_item()
    }
}

fn opens(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LeftParen | Kind::LeftBracket | Kind::LeftBrace | Kind::Open
    )
}

fn closes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::RightParen | Kind::RightBracket | Kind::RightBrace | Kind::Close
    )
}
