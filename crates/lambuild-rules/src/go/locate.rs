//! Which module provides an imported package, and where in it. Knows `go.mod`,
//! `replace` and the layout of modules, not what packages contain.

use lambuild_digest::RelPath;

use super::error::{ClosureError, Place};
use super::gomod::{GoMod, ModuleVersion, Replacement};
use super::gosum::{GoSum, Sums};
use super::sources::{GoFiles, Kind, begins_module};
use super::vendor::Vendor;

/// The modules that a build can use.
pub struct Modules<'a> {
    /// The workspace.
    pub sources: &'a dyn GoFiles,
    /// The folder of the main module in the workspace.
    pub folder: RelPath,
    /// Its `go.mod`.
    pub go_mod: GoMod,
    /// Its `go.sum`; empty where there is none.
    pub go_sum: GoSum,
    /// What is vendored, where there is a `vendor` folder: then nothing is fetched.
    pub vendor: Option<Vendor>,
    /// The fetched modules, each rooted at the module's folder; `None` for what is not fetched.
    pub fetched: &'a dyn Fn(&ModuleVersion) -> Option<&'a dyn GoFiles>,
}

/// Where a package is.
pub enum Provider<'a> {
    /// In the toolchain's standard library.
    Standard,
    /// In the main module, or in a folder that replaces a module.
    Workspace {
        /// The folder of the package in the workspace.
        dir: RelPath,
        /// The required path of the replaced module and its folder; `None` for the main module.
        replaced: Option<(String, RelPath)>,
    },
    /// In the `vendor` folder of the main module.
    Vendored {
        /// The folder of the package in the workspace.
        dir: RelPath,
        /// The required path of its module.
        module: String,
    },
    /// In a fetched module.
    Fetched {
        /// The path that `go.mod` requires.
        required: String,
        /// What is fetched, after `replace`.
        module: ModuleVersion,
        /// The files of the module.
        files: &'a dyn GoFiles,
        /// The folder of the package in the module.
        dir: RelPath,
    },
}

