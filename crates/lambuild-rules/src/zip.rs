//! The zip of a function or a layer, as an action like any other: one input tree,
//! a zip and the facts about it as output.

use crate::content;
use lambuild_action::message::OUT;
use lambuild_action::{
    Command, ExecuteError, Hints, InProcess, NodeId, Packager, PlannedAction, Planner, Seen, Selector, Step,
    Store, Work, write_tree,
};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, Dir, Entry, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use lambuild_package::facts::Facts;
use lambuild_package::layer::invisible;
use lambuild_package::mode::{self, Package};
use lambuild_package::zip::{self, Member, MemberKind, ZipError};
use serde::{Deserialize, Serialize};

/// argv[0] of the step.
const STEP: &str = "lambuild:zip";
/// The folder of the input root that is zipped.
const CONTENT: &str = "content";
/// The options, in the input root.
const OPTIONS: &str = "options.json";
/// The zip, in the output.
pub const ZIP: &str = "package.zip";
/// [`Facts`] as JSON, in the output.
pub const FACTS: &str = "facts.json";
/// [`Layout`] as JSON, in the output of a layer.
pub const LAYOUT: &str = "layout.json";

/// The options of the step. In the key as their canonical text: fields in this order, no spaces.
#[derive(Debug, Serialize, Deserialize)]
struct Options {
    layer: bool,
}

/// What of a layer no runtime looks at, in words.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Layout {
    /// One sentence for each file or folder that is out of sight.
    pub invisible: Vec<String>,
}

/// Plans zips.
#[derive(Debug)]
pub struct Zips;

impl Packager for Zips {
    fn plan(
        &self,
        layer: bool,
        product: NodeId,
        subject: &str,
        span: Span,
        planner: &mut dyn Planner,
    ) -> NodeId {
        planner.add(PlannedAction {
            mnemonic: "zip",
            subject: subject.to_owned(),
            inputs: vec![product],
            work: Work::Select(Box::new(Zip { layer, span })),
            span,
        })
    }
}

struct Zip {
    layer: bool,
    span: Span,
}

impl Selector for Zip {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let options = serde_json::to_vec(&Options { layer: self.layer }).unwrap_or_default();
        let options = seen
            .blobs
            .write(&options)
            .map_err(|error| content::store(&error, self.span))?;
        let mut input_root = Dir::default();
        let product = seen
            .outputs
            .first()
            .cloned()
            .map(Entry::Node)
            .unwrap_or_else(|| Entry::Dir(Dir::default()));
        for (name, entry) in [(CONTENT, product), (OPTIONS, Entry::file(options, false))] {
            let put = RelPath::new(name).map(|at| input_root.put(&at, entry, seen.trees));
            put.unwrap_or(Ok(()))
                .map_err(|error| content::tree(&error, self.span))?;
        }
        let command = Command {
            arguments: vec![STEP.to_owned(), zip::VERSION.to_string()],
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        };
        Ok(Step {
            command,
            input_root,
            timeout: None,
            hints: Hints::default(),
        })
    }
}

/// Runs the step.
#[derive(Debug)]
pub struct ZipStep;

impl InProcess for ZipStep {
    fn name(&self) -> &'static str {
        STEP
    }

    fn run(&self, _: &Command, input_root: &Digest, store: &dyn Store) -> Result<Node, ExecuteError> {
        let root = store.directory(input_root).map_err(refused)?;
        let (Some(Node::File { digest: options, .. }), Some(Node::Directory(content))) =
            (root.get(OPTIONS), root.get(CONTENT))
        else {
            return Err(ExecuteError::Refused(
                "what is to be zipped is not a folder".to_owned(),
            ));
        };
        let options: Options = serde_json::from_slice(&store.read(options)?).map_err(refused)?;
        let package = if options.layer {
            Package::Layer
        } else {
            Package::Function
        };
        let members = members(content, package, store)?;
        let bytes = zip::assemble(&members).map_err(refused)?;
        let mut out = Dir::default();
        let facts = Facts::of(&bytes).map_err(refused)?;
        put(
            &mut out,
            FACTS,
            &serde_json::to_vec(&facts).map_err(refused)?,
            store,
        )?;
        put(&mut out, ZIP, &bytes, store)?;
        if options.layer {
            let paths: Vec<RelPath> = members.iter().map(|member| member.path.clone()).collect();
            let hidden = invisible(&paths, false).iter().map(ToString::to_string).collect();
            let layout = serde_json::to_vec(&Layout { invisible: hidden }).map_err(refused)?;
            put(&mut out, LAYOUT, &layout, store)?;
        }
        Ok(Node::Directory(write_tree(store, &out)?))
    }
}

fn refused(error: impl std::fmt::Display) -> ExecuteError {
    ExecuteError::Refused(error.to_string())
}

fn members(content: &Digest, package: Package, store: &dyn Store) -> Result<Vec<Member>, ExecuteError> {
    let nodes = walk(content, store).map_err(refused)?;
    let mut files = Vec::new();
    let mut members = Vec::new();
    for (path, node) in nodes {
        match node {
            Node::File { digest, executable } => files.push((path, store.read(&digest)?, executable)),
            Node::Symlink { target } => {
                members.push(Member {
                    path,
                    kind: MemberKind::Symlink {
                        target: (*target).to_owned(),
                    },
                });
            }
            Node::Directory(_) => {}
        }
    }
    let contents: Vec<&[u8]> = files.iter().map(|(_, bytes, _)| &**bytes).collect();
    for ((path, bytes, bit), content) in files.iter().zip(zip::compress_all(&contents)) {
        let executable = mode::executable(package, path, bytes, *bit);
        members.push(Member {
            path: path.clone(),
            kind: MemberKind::File { executable, content },
        });
    }
    if members.is_empty() {
        Err(refused(ZipError::Empty))
    } else {
        Ok(members)
    }
}

fn put(out: &mut Dir, name: &str, bytes: &[u8], store: &dyn Store) -> Result<(), ExecuteError> {
    let digest = store.write(bytes)?;
    let path = RelPath::new(name).map_err(refused)?;
    out.file(&path, digest, false).map_err(refused)
}

#[cfg(test)]
mod tests;
