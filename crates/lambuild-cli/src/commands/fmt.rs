//! `lambuild fmt`: build files and libraries in the one style. Decides which files, and
//! replaces each as a whole or not at all; the style itself is the language's.

use crate::args::{Common, Fmt};
use crate::environment::Environment;
use crate::exit;
use crate::talk::{Talk, count};
use crate::workspace::{Trouble, Workspace};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::format::format;
use lambuild_lang::source::SourceMap;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What is formatted.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Input {
    /// `None`: standard input, whose answer goes to standard output.
    path: Option<PathBuf>,
    /// As one would type it.
    name: String,
}

/// What came of all inputs.
#[derive(Default)]
struct Outcome {
    /// The names of those that were not in style.
    changed: Vec<String>,
    /// How many could not be read, parsed or written.
    failed: usize,
    exit: u8,
    /// What standard input becomes.
    text: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Fmt, common: &Common, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let inputs = inputs(options, common, environment).map_err(|trouble| {
        talk.error(&trouble.message);
        trouble.exit
    })?;
    let mut outcome = Outcome::default();
    for input in &inputs {
        if let Err(trouble) = one(input, options.check, talk, &mut outcome) {
            outcome.fail(trouble.exit);
            if !trouble.message.is_empty() {
                talk.error(&trouble.message);
            }
        }
    }
    tell(&outcome, inputs.len(), options.check, talk);
    match outcome.exit {
        exit::OK if options.check && !outcome.changed.is_empty() => Err(exit::FAILED),
        exit::OK => Ok(()),
        code => Err(code),
    }
}

impl Outcome {
    /// A file that is wrong says more than one that the system refuses.
    fn fail(&mut self, code: u8) {
        self.failed += 1;
        self.exit = self.exit.max(code);
    }
}

/// What the paths name, sorted, each once.
fn inputs(options: &Fmt, common: &Common, environment: &Environment) -> Result<Vec<Input>, Trouble> {
    let mut inputs = Vec::new();
    if options.paths.is_empty() {
        inputs = of_workspace(None, common, environment)?;
    }
    for path in &options.paths {
        let place = environment.folder.join(path);
        let name = path.display().to_string();
        match name.as_str() {
            "-" => inputs.push(Input { path: None, name }),
            _ if place.is_dir() => inputs.extend(of_workspace(Some(&place), common, environment)?),
            _ => inputs.push(Input {
                path: Some(place),
                name,
            }),
        }
    }
    inputs.sort();
    inputs.dedup_by(|a, b| a.path == b.path);
    Ok(inputs)
}

/// The workspace's files, all of them or those below a folder. Where the root's
/// `workspace` cannot be read, nobody knows what belongs to it, and that file stands alone.
fn of_workspace(
    folder: Option<&Path>,
    common: &Common,
    environment: &Environment,
) -> Result<Vec<Input>, Trouble> {
    let workspace = Workspace::open(common, environment)?;
    let folder = folder
        .map(fs::canonicalize)
        .transpose()
        .map_err(|error| Trouble {
            message: error.to_string(),
            exit: exit::FAILED,
        })?;
    let evaluation = workspace.evaluate();
    let mut files: Vec<PathBuf> = evaluation
        .own_files()
        .map(|file| workspace.root.join(file.path.as_str()))
        .collect();
    if files.is_empty() {
        files.push(workspace.root.join(lambuild_lang::files::BUILD_FILE));
    }
    files.retain(|file| folder.as_ref().is_none_or(|folder| file.starts_with(folder)));
    match folder {
        Some(folder) if files.is_empty() => Err(Trouble {
            message: format!(
                "no build file at or below {} belongs to the workspace {}",
                folder.display(),
                workspace.root.display()
            ),
            exit: exit::USAGE,
        }),
        _ => Ok(files
            .into_iter()
            .map(|path| named(path, &environment.folder))
            .collect()),
    }
}

/// A file with its path as one would type it in the current folder.
fn named(path: PathBuf, folder: &Path) -> Input {
    let up = folder
        .ancestors()
        .position(|above| path.starts_with(above))
        .unwrap_or(0);
    let above = folder.ancestors().nth(up).unwrap_or(folder);
    let below = path.strip_prefix(above).unwrap_or(&path);
    let name = format!("{}{}", "../".repeat(up), below.display());
    Input {
        path: Some(path),
        name,
    }
}

/// Formats one input; an error without words has been shown.
fn one(input: &Input, check: bool, talk: &Talk, outcome: &mut Outcome) -> Result<(), Trouble> {
    let text = match &input.path {
        None => io::read_to_string(io::stdin()),
        Some(path) => fs::read_to_string(path),
    };
    let text = text.map_err(|error| unreadable(&input.name, &error))?;
    let formatted = format(&text).map_err(|errors| refused(&input.name, &text, &errors, talk))?;
    let differs = formatted != text;
    match &input.path {
        Some(path) if differs && !check => {
            replace(path, &formatted).map_err(|error| unwritable(&input.name, &error))?;
        }
        None if !check => outcome.text = Some(formatted),
        _ => {}
    }
    if differs {
        outcome.changed.push(input.name.clone());
    }
    Ok(())
}

/// Shows what is wrong with a text.
fn refused(name: &str, text: &str, errors: &[Diagnostic], talk: &Talk) -> Trouble {
    let mut sources = SourceMap::default();
    sources.add(source_name(name), text.into());
    talk.diagnostics(errors, &sources);
    Trouble {
        message: String::new(),
        exit: exit::of(errors),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Trouble {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        _ => error.to_string(),
    };
    Trouble {
        message: format!("`{name}` cannot be read: {why}"),
        exit: exit::USAGE,
    }
}

fn unwritable(name: &str, error: &io::Error) -> Trouble {
    Trouble {
        message: format!("`{name}` cannot be replaced and stays as it is: {error}"),
        exit: exit::FAILED,
    }
}

/// Puts a new file in the place of the old one, with its mode, so that no reader sees half
/// of it. A link stays: what it leads to is replaced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// The name under which mistakes are shown; a path that leaves the folder has only its end.
fn source_name(name: &str) -> RelPath {
    let end = name.rsplit('/').next().unwrap_or(name);
    let name = if name == "-" { "stdin" } else { name };
    RelPath::new(name)
        .or_else(|_| RelPath::new(end))
        .unwrap_or_else(|_| RelPath::root())
}

fn tell(outcome: &Outcome, files: usize, check: bool, talk: &Talk) {
    if talk.json {
        let mut summary = json!({
            "event": "summary",
            "files": files,
            "changed": outcome.changed,
            "failed": outcome.failed,
        });
        if let Some(text) = &outcome.text {
            summary["text"] = Value::from(text.as_str());
        }
        return talk.data(&summary.to_string());
    }
    if let Some(text) = &outcome.text {
        return talk.text(text);
    }
    for name in &outcome.changed {
        talk.data(name);
    }
    let (files, changed) = (count(files, "file"), outcome.changed.len());
    talk.say(&match (check, changed) {
        _ if outcome.failed > 0 => format!("{} could not be formatted", count(outcome.failed, "file")),
        (_, 0) => format!("{files} in style"),
        (true, _) => format!("{changed} of {files} not in style; `lambuild fmt` changes that"),
        (false, _) => format!("{changed} of {files} changed"),
    });
}
