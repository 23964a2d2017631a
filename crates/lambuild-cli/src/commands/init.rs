//! `lambuild init`: a workspace with one Go function that builds at once. Its files are
//! those of `examples/hello-go`, which the tests build, so that they are never stale.

use crate::args::Init;
use crate::environment::Environment;
use crate::exit;
use crate::talk::Talk;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FILES: &[(&str, &str)] = &[
    (
        "lambda.build",
        include_str!("../../../../examples/hello-go/lambda.build"),
    ),
    ("go.mod", include_str!("../../../../examples/hello-go/go.mod")),
    ("go.sum", include_str!("../../../../examples/hello-go/go.sum")),
    ("main.go", include_str!("../../../../examples/hello-go/main.go")),
    (
        "main_test.go",
        include_str!("../../../../examples/hello-go/main_test.go"),
    ),
    (
        "lambda.lock",
        include_str!("../../../../examples/hello-go/lambda.lock"),
    ),
    (".gitignore", "/.lambuild/\n/dist/\n"),
];

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Init, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    // Taken apart and put together again, a path has no `/.` at its end.
    let folder: PathBuf = environment.folder.join(&options.folder).components().collect();
    let there: Vec<&str> = FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| folder.join(name).symlink_metadata().is_ok())
        .collect();
    // A .gitignore of one's own is no reason to refuse: it is left as it is.
    let in_the_way: Vec<&str> = there
        .iter()
        .copied()
        .filter(|name| *name != ".gitignore")
        .collect();
    if !in_the_way.is_empty() {
        let names = in_the_way.join(", ");
        talk.error(&format!(
            "{} has {names} already; nothing was written: name a new folder, as in `lambuild init hello`",
            folder.display()
        ));
        return Err(exit::USAGE);
    }
    let wanted = FILES.iter().filter(|(name, _)| !there.contains(name));
    let written = fs::create_dir_all(&folder).and_then(|()| write(&folder, wanted.clone()));
    if let Err(error) = written {
        talk.error(&format!(
            "cannot start a workspace in {}: {error}",
            folder.display()
        ));
        return Err(exit::FAILED);
    }
    for (name, _) in wanted {
        talk.data(&options.folder.join(name).display().to_string());
    }
    talk.say("next: lambuild build");
    Ok(())
}

fn write<'a>(folder: &Path, mut files: impl Iterator<Item = &'a (&'a str, &'a str)>) -> io::Result<()> {
    let name = workspace_name(folder);
    files.try_for_each(|(file, text)| match *file {
        "lambda.build" => create(
            &folder.join(file),
            &text.replace("workspace hello-go", &format!("workspace {name}")),
        ),
        _ => create(&folder.join(file), text),
    })
}

/// The folder's name as far as it can be a name in the language.
fn workspace_name(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let may_follow = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if may_follow(c) { c } else { '-' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        "hello".to_owned()
    }
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(text.as_bytes())
}
