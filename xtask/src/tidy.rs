//! Decides whether the repository keeps the house rules that no compiler knows: which crate
//! may use which, what every module says first, what no file may hold.
//!
//! Runs as `cargo xtask tidy` and as a test, so a rule cannot rot.

mod documents;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Which crate may depend on which, exactly; names without `lambuild-`. Arrows point down
/// the floors of ARCHITECTURE.md (and `lang → digest`). Another edge needs a decision
/// in `docs/decisions/` before it is added here.
const EDGES: &[(&str, &[&str])] = &[
    ("digest", &[]),
    ("lang", &["digest"]),
    ("action", &["digest", "lang"]),
    ("lsp", &["lang"]),
    ("package", &["digest"]),
    ("store", &["digest", "action"]),
    ("graph", &["digest", "lang", "action"]),
    ("deploy", &["digest", "lang"]),
    ("rules", &["digest", "lang", "action", "package"]),
    ("fetch", &["digest"]),
    ("sandbox", &["digest", "action", "store"]),
    ("build", &["digest", "lang", "action", "graph"]),
    (
        "cli",
        &[
            "digest", "lang", "action", "lsp", "package", "store", "graph", "deploy", "rules", "fetch",
            "sandbox", "build",
        ],
    ),
    ("testkit", &[]),
];

/// What tests alone may use.
const TEST_ONLY: &str = "testkit";

/// Packages that stand outside the floors and may use all.
const OUTSIDE: [&str; 4] = ["lambuild-fuzz", "lambuild-tests", "lambuild-torture", "xtask"];

/// The one file with `unsafe`.
const UNSAFE: &str = "crates/lambuild-sandbox/src/sys.rs";

/// The most lines of a file of code. Past that, nobody finds anything in it.
const LONGEST: usize = 1000;

/// Words that no file may hold, with the reason. Each is written in two pieces, so that
/// this table does not find itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("todo", "!(", "what is there is finished: do it, or leave it out"),
    (
        "unimplemented",
        "!(",
        "what is there is finished: do it, or leave it out",
    ),
    ("dbg", "!(", "left over from looking for a mistake"),
    (
        "allow(clippy::",
        "disallowed_",
        "write `expect` with a reason, so that it goes when its cause goes",
    ),
    ("/wo", "rk/", "a path of one machine says nothing to anyone else"),
    (
        "../shared/",
        "design",
        "a path outside the repository says nothing to its readers",
    ),
    (
        "../shared/",
        "reference",
        "a path outside the repository says nothing to its readers",
    ),
    (
        "--index",
        "-url",
        "which registry is asked is the machine's setting, not ours",
    ),
    (
        "--extra-index",
        "-url",
        "which registry is asked is the machine's setting, not ours",
    ),
    (
        "PIP_",
        "INDEX",
        "which registry is asked is the machine's setting, not ours",
    ),
    (
        "replace",
        "-with =",
        "which registry is asked is the machine's setting, not ours",
    ),
];

/// Folders that hold no sources.
const RESULTS: [&str; 5] = [".git", ".lambuild", "dist", "node_modules", "target"];

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File or crate, with the line where there is one.
    pub place: String,
    /// What is wrong and why it is a rule.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Checks the repository and prints what is wrong.
///
/// # Errors
/// Where a rule is broken, or the repository cannot be read.
pub fn run(root: &Path) -> Result<()> {
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} house rules are broken"),
    }
}

/// Every broken rule of the repository at `root`, sorted by place.
///
/// # Errors
/// Where the repository cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = process::read(root, &["cargo", "metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo's description of the workspace")?;
    let architecture = read(&root.join("ARCHITECTURE.md"))?;
    let mut findings = edges(&metadata);
    findings.extend(undescribed(&metadata, &architecture));
    let mut all_documents = BTreeMap::new();
    let exists = |path: &str| root.join(path).exists();
    for path in files(root)? {
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        findings.extend(file(&name, &text));
        if name.ends_with(".md") {
            findings.extend(documents::dead_paths(&name, &text, exists));
            all_documents.insert(name, text);
        }
    }
    findings.extend(documents::dead_links(&all_documents, exists));
    findings.extend(documents::decisions(&all_documents));
    findings.sort();
    Ok(findings)
}

