//! What stands around one place of a text: what may be written there, in which set of which
//! declaration, and the word that is being written. Decided from tokens alone, so that a half-written
//! file has an answer too. Knows no values, no schemas and no other file.

use crate::syntax::ast::DeclareKind;
use crate::syntax::lex::{MAX_TEXT, lex};
use crate::syntax::token::{Kind, Token};
use crate::syntax::{BUILDERS, ITEM_WORDS, MAX_DEPTH};
use std::ops::Range;

#[cfg(test)]
mod tests;

/// A place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What may be written there.
    pub place: Place,
    /// The word, text or path at the place, as bytes of the text; empty where none is begun.
    pub word: Range<usize>,
    /// What a value there is for; at a key, the set that the key belongs to.
    pub slot: Slot,
    /// The other keys of the set around the place, each once, those below included.
    pub given: Vec<String>,
    /// Where an argument may begin: the words of what is called, `["lib", "service"]`. Else empty.
    pub callee: Vec<String>,
}

/// What may be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing that has a meaning: a comment, a number, the name of a declaration.
    Nothing,
    /// An item: `function`, `let`.
    Item,
    /// The name of an attribute. Dotted names before it are keys of the slot.
    Key,
    /// A value: a name, a builder, a function.
    Value,
    /// What follows these words and a dot.
    Member(Vec<String>),
    /// The inside of a string.
    Text,
    /// A path.
    Path,
}

/// What a set or value is for: `owner.keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The outermost thing whose attributes are known.
    pub owner: Owner,
    /// The keys from there, outermost first.
    pub keys: Vec<String>,
}

/// Whose attributes a set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// `function NAME { … }`, by its word.
    Declaration(&'static str),
    /// `toolchain KIND { … }` or `toolchain NAME = KIND { … }`, by the kind.
    Toolchain(String),
    /// `go { … }`
    Builder(String),
    /// `let NAME = { … }` or a template: whatever it is used for.
    Let,
    /// Not known, such as an argument of a template.
    Unknown,
}

/// What stands around the byte `offset` of `text`; beyond its end, or in a text that is too large to
/// be a build file, nothing does.
pub fn cursor(text: &str, offset: usize) -> Cursor {
    if text.len() > MAX_TEXT || offset > text.len() {
        return nothing(offset..offset);
    }
    let mut reader = Reader::new(text);
    let mut tokens = lex(text).peekable();
    while let Some(token) = tokens.next_if(|token| end(token) <= offset && !touches(token, offset)) {
        reader.read(token);
    }
    let rest: Vec<Token> = tokens.collect();
    let mut found = reader.look(offset, &rest);
    found.given = reader.keys_around(&rest, &found.word);
    found
}

/// Where lines begin with the word of an item, which no line inside an item does in the one style.
pub(crate) fn item_starts(text: &str) -> Vec<usize> {
    let tokens = lex(text).filter(|token| token.kind == Kind::Word);
    let starts = tokens.filter_map(|token| {
        let (from, to) = (token.start as usize, end(&token));
        let margin = from == 0 || text.as_bytes().get(from - 1) == Some(&b'\n');
        (margin && text.get(from..to).is_some_and(is_item)).then_some(from)
    });
    starts.collect()
}

fn nothing(word: Range<usize>) -> Cursor {
    Cursor {
        place: Place::Nothing,
        word,
        slot: Slot::unknown(),
        given: Vec::new(),
        callee: Vec::new(),
    }
}

impl Slot {
    fn unknown() -> Self {
        Slot {
            owner: Owner::Unknown,
            keys: Vec::new(),
        }
    }

    fn of(owner: Owner) -> Self {
        Slot {
            owner,
            keys: Vec::new(),
        }
    }

    fn below(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.keys.extend(keys);
        self
    }
}

fn end(token: &Token) -> usize {
    (token.start + token.len) as usize
}

