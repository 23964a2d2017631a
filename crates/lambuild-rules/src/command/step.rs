//! What a command sees, once its tools and inputs are made: the input root, argv and the environment.

use super::missing;
use super::place::{LAUNCHER, ROOT, TOOLS};
use crate::content::{self, Placed};
use crate::{codes, environment};
use lambuild_action::message::OUT;
use lambuild_action::{Command, Hints, Seen, Selector, Sources, Step};
use lambuild_digest::{Digest, Dir, Directory, Entry, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::nearest;
use lambuild_lang::source::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The shell.
const SHELL: &str = "sh";
/// The executable that `go` makes; as a tool it is called like its target.
const BOOTSTRAP: &str = "bootstrap";

/// What is run.
pub enum Program {
    /// Text for the shell among the tools.
    Shell(String),
    /// A program among the tools, and its arguments.
    Named(String, Span, Vec<String>),
    /// A tool that is not on `PATH`, and its arguments.
    Tool(Tool, Vec<String>),
    /// Words, the first one a path.
    Words(Vec<String>),
}

/// One tool.
pub struct Tool {
    /// Its files.
    pub placed: Placed,
    /// What its executable is called if it has no name of its own.
    pub name: String,
    /// Whether it is the same for many commands.
    pub stable: bool,
}

/// Selects what a command sees.
pub struct Run {
    pub tools: Vec<Tool>,
    pub program: Program,
    /// Where `run` stands.
    pub run: Span,
    pub env: Vec<(String, String)>,
    pub mounts: Vec<(String, Placed)>,
    pub inputs: Vec<(RelPath, Placed)>,
    pub timeout: Option<u32>,
    pub launcher: &'static [u8],
    /// The target, for people: `services/geo:zones`.
    pub target: String,
    /// The folder of its `lambda.build`.
    pub folder: RelPath,
    pub span: Span,
}

impl Selector for Run {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let mut root = Root {
            seen,
            dir: Dir::default(),
            stable: Vec::new(),
        };
        root.launcher(self)?;
        for (at, placed) in &self.inputs {
            root.put(at, content::entry(placed, seen)?, placed.span)?;
        }
        for (place, placed) in &self.mounts {
            root.put_at(place, content::entry(placed, seen)?, placed.span)?;
        }
        let mut laid = Vec::new();
        for tool in &self.tools {
            let at = laid.len();
            laid.push(root.tool(tool, at)?);
        }
        let arguments = self.arguments(&mut root, &laid)?;
        // The folder is there before the command starts, so that it need not have `mkdir`.
        root.put_at(OUT, Entry::Dir(Dir::default()), self.span)?;
        let command = Command {
            arguments,
            environment: self.environment(&laid),
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        };
        Ok(Step {
            command,
            input_root: root.dir,
            timeout: self.timeout,
            hints: Hints {
                stable: root.stable,
                ..Hints::default()
            },
        })
    }

    fn explain(&self, log: &[u8], sources: &dyn Sources) -> Vec<Diagnostic> {
        missing::explain(self, log, sources)
    }
}

impl Run {
    fn arguments(&self, root: &mut Root<'_>, laid: &[Laid]) -> Result<Vec<String>, Box<Diagnostic>> {
        let (program, rest) = match &self.program {
            Program::Shell(text) => {
                let shell = find(laid, SHELL).ok_or_else(|| super::no_shell(self.run))?;
                // The word after the text is `$0`: else it is the path of the shell.
                (shell, ["-c", text, SHELL].map(str::to_owned).to_vec())
            }
            Program::Named(name, span, rest) => {
                let program = find(laid, name).ok_or_else(|| no_program(name, laid, *span))?;
                (program, rest.clone())
            }
            Program::Tool(tool, rest) => {
                let laid = root.tool(tool, laid.len())?;
                let program = laid.only().ok_or_else(|| not_one(tool))?;
                (program, rest.clone())
            }
            Program::Words(words) => match words.split_first() {
                Some((program, rest)) => (program.clone(), rest.to_vec()),
                None => return Err(super::no_shell(self.run)),
            },
        };
        let mut arguments = vec![LAUNCHER.to_owned(), program];
        arguments.extend(rest);
        Ok(arguments)
    }

