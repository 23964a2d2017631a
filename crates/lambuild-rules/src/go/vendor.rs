//! What a `vendor/modules.txt` says: which module each vendored package is from. Knows nothing of
//! the packages themselves. Source: `cmd/go/internal/modload/vendor.go` of Go 1.26.

use std::collections::{BTreeMap, BTreeSet};

use super::gomod::{GoMod, LineError};
use super::slice::{module_line, quote};

/// The content of a `vendor/modules.txt`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendor {
    modules: BTreeMap<String, Vendored>,
    /// Packages, with the paths of their modules.
    packages: BTreeMap<String, String>,
}

/// A module of which packages are vendored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Vendored {
    version: String,
    /// Its language version; empty where it is not said.
    go: String,
}

impl Vendor {
    /// Reads a `vendor/modules.txt`.
    ///
    /// # Errors
    /// A package before any module, and lines that are not UTF-8.
    pub fn parse(text: &[u8]) -> Result<Vendor, LineError> {
        let mut vendor = Vendor::default();
        let mut module: Option<String> = None;
        for (line, raw) in (1u32..).zip(text.split(|b| *b == b'\n')) {
            let fail = |message: &str| LineError {
                line,
                message: message.to_owned(),
            };
            let raw = std::str::from_utf8(raw)
                .map_err(|_| fail("this is not UTF-8 text"))?
                .trim();
            if let Some(notes) = raw.strip_prefix("## ") {
                let go = notes.split(';').find_map(|note| note.trim().strip_prefix("go "));
                if let (Some(go), Some(vendored)) =
                    (go, module.as_ref().and_then(|path| vendor.modules.get_mut(path)))
                {
                    vendored.go = go.trim().to_owned();
                }
            } else if let Some(rest) = raw.strip_prefix("# ") {
                module = vendor.module(rest);
            } else if !raw.is_empty() {
                let path = module
                    .clone()
                    .ok_or_else(|| fail("a package stands before any module"))?;
                vendor.packages.insert(raw.to_owned(), path);
            }
        }
        Ok(vendor)
    }

    /// `path version`, maybe with ` => ` and what replaces it. A replacement without a version names no module here.
    fn module(&mut self, text: &str) -> Option<String> {
        let named = text.split(" => ").next().unwrap_or_default();
        let (path, version) = named.trim().split_once(' ')?;
        let vendored = Vendored {
            version: version.trim().to_owned(),
            go: String::new(),
        };
        self.modules.insert(path.to_owned(), vendored);
        Some(path.to_owned())
    }

    /// The module that a package is from; `None` for a package that is not vendored.
    pub fn module_of(&self, package: &str) -> Option<&str> {
        self.packages.get(package).map(String::as_str)
    }

    /// Whether a module is vendored in this version.
    pub fn has(&self, path: &str, version: &str) -> bool {
        self.modules
            .get(path)
            .is_some_and(|vendored| vendored.version == version)
    }

    /// The `vendor/modules.txt` with these modules and packages alone, as `go build -mod=vendor` wants it
    /// beside the slice of `go.mod` with the same modules.
    pub fn slice(&self, go_mod: &GoMod, modules: &BTreeSet<String>, packages: &BTreeSet<String>) -> String {
        let mut text = String::new();
        for (path, vendored) in self.modules.iter().filter(|(path, _)| modules.contains(*path)) {
            text.push_str(&format!(
                "# {}\n## explicit",
                module_line(go_mod, path, &vendored.version)
            ));
            match vendored.go.as_str() {
                "" => text.push('\n'),
                go => text.push_str(&format!("; go {go}\n")),
            }
            let from = |package: &&String| self.module_of(package) == Some(path);
            for package in packages.iter().filter(from) {
                text.push_str(&format!("{}\n", quote(package)));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"# a.test/a v1.0.0\n## explicit; go 1.21\na.test/a\na.test/a/b\n\
        # b.test/b v0.1.0 => ../b\n## explicit\nb.test/b\n# c.test/c v1.1.1\n## explicit; go 1.17\nc.test/c\n# b.test/b => ../b\n";

    #[test]
    fn a_slice_has_the_modules_and_packages_in_use() {
        let go_mod = GoMod::parse(
            b"module m\ngo 1.21\nrequire (\na.test/a v1.0.0\nb.test/b v0.1.0\nc.test/c v1.1.1\n)\nreplace b.test/b => ../b\n",
        )
        .unwrap();
        let vendor = Vendor::parse(TEXT).unwrap();
        assert_eq!(vendor.module_of("a.test/a/b"), Some("a.test/a"));
        assert_eq!(vendor.module_of("a.test/a/c"), None);
        assert!(vendor.has("b.test/b", "v0.1.0") && !vendor.has("b.test/b", "v0.2.0"));
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let slice = vendor.slice(
            &go_mod,
            &set(&["a.test/a", "b.test/b"]),
            &set(&["a.test/a/b", "b.test/b", "m/x"]),
        );
        insta::assert_snapshot!(slice, @r"
        # a.test/a v1.0.0
        ## explicit; go 1.21
        a.test/a/b
        # b.test/b v0.1.0 => ../b
        ## explicit
        b.test/b
        ");
        assert!(Vendor::parse(b"a.test/a\n").is_err());
    }
}
