//! The calls that find and publish a layer, and how its content is recognised.
//!
//! Publishing makes a new version even of equal bytes, and a list of versions
//! shows no hashes: so the description of each version ends in a mark made of
//! everything that was published.

use super::function::zip;
use crate::command::{Command, json};
use crate::model::{Arch, Layer};
use crate::query::literal;
use crate::word::Word;
use lambuild_digest::DigestFunction;

/// Characters of ` [lambuild 0123456789abcdef]`, taken from the description's 256.
pub(crate) const MARKER_LENGTH: usize = 28;

/// Every call that a layer may need.
#[derive(Debug)]
pub(crate) struct Steps {
    /// Asks for the ARN of the version with our mark.
    pub find: Command,
    /// Asks for the hash of that version's content; uses the variable `version`.
    pub confirm: Command,
    /// Answers with the new version's ARN.
    pub publish: Command,
}

impl Steps {
    pub fn new(layer: &Layer) -> Self {
        Steps {
            find: find(layer),
            confirm: confirm(layer),
            publish: publish(layer),
        }
    }

    /// All of them, in the order of the script.
    pub fn all(&self) -> Vec<&Command> {
        vec![&self.find, &self.confirm, &self.publish]
    }
}

/// `[lambuild 0123456789abcdef]`: a hash of the content's hash and of what else is published.
pub(crate) fn marker(layer: &Layer) -> String {
    let settings = &layer.settings;
    let published = json(&(
        &layer.artifact.code_sha256,
        &settings.description,
        &settings.compatible_runtimes,
        &settings.license_info,
        architectures(layer),
    ));
    let hash = DigestFunction::Blake3.digest(published.as_bytes()).hex();
    format!("[lambuild {}]", hash.get(..16).unwrap_or_default())
}

/// The shell variable with the layer's ARN for an architecture: different for
/// different layers, whatever their addresses look like.
pub(crate) fn variable(address: &str, architecture: Arch) -> String {
    let name = address.strip_prefix(':').unwrap_or(address);
    let letters = name.bytes().map(|byte| match byte {
        b'_' => "__".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("_{byte:02x}"),
    });
    format!("layer_{}_{architecture}", letters.collect::<String>())
}

fn find(layer: &Layer) -> Command {
    let query = format!(
        "LayerVersions[?ends_with(Description || {}, {})].LayerVersionArn | [0]",
        literal(&""),
        literal(&marker(layer)),
    );
    Command::new("lambda", "list-layer-versions")
        .option("--layer-name", layer.settings.layer_name.as_str())
        .option("--query", query)
        .option("--output", "json")
}

fn confirm(layer: &Layer) -> Command {
    Command::new("lambda", "get-layer-version")
        .option("--layer-name", layer.settings.layer_name.as_str())
        .option("--version-number", Word::variable("version"))
        .option("--query", "Content.CodeSha256")
        .option("--output", "text")
}

fn publish(layer: &Layer) -> Command {
    let settings = &layer.settings;
    let description = format!("{} {}", settings.description, marker(layer));
    let mut command = Command::new("lambda", "publish-layer-version")
        .option("--layer-name", settings.layer_name.as_str())
        .option("--zip-file", zip(&layer.artifact.file))
        .text("--description", "Description", description.trim_start())
        .list(
            "--compatible-architectures",
            architectures(layer).into_iter().map(Word::from).collect(),
        );
    if !settings.compatible_runtimes.is_empty() {
        let runtimes = settings
            .compatible_runtimes
            .iter()
            .map(|runtime| runtime.as_str().into());
        command = command.list("--compatible-runtimes", runtimes.collect());
    }
    if let Some(license) = &settings.license_info {
        command = command.text("--license-info", "LicenseInfo", license);
    }
    command
        .option("--query", "LayerVersionArn")
        .option("--output", "text")
}

fn architectures(layer: &Layer) -> Vec<&'static str> {
    layer.architectures.iter().map(|arch| arch.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Two layers never share a variable, and each is a name for the shell.
        #[test]
        fn variables_differ_as_addresses_do(a in "[a-z/_-]{0,3}:[a-z._0-9-]{1,4}", b in "[a-z/_-]{0,3}:[a-z._0-9-]{1,4}") {
            let variables = [&a, &b].map(|address| variable(address, Arch::Arm64));
            prop_assert_eq!(variables[0] == variables[1], a == b);
            prop_assert!(variables[0].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        }
    }

    #[test]
    fn a_plain_name_stays_readable() {
        assert_eq!(variable(":certs", Arch::X86_64), "layer_certs_x86_64");
        assert_eq!(
            variable("ops/tls:ca-certs", Arch::Arm64),
            "layer_ops_2ftls_3aca_2dcerts_arm64"
        );
    }
}
