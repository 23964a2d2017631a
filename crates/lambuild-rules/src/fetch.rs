//! `fetch`: a file from the network, or what is in an archive, pinned by its hash. Decides what of
//! it is a key: the hash and what is made of the bytes, never the address. Downloads nothing.

use crate::codes;
use crate::lock::Pinned;
use crate::pins::Pins;
use lambuild_action::message::OUT;
use lambuild_action::{
    Command, Hints, NodeId, PlannedAction, Planner, Rule, Seen, Selector, Step, Toolchain, ToolchainRule,
    Work,
};
use lambuild_digest::{Dir, RelPath};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::source::Span;
use lambuild_lang::value::{Attrs, Data, Product, Value};
use std::sync::Arc;

/// argv[0] of the step. Then follow [`STEP_VERSION`], the hash (`sha256:` and 64 digits) and the [`Form`].
pub const STEP: &str = "lambuild:fetch-url";
/// Raised when the same bytes give another output.
pub const STEP_VERSION: &str = "1";
/// The kind of a download's line in `lambda.lock`; its name is the URL.
pub const KIND: &str = "fetch";
/// The key in such a line for the SHA-256 of the bytes, 64 hexadecimal digits.
pub const SHA256: &str = "sha256";

/// The attributes of `fetch`.
pub static SCHEMA: Schema = Schema {
    name: "fetch",
    doc: "A file from the network, pinned by its hash in lambda.lock.",
    attributes: &[
        Attribute::new(
            "url",
            Type::Checked(check_url),
            "Where it is: an https URL. `exec.os` and `exec.name` stand for the platform that builds.",
        )
        .required(),
        Attribute::new(
            "unpack",
            Type::Bool,
            "Take what is in the zip, tar or tar.gz instead of the file itself.",
        )
        .default("false"),
        Attribute::new(
            "executable",
            Type::Bool,
            "Whether the file itself may be executed.",
        )
        .default("false"),
        Attribute::new(
            "hash",
            Type::Checked(check_hash),
            "`sha256:` and 64 hexadecimal digits; without it the hash stands in lambda.lock.",
        ),
    ],
};

/// What is refused here can be a secret or a connection that anybody may change.
fn check_url(text: &str) -> Result<(), String> {
    let rest = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if is_loopback(host(rest)) => rest,
        (None, Some(_)) => {
            return Err("an https URL is expected: over http anybody on the way could change it".to_owned());
        }
        (None, None) => {
            return Err("an https URL is expected, such as `https://example.com/tool.zip`".to_owned());
        }
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "a URL with a name or password in it would put them into lambda.lock and logs".to_owned(),
        );
    }
    if host(rest).is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL has a host and no blanks".to_owned());
    }
    Ok(())
}

fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

fn check_hash(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix("sha256:").filter(|digits| is_sha256(digits));
    digits
        .map(drop)
        .ok_or_else(|| "a hash is `sha256:` and 64 hexadecimal digits in small letters".to_owned())
}

fn is_sha256(digits: &str) -> bool {
    digits.len() == 64
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What is made of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The file itself.
    File,
    /// The file itself, and it may be executed.
    Executable,
    /// What is in the archive.
    Unpacked,
}

impl Form {
    const ALL: [Form; 3] = [Form::File, Form::Executable, Form::Unpacked];

    fn word(self) -> &'static str {
        match self {
            Form::File => "file",
            Form::Executable => "executable",
            Form::Unpacked => "unpacked",
        }
    }
}

/// One download, as the arguments of the step and its hints say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// 64 hexadecimal digits; empty where nothing is pinned, which cannot be executed.
    pub sha256: String,
    /// What is made of it.
    pub form: Form,
}

impl Fetch {
    /// Reads back what the step's arguments say; `None` for those of another step.
    pub fn read(command: &Command) -> Option<Self> {
        match command.arguments.as_slice() {
            [step, version, hash, form] if step == STEP && version == STEP_VERSION => Some(Fetch {
                sha256: hash.strip_prefix("sha256:")?.to_owned(),
                form: Form::ALL.into_iter().find(|known| known.word() == form)?,
            }),
            _ => None,
        }
    }

    fn command(&self) -> Command {
        let hash = format!("sha256:{}", self.sha256);
        let arguments = [STEP, STEP_VERSION, &hash, self.form.word()];
        Command {
            arguments: arguments.map(str::to_owned).into(),
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        }
    }
}

struct Select {
    fetch: Fetch,
    url: String,
}

impl Selector for Select {
    fn select(&self, _: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        Ok(Step {
            command: self.fetch.command(),
            input_root: Dir::default(),
            timeout: None,
            hints: Hints {
                origin: Some(self.url.clone()),
                ..Hints::default()
            },
        })
    }
}

/// The rule of `fetch`, and of toolchains that are fetched.
#[derive(Debug, Clone)]
pub struct Fetches {
    /// What is pinned.
    pub pins: Arc<Pins>,
}

