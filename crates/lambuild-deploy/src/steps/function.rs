//! The calls that look at, create and change a function.

use super::layer;
use crate::command::{Command, json};
use crate::model::{Function, FunctionSettings, LayerUse, LoggingConfig, VpcConfig};
use crate::query::{Conditions, literal, string, strings};
use crate::word::Word;
use serde_json::json as object;

/// Every call that a function may need.
#[derive(Debug)]
pub(crate) struct Steps {
    /// Asks for the state, the code's hash, the architecture and whether the configuration is as wanted.
    pub look: Command,
    pub wait_active: Command,
    pub wait_updated: Command,
    pub create: Command,
    pub code: Command,
    pub configuration: Command,
    pub tags: Option<Tags>,
    pub publish: Option<Publish>,
}

/// The calls of a function that has tags.
#[derive(Debug)]
pub(crate) struct Tags {
    /// Asks for the ARN and whether the tags are as wanted.
    pub look: Command,
    /// Uses the variable `arn`.
    pub put: Command,
}

/// The calls of a function whose versions are published.
#[derive(Debug)]
pub(crate) struct Publish {
    /// Asks for the hash of the newest version's code.
    pub look: Command,
    pub publish: Command,
}

impl Steps {
    pub fn new(function: &Function) -> Self {
        let settings = &function.settings;
        let name = settings.function_name.as_str();
        Steps {
            look: look(settings),
            wait_active: Command::wait("function-active-v2", name),
            wait_updated: Command::wait("function-updated-v2", name),
            create: create(function),
            code: code(function),
            configuration: with_configuration(update(name, "update-function-configuration"), settings),
            tags: (!settings.tags.is_empty()).then(|| tags(settings)),
            publish: settings.publish.then(|| publish(function)),
        }
    }

    /// All of them, in the order of the script.
    pub fn all(&self) -> Vec<&Command> {
        let mut all = vec![
            &self.look,
            &self.wait_active,
            &self.wait_updated,
            &self.create,
            &self.code,
            &self.configuration,
        ];
        all.extend(self.tags.iter().flat_map(|tags| [&tags.look, &tags.put]));
        all.extend(
            self.publish
                .iter()
                .flat_map(|publish| [&publish.look, &publish.publish]),
        );
        all
    }
}

/// What the answer to `look` says of the code: hash and architecture.
pub(crate) fn code_state(function: &Function) -> String {
    format!(
        "{} {}",
        function.artifact.code_sha256, function.settings.architecture
    )
}

/// The answer is five words: state, state of the last update, hash,
/// architecture, and `true` where the configuration is as wanted.
fn look(settings: &FunctionSettings) -> Command {
    let query = Word::from(
        "join(`\" \"`, [State || `\"Active\"`, LastUpdateStatus || `\"Successful\"`, CodeSha256, \
         Architectures[0] || `\"x86_64\"`, to_string(\n    ",
    );
    Command::new("lambda", "get-function-configuration")
        .option("--function-name", settings.function_name.as_str())
        .option("--query", query.then(wanted(settings).all()).text(")])"))
        .option("--output", "text")
}

/// The configuration as conditions on the API's answer, which leaves out what is empty.
fn wanted(settings: &FunctionSettings) -> Conditions {
    let always = Conditions::default()
        .equal("Runtime", &settings.runtime)
        .equal("Handler", &settings.handler)
        .holds("Role", string(&Word::with_placeholders(&settings.role)))
        .equal_or("Description", &"", &settings.description)
        .equal("Timeout", &settings.timeout)
        .equal("MemorySize", &settings.memory_size)
        .equal_or("EphemeralStorage.Size", &512, &settings.ephemeral_storage)
        .equal_or("Environment.Variables", &object!({}), &settings.environment)
        .holds(
            &format!("(Layers[].Arn || {})", literal(&object!([]))),
            strings(&layers(settings)),
        )
        .equal_or("TracingConfig.Mode", &"PassThrough", &settings.tracing_mode);
    where_given(always, settings)
}

/// Conditions on what is compared only where the file says something.
fn where_given(all: Conditions, settings: &FunctionSettings) -> Conditions {
    let mut all = settings.logging_config.iter().fold(all, logging);
    all = settings.vpc_config.iter().fold(all, network);
    if let Some(systems) = &settings.file_systems {
        let pairs: Vec<_> = systems
            .iter()
            .map(|system| (&system.arn, &system.local_mount_path))
            .collect();
        all = all.equal_or("FileSystemConfigs[].[Arn, LocalMountPath]", &object!([]), &pairs);
    }
    [
        ("DeadLetterConfig.TargetArn", "", &settings.dead_letter_target),
        ("SnapStart.ApplyOn", "None", &settings.snap_start),
        ("KMSKeyArn", "", &settings.kms_key_arn),
    ]
    .into_iter()
    .filter_map(|(place, absent, value)| Some((place, absent, value.as_ref()?)))
    .fold(all, |all, (place, absent, value)| {
        all.equal_or(place, &absent, value)
    })
}