    fn environment(&self, laid: &[Laid]) -> BTreeMap<String, String> {
        let mut environment = environment::fixed();
        let folders: Vec<&str> = laid.iter().map(|laid| &*laid.folder).collect();
        environment.insert("PATH".to_owned(), folders.join(":"));
        environment.insert("out".to_owned(), format!("{ROOT}/{OUT}"));
        environment.extend(self.env.iter().cloned());
        environment
    }
}

/// A tool in the input root.
struct Laid {
    /// What is on `PATH`.
    folder: String,
    /// The names of the programs there.
    programs: Vec<String>,
    /// Whether there is no other program in the whole tool.
    single: bool,
}

impl Laid {
    fn only(&self) -> Option<String> {
        match &*self.programs {
            [one] if self.single => Some(format!("{}/{one}", self.folder)),
            _ => None,
        }
    }
}

fn find(laid: &[Laid], name: &str) -> Option<String> {
    let has = |laid: &&Laid| laid.programs.iter().any(|program| program == name);
    laid.iter()
        .find(has)
        .map(|laid| format!("{}/{name}", laid.folder))
}

fn no_program(name: &str, laid: &[Laid], span: Span) -> Box<Diagnostic> {
    let message = format!("there is no program `{name}` among `tools`");
    let error = Diagnostic::error(codes::COMMAND, message, span, "this program");
    let known = laid.iter().flat_map(|laid| &laid.programs);
    Box::new(match nearest(name, known.map(|known| &**known)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(missing::add_program(name)),
    })
}

fn not_one(tool: &Tool) -> Box<Diagnostic> {
    let message = "the first word of `run` is a tool with several programs, or none";
    Box::new(
        Diagnostic::error(codes::COMMAND, message, tool.placed.span, "which one?")
            .help("put it into `tools` and name the program: `run = [\"program\", …]`; or take one file: `sub(…, \"bin/program\")`"),
    )
}

/// An input root under construction.
struct Root<'a> {
    seen: &'a Seen<'a>,
    dir: Dir,
    stable: Vec<RelPath>,
}

impl Root<'_> {
    fn put(&mut self, at: &RelPath, entry: Entry, span: Span) -> Result<(), Box<Diagnostic>> {
        if at.is_root() && matches!(entry, Entry::Node(Node::File { .. })) {
            let message = "a single file cannot be the whole folder in which the command starts";
            return Err(Box::new(
                Diagnostic::error(codes::CONFLICT, message, span, "one file")
                    .help("say what it is called there: `inputs = { \"name\" = … }`"),
            ));
        }
        let put = self.dir.put(at, entry, self.seen.trees);
        put.map_err(|error| content::tree(&error, span))
    }

    fn put_at(&mut self, place: &str, entry: Entry, span: Span) -> Result<(), Box<Diagnostic>> {
        match RelPath::new(place) {
            Ok(at) => self.put(&at, entry, span),
            Err(error) => Err(Box::new(Diagnostic::error(
                codes::SOURCE,
                error.to_string(),
                span,
                "here",
            ))),
        }
    }

    fn launcher(&mut self, run: &Run) -> Result<(), Box<Diagnostic>> {
        let written = self.seen.blobs.write(run.launcher);
        let digest = written.map_err(|error| content::store(&error, run.span))?;
        self.put_at(LAUNCHER, Entry::file(digest, true), run.span)
    }

    /// Lays out a tool: a folder as it is, with `bin` on `PATH` if it has one; a single file, and
    /// the `bootstrap` of a Go program, under the tool's name.
    fn tool(&mut self, tool: &Tool, number: usize) -> Result<Laid, Box<Diagnostic>> {
        let place = format!("{TOOLS}/{number}");
        let span = tool.placed.span;
        let folder = format!("{ROOT}/{place}");
        let entry = content::entry(&tool.placed, self.seen)?;
        let mut programs = programs(&entry, self.seen, span)?;
        if let Some(alone) = programs.alone.take() {
            self.put_at(&format!("{place}/{}", tool.name), alone, span)?;
            return Ok(Laid {
                folder,
                programs: vec![tool.name.clone()],
                single: true,
            });
        }
        self.put_at(&place, entry, span)?;
        if tool.stable {
            self.stable.extend(RelPath::new(&place));
        }
        let below = if programs.in_bin { "/bin" } else { "" };
        Ok(Laid {
            folder: format!("{folder}{below}"),
            single: programs.names.len() == 1,
            programs: programs.names,
        })
    }
}

