//! Decides how a test names Lambda's two architectures. Knows nothing of programs.

use std::fmt;

/// An architecture of AWS Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arch {
    /// 64-bit ARM, `arm64`.
    Arm64,
    /// 64-bit x86, `x86_64`.
    X86_64,
}

impl Arch {
    /// Both, in the order in which the examples list them.
    pub const ALL: [Self; 2] = [Self::Arm64, Self::X86_64];

    /// Lambda's name of it, which is also the name of the built file: `arm64`, `x86_64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// Whether this machine runs such programs without an emulator.
    pub fn is_native(self) -> bool {
        let machine = match self {
            Self::Arm64 => "aarch64",
            Self::X86_64 => "x86_64",
        };
        std::env::consts::ARCH == machine
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
