//! The grammar of expressions. Each function carries its rule; precedence and
//! the rules for newlines are those of the language page.

use super::ast::{
    Arg, Assert, Build, Call, Comprehension, ExprId, ExprKind, Key, KeyName, LetIn, Operator, Range, Select,
    Vars, Word,
};
use super::parse::{MAX_DEPTH, Parse, Parser, Significant, Stop};
use super::token::Kind;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// How tightly a binary operator binds, from 1; `//` groups to the right, comparisons do not group.
const COMPARE: u8 = 3;
const UPDATE: u8 = 4;

fn operator(kind: Kind) -> Option<(Operator, u8)> {
    Some(match kind {
        Kind::Or => (Operator::Or, 1),
        Kind::And => (Operator::And, 2),
        Kind::EqualsEquals => (Operator::Equal, COMPARE),
        Kind::BangEquals => (Operator::NotEqual, COMPARE),
        Kind::Less => (Operator::Less, COMPARE),
        Kind::LessEquals => (Operator::LessEqual, COMPARE),
        Kind::Greater => (Operator::Greater, COMPARE),
        Kind::GreaterEquals => (Operator::GreaterEqual, COMPARE),
        Kind::Update => (Operator::Update, UPDATE),
        Kind::Concat => (Operator::Concat, 5),
        Kind::Plus => (Operator::Add, 6),
        Kind::Minus => (Operator::Subtract, 6),
        Kind::Star => (Operator::Multiply, 7),
        Kind::Slash => (Operator::Divide, 7),
        _ => return None,
    })
}

impl<'t> Parser<'t> {
    /// expression = if | let | assert | binary
    pub(super) fn expression(&mut self) -> Parse<ExprId> {
        self.deeper(|p| {
            if !p.operand_may_follow() {
                return Err(p.expected("a value"));
            }
            match p.word_here() {
                "if" => p.if_expression(),
                "let" => p.let_expression(),
                "assert" => p.assert_expression(),
                _ => p.binary(1),
            }
        })
    }

