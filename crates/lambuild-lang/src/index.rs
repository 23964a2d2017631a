//! The names of one text: what each item, parameter and variable declares, where it can be seen,
//! and what every use of a name in the text refers to. Knows no values and no other file: a use of an
//! imported name says only through which import.

use crate::cursor::item_starts;
use crate::source::{FileId, Span};
use crate::syntax::ast::{
    Arena, Assert, Call, Comprehension, Entry, ExprId, ExprKind, Item, Key, KeyName, LetId, Name, NameId,
    Part, Select, SelectId, Vars, Word,
};
use crate::syntax::lex::MAX_TEXT;
use crate::syntax::parse;
use std::ops::Range;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What a name is declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DefinitionKind {
    /// `workspace`, `toolchain`, `stage`, `function`, `layer` or `target`, by its word.
    Declaration(&'static str),
    /// `let NAME = …`, as an item or inside a value.
    Let,
    /// `let NAME(…) = …`
    Template,
    /// `import … as NAME`
    Import,
    /// A parameter of a template.
    Parameter,
    /// A variable of `for`.
    Variable,
}

/// A declared name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// As it is used; of a computed name, as it is written.
    pub name: Arc<str>,
    /// What it is.
    pub kind: DefinitionKind,
    /// Where the name stands, in bytes.
    pub span: Range<usize>,
    /// All that declares it, in bytes.
    pub whole: Range<usize>,
    /// Where it can be seen by its bare name; `None` for all of the file.
    pub scope: Option<Range<usize>>,
    /// Whether it stands in the file or a block, and not inside a value.
    pub is_item: bool,
    /// Of a template: each parameter as it is written.
    pub parameters: Vec<String>,
    /// Of an import with a fixed path: the path and where it stands.
    pub path: Option<(String, Range<usize>)>,
    /// Whether the name is computed, so that nobody knows it before evaluation.
    pub computed: bool,
}

/// A name that is used, with the fixed words that follow it: `lib.layer.certs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Each word and where it stands; never empty.
    pub words: Vec<(Arc<str>, Range<usize>)>,
    /// What the first word is, by its place in [`Index::definitions`].
    pub definition: Option<usize>,
    /// `inherit x`: the word is a key as well.
    pub inherited: bool,
}

/// The names of one text.
#[derive(Debug, Default)]
pub struct Index {
    /// The items of a file or block in their order, then what is declared inside of them.
    pub definitions: Vec<Definition>,
    /// In no order that means something.
    pub uses: Vec<Use>,
}

impl Index {
    /// Reads a text, as far as it can be understood; one that is too large to be a build file has
    /// no names.
    pub fn of(text: &str) -> Index {
        if text.len() > MAX_TEXT {
            return Index::default();
        }
        match read(text) {
            (index, true) => index,
            // One wrong item hides no other: each is read alone.
            (_, false) => in_pieces(text),
        }
    }

    /// The item of this name that a file's bare word, or `import.name`, refers to.
    pub fn top(&self, name: &str) -> Option<&Definition> {
        self.top_place(name).map(|at| &self.definitions[at])
    }

    /// The declaration that `kind.name` refers to; of computed names nothing is known.
    pub fn declared(&self, kind: &str, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|found| {
            matches!(found.kind, DefinitionKind::Declaration(word) if word == kind)
                && *found.name == *name
                && !found.computed
        })
    }

    /// The names that can be seen bare at a place, the innermost of each name.
    pub fn visible(&self, offset: usize) -> Vec<&Definition> {
        let mut found: Vec<&Definition> = Vec::new();
        for definition in self.definitions.iter().rev() {
            let bare = !matches!(definition.kind, DefinitionKind::Declaration(_));
            let here = definition
                .scope
                .as_ref()
                .is_none_or(|scope| scope.start <= offset && offset <= scope.end);
            if bare && here && !found.iter().any(|known| known.name == definition.name) {
                found.push(definition);
            }
        }
        found
    }

    /// The definition whose name stands at a place.
    pub fn definition_at(&self, offset: usize) -> Option<(usize, &Definition)> {
        let mut all = self.definitions.iter().enumerate();
        all.find(|(_, found)| holds(&found.span, offset))
    }

    /// The use at a place, and which of its words stands there.
    pub fn use_at(&self, offset: usize) -> Option<(&Use, usize)> {
        self.uses.iter().find_map(|found| {
            let at = found.words.iter().position(|(_, span)| holds(span, offset))?;
            Some((found, at))
        })
    }
}

