//! What a `go.mod` says. Knows the syntax and the meaning of each directive,
//! not which modules exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::quote::unquote;

/// A module at one version, such as `github.com/aws/aws-lambda-go` at `v1.47.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleVersion {
    /// The module path as in `go.mod`, not escaped.
    pub path: String,
    /// The version with its `v`.
    pub version: String,
}

impl ModuleVersion {
    /// A module at a version; neither is checked.
    pub fn new(path: impl Into<String>, version: impl Into<String>) -> Self {
        ModuleVersion {
            path: path.into(),
            version: version.into(),
        }
    }
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

/// The content of a `go.mod`. `retract`, `tool` and `ignore` say nothing about a build and are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The module's own path.
    pub module: String,
    /// The language version as written, such as `1.21` or `1.23.4`; empty where there is no `go` line.
    pub go: String,
    /// The suggested toolchain, such as `go1.23.4`.
    pub toolchain: Option<String>,
    /// `key=value` settings that are compiled into main packages.
    pub godebug: Vec<String>,
    /// The required modules by path.
    pub require: BTreeMap<String, Require>,
    /// The replacements, in the order of the file.
    pub replace: Vec<Replace>,
    /// Versions that must not be chosen.
    pub exclude: BTreeSet<ModuleVersion>,
}

/// One required module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Require {
    /// The required version.
    pub version: String,
    /// Whether the line is marked `// indirect`.
    pub indirect: bool,
    /// The line, from 1.
    pub line: u32,
}

/// One `replace` directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// The module that is replaced.
    pub path: String,
    /// The only version that is replaced; `None` for all.
    pub version: Option<String>,
    /// What stands in for it.
    pub by: Replacement,
}

/// What stands in for a replaced module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A folder, as written: relative to the `go.mod`, or absolute.
    Folder(String),
    /// Another module, or another version of the same.
    Module(ModuleVersion),
}

/// What is wrong with a line of a module file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct LineError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, without a place.
    pub message: String,
}

/// Who reads a `go.mod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The module that is built: every directive counts, unknown ones are errors.
    Main,
    /// A dependency: only what other modules look at.
    Dependency,
}

impl GoMod {
    /// Reads the `go.mod` of the module that is built.
    ///
    /// # Errors
    /// The first line that `go` would refuse, or a module required at two versions.
    /// Syntax: the "Go Modules Reference", section "go.mod files".
    pub fn parse(text: &[u8]) -> Result<GoMod, LineError> {
        parse(text, Reader::Main)
    }

    /// Reads the `go.mod` of a dependency, as leniently as `go` does: unknown directives and
    /// those that count only in the main module are passed over.
    ///
    /// # Errors
    /// The first line that is malformed.
    pub fn parse_dependency(text: &[u8]) -> Result<GoMod, LineError> {
        parse(text, Reader::Dependency)
    }

    /// What stands in for a required module: the replacement of this version, else of all versions.
    pub fn replacement(&self, path: &str, version: &str) -> Option<&Replacement> {
        let of = |wanted: Option<&str>| {
            self.replace
                .iter()
                .find(|r| r.path == path && r.version.as_deref() == wanted)
                .map(|r| &r.by)
        };
        of(Some(version)).or_else(|| of(None))
    }

    /// All modules that a build of this one could fetch: the requirements with `replace` applied, without folders.
    pub fn fetched(&self) -> BTreeSet<ModuleVersion> {
        let modules = self.require.iter().filter_map(|(path, require)| {
            match self.replacement(path, &require.version) {
                Some(Replacement::Folder(_)) => None,
                Some(Replacement::Module(module)) => Some(module.clone()),
                None => Some(ModuleVersion::new(path, &require.version)),
            }
        });
        modules.collect()
    }

    /// The language version as two numbers, such as (1, 21); (1, 16) where there is no `go` line, as `go` assumes.
    pub fn language(&self) -> (u32, u32) {
        let mut parts = self.go.split('.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..digits)?.parse().ok()
        };
        match (number(), number()) {
            (Some(major), minor) => (major, minor.unwrap_or(0)),
            _ => (1, 16),
        }
    }
}

