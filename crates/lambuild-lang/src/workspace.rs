//! Which workspaces there are, what each says of itself, and which files belong to which.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::evaluation::{Options, Schemas};
use crate::expand::Role;
use crate::files::{BUILD_FILE, FileKind, Files};
use crate::machine::context::Context;
use crate::machine::value::{Shape, Slot, Slots, ThunkId};
use crate::machine::{Machine, State};
use crate::program::Program;
use crate::schema::{Attribute, Schema, Type};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::SyntaxTree;
use crate::syntax::ast::{Declare, DeclareKind, Item, Key, KeyName, Name};
use crate::target::Workspace;
use crate::typed::{Checker, Owner, unknown_attribute};
use crate::value::{Arch, Attrs, Data, Value};
use crate::version;
use crate::world::WorkspaceBody;
use lambuild_digest::RelPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The attributes of a `workspace` item. The patterns and `defaults` are here for
/// their names; they are evaluated for each target.
pub static WORKSPACE: Schema = Schema {
    name: "workspace",
    doc: "The root of a workspace and what holds for all of it.",
    attributes: &[
        Attribute::new(
            "architectures",
            ARCHITECTURES,
            "what targets are built for, unless one says otherwise",
        )
        .default("[\"x86_64\"]"),
        Attribute::new(
            "function_name",
            Type::Any,
            "the deployed name of a function, with `${stage.name}` and `${target.name}`",
        ),
        Attribute::new(
            "layer_name",
            Type::Any,
            "the deployed name of a layer, with `${stage.name}` and `${target.name}`",
        ),
        Attribute::new(
            "defaults",
            Type::Any,
            "deploy attributes of every function (`defaults.function`) or layer (`defaults.layer`)",
        ),
        Attribute::new(
            "vars",
            Type::Any,
            "values of your own, read as `workspace.vars.…`",
        ),
        Attribute::new(
            "include",
            PATHS,
            "files beside this one that declare toolchains and stages",
        ),
        Attribute::new(
            "members",
            PATHS,
            "folders with a workspace of their own that belong to this one",
        ),
        Attribute::new(
            "exclude",
            PATHS,
            "folders whose `lambda.build` files are left out",
        ),
        Attribute::new(
            "lambuild",
            Type::Str { min: 1, max: 100 },
            "the versions of lambuild that can build it, such as \">=0.3\"",
        ),
    ],
};

const PATHS: Type = Type::List {
    item: &Type::Path,
    max: 10_000,
};
/// Which names there are, and that none comes twice, is judged by [`architectures`].
pub(crate) const ARCHITECTURES: Type = Type::List {
    item: &Type::Str {
        min: 0,
        max: usize::MAX,
    },
    max: 100,
};

/// Attributes of `workspace` that depend on the target, so they are left for later.
const LATER: [&str; 4] = ["function_name", "layer_name", "defaults", "vars"];

/// Reads the workspaces; the answer are the files that belong to them, with their roles.
pub(crate) struct Discovery<'d> {
    pub files: &'d dyn Files,
    pub schemas: Schemas<'d>,
    pub options: &'d Options,
    pub program: &'d mut Program,
    pub sources: &'d mut SourceMap,
    pub state: &'d mut State,
    pub errors: &'d mut Vec<Diagnostic>,
}

/// A workspace before all of them are known.
struct Draft {
    workspace: Workspace,
    body: WorkspaceBody,
    members: Vec<(RelPath, Span)>,
    exclude: Vec<RelPath>,
    include: Vec<(RelPath, Span)>,
}