/// The names of a text, and whether all of it was understood.
fn read(text: &str) -> (Index, bool) {
    let mut arena = Arena::default();
    let parsed = parse(text, FileId(0), &mut arena);
    let mut walk = Walk {
        text,
        arena: &arena,
        scope: Vec::new(),
        index: Index::default(),
    };
    walk.block(&parsed.items, text.len(), true);
    (walk.index, parsed.errors.is_empty())
}

/// The names of a text that is read item by item, cut where one begins at the margin.
fn in_pieces(text: &str) -> Index {
    let mut cuts = item_starts(text);
    cuts.push(text.len());
    let mut whole = Index::default();
    for cut in cuts.windows(2) {
        let [from, to] = *cut else { continue };
        let mut piece = read(text.get(from..to).unwrap_or_default()).0;
        piece.shift(from, whole.definitions.len());
        whole.definitions.append(&mut piece.definitions);
        whole.uses.append(&mut piece.uses);
    }
    whole.resolve();
    whole
}

fn moved(span: &mut Range<usize>, by: usize) {
    *span = span.start + by..span.end + by;
}

impl Index {
    /// Moves every place by `bytes`, and every definition's number by `before`.
    fn shift(&mut self, bytes: usize, before: usize) {
        for found in &mut self.definitions {
            let spans = [
                Some(&mut found.span),
                Some(&mut found.whole),
                found.scope.as_mut(),
            ];
            let path = found.path.as_mut().map(|(_, span)| span);
            spans
                .into_iter()
                .chain([path])
                .flatten()
                .for_each(|span| moved(span, bytes));
        }
        for used in &mut self.uses {
            used.words.iter_mut().for_each(|(_, span)| moved(span, bytes));
            used.definition = used.definition.map(|at| at + before);
        }
    }

    /// Finds what uses of names of other pieces refer to.
    fn resolve(&mut self) {
        for at in 0..self.uses.len() {
            let used = &self.uses[at];
            let first = used.words.first().filter(|_| used.definition.is_none());
            let found = first.and_then(|(name, _)| self.top_place(name));
            if found.is_some() {
                self.uses[at].definition = found;
            }
        }
    }

    fn top_place(&self, name: &str) -> Option<usize> {
        self.definitions
            .iter()
            .position(|found| found.is_top() && *found.name == *name)
    }
}

impl Definition {
    /// Whether it is a bare name of the whole file.
    fn is_top(&self) -> bool {
        let named = matches!(
            self.kind,
            DefinitionKind::Let | DefinitionKind::Template | DefinitionKind::Import
        );
        named && self.is_item && self.scope.is_none()
    }
}

fn holds(span: &Range<usize>, offset: usize) -> bool {
    span.start <= offset && offset <= span.end
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

struct Walk<'p> {
    text: &'p str,
    arena: &'p Arena,
    /// What can be seen, innermost last, by its place among the definitions.
    scope: Vec<usize>,
    index: Index,
}

impl<'p> Walk<'p> {
    /// Declares a name and answers its place.
    fn define(&mut self, definition: Definition) -> usize {
        self.index.definitions.push(definition);
        self.index.definitions.len() - 1
    }

    fn word(&self, id: NameId) -> Name {
        self.arena.name(id).clone()
    }

