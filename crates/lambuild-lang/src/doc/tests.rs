use super::{Entry, EntryKind, Found, attributes, describe, entries, find, json_schema, type_schema};
use crate::declare::build_attributes;
use crate::evaluation::Schemas;
use crate::schema::{Attribute, Schema, Type};
use crate::target::TargetKind;
use serde_json::json;

static INNER: Schema = Schema {
    name: "log",
    doc: "Logs.",
    attributes: &[Attribute::new("level", Type::OneOf(&["INFO", "WARN"]), "Lowest level.").required()],
};
const LOGS: Type = Type::Set(&INNER);
const FORMS: Type = Type::Either(&[Type::Bool, LOGS]);
static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[
        Attribute::new("timeout", Type::Int { min: 1, max: 900 }, "Seconds.").default("3"),
        Attribute::new(
            "log",
            Type::Either(&[Type::Str { min: 1, max: 9 }, Type::Set(&INNER)]),
            "Logs.",
        ),
    ],
};
static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[Attribute::new(
        "arn",
        Type::Str {
            min: 0,
            max: usize::MAX,
        },
        "An ARN.",
    )],
};
static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[],
};
static GO: Schema = Schema {
    name: "go",
    doc: "A program.",
    attributes: &[Attribute::new("main", Type::Path, "Its folder.").required()],
};

fn known() -> Vec<Entry> {
    entries(&Schemas {
        function: &FUNCTION,
        layer: &LAYER,
        stage: &STAGE,
        builders: &[&GO],
        toolchains: &[&GO],
    })
}

#[test]
fn declarations_builders_and_toolchains_have_names_of_their_own() {
    let names: Vec<String> = known().into_iter().map(|entry| entry.name).collect();
    assert_eq!(
        names,
        [
            "workspace",
            "toolchain",
            "function",
            "layer",
            "target",
            "stage",
            "go",
            "toolchain.go"
        ]
    );
}

/// What the evaluator takes beside the tables is described beside them, too.
#[test]
fn every_attribute_of_a_target_is_described() {
    let known = known();
    for kind in [TargetKind::Function, TargetKind::Layer, TargetKind::Target] {
        for name in build_attributes(kind) {
            let name = format!("{}.{name}", kind.word());
            assert!(find(&known, &name).is_ok(), "{name}");
        }
    }
}

/// What is found under a name, as the names of its attributes.
fn below(name: &str) -> String {
    match find(&known(), name) {
        Ok(found) => {
            let names: Vec<&str> = attributes(found).iter().map(|attribute| attribute.name).collect();
            let kind = match found {
                Found::Entry(entry) if entry.kind == EntryKind::Declaration => "declares",
                Found::Entry(_) => "has",
                Found::Attribute(_) => "takes",
            };
            format!("{kind} {}", names.join(" "))
        }
        Err(message) => message,
    }
}

#[test]
fn names_lead_to_entries_attributes_and_those_of_inner_sets() {
    assert_eq!(below("function"), "declares build architectures timeout log");
    assert_eq!(below("go"), "has main");
    assert_eq!(below("toolchain.go"), "has main");
    assert_eq!(below("toolchain.go.main"), "takes ");
    assert_eq!(below("function.log"), "takes level");
    assert_eq!(below("function.log.level"), "takes ");
}

#[test]
fn unknown_names_come_with_the_nearest_known() {
    assert_eq!(
        below("functoin"),
        "there is no declaration or builder `functoin`; did you mean `function`?"
    );
    assert_eq!(below("zebra"), "there is no declaration or builder `zebra`");
    assert_eq!(
        below("function.timeuot"),
        "`function` has no attribute `timeuot`; did you mean `timeout`?"
    );
    assert_eq!(
        below("function.log.levle.x"),
        "`function.log` has no attribute `levle`; did you mean `level`?"
    );
    assert_eq!(
        below("function.timeout.x"),
        "`function.timeout` has no attribute `x`"
    );
    assert_eq!(
        below("toolchain.goo"),
        "`toolchain` has no attribute `goo`; did you mean `go`?"
    );
}

#[test]
fn types_in_words() {
    let list = Type::List {
        item: &Type::Path,
        max: 5,
    };
    assert_eq!(describe(&list), "a list of at most 5: a path");
    assert_eq!(describe(&Type::OneOf(&["a", "b", "c"])), "\"a\", \"b\" or \"c\"");
    assert_eq!(
        describe(&FORMS),
        "`true` or `false`, or a set with the attributes below"
    );
    let map = Type::Map {
        key: |_| Ok(()),
        value: &Type::Int {
            min: 0,
            max: i64::MAX,
        },
    };
    assert_eq!(describe(&map), "a set by name: an integer of at least 0");
}

#[test]
fn a_type_is_a_json_schema() {
    let list = Type::List { item: &LOGS, max: 5 };
    assert_eq!(
        type_schema(&list),
        json!({
            "type": "array",
            "items": {
                "description": "Logs.",
                "type": "object",
                "properties": {"level": {"description": "Lowest level.", "anyOf": [{"enum": ["INFO", "WARN"]}]}},
                "required": ["level"],
                "additionalProperties": false,
            },
            "maxItems": 5,
        })
    );
}

#[test]
fn the_json_schema_refers_only_to_what_it_defines() {
    let schema = json_schema(&known());
    let text = schema.to_string();
    let mut references: Vec<&str> = text
        .split("\"#/$defs/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    references.sort_unstable();
    references.dedup();
    assert_eq!(
        references,
        [
            "builder.go",
            "function",
            "layer",
            "path",
            "product",
            "reference",
            "stage",
            "target",
            "toolchain.go",
            "workspace"
        ]
    );
    for name in references {
        assert!(schema["$defs"][name].is_object(), "{name}");
    }
    let timeout = &schema["$defs"]["function"]["properties"]["timeout"];
    assert_eq!(timeout["description"], "Seconds. Default: 3.");
    assert_eq!(
        timeout["anyOf"][0],
        json!({"type": "integer", "minimum": 1, "maximum": 900})
    );
}