/// Whether the place is in the token, or at the end of one that may still be written on.
fn touches(token: &Token, offset: usize) -> bool {
    let open = matches!(
        token.kind,
        Kind::Word | Kind::Number | Kind::PathText | Kind::Comment
    );
    end(token) > offset || open && end(token) == offset
}

/// A bracket, string or `${` that is open.
struct Frame {
    bracket: Bracket,
    /// Where its inside begins.
    start: usize,
    /// What was read of the current entry, item or argument.
    entry: Vec<Token>,
    /// The keys of a set so far, with their places.
    keys: Vec<(String, usize)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Bracket {
    /// The file, or the braces of `for` and `if`: items.
    Items,
    /// The braces of a set, and what the set is for.
    Set(Slot),
    /// `[ ]`
    List,
    /// `( )`
    Paren {
        /// Whether what is in it is for what the whole is for.
        transparent: bool,
        /// The words of what is called.
        callee: Vec<String>,
    },
    /// `${ }`
    Interpolation,
    /// `" "`
    Quoted,
    /// `'' ''`
    Indented,
}

struct Reader<'t> {
    text: &'t str,
    /// The file first; never empty.
    frames: Vec<Frame>,
    /// A line ended since the last token.
    newline: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let file = Frame {
            bracket: Bracket::Items,
            start: 0,
            entry: Vec::new(),
            keys: Vec::new(),
        };
        Reader {
            text,
            frames: vec![file],
            newline: true,
        }
    }

    fn word(&self, token: &Token) -> &'t str {
        self.text
            .get(token.start as usize..end(token))
            .unwrap_or_default()
    }

    fn top(&self) -> &Frame {
        // The file's frame is never taken away.
        &self.frames[self.frames.len() - 1]
    }

    fn top_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn read(&mut self, token: Token) {
        match token.kind {
            Kind::Space | Kind::Comment | Kind::Text | Kind::Escape => {}
            Kind::Newline => self.end_line(),
            Kind::Quote => self.quote(token, &Bracket::Quoted),
            Kind::Indent => self.quote(token, &Bracket::Indented),
            Kind::Open => self.open(token, Bracket::Interpolation),
            Kind::Close => self.close(token, |bracket| *bracket == Bracket::Interpolation),
            Kind::LeftBrace => self.open_brace(token),
            Kind::RightBrace => self.close(token, |bracket| {
                matches!(bracket, Bracket::Items | Bracket::Set(_))
            }),
            Kind::LeftBracket => self.begin_and_open(token, |_| Bracket::List),
            Kind::RightBracket => self.close(token, |bracket| *bracket == Bracket::List),
            Kind::LeftParen => self.begin_and_open(token, Reader::paren),
            Kind::RightParen => self.close(token, |bracket| matches!(bracket, Bracket::Paren { .. })),
            Kind::Comma => self.top_mut().entry.clear(),
            _ => self.add(token),
        }
    }

    fn add(&mut self, token: Token) {
        self.begin(&token);
        if token.kind == Kind::Equals {
            self.note_key();
        }
        self.top_mut().entry.push(token);
    }

    /// A `"…"` ends on its line, with everything that is open in it.
    fn end_line(&mut self) {
        let quoted = self
            .frames
            .iter()
            .position(|frame| frame.bracket == Bracket::Quoted);
        if let Some(at) = quoted.filter(|at| *at > 0) {
            let start = self.frames[at].start as u32;
            self.frames.truncate(at);
            // As good as any text: the entry has its value.
            self.top_mut().entry.push(Token {
                kind: Kind::Text,
                start,
                len: 0,
            });
        }
        if self.top().bracket != Bracket::Indented {
            self.newline = true;
        }
    }

    fn quote(&mut self, token: Token, kind: &Bracket) {
        if self.top().bracket != *kind {
            self.begin(&token);
            return self.open(token, kind.clone());
        }
        let start = self.top().start as u32;
        self.frames.pop();
        self.top_mut().entry.push(Token {
            kind: Kind::Text,
            start,
            len: token.start - start,
        });
    }

    fn open(&mut self, token: Token, bracket: Bracket) {
        self.frames.push(Frame {
            bracket,
            start: end(&token),
            entry: Vec::new(),
            keys: Vec::new(),
        });
    }

    fn begin_and_open(&mut self, token: Token, bracket: impl FnOnce(&Self) -> Bracket) {
        self.begin(&token);
        let bracket = bracket(self);
        self.top_mut().entry.push(token);
        self.open(token, bracket);
    }

    fn open_brace(&mut self, token: Token) {
        self.begin_and_open(token, Reader::braces);
    }

    /// Closes the innermost bracket that fits, and what was left open in it.
    fn close(&mut self, token: Token, fits: impl Fn(&Bracket) -> bool) {
        let found = self.frames.iter().rposition(|frame| fits(&frame.bracket));
        let Some(at) = found.filter(|at| *at > 0) else {
            return;
        };
        self.frames.truncate(at);
        self.newline = false;
        if token.kind != Kind::Close {
            self.top_mut().entry.push(token);
        }
    }

    /// Before a token: ends the entry of the line before unless this token continues it. An item at
    /// the start of a line begins anew, whatever was left open.
    fn begin(&mut self, token: &Token) {
        if !std::mem::take(&mut self.newline) {
            return;
        }
        if self.is_item_at_margin(token) {
            self.frames.truncate(1);
            self.top_mut().entry.clear();
        } else if !self.continues(token) {
            self.top_mut().entry.clear();
        }
    }

    fn is_item_at_margin(&self, token: &Token) -> bool {
        let start = token.start as usize;
        let margin = start == 0 || self.text.as_bytes().get(start - 1) == Some(&b'\n');
        margin && token.kind == Kind::Word && is_item(self.word(token))
    }

    /// Whether a token on a new line belongs to the entry of the line before.
    fn continues(&self, token: &Token) -> bool {
        if !matches!(self.top().bracket, Bracket::Items | Bracket::Set(_)) {
            return true;
        }
        let goes_on = self.top().entry.last().is_some_and(|last| {
            last.kind.continues_line()
                || last.kind == Kind::Word
                    && matches!(self.word(last), "then" | "else" | "in")
                    && self.top().entry.len() > 1
        });
        goes_on
            || token.kind.begins_continuation()
            || token.kind == Kind::Word && matches!(self.word(token), "or" | "then" | "else" | "in")
    }

    /// Remembers the key before a `=` in a set.
    fn note_key(&mut self) {
        if !matches!(self.top().bracket, Bracket::Set(_)) {
            return;
        }
        let Some(keys) = self.keys(&self.top().entry) else {
            return;
        };
        let start = self.top().entry.first().map_or(0, |token| token.start as usize);
        if let Some(first) = keys.into_iter().next() {
            self.top_mut().keys.push((first, start));
        }
    }

    /// `a.b` or `"a".b` as its parts; `None` when it is something else.
    fn keys(&self, tokens: &[Token]) -> Option<Vec<String>> {
        let mut keys = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match (at % 2, token.kind) {
                (0, Kind::Word | Kind::Text) => keys.push(self.word(token).to_owned()),
                (1, Kind::Dot) => {}
                _ => return None,
            }
        }
        Some(keys)
    }

    /// What stands before a `{`.
    fn braces(&self) -> Bracket {
        let frame = self.top();
        let first = frame.entry.first().map_or("", |token| self.word(token));
        let last = frame.entry.last();
        let word = last
            .filter(|token| token.kind == Kind::Word)
            .map_or("", |token| self.word(token));
        let assigned = frame.entry.iter().any(|token| token.kind == Kind::Equals);
        let items = frame.bracket == Bracket::Items;
        if items && matches!(first, "for" | "if") {
            return Bracket::Items;
        }
        if items && first == "toolchain" {
            let named = frame.entry.get(1).map_or("", |token| self.word(token));
            let kind = if word.is_empty() { named } else { word };
            return Bracket::Set(Slot::of(Owner::Toolchain(kind.to_owned())));
        }
        if items
            && !assigned
            && let Some(kind) = declaration(first)
        {
            return Bracket::Set(Slot::of(Owner::Declaration(kind)));
        }
        if BUILDERS.contains(&word) && last.is_some() && frame.entry.len() > usize::from(items) {
            return Bracket::Set(Slot::of(Owner::Builder(word.to_owned())));
        }
        Bracket::Set(self.slot(self.frames.len()))
    }

    /// What stands before a `(`: the arguments of `merge` and what is only grouped are for the same
    /// as the whole; other arguments are for something else.
    fn paren(&self) -> Bracket {
        let last = self.top().entry.last();
        let word = last.map_or("", |token| self.word(token));
        let called = last.is_some_and(|token| token.kind == Kind::Word)
            && !matches!(word, "then" | "else" | "in" | "if" | "or");
        Bracket::Paren {
            transparent: !called || word == "merge",
            callee: match last {
                Some(last) if called => {
                    let before = &self.top().entry[..self.top().entry.len() - 1];
                    let mut words = self.chain(before).unwrap_or_default();
                    words.push(self.word(last).to_owned());
                    words
                }
                _ => Vec::new(),
            },
        }
    }

    /// What a value in the current entry of the innermost of the first `depth` frames is for.
    fn slot(&self, depth: usize) -> Slot {
        // What stands in a list, in brackets or in quotes is for what these are for.
        let passes = |frame: &&Frame| match &frame.bracket {
            Bracket::Paren { transparent, .. } => *transparent,
            Bracket::List | Bracket::Quoted | Bracket::Indented => true,
            _ => false,
        };
        // What nests deeper is refused by the parser, and the way to it grows with each level.
        let frames = self
            .frames
            .get(..depth)
            .filter(|frames| frames.len() <= MAX_DEPTH);
        let frames = frames.unwrap_or_default();
        let Some(frame) = frames.iter().rev().find(|frame| !passes(frame)) else {
            return Slot::unknown();
        };
        match &frame.bracket {
            Bracket::Items => Slot::of(self.item_owner(&frame.entry)),
            Bracket::Set(slot) => {
                let equals = frame.entry.iter().position(|token| token.kind == Kind::Equals);
                let keys = frame.entry.get(..equals.unwrap_or(0)).unwrap_or_default();
                match self.keys(keys) {
                    Some(keys) if equals.is_some() => slot.clone().below(keys),
                    _ => Slot::unknown(),
                }
            }
            _ => Slot::unknown(),
        }
    }

    fn item_owner(&self, entry: &[Token]) -> Owner {
        let first = entry.first().map_or("", |token| self.word(token));
        match declaration(first) {
            Some(kind) => Owner::Declaration(kind),
            None if first == "let" => Owner::Let,
            None => Owner::Unknown,
        }
    }

    /// The place itself; what comes before it has been read.
    fn look(&mut self, offset: usize, rest: &[Token]) -> Cursor {
        let here = rest
            .first()
            .filter(|token| (token.start as usize) < offset || touches(token, offset));
        if matches!(self.top().bracket, Bracket::Quoted | Bracket::Indented)
            && here.is_none_or(|token| token.kind != Kind::Word)
        {
            return self.text_at(offset, rest);
        }
        match here {
            Some(token)
                if matches!(token.kind, Kind::Comment | Kind::Number) && (token.start as usize) < offset =>
            {
                nothing(token.start as usize..end(token))
            }
            Some(token) if token.kind == Kind::PathText => Cursor {
                place: Place::Path,
                word: token.start as usize..end(token),
                slot: self.slot(self.frames.len()),
                ..nothing(0..0)
            },
            Some(token) if token.kind == Kind::Word => self.code_at(token.start as usize..end(token)),
            _ => self.code_at(offset..offset),
        }
    }

    fn text_at(&self, offset: usize, rest: &[Token]) -> Cursor {
        let until = rest
            .iter()
            .find(|token| !matches!(token.kind, Kind::Text | Kind::Escape));
        let until = until.map_or(self.text.len(), |token| token.start as usize);
        Cursor {
            place: Place::Text,
            word: self.top().start.min(offset)..until.max(offset),
            slot: self.slot(self.frames.len()),
            ..nothing(0..0)
        }
    }

    fn code_at(&mut self, word: Range<usize>) -> Cursor {
        let token = Token {
            kind: if word.is_empty() {
                Kind::Unknown
            } else {
                Kind::Word
            },
            start: word.start as u32,
            len: word.len() as u32,
        };
        self.begin(&token);
        let entry = self.top().entry.clone();
        let dotted = self.chain(&entry);
        let (place, slot) = match &self.top().bracket {
            Bracket::Set(slot) => match self.keys(&entry) {
                _ if entry.is_empty() => (Place::Key, slot.clone()),
                // `a.b.` without a `=` before it.
                None if entry.last().is_some_and(|last| last.kind == Kind::Dot)
                    && self.keys(&entry[..entry.len() - 1]).is_some() =>
                {
                    let keys = self.keys(&entry[..entry.len() - 1]).unwrap_or_default();
                    (Place::Key, slot.clone().below(keys))
                }
                Some(keys) if entry.last().is_some_and(|last| last.kind == Kind::Dot) => {
                    (Place::Key, slot.clone().below(keys))
                }
                _ => (value(dotted), self.slot(self.frames.len())),
            },
            Bracket::Items if entry.is_empty() => (Place::Item, Slot::unknown()),
            Bracket::Items if self.names(&entry) => (Place::Nothing, Slot::unknown()),
            _ => (value(dotted), self.slot(self.frames.len())),
        };
        let callee = match &self.top().bracket {
            Bracket::Paren { callee, .. } if entry.is_empty() => callee.clone(),
            _ => Vec::new(),
        };
        Cursor {
            place,
            word,
            slot,
            given: Vec::new(),
            callee,
        }
    }

    /// Whether the next word of an item is a name that is being given.
    fn names(&self, entry: &[Token]) -> bool {
        let words: Vec<&str> = entry.iter().map(|token| self.word(token)).collect();
        match words[..] {
            [kind] => kind == "let" || declaration(kind).is_some(),
            [kind, .., "as"] => kind == "import",
            _ => false,
        }
    }

    /// The words of `a.b.` at the end of an entry.
    fn chain(&self, entry: &[Token]) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut rest = entry;
        while let [before @ .., word, dot] = rest
            && dot.kind == Kind::Dot
        {
            if !matches!(word.kind, Kind::Word | Kind::Text) {
                return Some(Vec::new());
            }
            words.insert(0, self.word(word).to_owned());
            rest = before;
        }
        (!words.is_empty()).then_some(words)
    }

    /// Reads on until the set around the place ends; its keys but the one at the place.
    fn keys_around(mut self, rest: &[Token], word: &Range<usize>) -> Vec<String> {
        let depth = self.frames.len();
        if !matches!(self.top().bracket, Bracket::Set(_)) {
            return Vec::new();
        }
        let mut found = self.top().keys.clone();
        for token in rest {
            self.read(*token);
            if self.frames.len() < depth {
                break;
            }
            if self.frames.len() == depth {
                found.clone_from(&self.top().keys);
            }
        }
        let others = found.into_iter().filter(|(_, start)| *start != word.start);
        let mut names: Vec<String> = others.map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn value(dotted: Option<Vec<String>>) -> Place {
    dotted.map_or(Place::Value, Place::Member)
}

fn is_item(word: &str) -> bool {
    declaration(word).is_some() || ITEM_WORDS.contains(&word)
}

/// The kind of declaration that a word begins.
fn declaration(word: &str) -> Option<&'static str> {
    let mut kinds = DeclareKind::ALL.iter().map(|kind| kind.word());
    kinds.find(|kind| *kind == word)
}
