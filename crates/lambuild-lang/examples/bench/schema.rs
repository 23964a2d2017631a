//! The tables that the measured workspace is checked against: small, of the program's kind.

use lambuild_lang::Schemas;
use lambuild_lang::schema::{Attribute, Schema, Type};

const TEXT: Type = Type::Str { min: 0, max: 1000 };
const MAP: Type = Type::Map {
    key: |_| Ok(()),
    value: &TEXT,
};

static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[
        Attribute::new("function_name", TEXT, ""),
        Attribute::new("runtime", TEXT, ""),
        Attribute::new("handler", TEXT, ""),
        Attribute::new("role", TEXT, ""),
        Attribute::new("architecture", TEXT, ""),
        Attribute::new("description", TEXT, ""),
        Attribute::new("timeout", Type::Int { min: 1, max: 900 }, ""),
        Attribute::new(
            "memory_size",
            Type::Int {
                min: 128,
                max: 10_240,
            },
            "",
        ),
        Attribute::new("environment", MAP, ""),
        Attribute::new("tags", MAP, ""),
        Attribute::new(
            "layers",
            Type::List {
                item: &Type::Layer,
                max: 5,
            },
            "",
        ),
    ],
};
static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[Attribute::new("layer_name", TEXT, "")],
};
static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[
        Attribute::new("region", TEXT, ""),
        Attribute::new("role", TEXT, ""),
        Attribute::new("vars", Type::Any, ""),
        Attribute::new("overrides", Type::Any, ""),
    ],
};
static GO: Schema = Schema {
    name: "go",
    doc: "A Go program.",
    attributes: &[
        Attribute::new("main", Type::Path, ""),
        Attribute::new(
            "tags",
            Type::List {
                item: &TEXT,
                max: 100,
            },
            "",
        ),
        Attribute::new(
            "ldflags",
            Type::List {
                item: &TEXT,
                max: 100,
            },
            "",
        ),
    ],
};
static FILES: Schema = Schema {
    name: "files",
    doc: "Files.",
    attributes: &[Attribute::new(
        "content",
        Type::Map {
            key: |_| Ok(()),
            value: &Type::Content,
        },
        "",
    )],
};
static TOOLCHAIN: Schema = Schema {
    name: "go",
    doc: "Go.",
    attributes: &[Attribute::new("version", TEXT, "")],
};

pub const SCHEMAS: Schemas<'static> = Schemas {
    function: &FUNCTION,
    layer: &LAYER,
    stage: &STAGE,
    builders: &[&GO, &FILES],
    toolchains: &[&TOOLCHAIN],
};