impl Discovery<'_> {
    /// Finds the workspaces and the files of each; the first workspace is the root's.
    pub(crate) fn run(&mut self) -> Vec<(FileId, Role)> {
        let Some(build_files) = self.build_files() else {
            return Vec::new();
        };
        for path in &build_files {
            self.program.load(path, self.files, self.sources);
        }
        let drafts = self.read_workspaces();
        let mut roles = self.own_files(&build_files, &drafts);
        self.include_files(&drafts, &mut roles);
        let world = &mut self.state.world;
        for draft in drafts {
            world.workspaces.push(draft.workspace);
            world.workspace_bodies.push(draft.body);
        }
        self.follow_all(&mut roles);
        roles
    }

    fn build_files(&mut self) -> Option<Vec<RelPath>> {
        let root = RelPath::root().child(BUILD_FILE).ok()?;
        let files = match self.files.build_files() {
            Ok(files) => files,
            Err(why) => {
                self.errors.push(without_place(
                    codes::UNREADABLE,
                    format!("the workspace cannot be read: {why}"),
                ));
                return None;
            }
        };
        if !files.contains(&root) && self.files.kind(&root) != Some(FileKind::File) {
            let error = without_place(codes::NO_WORKSPACE, format!("there is no `{BUILD_FILE}` here"));
            self.errors.push(error.help("`lambuild init` writes one"));
            return None;
        }
        Some(files)
    }

    /// The root's workspace first, then its members and theirs, by folder.
    fn read_workspaces(&mut self) -> Vec<Draft> {
        let mut found: BTreeMap<RelPath, Draft> = BTreeMap::new();
        let mut waiting: Vec<(RelPath, Option<Span>)> = vec![(RelPath::root(), None)];
        while let Some((dir, listed)) = waiting.pop() {
            if found.contains_key(&dir) {
                continue;
            }
            if let Some(draft) = self.read_workspace(&dir, listed) {
                waiting.extend(draft.members.iter().map(|(dir, span)| (dir.clone(), Some(*span))));
                found.insert(dir, draft);
            }
        }
        found.into_values().collect()
    }

    fn read_workspace(&mut self, dir: &RelPath, listed: Option<Span>) -> Option<Draft> {
        let path = dir.child(BUILD_FILE).ok()?;
        let id = self.program.find(&path);
        let Some((id, declared)) = id.and_then(|id| Some((id, workspace_item(self.program.module(id))?)))
        else {
            self.no_workspace(dir, listed, id);
            return None;
        };
        let (body, name, span) = (
            declared.body,
            name_text(self.program, &declared.name),
            declared.name.span,
        );
        self.one_workspace_only(id);
        self.program.follow(id, self.files, self.sources);
        let mut machine = Machine {
            program: self.program,
            sources: self.sources,
            files: self.files,
            schemas: self.schemas,
            options: self.options,
            state: self.state,
        };
        let env = machine.open(id);
        let thunk = machine.delay(body, env);
        let mut checker = Checker::new(&mut machine, Context::NONE, true);
        let draft = read_body(&mut checker, thunk, (dir, name, span));
        self.errors.append(&mut checker.errors);
        if draft.is_none() {
            // Without a workspace its files are not read further, so this is said here.
            self.errors.extend(self.program.module(id).errors.iter().cloned());
        }
        draft
    }

    fn no_workspace(&mut self, dir: &RelPath, listed: Option<Span>, file: Option<FileId>) {
        let broken = file.is_some_and(|id| !self.program.module(id).errors.is_empty());
        let error = match (listed, file) {
            // Its syntax errors say what is wrong.
            (None, Some(id)) if broken => return self.errors.extend(self.program.module(id).errors.clone()),
            (None, Some(id)) => Diagnostic::error(
                codes::NO_WORKSPACE,
                "the root's `lambda.build` has no `workspace` item",
                Span::new(id, 0, 0),
                "",
            )
            .help("add one: `workspace NAME { architectures = [\"arm64\"] }`"),
            (None, None) => without_place(codes::NO_WORKSPACE, format!("there is no `{BUILD_FILE}` here")),
            (Some(span), _) => Diagnostic::error(
                codes::NO_WORKSPACE,
                format!("`{dir}` is no workspace: its `lambda.build` has no `workspace` item"),
                span,
                "listed as a member here",
            )
            .help("a folder without one belongs to this workspace anyway: take it out of `members`"),
        };
        self.errors.push(error);
    }

    fn one_workspace_only(&mut self, id: FileId) {
        let mut items = self.program.module(id).items.iter().filter_map(as_workspace);
        let first = items.next().map(|item| item.name.span);
        let again: Vec<Span> = items.map(|item| item.name.span).collect();
        for (span, first) in again.into_iter().zip(first.into_iter().cycle()) {
            let error = Diagnostic::error(
                codes::MISPLACED,
                "a file has one `workspace` item",
                span,
                "a second one",
            )
            .label(first, "the first one");
            self.errors.push(error);
        }
    }

    /// The files of each workspace: those whose nearest workspace folder it is.
    fn own_files(&mut self, build_files: &[RelPath], drafts: &[Draft]) -> Vec<(FileId, Role)> {
        let roots: BTreeSet<RelPath> = build_files
            .iter()
            .filter(|path| {
                self.program
                    .find(path)
                    .is_some_and(|id| workspace_item(self.program.module(id)).is_some())
            })
            .filter_map(RelPath::parent)
            .collect();
        let mut roles = Vec::new();
        for path in build_files {
            let (Some(id), Some(dir)) = (self.program.find(path), path.parent()) else {
                continue;
            };
            let Some(root) = nearest_root(&dir, &roots) else {
                continue;
            };
            let Some(index) = drafts.iter().position(|draft| draft.workspace.dir == root) else {
                continue;
            };
            if drafts[index].exclude.iter().any(|out| dir.below(out).is_some()) {
                continue;
            }
            self.state.world.owners.insert(id, index);
            roles.push((id, if dir == root { Role::Root } else { Role::Folder }));
        }
        roles
    }

    fn include_files(&mut self, drafts: &[Draft], roles: &mut Vec<(FileId, Role)>) {
        for (index, draft) in drafts.iter().enumerate() {
            for (path, span) in &draft.include {
                if self.files.kind(path) != Some(FileKind::File) || !path.as_str().ends_with(".build") {
                    let message =
                        format!("`{path}` cannot be included: it is no file whose name ends in `.build`");
                    self.errors
                        .push(Diagnostic::error(codes::IMPORT, message, *span, "included here"));
                    continue;
                }
                let id = self.program.load(path, self.files, self.sources);
                if self.state.world.owners.insert(id, index).is_none() {
                    roles.push((id, Role::Included));
                }
            }
        }
    }

    /// Loads the imports of all files; the libraries among them join the files.
    fn follow_all(&mut self, roles: &mut Vec<(FileId, Role)>) {
        let mut at = 0;
        while at < roles.len() {
            let id = roles[at].0;
            at += 1;
            self.program.follow(id, self.files, self.sources);
            let imports: Vec<_> = self.program.module(id).imports.values().copied().collect();
            for (span, target) in imports {
                let Some(target) = target else { continue };
                if self.state.world.owners.contains_key(&target) {
                    continue;
                }
                if self.program.module(target).is_build_file {
                    self.errors.push(self.foreign_import(target, span));
                } else {
                    let owner = self.owner_of(target);
                    self.state.world.owners.insert(target, owner);
                    roles.push((target, Role::Library));
                }
            }
        }
    }

    fn foreign_import(&self, target: FileId, span: Span) -> Diagnostic {
        let path = &self.sources.file(target).path;
        let message = format!("`{path}` does not belong to this workspace");
        Diagnostic::error(codes::IMPORT, message, span, "imported under this name")
            .help("list its folder in `workspace.members`, or take it out of `workspace.exclude`")
    }

    /// The workspace whose folder is the nearest above a library file.
    fn owner_of(&self, file: FileId) -> usize {
        let dir = &self.program.module(file).dir;
        let holding = self.state.world.workspaces.iter().enumerate();
        let holding = holding.filter(|(_, workspace)| dir.below(&workspace.dir).is_some());
        holding
            .max_by_key(|(_, workspace)| workspace.dir.as_str().len())
            .map_or(0, |(index, _)| index)
    }
}

