//! Names: what can be seen from where. A file sees its own `let`s and imports;
//! a template sees its parameters and the file that wrote it.

use super::Machine;
use super::value::{Eval, ThunkId};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Item, LetId, NameId};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Bytes that a name of an environment is counted with; the list that holds it grows by doubling.
const NAME_BYTES: u64 = 32;

/// Names that are looked through for the price of a step.
const FEW_NAMES: usize = 32;

/// An environment, by its place in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnvId(pub u32);

/// Names that belong together, and the environment around them.
pub(super) struct Env {
    /// `None`: the file itself, whose names are kept by file.
    parent: Option<EnvId>,
    pub file: FileId,
    names: Vec<(NameId, Binding)>,
    /// Set where a template's body begins.
    pub call: Option<CallSite>,
}

impl Env {
    pub(super) fn parent(&self) -> Option<EnvId> {
        self.parent
    }
}

/// The call that a template's body is evaluated for.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallSite {
    pub span: Span,
    pub template: LetId,
    pub caller: EnvId,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Binding {
    Value(ThunkId),
    /// A template, and what it sees.
    Template(LetId, EnvId),
    /// An imported file.
    Module(FileId),
    /// An import that failed, or a name that is declared twice: reported already.
    Broken,
}

impl Machine<'_> {
    /// What a name means here.
    pub(crate) fn lookup(&self, env: EnvId, name: NameId) -> Option<Binding> {
        self.search(env, name).0
    }

    /// What a name means here; looking through many names is paid for.
    pub(super) fn find(&mut self, env: EnvId, name: NameId, at: Span) -> Eval<Option<Binding>> {
        let (found, seen) = self.search(env, name);
        if seen > FEW_NAMES {
            self.steps((seen / FEW_NAMES) as u64, at)?;
        }
        Ok(found)
    }

    /// What a name means, and at how many names its search looked.
    fn search(&self, env: EnvId, name: NameId) -> (Option<Binding>, usize) {
        let (mut at, mut seen) = (env, 0);
        loop {
            let scope = &self.state.envs[at.0 as usize];
            seen += scope.names.len();
            if let Some((_, binding)) = scope.names.iter().find(|(known, _)| *known == name) {
                return (Some(*binding), seen);
            }
            match scope.parent {
                Some(parent) => at = parent,
                None => return (self.file_name(scope.file, name), seen),
            }
        }
    }

    /// What a name means at the top of a file that was opened.
    pub(crate) fn file_name(&self, file: FileId, name: NameId) -> Option<Binding> {
        self.state.file_names.get(&file)?.get(&name).copied()
    }

    /// Whether a file belongs to no workspace of this evaluation; importing it is
    /// reported already. While the workspaces are still being read, nothing is foreign.
    pub(crate) fn is_foreign(&self, file: FileId) -> bool {
        let owners = &self.state.world.owners;
        !owners.is_empty() && !owners.contains_key(&file)
    }

    /// Every name that can be seen, for "did you mean".
    pub(crate) fn visible(&self, env: EnvId) -> Vec<&str> {
        let mut names = Vec::new();
        let mut at = Some(env);
        while let Some(id) = at {
            let scope = &self.state.envs[id.0 as usize];
            names.extend(scope.names.iter().map(|(name, _)| &**self.word(*name)));
            at = scope.parent;
        }
        names.extend(self.names_of_file(self.file_of(env)));
        names
    }

    /// The names at the top of a file, sorted.
    pub(super) fn names_of_file(&self, file: FileId) -> Vec<&str> {
        let known = self.state.file_names.get(&file).into_iter();
        let mut names: Vec<&str> = known
            .flat_map(|names| names.keys())
            .map(|name| &**self.word(*name))
            .collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn file_of(&self, env: EnvId) -> FileId {
        self.state.envs[env.0 as usize].file
    }

    pub(super) fn env(&self, id: EnvId) -> &Env {
        &self.state.envs[id.0 as usize]
    }

    /// An environment inside `parent`.
    pub(crate) fn inner(&mut self, parent: EnvId, names: Vec<(NameId, Binding)>) -> EnvId {
        let file = self.file_of(parent);
        self.push_env(Env {
            parent: Some(parent),
            file,
            names,
            call: None,
        })
    }

    pub(super) fn body(&mut self, parent: EnvId, names: Vec<(NameId, Binding)>, call: CallSite) -> EnvId {
        let file = self.file_of(parent);
        self.push_env(Env {
            parent: Some(parent),
            file,
            names,
            call: Some(call),
        })
    }

    fn push_env(&mut self, env: Env) -> EnvId {
        let names = env.names.len() as u64 * NAME_BYTES;
        self.owe(size_of::<Env>() as u64 + names);
        self.state.envs.push(env);
        EnvId(self.state.envs.len() as u32 - 1)
    }

    /// Adds a name to an environment that was just made.
    pub(super) fn bind(&mut self, env: EnvId, name: NameId, binding: Binding) {
        self.owe(NAME_BYTES);
        self.state.envs[env.0 as usize].names.push((name, binding));
    }

    /// The environment of a file; its names are collected when it is first asked for.
    pub(crate) fn open(&mut self, file: FileId) -> EnvId {
        if let Some(known) = self.state.scopes.get(&file) {
            return *known;
        }
        let env = self.push_env(Env {
            parent: None,
            file,
            names: Vec::new(),
            call: None,
        });
        self.state.scopes.insert(file, env);
        let names = self.file_bindings(file, env);
        self.state.file_names.insert(file, names);
        env
    }

    fn file_bindings(&mut self, file: FileId, env: EnvId) -> BTreeMap<NameId, Binding> {
        let program = self.program;
        let module = program.module(file);
        let mut names: BTreeMap<NameId, Binding> = module
            .imports
            .iter()
            .map(|(name, (_, target))| (*name, target.map_or(Binding::Broken, Binding::Module)))
            .collect();
        for item in &module.items {
            if let Item::Let(id) = item {
                let binding = self.let_binding(*id, env);
                names
                    .entry(program.arena.let_item(*id).name.name)
                    .or_insert(binding);
            }
        }
        names
    }

    fn let_binding(&mut self, id: LetId, env: EnvId) -> Binding {
        let item = self.program.arena.let_item(id);
        match item.params {
            Some(_) => Binding::Template(id, env),
            None => Binding::Value(self.delay(item.value, env)),
        }
    }

    /// The environment of the items in the braces of a `for` or `if`.
    pub(crate) fn block(&mut self, parent: EnvId, names: Vec<(NameId, Binding)>, items: &[Item]) -> EnvId {
        let env = self.inner(parent, names);
        for item in items {
            if let Item::Let(id) = item {
                let binding = self.let_binding(*id, env);
                self.bind(env, self.program.arena.let_item(*id).name.name, binding);
            }
        }
        env
    }
}

/// Names that one file, or one block of it, gives twice.
pub(crate) fn duplicate_names(program: &crate::program::Program, items: &[Item]) -> Vec<Diagnostic> {
    let mut first: FxHashMap<NameId, Span> = FxHashMap::default();
    let mut errors = Vec::new();
    for item in items {
        let word = match item {
            Item::Let(id) => &program.arena.let_item(*id).name,
            Item::Import(import) => &import.name,
            _ => continue,
        };
        match first.get(&word.name) {
            None => drop(first.insert(word.name, word.span)),
            Some(before) => errors.push(twice(program.arena.name(word.name), *before, word.span)),
        }
    }
    errors
}

/// The error of a name that is declared at two places, or twice at one by a `for`.
pub(crate) fn twice(name: &str, first: Span, second: Span) -> Diagnostic {
    let message = format!("`{name}` is declared twice");
    if first == second {
        return Diagnostic::error(
            codes::DUPLICATE_NAME,
            message,
            second,
            "declared in more than one round",
        )
        .help("a `for` declares its items once for each round: compute the name from the round");
    }
    Diagnostic::error(codes::DUPLICATE_NAME, message, second, "declared again here")
        .label(first, "first declared here")
}
