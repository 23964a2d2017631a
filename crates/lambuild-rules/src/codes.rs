//! Every code that the rules give to a diagnostic, with its explanation, as data.

use lambuild_lang::codes::Code;

/// A source file or folder that an action needs cannot be had.
pub const SOURCE: &str = "E1001";
/// Two things at one place of an output.
pub const CONFLICT: &str = "E1002";
/// A glob that is none, or matches nothing.
pub const GLOB: &str = "E1003";
/// The store does not take or give content.
pub const STORE: &str = "E1004";
/// A part of a product that is not in it.
pub const PART: &str = "E1005";
/// The Go code or its `go.mod` is not what the builder needs.
pub const GO: &str = "E1011";
/// `go.sum` lacks a line or cannot be read.
pub const GO_SUM: &str = "E1012";
/// Something that this version cannot build yet.
pub const NOT_YET: &str = "E1013";
/// A toolchain's version is no version.
pub const VERSION: &str = "E1014";
/// A program of this machine that `toolchain sh` cannot take.
pub const HOST_PROGRAM: &str = "E1015";
/// A `command` that cannot be run as it is written.
pub const COMMAND: &str = "E1016";
/// A file of the workspace that a command wanted and did not have.
pub const UNDECLARED: &str = "E1017";

/// `lambda.lock` lacks a line, or has one that is wrong.
pub const LOCK: &str = "E1021";

/// A `fetch` that cannot be.
pub const FETCH: &str = "E1022";

/// All of them, with their explanations.
pub const ALL: &[Code] = &[
    Code {
        code: SOURCE,
        title: "a source cannot be used",
        text: "A file or folder that the build takes does not exist, is excluded by an ignore file of the workspace, is a \
         link out of it, or has a name that no zip can hold.",
    },
    Code {
        code: CONFLICT,
        title: "two things are put at one place",
        text: "Two entries of `content` (or two links that lead to folders) give different files the same path. Give one of \
         them another key.",
    },
    Code {
        code: GLOB,
        title: "a pattern is wrong",
        text: "A pattern of `include`, `exclude` or `executable` cannot be read. `*` stays inside a folder, `**` crosses \
         folders, `{a,b}` and `[a-z]` are alternatives.",
    },
    Code {
        code: STORE,
        title: "the store fails",
        text: "The folder in which results are kept cannot be written or read: the disk is full, the folder belongs to \
         somebody else, or an object in it was damaged. Free space, or name another folder with --store or \
         LAMBUILD_STORE; the build is tried again from what is there.",
    },
    Code {
        code: PART,
        title: "a part that the product does not have",
        text: "`sub(product, \"path\")` names a file or folder of what is built, and when it was built there was none: \
         look into `.lambuild/out/` for what is there, and mind that builders may change where files go.",
    },
    Code {
        code: GO,
        title: "the Go program cannot be planned",
        text: "lambuild follows the imports of the program itself, to know exactly which files it is made of. What it met \
         on the way would stop `go build` too: a folder without a main package, an import that no module provides, an \
         embed pattern that matches nothing.",
    },
    Code {
        code: GO_SUM,
        title: "go.sum does not cover the program",
        text: "go.sum is the lock of a Go module: every module that the program uses must have its hashes there, since \
         nothing is fetched that cannot be verified. Run `go mod tidy` and commit go.mod and go.sum.",
    },
    Code {
        code: NOT_YET,
        title: "this version cannot build that yet",
        text: "The attribute is part of the language, and the builder of this version does not have it.",
    },
    Code {
        code: VERSION,
        title: "a toolchain's version is no version",
        text: "A Go version is written as Go writes it, without `go` in front: `1.26.8`.",
    },
    Code {
        code: HOST_PROGRAM,
        title: "a program of this machine cannot be taken",
        text: "`toolchain sh { programs = [\"sh\", \"sort\"] }` takes programs of this machine with the shared libraries \
         that they name, so that they can run where nothing else of the machine is. It looks on PATH, reads what the \
         files say about themselves and runs nothing. Scripts are not taken: they need their interpreter and whatever \
         that reads.",
    },
    Code {
        code: COMMAND,
        title: "a command cannot be run as it is written",
        text: "A command sees nothing but its inputs and tools: programs come from `tools`, also the shell for a `run` \
         that is text; files come from `inputs` and from paths and products in `run`. What it makes goes to `$out`.",
    },
    Code {
        code: UNDECLARED,
        title: "a file is missing from a command's inputs",
        text: "The command failed, and what it said names a file of the workspace that is not among its inputs. A \
         command sees only what is declared, so that nothing else can reach its result.",
    },
    Code {
        code: LOCK,
        title: "lambda.lock does not cover the build",
        text: "lambda.lock, at the root of the workspace, pins what no lock of a language does: toolchains, for every platform \
         that builds, and what `fetch` downloads. `lambuild lock` adds what is missing and leaves the rest as it is; commit the \
         file. With --locked, which CI implies, nothing is used that is not pinned. After a merge conflict take the lines of both \
         sides and run `lambuild lock`.",
    },
    Code {
        code: FETCH,
        title: "a fetch that cannot be",
        text: "`fetch` takes an https URL and gives the file behind it, or with `unpack` what is in the archive. Its hash stands \
         in lambda.lock, which `lambuild lock` writes, or in `hash`.",
    },
];
