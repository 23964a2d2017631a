//! Whether two targets of a stage would be deployed under one name.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::target::{Stage, Target, TargetKind};
use crate::value::{Attrs, Data};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names seen in a stage. Stages of several workspaces may share a name; what
/// counts is the account (none counts as one of its own) and the region.
#[derive(Default)]
pub(crate) struct DeployedNames {
    /// The address and place of the first target of each name.
    seen: BTreeMap<Place, (String, Span)>,
}

/// Kind, account, region and name.
type Place = (TargetKind, Option<Arc<str>>, Option<Arc<str>>, Arc<str>);

impl DeployedNames {
    /// Notes a target's name; the error when another one has it.
    pub(crate) fn add(&mut self, target: &Target, stage: &Stage, attrs: &Attrs) -> Option<Diagnostic> {
        let key = if target.kind == TargetKind::Layer {
            "layer_name"
        } else {
            "function_name"
        };
        if attrs.get("arn").is_some() {
            return None;
        }
        let name = text(attrs, key)?;
        let place = (
            target.kind,
            text(&stage.attrs, "account"),
            text(&stage.attrs, "region"),
            Arc::clone(&name),
        );
        match self.seen.get(&place) {
            None => {
                self.seen.insert(place, (target.address(), target.span));
                None
            }
            Some((first, span)) => Some(same_name(target, stage, &name, first, *span)),
        }
    }
}

fn same_name(target: &Target, stage: &Stage, name: &str, first: &str, first_span: Span) -> Diagnostic {
    let word = target.kind.word();
    let message = format!(
        "`{first}` and `{}` are both deployed as the {word} `{name}` in the stage `{}`",
        target.address(),
        stage.name
    );
    Diagnostic::error(codes::SAME_NAME, message, target.span, "deployed under this name")
        .label(first_span, "and so is this one")
        .help(format!(
            "give one of them its own `{word}_name`, or put `${{target.name}}` into the workspace's pattern"
        ))
}

fn text(attrs: &Attrs, key: &str) -> Option<Arc<str>> {
    match &attrs.get(key)?.data {
        Data::Str(text) => Some(Arc::clone(text)),
        _ => None,
    }
}
