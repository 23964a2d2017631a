//! The grammar of items: what may stand in a file and in the braces of `for` and `if`.

use super::ast::{
    Assert, Declare, DeclareKind, ExprId, ExprKind, ForItem, IfItem, Import, Item, Key, KeyName, Let, Param,
    Word,
};
use super::parse::{Parse, Parser, Stop};
use super::token::Kind;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Words that begin an item beside the kinds of declaration.
pub(crate) const WORDS: [&str; 5] = ["let", "import", "for", "if", "assert"];

/// Names that always mean the same and cannot be given to anything else.
const RESERVED: [&str; 14] = [
    "true",
    "false",
    "null",
    "if",
    "let",
    "assert",
    "workspace",
    "toolchain",
    "stage",
    "function",
    "layer",
    "target",
    "arch",
    "exec",
];

/// The builders that the language page names. They are called with a set, so
/// their names are free for nothing else.
pub(crate) const BUILDERS: [&str; 11] = [
    "go", "rust", "python", "node", "files", "archive", "command", "fetch", "java", "ruby", "oci",
];

/// What is missing where a declaration has no name.
fn whose_name(kind: DeclareKind) -> &'static str {
    match kind {
        DeclareKind::Workspace => "the workspace's name",
        DeclareKind::Toolchain => "the toolchain's name",
        DeclareKind::Stage => "the stage's name",
        DeclareKind::Function => "the function's name",
        DeclareKind::Layer => "the layer's name",
        DeclareKind::Target => "the target's name",
    }
}

