//! Lexemes → the tree that is printed. Follows the grammar of the parser, whose rules stand
//! at its functions, over a text that has parsed; knows no mistakes and no layout.

use super::lexeme::{Lexeme, lexemes};
use super::tree::{Before, Body, Brackets, Comment, Element, Group, Piece, Row, Sign, What};
use crate::syntax::ast::DeclareKind;
use crate::syntax::token::Kind;

/// The tree of a text without mistakes.
pub(super) fn read(text: &str) -> Body<'_> {
    let mut reader = Reader {
        text,
        lexemes: lexemes(text),
        at: 0,
        lines: true,
        head: false,
    };
    reader.body(Kind::End, Reader::item)
}

struct Reader<'t> {
    text: &'t str,
    lexemes: Vec<Lexeme<'t>>,
    at: usize,
    /// A newline ends an entry, as in the parser.
    lines: bool,
    /// In the head of a `for` or `if` item, as in the parser.
    head: bool,
}

/// Comments and blank lines that belong to the element that comes next.
#[derive(Default)]
struct Waiting<'t> {
    lead: Vec<Comment<'t>>,
    blank: bool,
}

impl<'t> Reader<'t> {
    /// Elements up to `close`, which is left to the caller.
    fn body(&mut self, close: Kind, element: fn(&mut Self) -> Row<'t>) -> Body<'t> {
        let mut body = Body::default();
        let mut waiting = Waiting::default();
        loop {
            self.trivia(&mut body, &mut waiting);
            let kind = self.kind();
            if kind == close || kind == Kind::End {
                break;
            }
            let began = self.at;
            if kind != Kind::Comma {
                body.elements.push(self.element(&mut waiting, element));
            }
            if self.at == began {
                self.bump();
            }
        }
        body.end = waiting.lead;
        body
    }

    fn element(&mut self, waiting: &mut Waiting<'t>, element: fn(&mut Self) -> Row<'t>) -> Element<'t> {
        let waiting = std::mem::take(waiting);
        Element {
            lead: waiting.lead,
            blank: waiting.blank,
            row: element(self),
            comment: None,
        }
    }

    /// Gives what stands before the current lexeme to the element before or after it.
    fn trivia(&mut self, body: &mut Body<'t>, waiting: &mut Waiting<'t>) {
        let lexeme = &mut self.lexemes[self.at];
        body.newline |= lexeme.newline;
        waiting.blank |= lexeme.blank;
        for comment in std::mem::take(&mut lexeme.comments) {
            let before = match body.elements.last_mut() {
                Some(last) => &mut last.comment,
                None => &mut body.opening,
            };
            if !comment.own_line && before.is_none() && waiting.lead.is_empty() {
                *before = Some(comment.text);
            } else {
                waiting.lead.push(comment);
            }
        }
    }

