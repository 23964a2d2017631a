//! A folder for work in progress, and that it goes when nobody works in it any more. Knows nothing
//! of what is done there.

use crate::remove;
use crate::session::Session;
use crate::temporary;
use lambuild_action::StoreError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder for work in progress, removed when the last of those who work in it drops it:
/// a build may be cancelled while a thread or a dying process still writes there.
pub type Stage = Arc<StageFolder>;

/// The folder behind a [`Stage`].
#[derive(Debug)]
pub struct StageFolder {
    path: PathBuf,
    /// The session whose staging area it lies in stays as long.
    _session: Option<Arc<Session>>,
}

impl StageFolder {
    /// A new empty folder in `area`, for this user alone. Its name begins with `prefix`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(prefix: &str, area: &Path) -> Result<Stage, StoreError> {
        // Not the other crate's own removal: it recurses, and stops at folders that cannot be opened.
        Self::make_for(None, prefix, area)
    }

    pub(crate) fn make_for(
        session: Option<Arc<Session>>,
        prefix: &str,
        area: &Path,
    ) -> Result<Stage, StoreError> {
        let made = |folder: TempDir| StageFolder {
            path: folder.keep(),
            _session: session,
        };
        temporary::folder(prefix, area).map(made).map(Arc::new)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StageFolder {
    fn drop(&mut self) {
        if let Err(error) = remove::tree(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a folder of a finished action was not removed");
        }
    }
}
