//! From declarations to the world's lists: targets, toolchains and stages, each
//! with its body, sorted, and without duplicates.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::expand::{Declared, Role, expand};
use crate::machine::context::{Ambient, Context};
use crate::machine::value::{Shape, Slot, Slots, ThunkId};
use crate::machine::{Machine, twice};
use crate::nearest;
use crate::select::Pattern;
use crate::source::{FileId, Span};
use crate::syntax::BUILDERS;
use crate::syntax::ast::{DeclareKind, ExprKind, Name};
use crate::target::{Stage, Target, TargetKind, Toolchain};
use crate::typed::{Checker, Owner, unknown_attribute};
use crate::value::{Arch, Attrs, TargetId, ToolchainId};
use crate::workspace::{architectures, check_defaults, not_overridable};
use crate::world::{Body, Override, StageBody};
use std::sync::Arc;

/// Fills the world from the files of all workspaces.
pub(crate) fn declare(machine: &mut Machine<'_>, files: &[(FileId, Role)], errors: &mut Vec<Diagnostic>) {
    let mut declared = Vec::new();
    for (file, role) in files {
        machine.state.budget.refill();
        errors.extend(machine.program.module(*file).errors.iter().cloned());
        declared.extend(expand(machine, *file, *role, errors));
    }
    let of = |kinds: &[DeclareKind], all: &mut Vec<Declared>| -> Vec<Declared> {
        all.extract_if(.., |item| kinds.contains(&item.kind)).collect()
    };
    let toolchains = of(&[DeclareKind::Toolchain], &mut declared);
    let stages = of(&[DeclareKind::Stage], &mut declared);
    declare_targets(machine, declared, errors);
    declare_toolchains(machine, toolchains, errors);
    declare_stages(machine, stages, errors);
    machine.state.world.complete = true;
    read_toolchains(machine, errors);
    read_shapes(machine, errors);
}

fn owner(machine: &Machine<'_>, file: FileId) -> usize {
    machine.state.world.owners.get(&file).copied().unwrap_or(0)
}

/// Sorts declarations by group and name, and reports names that come twice in a group.
fn unique<G: Ord + Clone>(
    declared: Vec<Declared>,
    group: impl Fn(&Declared) -> G,
    errors: &mut Vec<Diagnostic>,
) -> Vec<Declared> {
    let mut sorted = declared;
    sorted.sort_by(|a, b| (group(a), &a.name, a.span).cmp(&(group(b), &b.name, b.span)));
    let mut kept: Vec<Declared> = Vec::with_capacity(sorted.len());
    for item in sorted {
        match kept.last() {
            Some(last) if last.name == item.name && group(last) == group(&item) => {
                let error = twice(&item.name, last.span, item.span);
                errors.push(if last.span == item.span {
                    error.help("a `for` declares one target for each round: compute the name from the round")
                } else {
                    error
                });
            }
            _ => kept.push(item),
        }
    }
    kept
}

fn declare_targets(machine: &mut Machine<'_>, declared: Vec<Declared>, errors: &mut Vec<Diagnostic>) {
    let program = machine.program;
    let declared = unique(declared, |item| program.module(item.file).dir.clone(), errors);
    for (index, item) in declared.into_iter().enumerate() {
        let id = TargetId(index as u32);
        let workspace = owner(machine, item.file);
        let kind = match item.kind {
            DeclareKind::Function => TargetKind::Function,
            DeclareKind::Layer => TargetKind::Layer,
            _ => TargetKind::Target,
        };
        let value = machine.delay(item.body, item.env);
        let world = &mut machine.state.world;
        world.target_names.insert((item.file, item.name.clone()), id);
        world.target_bodies.push(Body {
            value,
            file: item.file,
        });
        world.targets.push(Target {
            id,
            kind,
            workspace,
            dir: program.module(item.file).dir.clone(),
            name: item.name,
            span: item.span,
            architectures: world
                .workspaces
                .get(workspace)
                .map(|w| w.architectures.clone())
                .unwrap_or_default(),
        });
    }
}

