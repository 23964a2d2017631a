//! Which files of one folder make up a Go package on a platform, and what these
//! import and embed. Knows no modules and no other folder.

use std::collections::{BTreeMap, BTreeSet};

use lambuild_digest::RelPath;

use super::constraint::Platform;
use super::imports::{Head, scan};
use super::sources::{GoFiles, Kind};

/// The buildable content of one folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// The name in the package clause of the first file by name.
    pub name: String,
    /// The files that the compiler, the assembler and cgo read; embedded files aside.
    pub files: BTreeSet<RelPath>,
    /// The imported paths, `"C"` included, each with the first place that imports it.
    pub imports: BTreeMap<String, Site>,
    /// The embed patterns, each with its first place.
    pub embeds: BTreeMap<String, Site>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The file, in the tree of its package.
    pub file: RelPath,
    /// The line, from 1.
    pub line: u32,
}

/// Why a folder is no package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPackage {
    /// There is no such folder.
    NoFolder,
    /// It holds no Go file but tests.
    NoGoFiles,
    /// Its Go files are for other platforms; their names.
    AllExcluded(Vec<String>),
    /// A file cannot be read.
    Unreadable {
        /// The file.
        file: RelPath,
        /// Why, as a sentence.
        why: String,
    },
}

/// Sources that go with Go files whether cgo is on or not.
const ALWAYS: &[&str] = &["s", "h", "hh", "hpp", "hxx", "syso"];

/// Sources that only cgo reads. Source: `fileListForExt` in `go/build`, 1.26.
const CGO: &[&str] = &[
    "c", "cc", "cpp", "cxx", "m", "f", "F", "for", "f90", "S", "sx", "swig", "swigcxx",
];

/// Reads the package in a folder.
///
/// # Errors
/// See [`NoPackage`].
pub fn package(files: &dyn GoFiles, dir: &RelPath, platform: &Platform) -> Result<Package, NoPackage> {
    let mut names = files.list(dir).ok_or(NoPackage::NoFolder)?;
    names.sort_by(|left, right| left.0.cmp(&right.0));
    let mut found = Package::default();
    let mut excluded = Vec::new();
    for (name, _) in names
        .iter()
        .filter(|(name, kind)| *kind != Kind::Dir && !name.starts_with(['_', '.']))
    {
        let Ok(path) = dir.child(name) else { continue };
        let taken = found.take(files, path, platform)?;
        if !taken && name.ends_with(".go") && !name.ends_with("_test.go") {
            excluded.push(name.clone());
        }
    }
    match (found.name.is_empty(), excluded.is_empty()) {
        (false, _) => Ok(found),
        (true, true) => Err(NoPackage::NoGoFiles),
        (true, false) => Err(NoPackage::AllExcluded(excluded)),
    }
}

impl Package {
    /// Whether the files of this package import "C".
    pub fn uses_c(&self) -> bool {
        self.imports.contains_key("C")
    }

    /// Takes a file if it is part of the package; answers whether it is.
    fn take(&mut self, files: &dyn GoFiles, path: RelPath, platform: &Platform) -> Result<bool, NoPackage> {
        let name = path.name().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_go = extension == "go" && !name.ends_with("_test.go");
        let is_other = ALWAYS.contains(&extension) || platform.cgo && CGO.contains(&extension);
        if !(is_go || is_other) || !platform.takes_name(name) {
            return Ok(false);
        }
        if extension == "syso" {
            return Ok(self.files.insert(path));
        }
        let bytes = files.read(&path).map_err(|why| NoPackage::Unreadable {
            file: path.clone(),
            why,
        })?;
        if !platform.takes_content(&bytes) {
            return Ok(false);
        }
        if is_go {
            return Ok(self.take_go(path, scan(&bytes), platform));
        }
        Ok(self.files.insert(path))
    }

    /// Files of package `documentation` are never built; those for cgo only with cgo.
    fn take_go(&mut self, path: RelPath, head: Head, platform: &Platform) -> bool {
        if head.package == "documentation" || head.uses_c() && !platform.cgo {
            return false;
        }
        let site = |line| Site {
            file: path.clone(),
            line,
        };
        for import in head.imports {
            self.imports
                .entry(import.path)
                .or_insert_with(|| site(import.line));
        }
        for embed in head.embeds {
            self.embeds.entry(embed.path).or_insert_with(|| site(embed.line));
        }
        if self.name.is_empty() {
            // A file without a package clause is the compiler's to report: any name keeps the folder a package.
            self.name = if head.package.is_empty() {
                "?".into()
            } else {
                head.package
            };
        }
        self.files.insert(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::testing::{Memory, arm64};

    fn read(tree: &Memory, cgo: bool) -> Result<Package, NoPackage> {
        package(tree, &RelPath::new("p").unwrap(), &Platform { cgo, ..arm64() })
    }

    fn names(package: &Package) -> String {
        package
            .files
            .iter()
            .filter_map(RelPath::name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn tree() -> Memory {
        Memory::new(&[
            ("p/a.go", "package a\nimport \"fmt\"\n"),
            ("p/b_windows.go", "package a\n"),
            ("p/c_test.go", "package a\n"),
            ("p/d.go", "package a\nimport \"C\"\nimport \"os\"\n"),
            ("p/doc.go", "package documentation\n"),
            ("p/e.s", "TEXT ·e(SB)\n"),
            ("p/e_amd64.s", ""),
            ("p/f.c", "#include <x.h>\n"),
            ("p/f.h", "//go:build ignore\n\n"),
            ("p/g.syso", "//go:build ignore\n"),
            ("p/_h.go", "package a\n"),
            ("p/i.txt", ""),
            ("p/sub/j.go", "package j\n"),
        ])
    }

    #[test]
    fn without_cgo() {
        let package = read(&tree(), false).unwrap();
        assert_eq!(
            (names(&package).as_str(), package.name.as_str()),
            ("a.go e.s g.syso", "a")
        );
        assert_eq!(package.imports.keys().collect::<Vec<_>>(), ["fmt"]);
    }

    #[test]
    fn with_cgo() {
        let package = read(&tree(), true).unwrap();
        assert_eq!(names(&package), "a.go d.go e.s f.c g.syso");
        assert_eq!(
            package.imports["os"],
            Site {
                file: RelPath::new("p/d.go").unwrap(),
                line: 3
            }
        );
        assert!(package.uses_c());
    }

    #[test]
    fn folders_that_are_no_package() {
        assert_eq!(read(&Memory::default(), false), Err(NoPackage::NoFolder));
        assert_eq!(
            read(&Memory::new(&[("p/a_test.go", "package a")]), false),
            Err(NoPackage::NoGoFiles)
        );
        let windows = Memory::new(&[("p/a_windows.go", "package a"), ("p/b.s", "")]);
        assert_eq!(
            read(&windows, false),
            Err(NoPackage::AllExcluded(vec!["a_windows.go".into()]))
        );
    }
}
