//! Which deploy attributes functions, layers and stages have. Knows no values:
//! the language checks them by these tables.
//!
//! Names, enums and ranges are those of the Lambda API (2015-03-31) in snake
//! case; where the guide's quotas are narrower than the service model
//! (`timeout`, `memory_size`), the guide's. Attributes with a default are
//! always sent, so that taking one out of the file restores the default;
//! those without are left as they are in AWS when the file does not say.
//! [`api`] compares all of this with the service model.

pub mod api;
pub mod environment;
pub mod names;
pub mod runtime;

use lambuild_lang::schema::{Attribute, Schema, Type};
use names::plain;

/// Seconds; the guide's quota, since the service model has no upper end.
pub const TIMEOUT: (i64, i64) = (1, 900);
/// MB; the guide's quota. The service model allows more, for managed instances.
pub const MEMORY_SIZE: (i64, i64) = (128, 10_240);
/// MB of `/tmp`.
pub const EPHEMERAL_STORAGE: (i64, i64) = (512, 10_240);
/// Layers of one function; the guide's quota.
pub const LAYERS_MAX: usize = 5;
/// Characters of a description in AWS.
pub const DESCRIPTION_MAX: usize = 256;
/// Tags of one function; the service's quota.
pub const TAGS_MAX: usize = 50;

const TEXT: Type = Type::Checked(plain);
const ARN: Type = Type::Checked(names::arn);
const RUNTIME: Type = Type::Advised {
    check: runtime::check,
    advice: runtime::advice,
    known: &runtime::KNOWN,
};
const ARCHITECTURE: Type = Type::OneOf(&["arm64", "x86_64"]);

/// The attributes of `function` beside `build` and `architectures`.
pub static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A Lambda function.",
    attributes: &[
        Attribute::new(
            "function_name",
            Type::Checked(names::function),
            "Name in AWS: 1 to 64 letters, digits, `-` and `_`.",
        )
        .default("the workspace's pattern, else the target's name"),
        Attribute::new(
            "runtime",
            RUNTIME,
            "What starts the function, such as `provided.al2023`. Needed.",
        ),
        Attribute::new(
            "handler",
            Type::Checked(names::handler),
            "What the runtime calls: at most 128 characters, no blanks.",
        )
        .default("\"bootstrap\" for `provided.*`"),
        Attribute::new(
            "role",
            Type::Checked(names::role),
            "ARN of the role it runs with; `${NAME}` is filled in by the deploying shell.",
        )
        .default("the stage's `role`"),
        Attribute::new("architecture", ARCHITECTURE, "What it runs on.").default("the first that is built"),
        Attribute::new(
            "description",
            Type::Checked(names::description),
            "At most 256 characters.",
        )
        .default("\"\""),
        Attribute::new(
            "timeout",
            Type::Int {
                min: TIMEOUT.0,
                max: TIMEOUT.1,
            },
            "Seconds that one call may take: 1 to 900.",
        )
        .default("3"),
        Attribute::new(
            "memory_size",
            Type::Int {
                min: MEMORY_SIZE.0,
                max: MEMORY_SIZE.1,
            },
            "Memory in MB, and with it the share of processors: 128 to 10240.",
        )
        .default("128"),
        Attribute::new("ephemeral_storage", Type::Set(&EPHEMERAL), "Size of `/tmp`.")
            .default("{ size = 512 }"),
        Attribute::new(
            "environment",
            Type::Map {
                key: environment::name,
                value: &TEXT,
            },
            "Environment variables: at most 4 KB together.",
        )
        .default("{}"),
        Attribute::new(
            "layers",
            Type::List {
                item: &Type::Layer,
                max: LAYERS_MAX,
            },
            "At most 5 layers, the later over the earlier.",
        )
        .default("[]"),
        Attribute::new("tracing_config", Type::Set(&TRACING), "Tracing by X-Ray.")
            .default("{ mode = \"PassThrough\" }"),
        Attribute::new(
            "logging_config",
            Type::Set(&LOGGING),
            "Format and place of the logs.",
        ),
        Attribute::new(
            "vpc_config",
            Type::Set(&VPC),
            "Network that it runs in; empty lists take it out again.",
        ),
        Attribute::new(
            "dead_letter_config",
            Type::Set(&DEAD_LETTER),
            "Where events go that failed.",
        ),
        Attribute::new(
            "file_system_configs",
            Type::List {
                item: &Type::Set(&FILE_SYSTEM),
                max: 1,
            },
            "A file system to mount.",
        ),
        Attribute::new(
            "snap_start",
            Type::Set(&SNAP_START),
            "Snapshots of started functions, for the runtimes that can.",
        ),
        Attribute::new(
            "kms_key_arn",
            ARN,
            "Key that the environment is encrypted with, instead of Lambda's own.",
        ),
        Attribute::new(
            "tags",
            Type::Map {
                key: names::tag_key,
                value: &Type::Checked(names::tag_value),
            },
            "At most 50 tags; added and changed, never removed.",
        ),
        Attribute::new(
            "publish",
            Type::Bool,
            "Publish a version whenever something changed.",
        )
        .default("false"),
    ],
};

