//! Which toolchains are declared, of which kind, with which attributes.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::expand::Declared;
use crate::machine::Machine;
use crate::machine::context::Context;
use crate::nearest;
use crate::source::Span;
use crate::syntax::BUILDERS;
use crate::syntax::ast::{ExprId, ExprKind, Name};
use crate::target::Toolchain;
use crate::typed::{Checker, Owner};
use crate::value::{Attrs, ToolchainId};

/// Kinds that a later version has, beside those named like builders.
const LATER: [&str; 4] = ["sh", "esbuild", "uv", "zig"];

/// Puts the names into the world; the bodies are read when all names are known.
pub(crate) fn declare_toolchains(
    machine: &mut Machine<'_>,
    declared: Vec<Declared>,
    errors: &mut Vec<Diagnostic>,
) {
    for item in declared {
        let (kind, kind_span, set) = match &machine.program.arena.expr(item.body).kind {
            // `toolchain old = go {…}`
            ExprKind::Build(build) => (
                machine.word(build.builder.name).clone(),
                build.builder.span,
                build.attrs,
            ),
            ExprKind::Broken => continue,
            _ => (item.name.clone(), item.span, item.body),
        };
        match unknown_kind(machine, &kind, kind_span, &item.name) {
            Some(error) => errors.push(error),
            None => declare_toolchain(machine, item, kind, set),
        }
    }
}

fn declare_toolchain(machine: &mut Machine<'_>, item: Declared, kind: Name, set: ExprId) {
    let value = machine.delay(set, item.env);
    let world = &mut machine.state.world;
    let workspace = world.owner(item.file);
    let id = ToolchainId(world.toolchains.len() as u32);
    world.toolchain_names.insert((workspace, item.name.clone()), id);
    world.toolchain_bodies.push(value);
    world.toolchains.push(Toolchain {
        id,
        workspace,
        name: item.name,
        kind,
        attrs: Attrs::default(),
        span: item.span,
    });
}

fn unknown_kind(machine: &Machine<'_>, kind: &str, span: Span, name: &str) -> Option<Diagnostic> {
    let known = machine.schemas.toolchains;
    if known.iter().any(|schema| schema.name == kind) {
        return None;
    }
    if BUILDERS.contains(&kind) || LATER.contains(&kind) {
        let message = format!("this version of lambuild does not have toolchains of the kind `{kind}` yet");
        return Some(Diagnostic::error(codes::NOT_YET, message, span, "used here"));
    }
    let message = format!("there is no kind of toolchain `{kind}`");
    let error = Diagnostic::error(codes::UNKNOWN_BUILDER, message, span, "unknown kind");
    Some(
        error.help(match nearest(kind, known.iter().map(|schema| schema.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("to give a toolchain a name of its own, write `toolchain {name} = go {{ … }}`"),
        }),
    )
}

/// Evaluates the toolchains' attributes, in no context.
pub(crate) fn read_toolchains(machine: &mut Machine<'_>, errors: &mut Vec<Diagnostic>) {
    for index in 0..machine.state.world.toolchains.len() {
        let toolchain = &machine.state.world.toolchains[index];
        let (kind, span) = (toolchain.kind.clone(), toolchain.span);
        let text = format!("the toolchain `{}`", toolchain.name);
        let value = machine.state.world.toolchain_bodies[index];
        let schemas = machine.schemas.toolchains;
        let Some(schema) = schemas.iter().find(|schema| schema.name == &*kind) else {
            continue;
        };
        let mut checker = Checker::new(machine, Context::NONE, true);
        let owner = Owner { text: &text, span };
        let attrs = checker
            .set_of(value, owner)
            .map(|slots| checker.attributes(&slots, schema, owner));
        errors.append(&mut checker.errors);
        machine.state.world.toolchains[index].attrs = attrs.unwrap_or_default();
    }
}
