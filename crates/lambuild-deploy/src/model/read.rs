//! From the attributes of a declaration, checked by the tables of
//! [`crate::schema`], to the values of the model: defaults, and the rules that
//! take two attributes to judge. Knows no AWS call.

use super::{Arch, FileSystem, FunctionSettings, LayerSettings, LayerUse, LoggingConfig, Stage, VpcConfig};
use crate::codes;
use crate::schema::{TAGS_MAX, environment, names, runtime};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Attrs, Data, TargetId, Value};
use std::collections::BTreeMap;

/// Whose attributes are read: for messages and defaults.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// The target's name, which is its name in AWS unless the attributes say otherwise.
    pub name: &'a str,
    /// Where the name stands.
    pub span: Span,
}

/// Reads a function. `architecture` is what it runs on unless the attributes
/// say; `layer` says what a reference to a layer means for an architecture.
///
/// # Errors
/// Everything that is missing or cannot be deployed.
pub fn function_from(
    attrs: &Attrs,
    declared: Declared<'_>,
    stage: &Stage,
    architecture: Arch,
    layer: &dyn Fn(TargetId, Arch) -> Option<LayerUse>,
) -> Result<FunctionSettings, Vec<Diagnostic>> {
    let mut read = Reader::new(attrs);
    let runtime = read.runtime(declared);
    let architecture = read
        .text("architecture")
        .and_then(|name| Arch::parse(&name))
        .unwrap_or(architecture);
    let settings = FunctionSettings {
        function_name: read.name("function_name", declared, names::function),
        handler: read.handler(declared, &runtime),
        runtime,
        role: read.role(declared, stage),
        architecture,
        description: read.text("description").unwrap_or_default(),
        timeout: read.int("timeout").unwrap_or(3),
        memory_size: read.int("memory_size").unwrap_or(128),
        ephemeral_storage: read
            .within("ephemeral_storage", |inner| inner.int("size"))
            .flatten()
            .unwrap_or(512),
        environment: read.environment(),
        layers: read.layers(|id| layer(id, architecture)),
        tracing_mode: read
            .within("tracing_config", |inner| inner.text("mode"))
            .flatten()
            .unwrap_or_else(|| "PassThrough".to_owned()),
        logging_config: read.within("logging_config", Reader::logging),
        vpc_config: read.within("vpc_config", Reader::vpc),
        dead_letter_target: read
            .within("dead_letter_config", |inner| inner.text("target_arn"))
            .flatten(),
        file_systems: read.file_systems(),
        snap_start: read
            .within("snap_start", |inner| inner.text("apply_on"))
            .flatten(),
        kms_key_arn: read.text("kms_key_arn"),
        tags: read.tags(&stage.tags),
        publish: read.bool("publish").unwrap_or(false),
    };
    read.finish(settings)
}

/// Reads a layer that has content.
///
/// # Errors
/// Everything that cannot be deployed.
pub fn layer_from(attrs: &Attrs, declared: Declared<'_>) -> Result<LayerSettings, Vec<Diagnostic>> {
    let mut read = Reader::new(attrs);
    let settings = LayerSettings {
        layer_name: read.name("layer_name", declared, names::layer),
        description: read.text("description").unwrap_or_default(),
        compatible_runtimes: read.texts("compatible_runtimes"),
        license_info: read.text("license_info"),
        data: read.bool("data").unwrap_or(false),
    };
    read.finish(settings)
}

