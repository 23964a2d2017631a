//! From declarations to the world's lists: which targets, toolchains and stages
//! there are, sorted and without duplicates, and what holds of a target in every context.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::expand::{Declared, Role, expand};
use crate::machine::context::Context;
use crate::machine::value::{Shape, Slot, Slots};
use crate::machine::{MAX_ERRORS, Machine, twice};
use crate::names::unknown_names;
use crate::source::{FileId, Span};
use crate::stage::{declare_stages, unmatched_overrides};
use crate::syntax::ast::DeclareKind;
use crate::target::{Target, TargetKind};
use crate::toolchain::{declare_toolchains, read_toolchains};
use crate::typed::{Checker, unknown_attribute};
use crate::value::{Arch, TargetId};
use crate::workspace::{ARCHITECTURES, architectures};
use crate::world::Body;
use std::sync::Arc;

/// Fills the world from the files of all workspaces.
pub(crate) fn declare(machine: &mut Machine<'_>, files: &[(FileId, Role)], errors: &mut Vec<Diagnostic>) {
    let mut declared = Vec::new();
    for (file, role) in files {
        errors.extend(machine.program.module(*file).errors.iter().cloned());
        declared.extend(expand(machine, *file, *role, errors));
    }
    let of = |kinds: &[DeclareKind], all: &mut Vec<Declared>| -> Vec<Declared> {
        all.extract_if(.., |item| kinds.contains(&item.kind)).collect()
    };
    let toolchains = of(&[DeclareKind::Toolchain], &mut declared);
    let stages = of(&[DeclareKind::Stage], &mut declared);
    declare_targets(machine, declared, errors);
    declare_toolchains(machine, unique_in_workspace(machine, toolchains, errors), errors);
    let stages = unique_in_workspace(machine, stages, errors);
    declare_stages(machine, stages, errors);
    machine.state.world.complete = true;
    read_toolchains(machine, errors);
    read_shapes(machine, errors);
    for (file, _) in files {
        // Imported files may not have been opened, and their names are asked for.
        let imports = machine.program.module(*file).imports.values();
        for target in imports.filter_map(|(_, target)| *target) {
            machine.open(target);
        }
        errors.extend(unknown_names(machine, *file));
    }
    // What is wrong with texts and names may be what keeps a target from being there.
    let of_text = |error: &Diagnostic| error.code.starts_with("E01") || error.code.starts_with("E02");
    if !errors.iter().any(of_text) {
        unmatched_overrides(machine, errors);
    }
}

/// Toolchains and stages have a name of their own in their workspace.
fn unique_in_workspace(
    machine: &Machine<'_>,
    declared: Vec<Declared>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<Declared> {
    unique(declared, |item| machine.state.world.owner(item.file), errors)
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
                if errors.len() <= MAX_ERRORS {
                    errors.push(twice(&item.name, last.span, item.span));
                }
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
        let workspace = machine.state.world.owner(item.file);
        let kind = match item.kind {
            DeclareKind::Function => TargetKind::Function,
            DeclareKind::Layer => TargetKind::Layer,
            _ => TargetKind::Target,
        };
        let value = machine.delay(item.body, item.env);
        let world = &mut machine.state.world;
        world.target_names.insert((item.file, item.name.clone()), id);
        let file = item.file;
        world.target_bodies.push(Body { value, file });
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

/// Checks what holds of every body in every context: its names, how it is built,
/// and for what.
fn read_shapes(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    for index in 0..machine.state.world.targets.len() {
        if errors.len() > MAX_ERRORS {
            return;
        }
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
        shape if shape.is_content() => return None,
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
    let value = checker.attribute("architectures", *slot, &ARCHITECTURES)?;
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
