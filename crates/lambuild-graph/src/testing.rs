//! A small world for the tests of planning: tables, one builder that mixes content, one kind
//! of toolchain, a packager, and answers as text. None of its actions is ever run.

use crate::{ActionGraph, Configured, RuleSet, TargetGraph, configured, plan};
use lambuild_action::{
    Content, NodeId, Packager, PlannedAction, Planner, Rule, SourceError, SourceKind, Sources, Toolchain,
    ToolchainRule, Work,
};
use lambuild_digest::{Digest, Entry, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Attrs, Data, Product, TargetId, Value};
use lambuild_lang::{Evaluation, MemoryFiles, Options, Schemas, evaluate};
use std::path::PathBuf;
use std::sync::Arc;

const ANY_KEY: fn(&str) -> Result<(), String> = |_| Ok(());
const NAME: Type = Type::Str { min: 1, max: 64 };

static MIX: Schema = Schema {
    name: "mix",
    doc: "Mixes content.",
    attributes: &[
        Attribute::new(
            "parts",
            Type::List {
                item: &Type::Content,
                max: 9,
            },
            "what is mixed",
        ),
        Attribute::new(
            "at",
            Type::Map {
                key: ANY_KEY,
                value: &Type::Content,
            },
            "what is mixed, with places",
        ),
        Attribute::new("toolchain", Type::Toolchain, "what mixes"),
        Attribute::new(
            "tools",
            Type::List {
                item: &Type::Tool,
                max: 9,
            },
            "what mixes, too",
        ),
    ],
};

static FILES: Schema = Schema {
    name: "files",
    doc: "A folder.",
    attributes: &[Attribute::new("content", Type::Any, "what is in it")],
};

static TOOL: Schema = Schema {
    name: "tool",
    doc: "A tool.",
    attributes: &[Attribute::new("version", NAME, "which")],
};

static OTHER: Schema = Schema {
    name: "other",
    doc: "Another kind of tool.",
    attributes: &[],
};

static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[],
};
static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[Attribute::new("arn", NAME, "someone else's")],
};
static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[],
};

