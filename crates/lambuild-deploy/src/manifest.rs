//! `manifest.json`: what a deployment holds and which commands its script may
//! run, for programs. Knows no more than the script does.

use crate::command::Command;
use crate::deployment::Deployment;
use crate::model::{Artifact, Function, Layer};
use crate::steps::{self, function, layer};
use serde::Serialize;

/// The manifest. Members are only ever added.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// Name of the stage.
    pub stage: String,
    /// AWS region.
    pub region: String,
    /// The account that the credentials must belong to.
    pub account: Option<String>,
    /// Variables of the environment that must be set when the script runs.
    pub environment: Vec<String>,
    /// The functions, by target.
    pub functions: Vec<FunctionEntry>,
    /// The layers, by target, then architecture.
    pub layers: Vec<LayerEntry>,
    /// Commands that belong to no function and no layer.
    pub commands: Vec<Vec<String>>,
}

/// A function of the manifest.
#[derive(Debug, Clone, Serialize)]
pub struct FunctionEntry {
    /// Address of the target.
    pub target: String,
    /// Name in AWS.
    pub function_name: String,
    /// What it runs on.
    pub architecture: &'static str,
    /// What starts it.
    pub runtime: String,
    /// Its zip.
    #[serde(flatten)]
    pub zip: Zip,
    /// The arguments of every command that the script may run for it. What is
    /// known only at run time stands as `${name}`.
    pub commands: Vec<Vec<String>>,
}

/// A layer of the manifest.
#[derive(Debug, Clone, Serialize)]
pub struct LayerEntry {
    /// Address of the target.
    pub target: String,
    /// Name in AWS.
    pub layer_name: String,
    /// What its content is for.
    pub architectures: Vec<&'static str>,
    /// The variables that hold its ARN, one for each architecture.
    pub variables: Vec<String>,
    /// Its zip.
    #[serde(flatten)]
    pub zip: Zip,
    /// As with functions.
    pub commands: Vec<Vec<String>>,
}

/// A zip of the manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Zip {
    /// Path relative to the script.
    pub file: String,
    /// Size in bytes.
    pub size: u64,
    /// BLAKE3 in hexadecimal digits.
    pub blake3: String,
    /// SHA-256 in base64, as Lambda's `CodeSha256`.
    pub sha256: String,
    /// Whether programs of the machine that built it had a part in it.
    pub host_tools: bool,
}

impl Manifest {
    /// The manifest of a deployment.
    pub fn new(deployment: &Deployment) -> Self {
        let stage = deployment.stage();
        let argv = |command: &Command| argv(command, &stage.region);
        Manifest {
            stage: stage.name.clone(),
            region: stage.region.clone(),
            account: stage.account.clone(),
            environment: steps::environment(deployment).into_iter().collect(),
            functions: deployment
                .functions()
                .iter()
                .map(|function| function_entry(function, argv))
                .collect(),
            layers: deployment
                .layers()
                .iter()
                .map(|layer| layer_entry(layer, argv))
                .collect(),
            commands: stage.account.iter().map(|_| argv(&steps::account())).collect(),
        }
    }

    /// As text, with a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn function_entry(function: &Function, argv: impl Fn(&Command) -> Vec<String>) -> FunctionEntry {
    FunctionEntry {
        target: function.address.clone(),
        function_name: function.settings.function_name.clone(),
        architecture: function.settings.architecture.name(),
        runtime: function.settings.runtime.clone(),
        zip: zip(&function.artifact),
        commands: function::Steps::new(function)
            .all()
            .into_iter()
            .map(argv)
            .collect(),
    }
}

fn layer_entry(layer: &Layer, argv: impl Fn(&Command) -> Vec<String>) -> LayerEntry {
    LayerEntry {
        target: layer.address.clone(),
        layer_name: layer.settings.layer_name.clone(),
        architectures: layer.architectures.iter().map(|arch| arch.name()).collect(),
        variables: layer
            .architectures
            .iter()
            .map(|arch| layer::variable(&layer.address, *arch))
            .collect(),
        zip: zip(&layer.artifact),
        commands: layer::Steps::new(layer).all().into_iter().map(argv).collect(),
    }
}

fn zip(artifact: &Artifact) -> Zip {
    Zip {
        file: artifact.file.clone(),
        size: artifact.size,
        blake3: artifact.digest.clone(),
        sha256: artifact.code_sha256.clone(),
        host_tools: artifact.host_tools,
    }
}

/// As the script calls it, without the endpoint, which is the environment's.
fn argv(command: &Command, region: &str) -> Vec<String> {
    let words = command.words().into_iter().map(|word| word.to_string());
    let program = std::iter::once("aws".to_owned());
    program
        .chain(words)
        .chain(["--region".to_owned(), region.to_owned()])
        .collect()
}
