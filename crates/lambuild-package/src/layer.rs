//! Where a runtime looks below `/opt`, where a layer is unpacked. Knows paths
//! only, and no content.
//!
//! The places are those of the Lambda guide, "Layer paths for each Lambda
//! runtime", and of the variables that the runtimes set (`PATH`,
//! `LD_LIBRARY_PATH`, `NODE_PATH`, `GEM_PATH`, `RUBYLIB`).

use lambuild_digest::RelPath;
use std::collections::BTreeSet;
use std::fmt;

/// A file or folder of a layer that no runtime looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Invisible {
    /// The outermost file or folder that is out of sight.
    pub path: RelPath,
    /// Where it would be seen, when its name shows what it is.
    pub proposal: Option<String>,
}

impl fmt::Display for Invisible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is nothing the runtime looks at: this part of the layer will be invisible; ",
            self.path
        )?;
        match &self.proposal {
            Some(place) => write!(f, "put it at `{place}`, ")?,
            None => write!(
                f,
                "put it under `bin/`, `lib/`, `python/`, `nodejs/node_modules/`, `java/lib/` or `ruby/lib/`, "
            )?,
        }
        write!(
            f,
            "or say `data = true` when the function opens `/opt/{}` itself",
            self.path
        )
    }
}

/// What of a layer no runtime looks at, each folder once; nothing when the
/// layer says that it is `data`.
pub fn invisible(paths: &[RelPath], data: bool) -> Vec<Invisible> {
    if data {
        return Vec::new();
    }
    let hidden: BTreeSet<RelPath> = paths.iter().filter_map(hidden_part).collect();
    hidden
        .into_iter()
        .map(|path| Invisible {
            proposal: proposal(&path, paths),
            path,
        })
        .collect()
}

/// Whether a runtime finds the file without being told where it lies.
pub fn visible(path: &RelPath) -> bool {
    hidden_part(path).is_none()
}

/// The outermost part of `path` that lies outside every known place; `None`
/// when the file is in sight.
fn hidden_part(path: &RelPath) -> Option<RelPath> {
    let parts: Vec<&str> = path.parts().collect();
    let depth = match parts.as_slice() {
        ["bin" | "lib" | "extensions" | "python", _, ..] | ["bootstrap"] => return None,
        ["java", "lib", _, ..] | ["ruby", "lib", _, ..] | ["nodejs", "node_modules", _, ..] => return None,
        ["nodejs", "package.json" | "package-lock.json"] => return None,
        ["nodejs", version, "node_modules", _, ..] if is_node_version(version) => return None,
        ["ruby", "gems", version, _, ..] if is_ruby_version(version) => return None,
        ["nodejs", version, _, ..] if is_node_version(version) => 3,
        ["ruby", "gems", _, ..] => 3,
        ["java" | "ruby" | "nodejs", _, ..] => 2,
        _ => 1,
    };
    RelPath::new(&parts.get(..depth).unwrap_or(&parts).join("/")).ok()
}

/// `node18`, `node22`: the folder of one major version.
fn is_node_version(part: &str) -> bool {
    part.strip_prefix("node").is_some_and(is_number)
}

/// `3.4.0`: the version of Ruby's interface.
fn is_ruby_version(part: &str) -> bool {
    let numbers: Vec<&str> = part.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| is_number(number)) && numbers[2] == "0"
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where a hidden file or folder belongs, by its name and by what is in it.
fn proposal(hidden: &RelPath, paths: &[RelPath]) -> Option<String> {
    let name = hidden.name()?;
    let parts: Vec<&str> = hidden.parts().collect();
    match (name, parts.as_slice()) {
        (_, ["ruby", "gems", version]) if is_ruby_version(&format!("{version}.0")) => {
            return Some(format!("ruby/gems/{version}.0"));
        }
        (_, ["nodejs", version, name]) => return Some(format!("nodejs/{version}/node_modules/{name}")),
        ("node_modules", _) => return Some("nodejs/node_modules".to_owned()),
        ("site-packages", _) => return Some("python".to_owned()),
        ("lib64", _) => return Some("lib".to_owned()),
        _ => {}
    }
    let inside = || paths.iter().filter(|path| path.below(hidden).is_some());
    let folder = FOLDERS
        .iter()
        .find(|(suffixes, _)| inside().any(|path| has_suffix(path, suffixes)))?
        .1;
    Some(format!("{folder}/{name}"))
}