/// The published version that a layer's `arn` names for an architecture;
/// `None` when it names none.
pub fn layer_arn(attrs: &Attrs, architecture: Arch) -> Option<String> {
    match &attrs.get("arn")?.data {
        Data::Str(arn) => Some(arn.to_string()),
        Data::Set(by_arch) => match &by_arch.get(architecture.name())?.data {
            Data::Str(arn) => Some(arn.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a stage.
///
/// # Errors
/// Everything that cannot be deployed to, and what this version does not do yet.
pub fn stage_from(attrs: &Attrs, declared: Declared<'_>) -> Result<Stage, Vec<Diagnostic>> {
    let mut read = Reader::new(attrs);
    ["bucket", "prefix", "alias"]
        .into_iter()
        .for_each(|key| read.later(key));
    let stage = Stage {
        name: declared.name.to_owned(),
        region: read.needed("region", declared),
        account: read.text("account"),
        role: read.text("role"),
        tags: read.tags(&BTreeMap::new()),
        protected: read.bool("protected").unwrap_or(false),
        allow_host_tools: read.bool("allow_host_tools").unwrap_or(false),
    };
    read.finish(stage)
}

/// Reads attributes one by one and gathers what is wrong.
struct Reader<'a> {
    attrs: &'a Attrs,
    wrong: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(attrs: &'a Attrs) -> Self {
        Reader {
            attrs,
            wrong: Vec::new(),
        }
    }

    fn finish<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        if self.wrong.is_empty() {
            Ok(value)
        } else {
            Err(self.wrong)
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let attrs = self.attrs;
        self.text_of(attrs.get(key)?)
    }

    fn text_of(&mut self, value: &Value) -> Option<String> {
        match &value.data {
            Data::Str(text) => self.judged(value.span, text, names::plain(text)),
            Data::Secret(_) | Data::Url(_) | Data::Arn(_) => self.known_later(value),
            _ => self.mistyped(value, "a string"),
        }
    }

    /// Refuses what the script would have to ask AWS for while it runs.
    fn known_later(&mut self, value: &Value) -> Option<String> {
        let message = format!(
            "{} cannot be deployed: the script does not fetch such values yet",
            value.data.kind()
        );
        let help = match &value.data {
            Data::Secret(_) => {
                "let the function read the secret itself when it starts, and give it only the name"
            }
            _ => "write the text itself, with `${stage.region}` and the like for what differs",
        };
        let error = Diagnostic::error(codes::LATER, message, value.span, "needed as text here");
        self.wrong.push(error.help(help));
        None
    }

    fn int(&mut self, key: &str) -> Option<i64> {
        let value = self.attrs.get(key)?;
        match value.data {
            Data::Int(number) => Some(number),
            _ => self.mistyped(value, "an integer"),
        }
    }

    fn bool(&mut self, key: &str) -> Option<bool> {
        let value = self.attrs.get(key)?;
        match value.data {
            Data::Bool(flag) => Some(flag),
            _ => self.mistyped(value, "a boolean"),
        }
    }

    fn list(&mut self, key: &str) -> Option<&'a [Value]> {
        let value = self.attrs.get(key)?;
        match &value.data {
            Data::List(items) => Some(items),
            _ => self.mistyped(value, "a list"),
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let items = self.list(key).unwrap_or_default();
        items.iter().filter_map(|item| self.text_of(item)).collect()
    }

    fn map(&mut self, key: &str) -> BTreeMap<String, String> {
        let Some(value) = self.attrs.get(key) else {
            return BTreeMap::new();
        };
        let Data::Set(entries) = &value.data else {
            return self.mistyped(value, "a set").unwrap_or_default();
        };
        let given = entries.iter().filter(|(_, attr)| attr.value.data != Data::Null);
        given
            .filter_map(|(name, attr)| Some((name.to_string(), self.text_of(&attr.value)?)))
            .collect()
    }

    /// Reads the set under `key` by `inside`.
    fn within<T>(&mut self, key: &str, inside: impl FnOnce(&mut Reader<'a>) -> T) -> Option<T> {
        let value = self.attrs.get(key)?;
        let Data::Set(inner) = &value.data else {
            return self.mistyped(value, "a set");
        };
        let mut reader = Reader::new(inner);
        let read = inside(&mut reader);
        self.wrong.append(&mut reader.wrong);
        Some(read)
    }

    fn needed(&mut self, key: &str, declared: Declared<'_>) -> String {
        if self.attrs.get(key).is_none() {
            let message = format!("`{}` has no `{key}`", declared.name);
            self.wrong.push(Diagnostic::error(
                codes::WRONG_VALUE,
                message,
                declared.span,
                "declared here",
            ));
        }
        self.text(key).unwrap_or_default()
    }

    /// The name in AWS: the attribute, else the target's own if AWS takes it.
    fn name(&mut self, key: &str, declared: Declared<'_>, check: fn(&str) -> Result<(), String>) -> String {
        if let Some(name) = self.text(key) {
            return name;
        }
        if let Err(why) = check(declared.name) {
            let error = Diagnostic::error(
                codes::WRONG_VALUE,
                why,
                declared.span,
                "its name in AWS would be this",
            )
            .help(format!("give it another name there: `{key} = \"…\"`"));
            self.wrong.push(error);
        }
        declared.name.to_owned()
    }

    fn runtime(&mut self, declared: Declared<'_>) -> String {
        if self.attrs.get("runtime").is_none() {
            let message = format!("the function `{}` has no `runtime`", declared.name);
            let error = Diagnostic::error(codes::NO_RUNTIME, message, declared.span, "declared here")
                .help("for Go, Rust and other programs: `runtime = \"provided.al2023\"`");
            self.wrong.push(error);
        }
        self.text("runtime").unwrap_or_default()
    }

    fn handler(&mut self, declared: Declared<'_>, runtime: &str) -> String {
        let given = self.text("handler");
        if given.is_none() && !runtime.is_empty() && !runtime::is_custom(runtime) {
            let message = format!("the function `{}` has no `handler`", declared.name);
            let error = Diagnostic::error(codes::NO_HANDLER, message, declared.span, "declared here")
                .note(format!("the runtime `{runtime}` must know what to call"))
                .help("name it as the runtime does, such as `handler = \"app.handler\"`");
            self.wrong.push(error);
        }
        given.unwrap_or_else(|| "bootstrap".to_owned())
    }

    fn role(&mut self, declared: Declared<'_>, stage: &Stage) -> String {
        let role = self.text("role").or_else(|| stage.role.clone());
        if role.is_none() {
            let message = format!(
                "the function `{}` has no `role` in the stage `{}`",
                declared.name, stage.name
            );
            let error = Diagnostic::error(codes::NO_ROLE, message, declared.span, "declared here")
                .help("give one for all in the stage: `role = \"arn:aws:iam::111122223333:role/NAME\"`");
            self.wrong.push(error);
        }
        role.unwrap_or_default()
    }

    fn environment(&mut self) -> BTreeMap<String, String> {
        let variables = self.map("environment");
        let size = environment::size(&variables);
        if let (true, Some(value)) = (size > environment::SIZE_MAX, self.attrs.get("environment")) {
            let message = format!(
                "the environment has {size} bytes, at most {} are allowed",
                environment::SIZE_MAX
            );
            let error = Diagnostic::error(codes::ENVIRONMENT, message, value.span, "all of it, as JSON")
                .help("put what is big into a file of the zip, or into a parameter store");
            self.wrong.push(error);
        }
        variables
    }

    fn layers(&mut self, layer: impl Fn(TargetId) -> Option<LayerUse>) -> Vec<LayerUse> {
        let items = self.list("layers").unwrap_or_default();
        items.iter().filter_map(|item| self.layer(item, &layer)).collect()
    }

    fn layer(&mut self, item: &Value, layer: &impl Fn(TargetId) -> Option<LayerUse>) -> Option<LayerUse> {
        let found = match &item.data {
            Data::Reference(id) | Data::Arn(id) => layer(*id),
            Data::Str(arn) => Some(LayerUse::Arn(arn.to_string())),
            _ => return self.mistyped(item, "a layer"),
        };
        if found.is_none() {
            let message = "the layer has nothing for the function's architecture";
            self.wrong.push(Diagnostic::error(
                codes::NO_SUCH_LAYER,
                message,
                item.span,
                "used here",
            ));
        }
        found
    }

    fn logging(&mut self) -> LoggingConfig {
        LoggingConfig {
            log_format: self.text("log_format"),
            application_log_level: self.text("application_log_level"),
            system_log_level: self.text("system_log_level"),
            log_group: self.text("log_group"),
        }
    }

    fn vpc(&mut self) -> VpcConfig {
        let mut sorted = |key| {
            let mut texts = self.texts(key);
            texts.sort();
            texts
        };
        VpcConfig {
            subnet_ids: sorted("subnet_ids"),
            security_group_ids: sorted("security_group_ids"),
            ipv6_allowed_for_dual_stack: self.bool("ipv6_allowed_for_dual_stack"),
        }
    }

    fn file_systems(&mut self) -> Option<Vec<FileSystem>> {
        let items = self.list("file_system_configs")?;
        Some(items.iter().filter_map(|item| self.file_system(item)).collect())
    }

    fn file_system(&mut self, item: &'a Value) -> Option<FileSystem> {
        let Data::Set(inner) = &item.data else {
            return self.mistyped(item, "a set");
        };
        let mut reader = Reader::new(inner);
        let (arn, path) = (reader.text("arn"), reader.text("local_mount_path"));
        self.wrong.append(&mut reader.wrong);
        Some(FileSystem {
            arn: arn?,
            local_mount_path: path?,
        })
    }

    /// The function's own tags over those of the stage.
    fn tags(&mut self, stage: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut tags = stage.clone();
        tags.extend(self.map("tags"));
        if let (true, Some(value)) = (tags.len() > TAGS_MAX, self.attrs.get("tags")) {
            let message = format!(
                "there are {} tags with those of the stage, at most {TAGS_MAX} are allowed",
                tags.len()
            );
            self.wrong.push(Diagnostic::error(
                codes::WRONG_VALUE,
                message,
                value.span,
                "given here",
            ));
        }
        tags
    }

    /// Refuses an attribute that has a name but no effect yet.
    fn later(&mut self, key: &str) {
        if let Some(value) = self.attrs.get(key) {
            let message = format!("this version of lambuild does not carry out `{key}`");
            let error = Diagnostic::error(codes::LATER, message, value.span, "given here")
                .help("leave it out: ignoring it would deploy something else than the file says");
            self.wrong.push(error);
        }
    }

    fn judged(&mut self, span: Span, text: &str, judgement: Result<(), String>) -> Option<String> {
        match judgement {
            Ok(()) => Some(text.to_owned()),
            Err(why) => {
                self.wrong
                    .push(Diagnostic::error(codes::WRONG_VALUE, why, span, "given here"));
                None
            }
        }
    }

    fn mistyped<T>(&mut self, value: &Value, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", value.data.kind());
        self.wrong.push(Diagnostic::error(
            codes::WRONG_VALUE,
            message,
            value.span,
            "given here",
        ));
        None
    }
}

#[cfg(test)]
mod tests;