fn parse(text: &[u8], reader: Reader) -> Result<GoMod, LineError> {
    let mut file = GoMod::default();
    let mut block: Option<String> = None;
    for (line, raw) in (1u32..).zip(text.split(|b| *b == b'\n')) {
        let fail = |message: String| LineError { line, message };
        let raw = std::str::from_utf8(raw).map_err(|_| fail("this is not UTF-8 text".into()))?;
        let (words, comment) = words(raw).map_err(fail)?;
        let statement = Statement {
            words: &words,
            indirect: is_indirect(comment),
            line,
        };
        block = file.take_line(block, statement, reader).map_err(fail)?;
    }
    if let Some(verb) = block {
        let line = u32::try_from(text.split(|b| *b == b'\n').count()).unwrap_or(u32::MAX);
        return Err(LineError {
            line,
            message: format!("the `{verb} (` block is not closed by `)`"),
        });
    }
    if file.module.is_empty() && reader == Reader::Main {
        return Err(LineError {
            line: 1,
            message: "there is no `module` line".into(),
        });
    }
    Ok(file)
}

/// One line's words, without its verb where it stands in a block.
struct Statement<'a> {
    words: &'a [Word],
    indirect: bool,
    line: u32,
}

/// One word of a line; quotes are taken away, but punctuation is told apart from quoted text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(String),
    Mark(char),
}

impl Word {
    fn text(&self) -> Option<&str> {
        match self {
            Word::Text(text) => Some(text),
            Word::Mark(_) => None,
        }
    }
}

impl GoMod {
    /// Takes one line inside or outside a block; answers the block that the next line stands in.
    fn take_line(
        &mut self,
        block: Option<String>,
        line: Statement<'_>,
        reader: Reader,
    ) -> Result<Option<String>, String> {
        match (block, line.words) {
            (block, []) => Ok(block),
            (Some(_), [Word::Mark(')')]) => Ok(None),
            (Some(verb), words) => {
                self.directive(&verb, words, &line, reader)?;
                Ok(Some(verb))
            }
            (None, [Word::Text(verb), Word::Mark('(')]) => Ok(Some(verb.clone())),
            (None, [Word::Text(_), Word::Mark('('), Word::Mark(')')]) => Ok(None),
            (None, [Word::Text(verb), words @ ..]) => {
                self.directive(verb, words, &line, reader)?;
                Ok(None)
            }
            (None, _) => Err("a directive such as `require` is expected".into()),
        }
    }

    fn directive(
        &mut self,
        verb: &str,
        words: &[Word],
        line: &Statement<'_>,
        reader: Reader,
    ) -> Result<(), String> {
        if verb == "retract" {
            return Ok(());
        }
        let args: Option<Vec<&str>> = words.iter().map(Word::text).collect();
        let args = args.ok_or_else(|| format!("stray punctuation after `{verb}`"))?;
        match (verb, args.as_slice()) {
            ("module", [path]) => set_once(&mut self.module, path, "module"),
            ("go", [version]) => set_once(&mut self.go, go_version(version)?, "go"),
            ("require", [path, version]) => self.require(path, version, line),
            ("toolchain" | "godebug" | "replace" | "exclude" | "tool" | "ignore", _)
                if reader == Reader::Main =>
            {
                self.main_directive(verb, &args)
            }
            ("module" | "go" | "require", _) => Err(usage(verb)),
            _ if reader == Reader::Dependency => Ok(()),
            _ => Err(format!("unknown directive `{verb}`")),
        }
    }

    fn main_directive(&mut self, verb: &str, args: &[&str]) -> Result<(), String> {
        match (verb, args) {
            ("toolchain", [name]) if self.toolchain.is_none() => self.toolchain = Some((*name).to_owned()),
            ("godebug", [setting]) if setting.contains('=') => self.godebug.push((*setting).to_owned()),
            ("exclude", [path, v]) => {
                self.exclude.insert(ModuleVersion::new(*path, version(v)?));
            }
            ("replace", [path, "=>", by @ ..]) => self.add_replace(path, None, replacement(by)?)?,
            ("replace", [path, v, "=>", by @ ..]) => {
                self.add_replace(path, Some(version(v)?), replacement(by)?)?
            }
            ("tool" | "ignore", [_]) => {}
            _ => return Err(usage(verb)),
        }
        Ok(())
    }

    fn require(&mut self, path: &str, wanted: &str, line: &Statement<'_>) -> Result<(), String> {
        let require = Require {
            version: version(wanted)?.to_owned(),
            indirect: line.indirect,
            line: line.line,
        };
        match self.require.get_mut(path) {
            Some(known) if known.version != require.version => Err(format!(
                "`{path}` is required at {wanted} here and at {} on line {}",
                known.version, known.line
            )),
            Some(known) => {
                known.indirect &= require.indirect;
                Ok(())
            }
            None => {
                self.require.insert(path.to_owned(), require);
                Ok(())
            }
        }
    }