impl Fetches {
    fn plan(&self, attrs: &Attrs, span: Span) -> Result<Toolchain, Box<Diagnostic>> {
        let flag = |name| {
            matches!(
                attrs.get(name),
                Some(Value {
                    data: Data::Bool(true),
                    ..
                })
            )
        };
        let form = match (flag("unpack"), flag("executable")) {
            (true, true) => {
                let message = "`executable` is for a file, and `unpack` gives what is in an archive";
                let made = Diagnostic::error(codes::FETCH, message, span, "both are set");
                return Err(Box::new(
                    made.help("leave `executable` out: an archive says it of each file"),
                ));
            }
            (true, false) => Form::Unpacked,
            (false, true) => Form::Executable,
            (false, false) => Form::File,
        };
        let (url, at) = text(attrs, "url")
            .ok_or_else(|| Box::new(Diagnostic::error(codes::FETCH, "`url` is missing", span, "here")))?;
        let sha256 = match text(attrs, "hash") {
            Some((hash, _)) => hash.trim_start_matches("sha256:").to_owned(),
            None => self.pinned(&url, at)?,
        };
        let subject = url.clone();
        Ok(Toolchain {
            identity: format!("fetch {} {sha256} {url}", form.word()),
            action: PlannedAction {
                mnemonic: "fetch",
                subject,
                inputs: Vec::new(),
                work: Work::Select(Box::new(Select {
                    fetch: Fetch { sha256, form },
                    url,
                })),
                span,
            },
        })
    }

    /// The hash that the lock has; empty where there is none and there need not be one yet.
    fn pinned(&self, url: &str, at: Span) -> Result<String, Box<Diagnostic>> {
        let Some(pinned) = self.pins.get(KIND, url, url, at)? else {
            return Ok(String::new());
        };
        let hash = pinned.get(SHA256).filter(|hash| is_sha256(hash));
        hash.cloned().ok_or_else(|| {
            let message = format!("the line of {url} in lambda.lock has no `{SHA256}` of 64 digits");
            let made = Diagnostic::error(codes::LOCK, message, at, "pinned for this").exit(Exit::Lock);
            Box::new(made.help(format!("run `lambuild lock --update {url}`")))
        })
    }
}

/// What the lock says of a download: its hash in two functions, and its size.
pub fn pin(sha256: &str, other: &str, size: u64) -> Pinned {
    Pinned::from([
        (SHA256.to_owned(), sha256.to_owned()),
        ("digest".to_owned(), other.to_owned()),
        ("size".to_owned(), size.to_string()),
    ])
}

fn text(attrs: &Attrs, name: &str) -> Option<(String, Span)> {
    match attrs.get(name) {
        Some(Value {
            data: Data::Str(text),
            span,
        }) => Some((text.to_string(), *span)),
        _ => None,
    }
}

impl Rule for Fetches {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        let planned = Fetches::plan(self, &product.attrs, product.span)?;
        Ok(planner.add_once(planned.identity, planned.action))
    }
}

impl ToolchainRule for Fetches {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, declared: Option<&Attrs>, asked: Span) -> Result<Toolchain, Box<Diagnostic>> {
        let Some(attrs) = declared else {
            let message = "a fetched toolchain has no default: it must be declared";
            let made = Diagnostic::error(codes::FETCH, message, asked, "needed here");
            return Err(Box::new(
                made.help("write `toolchain NAME = fetch { url = \"https://…\" }`"),
            ));
        };
        Fetches::plan(self, attrs, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken_and_others() {
        for good in [
            "https://example.com/a.zip",
            "https://example.com:8443/a?b=c",
            "http://127.0.0.1:1/a",
            "http://localhost/a",
            "http://[::1]:9/a",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://example.com/a",
            "http://127.0.0.1.example.com/a",
            "ftp://example.com/a",
            "example.com/a",
            "https://me:secret@example.com/a",
            "https:///a",
            "https://example.com/a b",
            "http://localhost@example.com/a",
            "",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
        assert!(
            !check_url("https://me:secret@example.com/a")
                .unwrap_err()
                .contains("secret")
        );
    }

    #[test]
    fn a_key_has_the_hash_and_no_address() {
        let fetch = Fetch {
            sha256: "ab".repeat(32),
            form: Form::Unpacked,
        };
        assert_eq!(Fetch::read(&fetch.command()), Some(fetch.clone()));
        assert_eq!(Fetch::read(&Command::default()), None);
        let text = fetch.command().arguments.join(" ");
        assert_eq!(
            text,
            format!("lambuild:fetch-url 1 sha256:{} unpacked", "ab".repeat(32))
        );
    }

    #[test]
    fn hashes_are_written_in_one_way() {
        assert_eq!(check_hash(&format!("sha256:{}", "0f".repeat(32))), Ok(()));
        for bad in [
            "",
            "sha256:",
            "0f",
            &format!("sha256:{}", "0F".repeat(32)),
            &format!("sha512:{}", "0f".repeat(32)),
        ] {
            assert!(check_hash(bad).is_err(), "{bad}");
        }
    }
}
