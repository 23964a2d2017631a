//! Targets → planned actions, by way of the rules. Decides the order of planning
//! and what a value means as content; knows nothing of any language.

use crate::action_graph::{ActionGraph, Artifact};
use crate::codes;
use crate::references::{Configured, TargetGraph};
use crate::rule_set::RuleSet;
use lambuild_action::{Content, NodeId, PlannedAction, Planner, Sources, Tool};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Arch, At, Attrs, Data, Part, Product, TargetId, ToolchainId, Value};
use lambuild_lang::{Evaluation, TargetKind};
use rustc_hash::FxHashMap;

/// These targets for each of their architectures, or only for those in `only` where it
/// is not empty; sorted.
pub fn configured(evaluation: &Evaluation<'_>, targets: &[TargetId], only: &[Arch]) -> Vec<Configured> {
    let mut wanted = Vec::new();
    for target in targets {
        for arch in &evaluation.target(*target).architectures {
            if only.is_empty() || only.contains(arch) {
                wanted.push(Configured {
                    target: *target,
                    arch: *arch,
                });
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Plans what builds the wanted targets.
///
/// # Errors
/// Everything that is wrong with them, target by target, and every cycle.
pub fn plan(
    evaluation: &mut Evaluation<'_>,
    rules: &RuleSet,
    sources: &dyn Sources,
    wanted: &[Configured],
) -> Result<(ActionGraph, TargetGraph), Vec<Diagnostic>> {
    let targets = TargetGraph::new(evaluation, wanted)?;
    let mut planning = Planning::new(evaluation, rules, sources);
    let mut wrong: Vec<Diagnostic> = Vec::new();
    for configured in targets.in_order() {
        let Some(product) = targets.product(configured) else {
            continue;
        };
        match planning.target(configured, product) {
            Ok(artifact) if wanted.contains(&configured) => planning.graph.artifacts.push(artifact),
            Ok(_) => {}
            // The same mistake for another architecture says nothing new.
            Err(found) if wrong.contains(&found) => {}
            Err(found) => wrong.push(*found),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut graph = planning.graph;
    graph.artifacts.sort_by_key(|artifact| artifact.configured);
    Ok((graph, targets))
}

struct Planning<'a> {
    evaluation: &'a Evaluation<'a>,
    rules: &'a RuleSet,
    sources: &'a dyn Sources,
    graph: ActionGraph,
    once: FxHashMap<String, NodeId>,
    products: FxHashMap<Configured, NodeId>,
    current: Configured,
}

impl<'a> Planning<'a> {
    fn new(evaluation: &'a Evaluation<'a>, rules: &'a RuleSet, sources: &'a dyn Sources) -> Self {
        Planning {
            evaluation,
            rules,
            sources,
            graph: ActionGraph::default(),
            once: FxHashMap::default(),
            products: FxHashMap::default(),
            current: Configured {
                target: TargetId(0),
                arch: Arch::Arm64,
            },
        }
    }

    fn target(&mut self, configured: Configured, product: &Product) -> Result<Artifact, Box<Diagnostic>> {
        self.current = configured;
        let built = self.product(product)?;
        self.products.insert(configured, built);
        let target = self.evaluation.target(configured.target);
        let zip = match target.kind {
            TargetKind::Target => None,
            kind => {
                let subject = self.subject();
                let (packager, span) = (&self.rules.packager, product.span);
                Some(packager.plan(kind == TargetKind::Layer, built, &subject, span, self))
            }
        };
        Ok(Artifact {
            configured,
            product: built,
            zip,
        })
    }

    fn product(&mut self, product: &Product) -> Result<NodeId, Box<Diagnostic>> {
        let rule = self.rules.rule(&product.builder).ok_or_else(|| {
            let message = format!("this version has no builder `{}`", product.builder);
            Box::new(Diagnostic::error(codes::NOT_CONTENT, message, product.span, ""))
        })?;
        rule.plan(product, self)
    }

    fn reference(&mut self, target: TargetId, span: Span) -> Result<NodeId, Box<Diagnostic>> {
        let configured = Configured {
            target,
            arch: self.current.arch,
        };
        self.products.get(&configured).copied().ok_or_else(|| {
            let address = self.evaluation.target(target).address();
            let message = format!("{address} has no content: it is a layer that is given by its ARN");
            Box::new(Diagnostic::error(
                codes::NOT_CONTENT,
                message,
                span,
                "files are expected here",
            ))
        })
    }

    fn part(&mut self, part: &Part) -> Result<Content, Box<Diagnostic>> {
        Ok(match self.content(&part.of)? {
            Content::Built(node) => Content::Part(node, part.path.clone()),
            Content::Part(node, at) => Content::Part(node, at.join(&part.path)),
            Content::Source(path) => Content::Source(path.join(&part.path)),
            text @ Content::Text(_) => text,
        })
    }

    /// Plans for another architecture, as far as this value goes.
    fn at(&mut self, at: &At) -> Result<Content, Box<Diagnostic>> {
        let here = std::mem::replace(&mut self.current.arch, at.arch);
        let content = self.content(&at.of);
        self.current.arch = here;
        content
    }

    /// The declared attributes of the toolchain to use, or `None` where the machine's is.
    fn declared(&self, kind: &str, chosen: Option<&Value>) -> Result<Option<&'a Attrs>, Box<Diagnostic>> {
        let evaluation = self.evaluation;
        let Some(value) = chosen else {
            let workspace = evaluation.target(self.current.target).workspace;
            let of = |workspace: usize| {
                let mut all = evaluation.toolchains().iter();
                all.find(move |made| made.workspace == workspace && *made.name == *kind)
            };
            return Ok(of(workspace).or_else(|| of(0)).map(|made| &made.attrs));
        };
        let named = match &value.data {
            Data::Toolchain(ToolchainId(at)) => evaluation.toolchains().get(*at as usize),
            _ => None,
        };
        match named {
            Some(named) if *named.kind == *kind => Ok(Some(&named.attrs)),
            other => Err(Box::new(Diagnostic::error(
                codes::NO_TOOLCHAIN,
                match other {
                    Some(other) => format!(
                        "a toolchain for {kind} is expected, this is one for {}",
                        other.kind
                    ),
                    None => format!(
                        "a toolchain for {kind} is expected, this is {}",
                        value.data.kind()
                    ),
                },
                value.span,
                format!(
                    "write `toolchain.NAME` of a toolchain declared with `toolchain NAME = {kind} {{ … }}`"
                ),
            ))),
        }
    }
}

impl Planner for Planning<'_> {
    fn arch(&self) -> Arch {
        self.current.arch
    }

    fn subject(&self) -> String {
        format!(
            "{} {}",
            self.evaluation.target(self.current.target).address(),
            self.current.arch
        )
    }

    fn folder(&self) -> RelPath {
        self.evaluation.target(self.current.target).dir.clone()
    }

    fn sources(&self) -> &dyn Sources {
        self.sources
    }

    fn add(&mut self, action: PlannedAction) -> NodeId {
        self.graph.add(action)
    }

    fn add_once(&mut self, identity: String, action: PlannedAction) -> NodeId {
        if let Some(known) = self.once.get(&identity) {
            return *known;
        }
        let id = self.graph.add(action);
        self.once.insert(identity, id);
        id
    }

    fn content(&mut self, value: &Value) -> Result<Content, Box<Diagnostic>> {
        match &value.data {
            Data::Path(path) => Ok(Content::Source(path.clone())),
            Data::Str(text) => Ok(Content::Text(text.clone())),
            Data::Reference(target) => self.reference(*target, value.span).map(Content::Built),
            Data::Product(product) => self.product(product).map(Content::Built),
            Data::Part(part) => self.part(part),
            Data::At(at) => self.at(at),
            other => Err(Box::new(
                Diagnostic::error(
                    codes::NOT_CONTENT,
                    format!("files are expected, found {}", other.kind()),
                    value.span,
                    "not something that has files",
                )
                .help("write a path, a product, a reference such as `target.x`, or a text for one file"),
            )),
        }
    }

    fn toolchain(
        &mut self,
        kind: &str,
        chosen: Option<&Value>,
        asked: Span,
    ) -> Result<NodeId, Box<Diagnostic>> {
        let declared = self.declared(kind, chosen)?;
        let rule = self.rules.toolchain(kind).ok_or_else(|| {
            let message = format!("this version has no toolchain of the kind `{kind}`");
            Box::new(Diagnostic::error(
                codes::NO_TOOLCHAIN,
                message,
                asked,
                "needed here",
            ))
        })?;
        let toolchain = rule.plan(declared, asked)?;
        Ok(self.add_once(toolchain.identity, toolchain.action))
    }

    fn tool(&mut self, value: &Value) -> Result<Tool, Box<Diagnostic>> {
        let name = self.name(value);
        let content = match &value.data {
            Data::Toolchain(ToolchainId(at)) => {
                let kind = self.evaluation.toolchains().get(*at as usize);
                let kind = kind.map_or("", |made| &*made.kind);
                self.toolchain(kind, Some(value), value.span)
                    .map(Content::Built)?
            }
            _ => self.content(value)?,
        };
        Ok(Tool { content, name })
    }

    fn name(&self, value: &Value) -> String {
        let last = |path: &RelPath| path.parts().last().unwrap_or("files").to_owned();
        match &value.data {
            Data::Path(path) => last(path),
            Data::Part(part) => last(&part.path),
            Data::At(at) => self.name(&at.of),
            Data::Reference(target) => self.evaluation.target(*target).name.to_string(),
            Data::Toolchain(ToolchainId(at)) => {
                let made = self.evaluation.toolchains().get(*at as usize);
                made.map_or_else(|| "toolchain".to_owned(), |made| made.name.to_string())
            }
            // `go { main = ./cmd/gen }` is called `gen`.
            Data::Product(product) => match product.attrs.get("main") {
                Some(Value {
                    data: Data::Path(path),
                    ..
                }) => last(path),
                Some(Value {
                    data: Data::Str(import),
                    ..
                }) => import.rsplit('/').next().unwrap_or(import).to_owned(),
                _ => product.builder.to_string(),
            },
            _ => "text".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