    fn word_here(&self) -> &'t str {
        let token = self.current();
        if token.kind == Kind::Word {
            self.token_text(token)
        } else {
            ""
        }
    }

    /// if = "if" expression "then" expression "else" expression
    fn if_expression(&mut self) -> Parse<ExprId> {
        let start = self.here();
        self.bump();
        let condition = self.expression()?;
        self.keyword("then", "and a value after the condition")?;
        let then = self.expression()?;
        self.keyword("else", "and a value: every `if` has both")?;
        let otherwise = self.expression()?;
        let span = self.since(start);
        Ok(self.add(ExprKind::If(Box::new([condition, then, otherwise])), span))
    }

    /// let = "let" binding { ("," | newline) binding } "in" expression ; binding = word "=" expression
    ///
    /// A binding sees the ones before it.
    fn let_expression(&mut self) -> Parse<ExprId> {
        let start = self.here();
        self.bump();
        let mut bindings = vec![self.binding()?];
        while !self.eat_word("in") {
            let separated = self.eat(Kind::Comma) || self.at_new_line();
            if !separated {
                return Err(self.expected("`in` and a value after the names of `let`"));
            }
            bindings.push(self.binding_on_new_line()?);
        }
        let body = self.expression()?;
        let span = self.since(start);
        Ok(bindings.into_iter().rev().fold(body, |body, (name, value)| {
            self.add(ExprKind::Let(Box::new(LetIn { name, value, body })), span)
        }))
    }

    fn binding_on_new_line(&mut self) -> Parse<(Word, ExprId)> {
        if self.kind() != Kind::Word {
            return Err(self.expected("`in` and a value after the names of `let`"));
        }
        let token = self.bump();
        let name = Word {
            name: self.intern(token),
            span: self.span(token),
        };
        self.binding_value(name)
    }

    fn binding(&mut self) -> Parse<(Word, ExprId)> {
        let name = self.name("a name after `let`")?;
        self.binding_value(name)
    }

    fn binding_value(&mut self, name: Word) -> Parse<(Word, ExprId)> {
        self.check_free(&name);
        self.need(Kind::Equals, "`=` after the name")?;
        Ok((name, self.expression()?))
    }

    /// assert = "assert" expression "," expression [ "in" expression ]
    fn assert_expression(&mut self) -> Parse<ExprId> {
        let start = self.here();
        self.bump();
        let condition = self.expression()?;
        self.need(Kind::Comma, "`,` and a message after the condition")?;
        let message = self.expression()?;
        let body = if self.eat_word("in") {
            Some(self.expression()?)
        } else {
            None
        };
        let span = self.since(start);
        Ok(self.add(
            ExprKind::Assert(Box::new(Assert {
                condition,
                message,
                body,
            })),
            span,
        ))
    }

    /// binary = unary { operator unary }, by precedence
    ///
    /// Loops for operators that group to the left, so a long sum is not deep.
    fn binary(&mut self, least: u8) -> Parse<ExprId> {
        let start = self.here();
        let mut left = self.unary()?;
        while let Some((sign, binds)) = self.operator_here(least) {
            self.bump();
            let right = self.deeper(|p| p.binary(if binds == UPDATE { binds } else { binds + 1 }))?;
            let span = self.since(start);
            left = self.add(ExprKind::Binary(sign, left, right), span);
            if binds == COMPARE && matches!(operator(self.kind()), Some((_, COMPARE))) {
                return Err(self.chained_comparison());
            }
        }
        Ok(left)
    }

    fn operator_here(&self, least: u8) -> Option<(Operator, u8)> {
        if self.at_new_line() {
            return None;
        }
        operator(self.kind()).filter(|(_, binds)| *binds >= least)
    }

    fn chained_comparison(&mut self) -> Stop {
        let error = Diagnostic::error(
            codes::SYNTAX,
            "comparisons do not chain",
            self.here(),
            "this compares the result of the comparison before it",
        )
        .help("write `a < b && b < c`");
        self.error(error)
    }

    /// unary = { "!" | "-" } has
    fn unary(&mut self) -> Parse<ExprId> {
        if !self.operand_may_follow() {
            return Err(self.expected("a value"));
        }
        let start = self.here();
        match self.kind() {
            Kind::Minus if self.following().kind == Kind::Number && self.following().glued => {
                self.bump();
                self.number(start)
            }
            Kind::Minus | Kind::Bang => self.deeper(|p| {
                let kind = p.bump().kind;
                let operand = p.unary()?;
                let span = p.since(start);
                let node = if kind == Kind::Minus {
                    ExprKind::Negate(operand)
                } else {
                    ExprKind::Not(operand)
                };
                Ok(p.add(node, span))
            }),
            _ => self.has(),
        }
    }

    /// has = postfix { "?" keys }
    fn has(&mut self) -> Parse<ExprId> {
        let start = self.here();
        let mut value = self.postfix()?;
        let mut levels = 0;
        while self.kind() == Kind::Question && !self.at_new_line() {
            levels += 1;
            if levels > MAX_DEPTH {
                return Err(self.too_deep());
            }
            self.bump();
            let keys = self.keys("an attribute's name after `?`")?;
            let span = self.since(start);
            let select = self.arena.add_select(Select {
                base: value,
                keys,
                default: None,
            });
            value = self.add(ExprKind::Has(select), span);
        }
        Ok(value)
    }

    /// postfix = primary { "." keys | "(" arguments ")" } [ "or" postfix ]
    fn postfix(&mut self) -> Parse<ExprId> {
        let start = self.here();
        let mut value = self.primary()?;
        let mut levels = 0;
        while !self.at_new_line() {
            levels += 1;
            if levels > MAX_DEPTH {
                return Err(self.too_deep());
            }
            match self.kind() {
                Kind::Dot => value = self.select(value, start)?,
                Kind::LeftParen if self.can_be_called(value) => value = self.call(value, start)?,
                _ => break,
            }
        }
        Ok(value)
    }

    fn select(&mut self, base: ExprId, start: Span) -> Parse<ExprId> {
        self.bump();
        let keys = self.keys("an attribute's name after `.`")?;
        let default = if self.eat_word("or") {
            Some(self.deeper(Self::default_value)?)
        } else {
            None
        };
        let span = self.since(start);
        let select = self.arena.add_select(Select { base, keys, default });
        Ok(self.add(ExprKind::Select(select), span))
    }

    fn default_value(&mut self) -> Parse<ExprId> {
        if !self.operand_may_follow() {
            return Err(self.expected("a value after `or`"));
        }
        self.postfix()
    }

    fn can_be_called(&self, callee: ExprId) -> bool {
        matches!(
            self.arena.expr(callee).kind,
            ExprKind::Name(_) | ExprKind::Select(_)
        )
    }

    /// keys = key { "." key }
    pub(super) fn keys(&mut self, what: &str) -> Parse<Range<Key>> {
        let first = self.key(what)?;
        if self.kind() != Kind::Dot || self.at_new_line() {
            return Ok(self.arena.keep([first]));
        }
        let mut keys = vec![first];
        while self.kind() == Kind::Dot && !self.at_new_line() {
            self.bump();
            keys.push(self.key(what)?);
            if keys.len() > MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
        Ok(self.arena.keep(keys))
    }

    /// key = word | string
    pub(super) fn key(&mut self, what: &str) -> Parse<Key> {
        let token = self.current();
        match token.kind {
            _ if self.lines && token.newline && self.previous_is_dot() => Err(self.expected(what)),
            Kind::Word => {
                self.bump();
                let span = self.span(token);
                Ok(Key {
                    name: KeyName::Fixed(self.intern(token)),
                    span,
                })
            }
            Kind::Quote => {
                let string = self.quoted()?;
                Ok(self.key_of(string))
            }
            _ => Err(self.expected(what)),
        }
    }

    fn previous_is_dot(&self) -> bool {
        self.previous()
            .is_some_and(|token| matches!(token.kind, Kind::Dot | Kind::Question))
    }

    fn key_of(&self, string: ExprId) -> Key {
        let expr = self.arena.expr(string);
        let name = match &expr.kind {
            ExprKind::Text(text) => KeyName::Fixed(*text),
            _ => KeyName::Computed(string),
        };
        Key {
            name,
            span: expr.span,
        }
    }

    /// call = callee "(" [ argument { "," argument } [ "," ] ] ")"
    fn call(&mut self, callee: ExprId, start: Span) -> Parse<ExprId> {
        let args = self.bracketed(Kind::RightParen, "`,` or `)`", Self::argument)?;
        let args = self.arena.keep(args);
        let span = self.since(start);
        Ok(self.add(ExprKind::Call(Call { callee, args }), span))
    }

    /// argument = [ word "=" ] expression
    fn argument(&mut self) -> Parse<Arg> {
        let named = self.kind() == Kind::Word && self.following().kind == Kind::Equals;
        let name = if named {
            Some(self.name("a parameter's name")?)
        } else {
            None
        };
        if named {
            self.bump();
        }
        Ok(Arg {
            name,
            value: self.expression()?,
        })
    }

    /// primary = number | string | path | list | set | "(" expression ")" | builder set | word
    fn primary(&mut self) -> Parse<ExprId> {
        if !self.operand_may_follow() {
            return Err(self.expected("a value"));
        }
        match self.kind() {
            Kind::Number => self.number(self.here()),
            Kind::Quote => self.quoted(),
            Kind::Indent => self.indented(),
            Kind::PathText => self.path(),
            Kind::LeftBracket => self.list(),
            Kind::LeftBrace => self.set(),
            Kind::LeftParen => self.parenthesised(),
            Kind::Word => self.word(),
            _ => Err(self.expected("a value")),
        }
    }

    fn parenthesised(&mut self) -> Parse<ExprId> {
        let open = self.here();
        self.bump();
        self.within(false, false, |p| {
            let inner = p.expression()?;
            p.close(Kind::RightParen, open, "`)`")?;
            Ok(inner)
        })
    }

    /// word = "true" | "false" | "null" | builder set | name
    fn word(&mut self) -> Parse<ExprId> {
        let token = self.bump();
        let span = self.span(token);
        let kind = match self.token_text(token) {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Null,
            _ if self.builder_call_follows() => return self.builder_call(token, span),
            _ => ExprKind::Name(self.intern(token)),
        };
        Ok(self.add(kind, span))
    }

    fn builder_call_follows(&self) -> bool {
        self.kind() == Kind::LeftBrace && !self.head && !self.current().newline
    }

    fn builder_call(&mut self, token: Significant, start: Span) -> Parse<ExprId> {
        let builder = Word {
            name: self.intern(token),
            span: start,
        };
        let attrs = self.set()?;
        let span = self.since(start);
        Ok(self.add(ExprKind::Build(Box::new(Build { builder, attrs })), span))
    }

    /// list = "[" [ expression (comprehension | { "," expression } [ "," ]) ] "]"
    fn list(&mut self) -> Parse<ExprId> {
        let start = self.here();
        let mut comprehension = None;
        let items = self.bracketed(Kind::RightBracket, "`,` or `]`", |p| {
            let item = p.expression()?;
            if p.is_word("for") {
                comprehension = Some(p.comprehension()?);
            }
            Ok(item)
        })?;
        let span = self.since(start);
        let kind = match comprehension {
            None => ExprKind::List(self.arena.keep(items)),
            Some(rule) if items.len() == 1 => ExprKind::ListFor(Box::new(rule), items[0]),
            Some(rule) => return Err(self.comprehension_alone(rule.vars.first.span, "list", "++")),
        };
        Ok(self.add(kind, span))
    }

    pub(super) fn comprehension_alone(&mut self, span: Span, what: &str, joins: &str) -> Stop {
        let message = format!("a {what} with `for` holds nothing else");
        let error = Diagnostic::error(
            codes::SYNTAX,
            message,
            span,
            format!("this `for` makes the whole {what}"),
        )
        .help(format!("join the two with `{joins}`"));
        self.error(error)
    }

    /// comprehension = "for" variables "in" expression [ "if" expression ]
    pub(super) fn comprehension(&mut self) -> Parse<Comprehension> {
        self.bump();
        let vars = self.variables()?;
        let source = self.expression()?;
        let condition = if self.eat_word("if") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Comprehension {
            vars,
            source,
            condition,
        })
    }

    /// variables = word [ "," word ] "in"
    pub(super) fn variables(&mut self) -> Parse<Vars> {
        let first = self.name("a name after `for`")?;
        self.check_free(&first);
        let second = if self.eat(Kind::Comma) {
            Some(self.name("a second name after `,`")?)
        } else {
            None
        };
        if let Some(second) = &second {
            self.check_free(second);
        }
        self.keyword("in", "and what to go through")?;
        Ok(Vars { first, second })
    }

    /// Elements between brackets; a mistake in one does not hide the next.
    pub(super) fn bracketed<T>(
        &mut self,
        close: Kind,
        separator: &str,
        mut element: impl FnMut(&mut Self) -> Parse<T>,
    ) -> Parse<Vec<T>> {
        let open = self.here();
        self.bump();
        self.within(false, false, |p| {
            let (mut elements, mut failed) = (Vec::new(), false);
            while p.kind() != close {
                match element(p) {
                    Ok(found) => elements.push(found),
                    Err(Stop) => failed = true,
                }
                let separated = if failed { p.skip_element(close) } else { true };
                if !separated {
                    return Err(Stop);
                }
                if !p.eat(Kind::Comma) && p.kind() != close {
                    failed = true;
                    p.unclosed(open, separator);
                    if !p.skip_element(close) {
                        return Err(Stop);
                    }
                    p.eat(Kind::Comma);
                }
            }
            p.bump();
            if failed { Err(Stop) } else { Ok(elements) }
        })
    }

    pub(super) fn need(&mut self, kind: Kind, what: &str) -> Parse<()> {
        let continues = !(self.lines && self.current().newline);
        if continues && self.eat(kind) {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    pub(super) fn close(&mut self, kind: Kind, open: Span, what: &str) -> Parse<()> {
        if self.eat(kind) {
            Ok(())
        } else {
            Err(self.unclosed(open, what))
        }
    }

    /// Records that a bracket was not closed where it should have been.
    pub(super) fn unclosed(&mut self, open: Span, what: &str) -> Stop {
        let error = self.expected_diagnostic(what).label(open, "opened here");
        self.error(error)
    }
}
