//! Tables like those of the rules, small enough to read.

use crate::evaluation::Schemas;
use crate::schema::{Attribute, Schema, Type};

pub(super) const SCHEMAS: Schemas<'static> = Schemas {
    function: &FUNCTION,
    layer: &LAYER,
    stage: &STAGE,
    builders: &[&GO, &FILES, &SCRIPT],
    toolchains: &[&GO_TOOLCHAIN, &FILES_TOOLCHAIN],
};

const TEXT: Type = Type::Str { min: 1, max: 64 };
const ANY_KEY: fn(&str) -> Result<(), String> = |_| Ok(());

fn role(text: &str) -> Result<(), String> {
    if text.starts_with("arn:") {
        Ok(())
    } else {
        Err("a role is an ARN".to_owned())
    }
}

fn variable(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(fits) {
        Ok(())
    } else {
        Err("only letters, digits and `_`".to_owned())
    }
}

static TRACING: Schema = Schema {
    name: "tracing_config",
    doc: "Tracing.",
    attributes: &[Attribute::new("mode", Type::OneOf(&["Active", "PassThrough"]), "the mode").required()],
};

static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[
        Attribute::new("function_name", TEXT, "its name"),
        Attribute::new(
            "runtime",
            Type::OneOf(&["provided.al2023", "python3.13", "nodejs22.x"]),
            "its runtime",
        )
        .required(),
        Attribute::new("handler", TEXT, "its entry point"),
        Attribute::new(
            "level",
            Type::Advised {
                check: |text| match text.len() {
                    0 => Err("it is empty".to_owned()),
                    _ => Ok(()),
                },
                advice: |text| (text != "INFO").then(|| format!("{text:?} is new")),
                known: &["INFO"],
            },
            "how much it logs",
        ),
        Attribute::new("role", Type::Checked(role), "its role"),
        Attribute::new("memory_size", Type::Int { min: 128, max: 10240 }, "in MB"),
        Attribute::new("timeout", Type::Int { min: 1, max: 900 }, "in seconds"),
        Attribute::new("publish", Type::Bool, "publishes a version"),
        Attribute::new(
            "architecture",
            Type::OneOf(&["arm64", "x86_64"]),
            "what it runs on",
        ),
        Attribute::new(
            "layers",
            Type::List {
                item: &Type::Layer,
                max: 5,
            },
            "layers, in order",
        ),
        Attribute::new(
            "environment",
            Type::Map {
                key: variable,
                value: &Type::Either(&[Type::Str { min: 0, max: 4096 }, Type::Any]),
            },
            "variables",
        ),
        Attribute::new("tracing_config", Type::Set(&TRACING), "tracing"),
        Attribute::new(
            "tags",
            Type::Map {
                key: ANY_KEY,
                value: &Type::Str { min: 0, max: 256 },
            },
            "tags",
        ),
    ],
};

static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[
        Attribute::new("layer_name", TEXT, "its name"),
        Attribute::new("description", Type::Str { min: 0, max: 256 }, "a description"),
        Attribute::new("data", Type::Bool, "holds data that functions open by path"),
        Attribute::new(
            "compatible_runtimes",
            Type::List { item: &TEXT, max: 15 },
            "what it is made for",
        ),
        Attribute::new(
            "arn",
            Type::Either(&[
                TEXT,
                Type::Map {
                    key: ANY_KEY,
                    value: &TEXT,
                },
            ]),
            "a layer of someone else",
        ),
    ],
};

static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[
        Attribute::new("region", TEXT, "its region").required(),
        Attribute::new("account", TEXT, "its account"),
        Attribute::new("role", Type::Checked(role), "the default role"),
        Attribute::new("protected", Type::Bool, "asks before it deploys"),
        Attribute::new("vars", Type::Any, "values of your own"),
        Attribute::new("defaults", Type::Any, "deploy attributes"),
        Attribute::new("overrides", Type::Any, "deploy attributes of some targets"),
    ],
};

static GO: Schema = Schema {
    name: "go",
    doc: "A Go program.",
    attributes: &[
        Attribute::new(
            "main",
            Type::Either(&[Type::Path, TEXT]),
            "the folder of a main package, or with `module` an import path",
        )
        .required(),
        Attribute::new("module", Type::Path, "the folder of a module"),
        Attribute::new(
            "tags",
            Type::List {
                item: &TEXT,
                max: 100,
            },
            "build tags",
        ),
        Attribute::new("ldflags", Type::Str { min: 0, max: 4096 }, "linker flags"),
        Attribute::new(
            "inputs",
            Type::Map {
                key: ANY_KEY,
                value: &Type::Content,
            },
            "more content",
        ),
        Attribute::new("toolchain", Type::Toolchain, "the compiler"),
    ],
};

static FILES: Schema = Schema {
    name: "files",
    doc: "Files as they are.",
    attributes: &[Attribute::new(
        "content",
        Type::Map {
            key: ANY_KEY,
            value: &Type::Content,
        },
        "what is where",
    )
    .required()],
};

static SCRIPT: Schema = Schema {
    name: "script",
    doc: "Something that takes content in its text.",
    attributes: &[
        Attribute::new("run", Type::Template, "what is run"),
        Attribute::new("text", Type::Template, "another text"),
    ],
};

static GO_TOOLCHAIN: Schema = Schema {
    name: "go",
    doc: "The Go toolchain.",
    attributes: &[Attribute::new("version", TEXT, "its version").required()],
};

static FILES_TOOLCHAIN: Schema = Schema {
    name: "archive",
    doc: "A toolchain without attributes.",
    attributes: &[],
};