/// Names first: bodies may refer to each other's.
fn declare_toolchains(machine: &mut Machine<'_>, declared: Vec<Declared>, errors: &mut Vec<Diagnostic>) {
    let world = &machine.state.world;
    let declared = unique(
        declared,
        |item| world.owners.get(&item.file).copied().unwrap_or(0),
        errors,
    );
    for item in declared {
        let Some((kind, set)) = toolchain_body(machine, &item, errors) else {
            continue;
        };
        let workspace = owner(machine, item.file);
        let value = machine.delay(set, item.env);
        let world = &mut machine.state.world;
        let id = ToolchainId(world.toolchains.len() as u32);
        world.toolchain_names.insert((workspace, item.name.clone()), id);
        world.toolchain_bodies.push(value);
        let attrs = Attrs::default();
        world.toolchains.push(Toolchain {
            id,
            workspace,
            name: item.name,
            kind,
            attrs,
            span: item.span,
        });
    }
}

/// `toolchain go {…}` is of the kind `go`, and so is `toolchain old = go {…}`.
fn toolchain_body(
    machine: &Machine<'_>,
    item: &Declared,
    errors: &mut Vec<Diagnostic>,
) -> Option<(Name, crate::syntax::ast::ExprId)> {
    let (kind, span, set) = match &machine.program.arena.expr(item.body).kind {
        ExprKind::Build(build) => (build.builder.name.clone(), build.builder.span, build.attrs),
        ExprKind::Broken => return None,
        _ => (item.name.clone(), item.span, item.body),
    };
    let known = machine.schemas.toolchains;
    if known.iter().any(|schema| schema.name == &*kind) {
        return Some((kind, set));
    }
    let later = BUILDERS.contains(&&*kind) || ["sh", "esbuild", "uv", "zig"].contains(&&*kind);
    let error = if later {
        let message = format!("this version of lambuild does not have toolchains of the kind `{kind}` yet");
        Diagnostic::error(codes::NOT_YET, message, span, "used here")
    } else {
        let message = format!("there is no kind of toolchain `{kind}`");
        let error = Diagnostic::error(codes::UNKNOWN_BUILDER, message, span, "unknown kind");
        match nearest(&kind, known.iter().map(|schema| schema.name)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!(
                "to give a toolchain a name of its own, write `toolchain {} = go {{ … }}`",
                item.name
            )),
        }
    };
    errors.push(error);
    None
}

fn read_toolchains(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    for index in 0..machine.state.world.toolchains.len() {
        machine.state.budget.refill();
        let toolchain = &machine.state.world.toolchains[index];
        let (kind, span) = (toolchain.kind.clone(), toolchain.span);
        let text = format!("the toolchain `{}`", toolchain.name);
        let value = machine.state.world.toolchain_bodies[index];
        let schemas = machine.schemas.toolchains;
        let Some(schema) = schemas.iter().find(|schema| schema.name == &*kind) else {
            continue;
        };
        let mut checker = Checker::new(machine, Context::NONE, true);
        let slots = set_of(&mut checker, value, span, &text);
        let attrs = slots.map(|slots| checker.attributes(&slots, schema, Owner { text: &text, span }));
        errors.append(&mut checker.errors);
        machine.state.world.toolchains[index].attrs = attrs.unwrap_or_default();
    }
}

/// A body that must be a set.
fn set_of(checker: &mut Checker<'_, '_>, value: ThunkId, span: Span, owner: &str) -> Option<Arc<Slots>> {
    let value = checker.force(Slot {
        key_span: span,
        value,
    })?;
    if let Shape::Set(slots) = value.shape {
        return Some(slots);
    }
    let message = format!("{owner} is a set, found {}", value.shape.kind());
    let error = Diagnostic::error(
        codes::DECLARATION,
        message,
        value.span,
        format!("this is {}", value.shape.kind()),
    );
    checker.errors.push(error);
    None
}

fn declare_stages(machine: &mut Machine<'_>, declared: Vec<Declared>, errors: &mut Vec<Diagnostic>) {
    let world = &machine.state.world;
    let declared = unique(
        declared,
        |item| world.owners.get(&item.file).copied().unwrap_or(0),
        errors,
    );
    for item in declared {
        machine.state.budget.refill();
        let workspace = owner(machine, item.file);
        let value = machine.delay(item.body, item.env);
        let text = format!("the stage `{}`", item.name);
        let schema = machine.schemas.stage;
        let mut checker = Checker::new(machine, Context::NONE, false);
        let Some(slots) = set_of(&mut checker, value, item.span, &text) else {
            errors.append(&mut checker.errors);
            continue;
        };
        let mut own = (*slots).clone();
        let (defaults, overrides) = (own.shift_remove("defaults"), own.shift_remove("overrides"));
        let attrs = checker.attributes(
            &own,
            schema,
            Owner {
                text: &text,
                span: item.span,
            },
        );
        if let Some(defaults) = defaults {
            check_defaults(&mut checker, defaults);
        }
        let dir = checker
            .machine
            .state
            .world
            .workspaces
            .get(workspace)
            .map(|w| w.dir.clone());
        let overrides = overrides.map(|slot| {
            read_overrides(
                &mut checker,
                slot,
                &dir.unwrap_or_else(lambuild_digest::RelPath::root),
            )
        });
        errors.append(&mut checker.errors);
        let world = &mut machine.state.world;
        world.stages.push(Stage {
            workspace,
            name: item.name,
            attrs,
            span: item.span,
        });
        world.stage_bodies.push(StageBody {
            set: slots,
            overrides: overrides.unwrap_or_default(),
        });
    }
}

