//! Programs of this machine, taken by content with all that they need to run in an
//! input root: which files those are is decided from the files alone. Nothing is run.

pub mod cache;
pub mod closure;
pub mod elf;
pub mod toolchain;

/// The machine's files, as far as finding programs needs them.
pub trait HostView: Send + Sync {
    /// The absolute path without links of the regular file at `path`; `None` where there is none.
    fn resolve(&self, path: &str) -> Option<String>;

    /// Up to `length` bytes of a file from `offset` on; `None` where it cannot be read.
    fn read(&self, path: &str, offset: u64, length: usize) -> Option<Vec<u8>>;

    /// The folders of `PATH`, in order; absolute ones only.
    fn path(&self) -> &[String];
}

#[cfg(test)]
pub(crate) mod testing;
