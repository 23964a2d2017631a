//! `go`: a Go program for Lambda. Decides its attributes and defaults, the
//! actions it needs, and exactly what the compiler sees.

use super::closure::{Closure, Main, Request, closure, enclosing_module, read_go_mod, vendor_file};
use super::error::ClosureError;
use super::fetch;
use super::gomod::ModuleVersion;
use super::gosum::GoSum;
use super::modcache::cache_paths;
use super::units::units;
use super::{Platform, toolchain};
use crate::codes;
use crate::content::{self, Placed};
use crate::environment;
use crate::go::view::{Fetched, Workspace};
use lambuild_action::message::OUT;
use lambuild_action::{
    Command, GoCache, Hints, NodeId, PlannedAction, Planner, Rule, Seen, Selection, Selector, SourceKind,
    Step, Work,
};
use lambuild_digest::{Digest, Dir, Entry, Node, RelPath};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Arch, Data, Product, Value};
use std::collections::BTreeMap;

const WORDS: Type = Type::List {
    item: &Type::Str { min: 1, max: 1024 },
    max: 100,
};

/// The attributes of `go`.
pub static SCHEMA: Schema = Schema {
    name: "go",
    doc: "A Go program for Lambda: a static executable called `bootstrap`.",
    attributes: &[
        Attribute::new(
            "main",
            Type::Either(&[Type::Path, Type::Str { min: 1, max: 1024 }]),
            "The folder of the main package; with `module`, an import path.",
        )
        .required(),
        Attribute::new(
            "module",
            Type::Path,
            "The folder of the module that provides the import path `main`.",
        ),
        Attribute::new("tags", WORDS, "Build tags beside `lambda.norpc`.").default("[]"),
        Attribute::new("ldflags", WORDS, "Linker flags beside `-s -w -buildid=`.").default("[]"),
        Attribute::new(
            "cgo",
            Type::Bool,
            "Whether C code may be compiled in; needs a C toolchain.",
        )
        .default("false"),
        Attribute::new("debug", Type::Bool, "Keep symbol table and DWARF: no `-s -w`.").default("false"),
        Attribute::new(
            "inputs",
            Type::Map {
                key: place,
                value: &Type::Content,
            },
            "Generated files, by their place relative to the module's folder.",
        )
        .default("{}"),
        Attribute::new("toolchain", Type::Toolchain, "Another Go than the declared one."),
    ],
};

fn place(key: &str) -> Result<(), String> {
    RelPath::new(key)
        .map(drop)
        .map_err(|error| format!("a place in the module is a path such as `gen/pb`: {error}"))
}

/// The rule of `go`.
#[derive(Debug, Clone, Copy)]
pub struct Go {
    /// The launcher of the platform that builds; see [`crate::launcher`].
    pub launcher: &'static [u8],
}

impl Rule for Go {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        let call = Call::read(product, planner)?;
        let toolchain = planner.toolchain("go", product.attrs.get("toolchain"), product.span)?;
        let mut inputs = vec![toolchain];
        let modules = plan_modules(&call, toolchain, planner)?;
        let at = |key: &str| RelPath::new(key).map_err(|why| why.to_string());
        let generated = content::plan_inputs(product, at, &mut inputs, planner)?;
        let subject = format!("{} {}", call.shown(), planner.arch());
        Ok(planner.add(PlannedAction {
            mnemonic: "go build",
            subject,
            inputs,
            work: Work::Select(Box::new(Build {
                call,
                fetches: modules.iter().map(|(_, fetch)| *fetch).collect(),
                modules: modules.into_iter().map(|(module, _)| module).collect(),
                generated,
                arch: planner.arch(),
                launcher: self.launcher,
            })),
            span: product.span,
        }))
    }
}

/// One call of `go`, read and found to be possible.
#[derive(Debug, Clone)]
struct Call {
    module: RelPath,
    main: Program,
    tags: Vec<String>,
    ldflags: Vec<String>,
    debug: bool,
    span: Span,
}

/// What the program is: a folder of the workspace or an import path.
#[derive(Debug, Clone)]
enum Program {
    Folder(RelPath),
    Import(String),
}