    fn add_replace(&mut self, path: &str, version: Option<&str>, by: Replacement) -> Result<(), String> {
        let version = version.map(str::to_owned);
        if self
            .replace
            .iter()
            .any(|known| known.path == path && known.version == version && known.by != by)
        {
            return Err(format!("`{path}` is replaced twice"));
        }
        self.replace.push(Replace {
            path: path.to_owned(),
            version,
            by,
        });
        Ok(())
    }
}

fn set_once(field: &mut String, value: &str, verb: &str) -> Result<(), String> {
    if !field.is_empty() {
        return Err(format!("a second `{verb}` line"));
    }
    *field = value.to_owned();
    Ok(())
}

fn usage(verb: &str) -> String {
    let form = match verb {
        "module" => "module example.com/path",
        "go" => "go 1.26",
        "toolchain" => "toolchain go1.26.8, once",
        "godebug" => "godebug key=value",
        "replace" => {
            "replace example.com/path [v1.2.3] => ../folder` or `replace … => example.com/other v1.2.3"
        }
        "tool" | "ignore" => return format!("`{verb}` takes one path"),
        _ => return format!("expected `{verb} example.com/path v1.2.3`"),
    };
    format!("expected `{form}`")
}

fn go_version(text: &str) -> Result<&str, String> {
    let (major, rest) = text.split_once('.').unwrap_or((text, ""));
    let numeric = |part: &str| part.bytes().next().is_some_and(|b| b.is_ascii_digit());
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if plain && numeric(major) && numeric(rest) {
        return Ok(text);
    }
    Err(format!("`{text}` is not a Go version such as 1.26 or 1.26.8"))
}

/// Versions are not put in order here, so the shape is all that is asked: `v`, a number, and two dots.
fn version(text: &str) -> Result<&str, String> {
    let digits = text
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let clean = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
    if digits && clean && text.matches('.').count() >= 2 {
        return Ok(text);
    }
    Err(format!(
        "`{text}` is not a version such as v1.2.3; `go mod tidy` writes the one that it stands for"
    ))
}

fn replacement(words: &[&str]) -> Result<Replacement, String> {
    match words {
        [path] if is_folder(path) => Ok(Replacement::Folder((*path).to_owned())),
        [path] => Err(format!(
            "`{path}` needs a version, or `./` in front if it is a folder"
        )),
        [path, _] if is_folder(path) => Err(format!("the folder `{path}` cannot have a version")),
        [path, v] => Ok(Replacement::Module(ModuleVersion::new(*path, version(v)?))),
        _ => Err(usage("replace")),
    }
}

fn is_folder(path: &str) -> bool {
    path == "." || path == ".." || ["./", "../", "/"].iter().any(|start| path.starts_with(start))
}

/// `// indirect`, alone or before a `;`
fn is_indirect(comment: &str) -> bool {
    let text = comment.trim_start_matches('/').trim();
    text == "indirect" || text.starts_with("indirect;")
}

/// Cuts a line into words and its comment.
fn words(line: &str) -> Result<(Vec<Word>, &str), String> {
    let mut rest = line.trim();
    let mut words = Vec::new();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        let (word, length) = match first {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => (Word::Mark(first), 1),
            '"' | '`' => quoted(rest)?,
            _ => bare(rest)?,
        };
        words.push(word);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok((words, rest))
}

fn quoted(text: &str) -> Result<(Word, usize), String> {
    let unclosed = || "a quoted text is not closed on its line".to_owned();
    let quote = text.chars().next().ok_or_else(unclosed)?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            let literal = text.get(..=at).ok_or_else(unclosed)?;
            let value = unquote(literal).ok_or_else(|| format!("{literal} is not a quoted text of Go"))?;
            return Ok((Word::Text(value), at + 1));
        }
        escaped = c == '\\' && quote == '"' && !escaped;
    }
    Err(unclosed())
}

