//! `sub` and `at`: which part of something is meant, and for which architecture.
//! Nothing is built for it: what they give says so, and whoever builds acts on it.

use super::Machine;
use super::builtin::Use;
use super::context::{Ambient, Context};
use super::value::{Eval, Lazy, Other, Part, Shape};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::value::Arch;
use crate::workspace::unknown_architecture;
use lambuild_digest::RelPath;
use std::sync::Arc;

impl Machine<'_> {
    /// `sub(x, "rel/path")`: of a path the path below it, of anything built a part of it.
    pub(super) fn sub(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let whole = self.arg(call, 0)?;
        let inner = self.inner_path(call)?;
        match &whole.shape {
            Shape::Path(path) => {
                self.text_bytes(path.as_str().len() + inner.as_str().len(), call.span)?;
                Ok(Shape::Path(path.join(&inner)))
            }
            Shape::Part(part) => Ok(part_of(&part.of, part.path.join(&inner))),
            Shape::Reference(_) | Shape::Product(_) | Shape::Other(_) => Ok(part_of(&whole, inner)),
            _ => Err(self.wrong_arg(call, 0, "a path, a product or a reference", &whole)),
        }
    }

    fn inner_path(&mut self, call: &Use<'_>) -> Eval<RelPath> {
        let text = self.text_arg(call, 1)?;
        self.text_bytes(text.len(), call.span)?;
        RelPath::root().resolve(&text).map_err(|why| {
            let message = format!("`sub` stays inside of what it is a part of: {why}");
            let error = Diagnostic::error(codes::ARGUMENT_VALUE, message, call.args[1].1, "this path");
            self.fail(call.env, error)
        })
    }

    /// `at("arm64", x)`: what `x` is when it is evaluated and built for another architecture.
    pub(super) fn at(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let name = self.text_arg(call, 0)?;
        let arch = Arch::parse(&name)
            .ok_or_else(|| self.fail(call.env, unknown_architecture(&name, call.args[0].1)))?;
        let context = Context {
            arch: Ambient::Known(arch),
            ..call.context
        };
        let (thunk, span) = call.args[1];
        let value = self.force(thunk, context, span)?;
        match &value.shape {
            // Source files are the same for every architecture, and an inner `at` has decided.
            Shape::Path(_) | Shape::Other(_) => Ok(value.shape),
            Shape::Part(part) if matches!(part.of.shape, Shape::Other(_)) => Ok(value.shape),
            Shape::Part(part) => Ok(part_of(
                &other(arch, &part.of).at(part.of.span),
                part.path.clone(),
            )),
            Shape::Reference(_) | Shape::Product(_) => Ok(other(arch, &value)),
            _ => Err(self.wrong_arg(call, 1, "a product or a reference", &value)),
        }
    }
}

fn part_of(of: &Lazy, path: RelPath) -> Shape {
    Shape::Part(Arc::new(Part { of: of.clone(), path }))
}

fn other(arch: Arch, of: &Lazy) -> Shape {
    Shape::Other(Arc::new(Other { arch, of: of.clone() }))
}
