//! Which files of a folder Go builds for a platform: by the file's name and by
//! the constraint in its head. Knows no packages and no imports.

use std::collections::BTreeSet;

use super::lexer::BOM;

/// What is built for: everything that build constraints can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `GOOS`, such as `linux`.
    pub goos: String,
    /// `GOARCH`, such as `arm64`.
    pub goarch: String,
    /// The `-tags` of the build.
    pub tags: BTreeSet<String>,
    /// `CGO_ENABLED`.
    pub cgo: bool,
    /// The minor release of Go that builds: 26 of 1.26.8. Sets `go1.1` up to `go1.26`.
    pub release: u32,
}

/// Operating systems that count in file names. Source: `KnownOS` in Go's `internal/syslist`, 1.26.
const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// Operating systems that the tag `unix` stands for. Source: `UnixOS`, as above.
const UNIX: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

/// Architectures that count in file names. Source: `KnownArch`, as above.
const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// Whether a file's name lets it be built here: `x_GOOS.go`, `x_GOARCH.go`, `x_GOOS_GOARCH.go`.
    /// Source: `go help buildconstraint`.
    pub fn takes_name(&self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or_default();
        let Some(start) = stem.find('_') else { return true };
        let mut parts: Vec<&str> = stem.get(start..).unwrap_or_default().split('_').collect();
        if parts.last() == Some(&"test") {
            parts.pop();
        }
        let system = |part: &str| SYSTEMS.contains(&part);
        let architecture = |part: &str| ARCHITECTURES.contains(&part);
        match parts.as_slice() {
            [.., os, arch] if system(os) && architecture(arch) => self.has(os) && self.has(arch),
            [.., one] if system(one) || architecture(one) => self.has(one),
            _ => true,
        }
    }

    /// Whether the constraint in a file's head lets it be built here.
    ///
    /// A `//go:build` line decides; without one, `// +build` lines still count, as they do in Go 1.26.
    /// Experiments (`goexperiment.x`) belong to the toolchain: a file that is built with or
    /// without them counts as built, for a file too many costs a rebuild and one too few a failure.
    /// A malformed line is the compiler's to report, so the file counts as built.
    pub fn takes_content(&self, source: &[u8]) -> bool {
        let header = header(source);
        [false, true].into_iter().any(|experiments| {
            let has = |tag: &str| {
                if is_experiment(tag) {
                    experiments
                } else {
                    self.has(tag)
                }
            };
            match &header.go_build {
                Some(line) => evaluate(line, &has).unwrap_or(true),
                None => header.plus_build.iter().all(|line| plus_build(line, &has)),
            }
        })
    }

    /// Whether a tag is set.
    fn has(&self, tag: &str) -> bool {
        tag == self.goos
            || tag == self.goarch
            || tag == "gc"
            || (tag == "cgo" && self.cgo)
            || (tag == "unix" && UNIX.contains(&self.goos.as_str()))
            || implied_system(&self.goos) == Some(tag)
            || baseline(&self.goarch) == Some(tag)
            || self.tags.contains(tag)
            || self.has_release(tag)
    }

    fn has_release(&self, tag: &str) -> bool {
        let number = tag.strip_prefix("go1.").filter(|n| !n.starts_with(['0', '+']));
        number
            .and_then(|n| n.parse::<u32>().ok())
            .is_some_and(|n| n <= self.release)
    }
}

/// The system whose files a derived system builds too.
fn implied_system(goos: &str) -> Option<&'static str> {
    match goos {
        "android" => Some("linux"),
        "illumos" => Some("solaris"),
        "ios" => Some("darwin"),
        _ => None,
    }
}

/// The feature tag of an architecture's default level (`GOAMD64=v1`, `GOARM64=v8.0`).
fn baseline(goarch: &str) -> Option<&'static str> {
    match goarch {
        "amd64" => Some("amd64.v1"),
        "arm64" => Some("arm64.v8.0"),
        _ => None,
    }
}

