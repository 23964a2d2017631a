//! Which stages are declared, and what each changes for targets.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::expand::Declared;
use crate::machine::context::Context;
use crate::machine::value::{Shape, Slot, ThunkId};
use crate::machine::{MAX_ERRORS, Machine};
use crate::select::Pattern;
use crate::source::Span;
use crate::target::{Stage, Target};
use crate::typed::{Checker, Owner, unknown_attribute};
use crate::workspace::{check_defaults, not_overridable};
use crate::world::{Override, StageBody};
use lambuild_digest::RelPath;

/// Puts the stages into the world, evaluated in no context.
pub(crate) fn declare_stages(
    machine: &mut Machine<'_>,
    declared: Vec<Declared>,
    errors: &mut Vec<Diagnostic>,
) {
    for item in declared {
        if errors.len() > MAX_ERRORS {
            return;
        }
        let value = machine.delay(item.body, item.env);
        let mut checker = Checker::new(machine, Context::NONE, false);
        let read = read_stage(&mut checker, &item, value);
        errors.append(&mut checker.errors);
        if let Some((stage, body)) = read {
            machine.state.world.stages.push(stage);
            machine.state.world.stage_bodies.push(body);
        }
    }
}

fn read_stage(checker: &mut Checker<'_, '_>, item: &Declared, value: ThunkId) -> Option<(Stage, StageBody)> {
    let text = format!("the stage `{}`", item.name);
    let owner = Owner {
        text: &text,
        span: item.span,
    };
    let world = &checker.machine.state.world;
    let workspace = world.owner(item.file);
    let dir = world
        .workspaces
        .get(workspace)
        .map_or_else(RelPath::root, |w| w.dir.clone());
    let slots = checker.set_of(value, owner)?;
    let mut own = (*slots).clone();
    let (defaults, overrides) = (own.shift_remove("defaults"), own.shift_remove("overrides"));
    let attrs = checker.attributes(&own, checker.machine.schemas.stage, owner);
    if let Some(defaults) = defaults {
        check_defaults(checker, defaults);
    }
    let overrides = overrides.map_or_else(Vec::new, |slot| read_overrides(checker, slot, &dir));
    let (name, span) = (item.name.clone(), item.span);
    Some((
        Stage {
            workspace,
            name,
            attrs,
            span,
        },
        StageBody {
            set: slots,
            overrides,
        },
    ))
}

/// `[{ targets = "…", set = {…} }, …]`
fn read_overrides(checker: &mut Checker<'_, '_>, slot: Slot, dir: &RelPath) -> Vec<Override> {
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
    let read = |item: &ThunkId| read_override(checker, *item, list.span, dir);
    items.iter().filter_map(read).collect()
}

fn read_override(
    checker: &mut Checker<'_, '_>,
    item: ThunkId,
    span: Span,
    dir: &RelPath,
) -> Option<Override> {
    let slots = checker.set_of(
        item,
        Owner {
            text: "an override",
            span,
        },
    )?;
    for (name, slot) in slots
        .iter()
        .filter(|(name, _)| !["targets", "set"].contains(&&***name))
    {
        let error = unknown_attribute("an override", name, slot.key_span, ["targets", "set"]);
        checker.errors.push(error);
    }
    let (Some(targets), Some(set)) = (slots.get("targets"), slots.get("set")) else {
        let message = "an override needs `targets` and `set`";
        let (place, label) = match slots.values().next() {
            Some(slot) => (slot.key_span, "this override"),
            None => (span, "one of these overrides is empty"),
        };
        let error = Diagnostic::error(codes::MISSING_ATTRIBUTE, message, place, label);
        checker.errors.push(error);
        return None;
    };
    check_names(checker, *set);
    let (pattern, span) = read_pattern(checker, *targets, dir)?;
    Some(Override {
        pattern,
        set: set.value,
        span,
    })
}

fn read_pattern(checker: &mut Checker<'_, '_>, slot: Slot, dir: &RelPath) -> Option<(Pattern, Span)> {
    let value = checker.force(slot)?;
    let (code, message) = match &value.shape {
        Shape::Str(text) => match Pattern::parse(text, dir) {
            Ok(pattern) => return Some((pattern, value.span)),
            Err(why) => (codes::PATTERN, format!("{text:?} names no targets: {why}")),
        },
        other => {
            let takes = "a pattern such as \"services/auth:*\"";
            (
                codes::ATTRIBUTE_TYPE,
                format!("`targets` takes {takes}, found {}", other.kind()),
            )
        }
    };
    checker
        .errors
        .push(Diagnostic::error(code, message, value.span, "this is no pattern"));
    None
}

/// An override may be for functions and layers at once, so it may name what either has.
fn check_names(checker: &mut Checker<'_, '_>, set: Slot) {
    let Some(slots) = checker.set_of(
        set.value,
        Owner {
            text: "`set`",
            span: set.key_span,
        },
    ) else {
        return;
    };
    let schemas = checker.machine.schemas;
    let attributes = schemas.function.attributes.iter().chain(schemas.layer.attributes);
    let known: Vec<&str> = attributes.map(|attribute| attribute.name).collect();
    for (name, slot) in slots.iter() {
        if let Some(error) = not_overridable(name, slot.key_span) {
            checker.errors.push(error);
        } else if !known.contains(&&**name) {
            let error = unknown_attribute("a target", name, slot.key_span, known.iter().copied());
            checker.errors.push(error);
        }
    }
}

/// An override that means no target changes nothing, which is hardly meant.
pub(crate) fn unmatched_overrides(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    for stage in 0..machine.state.world.stage_bodies.len() {
        for at in 0..machine.state.world.stage_bodies[stage].overrides.len() {
            let world = &machine.state.world;
            let item = &world.stage_bodies[stage].overrides[at];
            let matching = world
                .targets
                .iter()
                .position(|target| item.pattern.matches(target));
            let (looked_at, span) = (matching.unwrap_or(world.targets.len()), item.span);
            if matching.is_none() {
                errors.push(unmatched(item, &world.targets));
            }
            if errors.len() > MAX_ERRORS || machine.steps(looked_at as u64, span).is_err() {
                return;
            }
        }
    }
}

fn unmatched(item: &Override, targets: &[Target]) -> Diagnostic {
    let message = "this override matches no target";
    let error = Diagnostic::error(codes::OVERRIDE, message, item.span, "nothing of this name");
    match item.pattern.near(targets) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
