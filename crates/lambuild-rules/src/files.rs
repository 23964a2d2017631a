//! `files`: a folder put together from paths, products and texts. Decides where
//! each goes and what is filtered; copies nothing, since content is named by digest.

use crate::codes;
use crate::content::{self, Placed};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use lambuild_action::message::OUT;
use lambuild_action::{
    Command, ExecuteError, Hints, InProcess, NodeId, PlannedAction, Planner, Rule, Seen, Selector, Step,
    Store, Work,
};
use lambuild_digest::{Digest, Dir, Directories, Entry, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Data, Product, Value};

/// argv[0] of the step.
const STEP: &str = "lambuild:files";
/// Raised when the same input root gives another output.
const VERSION: &str = "1";

/// What is put where.
pub const CONTENT: Attribute = Attribute::new(
    "content",
    Type::Either(&[
        Type::Map {
            key: destination,
            value: &Type::Content,
        },
        Type::Content,
    ]),
    "Where in the output each path, product or text goes; \".\" is the root. A bare path or product is the root.",
)
.required();
/// What alone is taken.
pub const INCLUDE: Attribute = Attribute::new(
    "include",
    PATTERNS,
    "Only files of the output that match one of these patterns.",
)
.default("[\"**\"]");
/// What is left out.
pub const EXCLUDE: Attribute = Attribute::new(
    "exclude",
    PATTERNS,
    "No files of the output that match one of these patterns.",
)
.default("[]");
/// What may be executed.
pub const EXECUTABLE: Attribute = Attribute::new(
    "executable",
    PATTERNS,
    "Files of the output that may be executed, beside those that are.",
)
.default("[]");

/// The attributes of `files`.
pub static SCHEMA: Schema = Schema {
    name: "files",
    doc: "A folder put together from paths, products and texts.",
    attributes: &[CONTENT, INCLUDE, EXCLUDE, EXECUTABLE],
};

const PATTERNS: Type = Type::List {
    item: &Type::Str { min: 1, max: 1024 },
    max: 1000,
};

/// `.` or a clean path below the output.
fn destination(key: &str) -> Result<(), String> {
    place(key).map(drop)
}

fn place(key: &str) -> Result<RelPath, String> {
    if key == "." {
        return Ok(RelPath::root());
    }
    RelPath::new(key)
        .map_err(|error| format!("a place in the output is `.` or a path such as `etc/app.conf`: {error}"))
}

/// The rule of `files`.
#[derive(Debug)]
pub struct Files;

impl Rule for Files {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        let mut inputs = Vec::new();
        let entries = entries(product, &mut inputs, planner)?;
        let filter = Filter {
            include: patterns(product, "include")?,
            exclude: patterns(product, "exclude")?.unwrap_or_default(),
            executable: patterns(product, "executable")?.unwrap_or_default(),
        };
        let subject = planner.subject();
        Ok(planner.add(PlannedAction {
            mnemonic: "files",
            subject,
            inputs,
            work: Work::Select(Box::new(Compose {
                entries,
                filter,
                span: product.span,
            })),
            span: product.span,
        }))
    }
}

fn entries(
    product: &Product,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Vec<(RelPath, Placed)>, Box<Diagnostic>> {
    match product.attrs.get("content") {
        Some(Value {
            data: Data::Set(attrs),
            ..
        }) => attrs
            .iter()
            .map(|(key, attr)| {
                let at = place(key)
                    .map_err(|why| Box::new(Diagnostic::error(codes::SOURCE, why, attr.key_span, "here")))?;
                Ok((at, content::plan(&attr.value, inputs, planner)?))
            })
            .collect(),
        Some(value) => Ok(vec![(RelPath::root(), content::plan(value, inputs, planner)?)]),
        None => Ok(Vec::new()),
    }
}

fn patterns(product: &Product, name: &str) -> Result<Option<GlobSet>, Box<Diagnostic>> {
    let Some(Value {
        data: Data::List(items),
        ..
    }) = product.attrs.get(name)
    else {
        return Ok(None);
    };
    let mut set = GlobSetBuilder::new();
    for item in items.iter() {
        let Data::Str(text) = &item.data else { continue };
        // `*` must not cross folders, or `*.md` would mean every depth.
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|error| bad_pattern(&error, item.span))?);
    }
    set.build()
        .map(Some)
        .map_err(|error| bad_pattern(&error, product.span))
}

