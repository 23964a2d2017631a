//! A bench for the tests of the rules: a workspace and a store in memory, and the way from the
//! text of a product to the last step that it becomes. Compiles nothing and fetches nothing:
//! a toolchain is one file that says its version, and modules are those that a test laid out.

use crate::archive::{self, Archives};
use crate::command::{self, Commands};
use crate::files::{self, Files, FilesStep};
use crate::go::fetch::ModuleFetch;
use crate::go::modcache::cache_paths;
use crate::go::rule::Go;
use crate::go::{rule, toolchain};
use crate::host;
use crate::zip::{ZipStep, Zips};
use lambuild_action::store::Names;
use lambuild_action::{
    ActionKey, BlobStore, Content, InProcess, NodeId, Packager, PlannedAction, Planner, Rule, Seen,
    Selection, SourceError, SourceKind, Sources, Step, Tool, Work, cache_key,
};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Dir, Entry, Node, RelPath};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::schema::Schema;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Arch, Data, Product, Value};
use lambuild_lang::{Evaluation, MemoryFiles, Options, Schemas, evaluate};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

mod store;

pub use lambuild_action::MemoryStore;
pub use store::{Trees, path};

/// A workspace, a store, and the modules that a fetch would bring.
#[derive(Default)]
pub struct Bench {
    /// Where everything is kept.
    pub store: MemoryStore,
    files: BTreeMap<RelPath, (String, bool)>,
    modules: BTreeMap<String, Dir>,
}

