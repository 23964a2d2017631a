//! Everything of the workspace and of fetched modules that building one Go
//! program reads: its package, what that imports, and so on, with embedded
//! files, and the slices of `go.mod` and `go.sum`. Knows neither toolchains
//! (whose packages it passes over) nor how modules are fetched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lambuild_digest::RelPath;

use super::constraint::Platform;
use super::embed::embedded;
use super::error::{ClosureError, Place};
use super::gomod::{GoMod, ModuleVersion};
use super::gosum::{GoSum, Sums};
use super::locate::{Modules, Provider, go_mod_name, go_sum_name, holds_go_files};
use super::package::{NoPackage, Package, Site, package};
use super::slice;
use super::sources::{GoFiles, Kind, begins_module, kind_of};
use super::vendor::Vendor;

/// What is to be built.
pub struct Request<'a> {
    /// The files of the workspace, generated inputs laid over them.
    pub sources: &'a dyn GoFiles,
    /// The folder of the main module's `go.mod`; see [`enclosing_module`].
    pub module: &'a RelPath,
    /// The program.
    pub main: Main<'a>,
    /// The fetched modules, each rooted at the module's own folder; `None` for what is not fetched.
    pub fetched: &'a dyn Fn(&ModuleVersion) -> Option<&'a dyn GoFiles>,
    /// What it is built for.
    pub platform: &'a Platform,
}

/// Which package is the program.
#[derive(Debug, Clone, Copy)]
pub enum Main<'a> {
    /// A folder of the workspace, in the module.
    Folder(&'a RelPath),
    /// An import path, of the module itself or of one that it requires.
    Import(&'a str),
}

/// What building a program reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The import path of the program: the argument of `go build`.
    pub main: String,
    /// Files of the workspace, relative to it: of the main module and of folders that replace modules.
    /// Links are named as links; where what they name is not here too, its content must stand in for them.
    pub files: BTreeSet<RelPath>,
    /// Files whose content is made here: the slices of each `go.mod` and of `go.sum`, in their places.
    pub slices: BTreeMap<RelPath, String>,
    /// The fetched modules in use, whole, with the hashes that `go.sum` asks of them.
    pub modules: BTreeMap<ModuleVersion, Sums>,
    /// Whether third-party packages are those of the `vendor` folder.
    pub vendored: bool,
    /// All packages outside the standard library, by import path.
    pub packages: BTreeSet<String>,
    /// What goes into each of these packages, by import path.
    pub contents: BTreeMap<String, Contents>,
}

/// What goes into a compiled package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files of the workspace, embedded ones included.
    pub files: BTreeSet<RelPath>,
    /// The fetched module that it is in, else.
    pub module: Option<ModuleVersion>,
    /// The packages that it imports, of the standard library too.
    pub imports: BTreeSet<String>,
}

impl Closure {
    /// Whether the program has the Lambda runtime client for Go in it.
    pub fn imports_lambda(&self) -> bool {
        self.packages.contains("github.com/aws/aws-lambda-go/lambda")
    }
}

/// The nearest folder at or above `dir` that holds a `go.mod`.
///
/// # Errors
/// When there is none up to the root of the workspace.
pub fn enclosing_module(sources: &dyn GoFiles, dir: &RelPath) -> Result<RelPath, ClosureError> {
    ancestors(dir)
        .find(|folder| begins_module(sources, folder))
        .ok_or_else(|| ClosureError::NoModule { folder: dir.clone() })
}

/// Reads the `go.mod` of a module in the workspace, and refuses what lambuild cannot build: modules
/// for Go before 1.17, and those in a Go workspace.
///
/// # Errors
/// As said, and a malformed or unreadable file.
pub fn read_go_mod(sources: &dyn GoFiles, module: &RelPath) -> Result<GoMod, ClosureError> {
    let file = module.join(&go_mod_name());
    let go_mod = GoMod::parse(&read(sources, &file)?).map_err(|error| ClosureError::GoMod {
        file: file.clone(),
        error,
    })?;
    if go_mod.language() < OLDEST {
        let go = if go_mod.go.is_empty() {
            "1.16 (it has no `go` line)".into()
        } else {
            go_mod.go
        };
        return Err(ClosureError::OldModule { file, go });
    }
    match ancestors(module).find_map(|folder| existing(sources, &folder, "go.work")) {
        Some(file) => Err(ClosureError::GoWork { file }),
        None => Ok(go_mod),
    }
}

/// The `vendor/modules.txt` of a module, if it has one: then `go` builds with what is vendored, and fetches nothing.
pub fn vendor_file(sources: &dyn GoFiles, module: &RelPath) -> Option<RelPath> {
    existing(sources, module, "vendor/modules.txt")
}

/// Since Go 1.17 a `go.mod` lists every module that provides a package, so that imports can be
/// followed without other modules' `go.mod` files. Source: "Go Modules Reference", "Module graph pruning".
const OLDEST: (u32, u32) = (1, 17);