fn bad_pattern(error: &globset::Error, span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(
        codes::GLOB,
        format!("the pattern is wrong: {}", error.kind()),
        span,
        "this pattern",
    ))
}

struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
    executable: GlobSet,
}

impl Filter {
    fn is_open(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty() && self.executable.is_empty()
    }

    fn takes(&self, path: &RelPath) -> bool {
        let included = self
            .include
            .as_ref()
            .is_none_or(|set| set.is_match(path.as_str()));
        included && !self.exclude.is_match(path.as_str())
    }
}

struct Compose {
    entries: Vec<(RelPath, Placed)>,
    filter: Filter,
    span: Span,
}

impl Selector for Compose {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let mut composed = Dir::default();
        for (at, placed) in &self.entries {
            let entry = content::entry(placed, seen)?;
            if at.is_root() && !is_folder(&entry) {
                return Err(Box::new(
                    Diagnostic::error(
                        codes::CONFLICT,
                        "a single file cannot be the root of an output",
                        placed.span,
                        "one file",
                    )
                    .help("say where it goes: { \"name-in-the-output\" = … }"),
                ));
            }
            composed
                .put(at, entry, seen.trees)
                .map_err(|error| content::tree(&error, placed.span))?;
        }
        if !self.filter.is_open() {
            let mut kept = Dir::default();
            self.keep(&composed, &RelPath::root(), seen.trees, &mut kept)
                .map_err(|error| content::tree(&error, self.span))?;
            composed = kept;
        }
        Ok(step(composed))
    }
}

fn is_folder(entry: &Entry) -> bool {
    matches!(entry, Entry::Dir(_) | Entry::Node(Node::Directory(_)))
}

/// The step whose output is its input root.
fn step(input_root: Dir) -> Step {
    let command = Command {
        arguments: vec![STEP.to_owned(), VERSION.to_owned()],
        output_paths: RelPath::new(OUT).into_iter().collect(),
        ..Command::default()
    };
    Step {
        command,
        input_root,
        timeout: None,
        hints: Hints::default(),
    }
}

impl Compose {
    fn keep(
        &self,
        from: &Dir,
        at: &RelPath,
        trees: &dyn Directories,
        kept: &mut Dir,
    ) -> Result<(), lambuild_digest::TreeError> {
        for (name, entry) in from.entries() {
            let path = at
                .child(name)
                .map_err(|_| lambuild_digest::TreeError::Conflict(at.clone()))?;
            match entry {
                Entry::Dir(inner) => self.keep(inner, &path, trees, kept)?,
                Entry::Node(Node::Directory(digest)) => {
                    self.keep(&Dir::of(&*trees.directory(digest)?), &path, trees, kept)?;
                }
                Entry::Node(Node::File { digest, executable }) if self.filter.takes(&path) => {
                    let executable = *executable || self.filter.executable.is_match(path.as_str());
                    kept.file(&path, *digest, executable)?;
                }
                Entry::Node(Node::Symlink { .. }) if self.filter.takes(&path) => {
                    kept.put(&path, entry.clone(), trees)?;
                }
                Entry::Node(_) => {}
            }
        }
        Ok(())
    }
}

/// Runs the step: the output is the input root itself.
#[derive(Debug)]
pub struct FilesStep;

impl InProcess for FilesStep {
    fn name(&self) -> &'static str {
        STEP
    }

    fn run(&self, _: &Command, input_root: &Digest, _: &dyn Store) -> Result<Node, ExecuteError> {
        Ok(Node::Directory(*input_root))
    }
}

#[cfg(test)]
mod tests;