    fn simple(&mut self, word: &Word, kind: DefinitionKind, scope: Range<usize>) -> usize {
        self.define(Definition {
            name: self.word(word.name),
            kind,
            span: range(word.span),
            whole: range(word.span),
            scope: Some(scope),
            is_item: false,
            parameters: Vec::new(),
            path: None,
            computed: false,
        })
    }

    /// The items of a file or of braces that end before `end`. Their lets and imports are seen by
    /// all of them.
    fn block(&mut self, items: &'p [Item], end: usize, is_file: bool) {
        let before = self.scope.len();
        let begins: Vec<usize> = items.iter().map(|item| self.begin(item)).collect();
        let from = begins.first().copied().unwrap_or(end);
        let scope = (!is_file).then_some(from..end);
        let ends = begins.iter().skip(1).copied().chain([end]);
        let places: Vec<Range<usize>> = begins.iter().zip(ends).map(|(from, to)| *from..to).collect();
        let declared: Vec<Option<usize>> = items
            .iter()
            .zip(&places)
            .map(|(item, place)| self.declare(item, place, scope.clone()))
            .collect();
        self.scope.extend(declared.into_iter().flatten());
        for (item, place) in items.iter().zip(&places) {
            self.item(item, place);
        }
        self.scope.truncate(before);
    }

    /// Where an item begins: at its keyword.
    fn begin(&self, item: &Item) -> usize {
        match item {
            Item::Declare(declare) => declare.span.start as usize,
            Item::Let(id) => self.keyword(self.arena.let_item(*id).name.span, "let"),
            Item::Import(import) => self.keyword(self.arena.span(import.path), "import"),
            Item::For(item) => self.keyword(item.vars.first.span, "for"),
            Item::If(item) => self.keyword(self.arena.span(item.condition), "if"),
            Item::Assert(assert) => self.keyword(self.arena.span(assert.condition), "assert"),
        }
    }

    /// Where the keyword before a place begins, with only blanks (or an opening bracket) between.
    fn keyword(&self, next: Span, word: &str) -> usize {
        let next = next.start as usize;
        let before = self.text.get(..next).unwrap_or_default();
        let blank = |c: char| c.is_whitespace() || "([{!-".contains(c);
        let trimmed = before.trim_end_matches(blank);
        trimmed.strip_suffix(word).map_or(next, str::len)
    }

    /// The text of an item, without the blanks and comments between it and the next one.
    fn whole(&self, place: &Range<usize>, last: usize) -> Range<usize> {
        place.start..last.clamp(place.start, place.end)
    }

    fn declare(
        &mut self,
        item: &'p Item,
        place: &Range<usize>,
        scope: Option<Range<usize>>,
    ) -> Option<usize> {
        match item {
            Item::Declare(declare) => {
                let end = self.arena.span(declare.body).end.max(declare.name.span.end) as usize;
                let (name, computed) = self.key_text(&declare.name);
                self.define(Definition {
                    name,
                    kind: DefinitionKind::Declaration(declare.kind.word()),
                    span: range(declare.name.span),
                    whole: self.whole(place, end),
                    scope: None,
                    is_item: true,
                    parameters: Vec::new(),
                    path: None,
                    computed,
                });
                None
            }
            Item::Let(id) => Some(self.declare_let(*id, place, scope)),
            Item::Import(import) => {
                let path = range(self.arena.span(import.path));
                let text = self.fixed_path(import.path);
                Some(self.define(Definition {
                    name: self.word(import.name.name),
                    kind: DefinitionKind::Import,
                    span: range(import.name.span),
                    whole: self.whole(place, import.name.span.end as usize),
                    scope,
                    is_item: true,
                    parameters: Vec::new(),
                    path: text.map(|text| (text, path)),
                    computed: false,
                }))
            }
            Item::For(_) | Item::If(_) | Item::Assert(_) => None,
        }
    }

