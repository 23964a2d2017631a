//! The process's environment, read once: the only place that does.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the program takes from its surroundings.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The current folder, links resolved.
    pub folder: PathBuf,
    /// All variables whose names and values are UTF-8.
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's surroundings.
    ///
    /// # Errors
    /// When there is no current folder.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn of_process() -> Result<Self, String> {
        let folder = std::env::current_dir().and_then(std::fs::canonicalize);
        let folder = folder.map_err(|error| format!("cannot tell the current folder: {error}"))?;
        let all = std::env::vars_os()
            .filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        Ok(Environment {
            folder,
            variables: all.collect(),
        })
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A setting of `go`: the variable, else the line in the file of settings that `go env -w` writes.
    /// Source: `go help environment`.
    pub fn go_setting(&self, name: &str) -> Option<String> {
        if let Some(value) = self.get(name) {
            return Some(value.to_owned());
        }
        let file = match (self.get("GOENV"), self.get("XDG_CONFIG_HOME"), self.get("HOME")) {
            (Some("off"), ..) => return None,
            (Some(file), ..) => PathBuf::from(file),
            (_, Some(config), _) => PathBuf::from(config).join("go/env"),
            (_, _, home) => PathBuf::from(home?).join(".config/go/env"),
        };
        let text = std::fs::read_to_string(file).ok()?;
        let mut values = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        values
            .next_back()
            .map(str::to_owned)
            .filter(|value| !value.is_empty())
    }

    /// Whether this runs in CI, as all CI systems say it.
    pub fn is_ci(&self) -> bool {
        self.get("CI")
            .is_some_and(|value| value != "false" && value != "0")
    }

    /// The store's default folder, shared by all workspaces of a user.
    ///
    /// # Errors
    /// When neither `XDG_CACHE_HOME` nor `HOME` says where.
    pub fn default_store(&self) -> Result<PathBuf, String> {
        let cache = match (self.get("XDG_CACHE_HOME"), self.get("HOME")) {
            (Some(cache), _) if cache.starts_with('/') => PathBuf::from(cache),
            (_, Some(home)) => PathBuf::from(home).join(".cache"),
            _ => {
                return Err(
                    "cannot tell where to keep the store: HOME is not set; name a folder with --store or LAMBUILD_STORE"
                        .to_owned(),
                );
            }
        };
        Ok(cache.join("lambuild"))
    }

    /// The program of this name on `PATH`, links resolved.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let folders = self
            .get("PATH")?
            .split(':')
            .filter(|folder| folder.starts_with('/'));
        let mut files = folders
            .map(|folder| PathBuf::from(folder).join(name))
            .filter(|file| file.is_file());
        files.next().and_then(|file| std::fs::canonicalize(file).ok())
    }
}