/// Dependencies between crates that the list of edges does not hold.
fn edges(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in list(metadata, "packages") {
        let name = text(package, "name");
        if OUTSIDE.contains(&name) {
            continue;
        }
        let Some(allowed) = allowed(name) else {
            findings.push(finding(
                name,
                "is not in the list of crates in xtask/src/tidy.rs: add it with its edges",
            ));
            continue;
        };
        for dependency in list(package, "dependencies") {
            findings.extend(edge(name, allowed, dependency));
        }
    }
    findings
}

/// The crates that `name` may use; none for a crate that the list lacks.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let short = name.strip_prefix("lambuild-")?;
    EDGES.iter().find(|(from, _)| *from == short).map(|(_, to)| *to)
}

fn edge(from: &str, allowed: &[&str], dependency: &Value) -> Option<Finding> {
    let to = text(dependency, "name");
    let short = to.strip_prefix("lambuild-")?;
    let for_tests = text(dependency, "kind") == "dev";
    if allowed.contains(&short) || (for_tests && short == TEST_ONLY) {
        return None;
    }
    let why = if short == TEST_ONLY {
        format!("uses {to} outside its tests: that crate is never shipped")
    } else {
        format!("must not use {to}: the floors of ARCHITECTURE.md have no such arrow")
    };
    Some(finding(from, &why))
}

/// Crates that ARCHITECTURE.md does not name.
fn undescribed(metadata: &Value, architecture: &str) -> Vec<Finding> {
    let names = list(metadata, "packages").map(|package| text(package, "name"));
    let unknown = names.filter(|name| !architecture.contains(&format!("`{name}`")));
    unknown
        .map(|name| finding(name, "is not described in ARCHITECTURE.md"))
        .collect()
}

/// The rules that one file breaks.
fn file(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = forbidden(name, text);
    if name.ends_with(".rs") {
        findings.extend(code(name, text));
    }
    if name.ends_with("Cargo.toml") && name != "Cargo.toml" && !text.contains("[lints]\nworkspace = true") {
        findings.push(finding(
            name,
            "lacks `[lints]` with `workspace = true`: lints hold for every crate",
        ));
    }
    if name == "Cargo.lock" {
        findings.extend(sources(text));
    }
    findings
}

fn forbidden(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (head, tail, reason) in FORBIDDEN {
            let word = format!("{head}{tail}");
            if line.contains(&word) {
                findings.push(finding(
                    &format!("{name}:{}", number + 1),
                    &format!("holds `{word}`: {reason}"),
                ));
            }
        }
    }
    findings
}

fn code(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A file `tests.rs` belongs to the module above it, which has said it.
    if !text.starts_with("//!") && !name.ends_with("/tests.rs") {
        findings.push(finding(
            name,
            "does not start with `//!`: a module says first what it decides",
        ));
    }
    let excepted = ["expect", "allow"].map(|word| format!("{word}(unsafe_code"));
    if name != UNSAFE && excepted.iter().any(|word| text.contains(word)) {
        findings.push(finding(
            name,
            &format!("lets `unsafe` in: that is {UNSAFE} alone"),
        ));
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        findings.push(finding(
            name,
            &format!("has {lines} lines: past {LONGEST}, split it by what it decides"),
        ));
    }
    findings
}

/// Packages of the lock file that do not come from the one public registry.
fn sources(lock: &str) -> Vec<Finding> {
    const INDEX: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let others = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && *line != INDEX);
    others
        .map(|line| finding("Cargo.lock", &format!("has a package from elsewhere: {line}")))
        .collect()
}

