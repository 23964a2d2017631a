//! `lambuild init`: a workspace with one Go function that builds at once. Its files are
//! those of `examples/hello-go`, which the tests build, so that they are never stale.

use crate::args::Init;
use crate::environment::Environment;
use crate::exit;
use crate::talk::Talk;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

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
    (".gitignore", "/.lambuild/\n/dist/\n"),
];

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(options: &Init, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let folder = environment.folder.join(&options.folder);
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
            "{} has {names} already; nothing was written",
            folder.display()
        ));
        return Err(exit::USAGE);
    }
    let wanted = FILES.iter().filter(|(name, _)| !there.contains(name));
    let written = fs::create_dir_all(&folder).and_then(|()| {
        wanted
            .clone()
            .try_for_each(|(name, text)| create(&folder.join(name), text))
    });
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

fn create(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(text.as_bytes())
}
