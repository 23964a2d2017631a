//! Decides how a developers' command starts other programs: in the repository, with its
//! own streams, and with the command line in every failure.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program to its end; what it prints goes where ours goes.
///
/// # Errors
/// Where it cannot be started or does not end with 0.
pub fn run(folder: &Path, argv: &[&str]) -> Result<()> {
    let line = argv.join(" ");
    println!("$ {line}");
    let status = command(folder, argv)?
        .status()
        .with_context(|| format!("`{line}` cannot be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a program quietly and returns its standard output.
///
/// # Errors
/// As [`run`], with what it printed on standard error.
pub fn read(folder: &Path, argv: &[&str]) -> Result<String> {
    let line = argv.join(" ");
    let output = command(folder, argv)?
        .output()
        .with_context(|| format!("`{line}` cannot be started"))?;
    if !output.status.success() {
        bail!(
            "`{line}` failed ({})\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name is on `PATH`.
pub fn exists(program: &str) -> bool {
    let path = search_path();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[expect(
    clippy::disallowed_methods,
    reason = "looking for programs is what this module is for"
)]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "starting programs is what this module is for"
)]
fn command(folder: &Path, argv: &[&str]) -> Result<Command> {
    let (program, args) = argv.split_first().context("an empty command line")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_read_and_a_failure_shows_what_was_said() {
        assert_eq!(read(Path::new("/"), &["sh", "-c", "echo yes"]).unwrap(), "yes\n");
        let error = read(Path::new("/"), &["sh", "-c", "echo no >&2; exit 3"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c echo no >&2; exit 3` failed (exit status: 3)\nno"
        );
    }

    #[test]
    fn a_program_is_found_or_not() {
        assert!(exists("sh"));
        assert!(!exists("no-such-program-of-lambuild"));
    }
}
