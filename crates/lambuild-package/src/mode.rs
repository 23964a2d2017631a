//! Which files are executable: the mode 0755 or 0644 of a member. Decided by
//! what a file is for, so that a checkout without execute bits gives the same
//! zip. Knows no disk: the source's own bit is handed in.

use lambuild_digest::RelPath;

/// Whose zip a file goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// A function: unpacked to `/var/task`.
    Function,
    /// A layer: unpacked to `/opt`.
    Layer,
}

/// Whether the file is started by Lambda or the runtime because of where it
/// lies: `bootstrap` at the root, and in layers what is under `bin/` (on
/// `PATH`) and `extensions/` (every file there is started).
pub fn executable_by_role(package: Package, path: &RelPath) -> bool {
    let first = path.parts().next();
    let started = matches!(first, Some("bin" | "extensions")) && path.as_str().contains('/');
    path.as_str() == "bootstrap" || (package == Package::Layer && started)
}

/// Whether a file gets mode 0755: by its role, or since it begins as an ELF
/// file or with `#!`, or since its source is executable.
pub fn executable(package: Package, path: &RelPath, content: &[u8], source_bit: bool) -> bool {
    executable_by_role(package, path)
        || content.starts_with(b"#!")
        || content.starts_with(b"\x7fELF")
        || source_bit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn the_role_decides_first() {
        let executables = |package| {
            [
                "bootstrap",
                "bin/jq",
                "bin",
                "extensions/agent",
                "a/bin/jq",
                "lib/bootstrap",
            ]
            .into_iter()
            .filter(|text| executable(package, &path(text), b"data", false))
            .collect::<Vec<_>>()
        };
        assert_eq!(executables(Package::Function), ["bootstrap"]);
        assert_eq!(
            executables(Package::Layer),
            ["bootstrap", "bin/jq", "extensions/agent"]
        );
    }

    #[test]
    fn then_the_content_and_the_source() {
        let is = |content: &[u8], bit| executable(Package::Function, &path("tool"), content, bit);
        assert!(is(b"#!/bin/sh\n", false));
        assert!(is(b"\x7fELF\x02\x01", false));
        assert!(is(b"", true));
        assert!(!is(b"ELF", false));
    }
}
