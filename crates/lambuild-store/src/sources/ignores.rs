//! What a workspace's ignore files leave out. Decides which names never count; knows
//! nothing of what is left.
//!
//! The user's global ignore files have no say, since they differ between machines. An
//! ignore file that is itself a link has none either, as in Git.

use crate::beneath::{Beneath, Kind};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use lambuild_digest::{DigestFunction, RelPath};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The names of ignore files; the rules of the later bind more.
pub const FILES: [&str; 2] = [".gitignore", ".ignore"];
/// No person wrote a longer one; the rest of it is not read.
const LONGEST: u64 = 1 << 20;

/// The ignore files that bear on a folder: its own, then those above.
#[derive(Debug)]
pub struct Ignores {
    own: Gitignore,
    above: Option<Arc<Ignores>>,
    print: [u8; 32],
}

impl Ignores {
    /// No rules at all.
    pub fn none() -> Arc<Self> {
        Arc::new(Ignores {
            own: Gitignore::empty(),
            above: None,
            print: [0; 32],
        })
    }

    /// The rules for a folder that holds these ignore files (names of [`FILES`]).
    pub fn of(beneath: &Beneath, folder: &RelPath, files: &[&str], above: &Arc<Ignores>) -> Arc<Self> {
        if files.is_empty() {
            return above.clone();
        }
        let full = beneath.path().join(folder.as_str());
        let mut builder = GitignoreBuilder::new(&full);
        let mut hasher = DigestFunction::Blake3.hasher();
        hasher.update(&above.print);
        hasher.update(folder.as_str().as_bytes());
        for name in files {
            let text = read(beneath, &format!("{folder}/{name}")).unwrap_or_default();
            hasher.update(name.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(&text);
            for line in String::from_utf8_lossy(&text)
                .trim_start_matches('\u{feff}')
                .lines()
            {
                // A bad line is Git's to complain about.
                let _ = builder.add_line(Some(full.join(name)), line);
            }
        }
        Arc::new(Ignores {
            own: builder.build().unwrap_or_else(|_| Gitignore::empty()),
            above: Some(above.clone()),
            print: *hasher.finish().hash(),
        })
    }

    /// Stands for all rules here: where it is equal, the same names are left out.
    pub fn print(&self) -> [u8; 32] {
        self.print
    }

    /// Whether a name in `folder` (its place in the workspace and its full path) never counts.
    pub fn leave_out(&self, folder: &RelPath, full: &Path, name: &str, kind: Kind) -> bool {
        matches!(name, ".git" | ".lambuild")
            || (folder.is_root() && name == "dist")
            || self.exclude(&full.join(name), kind == Kind::Folder)
    }

    fn exclude(&self, path: &Path, is_folder: bool) -> bool {
        let mut here = Some(self);
        while let Some(rules) = here {
            let verdict = rules.own.matched(path, is_folder);
            if !verdict.is_none() {
                return verdict.is_ignore();
            }
            here = rules.above.as_deref();
        }
        false
    }
}

/// The bytes of an ignore file; none of one that cannot be read, as if it were not there.
fn read(beneath: &Beneath, path: &str) -> Option<Vec<u8>> {
    let path = path.trim_start_matches('/');
    let is_file = |state: std::io::Result<crate::file_state::FileState>| {
        state.is_ok_and(|state| state.kind() == Kind::File)
    };
    if !is_file(beneath.state(path)) {
        return None;
    }
    let file = beneath.read(path).ok()?;
    if !is_file(crate::file_state::FileState::of_file(&file)) {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
