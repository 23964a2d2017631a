//! The fetch of one Go module as an action: its key is what is fetched and the
//! hashes of `go.sum`, not from where, so a result may be believed from anyone.

use super::gomod::ModuleVersion;
use super::gosum::Sums;
use crate::codes;
use lambuild_action::message::OUT;
use lambuild_action::{Command, Hints, NodeId, PlannedAction, Seen, Selector, Step, Work};
use lambuild_digest::{Dir, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;

/// argv[0] of the step. Then follow [`VERSION`], path, version, and the two `h1:` hashes of `go.sum`.
pub const STEP: &str = "lambuild:fetch-go-module";
/// Raised when the same module gives another output tree.
pub const VERSION: &str = "1";

/// What the arguments of the step say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFetch {
    /// What is fetched.
    pub module: ModuleVersion,
    /// What it must be.
    pub sums: Sums,
}

/// Plans the fetch of a module with the `go` of a toolchain.
pub fn plan(module: &ModuleVersion, sums: &Sums, toolchain: NodeId, span: Span) -> PlannedAction {
    let fetch = ModuleFetch {
        module: module.clone(),
        sums: sums.clone(),
    };
    PlannedAction {
        mnemonic: "fetch",
        subject: module.to_string(),
        inputs: vec![toolchain],
        work: Work::Select(Box::new(Fetch { fetch, span })),
        span,
    }
}

struct Fetch {
    fetch: ModuleFetch,
    span: Span,
}

impl Selector for Fetch {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let Some(Node::Directory(toolchain)) = seen.outputs.first() else {
            return Err(Box::new(Diagnostic::error(
                codes::GO,
                "the Go toolchain is not a folder",
                self.span,
                "here",
            )));
        };
        let hints = Hints {
            tools: vec![*toolchain],
            ..Hints::default()
        };
        Ok(Step {
            command: self.fetch.command(),
            input_root: Dir::default(),
            timeout: None,
            hints,
        })
    }
}

impl ModuleFetch {
    fn command(&self) -> Command {
        let ModuleFetch { module, sums } = self;
        let hash = |hash: &Option<String>| hash.clone().unwrap_or_default();
        let arguments = [
            STEP,
            VERSION,
            &module.path,
            &module.version,
            &hash(&sums.zip),
            &hash(&sums.go_mod),
        ];
        Command {
            arguments: arguments.map(str::to_owned).into(),
            output_paths: RelPath::new(OUT).into_iter().collect(),
            ..Command::default()
        }
    }

    /// Reads back what the step's arguments say; `None` for those of another step.
    pub fn read(command: &Command) -> Option<Self> {
        match command.arguments.as_slice() {
            [step, version, path, module_version, zip, go_mod] if step == STEP && version == VERSION => {
                Some(ModuleFetch {
                    module: ModuleVersion::new(path, module_version),
                    sums: Sums {
                        zip: Some(zip.clone()),
                        go_mod: Some(go_mod.clone()),
                    },
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_read_back() {
        let fetch = ModuleFetch {
            module: ModuleVersion::new("github.com/aws/aws-lambda-go", "v1.47.0"),
            sums: Sums {
                zip: Some("h1:Z=".into()),
                go_mod: Some("h1:M=".into()),
            },
        };
        assert_eq!(ModuleFetch::read(&fetch.command()), Some(fetch));
        assert_eq!(ModuleFetch::read(&Command::default()), None);
    }
}
