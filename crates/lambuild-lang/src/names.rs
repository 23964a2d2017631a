//! Whether every name in the text means something, also where nothing is ever evaluated:
//! in a template that nobody calls, in the branch that is not taken. Knows no values.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::machine::{Binding, EnvId, MAX_ERRORS, Machine};
use crate::source::{FileId, Span};
use crate::syntax::ast::{
    Arena, Assert, Call, Comprehension, Entry, ExprId, ExprKind, Item, Key, KeyName, LetId, NameId, Part,
    Select, Vars,
};

/// Everything that is unknown in a file.
pub(crate) fn unknown_names(machine: &mut Machine<'_>, file: FileId) -> Vec<Diagnostic> {
    let env = machine.open(file);
    let mut walk = Walk {
        machine,
        file,
        env,
        scope: Vec::new(),
        in_fetch: false,
        errors: Vec::new(),
    };
    let items = &walk.machine.program.module(file).items;
    walk.items(items);
    walk.errors
}

struct Walk<'m, 'p> {
    machine: &'m Machine<'p>,
    file: FileId,
    /// The top of the file.
    env: EnvId,
    /// The names between the top of the file and here, innermost last.
    scope: Vec<NameId>,
    /// Whether this is inside of `fetch { … }`.
    in_fetch: bool,
    errors: Vec<Diagnostic>,
}

