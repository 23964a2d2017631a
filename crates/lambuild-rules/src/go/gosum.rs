//! What a `go.sum` says: the hashes that fetched modules must have. Knows
//! neither how hashes are made nor which modules are needed.

use std::collections::BTreeMap;

use super::gomod::{LineError, ModuleVersion};

/// The hashes of a `go.sum` by module and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoSum {
    sums: BTreeMap<ModuleVersion, Sums>,
}

/// The hashes of one module version, as written: `h1:` and base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// The hash of the module's files.
    pub zip: Option<String>,
    /// The hash of its `go.mod` alone.
    pub go_mod: Option<String>,
}

impl GoSum {
    /// Reads a `go.sum`. Hashes of other kinds than `h1` are passed over, as `go` does.
    ///
    /// # Errors
    /// A line that is not three words, and two lines that contradict each other.
    pub fn parse(text: &[u8]) -> Result<GoSum, LineError> {
        let mut file = GoSum::default();
        for (line, raw) in (1u32..).zip(text.split(|b| *b == b'\n')) {
            file.take_line(raw)
                .map_err(|message| LineError { line, message })?;
        }
        Ok(file)
    }

    /// The hashes of a module version; `None` where the file has no line of it.
    pub fn get(&self, module: &ModuleVersion) -> Option<&Sums> {
        self.sums.get(module)
    }

    fn take_line(&mut self, raw: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(raw).map_err(|_| "this is not UTF-8 text")?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            [path, version, hash] if hash.starts_with("h1:") => self.add(path, version, hash),
            [_, _, hash] if hash.contains(':') => Ok(()),
            _ => Err(
                "expected a module, a version and a hash such as `h1:…`; `go mod tidy` rewrites the file"
                    .into(),
            ),
        }
    }

    fn add(&mut self, path: &str, version: &str, hash: &str) -> Result<(), String> {
        let (version, of_go_mod) = match version.strip_suffix("/go.mod") {
            Some(version) => (version, true),
            None => (version, false),
        };
        let sums = self.sums.entry(ModuleVersion::new(path, version)).or_default();
        let slot = if of_go_mod {
            &mut sums.go_mod
        } else {
            &mut sums.zip
        };
        match slot {
            Some(known) if known != hash => Err(format!(
                "a second hash for {path} {version} that differs from the first"
            )),
            _ => {
                *slot = Some(hash.to_owned());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hashes_of_a_module() {
        let file =
            GoSum::parse(b"a.b v1.0.0 h1:zip=\r\n\na.b v1.0.0/go.mod h1:mod=\na.b v1.0.0 h2:new=\n").unwrap();
        let sums = Sums {
            zip: Some("h1:zip=".into()),
            go_mod: Some("h1:mod=".into()),
        };
        assert_eq!(file.get(&ModuleVersion::new("a.b", "v1.0.0")), Some(&sums));
        assert_eq!(file.get(&ModuleVersion::new("a.b", "v1.0.1")), None);
    }

    #[test]
    fn malformed_and_contradicting_lines() {
        let message = |text: &str| GoSum::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            message("a.b v1.0.0 h1:x=\n<<<<<<< HEAD\n"),
            "line 2: expected a module, a version and a hash such as `h1:…`; `go mod tidy` rewrites the file"
        );
        assert_eq!(
            message("a.b v1.0.0 h1:x=\na.b v1.0.0 h1:y=\n"),
            "line 2: a second hash for a.b v1.0.0 that differs from the first"
        );
    }
}