/// `[{ targets = "…", set = {…} }, …]`
fn read_overrides(
    checker: &mut Checker<'_, '_>,
    slot: Slot,
    dir: &lambuild_digest::RelPath,
) -> Vec<Override> {
    let Some(list) = checker.force(slot) else {
        return Vec::new();
    };
    let Shape::List(items) = &list.shape else {
        let message = format!("`overrides` takes a list, found {}", list.shape.kind());
        let error = Diagnostic::error(codes::ATTRIBUTE_TYPE, message, list.span, "this is no list");
        checker
            .errors
            .push(error.help("write `[{ targets = \"dir:name\", set = { … } }]`"));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| read_override(checker, *item, list.span, dir))
        .collect()
}

fn read_override(
    checker: &mut Checker<'_, '_>,
    item: ThunkId,
    span: Span,
    dir: &lambuild_digest::RelPath,
) -> Option<Override> {
    let slots = set_of(checker, item, span, "an override")?;
    for (name, slot) in slots.iter() {
        if !["targets", "set"].contains(&&**name) {
            let error = unknown_attribute("an override", name, slot.key_span, ["targets", "set"]);
            checker.errors.push(error);
        }
    }
    let (Some(targets), Some(set)) = (slots.get("targets"), slots.get("set")) else {
        let message = "an override needs `targets` and `set`";
        checker.errors.push(Diagnostic::error(
            codes::MISSING_ATTRIBUTE,
            message,
            span,
            "one of these overrides",
        ));
        return None;
    };
    let value = checker.force(*targets)?;
    let Shape::Str(text) = &value.shape else {
        let message = format!(
            "`targets` takes a pattern such as \"services/auth:*\", found {}",
            value.shape.kind()
        );
        checker.errors.push(Diagnostic::error(
            codes::ATTRIBUTE_TYPE,
            message,
            value.span,
            "this is no string",
        ));
        return None;
    };
    check_override_names(checker, *set);
    match Pattern::parse(text, dir) {
        Ok(pattern) => Some(Override {
            pattern,
            set: set.value,
            span: value.span,
        }),
        Err(why) => {
            let message = format!("{text:?} names no targets: {why}");
            checker.errors.push(Diagnostic::error(
                codes::PATTERN,
                message,
                value.span,
                "this pattern",
            ));
            None
        }
    }
}

/// An override may be for functions and layers at once, so it may name what either has.
fn check_override_names(checker: &mut Checker<'_, '_>, set: Slot) {
    let Some(value) = checker.force(set) else { return };
    let Shape::Set(slots) = &value.shape else {
        let message = format!("`set` takes a set, found {}", value.shape.kind());
        checker.errors.push(Diagnostic::error(
            codes::ATTRIBUTE_TYPE,
            message,
            value.span,
            "this is no set",
        ));
        return;
    };
    let schemas = checker.machine.schemas;
    let attributes = schemas.function.attributes.iter().chain(schemas.layer.attributes);
    let known: Vec<&str> = attributes.map(|attribute| attribute.name).collect();
    for (name, slot) in slots.iter() {
        if let Some(error) = not_overridable(name, slot.key_span) {
            checker.errors.push(error);
        } else if !known.contains(&&**name) {
            checker.errors.push(unknown_attribute(
                "a target",
                name,
                slot.key_span,
                known.iter().copied(),
            ));
        }
    }
}

/// Checks what holds of every body in every context: its names, how it is built,
/// and for what.
fn read_shapes(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    for index in 0..machine.state.world.targets.len() {
        machine.state.budget.refill();
        let id = TargetId(index as u32);
        let context = Context {
            target: Some(id),
            ..Context::NONE
        };
        let mut checker = Checker::new(machine, context, false);
        if let Some(architectures) = read_shape(&mut checker, id) {
            checker.machine.state.world.targets[index].architectures = architectures;
        }
        errors.append(&mut checker.errors);
    }
    unmatched_overrides(machine, errors);
}