fn bare(text: &str) -> Result<(Word, usize), String> {
    let ends = |c: char| c.is_whitespace() || "()[]{},".contains(c);
    let end = text.find(ends).unwrap_or(text.len());
    let end = text.find("//").map_or(end, |comment| comment.min(end));
    let word = text.get(..end).unwrap_or_default();
    if word.contains("/*") {
        return Err("`go.mod` takes only `//` comments".into());
    }
    if let Some(c) = word.chars().find(|c| c.is_control()) {
        return Err(format!("the character {} cannot stand here", c.escape_debug()));
    }
    Ok((Word::Text(word.to_owned()), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &[u8] = br#"// Deprecated: no
module "example.com/app" // the app

go 1.23.4
toolchain go1.26.8
godebug (
	default=go1.21
)
require example.com/a v1.0.0
require (
	example.com/b/v2 v2.1.0-rc.1+incompatible // indirect
	"example.com/c" v0.0.0-20200101000000-abcdefabcdef // indirect; why
)
exclude example.com/a v0.9.0
replace (
	example.com/a => ../a
	example.com/b/v2 v2.1.0 => example.com/fork v2.1.1
	example.com/c => `./c d`
)
retract [v1.0.0, v1.1.0] // broken
tool example.com/a/cmd/x
ignore ./node_modules
require ()
"#;

    #[test]
    fn every_directive() {
        let file = GoMod::parse(FULL).unwrap();
        assert_eq!(
            (file.module.as_str(), file.go.as_str()),
            ("example.com/app", "1.23.4")
        );
        assert_eq!(file.toolchain.as_deref(), Some("go1.26.8"));
        assert_eq!(file.godebug, ["default=go1.21"]);
        let indirect: Vec<_> = file
            .require
            .iter()
            .map(|(path, r)| (path.as_str(), r.indirect, r.line))
            .collect();
        assert_eq!(
            indirect,
            [
                ("example.com/a", false, 9),
                ("example.com/b/v2", true, 11),
                ("example.com/c", true, 12)
            ]
        );
        assert_eq!(
            file.exclude,
            BTreeSet::from([ModuleVersion::new("example.com/a", "v0.9.0")])
        );
        assert_eq!(file.replace.len(), 3);
        assert_eq!(file.language(), (1, 23));
    }

    #[test]
    fn a_replacement_of_one_version_counts_before_that_of_all() {
        let file = GoMod::parse(
            b"module m\nrequire a.b v1.0.0\nreplace a.b => ./all\nreplace a.b v1.0.0 => a.c v1.0.1\n",
        )
        .unwrap();
        let one = Replacement::Module(ModuleVersion::new("a.c", "v1.0.1"));
        assert_eq!(file.replacement("a.b", "v1.0.0"), Some(&one));
        assert_eq!(
            file.replacement("a.b", "v1.0.1"),
            Some(&Replacement::Folder("./all".into()))
        );
        assert_eq!(
            file.fetched(),
            BTreeSet::from([ModuleVersion::new("a.c", "v1.0.1")])
        );
    }

    #[test]
    fn what_go_refuses_is_refused_with_its_line() {
        let message = |text: &str| GoMod::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(message(""), "line 1: there is no `module` line");
        assert_eq!(message("module m\nmodule n"), "line 2: a second `module` line");
        assert_eq!(
            message("module m\n\nrequires a v1.0.0"),
            "line 3: unknown directive `requires`"
        );
        assert_eq!(
            message("module m\nrequire a"),
            "line 2: expected `require example.com/path v1.2.3`"
        );
        assert_eq!(
            message("module m\nrequire a.b master"),
            "line 2: `master` is not a version such as v1.2.3; `go mod tidy` writes the one that it stands for"
        );
        assert_eq!(
            message("module m\nrequire (\na.b v1.0.0\n"),
            "line 4: the `require (` block is not closed by `)`"
        );
        assert_eq!(
            message("module m\nrequire a.b v1.0.0\nrequire a.b v1.1.0"),
            "line 3: `a.b` is required at v1.1.0 here and at v1.0.0 on line 2"
        );
        assert_eq!(
            message("module m\nreplace a.b => c.d"),
            "line 2: `c.d` needs a version, or `./` in front if it is a folder"
        );
        assert_eq!(
            message("module m /* x */"),
            "line 1: `go.mod` takes only `//` comments"
        );
        assert_eq!(
            message("module \"m"),
            "line 1: a quoted text is not closed on its line"
        );
        assert_eq!(
            message("module m\ngo one"),
            "line 2: `one` is not a Go version such as 1.26 or 1.26.8"
        );
    }

    #[test]
    fn a_dependency_is_read_leniently() {
        let file = GoMod::parse_dependency(b"module d\nfuture thing\nreplace x\ngo 1.20\n").unwrap();
        assert_eq!((file.module.as_str(), file.language()), ("d", (1, 20)));
        assert_eq!(
            GoMod::parse_dependency(b"module d\n").unwrap().language(),
            (1, 16)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = GoMod::parse(&bytes);
        }

        #[test]
        fn likely_text_is_taken(text in "(require|replace|=>|module|go|\"|`|\\\\|//|\\(|\\)|\\[|\n| |v1\\.2\\.3|a\\.b/c|é){0,40}") {
            let _ = GoMod::parse(text.as_bytes());
        }
    }
}
