//! The one form of a path inside a workspace, an input root or an output:
//! relative, `/`-separated, no `.`, no `..`, no empty part. Knows no disk.

use std::fmt;
use std::sync::Arc;

/// A clean relative path; the empty path is the folder itself.
///
/// Ordered by bytes, which for a set of whole paths is the order of a zip's
/// entries. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Arc<str>);

/// Why a text is not a clean relative path or a file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path begins with `/`.
    #[error("`{0}` is an absolute path")]
    Absolute(String),
    /// The path climbs above where it starts.
    #[error("`{0}` leaves the folder that it starts from")]
    Escapes(String),
    /// One part of the path cannot be a file name.
    #[error("`{name}` cannot be a file name: {why}")]
    Name {
        /// The part, with control characters escaped.
        name: String,
        /// Which rule it breaks.
        why: &'static str,
    },
}

/// The longest file name that Linux file systems take (`NAME_MAX`), in bytes.
pub const NAME_MAX: usize = 255;

/// Checks one part of a path: not empty, not `.` or `..`, no `/`, `\`, control
/// character, at most [`NAME_MAX`] bytes.
///
/// Backslashes are refused since zip readers on Windows take them as separators.
pub fn check_name(name: &str) -> Result<(), PathError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name == "." || name == ".." {
        "it has a meaning of its own"
    } else if name.contains(['/', '\\']) {
        "it holds a separator"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else if name.len() > NAME_MAX {
        "it is longer than 255 bytes"
    } else {
        return Ok(());
    };
    Err(PathError::Name {
        name: name.escape_debug().to_string(),
        why,
    })
}

impl RelPath {
    /// The folder itself.
    pub fn root() -> Self {
        RelPath(Arc::from(""))
    }

    /// Takes a text that is already clean.
    ///
    /// # Errors
    /// When it is absolute, holds `.`, `..` or an empty part, or a part fails [`check_name`].
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        for part in text.split('/') {
            check_name(part)?;
        }
        Ok(RelPath(Arc::from(text)))
    }

    /// Resolves `text` as written in the folder `self`: `.` and `..` are taken away.
    ///
    /// # Errors
    /// When the result would lie above the root that `self` is relative to, or a part is no file name.
    pub fn resolve(&self, text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        let mut parts: Vec<&str> = self.parts().collect();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| PathError::Escapes(text.to_owned()))?;
                }
                name => {
                    check_name(name)?;
                    parts.push(name);
                }
            }
        }
        Ok(RelPath(Arc::from(parts.join("/"))))
    }

    /// `self/other`.
    pub fn join(&self, other: &RelPath) -> RelPath {
        match (self.is_root(), other.is_root()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => RelPath(Arc::from(format!("{}/{}", self.0, other.0))),
        }
    }

    /// `self/name`.
    ///
    /// # Errors
    /// When `name` fails [`check_name`].
    pub fn child(&self, name: &str) -> Result<RelPath, PathError> {
        check_name(name)?;
        Ok(if self.is_root() {
            RelPath(Arc::from(name))
        } else {
            RelPath(Arc::from(format!("{}/{name}", self.0)))
        })
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as text, `.` for the root: for people.
    pub fn display(&self) -> &str {
        if self.is_root() { "." } else { &self.0 }
    }

    /// Whether this is the folder itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts from the outermost to the innermost; none for the root.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|p| !p.is_empty())
    }

    /// The last part; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.parts().next_back()
    }

    /// The folder that holds this; `None` for the root.
    pub fn parent(&self) -> Option<RelPath> {
        if self.is_root() {
            return None;
        }
        Some(RelPath(Arc::from(
            self.0.rsplit_once('/').map_or("", |(head, _)| head),
        )))
    }

    /// What remains of `self` below `base`; `None` when it does not lie there.
    pub fn below(&self, base: &RelPath) -> Option<RelPath> {
        if base.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&*base.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| RelPath(Arc::from(rest)))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.display())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn resolve_cleans_and_keeps_inside() {
        let dir = path("services/auth");
        assert_eq!(
            dir.resolve("./cmd/../main.go").unwrap(),
            path("services/auth/main.go")
        );
        assert_eq!(dir.resolve("../..").unwrap(), RelPath::root());
        assert_eq!(
            dir.resolve("../../..").unwrap_err(),
            PathError::Escapes("../../..".into())
        );
        assert_eq!(
            dir.resolve("/etc").unwrap_err(),
            PathError::Absolute("/etc".into())
        );
    }

    #[test]
    fn new_refuses_what_is_not_clean() {
        for bad in ["/a", "a//b", "a/./b", "a/../b", "a\\b", "a\nb", "a/"] {
            assert!(RelPath::new(bad).is_err(), "{bad:?} was taken");
        }
        assert!(RelPath::new(&"x".repeat(NAME_MAX + 1)).is_err());
    }

    #[test]
    fn below_respects_part_boundaries() {
        assert_eq!(path("a/b/c").below(&path("a/b")), Some(path("c")));
        assert_eq!(path("a/bc").below(&path("a/b")), None);
        assert_eq!(path("a/b").below(&path("a/b")), Some(RelPath::root()));
    }
}
