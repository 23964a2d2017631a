//! Which builders, toolchains and deploy attributes this program has.

use crate::environment::Environment;
use lambuild_graph::RuleSet;
use lambuild_lang::Schemas;
use lambuild_lang::schema::Schema;
use lambuild_rules::files::Files;
use lambuild_rules::go::rule::Go;
use lambuild_rules::go::toolchain::GoToolchains;
use lambuild_rules::launcher;
use lambuild_rules::zip::Zips;
use std::path::PathBuf;

/// The rules of this program on this machine.
pub fn rules(environment: &Environment) -> RuleSet {
    let (go_arch, launcher) = match std::env::consts::ARCH {
        "aarch64" => ("arm64", launcher::LINUX_ARM64),
        _ => ("amd64", launcher::LINUX_X86_64),
    };
    let platform = format!("linux-{go_arch}");
    RuleSet {
        rules: vec![Box::new(Files), Box::new(Go { launcher })],
        toolchains: vec![Box::new(GoToolchains {
            host: host_go(environment),
            platform,
        })],
        packager: Box::new(Zips),
    }
}

/// The folder of the machine's own Go: the one that `GOROOT` names, else around `go` on
/// `PATH`. A `go` that is a script or stands apart from its folder is passed over, since
/// then its content is not all there is to it.
fn host_go(environment: &Environment) -> Option<PathBuf> {
    let named = environment.get("GOROOT").map(PathBuf::from);
    let found = || environment.program("go")?.parent()?.parent().map(PathBuf::from);
    named
        .or_else(found)
        .filter(|folder| folder.join("VERSION").is_file() && folder.join("src").is_dir())
}

/// The tables that build files are checked against.
pub struct Tables {
    builders: Vec<&'static Schema>,
    toolchains: Vec<&'static Schema>,
}

impl Tables {
    /// The tables of these rules.
    pub fn of(rules: &RuleSet) -> Self {
        Tables {
            builders: rules.builder_schemas(),
            toolchains: rules.toolchain_schemas(),
        }
    }

    /// In the language's form.
    pub fn schemas(&self) -> Schemas<'_> {
        Schemas {
            function: &lambuild_deploy::schema::FUNCTION,
            layer: &lambuild_deploy::schema::LAYER,
            stage: &lambuild_deploy::schema::STAGE,
            builders: &self.builders,
            toolchains: &self.toolchains,
        }
    }
}