fn logging(all: Conditions, logging: &LoggingConfig) -> Conditions {
    [
        ("LoggingConfig.LogFormat", &logging.log_format),
        (
            "LoggingConfig.ApplicationLogLevel",
            &logging.application_log_level,
        ),
        ("LoggingConfig.SystemLogLevel", &logging.system_log_level),
        ("LoggingConfig.LogGroup", &logging.log_group),
    ]
    .into_iter()
    .filter_map(|(place, value)| Some((place, value.as_ref()?)))
    .fold(all, |all, (place, value)| all.equal(place, value))
}

fn network(all: Conditions, vpc: &VpcConfig) -> Conditions {
    let all = all
        .equal("sort(VpcConfig.SubnetIds || `[]`)", &vpc.subnet_ids)
        .equal(
            "sort(VpcConfig.SecurityGroupIds || `[]`)",
            &vpc.security_group_ids,
        );
    let place = "VpcConfig.Ipv6AllowedForDualStack";
    vpc.ipv6_allowed_for_dual_stack
        .iter()
        .fold(all, |all, ipv6| all.equal_or(place, &false, ipv6))
}

fn create(function: &Function) -> Command {
    let settings = &function.settings;
    let command = Command::new("lambda", "create-function")
        .option("--function-name", settings.function_name.as_str())
        .option("--zip-file", zip(&function.artifact.file))
        .option("--architectures", settings.architecture.name());
    let command = with_configuration(command, settings);
    if settings.tags.is_empty() {
        command
    } else {
        command.json("--tags", &settings.tags)
    }
}

fn code(function: &Function) -> Command {
    update(&function.settings.function_name, "update-function-code")
        .option("--zip-file", zip(&function.artifact.file))
        .option("--architectures", function.settings.architecture.name())
}

fn update(name: &str, operation: &str) -> Command {
    Command::new("lambda", operation).option("--function-name", name)
}

/// A file that the CLI reads as bytes, relative to where the script lies.
pub(super) fn zip(file: &str) -> String {
    format!("fileb://{file}")
}

/// The options that creating and updating share.
fn with_configuration(command: Command, settings: &FunctionSettings) -> Command {
    let command = command
        .option("--runtime", settings.runtime.as_str())
        .text("--handler", "Handler", &settings.handler)
        .option("--role", Word::with_placeholders(&settings.role))
        .text("--description", "Description", &settings.description)
        .option("--timeout", settings.timeout.to_string())
        .option("--memory-size", settings.memory_size.to_string())
        .json(
            "--ephemeral-storage",
            &object!({ "Size": settings.ephemeral_storage }),
        )
        .json("--environment", &object!({ "Variables": settings.environment }))
        .list("--layers", layers(settings))
        .json("--tracing-config", &object!({ "Mode": settings.tracing_mode }));
    optional(settings)
        .into_iter()
        .fold(command, |command, (flag, value)| match value {
            Some(value) => command.option(flag, value),
            None => command,
        })
}

/// Options that are sent only where the file says something.
fn optional(settings: &FunctionSettings) -> [(&'static str, Option<String>); 6] {
    let dead_letter = settings
        .dead_letter_target
        .as_ref()
        .map(|arn| object!({ "TargetArn": arn }));
    let snap_start = settings.snap_start.as_ref().map(|on| object!({ "ApplyOn": on }));
    [
        ("--logging-config", settings.logging_config.as_ref().map(json)),
        ("--vpc-config", settings.vpc_config.as_ref().map(json)),
        ("--dead-letter-config", dead_letter.as_ref().map(json)),
        ("--file-system-configs", settings.file_systems.as_ref().map(json)),
        ("--snap-start", snap_start.as_ref().map(json)),
        ("--kms-key-arn", settings.kms_key_arn.clone()),
    ]
}

/// ARNs of the layers, those of this deployment as variables.
fn layers(settings: &FunctionSettings) -> Vec<Word> {
    settings
        .layers
        .iter()
        .map(|used| match used {
            LayerUse::Local(address) => Word::variable(layer::variable(address, settings.architecture)),
            LayerUse::Arn(arn) => arn.as_str().into(),
        })
        .collect()
}

fn tags(settings: &FunctionSettings) -> Tags {
    let wanted = settings
        .tags
        .iter()
        .fold(Conditions::default(), |all, (key, value)| {
            all.equal(&format!("Tags.{}", json(key)), value)
        });
    let query = Word::from("join(`\" \"`, [Configuration.FunctionArn, to_string(\n    ")
        .then(wanted.all())
        .text(")])");
    Tags {
        look: Command::new("lambda", "get-function")
            .option("--function-name", settings.function_name.as_str())
            .option("--query", query)
            .option("--output", "text"),
        put: Command::new("lambda", "tag-resource")
            .option("--resource", Word::variable("arn"))
            .json("--tags", &settings.tags),
    }
}

/// The hash of the newest version is asked for, since a run that was
/// interrupted before it published must be made up for.
fn publish(function: &Function) -> Publish {
    let name = function.settings.function_name.as_str();
    Publish {
        look: Command::new("lambda", "list-versions-by-function")
            .option("--function-name", name)
            .option(
                "--query",
                "max_by(Versions[?Version != `\"$LATEST\"`], &to_number(Version)).CodeSha256",
            )
            .option("--output", "json"),
        publish: Command::new("lambda", "publish-version")
            .option("--function-name", name)
            .option("--code-sha256", function.artifact.code_sha256.as_str()),
    }
}

#[cfg(test)]
mod tests;