/// Whether a text has a `workspace` item, so that its folder is the root of a workspace.
///
/// For finding the root: the nearest folder at or above the current one whose
/// `lambda.build` answers `true`. A text with mistakes may answer too.
pub fn has_workspace(text: &str) -> bool {
    SyntaxTree::parse(text)
        .items
        .iter()
        .any(|item| as_workspace(item).is_some())
}

fn as_workspace(item: &Item) -> Option<&Declare> {
    match item {
        Item::Declare(declare) if declare.kind == DeclareKind::Workspace => Some(declare),
        _ => None,
    }
}

fn workspace_item(module: &crate::program::Module) -> Option<&Declare> {
    module.items.iter().find_map(as_workspace)
}

/// A key's text; a computed one has none before evaluation.
fn name_text(program: &Program, key: &Key) -> Name {
    match key.name {
        KeyName::Fixed(name) => program.arena.name(name).clone(),
        KeyName::Computed(_) => Name::from("workspace"),
    }
}

fn nearest_root(dir: &RelPath, roots: &BTreeSet<RelPath>) -> Option<RelPath> {
    let mut at = Some(dir.clone());
    while let Some(dir) = at {
        if roots.contains(&dir) {
            return Some(dir);
        }
        at = dir.parent();
    }
    None
}

/// What a workspace's item says; `None` when it is no set.
fn read_body(
    checker: &mut Checker<'_, '_>,
    thunk: ThunkId,
    (dir, name, span): (&RelPath, Name, Span),
) -> Option<Draft> {
    let slots = checker.set_of(
        thunk,
        Owner {
            text: "a workspace",
            span,
        },
    )?;
    let attrs = eager_attributes(checker, &slots, span);
    check_version(checker, &attrs);
    let architectures = match attrs.get("architectures") {
        Some(list) => architectures(list, &mut checker.errors),
        None => vec![Arch::X86_64],
    };
    let mut set = (*slots).clone();
    let value = checker.machine.known(Shape::Str(Arc::clone(&name)).at(span));
    set.entry(Name::from("name")).or_insert(Slot {
        key_span: span,
        value,
    });
    Some(Draft {
        workspace: Workspace {
            name,
            dir: dir.clone(),
            architectures,
            span,
        },
        body: WorkspaceBody {
            set: Arc::new(set),
            span,
        },
        members: paths(&attrs, "members"),
        exclude: paths(&attrs, "exclude")
            .into_iter()
            .map(|(path, _)| path)
            .collect(),
        include: paths(&attrs, "include"),
    })
}

