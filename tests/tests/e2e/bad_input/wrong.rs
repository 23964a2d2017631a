//! A workspace with a mistake: what lambuild says about it, what it leaves, and the repair.
//! Needs no Go.

use std::fs;
use std::path::Path;

use lambuild_testkit::{Run, TempWorkspace};

use crate::harness::{Build, with_own_store};

/// A function and a layer that build, made of files alone.
pub const RIGHT: &str = r#"workspace w { architectures = ["arm64"] }

function hello {
  build   = files { content = { "bootstrap" = ./run.sh } }
  runtime = "provided.al2023"
  timeout = 3
}

layer tools { content = { "bin/tool" = ./tool.sh } }

stage dev { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/dev" }
"#;

/// A workspace whose `lambda.build` is wrong, with a store of its own.
pub struct Wrong {
    /// The workspace.
    pub workspace: TempWorkspace,
}

impl Wrong {
    /// With this `lambda.build`.
    pub fn of(text: &str) -> Self {
        let workspace = TempWorkspace::with(&[
            ("lambda.build", text),
            ("run.sh", "#!/bin/sh\n"),
            ("tool.sh", "#!/bin/sh\necho tool\n"),
        ]);
        Self { workspace }
    }

    /// With one edit of [`RIGHT`].
    #[track_caller]
    pub fn edited(from: &str, to: &str) -> Self {
        let wrong = Self::nothing();
        wrong.workspace.edit("lambda.build", from, to);
        wrong
    }

    /// Nothing is wrong but what the command line says.
    pub fn nothing() -> Self {
        Self::of(RIGHT)
    }

    /// What lambuild says when it refuses with this exit code, after which
    /// nothing may be there that was not there before.
    #[track_caller]
    pub fn refuses(&self, args: &[&str], code: i32) -> String {
        let before = self.left();
        let run = with_own_store(&self.workspace).run(args).exits(code);
        assert_eq!(self.left(), before, "{run}");
        tokens(&run, &self.workspace)
    }

    /// Goes back to [`RIGHT`], which builds and can be deployed.
    #[track_caller]
    pub fn repaired(&self) {
        self.workspace.write("lambda.build", RIGHT);
        let built = Build::of(&with_own_store(&self.workspace), &[]);
        assert_eq!(built.artifacts.len(), 2, "{:?}", built.artifacts);
        with_own_store(&self.workspace)
            .run(["deploy", "--stage", "dev"])
            .success();
    }

    /// Everything that a build leaves for people, and what it must not leave in its store.
    fn left(&self) -> Vec<String> {
        let home = self.workspace.home();
        let places = [
            self.workspace.path(".lambuild/out"),
            self.workspace.path("dist"),
            home.join("store/stage"),
        ];
        places.iter().flat_map(|place| below(place)).collect()
    }
}

/// The paths of everything below a folder, folders included, sorted; empty where there is none.
#[expect(clippy::disallowed_methods, reason = "the list is sorted")]
pub fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path().display().to_string());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(below(&entry.path()));
        }
    }
    found.sort();
    found
}

/// Standard error with `[workspace]`, `[home]` and `[time]` for what differs from run to run, and
/// without the lines of actions that ran: their order is not fixed.
pub fn tokens(run: &Run, workspace: &TempWorkspace) -> String {
    let (root, home) = (workspace.root(), workspace.home());
    let text = run
        .stderr
        .replace(&*root.to_string_lossy(), "[workspace]")
        .replace(&*home.to_string_lossy(), "[home]");
    let lines = without_times(&text);
    lines
        .split_inclusive('\n')
        .filter(|line| !line.ends_with("  [time]\n"))
        .collect()
}

/// `3.4 s` and `12 ms` as `[time]`.
fn without_times(text: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let (unit, rest) = word.split_at(word.find([',', '\n']).unwrap_or(word.len()));
        let is_time =
            ["ms", "s"].contains(&unit) && shown.last().is_some_and(|last| last.parse::<f64>().is_ok());
        if is_time {
            shown.pop();
            shown.push(format!("[time]{rest}"));
        } else {
            shown.push(word.to_owned());
        }
    }
    shown.join(" ")
}

#[test]
fn times_are_told_from_other_words() {
    assert_eq!(
        without_times("go build 3 x  3.4 s\nbuilt 1 target: 2 s, 12 ms\n"),
        "go build 3 x  [time]\nbuilt 1 target: [time], [time]\n"
    );
}
