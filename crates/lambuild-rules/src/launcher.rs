//! Which program starts a process action on each platform. Knows neither what it
//! starts nor where an input root lies.

/// What the launcher replaces in arguments and in values of the environment by the absolute path of the input root.
pub const ROOT: &str = "{root}";

/// The launcher for Linux on x86_64: a static executable, the same bytes in every build of lambuild.
pub const LINUX_X86_64: &[u8] = include_bytes!("../../../launcher/linux-x86_64");

/// The launcher for Linux on arm64, likewise.
pub const LINUX_ARM64: &[u8] = include_bytes!("../../../launcher/linux-aarch64");

/// What stands for a program of the machine in a tree of host programs, for Linux on x86_64:
/// `launcher/hosted.c` says how such a tree lies.
pub const HOSTED_LINUX_X86_64: &[u8] = include_bytes!("../../../launcher/hosted-linux-x86_64");

/// The same for Linux on arm64.
pub const HOSTED_LINUX_ARM64: &[u8] = include_bytes!("../../../launcher/hosted-linux-aarch64");

/// The launcher for Linux on an architecture by its name in the language; `None` for others.
pub fn for_linux(arch: &str) -> Option<&'static [u8]> {
    match arch {
        "x86_64" => Some(LINUX_X86_64),
        "arm64" => Some(LINUX_ARM64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, Output};

    use sha2::{Digest as _, Sha256};

    use super::*;

    const README: &str = include_str!("../../../launcher/README.md");

    #[test]
    fn the_committed_binaries_are_the_documented_ones() {
        for (name, bytes) in [
            ("linux-x86_64", LINUX_X86_64),
            ("linux-aarch64", LINUX_ARM64),
            ("hosted-linux-x86_64", HOSTED_LINUX_X86_64),
            ("hosted-linux-aarch64", HOSTED_LINUX_ARM64),
            (
                "gocache-linux-x86_64",
                include_bytes!("../../../launcher/gocache-linux-x86_64"),
            ),
            (
                "gocache-linux-aarch64",
                include_bytes!("../../../launcher/gocache-linux-aarch64"),
            ),
        ] {
            let digest: String = Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let row = README
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}`")))
                .unwrap();
            assert!(
                row.ends_with(&format!("| {} | `{digest}` |", bytes.len())),
                "{row}\n{name} has {digest}"
            );
        }
    }

    #[test]
    fn platforms() {
        // ELF's machine field: 62 is x86-64, 183 is AArch64.
        for (arch, machine) in [("x86_64", 62), ("arm64", 183)] {
            let program = for_linux(arch).unwrap();
            assert_eq!(
                (program[..4].to_vec(), program[18]),
                (b"\x7fELF".to_vec(), machine)
            );
        }
        assert_eq!(for_linux("riscv64"), None);
    }

    /// How each launcher runs here: as itself, under an emulator, or, with a note, not at all.
    fn launchers() -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for (name, arch) in [("linux-x86_64", "x86_64"), ("linux-aarch64", "aarch64")] {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../../launcher")
                .join(name);
            let path = path.canonicalize().unwrap().to_str().unwrap().to_owned();
            let emulator = format!("qemu-{arch}-static");
            if cfg!(target_os = "linux") && std::env::consts::ARCH == arch {
                found.push(vec![path]);
            } else if command(std::slice::from_ref(&emulator))
                .arg("--version")
                .output()
                .is_ok()
            {
                found.push(vec![emulator, path]);
            } else {
                eprintln!("skipped: there is no {emulator} to run launcher/{name} with");
            }
        }
        found
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the launcher is a program; its test starts it"
    )]
    fn command(words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    fn text(output: &Output) -> (Option<i32>, String, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn the_token_is_replaced_in_arguments_and_in_values() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let root = root.to_str().unwrap();
        for launcher in launchers() {
            let script = "printf '%s|' \"$@\" \"$A\" \"$B\" \"$C\"";
            let mut command = command(&launcher);
            command
                .current_dir(root)
                .env("A", "{root}/a:{root}/b={root}")
                .env("B", "{roo{root}}")
                .env("C", "");
            command.args([
                "/bin/sh",
                "-c",
                script,
                "sh",
                "{root}",
                "-I{root}/x",
                "",
                "{root",
                "{ROOT}",
                "plain",
            ]);
            let expected =
                format!("{root}|-I{root}/x||{{root|{{ROOT}}|plain|{root}/a:{root}/b={root}|{{roo{root}}}||");
            assert_eq!(
                text(&command.output().unwrap()),
                (Some(0), expected, String::new()),
                "{launcher:?}"
            );
        }
    }

    #[test]
    fn the_program_itself_is_found_by_the_token_or_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/sh", dir.path().join("shell")).unwrap();
        for launcher in launchers() {
            for program in ["{root}/shell", "./shell"] {
                let mut command = command(&launcher);
                let output = command
                    .current_dir(dir.path())
                    .args([program, "-c", "exit 7"])
                    .output()
                    .unwrap();
                assert_eq!(
                    text(&output),
                    (Some(7), String::new(), String::new()),
                    "{launcher:?} {program}"
                );
            }
        }
    }

    #[test]
    fn failures_are_one_line_and_a_code() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("plain"), "text").unwrap();
        let missing = "launch: cannot run ./none: it, or the interpreter that it names, does not exist\n";
        let plain = "launch: cannot run ./plain: it is not executable, or a folder on the way is closed\n";
        for launcher in launchers() {
            let run = |arguments: &[&str]| {
                text(
                    &command(&launcher)
                        .current_dir(dir.path())
                        .args(arguments)
                        .output()
                        .unwrap(),
                )
            };
            assert_eq!(
                run(&["./none"]),
                (Some(127), String::new(), missing.into()),
                "{launcher:?}"
            );
            assert_eq!(
                run(&["./plain"]),
                (Some(126), String::new(), plain.into()),
                "{launcher:?}"
            );
            assert_eq!(
                run(&[]),
                (
                    Some(126),
                    String::new(),
                    "launch: usage: launch PROGRAM [ARGUMENT...]\n".into()
                )
            );
        }
    }

    #[test]
    fn arguments_that_grow_too_long_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let deep = (0..4).fold(dir.path().to_owned(), |path, _| path.join("d".repeat(200)));
        std::fs::create_dir_all(&deep).unwrap();
        // 12 arguments of 108 kB each become 12 * 18,000 * 800 bytes, more than any kernel would take.
        let long = ROOT.repeat(18_000);
        for launcher in launchers() {
            let mut command = command(&launcher);
            let output = command
                .current_dir(&deep)
                .arg("/bin/true")
                .args([long.as_str(); 12])
                .output()
                .unwrap();
            let error = "launch: the arguments are too long with the path of the input root in them\n";
            assert_eq!(
                text(&output),
                (Some(126), String::new(), error.into()),
                "{launcher:?}"
            );
        }
    }
}
