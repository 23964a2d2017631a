//! Decides which outside programs the tests get, and how they are installed.
//!
//! The AWS CLI and moto go into a Python environment of their own under `target/`, so that
//! nothing of the machine is changed and every machine tests with the same versions
//! (`xtask/test-tools.txt`). What only the system's package manager has is installed by it
//! where that needs no question, else the command is said.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;

/// Programs from the system, each with the Debian package that has it.
const SYSTEM: &[(&str, &str)] = &[
    (EMULATOR, "qemu-user-static"),
    ("shellcheck", "shellcheck"),
    ("openssl", "openssl"),
    ("setpriv", "util-linux"),
    ("strace", "strace"),
    ("mkfs.xfs", "xfsprogs"),
];

/// Runs programs of the one of Lambda's architectures that this machine is not.
const EMULATOR: &str = if cfg!(target_arch = "aarch64") {
    "qemu-x86_64-static"
} else {
    "qemu-aarch64-static"
};

/// The pinned versions of what comes from the Python registry.
const PINNED: &str = include_str!("../test-tools.txt");

/// Installs what is missing and does nothing where all is there.
///
/// # Errors
/// Where an installer fails, or a program has to be installed by hand.
pub fn install(root: &Path) -> Result<()> {
    install_python(&root.join("target/test-tools"))?;
    install_system(&missing(process::exists))
}

/// Fills `folder/venv`; the list it was made from is written last and is the proof that
/// it is complete.
fn install_python(folder: &Path) -> Result<()> {
    let venv = folder.join("venv");
    let made_from = venv.join("made-from.txt");
    if fs::read_to_string(&made_from).is_ok_and(|list| list == PINNED) {
        println!("AWS CLI and moto: there already, in {}", venv.display());
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let list = folder.join("requirements.txt");
    fs::write(&list, PINNED).with_context(|| format!("{} cannot be written", list.display()))?;
    make_venv(folder, &["-r", "requirements.txt"])?;
    fs::write(&made_from, PINNED).with_context(|| format!("{} cannot be written", made_from.display()))
}

/// Makes `folder/venv` anew, with what pip installs by these arguments.
///
/// # Errors
/// Where Python has no `venv` or a package cannot be installed.
pub fn make_venv(folder: &Path, install: &[&str]) -> Result<()> {
    process::run(folder, &["python3", "-m", "venv", "--clear", "venv"])
        .context("the tests need Python 3 with its venv module (Debian: python3-venv)")?;
    let pip = [
        "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    process::run(folder, &[&pip[..], install].concat())
}

/// The packages of the programs that are not there.
fn missing(exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    SYSTEM
        .iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| *package)
        .collect()
}

fn install_system(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        let programs: Vec<&str> = SYSTEM.iter().map(|(program, _)| *program).collect();
        println!("{}: there already", programs.join(", "));
        return Ok(());
    }
    let root = Path::new("/");
    let is_root = process::read(root, &["id", "-u"]).is_ok_and(|id| id.trim() == "0");
    if !is_root || !process::exists("apt-get") {
        bail!("{}", by_hand(packages));
    }
    process::run(root, &["apt-get", "update", "--quiet", "--quiet"])?;
    let install = [
        "apt-get",
        "install",
        "--yes",
        "--quiet",
        "--quiet",
        "--no-install-recommends",
    ];
    process::run(root, &[&install[..], packages].concat())
}

fn by_hand(packages: &[&str]) -> String {
    let list = packages.join(" ");
    format!(
        "the tests need programs that only the system can install. On Debian and Ubuntu:\n\n  sudo apt-get install {list}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing(|_| true), Vec::<&str>::new());
        assert_eq!(missing(|program| program != "shellcheck"), ["shellcheck"]);
        let all = [
            "qemu-user-static",
            "shellcheck",
            "openssl",
            "util-linux",
            "strace",
            "xfsprogs",
        ];
        assert_eq!(missing(|_| false), all);
    }

    #[test]
    fn a_program_to_install_by_hand_comes_with_its_command() {
        assert!(by_hand(&["shellcheck"]).ends_with("\n  sudo apt-get install shellcheck\n"));
    }

    #[test]
    fn every_python_tool_has_one_version() {
        let tools = PINNED.lines().filter(|line| !line.starts_with('#'));
        assert!(
            tools.clone().count() > 0 && tools.clone().all(|line| line.contains("==")),
            "{PINNED}"
        );
    }
}