static EPHEMERAL: Schema = Schema {
    name: "ephemeral_storage",
    doc: "Size of `/tmp`.",
    attributes: &[Attribute::new(
        "size",
        Type::Int {
            min: EPHEMERAL_STORAGE.0,
            max: EPHEMERAL_STORAGE.1,
        },
        "MB: 512 to 10240.",
    )
    .required()],
};

static TRACING: Schema = Schema {
    name: "tracing_config",
    doc: "Tracing by X-Ray.",
    attributes: &[Attribute::new(
        "mode",
        Type::OneOf(&["Active", "PassThrough"]),
        "Trace calls, or only those that are traced already.",
    )
    .required()],
};

static LOGGING: Schema = Schema {
    name: "logging_config",
    doc: "Format and place of the logs.",
    attributes: &[
        Attribute::new(
            "log_format",
            Type::OneOf(&["JSON", "Text"]),
            "Format of the lines.",
        ),
        Attribute::new(
            "application_log_level",
            Type::OneOf(&["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
            "Lowest level that is kept; needs `log_format = \"JSON\"`.",
        ),
        Attribute::new(
            "system_log_level",
            Type::OneOf(&["DEBUG", "INFO", "WARN"]),
            "The same for Lambda's own lines.",
        ),
        Attribute::new(
            "log_group",
            Type::Checked(names::log_group),
            "Log group, instead of `/aws/lambda/NAME`.",
        ),
    ],
};

static VPC: Schema = Schema {
    name: "vpc_config",
    doc: "Network that the function runs in.",
    attributes: &[
        Attribute::new(
            "subnet_ids",
            Type::List {
                item: &Type::Checked(names::subnet),
                max: 16,
            },
            "At most 16 subnets.",
        )
        .required(),
        Attribute::new(
            "security_group_ids",
            Type::List {
                item: &Type::Checked(names::security_group),
                max: 5,
            },
            "At most 5 security groups.",
        )
        .required(),
        Attribute::new(
            "ipv6_allowed_for_dual_stack",
            Type::Bool,
            "Outgoing IPv6 in subnets that have both.",
        ),
    ],
};

static DEAD_LETTER: Schema = Schema {
    name: "dead_letter_config",
    doc: "Where events go that failed.",
    attributes: &[Attribute::new("target_arn", ARN, "ARN of a queue or topic.").required()],
};

static FILE_SYSTEM: Schema = Schema {
    name: "file_system_configs",
    doc: "A file system to mount.",
    attributes: &[
        Attribute::new(
            "arn",
            Type::Checked(names::access_point),
            "ARN of the access point.",
        )
        .required(),
        Attribute::new(
            "local_mount_path",
            Type::Checked(names::mount_path),
            "Where: `/mnt/` and a name.",
        )
        .required(),
    ],
};

static SNAP_START: Schema = Schema {
    name: "snap_start",
    doc: "Snapshots of started functions.",
    attributes: &[Attribute::new(
        "apply_on",
        Type::OneOf(&["PublishedVersions", "None"]),
        "When they are taken.",
    )
    .required()],
};

/// The attributes of `layer` beside `build`, `content` and `architectures`.
pub static LAYER: Schema = Schema {
    name: "layer",
    doc: "A Lambda layer: files below `/opt` that functions share.",
    attributes: &[
        Attribute::new(
            "layer_name",
            Type::Checked(names::layer),
            "Name in AWS: 1 to 140 letters, digits, `-` and `_`.",
        )
        .default("the workspace's pattern, else the target's name"),
        Attribute::new(
            "description",
            Type::Checked(names::layer_description),
            "At most 228 characters: the rest of AWS's 256 marks the content.",
        )
        .default("\"\""),
        Attribute::new(
            "compatible_runtimes",
            Type::List {
                item: &RUNTIME,
                max: 15,
            },
            "At most 15 runtimes that it is made for.",
        )
        .default("[]"),
        Attribute::new(
            "license_info",
            Type::Checked(names::license),
            "SPDX name, address or text of the licence: at most 512 characters.",
        ),
        Attribute::new(
            "data",
            Type::Bool,
            "It holds data that functions open by path: no warning that no runtime looks there.",
        )
        .default("false"),
        Attribute::new(
            "arn",
            Type::Either(&[Type::Checked(names::layer_version), Type::Set(&LAYER_ARNS)]),
            "A published layer version instead of content: one ARN, or one for each architecture.",
        ),
    ],
};

static LAYER_ARNS: Schema = Schema {
    name: "arn",
    doc: "A published layer version for each architecture.",
    attributes: &[
        Attribute::new(
            "arm64",
            Type::Checked(names::layer_version),
            "ARN of a version for arm64.",
        ),
        Attribute::new(
            "x86_64",
            Type::Checked(names::layer_version),
            "ARN of a version for x86_64.",
        ),
    ],
};

/// The attributes of `stage`.
pub static STAGE: Schema = Schema {
    name: "stage",
    doc: "A place to deploy to: region, account, role and what differs there.",
    attributes: &[
        Attribute::new(
            "region",
            Type::Checked(names::region),
            "AWS region, such as `eu-west-1`.",
        )
        .required(),
        Attribute::new(
            "account",
            Type::Checked(names::account),
            "Account number; the deployment stops when the credentials are another's.",
        ),
        Attribute::new(
            "role",
            Type::Checked(names::role),
            "Role of functions that name none.",
        ),
        Attribute::new(
            "bucket",
            Type::Checked(names::bucket),
            "Bucket for zips over 50 MB. Kept for a later version.",
        ),
        Attribute::new("prefix", TEXT, "Where in the bucket. Kept for a later version."),
        Attribute::new(
            "alias",
            Type::Checked(names::alias),
            "Alias to point at new versions. Kept for a later version.",
        ),
        Attribute::new(
            "protected",
            Type::Bool,
            "Takes only what every machine can build again.",
        )
        .default("false"),
        Attribute::new(
            "allow_host_tools",
            Type::Bool,
            "Though protected, takes what programs of the host built.",
        )
        .default("false"),
        Attribute::new(
            "tags",
            Type::Map {
                key: names::tag_key,
                value: &Type::Checked(names::tag_value),
            },
            "Tags of every function.",
        )
        .default("{}"),
        Attribute::new(
            "vars",
            Type::Any,
            "Values of your own, read as `stage.vars.NAME`.",
        )
        .default("{}"),
        Attribute::new(
            "defaults",
            Type::Any,
            "Deploy attributes that take the place of the declarations'.",
        ),
        Attribute::new(
            "overrides",
            Type::Any,
            "A list of `{ targets = \"pattern\", set = { … } }`.",
        ),
    ],
};