/// Checks all names, and evaluates what does not depend on a target.
fn eager_attributes(checker: &mut Checker<'_, '_>, slots: &Slots, span: Span) -> Attrs {
    let (later, now): (Vec<_>, Vec<_>) = slots.iter().partition(|(name, _)| LATER.contains(&&***name));
    let now: Slots = now
        .into_iter()
        .map(|(name, slot)| (name.clone(), *slot))
        .collect();
    if let Some((_, slot)) = later.iter().find(|(name, _)| &***name == "defaults") {
        check_defaults(checker, **slot);
    }
    checker.attributes(
        &now,
        &WORKSPACE,
        Owner {
            text: "the workspace",
            span,
        },
    )
}

/// Checks that `defaults` is a set of `function` and `layer`, and the names in these.
pub(crate) fn check_defaults(checker: &mut Checker<'_, '_>, slot: Slot) {
    let Some(value) = checker.force(slot) else { return };
    let Shape::Set(kinds) = &value.shape else {
        let message = format!("`defaults` takes a set, found {}", value.shape.kind());
        checker.errors.push(Diagnostic::error(
            codes::ATTRIBUTE_TYPE,
            message,
            value.span,
            "this is no set",
        ));
        return;
    };
    let schemas = checker.machine.schemas;
    for (kind, slot) in kinds.iter() {
        match &**kind {
            "function" => check_names(checker, "a function", *slot, schemas.function),
            "layer" => check_names(checker, "a layer", *slot, schemas.layer),
            _ => {
                let error = unknown_attribute("`defaults`", kind, slot.key_span, ["function", "layer"]);
                let error = error.note("`defaults.function` and `defaults.layer` hold deploy attributes");
                checker.errors.push(error);
            }
        }
    }
}

