//! The galleries in `tests-data`: workspaces and what lambuild says to them.
//!
//! A case begins with `=== title`; `--- path` begins a file, `--- says` the whole
//! answer. Write a new case without an answer and run the tests with
//! `LAMBUILD_BLESS=1`: the answers are filled in, to be read in the diff.

use super::{drawn, page, print, problems, with_workspace};
use crate::Evaluation;
use crate::diagnostic::Diagnostic;
use crate::value::TargetId;
use std::fs;
use std::path::{Path, PathBuf};

/// What is wrong, drawn as a user sees it.
#[test]
fn wrong_workspaces() {
    gallery("wrong.txt", |files| match files {
        [before @ .., (asked, _)] if asked.starts_with(DEPLOY) => {
            let stage = &asked[DEPLOY.len()..];
            with_workspace(before, |evaluation| {
                drawn(&deployed(evaluation, stage), evaluation)
            })
        }
        _ => problems(files),
    });
    page::is_current();
}

/// Instead of `check`, a case may end with this command.
const DEPLOY: &str = "$ lambuild deploy --stage ";

/// What is wrong with the targets in one stage.
fn deployed(evaluation: &mut Evaluation<'_>, stage: &str) -> Vec<Diagnostic> {
    let targets: Vec<TargetId> = evaluation.targets().iter().map(|target| target.id).collect();
    let wrong = targets
        .into_iter()
        .map(|id| evaluation.deploy(id, stage).err().unwrap_or_default());
    wrong.flatten().collect()
}

/// What sound workspaces mean.
#[test]
fn good_workspaces() {
    gallery("good.txt", |files| {
        let found = problems(files);
        assert_eq!(found, "", "a good workspace has errors");
        with_workspace(files, print::world)
    });
}

/// Whole workspaces as a team would write them. What needs a builder that the tables here
/// lack says so, and everything else about it is checked all the same.
#[test]
fn whole_examples() {
    gallery("examples.txt", |files| match problems(files) {
        found if found.is_empty() => with_workspace(files, print::world),
        found => found,
    });
}

pub(super) struct Case<'t> {
    pub title: &'t str,
    pub files: Vec<(&'t str, &'t str)>,
    pub says: &'t str,
}

fn gallery(name: &str, answer: impl Fn(&[(&str, &str)]) -> String) {
    let text = read(name);
    let mut written = String::new();
    let mut wrong = Vec::new();
    for case in cases(&text) {
        let says = answer(&case.files);
        if says.trim_end() != case.says.trim_end() {
            wrong.push(format!(
                "{}\n--- expected\n{}\n--- found\n{}",
                case.title,
                case.says.trim_end(),
                says
            ));
        }
        written.push_str(&write_case(&case, &says));
    }
    if wrong.is_empty() {
        return;
    }
    if blessed() {
        return fs::write(path(name), written).unwrap();
    }
    panic!("{} of {name} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The text of a gallery.
pub(super) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data");
    folder.join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for new answers; nothing that is built sees it"
)]
pub(super) fn blessed() -> bool {
    std::env::var_os("LAMBUILD_BLESS").is_some()
}

pub(super) fn cases(text: &str) -> Vec<Case<'_>> {
    let blocks = text
        .split("\n=== ")
        .map(|block| block.strip_prefix("=== ").unwrap_or(block));
    blocks.map(case).collect()
}

fn case(block: &str) -> Case<'_> {
    let mut parts = block.split("\n--- ");
    let title = parts.next().unwrap_or_default().trim();
    let mut case = Case {
        title,
        files: Vec::new(),
        says: "",
    };
    for part in parts {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        match head {
            "says" => case.says = body,
            path => case.files.push((path, body)),
        }
    }
    case
}

fn write_case(case: &Case<'_>, says: &str) -> String {
    let file = |(path, text): &(&str, &str)| {
        let text = text.trim_end();
        format!("--- {path}\n{text}{}", if text.is_empty() { "" } else { "\n" })
    };
    let files: Vec<String> = case.files.iter().map(file).collect();
    format!(
        "=== {}\n{}--- says\n{}\n\n",
        case.title,
        files.concat(),
        says.trim_end()
    )
}
