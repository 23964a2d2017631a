//! `lambuild man`: a manual page for the program and each command.

use crate::args::Args;
use crate::environment::Environment;
use crate::exit;
use crate::talk::Talk;
use clap::CommandFactory;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(folder: &Path, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let folder = environment.folder.join(folder);
    let written =
        std::fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(Args::command(), &folder));
    written.map_err(|error| {
        talk.error(&format!(
            "cannot write manual pages into {}: {error}",
            folder.display()
        ));
        exit::FAILED
    })
}
