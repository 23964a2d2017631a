//! The command line: every command and option with its help.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use lambuild_lang::value::Arch;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::commands::completions::{codes, docs, stages, targets};

/// Builds and deploys AWS Lambda monorepos, reproducibly.
///
/// A lambda.build file declares functions and layers. lambuild builds exactly what
/// changed, writes zips that are the same bytes on every machine, and deploys them.
#[derive(Debug, Parser)]
#[command(name = "lambuild", version, max_term_width = 100, propagate_version = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Debug, Clone, ClapArgs)]
pub struct Common {
    /// Print one JSON object (build: one a line, the last is the summary) instead of text
    #[arg(long, global = true, env = "LAMBUILD_JSON")]
    pub json: bool,
    /// Keep results in this folder [default: lambuild in the user's cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "LAMBUILD_STORE", value_hint = ValueHint::DirPath)]
    pub store: Option<PathBuf>,
    /// Read every source file again, instead of believing size, times and inode of those that were read before
    #[arg(long, global = true, env = "LAMBUILD_NO_STAT_CACHE")]
    pub no_stat_cache: bool,
    /// What a power cut may cost [default: full, and session where CI is set]
    #[arg(long, global = true, value_name = "HOW", env = "LAMBUILD_DURABILITY")]
    pub durability: Option<Durability>,
    /// Use the store without locks: nobody else may use it at the same time
    #[arg(long, global = true, env = "LAMBUILD_SINGLE_USER_STORE")]
    pub single_user_store: bool,
    /// Give `param("NAME")` this value; may be repeated
    #[arg(long = "param", global = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,
    /// Use nothing that lambda.lock does not pin; CI implies it
    #[arg(long, global = true, env = "LAMBUILD_LOCKED")]
    pub locked: bool,
    /// Fetch nothing: what is not in the store cannot be had
    #[arg(long, global = true, env = "LAMBUILD_OFFLINE")]
    pub offline: bool,
    /// Say more: -v also what was reused, -vv what happens inside
    #[arg(short, long, global = true, action = clap::ArgAction::Count, env = "LAMBUILD_VERBOSE")]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        env = "LAMBUILD_QUIET"
    )]
    pub quiet: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "LAMBUILD_COLOR"
    )]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// When what is made is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// What is reported as done outlives a power cut
    Full,
    /// What a run made outlives a power cut once the run has ended
    Session,
    /// A power cut may cost anything; what is left is checked before it is used
    None,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let split = text.split_once('=').filter(|(name, _)| !name.is_empty());
    split
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build functions, layers and targets
    ///
    /// Prints the path of each artifact. Without targets, builds everything in the
    /// workspace. Zips are under .lambuild/out/, with names that stay the same.
    Build(Build),
    /// Write the zips, the script and the manifest that deploy a stage
    ///
    /// Builds what the stage needs, then writes dist/STAGE/: the zips, deploy.sh (POSIX
    /// sh; runs AWS CLI commands and updates only what differs) and manifest.json.
    Deploy(Deploy),
    /// Pin toolchains and downloads in lambda.lock
    ///
    /// Adds what the workspace uses and lambda.lock lacks, for every platform that builds, takes out what it
    /// no longer uses, and leaves the rest as it is. Prints each line that changed. With --locked nothing is
    /// written, and the exit code is 5 if something would be.
    Lock(Lock),
    /// Check the build files without building anything
    Check(Check),
    /// Build again from nothing under other conditions, and show what differs
    ///
    /// What was built is built a second time without any result or compile cache of the first: in another folder, at
    /// another time, in another time zone and locale, with another umask, as another user on a host of another name,
    /// and with half of the processors. Every output that is not the same is shown entry by entry, with what it is
    /// likely to depend on. The exit code is 1 if there is one.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Show which target needs which
    Graph(Graph),
    /// Put build files and libraries into the one style
    ///
    /// Prints the path of each file that changed. Without paths, takes all files of the
    /// workspace: every lambda.build and the libraries that they import. Comments stay.
    Fmt(Fmt),
    /// Show which attributes a declaration or builder has
    ///
    /// Without a name, lists the declarations, builders and kinds of toolchain.
    Doc(Doc),
    /// Show, clean up and check where results are kept
    Store {
        /// What to do with it.
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Tell what this machine offers to builds and what is missing
    ///
    /// Tries each part of a sandbox, the store and the toolchains. The exit code is 1 where
    /// builds would be weak or impossible.
    Doctor,
    /// Tell what an error code means and what to do about it
    Explain {
        /// Such as E0301; without it, all codes with their titles
        #[arg(add = ArgValueCandidates::new(codes))]
        code: Option<String>,
    },
    /// Start a workspace with a function that builds at once
    Init(Init),
    /// Serve an editor: mistakes while typing, completion, definitions, formatting
    ///
    /// Speaks the Language Server Protocol on stdin and stdout, to an editor that starts it;
    /// docs/editors.md says how. Never writes to the disk and never builds.
    Lsp(Lsp),
    /// Print the script that completes commands and target names in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder; it is made where it is not there
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

/// `lambuild store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Show how much it holds
    Stat,
    /// Take away what is no longer needed, also while builds run
    ///
    /// Without options that is what no result names. What a running build needs always stays.
    Gc(Gc),
    /// Hash every object and read every result; the exit code is 1 if something is damaged
    Verify(StoreVerify),
    /// Print the store's folder, or the file of an object or result
    Path {
        /// 64 hexadecimal digits
        digest: Option<String>,
    },
}