fn is_experiment(tag: &str) -> bool {
    tag == "boringcrypto" || tag.starts_with("goexperiment.")
}

/// The constraint lines in the head of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    /// The expression of the `//go:build` line.
    go_build: Option<String>,
    /// The arguments of the `// +build` lines that count.
    plus_build: Vec<String>,
}

/// Reads comments and blank lines up to the first line of code.
///
/// `//go:build` counts anywhere there outside a block comment, `// +build` only above the last
/// blank line that follows nothing but `//` comments.
fn header(source: &[u8]) -> Header {
    let source = source.strip_prefix(BOM).unwrap_or(source);
    let mut found = Header::default();
    let mut pending = Vec::new();
    let (mut in_block, mut only_line_comments) = (false, true);
    for raw in source.split(|b| *b == b'\n') {
        let line = raw.trim_ascii();
        if line.is_empty() && only_line_comments {
            found.plus_build.append(&mut pending);
        }
        only_line_comments &= line.is_empty() || line.starts_with(b"//");
        if !in_block {
            found.go_build = found.go_build.take().or_else(|| directive(line, "//go:build"));
            pending.extend(
                line.strip_prefix(b"//")
                    .and_then(|rest| directive(rest.trim_ascii(), "+build")),
            );
        }
        match after_comments(line, in_block) {
            Some(still) => in_block = still,
            None => break,
        }
    }
    found
}

/// What follows `name` and white space; `None` for other lines.
fn directive(line: &[u8], name: &str) -> Option<String> {
    let rest = line.strip_prefix(name.as_bytes())?;
    let separated = rest.first().is_none_or(u8::is_ascii_whitespace);
    separated.then(|| String::from_utf8_lossy(rest.trim_ascii()).into_owned())
}

/// Whether a block comment is open after this line; `None` when the line holds code.
fn after_comments(mut line: &[u8], mut in_block: bool) -> Option<bool> {
    loop {
        if in_block {
            let Some(end) = line.windows(2).position(|pair| pair == b"*/") else {
                return Some(true);
            };
            line = line.get(end + 2..).unwrap_or_default().trim_ascii();
            in_block = false;
        } else if line.is_empty() || line.starts_with(b"//") {
            return Some(false);
        } else {
            line = line.strip_prefix(b"/*")?;
            in_block = true;
        }
    }
}

/// Old syntax: blank-separated alternatives of comma-joined, possibly negated tags; odd ones count as unset.
fn plus_build(line: &str, has: &dyn Fn(&str) -> bool) -> bool {
    let literal = |word: &str| match word.strip_prefix('!') {
        Some(tag) if tag.is_empty() || tag.starts_with('!') => has("ignore"),
        Some(tag) => !has(tag),
        None => has(word),
    };
    line.split_whitespace()
        .any(|clause| clause.split(',').all(literal))
}

/// Evaluates a `//go:build` expression.
///
/// Grammar: `or = and { "||" and }`, `and = not { "&&" not }`, `not = [ "!" ] atom`,
/// `atom = tag | "(" or ")"`; at most 1000 operands, as in Go, which also bounds the recursion.
///
/// # Errors
/// What is wrong with the expression, for people.
pub fn evaluate(text: &str, has: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let mut parser = Parser {
        rest: text.trim(),
        has,
        operands: 0,
    };
    let value = parser.or()?;
    match parser.rest {
        "" => Ok(value),
        rest => Err(format!("`{rest}` cannot follow here")),
    }
}

/// Go's own bound on the size of an expression.
const MAX_OPERANDS: u32 = 1000;