/// The programs of a tool.
struct Programs {
    /// A single executable that is called like the tool.
    alone: Option<Entry>,
    /// Whether they are in `bin`.
    in_bin: bool,
    names: Vec<String>,
}

fn programs(entry: &Entry, seen: &Seen<'_>, span: Span) -> Result<Programs, Box<Diagnostic>> {
    let folder = |digest: &Digest| {
        seen.trees
            .directory(digest)
            .map_err(|error| content::tree(&error, span))
    };
    let top = match entry {
        Entry::Node(Node::Directory(digest)) => Names::Stored(folder(digest)?),
        Entry::Dir(dir) => Names::Made(dir),
        Entry::Node(Node::File { digest, .. }) => {
            return Ok(Programs {
                alone: Some(Entry::file(*digest, true)),
                in_bin: false,
                names: Vec::new(),
            });
        }
        Entry::Node(Node::Symlink { .. }) => return Err(no_files(span)),
    };
    let bin = match &top {
        Names::Stored(directory) => match directory.get("bin") {
            Some(Node::Directory(digest)) => Some(Names::Stored(folder(digest)?)),
            _ => None,
        },
        Names::Made(dir) => match dir.entries().find(|(name, _)| *name == "bin") {
            Some((_, Entry::Dir(inner))) => Some(Names::Made(inner)),
            Some((_, Entry::Node(Node::Directory(digest)))) => Some(Names::Stored(folder(digest)?)),
            _ => None,
        },
    };
    let in_bin = bin.is_some();
    let count = top.count();
    let mut found = bin.unwrap_or(top).executables();
    let alone = count == 1 && !in_bin;
    let bootstrap = found.iter().position(|(name, _)| name == BOOTSTRAP && alone);
    Ok(Programs {
        alone: bootstrap.map(|at| found.swap_remove(at).1),
        in_bin,
        names: found.into_iter().map(|(name, _)| name).collect(),
    })
}

fn no_files(span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(
        codes::COMMAND,
        "a tool is a file or a folder with programs, and this is a link",
        span,
        "this tool",
    ))
}

/// The names in a folder that is stored or only put together.
enum Names<'d> {
    Stored(Arc<Directory>),
    Made(&'d Dir),
}

impl Names<'_> {
    fn count(&self) -> usize {
        match self {
            Names::Stored(directory) => directory.nodes().count(),
            Names::Made(dir) => dir.entries().count(),
        }
    }

    /// What may be executed: files with the execute bit, and links, which may lead to one.
    fn executables(&self) -> Vec<(String, Entry)> {
        let runs = |node: &Node| matches!(node, Node::File { executable: true, .. } | Node::Symlink { .. });
        match self {
            Names::Stored(directory) => {
                let all = directory.nodes().filter(|(_, node)| runs(node));
                all.map(|(name, node)| (name.to_owned(), Entry::Node(node.clone())))
                    .collect()
            }
            Names::Made(dir) => {
                let all = dir
                    .entries()
                    .filter(|(_, entry)| matches!(entry, Entry::Node(node) if runs(node)));
                all.map(|(name, entry)| (name.to_owned(), entry.clone()))
                    .collect()
            }
        }
    }
}