impl Call {
    fn read(product: &Product, planner: &dyn Planner) -> Result<Self, Box<Diagnostic>> {
        if let Some(Value {
            data: Data::Bool(true),
            span,
        }) = product.attrs.get("cgo")
        {
            return Err(Box::new(
                Diagnostic::error(
                    codes::NOT_YET,
                    "this version cannot compile C code for Go programs yet",
                    *span,
                    "here",
                )
                .help("leave `cgo` out where the program has a pure Go alternative"),
            ));
        }
        let (module, main) = program(product, planner)?;
        Ok(Call {
            module,
            main,
            tags: words(product, "tags"),
            ldflags: words(product, "ldflags"),
            debug: matches!(
                product.attrs.get("debug"),
                Some(Value {
                    data: Data::Bool(true),
                    ..
                })
            ),
            span: product.span,
        })
    }

    /// What people call the program.
    fn shown(&self) -> &str {
        match &self.main {
            Program::Folder(folder) => folder.display(),
            Program::Import(import) => import,
        }
    }

    fn main(&self) -> Main<'_> {
        match &self.main {
            Program::Folder(folder) => Main::Folder(folder),
            Program::Import(import) => Main::Import(import),
        }
    }
}

fn program(product: &Product, planner: &dyn Planner) -> Result<(RelPath, Program), Box<Diagnostic>> {
    let view = Workspace::of(planner.sources());
    let at = |span: Span| move |error: ClosureError| diagnostic(&error, span);
    match (product.attrs.get("main"), product.attrs.get("module")) {
        (
            Some(Value {
                data: Data::Path(folder),
                span,
            }),
            None,
        ) => {
            if planner.sources().kind(folder) == Some(SourceKind::File) {
                return Err(a_file(folder, *span));
            }
            let module = enclosing_module(&view, folder).map_err(at(*span))?;
            Ok((module, Program::Folder(folder.clone())))
        }
        (
            Some(Value {
                data: Data::Str(import),
                ..
            }),
            Some(Value {
                data: Data::Path(folder),
                span,
            }),
        ) => {
            let module = enclosing_module(&view, folder).map_err(at(*span))?;
            Ok((module, Program::Import(import.to_string())))
        }
        (Some(main), _) => Err(Box::new(
            Diagnostic::error(
                codes::GO,
                "`main` and `module` do not go together like this",
                main.span,
                "here",
            )
            .help("write `main = ./cmd/x`, or `module = ./tools, main = \"example.com/import/path\"`"),
        )),
        (None, _) => Err(Box::new(Diagnostic::error(
            codes::GO,
            "`main` is missing",
            product.span,
            "here",
        ))),
    }
}

fn a_file(file: &RelPath, span: Span) -> Box<Diagnostic> {
    let folder = file.parent().unwrap_or_else(RelPath::root);
    let folder = if folder.is_root() {
        "./.".to_owned()
    } else {
        format!("./{}", folder.as_str())
    };
    Box::new(
        Diagnostic::error(
            codes::GO,
            "`main` is a folder, and this is a file",
            span,
            "a file",
        )
        .note("building one file leaves the other files of its package out")
        .help(format!(
            "name the folder of the main package (from the root of the workspace: `{folder}`)"
        )),
    )
}