/// `lambuild store gc`.
#[derive(Debug, ClapArgs)]
pub struct Gc {
    /// Keep the results that were used last, up to this size: 10GB, 500MiB, plain bytes, 0
    #[arg(long, value_name = "SIZE", value_parser = crate::commands::store::size, env = "LAMBUILD_STORE_MAX_SIZE")]
    pub max_size: Option<u64>,
    /// Keep the results that were used in the last N days; 0 keeps none
    #[arg(long, value_name = "N", env = "LAMBUILD_STORE_KEEP_DAYS")]
    pub keep_days: Option<u32>,
}

/// `lambuild store verify`.
#[derive(Debug, ClapArgs)]
pub struct StoreVerify {
    /// Hash only this share of the objects, such as 1% [default: all]
    #[arg(long, value_name = "SHARE", value_parser = crate::commands::store::share)]
    pub sample: Option<u16>,
    /// Another number takes another sample
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    pub seed: u64,
    /// Take away what is damaged, so that the next build makes it again
    #[arg(long)]
    pub repair: bool,
}

/// Which targets, and how they are built.
#[derive(Debug, Clone, ClapArgs)]
pub struct Selection {
    /// Addresses: `dir:name`, `:name` (root), `name` (here), `dir/...` (all below)
    #[arg(value_name = "TARGET", add = ArgValueCandidates::new(targets))]
    pub targets: Vec<String>,
    /// Only this architecture: arm64 or x86_64; may be repeated
    #[arg(long = "arch", value_name = "ARCH", value_parser = arch, env = "LAMBUILD_ARCH", value_delimiter = ',')]
    pub architectures: Vec<Arch>,
}

fn arch(text: &str) -> Result<Arch, String> {
    Arch::parse(text).ok_or_else(|| "it is arm64 or x86_64".to_owned())
}

/// How actions are run.
#[derive(Debug, Clone, ClapArgs)]
pub struct Running {
    /// How many actions run at once [default: the number of processors]
    #[arg(short, long, value_name = "N", env = "LAMBUILD_JOBS")]
    pub jobs: Option<NonZeroUsize>,
    /// After a failure, go on with what does not depend on it
    #[arg(short, long, env = "LAMBUILD_KEEP_GOING")]
    pub keep_going: bool,
    /// How much of the machine actions may see
    #[arg(long, value_name = "HOW", default_value = "auto", env = "LAMBUILD_SANDBOX")]
    pub sandbox: Sandbox,
}

/// How much of the machine actions may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sandbox {
    /// Only their inputs where the machine allows a sandbox, else as `none`
    Auto,
    /// Only their inputs; without a sandbox nothing runs
    Strict,
    /// Copied inputs, and whatever they look for beside; results are marked weak
    None,
}

/// `lambuild build`.
#[derive(Debug, ClapArgs)]
pub struct Build {
    /// Which targets.
    #[command(flatten)]
    pub selection: Selection,
    /// How.
    #[command(flatten)]
    pub running: Running,
}

/// `lambuild deploy`.
#[derive(Debug, ClapArgs)]
pub struct Deploy {
    /// The stage
    #[arg(long, value_name = "STAGE", env = "LAMBUILD_STAGE", add = ArgValueCandidates::new(stages))]
    pub stage: String,
    /// Print the script and write nothing into dist/
    #[arg(long)]
    pub dry_run: bool,
    /// How.
    #[command(flatten)]
    pub running: Running,
}

/// `lambuild lock`.
#[derive(Debug, ClapArgs)]
pub struct Lock {
    /// Find this again though it is pinned: the name of a line, or what it begins with, such as go; may be repeated
    #[arg(long, value_name = "NAME")]
    pub update: Vec<String>,
}

/// `lambuild check`.
#[derive(Debug, ClapArgs)]
pub struct Check {
    /// Exit with 2 also where there are only warnings
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<Deny>,
}

/// What `lambuild check` may refuse beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings
    Warnings,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  lambuild verify                       everything in the workspace
  lambuild verify services/orders/...   all below a folder
  lambuild verify :app --arch arm64 --keep /tmp/differs
                                        then: diffoscope /tmp/differs/*/first /tmp/differs/*/second";

/// `lambuild verify`.
#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Which targets.
    #[command(flatten)]
    pub selection: Selection,
    /// Write both versions of what differs below this folder, for diffoscope
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub keep: Option<PathBuf>,
    /// How.
    #[command(flatten)]
    pub running: Running,
}

/// `lambuild graph`.
#[derive(Debug, ClapArgs)]
pub struct Graph {
    /// Which targets.
    #[command(flatten)]
    pub selection: Selection,
    /// The form of the drawing
    #[arg(long, value_name = "FORM", default_value = "dot")]
    pub format: GraphFormat,
}

/// The forms of a drawn graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid, as Markdown pages show it
    Mermaid,
    /// JSON
    Json,
}

/// `lambuild fmt`.
#[derive(Debug, ClapArgs)]
pub struct Fmt {
    /// Files, or folders of the workspace with all below; `-` reads stdin and writes stdout
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Change nothing; print the files that would change and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
}

/// `lambuild doc`.
#[derive(Debug, ClapArgs)]
pub struct Doc {
    /// Such as function, go, toolchain.go, or one attribute: function.timeout
    #[arg(add = ArgValueCompleter::new(docs))]
    pub name: Option<String>,
    /// Print all declarations and builders as one JSON Schema
    #[arg(long, conflicts_with = "name")]
    pub json_schema: bool,
}

/// `lambuild lsp`.
#[derive(Debug, ClapArgs)]
pub struct Lsp {
    /// Speak on stdin and stdout, as it does anyway: some editors say so
    #[arg(long)]
    pub stdio: bool,
}

/// `lambuild init`.
#[derive(Debug, ClapArgs)]
pub struct Init {
    /// The folder; it is made where it is not there
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}