fn has_suffix(path: &RelPath, suffixes: &[&str]) -> bool {
    suffixes.iter().any(|suffix| path.as_str().ends_with(suffix))
}

/// What files look like, and the folder in which a runtime finds them. Source
/// code first: a Python package may well bring shared objects.
const FOLDERS: [(&[&str], &str); 5] = [
    (&[".py", ".pyc", ".dist-info/METADATA"], "python"),
    (&[".js", ".mjs", ".cjs", "/package.json"], "nodejs/node_modules"),
    (&[".jar"], "java/lib"),
    (&[".rb"], "ruby/lib"),
    (&[".so"], "lib"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<RelPath> {
        texts.iter().map(|text| RelPath::new(text).unwrap()).collect()
    }

    fn warnings(texts: &[&str]) -> String {
        invisible(&paths(texts), false)
            .iter()
            .map(|one| format!("{one}\n"))
            .collect()
    }

    /// The trees of the guide's own examples.
    #[test]
    fn the_guides_examples_are_visible() {
        let trees = [
            "bin/jq",
            "lib/lib_1",
            "extensions/agent",
            "bootstrap",
            "python/requests/api.py",
            "python/lib/python3.13/site-packages/numpy/core.py",
            "nodejs/node_modules/aws-xray-sdk/index.js",
            "nodejs/node22/node_modules/left-pad/index.js",
            "ruby/gems/3.4.0/gems/json-2.1.0/json.rb",
            "ruby/lib/helper.rb",
            "java/lib/jackson-core-2.17.0.jar",
        ];
        assert_eq!(warnings(&trees), "");
    }

    #[test]
    fn what_is_out_of_sight_is_named_once_with_its_place() {
        let seen = warnings(&[
            "requests/api.py",
            "requests/__init__.py",
            "node_modules/left-pad/index.js",
            "java/jackson.jar",
            "libz.so",
            "ruby/gems/3.4/gems/json/json.rb",
            "nodejs/node22/left-pad/package.json",
            "certs/ca.pem",
            "bin",
        ]);
        insta::assert_snapshot!(seen, @"
        `bin` is nothing the runtime looks at: this part of the layer will be invisible; put it under `bin/`, `lib/`, `python/`, `nodejs/node_modules/`, `java/lib/` or `ruby/lib/`, or say `data = true` when the function opens `/opt/bin` itself
        `certs` is nothing the runtime looks at: this part of the layer will be invisible; put it under `bin/`, `lib/`, `python/`, `nodejs/node_modules/`, `java/lib/` or `ruby/lib/`, or say `data = true` when the function opens `/opt/certs` itself
        `java/jackson.jar` is nothing the runtime looks at: this part of the layer will be invisible; put it at `java/lib/jackson.jar`, or say `data = true` when the function opens `/opt/java/jackson.jar` itself
        `libz.so` is nothing the runtime looks at: this part of the layer will be invisible; put it at `lib/libz.so`, or say `data = true` when the function opens `/opt/libz.so` itself
        `node_modules` is nothing the runtime looks at: this part of the layer will be invisible; put it at `nodejs/node_modules`, or say `data = true` when the function opens `/opt/node_modules` itself
        `nodejs/node22/left-pad` is nothing the runtime looks at: this part of the layer will be invisible; put it at `nodejs/node22/node_modules/left-pad`, or say `data = true` when the function opens `/opt/nodejs/node22/left-pad` itself
        `requests` is nothing the runtime looks at: this part of the layer will be invisible; put it at `python/requests`, or say `data = true` when the function opens `/opt/requests` itself
        `ruby/gems/3.4` is nothing the runtime looks at: this part of the layer will be invisible; put it at `ruby/gems/3.4.0`, or say `data = true` when the function opens `/opt/ruby/gems/3.4` itself
        ");
    }

    #[test]
    fn data_may_lie_anywhere() {
        assert_eq!(invisible(&paths(&["etc/ssl/ca.pem"]), true), []);
        assert!(!visible(&paths(&["etc/ssl/ca.pem"])[0]));
    }
}
