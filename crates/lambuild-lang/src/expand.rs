//! Which declarations a file makes: `for` and `if` items are worked off, names
//! are computed. Knows no attributes.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::machine::context::Context;
use crate::machine::value::{Eval, Fail};
use crate::machine::{EnvId, MAX_ERRORS, Machine, duplicate_names};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Declare, DeclareKind, ExprId, ForItem, IfItem, Item, Name};

/// Bytes that a declaration is counted with: its name, its place in every list, its address.
const DECLARED_BYTES: usize = 1024;

/// A declaration whose name is known.
pub(crate) struct Declared {
    pub kind: DeclareKind,
    pub name: Name,
    /// Where the name stands.
    pub span: Span,
    pub body: ExprId,
    pub env: EnvId,
    pub file: FileId,
}

/// What a file may declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A workspace's own `lambda.build`.
    Root,
    /// Named by `workspace.include`.
    Included,
    /// Any other folder's `lambda.build`.
    Folder,
    /// An imported file.
    Library,
}

/// The declarations of a file, and what is wrong with its items.
pub(crate) fn expand(
    machine: &mut Machine<'_>,
    file: FileId,
    role: Role,
    errors: &mut Vec<Diagnostic>,
) -> Vec<Declared> {
    let env = machine.open(file);
    let mut expansion = Expansion {
        machine,
        role,
        file,
        declared: Vec::new(),
        errors,
    };
    let program = expansion.machine.program;
    expansion.items(&program.module(file).items, env, true);
    expansion.declared
}

struct Expansion<'e, 'm, 'p> {
    machine: &'m mut Machine<'p>,
    role: Role,
    file: FileId,
    declared: Vec<Declared>,
    errors: &'e mut Vec<Diagnostic>,
}

impl<'p> Expansion<'_, '_, 'p> {
    fn items(&mut self, items: &'p [Item], env: EnvId, top: bool) {
        self.errors.extend(duplicate_names(self.machine.program, items));
        for item in items {
            if let Err(Fail::Error(error)) = self.item(item, env, top) {
                self.errors.push((*error).clone());
            }
        }
    }

    fn item(&mut self, item: &'p Item, env: EnvId, top: bool) -> Eval<()> {
        match item {
            Item::Declare(declare) => self.declare(declare, env, top),
            Item::For(item) => self.repeat(item, env),
            Item::If(item) => self.choose(item, env),
            Item::Assert(assert) => {
                let span = self.machine.program.arena.span(assert.condition);
                self.machine.assert(assert, span, env, Context::NONE).map(drop)
            }
            Item::Import(import) if !top => {
                let message = "`import` stands at the top of a file, not in braces";
                self.errors.push(Diagnostic::error(
                    codes::MISPLACED,
                    message,
                    import.name.span,
                    "in braces here",
                ));
                Ok(())
            }
            Item::Let(_) | Item::Import(_) => Ok(()),
        }
    }

    fn repeat(&mut self, item: &'p ForItem, env: EnvId) -> Eval<()> {
        let at = self.machine.program.arena.span(item.source);
        for names in self.machine.rounds(&item.vars, item.source, env, Context::NONE)? {
            self.machine.step(at)?;
            if self.errors.len() > MAX_ERRORS {
                return Err(Fail::Reported);
            }
            let round = self.machine.block(env, names, &item.items);
            self.items(&item.items, round, false);
        }
        Ok(())
    }

    fn choose(&mut self, item: &'p IfItem, env: EnvId) -> Eval<()> {
        let holds = self
            .machine
            .condition("`if`", item.condition, env, Context::NONE)?;
        let items = if holds { &item.then } else { &item.otherwise };
        let block = self.machine.block(env, Vec::new(), items);
        self.items(items, block, false);
        Ok(())
    }

    fn declare(&mut self, declare: &Declare, env: EnvId, top: bool) -> Eval<()> {
        if let Some(error) = self.misplaced(declare, top) {
            self.errors.push(error);
            return Ok(());
        }
        if declare.kind == DeclareKind::Workspace {
            return Ok(());
        }
        let name = self.machine.key_name(&declare.name, env, Context::NONE)?;
        let span = declare.name.span;
        if let Some(error) = bad_name(declare.kind, &name, span) {
            return Err(self.machine.fail(env, error));
        }
        self.machine.bytes(DECLARED_BYTES, span)?;
        self.declared.push(Declared {
            kind: declare.kind,
            name,
            span,
            body: declare.body,
            env,
            file: self.file,
        });
        Ok(())
    }

    fn misplaced(&self, declare: &Declare, top: bool) -> Option<Diagnostic> {
        use DeclareKind::*;
        let word = declare.kind.word();
        let (fits, where_to) = match declare.kind {
            Workspace => (
                top && self.role == Role::Root,
                "at the top of the root's `lambda.build`",
            ),
            Toolchain | Stage => (
                matches!(self.role, Role::Root | Role::Included),
                "in the root's `lambda.build` or in a file that `workspace.include` names",
            ),
            Function | Layer | Target => (
                matches!(self.role, Role::Root | Role::Folder),
                "in a folder's `lambda.build`",
            ),
        };
        let message = format!("`{word}` stands {where_to}");
        (!fits).then(|| {
            Diagnostic::error(
                codes::MISPLACED,
                message,
                declare.span,
                format!("this {word} cannot be here"),
            )
        })
    }
}

/// The rule for names of declarations: `[A-Za-z0-9_][A-Za-z0-9._-]*`, of at most
/// 200 bytes, so that with a suffix it is still a file name.
fn bad_name(kind: DeclareKind, name: &str, span: Span) -> Option<Diagnostic> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = |c: char| first(c) || c == '.' || c == '-';
    let reserved = kind == DeclareKind::Target && name == "name";
    if reserved {
        let message = "a target cannot be called `name`: `target.name` is the name of the target at hand";
        return Some(Diagnostic::error(
            codes::RESERVED_NAME,
            message,
            span,
            "take another name",
        ));
    }
    if name.starts_with(first) && name.chars().all(rest) && name.len() <= 200 {
        return None;
    }
    let message = format!("{name:?} cannot be the name of a {}", kind.word());
    let error = Diagnostic::error(codes::BAD_NAME, message, span, "this name");
    Some(error.help("a name is letters, digits, `_`, `.` and `-`, begins with a letter, a digit or `_`, and has at most 200 of them"))
}
