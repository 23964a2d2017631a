//! Names what building a program compiles, so that actions which start together do not compile
//! the same package twice: for each package a name that changes with all that is compiled into it.
//! A hint only: nothing is believed because of it. Knows neither compiler nor cache.

use super::closure::{Closure, Contents};
use lambuild_digest::{DigestFunction, RelPath};
use std::collections::{BTreeMap, BTreeSet};

/// The group of all packages of the standard library: which of them import which is not known here.
const STANDARD: &str = "std";

/// Name → group, for everything that a program is compiled from. `flags` is what distinguishes
/// compilations of the same files; `file` answers the digest of a file of the workspace, as text.
pub fn units(
    closure: &Closure,
    flags: &str,
    file: &dyn Fn(&RelPath) -> Option<String>,
) -> BTreeMap<String, String> {
    let mut made: BTreeMap<&str, String> = BTreeMap::new();
    for package in in_order(closure) {
        let unit = match closure.contents.get(package) {
            Some(contents) => unit(package, contents, flags, file, &made),
            None => format!("{STANDARD} {flags} {package}"),
        };
        made.insert(package, unit);
    }
    let grouped = made.into_values().map(|unit| {
        let standard = unit.starts_with(STANDARD);
        let group = if standard {
            format!("{STANDARD} {flags}")
        } else {
            unit.clone()
        };
        (unit, group)
    });
    grouped.collect()
}

fn unit(
    package: &str,
    contents: &Contents,
    flags: &str,
    file: &dyn Fn(&RelPath) -> Option<String>,
    made: &BTreeMap<&str, String>,
) -> String {
    let mut text = format!("{flags} {package}\n");
    if let Some(module) = &contents.module {
        text += &format!("{module}\n");
    }
    for path in &contents.files {
        text += &format!("{} {}\n", path.as_str(), file(path).unwrap_or_default());
    }
    for import in &contents.imports {
        text += made.get(import.as_str()).unwrap_or(import);
        text.push('\n');
    }
    DigestFunction::Sha256.digest(text.as_bytes()).hex()
}

/// The packages, each after those that it imports. One that is met again while it waits for its
/// imports imports itself: the compiler says so, here it does no harm.
fn in_order(closure: &Closure) -> Vec<&str> {
    let (mut order, mut met) = (Vec::new(), BTreeSet::new());
    let mut ahead = vec![(closure.main.as_str(), false)];
    while let Some((package, imports_done)) = ahead.pop() {
        if imports_done {
            order.push(package);
        } else if met.insert(package) {
            ahead.push((package, true));
            let imports = closure.contents.get(package).map(|contents| &contents.imports);
            ahead.extend(
                imports
                    .into_iter()
                    .flatten()
                    .map(|import| (import.as_str(), false)),
            );
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closure(packages: &[(&str, &[&str])]) -> Closure {
        let contents = packages.iter().map(|(name, imports)| {
            let contents = Contents {
                files: RelPath::new(&format!("{name}/a.go")).into_iter().collect(),
                module: None,
                imports: imports.iter().map(|import| (*import).to_owned()).collect(),
            };
            ((*name).to_owned(), contents)
        });
        Closure {
            main: "m".into(),
            contents: contents.collect(),
            ..Closure::default()
        }
    }

    /// The units by the files' versions: only those in `changed` are of the second one.
    fn made(closure: &Closure, flags: &str, changed: &str) -> BTreeMap<String, String> {
        units(closure, flags, &|path| {
            Some((path.as_str() == changed).to_string())
        })
    }

    #[test]
    fn a_name_changes_with_all_that_is_compiled_in() {
        let closure = closure(&[
            ("m", &["a", "b", "fmt"]),
            ("a", &["b"]),
            ("b", &["io"]),
            ("unused", &[]),
        ]);
        let before = made(&closure, "arm64", "");
        assert_eq!(before.len(), 5);
        let groups = |units: &BTreeMap<String, String>| {
            let standard = units.iter().filter(|(_, group)| *group == "std arm64");
            standard.map(|(unit, _)| unit.clone()).collect::<Vec<_>>()
        };
        assert_eq!(groups(&before), ["std arm64 fmt", "std arm64 io"]);
        let kept = |changed: &str| {
            let after = made(&closure, "arm64", changed);
            after.keys().filter(|unit| before.contains_key(*unit)).count()
        };
        assert_eq!((kept("m/a.go"), kept("a/a.go"), kept("b/a.go")), (4, 3, 2));
        let other = made(&closure, "amd64", "");
        assert!(other.keys().all(|unit| !before.contains_key(unit)));
    }

    #[test]
    fn imports_in_a_circle_end() {
        let circle = closure(&[("m", &["a"]), ("a", &["b"]), ("b", &["a", "m", "b"])]);
        assert_eq!(made(&circle, "", "").len(), 3);
    }
}
