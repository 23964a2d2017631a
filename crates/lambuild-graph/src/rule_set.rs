//! The builders, toolchains and the packager of this program, by name.

use lambuild_action::{Packager, Rule, ToolchainRule};
use lambuild_lang::schema::Schema;

/// What the graph is planned with.
pub struct RuleSet {
    /// One for each builder.
    pub rules: Vec<Box<dyn Rule>>,
    /// One for each kind of toolchain.
    pub toolchains: Vec<Box<dyn ToolchainRule>>,
    /// Makes zips of functions and layers.
    pub packager: Box<dyn Packager>,
}

impl RuleSet {
    /// The rule of a builder.
    pub fn rule(&self, builder: &str) -> Option<&dyn Rule> {
        self.rules
            .iter()
            .find(|rule| rule.schema().name == builder)
            .map(|rule| &**rule)
    }

    /// The rule of a kind of toolchain.
    pub fn toolchain(&self, kind: &str) -> Option<&dyn ToolchainRule> {
        self.toolchains
            .iter()
            .find(|rule| rule.schema().name == kind)
            .map(|rule| &**rule)
    }

    /// The tables of all builders, for checking.
    pub fn builder_schemas(&self) -> Vec<&'static Schema> {
        self.rules.iter().map(|rule| rule.schema()).collect()
    }

    /// The tables of all kinds of toolchain, for checking.
    pub fn toolchain_schemas(&self) -> Vec<&'static Schema> {
        self.toolchains.iter().map(|rule| rule.schema()).collect()
    }
}