fn words(product: &Product, name: &str) -> Vec<String> {
    let Some(Value {
        data: Data::List(items),
        ..
    }) = product.attrs.get(name)
    else {
        return Vec::new();
    };
    let texts = items.iter().filter_map(|item| match &item.data {
        Data::Str(text) => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

/// Plans the fetch of every module that `go.mod` requires and `go.sum` has the hash of.
/// Only those are run that the program turns out to use.
fn plan_modules(
    call: &Call,
    toolchain: NodeId,
    planner: &mut dyn Planner,
) -> Result<Vec<(ModuleVersion, NodeId)>, Box<Diagnostic>> {
    let (go_mod, go_sum) = read_locks(call, planner)?;
    let mut modules = Vec::new();
    if vendor_file(&Workspace::of(planner.sources()), &call.module).is_some() {
        return Ok(modules);
    }
    for module in go_mod.fetched() {
        let Some(sums) = go_sum
            .get(&module)
            .filter(|sums| sums.zip.is_some() && sums.go_mod.is_some())
        else {
            continue;
        };
        let action = fetch::plan(&module, sums, toolchain, call.span);
        let fetch = planner.add_once(format!("go module {module} {sums:?}"), action);
        modules.push((module, fetch));
    }
    Ok(modules)
}

fn read_locks(call: &Call, planner: &dyn Planner) -> Result<(super::GoMod, GoSum), Box<Diagnostic>> {
    let view = Workspace::of(planner.sources());
    let go_mod = read_go_mod(&view, &call.module).map_err(|error| diagnostic(&error, call.span))?;
    let file = call.module.join(&super::locate::go_sum_name());
    if planner.sources().kind(&file).is_none() {
        return Ok((go_mod, GoSum::default()));
    }
    let text = planner
        .sources()
        .read(&file)
        .map_err(|error| content::source(&error, call.span))?;
    let go_sum = GoSum::parse(&text).map_err(|error| {
        diagnostic(
            &ClosureError::GoSum {
                file: file.clone(),
                error,
            },
            call.span,
        )
    })?;
    Ok((go_mod, go_sum))
}

/// A closure's error at the place of the builder call, with the exit code that it asks for.
fn diagnostic(error: &ClosureError, span: Span) -> Box<Diagnostic> {
    let (code, exit) = if error.is_lock() {
        (codes::GO_SUM, Exit::Lock)
    } else {
        (codes::GO, Exit::Usage)
    };
    let mut made = Diagnostic::error(code, error.to_string(), span, "built here").exit(exit);
    if let Some(hint) = error.hint() {
        made = made.help(hint);
    }
    Box::new(made)
}

/// Every error of a closure as one diagnostic: the first, the others as notes.
fn diagnostics(errors: &[ClosureError], span: Span) -> Box<Diagnostic> {
    let lock = errors.iter().position(ClosureError::is_lock).unwrap_or(0);
    let Some(first) = errors.get(lock) else {
        return Box::new(Diagnostic::error(
            codes::GO,
            "the program's files cannot be told",
            span,
            "built here",
        ));
    };
    let mut made = *diagnostic(first, span);
    for (at, error) in errors.iter().enumerate() {
        if at != lock {
            made = made.note(error.to_string());
        }
    }
    Box::new(made)
}

/// Selects what `go build` sees.
struct Build {
    call: Call,
    /// The modules that it may use.
    modules: Vec<ModuleVersion>,
    /// Their fetches, in the same order: optional inputs.
    fetches: Vec<NodeId>,
    generated: Vec<(RelPath, Placed)>,
    arch: Arch,
    launcher: &'static [u8],
}

/// Places in the input root.
const LAUNCHER: &str = ".lambuild/launch";
const TOOLCHAIN: &str = "go";
const SOURCES: &str = "src";
const MODULES: &str = "mod";

/// The release of Go (the 24 of 1.24) from which `go` asks a GOCACHEPROG. Source: Go 1.24's release notes.
const ASKS: u32 = 24;

impl Selector for Build {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        match self.explore(seen)? {
            Selection::Step(step) => Ok(*step),
            Selection::Wants(places) => {
                let modules = places.iter().filter_map(|place| self.modules.get(*place));
                let errors: Vec<ClosureError> = modules
                    .map(|module| ClosureError::NotFetched {
                        module: module.clone(),
                    })
                    .collect();
                Err(diagnostics(&errors, self.call.span))
            }
        }
    }

    fn optional(&self) -> &[NodeId] {
        &self.fetches
    }

    fn explore(&self, seen: &Seen<'_>) -> Result<Selection, Box<Diagnostic>> {
        let span = self.call.span;
        let Some(Node::Directory(toolchain)) = seen.outputs.first() else {
            return Err(Box::new(Diagnostic::error(
                codes::GO,
                "the Go toolchain is not a folder",
                span,
                "built here",
            )));
        };
        let (view, overlay) = self.view(seen)?;
        let release = toolchain::release(toolchain, seen);
        let platform = self.platform(release);
        let fetched = self.fetched(seen)?;
        let request = Request {
            sources: &view,
            module: &self.call.module,
            main: self.call.main(),
            fetched: &|module| fetched.get(module).map(|files| files as _),
            platform: &platform,
        };
        let found = match closure(&request) {
            Ok(found) => found,
            Err(errors) => return self.wants(errors),
        };
        let mut root = Root {
            seen,
            span,
            dir: Dir::default(),
            stable: Vec::new(),
        };
        root.put(TOOLCHAIN, Entry::tree(*toolchain), true)?;
        root.launcher(self.launcher)?;
        let base = base(&found, &self.call.module);
        self.put_sources(&mut root, &found, &base, &overlay)?;
        self.put_modules(&mut root, &found)?;
        let module = self.call.module.below(&base).unwrap_or_else(RelPath::root);
        let step = Step {
            command: self.command(&found.main, &module, found.vendored),
            input_root: root.dir,
            timeout: None,
            hints: Hints {
                stable: root.stable,
                ..self.caches(toolchain, release, &found, seen)
            },
        };
        Ok(Selection::Step(Box::new(step)))
    }
}

impl Build {
    /// The modules to be fetched next, where nothing else keeps the program's files from being told.
    fn wants(&self, mut errors: Vec<ClosureError>) -> Result<Selection, Box<Diagnostic>> {
        let place = |error: &ClosureError| {
            let module = error.to_fetch()?;
            self.modules.iter().position(|known| known == module)
        };
        let places: Vec<usize> = errors.iter().filter_map(place).collect();
        if places.len() == errors.len() {
            return Ok(Selection::Wants(places));
        }
        errors.retain(|error| place(error).is_none());
        Err(diagnostics(&errors, self.call.span))
    }

    /// Where compiled packages are kept: by answering what `go` asks, or, before Go 1.24, which asks
    /// nobody, in a folder.
    fn caches(&self, toolchain: &Digest, release: u32, found: &Closure, seen: &Seen<'_>) -> Hints {
        let toolchain = toolchain.hex();
        let toolchain = toolchain.get(..16).unwrap_or(&toolchain);
        if release < ASKS {
            let folder = ("GOCACHE".to_owned(), format!("go-{toolchain}"));
            return Hints {
                accelerators: BTreeMap::from([folder]),
                ..Hints::default()
            };
        }
        let flags = format!("{} {}", self.arch.go(), self.tags().join(","));
        let digest = |path: &RelPath| seen.sources.file(path).ok().map(|(digest, _)| digest.hex());
        Hints {
            go_cache: Some(GoCache {
                name: format!("gocache-{toolchain}"),
                units: units(found, &flags, &digest),
            }),
            ..Hints::default()
        }
    }

    /// The workspace with generated files laid over it, and those files alone.
    fn view<'a>(&self, seen: &'a Seen<'a>) -> Result<(Workspace<'a>, Dir), Box<Diagnostic>> {
        let mut overlay = Dir::default();
        for (at, placed) in &self.generated {
            let at = self.call.module.join(at);
            let entry = content::entry(placed, seen)?;
            overlay
                .put(&at, entry, seen.trees)
                .map_err(|error| content::tree(&error, placed.span))?;
        }
        Ok((Workspace::with(seen, overlay.clone()), overlay))
    }

    fn platform(&self, release: u32) -> Platform {
        Platform {
            goos: "linux".to_owned(),
            goarch: self.arch.go().to_owned(),
            tags: self.tags().into_iter().collect(),
            cgo: false,
            release,
        }
    }

    fn tags(&self) -> Vec<String> {
        let mut tags = vec!["lambda.norpc".to_owned()];
        tags.extend(self.call.tags.iter().cloned());
        tags
    }

    fn fetched<'a>(&self, seen: &Seen<'a>) -> Result<BTreeMap<ModuleVersion, Fetched<'a>>, Box<Diagnostic>> {
        let mut fetched = BTreeMap::new();
        for (module, output) in self.modules.iter().zip(seen.optional) {
            let Some(Node::Directory(root)) = output else {
                continue;
            };
            let paths = cache_paths(module).map_err(|error| {
                Box::new(Diagnostic::error(
                    codes::GO,
                    error.to_string(),
                    self.call.span,
                    "here",
                ))
            })?;
            fetched.insert(module.clone(), Fetched::new(seen, *root, paths.tree));
        }
        Ok(fetched)
    }

    fn put_sources(
        &self,
        root: &mut Root<'_>,
        found: &Closure,
        base: &RelPath,
        overlay: &Dir,
    ) -> Result<(), Box<Diagnostic>> {
        let generated = Workspace::with(root.seen, overlay.clone());
        for file in &found.files {
            let Some(below) = file.below(base) else { continue };
            let entry = match generated.generated(file) {
                Some(entry) => entry,
                None => {
                    let taken = root.seen.sources.file(file);
                    let (digest, executable) = taken.map_err(|error| content::source(&error, root.span))?;
                    Entry::file(digest, executable)
                }
            };
            root.put(&format!("{SOURCES}/{}", below.as_str()), entry, false)?;
        }
        for (file, text) in &found.slices {
            let Some(below) = file.below(base) else { continue };
            root.text(&format!("{SOURCES}/{}", below.as_str()), text.as_bytes())?;
        }
        Ok(())
    }

    fn put_modules(&self, root: &mut Root<'_>, found: &Closure) -> Result<(), Box<Diagnostic>> {
        for (module, output) in self.modules.iter().zip(root.seen.optional) {
            let Some(output) = output.as_ref().filter(|_| found.modules.contains_key(module)) else {
                continue;
            };
            root.put(MODULES, Entry::Node(output.clone()), false)?;
            if let Ok(paths) = cache_paths(module) {
                root.stable
                    .extend(RelPath::new(&format!("{MODULES}/{}", paths.tree.as_str())));
            }
        }
        Ok(())
    }

    fn command(&self, main: &str, module: &RelPath, vendored: bool) -> Command {
        let mut ldflags: Vec<&str> = if self.call.debug {
            Vec::new()
        } else {
            vec!["-s", "-w"]
        };
        ldflags.push("-buildid=");
        ldflags.extend(self.call.ldflags.iter().map(String::as_str));
        let folder = if module.is_root() {
            String::new()
        } else {
            format!("/{}", module.as_str())
        };
        let arguments = [
            LAUNCHER.to_owned(),
            format!("{{root}}/{TOOLCHAIN}/bin/go"),
            "build".to_owned(),
            "-C".to_owned(),
            format!("{{root}}/{SOURCES}{folder}"),
            format!("-mod={}", if vendored { "vendor" } else { "readonly" }),
            "-trimpath".to_owned(),
            "-buildvcs=false".to_owned(),
            "-tags".to_owned(),
            self.tags().join(","),
            "-ldflags".to_owned(),
            ldflags.join(" "),
            "-o".to_owned(),
            format!("{{root}}/{OUT}/bootstrap"),
            main.to_owned(),
        ];
        Command {
            arguments: arguments.into(),
            environment: self.environment(),
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        }
    }

    /// No network (`GOPROXY=off`), no file of the user (`GOENV=off`), nothing that is not in the input root.
    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = environment::fixed();
        for (name, value) in [
            ("CGO_ENABLED", "0"),
            ("GO111MODULE", "on"),
            ("GOARCH", self.arch.go()),
            ("GOCACHE", "{root}/tmp/gocache"),
            ("GOENV", "off"),
            ("GOFLAGS", ""),
            ("GOMODCACHE", "{root}/mod"),
            ("GOOS", "linux"),
            ("GOPATH", "{root}/tmp/gopath"),
            ("GOPROXY", "off"),
            ("GOROOT", "{root}/go"),
            ("GOSUMDB", "off"),
            ("GOTELEMETRY", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOWORK", "off"),
            ("PATH", "{root}/go/bin"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        environment
    }
}

/// The folder from which the input root's sources are counted: the innermost one that
/// holds all module folders, so that the key does not depend on where they lie.
fn base(found: &Closure, module: &RelPath) -> RelPath {
    let folders = found.slices.keys().filter_map(RelPath::parent);
    folders.fold(module.clone(), |base, folder| common(&base, &folder))
}

fn common(a: &RelPath, b: &RelPath) -> RelPath {
    let mut here = RelPath::root();
    for (part, other) in a.parts().zip(b.parts()) {
        match here.child(part) {
            Ok(next) if part == other => here = next,
            _ => break,
        }
    }
    here
}

/// An input root under construction.
struct Root<'a> {
    seen: &'a Seen<'a>,
    span: Span,
    dir: Dir,
    stable: Vec<RelPath>,
}

impl Root<'_> {
    fn put(&mut self, path: &str, entry: Entry, stable: bool) -> Result<(), Box<Diagnostic>> {
        let span = self.span;
        let path = RelPath::new(path).map_err(|error| {
            Box::new(Diagnostic::error(
                codes::SOURCE,
                error.to_string(),
                span,
                "built here",
            ))
        })?;
        if stable {
            self.stable.push(path.clone());
        }
        self.dir
            .put(&path, entry, self.seen.trees)
            .map_err(|error| content::tree(&error, span))
    }

    fn text(&mut self, path: &str, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
        let digest = self
            .seen
            .blobs
            .write(bytes)
            .map_err(|error| content::store(&error, self.span))?;
        self.put(path, Entry::file(digest, false), false)
    }

    fn launcher(&mut self, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
        let written = self.seen.blobs.write(bytes);
        let digest = written.map_err(|error| content::store(&error, self.span))?;
        self.put(LAUNCHER, Entry::file(digest, true), false)
    }
}

#[cfg(test)]
mod tests;