    fn item(&mut self) -> Row<'t> {
        let mut row = Row::default();
        let word = self.word();
        match word {
            _ if DeclareKind::ALL.iter().any(|kind| kind.word() == word) => self.declaration(&mut row, word),
            "let" => self.let_item(&mut row),
            "import" => self.import(&mut row),
            "for" => self.for_item(&mut row),
            "if" => self.if_item(&mut row),
            _ => self.expression(&mut row, Before::Line),
        }
        row
    }

    fn declaration(&mut self, row: &mut Row<'t>, word: &'t str) {
        self.take(row, Before::Nothing);
        self.key(row, Before::Space);
        self.sign(row, word);
        if self.kind() == Kind::LeftBrace {
            self.set(row, Before::Space);
        } else {
            self.take(row, Before::Space);
            self.expression(row, Before::Line);
        }
    }

    /// The next piece is aligned with those of the neighbours.
    fn sign(&mut self, row: &mut Row<'t>, item: &'t str) {
        row.sign = Some(Sign {
            at: row.pieces.len(),
            item,
            kind: self.kind(),
        });
    }

    /// A template is aligned with nothing: its parameters would push the neighbours far out.
    fn let_item(&mut self, row: &mut Row<'t>) {
        self.take(row, Before::Nothing);
        self.take(row, Before::Space);
        if self.kind() == Kind::LeftParen {
            self.arguments(row, Before::Nothing);
        } else {
            self.sign(row, "let");
        }
        self.take(row, Before::Space);
        self.expression(row, Before::Line);
    }

    fn import(&mut self, row: &mut Row<'t>) {
        self.take(row, Before::Nothing);
        self.literal(row, Before::Space);
        self.take(row, Before::Space);
        self.take(row, Before::Space);
    }

    fn for_item(&mut self, row: &mut Row<'t>) {
        self.take(row, Before::Nothing);
        self.variables(row);
        self.head(row);
        self.block(row);
    }

    fn if_item(&mut self, row: &mut Row<'t>) {
        self.take(row, Before::Space);
        self.head(row);
        self.block(row);
        while self.word() == "else" {
            self.take(row, Before::Space);
            if self.word() == "if" {
                self.take(row, Before::Space);
                self.head(row);
            }
            self.block(row);
        }
    }

    fn head(&mut self, row: &mut Row<'t>) {
        self.head = true;
        self.expression(row, Before::Line);
        self.head = false;
    }

    fn expression(&mut self, row: &mut Row<'t>, before: Before) {
        match self.word() {
            "if" => self.if_expression(row, before),
            "let" => self.let_expression(row, before),
            "assert" => self.assert_expression(row, before),
            _ => self.binary(row, before),
        }
    }

    fn if_expression(&mut self, row: &mut Row<'t>, before: Before) {
        self.take(row, before);
        self.expression(row, Before::Space);
        for _ in ["then", "else"] {
            self.joint(row, true);
            self.expression(row, Before::Line);
        }
    }

    fn let_expression(&mut self, row: &mut Row<'t>, before: Before) {
        self.take(row, before);
        let mut before = Before::Space;
        while self.word() != "in" && self.kind() != Kind::End {
            if self.kind() == Kind::Comma {
                self.take(row, Before::Nothing);
            }
            self.take(row, before);
            self.take(row, Before::Space);
            self.expression(row, Before::Line);
            before = Before::Binding;
        }
        self.joint(row, true);
        self.expression(row, Before::Line);
    }

    fn assert_expression(&mut self, row: &mut Row<'t>, before: Before) {
        self.take(row, before);
        self.expression(row, Before::Space);
        self.take(row, Before::Nothing);
        self.expression(row, Before::Line);
        if self.word() == "in" {
            self.joint(row, true);
            self.expression(row, Before::Line);
        }
    }

    fn binary(&mut self, row: &mut Row<'t>, before: Before) {
        self.unary(row, before);
        while is_operator(self.kind()) && !self.at_new_line() {
            self.joint(row, !self.lines || self.kind().begins_continuation());
            self.unary(row, Before::Line);
        }
    }

    /// `- 1` is a minus and a number, `-1` is a number: the space between stays.
    fn unary(&mut self, row: &mut Row<'t>, before: Before) {
        let mut before = before;
        while matches!(self.kind(), Kind::Minus | Kind::Bang) {
            self.take(row, before);
            let number = self.kind() == Kind::Number && !self.current().glued;
            before = if number { Before::Space } else { Before::Nothing };
        }
        self.postfix(row, before);
    }

    /// Also `or` and `?`, which bind looser but look alike.
    fn postfix(&mut self, row: &mut Row<'t>, before: Before) {
        self.primary(row, before);
        while !self.at_new_line() {
            match self.kind() {
                Kind::Dot => {
                    self.dot(row);
                    self.key(row, Before::Nothing);
                }
                Kind::LeftParen => self.arguments(row, Before::Nothing),
                Kind::Question => {
                    self.take(row, Before::Space);
                    self.key(row, Before::Space);
                }
                Kind::Word if self.word() == "or" => {
                    self.joint(row, true);
                    self.primary(row, Before::Line);
                }
                _ => break,
            }
        }
    }

    /// A dot directly after a path would belong to the path.
    fn dot(&mut self, row: &mut Row<'t>) {
        let path = self.at > 0 && self.lexemes[self.at - 1].kind == Kind::PathText;
        self.take(row, if path { Before::Space } else { Before::Nothing });
    }

    fn key(&mut self, row: &mut Row<'t>, before: Before) {
        if self.kind() == Kind::Quote {
            self.literal(row, before);
        } else {
            self.take(row, before);
        }
    }

    fn primary(&mut self, row: &mut Row<'t>, before: Before) {
        match self.kind() {
            Kind::Quote | Kind::Indent | Kind::PathText => self.literal(row, before),
            Kind::LeftBracket => self.group(row, before, Brackets::List, Reader::list_element),
            Kind::LeftBrace => self.set(row, before),
            Kind::LeftParen => self.arguments(row, before),
            Kind::Word => {
                self.take(row, before);
                if self.kind() == Kind::LeftBrace && !self.head && !self.current().newline {
                    self.set(row, Before::Space);
                }
            }
            Kind::End => {}
            _ => self.take(row, before),
        }
    }

    fn set(&mut self, row: &mut Row<'t>, before: Before) {
        self.group(row, before, Brackets::Set, Reader::entry);
    }

    fn block(&mut self, row: &mut Row<'t>) {
        self.group(row, Before::Space, Brackets::Block, Reader::item);
    }

    fn arguments(&mut self, row: &mut Row<'t>, before: Before) {
        self.group(row, before, Brackets::Arguments, Reader::argument);
    }

    fn entry(&mut self) -> Row<'t> {
        let mut row = Row::default();
        let next = &self.lexemes[(self.at + 1).min(self.lexemes.len() - 1)];
        if self.word() == "inherit" && next.kind == Kind::Word && !next.newline {
            self.take(&mut row, Before::Nothing);
            while self.kind() == Kind::Word && !self.current().newline {
                self.take(&mut row, Before::Space);
            }
            return row;
        }
        self.key(&mut row, Before::Nothing);
        while self.kind() == Kind::Dot {
            self.take(&mut row, Before::Nothing);
            self.key(&mut row, Before::Nothing);
        }
        self.sign(&mut row, "");
        self.take(&mut row, Before::Space);
        self.expression(&mut row, Before::Line);
        if self.word() == "for" && !self.at_new_line() {
            self.comprehension(&mut row);
        }
        row
    }

    fn list_element(&mut self) -> Row<'t> {
        let mut row = Row::default();
        self.expression(&mut row, Before::Nothing);
        if self.word() == "for" {
            self.comprehension(&mut row);
        }
        row
    }

    fn argument(&mut self) -> Row<'t> {
        let mut row = Row::default();
        let next = &self.lexemes[(self.at + 1).min(self.lexemes.len() - 1)];
        if self.kind() == Kind::Word && next.kind == Kind::Equals {
            self.take(&mut row, Before::Nothing);
            self.take(&mut row, Before::Space);
        }
        self.expression(&mut row, Before::Line);
        row
    }

    fn comprehension(&mut self, row: &mut Row<'t>) {
        row.repeats = true;
        self.take(row, Before::Line);
        self.variables(row);
        self.expression(row, Before::Space);
        if self.word() == "if" {
            self.take(row, Before::Line);
            self.expression(row, Before::Space);
        }
    }

    fn variables(&mut self, row: &mut Row<'t>) {
        self.take(row, Before::Space);
        if self.kind() == Kind::Comma {
            self.take(row, Before::Nothing);
            self.take(row, Before::Space);
        }
        self.take(row, Before::Space);
    }

    fn group(
        &mut self,
        row: &mut Row<'t>,
        before: Before,
        kind: Brackets,
        element: fn(&mut Self) -> Row<'t>,
    ) {
        let comments = std::mem::take(&mut self.lexemes[self.at].comments);
        let open = self.bump();
        let (newline, from) = (self.lexemes[open].newline, self.lexemes[open].end);
        let outside = (self.lines, self.head);
        (self.lines, self.head) = (matches!(kind, Brackets::Set | Brackets::Block), false);
        let body = self.body(kind.close(), element);
        (self.lines, self.head) = outside;
        let inside = &self.text[from..self.current().start];
        let broken = match kind {
            Brackets::Arguments => body.newline || body.elements.iter().any(|element| element.row.breaks()),
            _ => inside.contains('\n'),
        };
        if self.kind() == kind.close() {
            self.bump();
        }
        row.pieces.push(Piece {
            comments,
            before,
            newline,
            what: What::Group(Group { kind, body, broken }),
        });
    }

    /// A string or a path, as one piece.
    fn literal(&mut self, row: &mut Row<'t>, before: Before) {
        let comments = std::mem::take(&mut self.lexemes[self.at].comments);
        let (newline, start) = (self.current().newline, self.current().start);
        match self.kind() {
            Kind::PathText => self.path(),
            _ => self.string(),
        }
        let end = self.lexemes[self.at.saturating_sub(1)].end;
        row.pieces.push(Piece {
            comments,
            before,
            newline,
            what: What::Text(&self.text[start..end]),
        });
    }

    /// From a quote to the one that closes it; `${…}` may hold others.
    fn string(&mut self) {
        let quote = self.kind();
        let mut open = 0usize;
        self.bump();
        while self.kind() != Kind::End {
            let token = self.bump();
            match self.lexemes[token].kind {
                Kind::Open => open += 1,
                Kind::Close => open = open.saturating_sub(1),
                kind if open == 0 && kind == quote => return,
                _ => {}
            }
        }
    }

    fn path(&mut self) {
        loop {
            match self.kind() {
                Kind::Open => self.interpolation(),
                Kind::Quote => self.string(),
                _ => {
                    self.bump();
                }
            }
            let next = self.current();
            let after_slash = || self.text[..next.start].ends_with('/');
            let goes_on =
                matches!(next.kind, Kind::PathText | Kind::Open) || next.kind == Kind::Quote && after_slash();
            if !(next.glued && goes_on) {
                return;
            }
        }
    }

    fn interpolation(&mut self) {
        let mut open = 0usize;
        while self.kind() != Kind::End {
            let token = self.bump();
            match self.lexemes[token].kind {
                Kind::Open => open += 1,
                Kind::Close if open <= 1 => return,
                Kind::Close => open -= 1,
                _ => {}
            }
        }
    }

    /// An operator or a word such as `then`: a line break behind it goes before it, where
    /// it `may_begin` a line.
    fn joint(&mut self, row: &mut Row<'t>, may_begin: bool) {
        self.take(row, Before::Line);
        let next = &mut self.lexemes[self.at];
        if may_begin && next.newline && next.comments.is_empty() && next.kind != Kind::End {
            next.newline = false;
            if let Some(taken) = row.pieces.last_mut() {
                taken.newline = true;
            }
        }
    }

    /// The current lexeme, as a piece of its own.
    fn take(&mut self, row: &mut Row<'t>, before: Before) {
        if self.kind() == Kind::End {
            return;
        }
        let token = self.bump();
        let lexeme = &mut self.lexemes[token];
        row.pieces.push(Piece {
            comments: std::mem::take(&mut lexeme.comments),
            before,
            newline: lexeme.newline,
            what: What::Text(&self.text[lexeme.start..lexeme.end]),
        });
    }

    fn current(&self) -> &Lexeme<'t> {
        &self.lexemes[self.at]
    }

    fn kind(&self) -> Kind {
        self.current().kind
    }

    /// The word that stands here; empty when none does.
    fn word(&self) -> &'t str {
        let lexeme = self.current();
        match lexeme.kind {
            Kind::Word => &self.text[lexeme.start..lexeme.end],
            _ => "",
        }
    }

    /// Goes on, and says which lexeme was left; the end is never left.
    fn bump(&mut self) -> usize {
        let left = self.at;
        self.at = (self.at + 1).min(self.lexemes.len() - 1);
        left
    }

    fn at_new_line(&self) -> bool {
        self.lines && self.current().newline && !self.kind().begins_continuation() && !continues(self.word())
    }
}

impl Brackets {
    fn close(self) -> Kind {
        match self {
            Brackets::List => Kind::RightBracket,
            Brackets::Set | Brackets::Block => Kind::RightBrace,
            Brackets::Arguments => Kind::RightParen,
        }
    }
}

impl Row<'_> {
    /// Whether a line begins inside it, around its brackets.
    fn breaks(&self) -> bool {
        self.pieces.iter().skip(1).any(Piece::breaks)
    }
}

/// Whether a line that begins with this word continues the one before.
pub(super) fn continues(word: &str) -> bool {
    matches!(word, "or" | "then" | "else" | "in")
}

fn is_operator(kind: Kind) -> bool {
    kind.begins_continuation() || matches!(kind, Kind::Minus | Kind::Star | Kind::Slash)
}
