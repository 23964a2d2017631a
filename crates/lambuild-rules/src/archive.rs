//! `archive`: a folder as one deterministic zip or tar. Decides the format and what is
//! in it; the bytes are those of `lambuild-package`.

use crate::content;
use crate::files::{self, Files};
use lambuild_action::message::OUT;
use lambuild_action::{
    Command, ExecuteError, Hints, InProcess, NodeId, PlannedAction, Planner, Rule, Seen, Selector, Step,
    Store, Work,
};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, Dir, Entry, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Data, Product};
use lambuild_package::{tar, zip};

/// argv[0] of the step; then follow [`VERSION`], the format and its writer's version.
const STEP: &str = "lambuild:archive";
/// Raised when the same folder gives other members.
const VERSION: &str = "1";
/// The folder of the input root that is packed.
const CONTENT: &str = "content";
const ZIP: &str = "zip";
const TAR: &str = "tar";
const TAR_GZ: &str = "tar.gz";

/// The attributes of `archive`.
pub static SCHEMA: Schema = Schema {
    name: "archive",
    doc: "One zip or tar file, the same bytes for the same content: sorted, without times and owners.",
    attributes: &[
        files::CONTENT,
        Attribute::new(
            "format",
            Type::OneOf(&[ZIP, TAR, TAR_GZ]),
            "What it is. A product of this builder is one file: say where it goes, `content = { \"data.zip\" = archive { … } }`.",
        )
        .default("\"zip\""),
        files::INCLUDE,
        files::EXCLUDE,
        files::EXECUTABLE,
    ],
};

/// The rule of `archive`.
#[derive(Debug)]
pub struct Archives;

impl Rule for Archives {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        // What is in it is put together as `files` does it, whose attributes these are.
        let folder = Files.plan(product, planner)?;
        let format = match product.attrs.get("format").map(|value| &value.data) {
            Some(Data::Str(format)) => format.to_string(),
            _ => ZIP.to_owned(),
        };
        let subject = planner.subject();
        Ok(planner.add(PlannedAction {
            mnemonic: "archive",
            subject,
            inputs: vec![folder],
            work: Work::Select(Box::new(Pack {
                format,
                span: product.span,
            })),
            span: product.span,
        }))
    }
}

struct Pack {
    format: String,
    span: Span,
}

impl Selector for Pack {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let folder = seen.outputs.first().cloned().map(Entry::Node);
        let folder = folder.unwrap_or_else(|| Entry::Dir(Dir::default()));
        let mut input_root = Dir::default();
        let put = RelPath::new(CONTENT).map(|at| input_root.put(&at, folder, seen.trees));
        put.unwrap_or(Ok(()))
            .map_err(|error| content::tree(&error, self.span))?;
        let writer = if self.format == ZIP {
            zip::VERSION
        } else {
            tar::VERSION
        };
        let arguments = [STEP, VERSION, &self.format, &writer.to_string()];
        Ok(Step {
            command: Command {
                arguments: arguments.map(str::to_owned).into(),
                output_paths: RelPath::new(OUT).into_iter().collect(),
                ..Command::default()
            },
            input_root,
            timeout: None,
            hints: Hints::default(),
        })
    }
}

/// Runs the step.
#[derive(Debug)]
pub struct ArchiveStep;

impl InProcess for ArchiveStep {
    fn name(&self) -> &'static str {
        STEP
    }

    fn run(&self, command: &Command, input_root: &Digest, store: &dyn Store) -> Result<Node, ExecuteError> {
        let root = store.directory(input_root).map_err(refused)?;
        let Some(Node::Directory(folder)) = root.get(CONTENT) else {
            return Err(ExecuteError::Refused(
                "what is to be packed is not a folder".to_owned(),
            ));
        };
        let parts = parts(folder, store)?;
        let format = command.arguments.get(2).map_or("", String::as_str);
        let bytes = match format {
            ZIP => zipped(&parts)?,
            TAR => tarred(&parts),
            TAR_GZ => tar::gzip(&tarred(&parts)),
            other => {
                return Err(ExecuteError::Refused(format!(
                    "this version has no archives of the format `{other}`"
                )));
            }
        };
        Ok(Node::File {
            digest: store.write(&bytes)?,
            executable: false,
        })
    }
}

fn refused(error: impl std::fmt::Display) -> ExecuteError {
    ExecuteError::Refused(error.to_string())
}

/// One entry with its bytes.
struct Part {
    path: RelPath,
    node: Node,
    bytes: Vec<u8>,
}

fn parts(folder: &Digest, store: &dyn Store) -> Result<Vec<Part>, ExecuteError> {
    let mut parts = Vec::new();
    for (path, node) in walk(folder, store).map_err(refused)? {
        let bytes = match &node {
            Node::File { digest, .. } => store.read(digest)?,
            _ => Vec::new(),
        };
        parts.push(Part { path, node, bytes });
    }
    Ok(parts)
}

fn zipped(parts: &[Part]) -> Result<Vec<u8>, ExecuteError> {
    let files = parts.iter().filter(|part| matches!(part.node, Node::File { .. }));
    let contents: Vec<&[u8]> = files.map(|part| &*part.bytes).collect();
    let mut compressed = zip::compress_all(&contents).into_iter();
    let mut members = Vec::new();
    for part in parts {
        let kind = match &part.node {
            Node::File { executable, .. } => compressed.next().map(|content| zip::MemberKind::File {
                executable: *executable,
                content,
            }),
            Node::Symlink { target } => Some(zip::MemberKind::Symlink {
                target: (**target).to_owned(),
            }),
            Node::Directory(_) => None,
        };
        members.extend(kind.map(|kind| zip::Member {
            path: part.path.clone(),
            kind,
        }));
    }
    zip::assemble(&members).map_err(refused)
}

fn tarred(parts: &[Part]) -> Vec<u8> {
    let members: Vec<tar::Member<'_>> = parts
        .iter()
        .map(|part| tar::Member {
            path: part.path.clone(),
            kind: match &part.node {
                Node::File { executable, .. } => tar::Kind::File(&part.bytes, *executable),
                Node::Symlink { target } => tar::Kind::Symlink((**target).to_owned()),
                Node::Directory(_) => tar::Kind::Folder,
            },
        })
        .collect();
    tar::assemble(&members)
}

#[cfg(test)]
mod tests;