struct Parser<'a> {
    rest: &'a str,
    has: &'a dyn Fn(&str) -> bool,
    operands: u32,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.take("||") {
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.take("&&") {
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        self.operands += 1;
        if self.operands > MAX_OPERANDS {
            return Err("the expression is too large".into());
        }
        if !self.take("!") {
            return self.atom();
        }
        if self.rest.starts_with('!') {
            return Err("`!!` is not allowed".into());
        }
        Ok(!self.atom()?)
    }

    fn atom(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let value = self.or()?;
            return if self.take(")") {
                Ok(value)
            } else {
                Err("a `)` is missing".into())
            };
        }
        let in_tag = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = self.rest.find(|c| !in_tag(c)).unwrap_or(self.rest.len());
        let (tag, rest) = self.rest.split_at(end);
        if tag.is_empty() {
            return Err("a tag is missing".into());
        }
        self.rest = rest.trim_start();
        Ok((self.has)(tag))
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm() -> Platform {
        let tags = BTreeSet::from(["lambda.norpc".to_owned()]);
        Platform {
            goos: "linux".into(),
            goarch: "arm64".into(),
            tags,
            cgo: false,
            release: 26,
        }
    }

    #[test]
    fn names() {
        for name in [
            "a.go",
            "linux.go",
            "arm64.go",
            "a_linux.go",
            "a_linux_arm64.s",
            "a_arm64.go",
            "a_unix.go",
            "_x",
        ] {
            assert!(arm().takes_name(name), "{name}");
        }
        for name in [
            "a_windows.go",
            "a_amd64.go",
            "a_linux_amd64.go",
            "a_windows_arm64.go",
            "a_darwin_test.go",
        ] {
            assert!(!arm().takes_name(name), "{name}");
        }
    }

    #[test]
    fn expressions() {
        for yes in [
            "linux && !cgo",
            "(darwin || unix) && go1.26",
            "!go1.27",
            "lambda.norpc",
            "gc",
            "arm64.v8.0",
        ] {
            assert!(
                arm().takes_content(format!("//go:build {yes}\n\npackage a\n").as_bytes()),
                "{yes}"
            );
        }
        for no in [
            "ignore",
            "linux && !arm64",
            "go1.27",
            "cgo",
            "go1.026",
            "amd64.v1",
            "!unix",
        ] {
            assert!(
                !arm().takes_content(format!("//go:build {no}\n\npackage a\n").as_bytes()),
                "{no}"
            );
        }
        for either in ["goexperiment.simd", "!goexperiment.simd", "boringcrypto"] {
            assert!(
                arm().takes_content(format!("//go:build {either}\n\npackage a\n").as_bytes()),
                "{either}"
            );
        }
    }

    #[test]
    fn malformed_expressions_say_why() {
        let message = |text: &str| evaluate(text, &|_| true).unwrap_err();
        assert_eq!(message("a &&"), "a tag is missing");
        assert_eq!(message("(a"), "a `)` is missing");
        assert_eq!(message("a b"), "`b` cannot follow here");
        assert_eq!(message("!!a"), "`!!` is not allowed");
        assert_eq!(message(&"(".repeat(100_000)), "the expression is too large");
    }

    #[test]
    fn where_constraints_count() {
        let builds = |text: &str| arm().takes_content(text.as_bytes());
        assert!(!builds("\u{feff}// c\n\n/* x */\n//go:build ignore\npackage a\n"));
        assert!(
            builds("/*\n//go:build ignore\n*/\npackage a\n"),
            "inside a block comment"
        );
        assert!(
            builds("package a\n//go:build ignore\n"),
            "after the package clause"
        );
        assert!(builds("//go:builder ignore\npackage a\n"));
        assert!(!builds("// +build ignore\n\npackage a\n"));
        assert!(
            builds("// +build ignore\npackage a\n"),
            "the package's own comment"
        );
        assert!(
            builds("//go:build linux\n// +build ignore\n\npackage a\n"),
            "the new form decides"
        );
        assert!(builds(
            "// +build darwin linux,arm64\n// +build !cgo\n\npackage a\n"
        ));
        assert!(!builds("// +build !linux,!darwin !arm64\n\npackage a\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            arm().takes_content(&bytes);
        }

        #[test]
        fn any_expression_is_taken(text in "([a-z(!&| ]|é){0,60}") {
            let _ = evaluate(&text, &|_| true);
        }
    }
}
