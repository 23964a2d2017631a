//! Every code that the rules give to a diagnostic, with its explanation, as data.

/// A source file or folder that an action needs cannot be had.
pub const SOURCE: &str = "E0701";
/// Two things at one place of an output.
pub const CONFLICT: &str = "E0702";
/// A glob that is none, or matches nothing.
pub const GLOB: &str = "E0703";
/// The Go code or its `go.mod` is not what the builder needs.
pub const GO: &str = "E0711";
/// `go.sum` lacks a line or cannot be read.
pub const GO_SUM: &str = "E0712";
/// Something that this version cannot build yet.
pub const NOT_YET: &str = "E0713";
/// A toolchain's version is no version.
pub const VERSION: &str = "E0714";

/// All of them: code, title, explanation.
pub const ALL: &[(&str, &str, &str)] = &[
    (
        SOURCE,
        "a source cannot be used",
        "A file or folder that the build takes does not exist, is excluded by an ignore file of the workspace, is a \
         link out of it, or has a name that no zip can hold.",
    ),
    (
        CONFLICT,
        "two things are put at one place",
        "Two entries of `content` (or two links that lead to folders) give different files the same path. Give one of \
         them another key.",
    ),
    (
        GLOB,
        "a pattern is wrong",
        "A pattern of `include`, `exclude` or `executable` cannot be read. `*` stays inside a folder, `**` crosses \
         folders, `{a,b}` and `[a-z]` are alternatives.",
    ),
    (
        GO,
        "the Go program cannot be planned",
        "lambuild follows the imports of the program itself, to know exactly which files it is made of. What it met \
         on the way would stop `go build` too: a folder without a main package, an import that no module provides, an \
         embed pattern that matches nothing.",
    ),
    (
        GO_SUM,
        "go.sum does not cover the program",
        "go.sum is the lock of a Go module: every module that the program uses must have its hashes there, since \
         nothing is fetched that cannot be verified. Run `go mod tidy` and commit go.mod and go.sum.",
    ),
    (
        NOT_YET,
        "this version cannot build that yet",
        "The attribute is part of the language, and the builder of this version does not have it.",
    ),
    (
        VERSION,
        "a toolchain's version is no version",
        "A Go version is written as Go writes it, without `go` in front: `1.26.8`.",
    ),
];