impl Bench {
    /// A workspace of `(path, text)` files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let mut bench = Bench::default();
        for (at, text) in files {
            bench = bench.with(at, text);
        }
        bench
    }

    /// With a file added or replaced.
    pub fn with(mut self, at: &str, text: &str) -> Self {
        self.files.insert(path(at), (text.to_owned(), false));
        self
    }

    /// With a file made executable.
    pub fn executable(mut self, at: &str) -> Self {
        self.files.get_mut(&path(at)).unwrap().1 = true;
        self
    }

    /// With a module that can be fetched, such as `dep.test/a@v1.0.0`.
    pub fn module(mut self, module: &str, files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files.iter().map(|(at, text)| (*at, *text, false)).collect();
        let tree = self.store.tree(&files);
        self.modules.insert(module.to_owned(), tree);
        self
    }

    /// The last step of a product for arm64.
    pub fn step(&self, product: &str) -> Step {
        self.try_step(product, Arch::Arm64)
            .unwrap_or_else(|(_, error)| panic!("{error}"))
    }

    /// The last step of a product for an architecture.
    pub fn step_for(&self, product: &str, arch: Arch) -> Step {
        self.try_step(product, arch)
            .unwrap_or_else(|(_, error)| panic!("{error}"))
    }

    /// What a failed product's rule says to what its tool said, drawn.
    pub fn explained(&self, product: &str, log: &str) -> String {
        let files = self.memory_files(product);
        let mut evaluation = evaluate(&files, &SCHEMAS, &Options::default());
        let target = evaluation.targets()[0].id;
        let built = evaluation.build(target, Arch::Arm64).unwrap().unwrap();
        let mut plan = Plan::new(self, Arch::Arm64);
        let id = plan.product(&built).unwrap_or_else(|error| panic!("{error:?}"));
        let Work::Select(selector) = &plan.actions[id.0 as usize].work else {
            panic!("nothing selects")
        };
        let found = selector.explain(log.as_bytes(), self);
        let drawn = found
            .iter()
            .map(|error| lambuild_lang::render(error, &evaluation.sources, false));
        drawn.collect::<Vec<_>>().join("\n\n")
    }

    /// The key of a product for arm64.
    pub fn key(&self, product: &str) -> ActionKey {
        cache_key::encode(&self.step(product), DigestFunction::Blake3).key
    }

    /// Why a product has no step for arm64, drawn, and the exit code that is asked for.
    pub fn refused(&self, product: &str) -> (Exit, String) {
        match self.try_step(product, Arch::Arm64) {
            Ok(step) => panic!("there is a step: {:?}", step.command),
            Err(refused) => refused,
        }
    }

    /// The message alone.
    pub fn message(&self, product: &str) -> String {
        self.refused(product).1
    }

    /// What a step sees, a line for each file: the path, `*` where it is executable, and a short text.
    pub fn listing(&self, step: &Step) -> String {
        let root = self.store.keep(&step.input_root);
        let nodes = walk(&root, &self.store).unwrap();
        let lines = nodes.iter().map(|(path, node)| self.line(path, node));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn line(&self, path: &RelPath, node: &Node) -> String {
        match node {
            Node::File { digest, executable } => {
                let star = if *executable { "*" } else { "" };
                match String::from_utf8(self.store.read(digest).unwrap()) {
                    Ok(text) if text.len() <= 16 => format!("{path}{star} {text:?}"),
                    _ => format!("{path}{star}"),
                }
            }
            Node::Symlink { target } => format!("{path} -> {target}"),
            Node::Directory(_) => format!("{path}/"),
        }
    }

    /// The zip step of a product.
    pub fn zip_step(&self, product: &str, layer: bool) -> Step {
        let done = self.run(product, Arch::Arm64, |plan, built, span| {
            Zips.plan(layer, built, "f arm64", span, plan)
        });
        done.unwrap_or_else(|(_, error)| panic!("{error}"))
    }

    /// The output folder of the zip step of a product, or why there is none.
    pub fn zipped(&self, product: &str, layer: bool) -> Result<Digest, String> {
        let step = self.zip_step(product, layer);
        let root = self.store.keep(&step.input_root);
        match ZipStep.run(&step.command, &root, &self.store) {
            Ok(Node::Directory(out)) => Ok(out),
            Ok(other) => panic!("the output is no folder: {other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn try_step(&self, product: &str, arch: Arch) -> Result<Step, (Exit, String)> {
        self.run(product, arch, |_, built, _| built)
    }

    /// Evaluates, plans, lets `more` plan on, and gives the step of its answer.
    fn run(
        &self,
        product: &str,
        arch: Arch,
        more: impl FnOnce(&mut Plan<'_>, NodeId, Span) -> NodeId,
    ) -> Result<Step, (Exit, String)> {
        let files = self.memory_files(product);
        let mut evaluation = evaluate(&files, &SCHEMAS, &Options::default());
        let target = evaluation.targets()[0].id;
        let built = evaluation
            .build(target, arch)
            .map_err(|errors| told(&errors, &evaluation))?;
        let built = built.expect("a product");
        let mut plan = Plan::new(self, arch);
        let step = plan.product(&built).and_then(|id| {
            let last = more(&mut plan, id, built.span);
            plan.step(last)
        });
        step.map_err(|error| told(&[*error], &evaluation))
    }

    fn memory_files(&self, product: &str) -> MemoryFiles {
        let text = format!(
            "workspace w {{ architectures = [\"arm64\", \"x86_64\"] }}\ntarget t = {product}\n{TOOLCHAINS}"
        );
        let mut files = MemoryFiles::new([("lambda.build", text.as_str())]).unwrap();
        for (path, (text, _)) in &self.files {
            files.insert(path.clone(), text);
        }
        files
    }
}

fn told(errors: &[Diagnostic], evaluation: &Evaluation<'_>) -> (Exit, String) {
    let drawn = errors
        .iter()
        .map(|error| lambuild_lang::render(error, &evaluation.sources, false));
    (errors[0].exit, drawn.collect::<Vec<_>>().join("\n\n"))
}

static NONE: Schema = Schema {
    name: "none",
    doc: "Nothing.",
    attributes: &[],
};

/// What every workspace declares, behind everything else.
const TOOLCHAINS: &str = "toolchain sh { programs = [\"sh\", \"cat\"] }\n";

static SCHEMAS: Schemas<'static> = Schemas {
    function: &NONE,
    layer: &NONE,
    stage: &NONE,
    builders: &[&files::SCHEMA, &rule::SCHEMA, &command::SCHEMA, &archive::SCHEMA],
    toolchains: &[&toolchain::SCHEMA, &host::toolchain::SCHEMA],
};

/// The actions of one product, in the order of planning.
struct Plan<'a> {
    bench: &'a Bench,
    arch: Arch,
    actions: Vec<PlannedAction>,
    once: BTreeMap<String, NodeId>,
}

impl<'a> Plan<'a> {
    fn new(bench: &'a Bench, arch: Arch) -> Self {
        Plan {
            bench,
            arch,
            actions: Vec::new(),
            once: BTreeMap::new(),
        }
    }

    fn product(&mut self, product: &Product) -> Result<NodeId, Box<Diagnostic>> {
        match &*product.builder {
            "files" => Files.plan(product, self),
            "go" => Go { launcher: b"launch" }.plan(product, self),
            "archive" => Archives.plan(product, self),
            "command" => Commands { launcher: b"launch" }.plan(product, self),
            other => panic!("no builder {other}"),
        }
    }

    /// The step of an action, after all that it refers to is made.
    fn step(&self, id: NodeId) -> Result<Step, Box<Diagnostic>> {
        let action = &self.actions[id.0 as usize];
        let Work::Select(selector) = &action.work else {
            panic!("{} has no step", action.mnemonic)
        };
        let mut outputs = Vec::new();
        for input in &action.inputs {
            outputs.push(Node::Directory(self.output(*input)?));
        }
        let mut optional: Vec<Option<Node>> = vec![None; action.optional().len()];
        loop {
            let selection = selector.explore(&Seen {
                sources: self.bench,
                outputs: &outputs,
                optional: &optional,
                trees: &self.bench.store,
                blobs: &self.bench.store,
            });
            let places = match selection? {
                Selection::Step(step) => return Ok(*step),
                Selection::Wants(places) => places,
            };
            for place in places {
                let input = action.optional()[place];
                assert_eq!(optional[place], None, "it asks for what it has");
                optional[place] = Some(Node::Directory(self.output(input)?));
            }
        }
    }

    fn output(&self, id: NodeId) -> Result<Digest, Box<Diagnostic>> {
        let store = &self.bench.store;
        if matches!(self.actions[id.0 as usize].work, Work::HostFolder { .. }) {
            return Ok(store.keep(&store.tree(&[("VERSION", "go1.26.8\n", false)])));
        }
        if matches!(self.actions[id.0 as usize].work, Work::HostFiles(_)) {
            let programs = [
                ("bin/sh", "shell", true),
                ("bin/cat", "cat", true),
                ("lib/libc.so.6", "c", true),
            ];
            return Ok(store.keep(&store.tree(&programs)));
        }
        let step = self.step(id)?;
        if step.command.arguments[0] == command::place::LAUNCHER {
            return Ok(store.keep(&store.tree(&[("bootstrap", "made", true)])));
        }
        if let Some(fetch) = ModuleFetch::read(&step.command) {
            return Ok(self.fetched(&fetch));
        }
        let root = store.keep(&step.input_root);
        match FilesStep.run(&step.command, &root, store).unwrap() {
            Node::Directory(out) => Ok(out),
            other => panic!("the output is no folder: {other:?}"),
        }
    }

    /// A module as the fetch leaves it: its tree and the two files of the module cache beside it.
    fn fetched(&self, fetch: &ModuleFetch) -> Digest {
        let store = &self.bench.store;
        let places = cache_paths(&fetch.module).unwrap();
        let tree = &self.bench.modules[&fetch.module.to_string()];
        let mut out = Dir::default();
        out.put(&places.tree, Entry::Dir(tree.clone()), store).unwrap();
        for (at, text) in [(&places.go_mod, "module"), (&places.zip_hash, "h1:")] {
            let digest = store.write(text.as_bytes()).unwrap();
            out.file(at, digest, false).unwrap();
        }
        store.keep(&out)
    }
}

impl Planner for Plan<'_> {
    fn arch(&self) -> Arch {
        self.arch
    }

    fn sources(&self) -> &dyn Sources {
        self.bench
    }

    fn add(&mut self, action: PlannedAction) -> NodeId {
        self.actions.push(action);
        NodeId(self.actions.len() as u32 - 1)
    }

    fn add_once(&mut self, identity: String, action: PlannedAction) -> NodeId {
        if let Some(known) = self.once.get(&identity) {
            return *known;
        }
        let id = self.add(action);
        self.once.insert(identity, id);
        id
    }

    fn content(&mut self, value: &Value) -> Result<Content, Box<Diagnostic>> {
        match &value.data {
            Data::Path(path) => Ok(Content::Source(path.clone())),
            Data::Str(text) => Ok(Content::Text(text.clone())),
            Data::Product(product) => self.product(product).map(Content::Built),
            Data::Part(part) => match self.content(&part.of)? {
                Content::Built(node) => Ok(Content::Part(node, part.path.clone())),
                other => panic!("no product: {other:?}"),
            },
            other => panic!("no content: {other:?}"),
        }
    }

    fn toolchain(&mut self, kind: &str, _: Option<&Value>, asked: Span) -> Result<NodeId, Box<Diagnostic>> {
        let action = PlannedAction {
            mnemonic: "take",
            subject: kind.to_owned(),
            inputs: Vec::new(),
            work: match kind {
                "sh" => Work::HostFiles(Vec::new()),
                _ => Work::HostFolder {
                    folder: PathBuf::new(),
                    keep: |_| true,
                },
            },
            span: asked,
        };
        Ok(self.add_once(kind.to_owned(), action))
    }

    fn tool(&mut self, value: &Value) -> Result<Tool, Box<Diagnostic>> {
        let name = self.name(value);
        let content = match &value.data {
            Data::Toolchain(_) => self
                .toolchain("sh", Some(value), value.span)
                .map(Content::Built)?,
            Data::At(at) => self.content(&at.of)?,
            _ => self.content(value)?,
        };
        Ok(Tool { content, name })
    }

    fn name(&self, value: &Value) -> String {
        match &value.data {
            Data::Path(path) => path.parts().last().unwrap_or("files").to_owned(),
            _ => "made".to_owned(),
        }
    }
}

