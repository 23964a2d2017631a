//! What can keep lambuild from finding what a Go program needs, in words for
//! people. Knows no exit codes and no colours.

use std::fmt;

use lambuild_digest::RelPath;

use super::gomod::{LineError, ModuleVersion};

/// Where something was written: a file of the workspace, or `module@version/file`, and a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, for people.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Why the closure of a Go program cannot be told. Paths are relative to the workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClosureError {
    /// No `go.mod` at or above the folder.
    #[error("the folder `{folder}` belongs to no Go module: neither it nor a folder above it holds a go.mod")]
    NoModule {
        /// The folder of the main package, or of the declared module.
        folder: RelPath,
    },
    /// The package's folder lies outside the module, or in a module nested in it.
    #[error("the folder `{folder}` is not part of the module in `{module}`")]
    OtherModule {
        /// The folder of the main package.
        folder: RelPath,
        /// The folder of the module.
        module: RelPath,
    },
    /// A file cannot be read.
    #[error("`{file}` cannot be read: {why}")]
    Unreadable {
        /// The file, for people.
        file: String,
        /// Why, as a sentence.
        why: String,
    },
    /// A line of `go.mod` is wrong.
    #[error("`{file}` is malformed: {error}")]
    GoMod {
        /// The file.
        file: RelPath,
        /// The line and what is wrong.
        error: LineError,
    },
    /// A line of `go.sum` is wrong.
    #[error("`{file}` is malformed: {error}")]
    GoSum {
        /// The file.
        file: RelPath,
        /// The line and what is wrong.
        error: LineError,
    },
    /// The module is written for a Go that does not list all its modules in `go.mod`.
    #[error(
        "`{file}` is for Go {go}, and lambuild needs a module for Go 1.17 or later, whose go.mod lists every module"
    )]
    OldModule {
        /// The `go.mod`.
        file: RelPath,
        /// Its language version.
        go: String,
    },
    /// A line of `vendor/modules.txt` is wrong.
    #[error("`{file}` is malformed: {error}")]
    Vendor {
        /// The file.
        file: RelPath,
        /// The line and what is wrong.
        error: LineError,
    },
    /// A package is from a required module and not in the `vendor` folder.
    #[error("{}the package `{package}` is not in `{file}`", lead(at))]
    NotVendored {
        /// The import path.
        package: String,
        /// The `vendor/modules.txt`.
        file: RelPath,
        /// Who imports it.
        at: Option<Place>,
    },
    /// A module is vendored in another version than `go.mod` requires, or not required.
    #[error("`{file}` has the module {module} in another version than go.mod requires")]
    OtherVendored {
        /// The module's path.
        module: String,
        /// The `vendor/modules.txt`.
        file: RelPath,
    },
    /// A `go.work` stands at or above the module.
    #[error("`{file}`: Go workspaces are not supported yet")]
    GoWork {
        /// The `go.work`.
        file: RelPath,
    },
    /// A `replace` names a folder outside the workspace.
    #[error("{at}: `{path}` is replaced by `{folder}`, which is not below the workspace")]
    ReplaceOutside {
        /// The replaced module.
        path: String,
        /// The folder as written.
        folder: String,
        /// The `go.mod`.
        at: Place,
    },
    /// A `replace` names a folder without a `go.mod`.
    #[error("{at}: `{path}` is replaced by the folder `{folder}`, which holds no go.mod")]
    ReplaceNoModule {
        /// The replaced module.
        path: String,
        /// The folder.
        folder: RelPath,
        /// The `go.mod` with the `replace`.
        at: Place,
    },
    /// The main package's folder is not there.
    #[error("the folder `{folder}` of the main package does not exist")]
    NoFolder {
        /// The folder.
        folder: RelPath,
    },
    /// A package has no Go files at all.
    #[error("{}the package `{package}` has no Go files", lead(at))]
    NoGoFiles {
        /// The import path.
        package: String,
        /// Who imports it.
        at: Option<Place>,
    },
    /// All of a package's Go files are for other platforms.
    #[error("{}build constraints exclude all Go files of the package `{package}` for {platform}: {}", lead(at), files.join(", "))]
    AllExcluded {
        /// The import path.
        package: String,
        /// `GOOS/GOARCH`, with `cgo` where that is on.
        platform: String,
        /// The names of the excluded files.
        files: Vec<String>,
        /// Who imports it.
        at: Option<Place>,
    },
    /// The package to build is a library.
    #[error("`{package}` is a package `{name}`, not a program: a function needs a package `main`")]
    NotMain {
        /// The import path.
        package: String,
        /// The name in its package clause.
        name: String,
    },
    /// An import of the module's own package that is not there.
    #[error(
        "{}the package `{package}` is not in this module: there is no folder `{folder}` with Go files",
        lead(at)
    )]
    NotInModule {
        /// The import path.
        package: String,
        /// Where it would be.
        folder: RelPath,
        /// Who imports it.
        at: Option<Place>,
    },
    /// No required module holds an imported package.
    #[error("{}no required module provides the package `{package}`", lead(at))]
    NoProvider {
        /// The import path.
        package: String,
        /// Who imports it.
        at: Option<Place>,
    },
    /// `go.sum` lacks a line: a lock is out of date.
    #[error(
        "`{file}` has no {what} of the module {module}, which {} needs",
        needed_by(at)
    )]
    MissingSum {
        /// The module.
        module: ModuleVersion,
        /// Which of its hashes is missing.
        what: &'static str,
        /// The `go.sum`.
        file: RelPath,
        /// Who imports a package of it.
        at: Option<Place>,
    },
    /// A module that is needed was not handed in. Not the user's error: fetch it and ask again.
    #[error("the module {module} is not fetched")]
    NotFetched {
        /// The module, after `replace`.
        module: ModuleVersion,
    },
    /// A `//go:embed` pattern that Go refuses.
    #[error("{at}: cannot embed `{pattern}`: {why}")]
    Embed {
        /// The pattern as written.
        pattern: String,
        /// Why not.
        why: String,
        /// The line of the pattern.
        at: Place,
    },
}

