//! From what an attribute names as content to an entry of an input root.

use crate::{codes, part};
use lambuild_action::{Content, NodeId, Planner, Seen, SourceError};
use lambuild_digest::{Entry, RelPath, TreeError};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Data, Product, Value};

/// Content in a planned action: outputs by their place among the action's inputs.
#[derive(Debug, Clone)]
pub enum Planned {
    /// Files of the workspace, or a text.
    Known(Content),
    /// What stands at a path in the output of the action's n-th input.
    Input(usize, RelPath),
}

/// Content with the place where it was written.
#[derive(Debug, Clone)]
pub struct Placed {
    /// What.
    pub planned: Planned,
    /// Where.
    pub span: Span,
}

/// Plans a value as content; the action that builds it becomes one of `inputs`.
pub fn plan(
    value: &Value,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Placed, Box<Diagnostic>> {
    Ok(placed(planner.content(value)?, value.span, inputs))
}

/// The attribute `inputs` of a product: content at paths, each path understood by `path`.
///
/// # Errors
/// What `path` says, at the key; where a value is no content or cannot be planned.
pub fn plan_inputs(
    product: &Product,
    path: impl Fn(&str) -> Result<RelPath, String>,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Vec<(RelPath, Placed)>, Box<Diagnostic>> {
    let Some(Value {
        data: Data::Set(attrs),
        ..
    }) = product.attrs.get("inputs")
    else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for (key, attr) in attrs.iter() {
        let at = path(key)
            .map_err(|why| Box::new(Diagnostic::error(codes::SOURCE, why, attr.key_span, "here")))?;
        all.push((at, plan(&attr.value, inputs, planner)?));
    }
    Ok(all)
}

/// Content whose action becomes one of `inputs`, if one builds it.
pub fn placed(content: Content, span: Span, inputs: &mut Vec<NodeId>) -> Placed {
    let mut input = |node, path| {
        inputs.push(node);
        Planned::Input(inputs.len() - 1, path)
    };
    let planned = match content {
        Content::Built(node) => input(node, RelPath::root()),
        Content::Part(node, path) => input(node, path),
        known => Planned::Known(known),
    };
    Placed { planned, span }
}

/// The entry that planned content stands for.
pub fn entry(placed: &Placed, seen: &Seen<'_>) -> Result<Entry, Box<Diagnostic>> {
    match &placed.planned {
        Planned::Input(at, path) => match seen.outputs.get(*at) {
            Some(output) => part::of(output, path, seen.trees, placed.span).map(Entry::Node),
            None => Err(broken("an input of an action is not there", placed.span)),
        },
        Planned::Known(Content::Source(path)) => seen
            .sources
            .content(path)
            .map_err(|error| source(&error, placed.span)),
        Planned::Known(Content::Text(text)) => {
            let digest = seen
                .blobs
                .write(text.as_bytes())
                .map_err(|error| store(&error, placed.span))?;
            Ok(Entry::file(digest, false))
        }
        Planned::Known(Content::Built(_) | Content::Part(..)) => {
            Err(broken("an input of an action is not there", placed.span))
        }
    }
}

/// A source's error at its place.
pub fn source(error: &SourceError, span: Span) -> Box<Diagnostic> {
    if let SourceError::Store(why) = error {
        return store(why, span);
    }
    Box::new(Diagnostic::error(
        codes::SOURCE,
        error.to_string(),
        span,
        "needed here",
    ))
}

/// A tree's error at its place.
pub fn tree(error: &TreeError, span: Span) -> Box<Diagnostic> {
    let code = if matches!(error, TreeError::Conflict(_)) {
        codes::CONFLICT
    } else {
        codes::SOURCE
    };
    Box::new(Diagnostic::error(code, error.to_string(), span, "needed here"))
}

/// The store's error at the place for which it was used.
pub fn store(why: &impl ToString, span: Span) -> Box<Diagnostic> {
    let made = Diagnostic::error(codes::STORE, why.to_string(), span, "needed here").exit(Exit::Failed);
    Box::new(made.help("free space there, or name another store with --store or LAMBUILD_STORE"))
}

fn broken(message: &str, span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(codes::SOURCE, message, span, "here").exit(Exit::Failed))
}
