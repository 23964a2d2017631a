//! What builds a target for one architecture.

use crate::diagnostic::Diagnostic;
use crate::machine::Machine;
use crate::machine::context::{Context, Purpose};
use crate::machine::value::{Lazy, Shape, Slot};
use crate::target::TargetKind;
use crate::typed::Checker;
use crate::value::{Arch, Product, TargetId};
use std::sync::Arc;

/// The product of a target; `None` for a layer given by `arn`, or when something is wrong.
pub(crate) fn build(
    machine: &mut Machine<'_>,
    id: TargetId,
    arch: Arch,
) -> (Option<Arc<Product>>, Vec<Diagnostic>) {
    machine.state.purpose = Purpose::Build;
    let target = machine.state.world.target(id);
    let (kind, span) = (target.kind, target.span);
    let value = machine.state.world.target_bodies[id.0 as usize].value;
    let mut checker = Checker::new(machine, Context::build(id, arch), true);
    let body = checker.force(Slot {
        key_span: span,
        value,
    });
    let product = body.and_then(|body| product(&mut checker, kind, &body));
    let (errors, unsound) = (checker.errors, checker.unsound);
    machine.state.purpose = Purpose::Shape;
    (product.filter(|_| !unsound), errors)
}

fn product(checker: &mut Checker<'_, '_>, kind: TargetKind, body: &Lazy) -> Option<Arc<Product>> {
    let slots = match &body.shape {
        Shape::Set(slots) => slots,
        shape if shape.is_content() => return checker.as_product(body),
        // Reported where the declaration is read.
        _ => return None,
    };
    if let Some(slot) = slots.get("build") {
        let wanted = checker.attribute("build", *slot, &crate::schema::Type::Product)?;
        return match wanted.data {
            crate::value::Data::Product(product) => Some(product),
            _ => None,
        };
    }
    let slot = slots.get("content").filter(|_| kind == TargetKind::Layer)?;
    let content = checker.force(*slot)?;
    match &content.shape {
        Shape::Set(_) => checker.files_of(*slot, content.span),
        shape if shape.is_content() => checker.as_product(&content),
        _ => {
            let takes = crate::schema::Type::Either(&[crate::schema::Type::Product]);
            checker.attribute("content", *slot, &takes);
            None
        }
    }
}