/// Checks the names of default or overriding deploy attributes.
pub(crate) fn check_names(checker: &mut Checker<'_, '_>, owner: &str, slot: Slot, schema: &Schema) {
    let Some(value) = checker.force(slot) else { return };
    let Shape::Set(slots) = &value.shape else {
        let message = format!("the defaults of {owner} are a set, found {}", value.shape.kind());
        checker.errors.push(Diagnostic::error(
            codes::ATTRIBUTE_TYPE,
            message,
            value.span,
            "this is no set",
        ));
        return;
    };
    for (name, slot) in slots.iter() {
        let known = schema.attributes.iter().map(|attribute| attribute.name);
        if let Some(error) = not_overridable(name, slot.key_span) {
            checker.errors.push(error);
        } else if !known.clone().any(|known| known == &**name) {
            checker
                .errors
                .push(unknown_attribute(owner, name, slot.key_span, known));
        }
    }
}

/// The error of a default or override for something that is not a deploy attribute.
pub(crate) fn not_overridable(name: &str, span: Span) -> Option<Diagnostic> {
    if !["build", "content", "architectures"].contains(&name) {
        return None;
    }
    let message = format!("`{name}` cannot be a default or an override");
    let error = Diagnostic::error(codes::OVERRIDE, message, span, "this is no deploy attribute");
    Some(error.note("what is built is the same for every stage"))
}

fn check_version(checker: &mut Checker<'_, '_>, attrs: &Attrs) {
    let Some(Value {
        data: Data::Str(wanted),
        span,
    }) = attrs.get("lambuild")
    else {
        return;
    };
    let version = env!("CARGO_PKG_VERSION");
    let error = match version::fits(version, wanted) {
        Ok(true) => return,
        Ok(false) => Diagnostic::error(
            codes::VERSION,
            format!("this workspace needs lambuild {wanted}, this is {version}"),
            *span,
            "asked for here",
        )
        .help("install a version that fits"),
        Err(why) => Diagnostic::error(codes::INVALID, why, *span, "this version"),
    };
    checker.errors.push(error);
}

fn paths(attrs: &Attrs, name: &str) -> Vec<(RelPath, Span)> {
    let Some(Value {
        data: Data::List(items),
        ..
    }) = attrs.get(name)
    else {
        return Vec::new();
    };
    let path = |value: &Value| match &value.data {
        Data::Path(path) => Some((path.clone(), value.span)),
        _ => None,
    };
    items.iter().filter_map(path).collect()
}

/// The architectures of a list of names, with the errors of those that are none.
pub(crate) fn architectures(list: &Value, errors: &mut Vec<Diagnostic>) -> Vec<Arch> {
    let Data::List(items) = &list.data else {
        return vec![Arch::X86_64];
    };
    let mut found = Vec::new();
    let mut unknown = false;
    for item in items.iter() {
        let Data::Str(name) = &item.data else { continue };
        match Arch::parse(name) {
            Some(arch) if found.contains(&arch) => {
                let message = format!("the architecture `{arch}` is listed twice");
                errors.push(Diagnostic::error(
                    codes::ARCHITECTURE,
                    message,
                    item.span,
                    "again here",
                ));
            }
            Some(arch) => found.push(arch),
            None => {
                unknown = true;
                errors.push(unknown_architecture(name, item.span));
            }
        }
    }
    if found.is_empty() {
        if !unknown {
            let message = "something is built for one architecture at least";
            errors.push(Diagnostic::error(
                codes::ARCHITECTURE,
                message,
                list.span,
                "this list is empty",
            ));
        }
        return vec![Arch::X86_64];
    }
    found
}

pub(crate) fn unknown_architecture(name: &str, span: Span) -> Diagnostic {
    let message = format!("{name:?} is no architecture of AWS Lambda");
    let error = Diagnostic::error(codes::ARCHITECTURE, message, span, "unknown architecture");
    let usual = match name {
        "arm" | "aarch64" | "arm64v8" | "graviton" => Some("arm64"),
        "amd64" | "x64" | "x86" | "x86-64" | "intel" => Some("x86_64"),
        _ => crate::nearest(name, Arch::ALL.iter().map(|arch| arch.name())),
    };
    match usual {
        Some(near) => error.help(format!("did you mean {near:?}?")),
        None => error.help("there are \"arm64\" and \"x86_64\""),
    }
}

/// An error about no place of the source.
pub(crate) fn without_place(code: &'static str, message: String) -> Diagnostic {
    let mut error = Diagnostic::error(code, message, Span::new(FileId(0), 0, 0), "");
    error.labels.clear();
    error
}
