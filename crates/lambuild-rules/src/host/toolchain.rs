//! `toolchain sh`: programs of this machine with their shared libraries, by content.
//! Decides how they lie: `bin` is what goes on `PATH`; `launcher/hosted.c` says the rest.

use super::HostView;
use super::closure::{Closure, Refusal, closure};
use crate::codes;
use lambuild_action::{HostBytes, HostFile, PlannedAction, Toolchain, ToolchainRule, Work};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Attrs, Data, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The attributes of `toolchain sh`.
pub static SCHEMA: Schema = Schema {
    name: "sh",
    doc: "Programs of this machine, taken by content with their shared libraries. What is built with them is marked as depending on the machine.",
    attributes: &[Attribute::new(
        "programs",
        Type::List {
            item: &Type::Checked(check_name),
            max: 1000,
        },
        "The names of the programs, as they are found on PATH: [\"sh\", \"sort\"].",
    )
    .required()],
};

fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-[".contains(&byte);
    match name {
        "" | "." | ".." => Err("a program has a name".to_owned()),
        _ if name.contains('/') => Err("programs are named as on PATH, without a folder".to_owned()),
        _ if name.bytes().all(plain) => Ok(()),
        _ => Err("the name of a program has letters, digits, `.`, `_`, `+` and `-`".to_owned()),
    }
}

/// Finds programs of this machine.
pub struct HostPrograms {
    /// Its files.
    pub view: Arc<dyn HostView>,
    /// What stands for a program that needs a loader, on the platform that builds.
    pub hosted: &'static [u8],
    /// What was found in this run: every command with these programs asks again.
    pub found: Found,
}

/// Programs → their files.
#[derive(Debug, Default)]
pub struct Found(Mutex<BTreeMap<Vec<Arc<str>>, Files>>);

type Files = Result<Vec<HostFile>, Refusal>;

impl ToolchainRule for HostPrograms {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, declared: Option<&Attrs>, asked: Span) -> Result<Toolchain, Box<Diagnostic>> {
        let (names, span) = programs(declared).ok_or_else(|| undeclared(asked))?;
        let files = self.find(&names).map_err(|refusal| refused(&refusal, span))?;
        let subject = names.join(" ");
        Ok(Toolchain {
            identity: format!("toolchain sh {subject}"),
            action: PlannedAction {
                mnemonic: "take",
                subject: format!("programs of this machine: {subject}"),
                inputs: Vec::new(),
                work: Work::HostFiles(files),
                span,
            },
        })
    }
}

impl HostPrograms {
    fn find(&self, names: &[Arc<str>]) -> Files {
        let mut found = self.found.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found.get(names) {
            return known.clone();
        }
        let made = closure(names.iter().map(|name| &**name), &*self.view).map(|found| self.files(&found));
        found.entry(names.to_vec()).or_insert(made).clone()
    }

    fn files(&self, found: &Closure) -> Vec<HostFile> {
        let mut files = Vec::new();
        let mut put = |at: String, from: HostBytes| {
            // Names of programs and libraries are plain, so this holds for all of them.
            let at = RelPath::new(&at).ok();
            files.extend(at.map(|at| HostFile {
                at,
                from,
                executable: true,
            }));
        };
        let file = |path: &String| HostBytes::File(PathBuf::from(path));
        for (name, path) in &found.alone {
            put(format!("bin/{name}"), file(path));
        }
        for (name, path) in &found.loaded {
            put(format!("bin/{name}"), HostBytes::Fixed(self.hosted));
            put(format!("real/{name}"), file(path));
        }
        for (name, path) in &found.libraries {
            put(
                format!("lib/{}", name.rsplit('/').next().unwrap_or(name)),
                file(path),
            );
        }
        if let Some(loader) = &found.loader {
            put(format!("lib/{}", self.loader_name(loader)), file(loader));
        }
        files
    }

    /// The name by which `hosted` knows what the loader understands.
    fn loader_name(&self, loader: &str) -> &'static str {
        if loader.contains("musl") {
            return "ld-musl.so";
        }
        let bytes = self.view.read(loader, 0, 8 << 20).unwrap_or_default();
        match bytes.windows(8).any(|part| part == b"--argv0\0") {
            true => "ld.so",
            false => "ld-old.so",
        }
    }
}

fn programs(declared: Option<&Attrs>) -> Option<(Vec<Arc<str>>, Span)> {
    let Value {
        data: Data::List(items),
        span,
    } = declared?.get("programs")?
    else {
        return None;
    };
    let names = items.iter().filter_map(|item| match &item.data {
        Data::Str(name) => Some(name.clone()),
        _ => None,
    });
    Some((names.collect(), *span))
}

fn undeclared(asked: Span) -> Box<Diagnostic> {
    let message = "no `toolchain sh` is declared";
    Box::new(
        Diagnostic::error(codes::HOST_PROGRAM, message, asked, "needed here")
            .help("add `toolchain sh { programs = [\"sh\"] }` to the root's `lambda.build`"),
    )
}

fn refused(refusal: &Refusal, span: Span) -> Box<Diagnostic> {
    let made =
        Diagnostic::error(codes::HOST_PROGRAM, refusal.to_string(), span, "taken here").exit(Exit::Failed);
    Box::new(match refusal {
        Refusal::NotFound(program) => made.help(format!(
            "install it, put its folder on PATH, or take `{program}` out of `programs`"
        )),
        Refusal::Script { .. } => made.help(
            "take its interpreter, give the script as an input, and run it: `run = [\"INTERPRETER\", ./script]`",
        ),
        Refusal::Foreign { .. } => made,
        Refusal::Library { .. } => made.help("`ldd` shows which libraries are missing; install the package that has them"),
        Refusal::Clash { .. } => {
            made.help("one folder of libraries serves all of them: take one of the two out of `programs`")
        }
    })
}

#[cfg(test)]
mod tests;
