//! The part of `go.mod` and `go.sum` that one program uses, so that a change of
//! any other module rebuilds nothing. Knows what `go build -mod=readonly` asks
//! for: every module in use as a requirement with both hashes. Excluded
//! versions, tools, retractions and suggested toolchains say nothing about a
//! build and are left out; `go` and `godebug` lines end up in the program.

use std::collections::{BTreeMap, BTreeSet};

use super::gomod::{GoMod, ModuleVersion, Replacement};
use super::gosum::Sums;

/// The `go.mod` of the main module with only the requirements named by `used`, in one canonical form.
pub fn go_mod(file: &GoMod, used: &BTreeSet<String>) -> String {
    let mut text = dependency_go_mod(file);
    for setting in &file.godebug {
        text.push_str(&format!("\ngodebug {setting}\n"));
    }
    for (path, require) in file.require.iter().filter(|(path, _)| used.contains(*path)) {
        text.push_str(&format!("\nrequire {} {}\n", quote(path), require.version));
        if let Some(by) = file.replacement(path, &require.version) {
            text.push_str(&format!(
                "\nreplace {} {} => {}\n",
                quote(path),
                require.version,
                replacement(by)
            ));
        }
    }
    text
}

/// The `go.mod` of a folder that replaces a module: its path and language version, which is all that the build reads.
pub fn dependency_go_mod(file: &GoMod) -> String {
    let mut text = format!("module {}\n", quote(&file.module));
    if !file.go.is_empty() {
        text.push_str(&format!("\ngo {}\n", file.go));
    }
    text
}

/// The `go.sum` with the hashes of exactly these modules, sorted; empty for none.
pub fn go_sum(used: &BTreeMap<ModuleVersion, Sums>) -> String {
    let mut text = String::new();
    for (ModuleVersion { path, version }, sums) in used {
        for (suffix, hash) in [("", &sums.zip), ("/go.mod", &sums.go_mod)] {
            if let Some(hash) = hash {
                text.push_str(&format!("{path} {version}{suffix} {hash}\n"));
            }
        }
    }
    text
}

/// A module as `vendor/modules.txt` names it, with what replaces it.
pub(crate) fn module_line(file: &GoMod, path: &str, version: &str) -> String {
    match file.replacement(path, version) {
        Some(by) => format!("{path} {version} => {}", replacement(by)),
        None => format!("{path} {version}"),
    }
}

fn replacement(by: &Replacement) -> String {
    match by {
        Replacement::Folder(folder) => quote(folder),
        Replacement::Module(module) => format!("{} {}", quote(&module.path), module.version),
    }
}

/// A word as `go.mod` takes it: in quotes where a bare one would end early.
pub(crate) fn quote(word: &str) -> String {
    let bare = |c: char| !c.is_whitespace() && !c.is_control() && !"()[]{},\"'`\\".contains(c);
    if !word.is_empty() && word.chars().all(bare) && !word.contains("//") && !word.contains("/*") {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_and_what_shapes_the_program() {
        let file = GoMod::parse(
            b"module example.com/app\ngo 1.23\ntoolchain go1.26.8\ngodebug default=go1.21\n\
              require (\n b.c/z v1.0.0\n a.b/c v1.2.0 // indirect\n a.b/unused v1.0.0\n)\n\
              exclude a.b/c v1.1.0\nreplace a.b/c => `../l i\\b`\nreplace a.b/unused => ../u\n",
        )
        .unwrap();
        let used = BTreeSet::from(["a.b/c".to_owned(), "b.c/z".to_owned()]);
        let text = go_mod(&file, &used);
        insta::assert_snapshot!(text, @r#"
        module example.com/app

        go 1.23

        godebug default=go1.21

        require a.b/c v1.2.0

        replace a.b/c v1.2.0 => "../l i\\b"

        require b.c/z v1.0.0
        "#);
        let again = GoMod::parse(text.as_bytes()).unwrap();
        assert_eq!(go_mod(&again, &used), text, "a slice of a slice is itself");
    }

    #[test]
    fn sums_are_sorted() {
        let sums = |n: u8| Sums {
            zip: Some(format!("h1:z{n}")),
            go_mod: Some(format!("h1:m{n}")),
        };
        let used = BTreeMap::from([
            (ModuleVersion::new("b", "v1.0.0"), sums(2)),
            (ModuleVersion::new("a", "v1.0.0"), sums(1)),
        ]);
        assert_eq!(
            go_sum(&used),
            "a v1.0.0 h1:z1\na v1.0.0/go.mod h1:m1\nb v1.0.0 h1:z2\nb v1.0.0/go.mod h1:m2\n"
        );
    }
}