impl ClosureError {
    /// What the user can do about it, as one sentence; `None` where the message says it.
    pub fn hint(&self) -> Option<String> {
        use ClosureError as E;
        Some(match self {
            E::NoModule { .. } => "run `go mod init example.com/name` in the folder of the module".into(),
            E::OtherModule { .. } => "set `module` to the folder whose go.mod governs the package".into(),
            E::GoMod { .. } => "`go mod edit -fmt` checks the file".into(),
            E::GoSum { .. } | E::MissingSum { .. } => "run `go mod tidy` and commit go.sum".into(),
            E::OldModule { .. } => "run `go mod tidy -go=1.21`".into(),
            E::Vendor { .. } | E::NotVendored { .. } | E::OtherVendored { .. } => {
                "run `go mod vendor` and commit the vendor folder".into()
            }
            E::GoWork { .. } => "remove it, and name the other modules by `replace` in go.mod".into(),
            E::ReplaceOutside { .. } => "move the folder into the workspace, or replace by a version".into(),
            E::ReplaceNoModule { .. } => "run `go mod init` in that folder".into(),
            E::NoGoFiles { .. } => {
                "files whose names end in `_test.go` or begin with `_` or `.` do not count".into()
            }
            E::NotMain { .. } => "name the folder of the program in `main`".into(),
            E::NoProvider { package, .. } => {
                format!("run `go get {package}`, or `go mod tidy` if the code is right")
            }
            E::NotInModule { .. } => "a generated folder can be put there with `inputs`".into(),
            E::AllExcluded { .. } | E::Unreadable { .. } | E::NoFolder { .. } => return None,
            E::NotFetched { .. } | E::Embed { .. } => return None,
        })
    }

    /// Whether a lock (`go.sum`, `vendor/modules.txt`) lacks a line or is unreadable, rather than the code or the build file being wrong.
    pub fn is_lock(&self) -> bool {
        use ClosureError as E;
        matches!(
            self,
            E::MissingSum { .. }
                | E::GoSum { .. }
                | E::Vendor { .. }
                | E::NotVendored { .. }
                | E::OtherVendored { .. }
        )
    }

    /// The module to fetch before the closure can be told, if that is all that is missing.
    pub fn to_fetch(&self) -> Option<&ModuleVersion> {
        match self {
            ClosureError::NotFetched { module } => Some(module),
            _ => None,
        }
    }
}

fn lead(at: &Option<Place>) -> String {
    at.as_ref().map_or_else(String::new, |at| format!("{at}: "))
}

fn needed_by(at: &Option<Place>) -> String {
    at.as_ref().map_or_else(|| "the program".into(), Place::to_string)
}