    fn declare_let(&mut self, id: LetId, place: &Range<usize>, scope: Option<Range<usize>>) -> usize {
        let item = self.arena.let_item(id);
        let end = self.arena.span(item.value).end.max(item.name.span.end) as usize;
        let written = |param: &crate::syntax::ast::Param| {
            let last = param.default.map_or(param.name.span, |id| self.arena.span(id));
            let text = self.text.get(param.name.span.start as usize..last.end as usize);
            text.unwrap_or_default().to_owned()
        };
        let parameters = item.params.iter().flatten().map(written).collect();
        let whole = self.whole(place, end);
        self.define(Definition {
            name: self.word(item.name.name),
            kind: match item.params {
                Some(_) => DefinitionKind::Template,
                None => DefinitionKind::Let,
            },
            span: range(item.name.span),
            whole,
            scope,
            is_item: true,
            parameters,
            path: None,
            computed: false,
        })
    }

    fn key_text(&self, key: &Key) -> (Name, bool) {
        match &key.name {
            KeyName::Fixed(name) => (self.word(*name), false),
            KeyName::Computed(_) => {
                let text = self.text.get(range(key.span)).unwrap_or_default();
                (Name::from(text.trim_matches('"')), true)
            }
        }
    }

    fn fixed_path(&self, id: ExprId) -> Option<String> {
        let ExprKind::Path(parts) = &self.arena.expr(id).kind else {
            return None;
        };
        let fixed = |part: &Part| match part {
            Part::Text(text) => Some(self.word(*text).to_string()),
            Part::Value(value) => match &self.arena.expr(*value).kind {
                ExprKind::Text(text) => Some(self.word(*text).to_string()),
                _ => None,
            },
        };
        self.arena.all(*parts).iter().map(fixed).collect()
    }

    fn item(&mut self, item: &'p Item, place: &Range<usize>) {
        match item {
            Item::Declare(declare) => {
                self.key(&declare.name);
                self.expr(declare.body);
            }
            Item::Let(id) => self.let_item(*id, place),
            Item::Import(_) => {}
            Item::For(item) => {
                self.expr(item.source);
                self.with_vars(&item.vars, place.clone(), |walk| {
                    walk.block(&item.items, place.end, false);
                });
            }
            Item::If(item) => {
                self.expr(item.condition);
                let middle = item.otherwise.first().map_or(place.end, |item| self.begin(item));
                self.block(&item.then, middle, false);
                self.block(&item.otherwise, place.end, false);
            }
            Item::Assert(assert) => self.assert(assert),
        }
    }

    /// Defaults see all parameters.
    fn let_item(&mut self, id: LetId, place: &Range<usize>) {
        let item = self.arena.let_item(id);
        let before = self.scope.len();
        for param in item.params.iter().flatten() {
            let at = self.simple(&param.name, DefinitionKind::Parameter, place.clone());
            self.scope.push(at);
        }
        let defaults = item.params.iter().flatten().filter_map(|param| param.default);
        defaults.for_each(|default| self.expr(default));
        self.expr(item.value);
        self.scope.truncate(before);
    }

    fn with_vars(&mut self, vars: &'p Vars, scope: Range<usize>, inner: impl FnOnce(&mut Self)) {
        let before = self.scope.len();
        for word in std::iter::once(&vars.first).chain(&vars.second) {
            let at = self.simple(word, DefinitionKind::Variable, scope.clone());
            self.scope.push(at);
        }
        inner(self);
        self.scope.truncate(before);
    }

    fn assert(&mut self, assert: &'p Assert) {
        self.expr(assert.condition);
        self.expr(assert.message);
        assert.body.into_iter().for_each(|body| self.expr(body));
    }

    /// Chains of operators and of `let` are loops, so that a long one is not deep.
    fn expr(&mut self, mut id: ExprId) {
        let before = self.scope.len();
        loop {
            match &self.arena.expr(id).kind {
                ExprKind::Binary(_, left, right) => {
                    self.expr(*right);
                    id = *left;
                }
                ExprKind::Let(binding) => {
                    self.expr(binding.value);
                    let scope = range(self.arena.span(binding.body));
                    let at = self.simple(&binding.name, DefinitionKind::Let, scope);
                    self.scope.push(at);
                    id = binding.body;
                }
                kind => {
                    self.kind(kind, id);
                    break;
                }
            }
        }
        self.scope.truncate(before);
    }