fn read_shape(checker: &mut Checker<'_, '_>, id: TargetId) -> Option<Vec<Arch>> {
    let target = checker.machine.state.world.target(id);
    let (kind, span, text) = (
        target.kind,
        target.span,
        format!("the {} `{}`", target.kind.word(), target.name),
    );
    let body = checker.machine.state.world.target_bodies[id.0 as usize].value;
    let value = checker.force(Slot {
        key_span: span,
        value: body,
    })?;
    let slots = match &value.shape {
        Shape::Set(slots) => Arc::clone(slots),
        Shape::Product(_) | Shape::Path(_) | Shape::Reference(_) => return None,
        other => {
            let message = format!("{text} takes a set or a product, found {}", other.kind());
            let label = format!("this is {}", other.kind());
            checker
                .errors
                .push(Diagnostic::error(codes::DECLARATION, message, value.span, label));
            return None;
        }
    };
    check_body_names(checker, kind, &slots, &text);
    check_one_source(checker, kind, &slots, span, &text);
    let slot = slots.get("architectures")?;
    let list = crate::schema::Type::List {
        item: &crate::schema::Type::Str {
            min: 0,
            max: usize::MAX,
        },
        max: 2,
    };
    let value = checker.attribute("architectures", *slot, &list)?;
    Some(architectures(&value, &mut checker.errors))
}

/// Attributes of a declaration beside its deploy attributes.
pub(crate) fn build_attributes(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Function | TargetKind::Target => &["build", "architectures"],
        TargetKind::Layer => &["build", "content", "arn", "architectures"],
    }
}

fn check_body_names(checker: &mut Checker<'_, '_>, kind: TargetKind, slots: &Slots, text: &str) {
    let deploy = checker
        .machine
        .deploy_schema(kind)
        .map_or(&[][..], |schema| schema.attributes);
    let known: Vec<&str> = deploy
        .iter()
        .map(|attribute| attribute.name)
        .chain(build_attributes(kind).iter().copied())
        .collect();
    for (name, slot) in slots {
        if !known.contains(&&**name) {
            checker.errors.push(unknown_attribute(
                text,
                name,
                slot.key_span,
                known.iter().copied(),
            ));
        }
    }
}

/// A declaration has exactly one of `build`, `content` and `arn`.
fn check_one_source(checker: &mut Checker<'_, '_>, kind: TargetKind, slots: &Slots, span: Span, text: &str) {
    let layer = kind == TargetKind::Layer;
    let ways: &[&str] = if layer {
        &["build", "content", "arn"]
    } else {
        &["build"]
    };
    let given: Vec<(&str, Span)> = ways
        .iter()
        .filter_map(|way| Some((*way, slots.get(*way)?.key_span)))
        .collect();
    let error = match given[..] {
        [_] => return,
        [(first, first_span), (second, second_span), ..] => {
            let message = format!("{text} has both `{first}` and `{second}`");
            Diagnostic::error(
                codes::DECLARATION,
                message,
                second_span,
                "a second way to make it",
            )
            .label(first_span, "the first way")
        }
        [] => {
            let message = format!("{text} does not say how it is built");
            let error = Diagnostic::error(codes::DECLARATION, message, span, "nothing builds it");
            error.help(if layer {
                "add `content = { \"path/in/layer\" = ./path }`, `build = …` or `arn = …`"
            } else {
                "add `build = go { main = ./path }` or another builder"
            })
        }
    };
    checker.errors.push(error);
}

/// An override that means no target changes nothing, which is hardly meant.
fn unmatched_overrides(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    let world = &machine.state.world;
    for item in world.stage_bodies.iter().flat_map(|stage| &stage.overrides) {
        if !world.targets.iter().any(|target| item.pattern.matches(target)) {
            let message = "this override matches no target";
            errors.push(Diagnostic::error(
                codes::OVERRIDE,
                message,
                item.span,
                "nothing of this name",
            ));
        }
    }
}

impl Machine<'_> {
    /// The context of a target's deploy attributes before its architecture is known.
    pub(crate) fn deploy_context(
        target: TargetId,
        stage: Ambient<crate::machine::context::StageId>,
    ) -> Context {
        Context {
            arch: Ambient::None,
            stage,
            target: Some(target),
        }
    }
}