/// Finds what building a program reads.
///
/// # Errors
/// All that could be found, at least one, in the order in which imports are followed. When
/// every error has a [`ClosureError::to_fetch`], fetch these modules and call again.
pub fn closure(request: &Request<'_>) -> Result<Closure, Vec<ClosureError>> {
    let modules = read_modules(request).map_err(|error| vec![error])?;
    let main = main_import(request, &modules).map_err(|error| vec![error])?;
    let mut walk = Walk::new(&modules, request.platform);
    walk.want(&main, None);
    while let Some((import, at)) = walk.queue.pop_front() {
        if let Err(error) = walk.visit(&import, at.as_ref()) {
            walk.report(error);
        }
    }
    walk.finish(main)
}

fn read_modules<'a>(request: &Request<'a>) -> Result<Modules<'a>, ClosureError> {
    let go_mod = read_go_mod(request.sources, request.module)?;
    let go_sum = match existing(request.sources, request.module, "go.sum") {
        Some(file) => {
            let text = read(request.sources, &file)?;
            GoSum::parse(&text).map_err(|error| ClosureError::GoSum { file, error })?
        }
        None => GoSum::default(),
    };
    let vendor = match vendor_file(request.sources, request.module) {
        Some(file) => {
            let text = read(request.sources, &file)?;
            let parsed = Vendor::parse(&text).map_err(|error| ClosureError::Vendor { file, error })?;
            Some(parsed)
        }
        None => None,
    };
    let (sources, fetched) = (request.sources, request.fetched);
    Ok(Modules {
        sources,
        folder: request.module.clone(),
        go_mod,
        go_sum,
        vendor,
        fetched,
    })
}

fn main_import(request: &Request<'_>, modules: &Modules<'_>) -> Result<String, ClosureError> {
    let folder = match request.main {
        Main::Import(import) => return Ok(import.to_owned()),
        Main::Folder(folder) => folder,
    };
    if request.sources.list(folder).is_none() {
        return Err(ClosureError::NoFolder {
            folder: folder.clone(),
        });
    }
    let nearest = enclosing_module(request.sources, folder)?;
    let import = match folder.below(request.module) {
        Some(rest) if nearest == *request.module => join_import(&modules.go_mod.module, &rest),
        _ => {
            return Err(ClosureError::OtherModule {
                folder: folder.clone(),
                module: request.module.clone(),
            });
        }
    };
    match holds_go_files(request.sources, folder) {
        true => Ok(import),
        false => Err(ClosureError::NoGoFiles {
            package: import,
            at: None,
        }),
    }
}

fn join_import(module: &str, rest: &RelPath) -> String {
    if rest.is_root() {
        module.to_owned()
    } else {
        format!("{module}/{}", rest.as_str())
    }
}

fn ancestors(dir: &RelPath) -> impl Iterator<Item = RelPath> {
    std::iter::successors(Some(dir.clone()), RelPath::parent)
}

fn existing(sources: &dyn GoFiles, folder: &RelPath, name: &str) -> Option<RelPath> {
    let path = folder.resolve(name).ok()?;
    kind_of(sources, &path)
        .filter(|kind| *kind != Kind::Dir)
        .map(|_| path)
}

fn read(sources: &dyn GoFiles, file: &RelPath) -> Result<std::sync::Arc<[u8]>, ClosureError> {
    sources.read(file).map_err(|why| ClosureError::Unreadable {
        file: file.to_string(),
        why,
    })
}

/// The way from package to package.
struct Walk<'w, 'a> {
    modules: &'w Modules<'a>,
    platform: &'w Platform,
    queue: VecDeque<(String, Option<Place>)>,
    seen: BTreeSet<String>,
    used: BTreeSet<String>,
    errors: Vec<ClosureError>,
    found: Closure,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(modules: &'w Modules<'a>, platform: &'w Platform) -> Self {
        Walk {
            modules,
            platform,
            queue: VecDeque::new(),
            seen: BTreeSet::new(),
            used: BTreeSet::new(),
            errors: Vec::new(),
            found: Closure::default(),
        }
    }

    fn want(&mut self, import: &str, at: Option<Place>) {
        if import != "C" && self.seen.insert(import.to_owned()) {
            self.queue.push_back((import.to_owned(), at));
        }
    }

    /// Many packages of one module would say the same of it: one error is enough.
    fn report(&mut self, error: ClosureError) {
        let known = self.errors.iter().any(|known| match (known, &error) {
            (ClosureError::MissingSum { module: a, .. }, ClosureError::MissingSum { module: b, .. }) => {
                a == b
            }
            (known, error) => known == error,
        });
        if !known {
            self.errors.push(error);
        }
    }