/// Evaluates one `lambda.build`.
pub fn with<T>(text: &str, use_it: impl FnOnce(&mut Evaluation<'_>) -> T) -> T {
    let files = MemoryFiles::new([("lambda.build", text), ("data/one.txt", "1")]).unwrap();
    let schemas = Schemas {
        function: &FUNCTION,
        layer: &LAYER,
        stage: &STAGE,
        builders: &[&MIX, &FILES],
        toolchains: &[&TOOL, &OTHER],
    };
    let mut evaluation = evaluate(&files, &schemas, &Options::default());
    assert_eq!(drawn(&evaluation.diagnostics, &evaluation), "");
    use_it(&mut evaluation)
}

/// Every target of the evaluation for all its architectures.
pub fn all(evaluation: &Evaluation<'_>) -> Vec<Configured> {
    let ids: Vec<TargetId> = evaluation.targets().iter().map(|target| target.id).collect();
    configured(evaluation, &ids, &[])
}

/// What building `names` (all, where none is given) refers to.
pub fn graph(evaluation: &mut Evaluation<'_>, names: &[&str]) -> Result<TargetGraph, Vec<Diagnostic>> {
    let wanted = wanted(evaluation, names);
    TargetGraph::new(evaluation, &wanted)
}

/// The plan of `names`, or of all, as text: each action with the actions it refers to, then
/// what the run delivers. What is wrong, drawn, where there is no plan.
pub fn planned(text: &str, names: &[&str]) -> String {
    with(text, |evaluation| {
        let wanted = wanted(evaluation, names);
        match plan(evaluation, &rules(), &NoSources, &wanted) {
            Ok((graph, _)) => shown(&graph, evaluation),
            Err(errors) => drawn(&errors, evaluation),
        }
    })
}

fn wanted(evaluation: &Evaluation<'_>, names: &[&str]) -> Vec<Configured> {
    let mut wanted = all(evaluation);
    wanted.retain(|one| names.is_empty() || names.contains(&&*evaluation.target(one.target).name));
    wanted
}

fn shown(graph: &ActionGraph, evaluation: &Evaluation<'_>) -> String {
    let mut lines = Vec::new();
    for id in graph.ids() {
        let action = graph.action(id);
        let inputs: Vec<String> = action.inputs.iter().map(|input| input.0.to_string()).collect();
        let line = format!("{} {} {}", id.0, action.mnemonic, action.subject);
        lines.push(
            format!("{} <- {}", line.trim_end(), inputs.join(" "))
                .trim_end_matches([' ', '-', '<'])
                .to_owned(),
        );
    }
    for artifact in &graph.artifacts {
        let (one, zip) = (
            name(artifact.configured, evaluation),
            artifact.zip.map(|zip| zip.0),
        );
        lines.push(format!("{one}: product {}, zip {zip:?}", artifact.product.0));
    }
    lines.join("\n")
}

/// `:name arm64`.
pub fn name(configured: Configured, evaluation: &Evaluation<'_>) -> String {
    format!(
        "{} {}",
        evaluation.target(configured.target).address(),
        configured.arch
    )
}

/// Diagnostics as a user sees them.
pub fn drawn(errors: &[Diagnostic], evaluation: &Evaluation<'_>) -> String {
    let drawn = errors
        .iter()
        .map(|error| lambuild_lang::render(error, &evaluation.sources, false));
    drawn.collect::<Vec<_>>().join("\n\n")
}

fn rules() -> RuleSet {
    RuleSet {
        rules: vec![Box::new(Mix(&MIX)), Box::new(Mix(&FILES))],
        toolchains: vec![Box::new(Tool)],
        packager: Box::new(Zips),
    }
}

fn action(mnemonic: &'static str, subject: &str, inputs: Vec<NodeId>, span: Span) -> PlannedAction {
    let work = Work::HostFolder {
        folder: PathBuf::new(),
        keep: |_| false,
    };
    PlannedAction {
        mnemonic,
        subject: subject.to_owned(),
        inputs,
        work,
        span,
    }
}

struct Mix(&'static Schema);

impl Rule for Mix {
    fn schema(&self) -> &'static Schema {
        self.0
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        let mut inputs = Vec::new();
        let mut known = Vec::new();
        if self.0.name == "mix" {
            inputs.push(planner.toolchain("tool", product.attrs.get("toolchain"), product.span)?);
        }
        for value in parts(product) {
            match planner.content(&value)? {
                Content::Built(node) => inputs.push(node),
                Content::Part(node, path) => {
                    inputs.push(node);
                    known.push(format!("/{path}"));
                }
                Content::Source(path) => known.push(path.to_string()),
                Content::Text(text) => known.push(format!("{text:?}")),
            }
        }
        let subject = format!("{} {}", known.join(" "), planner.arch());
        Ok(planner.add(action(self.0.name, subject.trim(), inputs, product.span)))
    }
}

fn parts(product: &Product) -> Vec<Value> {
    let mut parts = Vec::new();
    for name in ["parts", "at", "content"] {
        match product.attrs.get(name).map(|value| &value.data) {
            Some(Data::List(items)) => parts.extend(items.iter().cloned()),
            Some(Data::Set(set)) => parts.extend(set.iter().map(|(_, attr)| attr.value.clone())),
            Some(_) => parts.extend(product.attrs.get(name).cloned()),
            None => {}
        }
    }
    parts
}

struct Tool;

impl ToolchainRule for Tool {
    fn schema(&self) -> &'static Schema {
        &TOOL
    }

    fn plan(&self, declared: Option<&Attrs>, asked: Span) -> Result<Toolchain, Box<Diagnostic>> {
        let version = match declared
            .and_then(|attrs| attrs.get("version"))
            .map(|value| &value.data)
        {
            Some(Data::Str(version)) => version.to_string(),
            _ => "of this machine".to_owned(),
        };
        Ok(Toolchain {
            identity: format!("tool {version}"),
            action: action("take", &format!("tool {version}"), Vec::new(), asked),
        })
    }
}

struct Zips;

impl Packager for Zips {
    fn plan(
        &self,
        layer: bool,
        product: NodeId,
        subject: &str,
        span: Span,
        planner: &mut dyn Planner,
    ) -> NodeId {
        let mnemonic = if layer { "zip layer" } else { "zip" };
        planner.add(action(mnemonic, subject, vec![product], span))
    }
}

/// Planning looks at no file here.
struct NoSources;

impl Sources for NoSources {
    fn list(&self, folder: &RelPath) -> Result<lambuild_action::store::Names, SourceError> {
        Err(SourceError::NotFound(folder.clone()))
    }

    fn kind(&self, _: &RelPath) -> Option<SourceKind> {
        None
    }

    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        Err(SourceError::NotFound(path.clone()))
    }

    fn read(&self, path: &RelPath) -> Result<Arc<[u8]>, SourceError> {
        Err(SourceError::NotFound(path.clone()))
    }

    fn content(&self, path: &RelPath) -> Result<Entry, SourceError> {
        Err(SourceError::NotFound(path.clone()))
    }

    fn provide(&self, _: &Digest) -> Result<bool, SourceError> {
        Ok(false)
    }
}