    fn kind(&mut self, kind: &'p ExprKind, id: ExprId) {
        let span = range(self.arena.span(id));
        match kind {
            ExprKind::Template(parts) | ExprKind::Path(parts) => self.parts(self.arena.all(*parts)),
            ExprKind::List(items) => self.arena.all(*items).iter().for_each(|item| self.expr(*item)),
            ExprKind::ListFor(rule, item) => self.repeated(rule, span, |walk| walk.expr(*item)),
            ExprKind::Set(entries) => self
                .arena
                .all(*entries)
                .iter()
                .for_each(|entry| self.entry(entry)),
            ExprKind::SetFor(parts) => self.repeated(&parts.0, span, |walk| walk.entry(&parts.1)),
            ExprKind::Name(name) => self.name(vec![(self.word(*name), span)], false),
            ExprKind::Select(select) | ExprKind::Has(select) => self.select(*select),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Build(build) => self.expr(build.attrs),
            ExprKind::Not(operand) | ExprKind::Negate(operand) => self.expr(*operand),
            ExprKind::If(parts) => parts.iter().for_each(|part| self.expr(*part)),
            ExprKind::Assert(assert) => self.assert(assert),
            // Worked off by `expr`.
            ExprKind::Binary(..) | ExprKind::Let(_) => {}
            ExprKind::Broken | ExprKind::Null | ExprKind::Bool(_) | ExprKind::Int(_) => {}
            ExprKind::Decimal(_) | ExprKind::Text(_) => {}
        }
    }

    fn parts(&mut self, parts: &'p [Part]) {
        for part in parts {
            if let Part::Value(value) = part {
                self.expr(*value);
            }
        }
    }

    fn entry(&mut self, entry: &'p Entry) {
        self.key(&entry.key);
        let value = self.arena.expr(entry.value);
        if let ExprKind::Name(name) = &value.kind
            && value.span == entry.key.span
        {
            return self.name(vec![(self.word(*name), range(value.span))], true);
        }
        self.expr(entry.value);
    }

    fn key(&mut self, key: &'p Key) {
        if let KeyName::Computed(id) = &key.name {
            self.expr(*id);
        }
    }

    fn repeated(&mut self, rule: &'p Comprehension, span: Range<usize>, inner: impl FnOnce(&mut Self)) {
        self.expr(rule.source);
        self.with_vars(&rule.vars, span, |walk| {
            rule.condition
                .into_iter()
                .for_each(|condition| walk.expr(condition));
            inner(walk);
        });
    }

    fn select(&mut self, id: SelectId) {
        let select: &'p Select = self.arena.select(id);
        let keys = self.arena.all(select.keys);
        keys.iter().for_each(|key| self.key(key));
        select.default.into_iter().for_each(|default| self.expr(default));
        let base = self.arena.expr(select.base);
        let ExprKind::Name(name) = &base.kind else {
            return self.expr(select.base);
        };
        let mut words = vec![(self.word(*name), range(base.span))];
        for key in keys {
            match &key.name {
                KeyName::Fixed(name) => words.push((self.word(*name), range(key.span))),
                KeyName::Computed(_) => break,
            }
        }
        self.name(words, false);
    }

    fn call(&mut self, call: &'p Call) {
        let args = self.arena.all(call.args);
        args.iter().for_each(|arg| self.expr(arg.value));
        self.expr(call.callee);
    }

    fn name(&mut self, words: Vec<(Name, Range<usize>)>, inherited: bool) {
        let known = words.first().and_then(|(name, _)| {
            let seen = self.scope.iter().rev();
            seen.copied()
                .find(|at| *self.index.definitions[*at].name == **name)
        });
        self.index.uses.push(Use {
            words,
            definition: known,
            inherited,
        });
    }
}