/// Every source file, sorted by path.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            let name = entry
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let kind = fs::symlink_metadata(&entry)
                .with_context(|| format!("{} cannot be read", entry.display()))?;
            // Of a second work tree, `.git` is a file.
            if RESULTS.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry);
            } else if kind.is_file() {
                found.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that lists folders here; `files` sorts"
)]
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    listing.map(|entry| Ok(entry?.path())).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn finding(place: &str, what: &str) -> Finding {
    Finding {
        place: place.to_owned(),
        what: what.to_owned(),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_repository_keeps_the_house_rules() {
        let findings = check(&crate::repository_root()).unwrap();
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    }

    fn wrong_edges(name: &str, dependency: Value) -> Vec<String> {
        let metadata = json!({ "packages": [{ "name": name, "dependencies": [dependency] }] });
        edges(&metadata).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let expected =
            "lambuild-digest: must not use lambuild-store: the floors of ARCHITECTURE.md have no such arrow";
        assert_eq!(
            wrong_edges(
                "lambuild-digest",
                json!({ "name": "lambuild-store", "kind": null })
            ),
            [expected]
        );
        assert_eq!(
            wrong_edges(
                "lambuild-digest",
                json!({ "name": "lambuild-store", "kind": "dev" })
            )
            .len(),
            1
        );
        assert!(
            wrong_edges(
                "lambuild-store",
                json!({ "name": "lambuild-digest", "kind": null })
            )
            .is_empty()
        );
        assert!(wrong_edges("lambuild-store", json!({ "name": "serde", "kind": null })).is_empty());
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        let kit = |kind: Value| json!({ "name": "lambuild-testkit", "kind": kind });
        assert!(wrong_edges("lambuild-store", kit(json!("dev"))).is_empty());
        let expected = "lambuild-cli: uses lambuild-testkit outside its tests: that crate is never shipped";
        assert_eq!(wrong_edges("lambuild-cli", kit(json!(null))), [expected]);
        assert!(wrong_edges("lambuild-tests", kit(json!(null))).is_empty());
    }

    #[test]
    fn a_new_crate_must_be_listed_and_described() {
        let metadata = json!({ "packages": [{ "name": "lambuild-new", "dependencies": [] }] });
        assert_eq!(edges(&metadata).len(), 1);
        assert_eq!(undescribed(&metadata, "| `lambuild-digest` | … |").len(), 1);
        assert!(undescribed(&metadata, "| `lambuild-new` | … |").is_empty());
    }

    #[test]
    fn edges_point_to_crates_that_are_listed_above() {
        for (place, (from, to)) in EDGES.iter().enumerate() {
            for target in *to {
                assert!(
                    EDGES[..place].iter().any(|(name, _)| name == target),
                    "{from} → {target} points up"
                );
            }
        }
    }

    fn broken(name: &str, text: &str) -> Vec<String> {
        file(name, text).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn modules_start_with_what_they_decide_and_end_in_time() {
        assert!(broken("a/src/lib.rs", "//! Decides.\n").is_empty());
        assert_eq!(broken("a/src/lib.rs", "use x;\n").len(), 1);
        assert!(broken("a/src/lib/tests.rs", "use x;\n").is_empty());
        let long = format!("//! Decides.\n{}", "\n".repeat(LONGEST));
        let expected = "a/src/lib.rs: has 1001 lines: past 1000, split it by what it decides";
        assert_eq!(broken("a/src/lib.rs", &long), [expected]);
    }

    #[test]
    fn forbidden_words_are_found_with_their_line() {
        let line = format!("one\nsee {}{} please", "/wo", "rk/notes");
        let expected = format!(
            "a.md:2: holds `{}{}`: a path of one machine says nothing to anyone else",
            "/wo", "rk/"
        );
        assert_eq!(broken("a.md", &line), [expected]);
    }

    #[test]
    fn one_file_is_unsafe() {
        let text = format!("//! Decides.\n#![expect({}, reason = \"\")]\n", "unsafe_code");
        assert!(broken(UNSAFE, &text).is_empty());
        assert_eq!(broken("crates/lambuild-sandbox/src/a.rs", &text).len(), 1);
    }

    #[test]
    fn manifests_take_the_lints_and_locks_one_registry() {
        assert_eq!(broken("crates/a/Cargo.toml", "[package]\n").len(), 1);
        assert!(broken("crates/a/Cargo.toml", "[lints]\nworkspace = true\n").is_empty());
        assert_eq!(
            broken("Cargo.lock", "source = \"git+https://example.com/x\"\n").len(),
            1
        );
    }
}
