//! Decides where the outside programs of the tests are found, and what to say where one is missing.

use std::path::{Path, PathBuf};

use crate::Arch;

/// An outside program that tests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The AWS CLI, of the pinned version in the test tools' folder.
    Aws,
    /// moto's server, likewise.
    Moto,
    /// Runs programs of the architecture that this machine is not; from `PATH`.
    Qemu,
    /// Judges shell scripts; from `PATH`.
    Shellcheck,
    /// The Go command; from `PATH`. lambuild fetches Go where it is missing, tests that
    /// want it for other reasons must be able to do without.
    Go,
}

/// The places of the outside programs.
#[derive(Debug)]
pub struct Tools {
    venv: PathBuf,
    path: Vec<PathBuf>,
}

impl Tools {
    /// Looks in `target/test-tools` of the repository, and on `PATH` for what systems ship.
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let venv = repository_root().join("target/test-tools/venv");
        Self {
            venv,
            path: std::env::split_paths(&path).collect(),
        }
    }

    /// The tool's program, if it is there.
    pub fn get(&self, tool: Tool) -> Option<PathBuf> {
        match tool {
            Tool::Aws => Some(self.venv.join("bin/aws")).filter(|program| program.is_file()),
            Tool::Moto => Some(self.venv.join("bin/moto_server")).filter(|program| program.is_file()),
            Tool::Qemu => self.on_path(emulator()),
            Tool::Shellcheck => self.on_path("shellcheck"),
            Tool::Go => self.on_path("go"),
        }
    }

    /// The tool's program.
    ///
    /// # Panics
    /// Where it is missing, with the command that installs it: a test that silently
    /// did nothing would be worse than one that fails.
    #[track_caller]
    pub fn require(&self, tool: Tool) -> PathBuf {
        self.get(tool)
            .unwrap_or_else(|| panic!("this test needs {}: run `cargo xtask tools`", name(tool)))
    }

    fn on_path(&self, program: &str) -> Option<PathBuf> {
        self.path
            .iter()
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
    }
}

/// The folder of the whole repository.
pub fn repository_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// The emulator's name for the architecture that this machine is not.
fn emulator() -> &'static str {
    if Arch::Arm64.is_native() {
        "qemu-x86_64-static"
    } else {
        "qemu-aarch64-static"
    }
}

fn name(tool: Tool) -> &'static str {
    match tool {
        Tool::Aws => "the AWS CLI",
        Tool::Moto => "moto's server",
        Tool::Qemu => emulator(),
        Tool::Shellcheck => "shellcheck",
        Tool::Go => "the go command",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_root_holds_this_crate() {
        assert!(
            repository_root()
                .join("crates/lambuild-testkit/Cargo.toml")
                .is_file()
        );
    }

    #[test]
    fn programs_are_taken_from_the_first_folder_that_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let shellcheck = folder.path().join("shellcheck");
        std::fs::write(&shellcheck, "").unwrap();
        let tools = Tools {
            venv: folder.path().to_owned(),
            path: vec!["/nowhere".into(), folder.path().into()],
        };
        assert_eq!(tools.get(Tool::Shellcheck), Some(shellcheck));
        assert_eq!(tools.get(Tool::Go), None);
    }

    #[test]
    #[should_panic(expected = "this test needs the AWS CLI: run `cargo xtask tools`")]
    fn a_missing_tool_fails_with_the_command_that_helps() {
        Tools {
            venv: "/nowhere".into(),
            path: Vec::new(),
        }
        .require(Tool::Aws);
    }
}