impl<'p> Walk<'_, 'p> {
    fn arena(&self) -> &'p Arena {
        &self.machine.program.arena
    }

    /// Whether so many errors were found that further names are not looked at.
    fn is_enough(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// Runs `inner` with more names, and forgets them.
    fn with(&mut self, names: impl IntoIterator<Item = NameId>, inner: impl FnOnce(&mut Self)) {
        let before = self.scope.len();
        self.scope.extend(names);
        inner(self);
        self.scope.truncate(before);
    }

    fn items(&mut self, items: &'p [Item]) {
        items.iter().for_each(|item| self.item(item));
    }

    fn item(&mut self, item: &'p Item) {
        match item {
            Item::Declare(declare) => {
                self.key(&declare.name);
                self.expr(declare.body);
            }
            Item::Let(id) => self.let_item(*id),
            Item::Import(_) => {}
            Item::For(item) => {
                self.expr(item.source);
                self.with(names_of(&item.vars), |walk| walk.block(&item.items));
            }
            Item::If(item) => {
                self.expr(item.condition);
                self.block(&item.then);
                self.block(&item.otherwise);
            }
            Item::Assert(assert) => self.assert(assert),
        }
    }

    /// The items in braces; their `let`s are seen by all of them.
    fn block(&mut self, items: &'p [Item]) {
        let arena = &self.machine.program.arena;
        let names = items.iter().filter_map(|item| match item {
            Item::Let(id) => Some(arena.let_item(*id).name.name),
            _ => None,
        });
        self.with(names, |walk| walk.items(items));
    }

    /// Defaults see all parameters, as they do when the template is called.
    fn let_item(&mut self, id: LetId) {
        let item = self.machine.program.arena.let_item(id);
        let params = item.params.as_deref().unwrap_or_default();
        self.with(params.iter().map(|param| param.name.name), |walk| {
            params
                .iter()
                .filter_map(|param| param.default)
                .for_each(|default| walk.expr(default));
            walk.expr(item.value);
        });
    }

    fn assert(&mut self, assert: &'p Assert) {
        self.expr(assert.condition);
        self.expr(assert.message);
        assert.body.into_iter().for_each(|body| self.expr(body));
    }

    /// Chains of operators and of `let` are loops, so that a long one is not deep.
    fn expr(&mut self, mut id: ExprId) {
        let arena = &self.machine.program.arena;
        let before = self.scope.len();
        if self.is_enough() {
            return;
        }
        loop {
            match &arena.expr(id).kind {
                ExprKind::Binary(_, left, right) => {
                    self.expr(*right);
                    id = *left;
                }
                ExprKind::Let(binding) => {
                    self.expr(binding.value);
                    self.scope.push(binding.name.name);
                    id = binding.body;
                }
                kind => {
                    self.kind(kind, arena.span(id));
                    break;
                }
            }
        }
        self.scope.truncate(before);
    }

    fn kind(&mut self, kind: &'p ExprKind, span: Span) {
        match kind {
            ExprKind::Template(parts) | ExprKind::Path(parts) => self.parts(self.arena().all(*parts)),
            ExprKind::List(items) => self.arena().all(*items).iter().for_each(|item| self.expr(*item)),
            ExprKind::ListFor(rule, item) => self.repeated(rule, |walk| walk.expr(*item)),
            ExprKind::Set(entries) => self
                .arena()
                .all(*entries)
                .iter()
                .for_each(|entry| self.entry(entry)),
            ExprKind::SetFor(parts) => self.repeated(&parts.0, |walk| walk.entry(&parts.1)),
            ExprKind::Name(name) => self.name(*name, span),
            ExprKind::Select(select) => self.select(self.arena().select(*select)),
            ExprKind::Has(select) => {
                let select = self.arena().select(*select);
                self.expr(select.base);
                self.keys(select);
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Build(build) => {
                let fetches = &**self.machine.word(build.builder.name) == "fetch";
                let before = std::mem::replace(&mut self.in_fetch, fetches);
                self.expr(build.attrs);
                self.in_fetch = before;
            }
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
        self.expr(entry.value);
    }

    fn key(&mut self, key: &'p Key) {
        if let KeyName::Computed(id) = &key.name {
            self.expr(*id);
        }
    }

    fn keys(&mut self, select: &'p Select) {
        self.arena().all(select.keys).iter().for_each(|key| self.key(key));
        select.default.into_iter().for_each(|default| self.expr(default));
    }

    fn repeated(&mut self, rule: &'p Comprehension, inner: impl FnOnce(&mut Self)) {
        self.expr(rule.source);
        self.with(names_of(&rule.vars), |walk| {
            rule.condition
                .into_iter()
                .for_each(|condition| walk.expr(condition));
            inner(walk);
        });
    }

    fn select(&mut self, select: &'p Select) {
        self.keys(select);
        let arena = &self.machine.program.arena;
        match &arena.expr(select.base).kind {
            ExprKind::Name(name) if self.is_local(*name) => {}
            ExprKind::Name(name) => match self.machine.file_name(self.file, *name) {
                Some(Binding::Module(file)) => self.imported(file, *name, &arena.all(select.keys)[0]),
                Some(_) => {}
                None if &**self.machine.word(*name) == "exec" && !self.in_fetch => {
                    self.errors.push(misplaced_exec(arena.span(select.base)));
                }
                None if Machine::is_root_word(arena.name(*name)) => {}
                None => self.name(*name, arena.span(select.base)),
            },
            _ => self.expr(select.base),
        }
    }

    /// `lib.key`
    fn imported(&mut self, file: FileId, alias: NameId, key: &Key) {
        let KeyName::Fixed(name) = key.name else { return };
        let text = self.machine.word(name);
        let known = self.machine.file_name(file, name).is_some() || Machine::is_reference_word(text);
        if !known && !self.machine.is_foreign(file) {
            let alias = self.machine.word(alias);
            self.errors
                .push(self.machine.unknown_import_error(file, alias, text, key));
        }
    }

    fn call(&mut self, call: &'p Call) {
        self.arena()
            .all(call.args)
            .iter()
            .for_each(|arg| self.expr(arg.value));
        let arena = &self.machine.program.arena;
        let span = arena.span(call.callee);
        match &arena.expr(call.callee).kind {
            ExprKind::Name(name) if self.is_known(*name) || Machine::is_builtin(arena.name(*name)) => {}
            ExprKind::Name(name) => {
                let name = self.machine.word(*name);
                let error = self.machine.unknown_function_error(name, span, &self.visible());
                self.errors.push(error);
            }
            _ => self.expr(call.callee),
        }
    }

    fn name(&mut self, name: NameId, span: Span) {
        if !self.is_known(name) {
            let name = self.machine.word(name);
            let error = self.machine.unknown_name_error(name, span, &self.visible());
            self.errors.push(error);
        }
    }

    fn is_local(&self, name: NameId) -> bool {
        self.scope.contains(&name)
    }

    fn is_known(&self, name: NameId) -> bool {
        self.is_local(name) || self.machine.file_name(self.file, name).is_some()
    }

    fn visible(&self) -> Vec<&str> {
        let inner = self.scope.iter().rev().map(|name| &**self.machine.word(*name));
        inner.chain(self.machine.visible(self.env)).collect()
    }
}

fn misplaced_exec(span: Span) -> Diagnostic {
    let message = "`exec` has no value here: what is built is the same whatever platform builds it";
    Diagnostic::error(codes::CONTEXT, message, span, "`exec` is read here").help(
        "only what stands inside of `fetch { … }` may depend on the platform that runs it, such as its `url`",
    )
}

fn names_of(vars: &Vars) -> impl Iterator<Item = NameId> {
    let second = vars.second.map(|word| word.name);
    std::iter::once(vars.first.name).chain(second)
}