impl Parser<'_> {
    /// file = { item newline }
    pub(super) fn file_items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while self.kind() != Kind::End {
            let (began, column) = (self.at, self.column());
            if self.item_to_end(&mut items).is_err() {
                self.skip_item(began, column);
            }
        }
        items
    }

    /// An item and the end of its line; in a block also `,` or the closing brace.
    fn item_to_end(&mut self, items: &mut Vec<Item>) -> Parse<()> {
        let item = self.item()?;
        items.push(item);
        if std::mem::take(&mut self.broken) {
            return Err(Stop);
        }
        let ends = self.current().newline || matches!(self.kind(), Kind::End | Kind::RightBrace);
        if ends || self.depth > 0 && self.eat(Kind::Comma) {
            return Ok(());
        }
        Err(self.expected("the end of the line"))
    }

    /// Skips to the next line that begins an item and is not indented deeper
    /// than the one that went wrong, whatever brackets are still open.
    fn skip_item(&mut self, began: usize, column: u32) {
        if self.at == began {
            self.bump();
        }
        while self.kind() != Kind::End {
            if self.current().newline && self.column() <= column && self.at_item() {
                return;
            }
            self.bump();
        }
    }

    /// Bytes between the start of the line and the current token.
    fn column(&self) -> u32 {
        let start = self.current().start as usize;
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        (start - line) as u32
    }

    /// Whether an item's head stands here, rather than an entry of that name.
    pub(super) fn at_item(&self) -> bool {
        if !self.name_follows() {
            return false;
        }
        let token = self.current();
        let word = if token.kind == Kind::Word {
            self.token_text(token)
        } else {
            ""
        };
        self.at_declaration() || WORDS.contains(&word)
    }

    /// Whether a declaration or import begins here, which no value does.
    pub(super) fn at_declaration(&self) -> bool {
        if !self.name_follows() {
            return false;
        }
        let token = self.current();
        let word = if token.kind == Kind::Word {
            self.token_text(token)
        } else {
            ""
        };
        word == "import" || DeclareKind::ALL.iter().any(|kind| kind.word() == word)
    }

    fn name_follows(&self) -> bool {
        let next = self.following();
        !next.newline
            && matches!(
                next.kind,
                Kind::Word | Kind::Quote | Kind::Number | Kind::PathText
            )
    }

    /// item = declaration | let | import | for | if | assert
    fn item(&mut self) -> Parse<Item> {
        let token = self.current();
        let word = if token.kind == Kind::Word {
            self.token_text(token)
        } else {
            ""
        };
        let declared = DeclareKind::ALL.into_iter().find(|kind| kind.word() == word);
        match word {
            _ if declared.is_some() => self.declaration(declared),
            "let" => self.let_item(),
            "import" => self.import(),
            "for" => self.for_item(),
            "if" => self.if_item(),
            "assert" => self.assert_item(),
            _ => Err(self.no_item()),
        }
    }

    fn no_item(&mut self) -> Stop {
        let token = self.current();
        let code = if token.kind == Kind::Unknown {
            codes::CHARACTER
        } else {
            codes::SYNTAX
        };
        let message = format!(
            "expected an item such as `function` or `let`, found {}",
            self.describe_token(token)
        );
        let error = Diagnostic::error(code, message, self.span(token), "no item begins like this");
        let error = match self.item_hint() {
            Some(hint) => error.help(hint),
            None => error,
        };
        self.error(error)
    }

    /// What may have been meant where no item begins.
    fn item_hint(&self) -> Option<String> {
        use Kind::*;
        let token = self.current();
        match token.kind {
            Minus | Star | Slash | LeftParen | LeftBracket | LeftBrace | Dot | PathText => {
                Some("a line that begins like this does not continue the one before: end that one with an operator, or put both in parentheses".to_owned())
            }
            Word => {
                let word = self.token_text(token);
                let kinds = DeclareKind::ALL.iter().map(|kind| kind.word());
                match crate::nearest(word, kinds.chain(WORDS)) {
                    Some(near) => Some(format!("did you mean `{near}`?")),
                    None if self.following().kind == Equals => Some(format!("to name a value, write `let {word} = …`")),
                    None => None,
                }
            }
            _ => None,
        }
    }

    /// declaration = kind name (set | "=" expression)
    fn declaration(&mut self, kind: Option<DeclareKind>) -> Parse<Item> {
        let kind = kind.unwrap_or(DeclareKind::Target);
        let span = self.here();
        self.bump();
        let name = self.declared_name(kind)?;
        let body = self.declared_body();
        let body = self.or_broken(body, name.span);
        Ok(Item::Declare(Declare {
            kind,
            span,
            name,
            body,
        }))
    }

    /// name = word | digits and letters | string
    fn declared_name(&mut self, kind: DeclareKind) -> Parse<Key> {
        let what = whose_name(kind);
        let token = self.current();
        if token.kind == Kind::Number && !token.newline {
            self.bump();
            let (span, name) = (self.span(token), self.intern(token));
            return self.undotted(Key {
                name: KeyName::Fixed(name),
                span,
            });
        }
        if token.newline {
            return Err(self.expected(what));
        }
        let key = self.key(what)?;
        self.undotted(key)
    }

    fn undotted(&mut self, key: Key) -> Parse<Key> {
        let token = self.current();
        if token.glued && matches!(token.kind, Kind::Dot | Kind::Word | Kind::Number) {
            let error = Diagnostic::error(
                codes::SYNTAX,
                "a name like this is written in quotes",
                key.span.to(self.here()),
                "only letters, digits, `_` and `-` may stand without quotes",
            );
            return Err(self.error(error));
        }
        Ok(key)
    }

    /// Keeps a name whose value went wrong, so that nobody calls it unknown.
    fn or_broken(&mut self, value: Parse<ExprId>, span: Span) -> ExprId {
        value.unwrap_or_else(|Stop| {
            self.broken = true;
            self.add(ExprKind::Broken, span)
        })
    }

    fn declared_body(&mut self) -> Parse<ExprId> {
        if self.kind() == Kind::LeftBrace && !self.current().newline {
            return self.set();
        }
        self.need(Kind::Equals, "`=` or `{` after the name")?;
        self.expression()
    }

    /// let = "let" word [ "(" [ parameter { "," parameter } ] ")" ] "=" expression
    fn let_item(&mut self) -> Parse<Item> {
        self.bump();
        let name = self.name("a name after `let`")?;
        self.check_free(&name);
        let params = if self.kind() == Kind::LeftParen {
            Some(self.parameters()?)
        } else {
            None
        };
        self.need(Kind::Equals, "`=` after the name")?;
        let value = self.expression();
        let value = self.or_broken(value, name.span);
        Ok(Item::Let(self.arena.add_let(Let { name, params, value })))
    }

    fn parameters(&mut self) -> Parse<Box<[Param]>> {
        let params = self.bracketed(Kind::RightParen, "`,` or `)`", Self::parameter)?;
        for (at, param) in params.iter().enumerate() {
            if let Some(first) = params[..at]
                .iter()
                .find(|other| other.name.name == param.name.name)
            {
                let message = format!("the parameter `{}` comes twice", self.arena.name(param.name.name));
                let error = Diagnostic::error(codes::DUPLICATE_NAME, message, param.name.span, "again here")
                    .label(first.name.span, "first here");
                self.error(error);
            }
        }
        Ok(params.into_boxed_slice())
    }

    /// parameter = word [ "=" expression ]
    fn parameter(&mut self) -> Parse<Param> {
        let name = self.name("a parameter's name")?;
        self.check_free(&name);
        let default = if self.eat(Kind::Equals) {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Param { name, default })
    }

    /// import = "import" path "as" word
    fn import(&mut self) -> Parse<Item> {
        self.bump();
        if self.kind() != Kind::PathText || self.current().newline {
            return Err(self.expected("a path such as ./lib after `import`"));
        }
        let path = self.path()?;
        self.keyword("as", "and the name to use it by")?;
        let name = self.name("the name to use it by after `as`")?;
        self.check_free(&name);
        Ok(Item::Import(Import { path, name }))
    }

    /// for = "for" variables expression block
    fn for_item(&mut self) -> Parse<Item> {
        self.bump();
        let vars = self.variables()?;
        let source = self.head_expression()?;
        let items = self.block()?;
        Ok(Item::For(ForItem { vars, source, items }))
    }

    /// if = "if" expression block [ "else" (if | block) ]
    fn if_item(&mut self) -> Parse<Item> {
        self.deeper(|p| {
            p.bump();
            let condition = p.head_expression()?;
            let then = p.block()?;
            let otherwise = if !p.eat_word("else") {
                Vec::new()
            } else if p.is_word("if") {
                vec![p.if_item()?]
            } else {
                p.block()?
            };
            Ok(Item::If(IfItem {
                condition,
                then,
                otherwise,
            }))
        })
    }

    fn head_expression(&mut self) -> Parse<ExprId> {
        self.within(true, true, Self::expression)
    }

    /// block = "{" { item (newline | ",") } "}"
    fn block(&mut self) -> Parse<Vec<Item>> {
        let open = self.here();
        self.need(Kind::LeftBrace, "`{` and items")?;
        self.deeper(|p| p.within(true, false, |p| p.block_items(open)))
    }

    fn block_items(&mut self, open: Span) -> Parse<Vec<Item>> {
        let mut items = Vec::new();
        while !self.eat(Kind::RightBrace) {
            if self.kind() == Kind::End {
                return Err(self.unclosed(open, "`}`"));
            }
            let (began, column) = (self.at, self.column());
            if self.item_to_end(&mut items).is_err() {
                self.skip_block_item(began, column);
            }
        }
        Ok(items)
    }

    /// As [`Self::skip_item`], and stops at the brace that closes the block.
    fn skip_block_item(&mut self, began: usize, column: u32) {
        if self.at == began && self.kind() != Kind::End {
            self.bump();
        }
        while self.kind() != Kind::End {
            let outside = self.current().newline && self.column() <= column;
            if outside && self.at_item() || self.current().newline && self.column() < column {
                return;
            }
            self.bump();
        }
    }

    /// assert = "assert" expression "," expression
    fn assert_item(&mut self) -> Parse<Item> {
        self.bump();
        let condition = self.expression()?;
        self.need(Kind::Comma, "`,` and a message after the condition")?;
        let message = self.expression()?;
        Ok(Item::Assert(Assert {
            condition,
            message,
            body: None,
        }))
    }

    /// Reports a name that has a meaning of its own.
    pub(super) fn check_free(&mut self, word: &Word) {
        let name = &**self.arena.name(word.name);
        let builder = BUILDERS.contains(&name);
        if !builder && !RESERVED.contains(&name) {
            return;
        }
        let why = if builder {
            "the name of a builder"
        } else {
            "a word of the language"
        };
        let message = format!("`{name}` is {why}");
        let error = Diagnostic::error(codes::RESERVED_NAME, message, word.span, "take another name");
        self.error(error);
    }
}
