//! A whole deployment that is known to make sense: nothing in it contradicts
//! another part or a limit that AWS is sure to enforce. Knows no command.

use crate::codes;
use crate::model::{Arch, Function, Layer, LayerUse, Stage};
use std::collections::BTreeMap;

/// Bytes of a zip that is sent with the call (Lambda guide, "Quotas": 50 MB).
pub const ZIP_MAX: u64 = 52_428_800;

/// A stage with every function and layer of it, sorted by address.
#[derive(Debug, Clone)]
pub struct Deployment {
    stage: Stage,
    functions: Vec<Function>,
    layers: Vec<Layer>,
}

/// Why targets cannot be deployed together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A zip that cannot be sent.
    #[error(
        "the zip of `{address}` has {size} bytes, and Lambda takes at most {ZIP_MAX} with a call: leave out what it does not need, or move shared files into a layer"
    )]
    TooBig {
        /// Whose zip.
        address: String,
        /// Its size in bytes.
        size: u64,
    },
    /// Two targets that would overwrite each other.
    #[error(
        "`{first}` and `{second}` would both be called `{name}` in AWS, stage `{stage}`: give one another `{attribute}`, or a pattern with `${{target.name}}` in the workspace"
    )]
    SameName {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Their name.
        name: String,
        /// The stage.
        stage: String,
        /// `function_name` or `layer_name`.
        attribute: &'static str,
    },
    /// A function whose layer has no content for its architecture.
    #[error(
        "the function `{function}` runs on {architecture}, and its layer `{layer}` is not built for that: add \"{architecture}\" to the `architectures` of the layer"
    )]
    NoSuchLayer {
        /// The function.
        function: String,
        /// The layer.
        layer: String,
        /// The function's architecture.
        architecture: Arch,
    },
    /// Something that another machine may build otherwise, for a stage that takes none of it.
    #[error(
        "`{address}` was made with programs of this machine (`toolchain sh`), and the stage `{stage}` is protected: make it without them, or write `allow_host_tools = true` in the stage"
    )]
    HostTools {
        /// What.
        address: String,
        /// The stage.
        stage: String,
    },
}

impl PlanError {
    /// The stable code; see [`crate::codes`].
    pub fn code(&self) -> &'static str {
        match self {
            PlanError::TooBig { .. } => codes::TOO_BIG,
            PlanError::SameName { .. } => codes::SAME_NAME,
            PlanError::NoSuchLayer { .. } => codes::NO_SUCH_LAYER,
            PlanError::HostTools { .. } => codes::HOST_TOOLS,
        }
    }
}

impl Deployment {
    /// Puts it together. Layers come one for each architecture; those that are
    /// equal for both become one.
    ///
    /// # Errors
    /// Everything that contradicts.
    pub fn new(
        stage: Stage,
        mut functions: Vec<Function>,
        layers: Vec<Layer>,
    ) -> Result<Self, Vec<PlanError>> {
        functions.sort_by(|a, b| a.address.cmp(&b.address));
        let deployment = Deployment {
            stage,
            functions,
            layers: merge(layers),
        };
        let wrong: Vec<PlanError> = [
            deployment.too_big(),
            deployment.same_names(),
            deployment.missing_layers(),
            deployment.host_tools(),
        ]
        .concat();
        if wrong.is_empty() {
            Ok(deployment)
        } else {
            Err(wrong)
        }
    }

    /// Where it goes.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The functions, by address.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The layers, by address, then architecture.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn too_big(&self) -> Vec<PlanError> {
        let functions = self
            .functions
            .iter()
            .map(|function| (&function.address, function.artifact.size));
        let layers = self
            .layers
            .iter()
            .map(|layer| (&layer.address, layer.artifact.size));
        let big = layers.chain(functions).filter(|(_, size)| *size > ZIP_MAX);
        big.map(|(address, size)| PlanError::TooBig {
            address: address.clone(),
            size,
        })
        .collect()
    }

    fn host_tools(&self) -> Vec<PlanError> {
        if !self.stage.protected || self.stage.allow_host_tools {
            return Vec::new();
        }
        let functions = self.functions.iter().map(|made| (&made.address, &made.artifact));
        let layers = self.layers.iter().map(|made| (&made.address, &made.artifact));
        let mut addresses: Vec<&String> = layers
            .chain(functions)
            .filter(|(_, artifact)| artifact.host_tools)
            .map(|(address, _)| address)
            .collect();
        // A layer that differs between architectures is there twice.
        addresses.dedup();
        let refused = addresses.into_iter().map(|address| PlanError::HostTools {
            address: address.clone(),
            stage: self.stage.name.clone(),
        });
        refused.collect()
    }

    fn same_names(&self) -> Vec<PlanError> {
        let functions = self
            .functions
            .iter()
            .map(|f| ("function_name", &f.settings.function_name, &f.address));
        let layers = self
            .layers
            .iter()
            .map(|l| ("layer_name", &l.settings.layer_name, &l.address));
        let mut seen = BTreeMap::new();
        functions
            .chain(layers)
            .filter_map(|(attribute, name, address)| {
                let first: &mut &String = seen.entry((attribute, name)).or_insert(address);
                (*first != address).then(|| PlanError::SameName {
                    first: first.to_string(),
                    second: address.clone(),
                    name: name.clone(),
                    stage: self.stage.name.clone(),
                    attribute,
                })
            })
            .collect()
    }

    fn missing_layers(&self) -> Vec<PlanError> {
        self.functions
            .iter()
            .flat_map(|function| {
                let architecture = function.settings.architecture;
                let local = function.settings.layers.iter().filter_map(|layer| match layer {
                    LayerUse::Local(address) => Some(address),
                    LayerUse::Arn(_) => None,
                });
                local
                    .filter(move |address| !self.has_layer(address, architecture))
                    .map(move |layer| PlanError::NoSuchLayer {
                        function: function.address.clone(),
                        layer: layer.clone(),
                        architecture,
                    })
            })
            .collect()
    }

    fn has_layer(&self, address: &str, architecture: Arch) -> bool {
        self.layers
            .iter()
            .any(|layer| layer.address == address && layer.architectures.contains(&architecture))
    }
}

/// One layer of those that differ in their architectures only.
fn merge(layers: Vec<Layer>) -> Vec<Layer> {
    let mut merged: Vec<Layer> = Vec::new();
    for layer in layers {
        let same = |one: &&mut Layer| {
            (&one.address, &one.settings, &one.artifact.digest)
                == (&layer.address, &layer.settings, &layer.artifact.digest)
        };
        match merged.iter_mut().find(same) {
            Some(one) => one.architectures.extend(&layer.architectures),
            None => merged.push(layer),
        }
    }
    for layer in &mut merged {
        layer.architectures.sort();
        layer.architectures.dedup();
    }
    merged.sort_by(|a, b| (&a.address, &a.architectures).cmp(&(&b.address, &b.architectures)));
    merged
}

#[cfg(test)]
mod tests;
