//! What an expression means once it is evaluated, for everyone downstream.
//! Knows nothing of how evaluation is done.

pub use crate::decimal::Decimal;
use crate::source::Span;
use indexmap::IndexMap;
use lambuild_digest::RelPath;
use rustc_hash::FxBuildHasher;
use std::fmt;
use std::sync::Arc;

/// An instruction set, by Lambda's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// `arm64`.
    Arm64,
    /// `x86_64`.
    X86_64,
}

impl Arch {
    /// Every architecture that Lambda has, in the order of their names.
    pub const ALL: [Arch; 2] = [Arch::Arm64, Arch::X86_64];

    /// Lambda's own name.
    pub fn name(self) -> &'static str {
        match self {
            Arch::Arm64 => "arm64",
            Arch::X86_64 => "x86_64",
        }
    }

    /// Go's name (`GOARCH`).
    pub fn go(self) -> &'static str {
        match self {
            Arch::Arm64 => "arm64",
            Arch::X86_64 => "amd64",
        }
    }

    /// The architecture of this Lambda name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.name() == name)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function, layer or target of an evaluated workspace, by its place in
/// the evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u32);

/// A declared toolchain, by its place in the evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolchainId(pub u32);

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// The expression that gave it.
    pub span: Span,
}

/// A fully evaluated value.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// An exact number with a fraction.
    Decimal(Decimal),
    /// A string without products in it.
    Str(Arc<str>),
    /// A location in the workspace; as content, the files there.
    Path(RelPath),
    /// A list.
    List(Arc<[Value]>),
    /// A set, in the order of writing.
    Set(Arc<Attrs>),
    /// `function.f`, `layer.l` or `target.t`.
    Reference(TargetId),
    /// `toolchain.t`.
    Toolchain(ToolchainId),
    /// A builder call: something to be built.
    Product(Arc<Product>),
    /// A part of something that is built.
    Part(Part),
    /// What something is when it is built for another architecture.
    At(At),
    /// A string that interpolates content, and keeps it.
    Template(Arc<[Piece]>),
    /// `layer.l.arn`: known only at deployment.
    Arn(TargetId),
    /// `function.f.url`: known only at deployment.
    Url(TargetId),
    /// `secret("…")`: fetched only when the deployment runs.
    Secret(Secret),
}

impl Data {
    /// What a user would call it: "a string", "a list" and so on.
    pub fn kind(&self) -> &'static str {
        match self {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Int(_) => "an integer",
            Data::Decimal(_) => "a decimal",
            Data::Str(_) => "a string",
            Data::Path(_) => "a path",
            Data::List(_) => "a list",
            Data::Set(_) => "a set",
            Data::Reference(_) => "a reference",
            Data::Toolchain(_) => "a toolchain",
            Data::Product(_) => "a product",
            Data::Part(_) => "a part of a product",
            Data::At(_) => "a product of another architecture",
            Data::Template(_) => "a string with content in it",
            Data::Arn(_) => "an ARN that is known at deployment",
            Data::Url(_) => "a URL that is known at deployment",
            Data::Secret(_) => "a secret",
        }
    }
}

/// One entry of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Attr {
    /// Where the key was written.
    pub key_span: Span,
    /// The value.
    pub value: Value,
}

/// The entries of a set by key, in the order of writing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attrs(pub IndexMap<Arc<str>, Attr, FxBuildHasher>);

impl Attrs {
    /// The value of `key`; `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .get(key)
            .map(|attr| &attr.value)
            .filter(|value| value.data != Data::Null)
    }

    /// The entries in the order of writing.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Attr)> {
        self.0.iter()
    }
}

/// `sub(x, "path")`: only this part is depended on.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// A [`Data::Reference`], [`Data::Product`] or [`Data::At`].
    pub of: Arc<Value>,
    /// Where in it.
    pub path: RelPath,
}

/// `at("arm64", x)`
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    /// The architecture that it is built for.
    pub arch: Arch,
    /// A [`Data::Reference`], or a [`Data::Product`] that was evaluated for `arch`.
    pub of: Arc<Value>,
    /// Whether nobody wrote `at`: it is a tool, built for the platform that runs it,
    /// whether or not that is one of its target's architectures.
    pub tool: bool,
}

/// A piece of a [`Data::Template`].
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text.
    Text(Arc<str>),
    /// A [`Data::Path`], [`Data::Reference`], [`Data::Product`], [`Data::Part`] or [`Data::At`].
    Content(Value),
}

/// Where a secret is fetched from; never what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// `ssm:NAME`: a parameter of the Systems Manager's Parameter Store, decrypted.
    Ssm(Arc<str>),
    /// `env:NAME`: an environment variable of whatever runs the deployment.
    Env(Arc<str>),
}

impl Secret {
    /// Reads `ssm:…` or `env:…`.
    ///
    /// # Errors
    /// What is wrong with the name, in words.
    pub fn parse(text: &str) -> Result<Secret, String> {
        match text.split_once(':') {
            Some(("ssm", name)) if is_parameter(name) => Ok(Secret::Ssm(name.into())),
            Some(("ssm", _)) => Err(
                "the name of a parameter is letters, digits, `.`, `-`, `_` and `/`, at most 1011 of them"
                    .to_owned(),
            ),
            Some(("env", name)) if is_variable(name) => Ok(Secret::Env(name.into())),
            Some(("env", _)) => {
                Err("the name of a variable is letters, digits and `_`, and begins with no digit".to_owned())
            }
            _ => Err("it begins with neither `ssm:` nor `env:`".to_owned()),
        }
    }
}

/// The rule of PutParameter in the Systems Manager API reference.
fn is_parameter(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    };
    name.len() <= 1011 && name.strip_prefix('/').unwrap_or(name).split('/').all(part)
}

fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    word && name.starts_with(|c: char| !c.is_ascii_digit())
}

/// A builder call with its attributes, checked against the builder's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// The builder's name, such as `go`.
    pub builder: Arc<str>,
    /// Its attributes.
    pub attrs: Attrs,
    /// The whole call.
    pub span: Span,
}
