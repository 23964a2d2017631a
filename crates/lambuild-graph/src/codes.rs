//! Every code that this crate gives to a diagnostic, with its explanation, as data.

use lambuild_lang::codes::Code;

/// A dependency cycle.
pub const CYCLE: &str = "E0801";
/// A value where files were expected.
pub const NOT_CONTENT: &str = "E0802";
/// A toolchain that is not there.
pub const NO_TOOLCHAIN: &str = "E0803";
/// A reference to a target that is not built for the architecture.
pub const NOT_FOR_ARCH: &str = "E0804";
/// One stage that would deploy to two places.
pub const TWO_PLACES: &str = "E0805";

/// All of them, with their explanations.
pub const ALL: &[Code] = &[
    Code {
        code: CYCLE,
        title: "a target depends on itself",
        text: "Following the references from a target leads back to it, so there is no order in which to build. \
         The message shows each hop with its place. Move what both sides need into a target of its own.",
    },
    Code {
        code: NOT_CONTENT,
        title: "a value is no content",
        text: "Files are expected here: a path (`./data`), a product (`go { … }`), a reference (`target.x`) or, for one \
         file, a text.",
    },
    Code {
        code: NO_TOOLCHAIN,
        title: "there is no such toolchain",
        text: "A builder needs a toolchain that is neither declared nor on this machine, or one is named that is of \
         another kind. Declare it in the root file: `toolchain go { version = \"1.26.8\" }`.",
    },
    Code {
        code: NOT_FOR_ARCH,
        title: "a referenced target is not built for this architecture",
        text: "A target is built for the architectures of whoever refers to it, and this one declares fewer. Add the \
         architecture to its `architectures`, or take it from those of the target that refers to it.",
    },
    Code {
        code: TWO_PLACES,
        title: "one stage means two places",
        text: "Several workspaces of this run declare the stage with different regions or accounts, and one script runs in one \
         of them. Deploy each workspace from its own folder, or give them the same region and account.",
    },
];