impl<'a> Modules<'a> {
    /// Finds the package `import`, which `at` imports.
    ///
    /// Modules are tried from the longest path to the shortest and the first that holds the package
    /// is taken. `go` looks on and refuses packages that two modules hold; since the build sees
    /// only modules in use, it still refuses those that matter.
    ///
    /// # Errors
    /// No module provides it, its module has no hash in `go.sum` or is not fetched, or a `replace` is wrong.
    pub fn locate(&self, import: &str, at: Option<&Place>) -> Result<Provider<'a>, ClosureError> {
        let mut missing = None;
        let mut own_folder = None;
        if let Some(vendor) = &self.vendor
            && let Some(module) = vendor.module_of(import)
        {
            return self.in_vendor(vendor, module, import);
        }
        for (prefix, rest) in prefixes(import) {
            if prefix == self.go_mod.module {
                own_folder = Some(self.folder.join(&rest));
                if holds_package(self.sources, &self.folder, &rest) {
                    return Ok(Provider::Workspace {
                        dir: self.folder.join(&rest),
                        replaced: None,
                    });
                }
            }
            if self.vendor.is_some() {
                continue;
            }
            match self.in_required(prefix, &rest, at) {
                Ok(Some(provider)) => return Ok(provider),
                Ok(None) => {}
                Err(error @ ClosureError::MissingSum { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        let (package, at) = (import.to_owned(), at.cloned());
        match (missing, own_folder) {
            (Some(error), _) => Err(error),
            (None, Some(folder)) => Err(ClosureError::NotInModule { package, folder, at }),
            (None, None) if is_standard(import) => Ok(Provider::Standard),
            (None, None) if self.vendor.is_some() => Err(ClosureError::NotVendored {
                package,
                file: self.vendor_file(),
                at,
            }),
            (None, None) => Err(ClosureError::NoProvider { package, at }),
        }
    }

    fn vendor_file(&self) -> RelPath {
        let below = |folder: RelPath, name| folder.child(name).unwrap_or(folder);
        below(below(self.folder.clone(), "vendor"), "modules.txt")
    }

    /// A vendored package; its module must be the required one, as `go` checks too.
    fn in_vendor(&self, vendor: &Vendor, module: &str, import: &str) -> Result<Provider<'a>, ClosureError> {
        let required = self.go_mod.require.get(module);
        let agrees = required.is_some_and(|require| vendor.has(module, &require.version));
        let dir = self.folder.resolve(&format!("vendor/{import}"));
        match dir {
            Ok(dir) if agrees => Ok(Provider::Vendored {
                dir,
                module: module.to_owned(),
            }),
            _ => Err(ClosureError::OtherVendored {
                module: module.to_owned(),
                file: self.vendor_file(),
            }),
        }
    }

    /// The hashes of a fetched module, both of which `go` asks for.
    ///
    /// # Errors
    /// When `go.sum` lacks one of them.
    pub fn sums(&self, module: &ModuleVersion, at: Option<&Place>) -> Result<&Sums, ClosureError> {
        let missing = |what| ClosureError::MissingSum {
            module: module.clone(),
            what,
            file: self.folder.join(&go_sum_name()),
            at: at.cloned(),
        };
        let sums = self.go_sum.get(module).ok_or_else(|| missing("line"))?;
        sums.zip.as_ref().ok_or_else(|| missing("hash of the files"))?;
        sums.go_mod
            .as_ref()
            .ok_or_else(|| missing("hash of the go.mod"))?;
        Ok(sums)
    }

    fn in_required(
        &self,
        required: &str,
        rest: &RelPath,
        at: Option<&Place>,
    ) -> Result<Option<Provider<'a>>, ClosureError> {
        let Some(require) = self.go_mod.require.get(required) else {
            return Ok(None);
        };
        let module = match self.go_mod.replacement(required, &require.version) {
            Some(Replacement::Folder(folder)) => return self.in_folder(required, folder, rest),
            Some(Replacement::Module(module)) => module.clone(),
            None => ModuleVersion::new(required, &require.version),
        };
        self.sums(&module, at)?;
        let files = (self.fetched)(&module).ok_or_else(|| ClosureError::NotFetched {
            module: module.clone(),
        })?;
        let found = holds_package(files, &RelPath::root(), rest);
        let required = required.to_owned();
        Ok(found.then(|| Provider::Fetched {
            required,
            module,
            files,
            dir: rest.clone(),
        }))
    }

    fn in_folder(
        &self,
        required: &str,
        written: &str,
        rest: &RelPath,
    ) -> Result<Option<Provider<'a>>, ClosureError> {
        let at = Place {
            file: self.folder.join(&go_mod_name()).to_string(),
            line: 0,
        };
        let path = required.to_owned();
        let Ok(folder) = self.folder.resolve(written) else {
            return Err(ClosureError::ReplaceOutside {
                path,
                folder: written.to_owned(),
                at,
            });
        };
        if !begins_module(self.sources, &folder) {
            return Err(ClosureError::ReplaceNoModule { path, folder, at });
        }
        let found = holds_package(self.sources, &folder, rest);
        let dir = folder.join(rest);
        Ok(found.then_some(Provider::Workspace {
            dir,
            replaced: Some((path, folder)),
        }))
    }
}

/// The name `go.mod` as a path.
pub fn go_mod_name() -> RelPath {
    RelPath::root()
        .child("go.mod")
        .unwrap_or_else(|_| RelPath::root())
}

/// The name `go.sum` as a path.
pub fn go_sum_name() -> RelPath {
    RelPath::root()
        .child("go.sum")
        .unwrap_or_else(|_| RelPath::root())
}

/// Packages without a dot in their first part are the toolchain's, unless a module has such a path.
/// Source: `search.IsStandardImportPath` of Go 1.26. `C` and `unsafe` are among them.
fn is_standard(import: &str) -> bool {
    !import.split('/').next().unwrap_or_default().contains('.')
}

/// The paths of the modules that may hold an import, the longest first, with the package's folder in each.
fn prefixes(import: &str) -> impl Iterator<Item = (&str, RelPath)> {
    let cuts = import.rmatch_indices('/').map(|(at, _)| at);
    std::iter::once(import.len()).chain(cuts).filter_map(|at| {
        let (prefix, rest) = import.split_at_checked(at)?;
        Some((
            prefix,
            RelPath::new(rest.strip_prefix('/').unwrap_or_default()).ok()?,
        ))
    })
}

/// Whether the module at `module` has Go files in its folder `rest`, with no other module beginning in between.
fn holds_package(files: &dyn GoFiles, module: &RelPath, rest: &RelPath) -> bool {
    let mut dir = module.clone();
    for name in rest.parts() {
        let Ok(child) = dir.child(name) else { return false };
        dir = child;
        if begins_module(files, &dir) {
            return false;
        }
    }
    holds_go_files(files, &dir)
}

/// Whether a folder holds Go files, be they tests or for other platforms.
pub fn holds_go_files(files: &dyn GoFiles, dir: &RelPath) -> bool {
    let is_go = |(name, kind): &(String, Kind)| name.ends_with(".go") && *kind != Kind::Dir;
    files.list(dir).is_some_and(|entries| entries.iter().any(is_go))
}
