//! Where Go comes from: a declared version is fetched through the module proxy as
//! the official `golang.org/toolchain` module; with none declared the one of this
//! machine is taken, by content; where there is none either, a known version.
//! What is fetched is what `lambda.lock` pins, where it pins it.

use crate::codes;
use crate::lock::Pinned;
use crate::pins::Pins;
use lambuild_action::message::OUT;
use lambuild_action::{Command, Hints, PlannedAction, Seen, Selector, Step, Toolchain, ToolchainRule, Work};
use lambuild_digest::{Digest, Dir, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Attrs, Data, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// argv[0] of the step. Then follow [`STEP_VERSION`], the Go version, the platform and the `h1:` hash that the lock
/// has of it, as in `1.26.8`, `linux-amd64`, `h1:…`; the hash is empty where nothing is pinned.
pub const STEP: &str = "lambuild:fetch-go-toolchain";
/// Raised when the same version gives another output tree.
pub const STEP_VERSION: &str = "2";
/// The kind of a toolchain's line in `lambda.lock`.
pub const KIND: &str = "toolchain";
/// The key in such a line for the hash that Go's own tools know: `h1:…`.
pub const H1: &str = "h1";
/// The key in such a line for where it comes from; no address, since everyone has proxies of their own.
pub const ORIGIN: &str = "origin";
/// What is fetched where nothing is declared and the machine has no Go: the newest one that this version was tested with.
pub const DEFAULT_VERSION: &str = "1.26.8";

/// The attributes of `toolchain go`.
pub static SCHEMA: Schema = Schema {
    name: "go",
    doc: "The Go toolchain, fetched through the Go module proxy.",
    attributes: &[Attribute::new(
        "version",
        Type::Checked(check_version),
        "The Go version, such as \"1.26.8\": 1.21.0 or newer, as older ones are not published as modules.",
    )
    .required()],
};

fn check_version(text: &str) -> Result<(), String> {
    let wrong = || {
        format!(
            "`{text}` is not a Go version: write it as Go does, without `go` in front, such as \"1.26.8\""
        )
    };
    let (numbers, candidate) = match text.find("rc").or_else(|| text.find("beta")) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let number = |part: &str| {
        part.parse::<u32>()
            .ok()
            .filter(|_| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let parts: Option<Vec<u32>> = numbers.split('.').map(number).collect();
    let candidate = candidate.trim_start_matches("rc").trim_start_matches("beta");
    let is_candidate = numbers.len() < text.len();
    match parts.as_deref() {
        Some([1, minor, ..]) if *minor < 21 => Err(format!(
            "Go {text} is not to be had as a module: the oldest one is 1.21.0"
        )),
        Some([1, _]) if is_candidate && number(candidate).is_some() => Ok(()),
        Some([1, _, _]) if !is_candidate => Ok(()),
        _ => Err(wrong()),
    }
}

/// Finds Go.
#[derive(Debug, Clone)]
pub struct GoToolchains {
    /// What is pinned.
    pub pins: Arc<Pins>,
    /// The folder of the machine's own Go (`GOROOT`), if it has one.
    pub host: Option<PathBuf>,
    /// The platform that builds, in Go's words: `linux-amd64`.
    pub platform: String,
}

impl ToolchainRule for GoToolchains {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, declared: Option<&Attrs>, asked: Span) -> Result<Toolchain, Box<Diagnostic>> {
        let version = match declared.map(|attrs| attrs.get("version")) {
            Some(Some(Value {
                data: Data::Str(version),
                ..
            })) => version.to_string(),
            Some(_) => {
                let message = "the declared Go toolchain has no `version`";
                return Err(Box::new(Diagnostic::error(
                    codes::VERSION,
                    message,
                    asked,
                    "needed here",
                )));
            }
            None => match &self.host {
                Some(folder) => return Ok(of_host(folder.clone(), asked)),
                None => DEFAULT_VERSION.to_owned(),
            },
        };
        let subject = format!("go {version} {}", self.platform);
        let name = lock_name(&version, &self.platform);
        let what = format!("Go {version} for {}", self.platform.replace('-', "/"));
        let pinned = self.pins.get(KIND, &name, &what, asked).map_err(|made| match declared {
            Some(_) => made,
            None => Box::new(made.help(format!(
                "write `toolchain go {{ version = \"{version}\" }}` into the root file, run `lambuild lock` and commit \
                 both"
            ))),
        })?;
        let h1 = pinned.and_then(|mut pinned: Pinned| pinned.remove(H1));
        let fetch = Fetch {
            version,
            platform: self.platform.clone(),
            h1,
        };
        Ok(Toolchain {
            identity: format!("toolchain {subject}"),
            action: PlannedAction {
                mnemonic: "fetch",
                subject,
                inputs: Vec::new(),
                work: Work::Select(Box::new(fetch)),
                span: asked,
            },
        })
    }
}

/// The name of a toolchain's line in `lambda.lock`.
pub fn lock_name(version: &str, platform: &str) -> String {
    format!("go/{version}/{platform}")
}

/// Version and platform that the name of a line means; `None` for a line of something else.
pub fn of_lock_name(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("go/")?.split_once('/')
}

fn of_host(folder: PathBuf, span: Span) -> Toolchain {
    Toolchain {
        identity: "toolchain go of this machine".to_owned(),
        action: PlannedAction {
            mnemonic: "take",
            subject: format!("go from {}", folder.display()),
            inputs: Vec::new(),
            work: Work::HostFolder {
                folder,
                keep: builds_programs,
            },
            span,
        },
    }
}

/// Whether a file of a Go distribution has a part in building programs: not the
/// sources of the tools themselves, no tests, no documentation.
pub fn builds_programs(path: &RelPath) -> bool {
    let parts: Vec<&str> = path.parts().collect();
    let is_test = parts.last().is_some_and(|name| name.ends_with("_test.go"));
    match parts.as_slice() {
        ["VERSION" | "go.env" | "LICENSE"] | ["bin"] | ["bin", "go"] => true,
        ["pkg"] | ["pkg", "include" | "tool", ..] => true,
        ["src", "cmd", ..] => false,
        ["src", inner @ ..] => !is_test && !inner.contains(&"testdata"),
        _ => false,
    }
}

/// What the arguments of the step say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The Go version.
    pub version: String,
    /// The platform that builds.
    pub platform: String,
    /// The hash that the lock has of it, `h1:` and base64; `None` where nothing is pinned.
    pub h1: Option<String>,
}

impl Fetch {
    /// Reads back what the step's arguments say; `None` for those of another step.
    pub fn read(command: &Command) -> Option<Self> {
        match command.arguments.as_slice() {
            [step, step_version, version, platform, h1] if step == STEP && step_version == STEP_VERSION => {
                Some(Fetch {
                    version: version.clone(),
                    platform: platform.clone(),
                    h1: Some(h1.clone()).filter(|h1| !h1.is_empty()),
                })
            }
            _ => None,
        }
    }
}

impl Selector for Fetch {
    fn select(&self, _: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let h1 = self.h1.as_deref().unwrap_or_default();
        let arguments = [STEP, STEP_VERSION, &self.version, &self.platform, h1];
        let command = Command {
            arguments: arguments.map(str::to_owned).into(),
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        };
        Ok(Step {
            command,
            input_root: Dir::default(),
            timeout: None,
            hints: Hints::default(),
        })
    }
}

/// The minor number of a toolchain's release (26 of `go1.26.8`), from its `VERSION` file;
/// decides the build tags `go1.1` … `go1.26`. A development version counts as the default one's.
pub fn release(toolchain: &Digest, seen: &Seen<'_>) -> u32 {
    let version = || {
        let directory = seen.trees.directory(toolchain).ok()?;
        let Some(Node::File { digest, .. }) = directory.get("VERSION") else {
            return None;
        };
        let text = String::from_utf8(seen.blobs.read(digest).ok()?).ok()?;
        minor(text.lines().next()?.strip_prefix("go")?)
    };
    version().or_else(|| minor(DEFAULT_VERSION)).unwrap_or(0)
}

fn minor(version: &str) -> Option<u32> {
    let digits = version.strip_prefix("1.")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Lock;
    use lambuild_lang::diagnostic::Exit;
    use lambuild_lang::source::FileId;

    #[test]
    fn versions_are_those_that_the_proxy_has() {
        for good in ["1.26.8", "1.21.0", "1.27rc1"] {
            assert_eq!(check_version(good), Ok(()), "{good}");
        }
        for bad in [
            "go1.26.8",
            "1.26",
            "1.20.3",
            "1.26.8.1",
            "2.0.0",
            "latest",
            "",
            "1.+6.8",
            "1.26.8rc1",
        ] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (minor("1.26.8"), minor("1.27rc1"), minor("2")),
            (Some(26), Some(27), None)
        );
    }

    #[test]
    fn what_is_pinned_is_fetched_and_asked_for_once() {
        let mut lock = Lock::default();
        let h1 = Pinned::from([(H1.to_owned(), "h1:x=".to_owned())]);
        lock.put(KIND, &lock_name("1.26.8", "linux-amd64"), h1).unwrap();
        let span = Span::new(FileId(0), 0, 1);
        let plan = |platform: &str, locked: bool| {
            let pins = Arc::new(Pins::new(lock.clone(), locked));
            let rule = GoToolchains {
                pins: pins.clone(),
                host: None,
                platform: platform.to_owned(),
            };
            let found: Vec<bool> = rule
                .plan(None, span)
                .map_err(|made| (made.message, made.exit))
                .map(|_| pins.asked().into_values().map(|asked| asked.found).collect())?;
            Ok::<_, (String, Exit)>(found)
        };
        assert_eq!(plan("linux-amd64", true), Ok(vec![true]));
        assert_eq!(plan("linux-arm64", false), Ok(vec![false]));
        assert_eq!(
            plan("darwin-arm64", true),
            Err((
                "lambda.lock does not pin Go 1.26.8 for darwin/arm64".into(),
                Exit::Lock
            ))
        );
    }

    #[test]
    fn what_builds_programs_is_kept_and_nothing_else() {
        let kept = |path: &str| builds_programs(&RelPath::new(path).unwrap());
        for path in [
            "VERSION",
            "bin/go",
            "pkg/tool/linux_amd64/link",
            "src",
            "src/fmt/print.go",
            "src/vendor/golang.org/x/a.go",
        ] {
            assert!(kept(path), "{path}");
        }
        for path in [
            "test/x.go",
            "src/cmd/go/main.go",
            "src/fmt/print_test.go",
            "src/x/testdata/a.go",
            "bin/gofmt",
            "api/go1.txt",
        ] {
            assert!(!kept(path), "{path}");
        }
    }
}