    fn visit(&mut self, import: &str, at: Option<&Place>) -> Result<(), ClosureError> {
        match self.modules.locate(import, at)? {
            Provider::Standard if at.is_none() => Err(ClosureError::NoProvider {
                package: import.to_owned(),
                at: None,
            }),
            Provider::Standard => Ok(()),
            Provider::Workspace { dir, replaced } => self.in_workspace(import, at, &dir, replaced),
            Provider::Vendored { dir, module } => {
                self.used.insert(module);
                self.in_workspace(import, at, &dir, None)
            }
            Provider::Fetched {
                required,
                module,
                files,
                dir,
            } => {
                let found = self.package(files, &dir, import, at)?;
                self.follow(import, &found, &format!("{module}/"));
                self.contents(import).module = Some(module.clone());
                self.used.insert(required);
                let sums = self.modules.sums(&module, at)?.clone();
                self.found.modules.insert(module, sums);
                Ok(())
            }
        }
    }

    fn in_workspace(
        &mut self,
        import: &str,
        at: Option<&Place>,
        dir: &RelPath,
        replaced: Option<(String, RelPath)>,
    ) -> Result<(), ClosureError> {
        let sources = self.modules.sources;
        let found = self.package(sources, dir, import, at)?;
        self.follow(import, &found, "");
        self.contents(import).files.extend(found.files.iter().cloned());
        if let Some((required, folder)) = replaced {
            self.take_replacement(required, &folder)?;
        }
        for (pattern, site) in &found.embeds {
            match embedded(sources, dir, pattern) {
                Ok(files) => {
                    let contents = self.found.contents.entry(import.to_owned()).or_default();
                    contents.files.extend(files.iter().cloned());
                    self.found.files.extend(files);
                }
                Err(why) => self.report(ClosureError::Embed {
                    pattern: pattern.clone(),
                    why,
                    at: place("", site),
                }),
            }
        }
        // `go build` reads the profile of a program's folder without being told: `-pgo=auto`.
        self.found
            .files
            .extend(existing(sources, dir, "default.pgo").filter(|_| at.is_none()));
        self.found.files.extend(found.files);
        Ok(())
    }

    fn take_replacement(&mut self, required: String, folder: &RelPath) -> Result<(), ClosureError> {
        if !self.used.insert(required) {
            return Ok(());
        }
        let file = folder.join(&go_mod_name());
        let text = read(self.modules.sources, &file)?;
        let go_mod = GoMod::parse_dependency(&text).map_err(|error| ClosureError::GoMod {
            file: file.clone(),
            error,
        })?;
        self.found.slices.insert(file, slice::dependency_go_mod(&go_mod));
        Ok(())
    }

    fn package(
        &mut self,
        files: &dyn GoFiles,
        dir: &RelPath,
        import: &str,
        at: Option<&Place>,
    ) -> Result<Package, ClosureError> {
        let found = package(files, dir, self.platform).map_err(|why| self.no_package(import, at, why))?;
        if at.is_none() && found.name != "main" && found.name != "?" {
            return Err(ClosureError::NotMain {
                package: import.to_owned(),
                name: found.name,
            });
        }
        self.found.packages.insert(import.to_owned());
        Ok(found)
    }

    fn no_package(&self, import: &str, at: Option<&Place>, why: NoPackage) -> ClosureError {
        let (package, at) = (import.to_owned(), at.cloned());
        match why {
            NoPackage::NoFolder | NoPackage::NoGoFiles => ClosureError::NoGoFiles { package, at },
            NoPackage::Unreadable { file, why } => ClosureError::Unreadable {
                file: file.to_string(),
                why,
            },
            NoPackage::AllExcluded(files) => {
                let cgo = if self.platform.cgo { " with cgo" } else { "" };
                let platform = format!("{}/{}{cgo}", self.platform.goos, self.platform.goarch);
                ClosureError::AllExcluded {
                    package,
                    platform,
                    files,
                    at,
                }
            }
        }
    }

    fn follow(&mut self, package: &str, found: &Package, tree: &str) {
        for (import, site) in &found.imports {
            self.want(import, Some(place(tree, site)));
        }
        self.contents(package)
            .imports
            .extend(found.imports.keys().cloned());
    }

    fn contents(&mut self, package: &str) -> &mut Contents {
        self.found.contents.entry(package.to_owned()).or_default()
    }

    fn finish(mut self, main: String) -> Result<Closure, Vec<ClosureError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let folder = &self.modules.folder;
        let go_mod = slice::go_mod(&self.modules.go_mod, &self.used);
        self.found.slices.insert(folder.join(&go_mod_name()), go_mod);
        self.found.vendored = self.modules.vendor.is_some();
        if let (Some(vendor), Some(file)) = (&self.modules.vendor, vendor_file(self.modules.sources, folder))
        {
            let slice = vendor.slice(&self.modules.go_mod, &self.used, &self.found.packages);
            self.found.slices.insert(file, slice);
        }
        if !self.found.modules.is_empty() {
            self.found
                .slices
                .insert(folder.join(&go_sum_name()), slice::go_sum(&self.found.modules));
        }
        self.found.main = main;
        Ok(self.found)
    }
}

fn place(tree: &str, site: &Site) -> Place {
    Place {
        file: format!("{tree}{}", site.file),
        line: site.line,
    }
}

#[cfg(test)]
mod tests;
