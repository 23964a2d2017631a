//! The files of this machine, as far as `toolchain sh` looks at them.

use crate::environment::Environment;
use lambuild_rules::host::HostView;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// This machine's files and `PATH`.
#[derive(Debug)]
pub struct HostFiles {
    path: Vec<String>,
}

impl HostFiles {
    /// With the `PATH` of this process.
    pub fn new(environment: &Environment) -> Self {
        let path = environment.get("PATH").unwrap_or_default();
        let absolute = path.split(':').filter(|folder| folder.starts_with('/'));
        HostFiles {
            path: absolute.map(str::to_owned).collect(),
        }
    }
}

impl HostView for HostFiles {
    fn resolve(&self, path: &str) -> Option<String> {
        let real = fs::canonicalize(path).ok().filter(|real| real.is_file())?;
        real.into_os_string().into_string().ok()
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> Option<Vec<u8>> {
        let file = File::open(path).ok()?;
        let size = file.metadata().ok()?.len().saturating_sub(offset);
        let mut bytes = vec![0; length.min(usize::try_from(size).unwrap_or(usize::MAX))];
        file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    fn path(&self) -> &[String] {
        &self.path
    }
}
