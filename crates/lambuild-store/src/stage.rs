//! A folder for work in progress, and that it goes when nobody works in it any more. Knows nothing
//! of what is done there.

use crate::remove;
use crate::temporary;
use lambuild_action::StoreError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder for work in progress, removed when the last of those who work in it drops it:
/// a build may be cancelled while a thread or a dying process still writes there.
pub type Stage = Arc<StageFolder>;

/// The folder behind a [`Stage`].
#[derive(Debug)]
pub struct StageFolder(PathBuf);

impl StageFolder {
    /// A new empty folder in `area`, for this user alone. Its name begins with `prefix`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(prefix: &str, area: &Path) -> Result<Stage, StoreError> {
        // Not the other crate's own removal: it recurses, and stops at folders that cannot be opened.
        temporary::folder(prefix, area).map(|folder| Arc::new(StageFolder(folder.keep())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StageFolder {
    fn drop(&mut self) {
        if let Err(error) = remove::tree(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a folder of a finished action was not removed");
        }
    }
}
