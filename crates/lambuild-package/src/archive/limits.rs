//! How much an archive may hold before it is taken for a bomb.

/// Limits of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most entries.
    pub entries: u64,
    /// The most bytes of all contents together.
    pub bytes: u64,
    /// How many times larger than the archive its contents may be, where they have more than [`Limits::free`] bytes.
    pub ratio: u64,
    /// Contents of up to this many bytes may be compressed as well as they like.
    pub free: u64,
    /// The most parts of a path.
    pub depth: usize,
    /// The most bytes of a path.
    pub path: usize,
}

impl Default for Limits {
    /// Room for every toolchain that is around: LLVM has 1.8 GiB and 20,000 files.
    fn default() -> Self {
        Limits {
            entries: 100_000,
            bytes: 2 << 30,
            ratio: 200,
            free: 16 << 20,
            depth: 64,
            path: 1024,
        }
    }
}

impl Limits {
    /// The most bytes that `packed` bytes may become.
    pub fn unpacked(&self, packed: u64) -> u64 {
        self.bytes.min(packed.saturating_mul(self.ratio).max(self.free))
    }
}
