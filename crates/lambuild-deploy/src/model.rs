//! What is deployed, as plain values: a stage, functions, layers, zips. Knows
//! no command, and nothing of how a zip came to be.

mod read;

pub use lambuild_lang::value::Arch;
pub use read::{Declared, function_from, layer_arn, layer_from, stage_from};

use serde::Serialize;
use std::collections::BTreeMap;

/// Where a deployment goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The AWS region.
    pub region: String,
    /// The account that the credentials must belong to; unchecked when `None`.
    pub account: Option<String>,
    /// The role of functions that name none.
    pub role: Option<String>,
    /// Tags of every function.
    pub tags: BTreeMap<String, String>,
    /// Whether only what every machine can build again may be deployed.
    pub protected: bool,
    /// Whether `protected` nevertheless allows what programs of the host built.
    pub allow_host_tools: bool,
}

/// A zip that the deployment sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path relative to the script, such as `zips/checkout.zip`.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 in base64, as Lambda's `CodeSha256`.
    pub code_sha256: String,
    /// BLAKE3 in hexadecimal digits.
    pub digest: String,
    /// Whether programs of the machine that built it had a part in it, so that another one may
    /// build something else.
    pub host_tools: bool,
}

/// A function with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The target's address, such as `services/auth:login` or `:checkout`.
    pub address: String,
    /// What AWS shall know about it.
    pub settings: FunctionSettings,
    /// Its code, built for `settings.architecture`.
    pub artifact: Artifact,
}

/// The deploy attributes of a function, complete: defaults are filled in.
/// `None` means that AWS's value is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSettings {
    /// Its name in AWS.
    pub function_name: String,
    /// Such as `provided.al2023`.
    pub runtime: String,
    /// What the runtime calls.
    pub handler: String,
    /// ARN of the role; may hold `${NAME}` for the shell.
    pub role: String,
    /// What it runs on.
    pub architecture: Arch,
    /// For people.
    pub description: String,
    /// Seconds.
    pub timeout: i64,
    /// MB.
    pub memory_size: i64,
    /// MB of `/tmp`.
    pub ephemeral_storage: i64,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Its layers in order, the later over the earlier.
    pub layers: Vec<LayerUse>,
    /// `Active` or `PassThrough`.
    pub tracing_mode: String,
    /// Format and place of the logs.
    pub logging_config: Option<LoggingConfig>,
    /// Network.
    pub vpc_config: Option<VpcConfig>,
    /// ARN of the queue or topic for failed events.
    pub dead_letter_target: Option<String>,
    /// Mounted file systems.
    pub file_systems: Option<Vec<FileSystem>>,
    /// `PublishedVersions` or `None`.
    pub snap_start: Option<String>,
    /// Key that the environment is encrypted with.
    pub kms_key_arn: Option<String>,
    /// The stage's tags under the function's own.
    pub tags: BTreeMap<String, String>,
    /// Whether a version is published when something changed.
    pub publish: bool,
}

/// A layer that a function uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerUse {
    /// A layer of this deployment by its address: its content for the function's architecture.
    Local(String),
    /// A published version.
    Arn(String),
}

/// `LoggingConfig` of the API; members that are `None` are not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoggingConfig {
    /// `JSON` or `Text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// Lowest level of the function's own lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_log_level: Option<String>,
    /// Lowest level of Lambda's lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_log_level: Option<String>,
    /// Log group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group: Option<String>,
}

/// `VpcConfig` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcConfig {
    /// Subnets, sorted.
    pub subnet_ids: Vec<String>,
    /// Security groups, sorted.
    pub security_group_ids: Vec<String>,
    /// Outgoing IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

/// One of the API's `FileSystemConfigs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileSystem {
    /// ARN of the access point.
    pub arn: String,
    /// Where it is mounted.
    pub local_mount_path: String,
}

/// A layer with its content for some architectures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The target's address.
    pub address: String,
    /// What AWS shall know about it.
    pub settings: LayerSettings,
    /// What the content is for, sorted; one when it was built for one.
    pub architectures: Vec<Arch>,
    /// Its content.
    pub artifact: Artifact,
}

/// The deploy attributes of a layer, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSettings {
    /// Its name in AWS.
    pub layer_name: String,
    /// For people.
    pub description: String,
    /// Runtimes that it is made for.
    pub compatible_runtimes: Vec<String>,
    /// Licence.
    pub license_info: Option<String>,
    /// Whether it holds data that no runtime looks for.
    pub data: bool,
}
