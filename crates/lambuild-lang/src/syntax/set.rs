//! Sets: entries, dotted keys, `inherit`, and the check that no key comes twice.

use super::ast::{Entry, ExprId, ExprKind, Key, KeyName, NameId, Range};
use super::parse::{Parse, Parser, Stop};
use super::token::Kind;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use rustc_hash::FxHashMap;

/// A set while it is read: `a.b = 1` and `a.c = 2` are one entry `a`.
#[derive(Default)]
struct Draft {
    entries: Vec<(Key, DraftValue)>,
    /// Where each fixed key stands; only filled once there are more than [`FEW`] entries.
    fixed: FxHashMap<NameId, usize>,
}

/// Entries that are found by going through them.
const FEW: usize = 16;

enum DraftValue {
    Whole(ExprId),
    Dotted(Box<Draft>, Span),
}

/// The entries of a set, or the `for` that makes them.
enum Body {
    Entries,
    For(ExprKind),
}

impl Parser<'_> {
    /// set = "{" [ entry { ("," | newline) entry } [ "," ] | entry comprehension ] "}"
    pub(super) fn set(&mut self) -> Parse<ExprId> {
        let open = self.here();
        self.bump();
        let mut draft = Draft::default();
        let body = self.deeper(|p| p.within(true, false, |p| p.set_body(&mut draft, open)))?;
        let span = self.since(open);
        Ok(match body {
            Body::Entries => self.finish_set(draft, span),
            Body::For(kind) => self.add(kind, span),
        })
    }

    fn set_body(&mut self, draft: &mut Draft, open: Span) -> Parse<Body> {
        let mistakes = self.errors.len();
        while !self.eat(Kind::RightBrace) {
            if self.set_is_unclosed() {
                // After a mistake inside, a brace that seems to be missing may be part of it.
                return Err(if self.errors.len() == mistakes {
                    self.unclosed(open, "`}`")
                } else {
                    Stop
                });
            }
            let began = self.at;
            if self.entry(draft).is_err() {
                self.skip_entry(began);
            } else if self.is_word("for") && !self.at_new_line() {
                return self.set_comprehension(draft, open);
            } else if !self.entry_ends() {
                self.unclosed(open, "`,` or the end of the line");
                self.skip_entry(began);
            }
            self.eat(Kind::Comma);
        }
        Ok(Body::Entries)
    }

    /// The end of the file, or an item's head: a `}` was forgotten before it.
    fn set_is_unclosed(&self) -> bool {
        self.kind() == Kind::End || self.current().newline && self.at_item()
    }

    fn entry_ends(&self) -> bool {
        matches!(self.kind(), Kind::Comma | Kind::RightBrace | Kind::End) || self.at_new_line()
    }

    fn set_comprehension(&mut self, draft: &mut Draft, open: Span) -> Parse<Body> {
        let span = self.here();
        let rule = self.comprehension()?;
        self.close(Kind::RightBrace, open, "`}`")?;
        let entry = match (draft.entries.pop(), draft.entries.is_empty()) {
            (Some((key, DraftValue::Whole(value))), true) => Entry { key, value },
            _ => return Err(self.comprehension_alone(span, "set", "//")),
        };
        Ok(Body::For(ExprKind::SetFor(Box::new((rule, entry)))))
    }

    /// entry = "inherit" word { word } | keys "=" expression
    fn entry(&mut self, draft: &mut Draft) -> Parse<()> {
        if self.is_word("inherit") && self.following().kind == Kind::Word && !self.following().newline {
            return self.inherit(draft);
        }
        let keys = self.keys("an attribute's name")?;
        self.need(Kind::Equals, "`=` after the attribute's name")?;
        let value = self.expression();
        let broken = value.is_err();
        // A key whose value went wrong is there all the same, so that nobody calls it missing.
        let value = value.unwrap_or_else(|_| {
            let span = self.arena.all(keys)[0].span;
            self.add(ExprKind::Broken, span)
        });
        self.insert(draft, keys, value);
        if broken { Err(Stop) } else { Ok(()) }
    }

    fn inherit(&mut self, draft: &mut Draft) -> Parse<()> {
        self.bump();
        while self.kind() == Kind::Word && !self.current().newline {
            let token = self.bump();
            let span = self.span(token);
            let name = self.intern(token);
            let value = self.add(ExprKind::Name(name), span);
            let name = KeyName::Fixed(name);
            let key = self.arena.keep([Key { name, span }]);
            self.insert(draft, key, value);
        }
        Ok(())
    }

    /// Puts `keys = value` into the draft, or reports the key that is already there.
    fn insert(&mut self, draft: &mut Draft, keys: Range<Key>, value: ExprId) {
        let mut draft = draft;
        let last = keys.len() - 1;
        for at in 0..keys.len() {
            let key = self.arena.all(keys)[at];
            let span = key.span;
            let known = if let KeyName::Fixed(name) = &key.name {
                draft.find(*name)
            } else {
                None
            };
            if at == last {
                return match known {
                    Some(first) => self.duplicate_key(&draft.entries[first].0, &key),
                    None => draft.push(key, DraftValue::Whole(value)),
                };
            }
            let index = known.unwrap_or(draft.entries.len());
            if known.is_none() {
                draft.push(key, DraftValue::Dotted(Box::default(), span));
            } else if let DraftValue::Whole(_) = draft.entries[index].1 {
                return self.duplicate_key(&draft.entries[index].0, &key);
            }
            match &mut draft.entries[index].1 {
                DraftValue::Dotted(inner, _) => draft = inner,
                DraftValue::Whole(_) => return,
            }
        }
    }

    fn duplicate_key(&mut self, first: &Key, second: &Key) {
        let KeyName::Fixed(name) = second.name else {
            return;
        };
        let name = self.arena.name(name);
        let error = Diagnostic::error(
            codes::DUPLICATE_KEY,
            format!("`{name}` is set twice"),
            second.span,
            "set again here",
        )
        .label(first.span, "first set here");
        self.error(error);
    }

    fn finish_set(&mut self, draft: Draft, span: Span) -> ExprId {
        let entries = draft.entries.into_iter().map(|(key, value)| {
            let value = match value {
                DraftValue::Whole(value) => value,
                DraftValue::Dotted(inner, span) => self.finish_set(*inner, span),
            };
            Entry { key, value }
        });
        let entries: Vec<Entry> = entries.collect();
        let entries = self.arena.keep(entries);
        self.add(ExprKind::Set(entries), span)
    }
}

impl Draft {
    fn push(&mut self, key: Key, value: DraftValue) {
        self.entries.push((key, value));
        match self.entries.len() {
            0..=FEW => {}
            len if self.fixed.is_empty() => self.note(0, len),
            len => self.note(len - 1, len),
        }
    }

    /// Notes where the fixed keys from one entry to before another stand.
    fn note(&mut self, from: usize, to: usize) {
        for at in from..to {
            if let KeyName::Fixed(name) = self.entries[at].0.name {
                self.fixed.insert(name, at);
            }
        }
    }

    fn find(&self, name: NameId) -> Option<usize> {
        if self.entries.len() > FEW {
            return self.fixed.get(&name).copied();
        }
        let is = |key: &Key| matches!(key.name, KeyName::Fixed(known) if known == name);
        self.entries.iter().position(|(key, _)| is(key))
    }
}