impl Sources for Bench {
    fn list(&self, folder: &RelPath) -> Result<Names, SourceError> {
        let mut names = BTreeMap::new();
        for below in self.files.keys().filter_map(|file| file.below(folder)) {
            let mut parts = below.parts();
            if let Some(name) = parts.next() {
                let kind = if parts.next().is_some() {
                    SourceKind::Folder
                } else {
                    SourceKind::File
                };
                names.insert(Arc::from(name), kind);
            }
        }
        match names.is_empty() {
            true => Err(SourceError::NotFound(folder.clone())),
            false => Ok(names.into_iter().collect()),
        }
    }

    fn kind(&self, path: &RelPath) -> Option<SourceKind> {
        if self.files.contains_key(path) {
            return Some(SourceKind::File);
        }
        self.list(path).is_ok().then_some(SourceKind::Folder)
    }

    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let (text, executable) = self.files.get(path).ok_or(SourceError::NotFound(path.clone()))?;
        Ok((self.store.write(text.as_bytes()).unwrap(), *executable))
    }

    fn read(&self, path: &RelPath) -> Result<Arc<[u8]>, SourceError> {
        let (text, _) = self.files.get(path).ok_or(SourceError::NotFound(path.clone()))?;
        Ok(Arc::from(text.as_bytes()))
    }

    fn content(&self, path: &RelPath) -> Result<Entry, SourceError> {
        if self.files.contains_key(path) {
            let (digest, executable) = self.file(path)?;
            return Ok(Entry::file(digest, executable));
        }
        let mut dir = Dir::default();
        for file in self.files.keys() {
            if let Some(below) = file.below(path) {
                let (digest, executable) = self.file(file)?;
                dir.file(&below, digest, executable).unwrap();
            }
        }
        if dir == Dir::default() {
            return Err(SourceError::NotFound(path.clone()));
        }
        Ok(Entry::Dir(dir))
    }

    fn provide(&self, _: &Digest) -> Result<bool, SourceError> {
        Ok(false)
    }
}
