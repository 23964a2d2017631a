//! How a program of this machine is laid out, and that it runs there: nothing of the
//! machine is used but what was taken.

use super::*;
use crate::host::testing::{Machine, Sample, elf};
use crate::launcher;

fn hosted() -> &'static [u8] {
    match std::env::consts::ARCH {
        "aarch64" => launcher::HOSTED_LINUX_ARM64,
        _ => launcher::HOSTED_LINUX_X86_64,
    }
}

#[test]
fn the_loader_is_named_by_what_it_understands() {
    let name = |path: &str, text: &[u8]| {
        let programs = HostPrograms {
            view: Arc::new(Machine::new().file(path, text)),
            hosted: b"",
            found: Found::default(),
        };
        programs.loader_name(path)
    };
    assert_eq!(name("/lib/ld-2.36.so", b"..--argv0\0.."), "ld.so");
    assert_eq!(name("/lib/ld-2.26.so", b"..--list\0.."), "ld-old.so");
    assert_eq!(name("/lib/ld-musl-x86_64.so.1", b"--argv0\0"), "ld-musl.so");
}

#[test]
fn places_in_the_tree() {
    let loaded = elf(&Sample {
        loader: Some("/lib/ld.so"),
        needed: &["libc.so.6"],
        ..Sample::default()
    });
    let machine = Machine::new()
        .file("/bin/sh", &loaded)
        .file("/bin/static", &elf(&Sample::default()))
        .file("/lib/ld.so", b"--argv0\0")
        .file("/lib/libc.so.6", &elf(&Sample::default()));
    let found = closure(["sh", "static"], &machine).unwrap();
    let programs = HostPrograms {
        view: Arc::new(machine),
        hosted: b"h",
        found: Found::default(),
    };
    let files = programs.files(&found);
    let lines: Vec<String> = files
        .iter()
        .map(|file| format!("{} {:?}", file.at, file.from))
        .collect();
    assert_eq!(
        lines,
        [
            "bin/static File(\"/bin/static\")",
            "bin/sh Fixed([104])",
            "real/sh File(\"/bin/sh\")",
            "lib/libc.so.6 File(\"/lib/libc.so.6\")",
            "lib/ld.so File(\"/lib/ld.so\")",
        ]
    );
}

/// The real files.
struct Real(Vec<String>);

impl HostView for Real {
    fn resolve(&self, path: &str) -> Option<String> {
        let real = std::fs::canonicalize(path).ok().filter(|real| real.is_file())?;
        real.into_os_string().into_string().ok()
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> Option<Vec<u8>> {
        let bytes = std::fs::read(path).ok()?;
        let start = usize::try_from(offset).ok()?;
        Some(
            bytes
                .get(start..start.saturating_add(length).min(bytes.len()))?
                .to_vec(),
        )
    }

    fn path(&self) -> &[String] {
        &self.0
    }
}

#[test]
fn a_shell_and_its_programs_run_from_their_copies() {
    let view = Arc::new(Real(vec!["/usr/bin".to_owned(), "/bin".to_owned()]));
    let found = closure(["sh", "sort", "cat"], &*view).unwrap();
    let programs = HostPrograms {
        view,
        hosted: hosted(),
        found: Found::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    for file in programs.files(&found) {
        let at = folder.path().join(file.at.as_str());
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        match file.from {
            HostBytes::File(from) => std::fs::copy(from, &at).map(drop).unwrap(),
            HostBytes::Fixed(bytes) => std::fs::write(&at, bytes).unwrap(),
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bin = folder.path().join("bin");
    let script = "echo $0 $1; cd /; printf 'b\\na\\n' | sort; cat /proc/self/maps";
    #[expect(clippy::disallowed_methods, reason = "the programs are what is tested")]
    let mut command = std::process::Command::new(bin.join("sh"));
    let ran = command
        .args(["-c", script, "name", "it's"])
        .env_clear()
        .env("PATH", &bin)
        .output();
    let ran = ran.unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(
        said.starts_with("name it's\na\nb\n"),
        "{said}\n{:?}",
        String::from_utf8(ran.stderr)
    );
    let mapped: Vec<&str> = said.lines().filter(|line| line.contains(".so")).collect();
    let own = folder.path().to_str().unwrap();
    assert!(
        !mapped.is_empty() && mapped.iter().all(|line| line.contains(own)),
        "{mapped:#?}"
    );
}
