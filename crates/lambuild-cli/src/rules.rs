//! Which builders, toolchains and deploy attributes this program has.

use crate::environment::Environment;
use crate::host_files::HostFiles;
use lambuild_graph::RuleSet;
use lambuild_lang::Schemas;
use lambuild_lang::schema::Schema;
use lambuild_lang::value::Arch;
use lambuild_rules::archive::Archives;
use lambuild_rules::command::Commands;
use lambuild_rules::fetch::Fetches;
use lambuild_rules::files::Files;
use lambuild_rules::go::rule::Go;
use lambuild_rules::go::toolchain::GoToolchains;
use lambuild_rules::host::toolchain::{Found, HostPrograms};
use lambuild_rules::launcher;
use lambuild_rules::pins::Pins;
use lambuild_rules::zip::Zips;
use std::path::PathBuf;
use std::sync::Arc;

/// The platforms that build, in Go's words: what is pinned is pinned for all of them.
pub const PLATFORMS: [&str; 4] = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"];

/// The architecture of the platform that runs actions: this machine's.
pub fn exec() -> Arch {
    match std::env::consts::ARCH {
        "aarch64" => Arch::Arm64,
        _ => Arch::X86_64,
    }
}

/// This machine among [`PLATFORMS`].
pub fn this_platform() -> &'static str {
    match exec() {
        Arch::Arm64 => "linux-arm64",
        Arch::X86_64 => "linux-amd64",
    }
}

/// The rules of this program on a platform that builds, with what is pinned for this run.
pub fn rules(environment: &Environment, pins: &Arc<Pins>, platform: &str) -> RuleSet {
    let (launcher, hosted) = match platform.ends_with("arm64") {
        true => (launcher::LINUX_ARM64, launcher::HOSTED_LINUX_ARM64),
        false => (launcher::LINUX_X86_64, launcher::HOSTED_LINUX_X86_64),
    };
    let fetches = Fetches { pins: pins.clone() };
    RuleSet {
        rules: vec![
            Box::new(Files),
            Box::new(Go { launcher }),
            Box::new(Archives),
            Box::new(Commands { launcher }),
            Box::new(fetches.clone()),
        ],
        toolchains: vec![
            Box::new(fetches),
            Box::new(GoToolchains {
                pins: pins.clone(),
                host: host_go(environment),
                platform: platform.to_owned(),
            }),
            Box::new(HostPrograms {
                view: Arc::new(HostFiles::new(environment)),
                hosted,
                found: Found::default(),
            }),
        ],
        packager: Box::new(Zips),
    }
}

/// The folder of the machine's own Go: the one that `GOROOT` names, else around `go` on
/// `PATH`. A `go` that is a script or stands apart from its folder is passed over, since
/// then its content is not all there is to it.
pub fn host_go(environment: &Environment) -> Option<PathBuf> {
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
