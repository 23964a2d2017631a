//! Where everything of a command lies in its input root. The places depend on nothing
//! but the order of writing, so moving or renaming a folder of the workspace changes no key.
//!
//! | place | what |
//! | --- | --- |
//! | (the root) | where the command starts; `inputs` by their keys |
//! | `out` | the result: empty at first, `$out` |
//! | `_in/0/name`, `_in/1/…` | paths and products in `run` and `env`, in the order of appearance |
//! | `_tools/0`, `_tools/1` | `tools` in order |
//! | `tmp` | `$TMPDIR` and `$HOME`, thrown away |
//! | `.lambuild/launch` | starts the command |

use lambuild_action::message::OUT;
use lambuild_digest::RelPath;

/// Folder of what `run` and `env` name.
pub const MOUNTS: &str = "_in";
/// Folder of the tools.
pub const TOOLS: &str = "_tools";
/// The launcher.
pub const LAUNCHER: &str = ".lambuild/launch";
/// Its folder.
const OWN: &str = ".lambuild";
/// What is thrown away.
const TEMPORARY: &str = "tmp";
/// Stands for the path of the input root.
pub const ROOT: &str = "{root}";

/// A key of `inputs` as a place in the input root.
///
/// # Errors
/// What is wrong with it, in words.
pub fn input(key: &str) -> Result<RelPath, String> {
    if key == "." {
        return Ok(RelPath::root());
    }
    let path = RelPath::new(key)
        .map_err(|error| format!("a place is `.` or a path such as `data/zones.csv`: {error}"))?;
    let first = path.parts().next().unwrap_or_default();
    if [OUT, MOUNTS, TOOLS, OWN, TEMPORARY].contains(&first) {
        return Err(format!("`{first}` is where lambuild puts things of its own"));
    }
    Ok(path)
}

/// [`input`] as the judge of a key.
///
/// # Errors
/// As [`input`].
pub fn check_input(key: &str) -> Result<(), String> {
    input(key).map(drop)
}

/// A name that needs no quotes in a shell.
pub fn plain(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' | '+' | '@' | '%' | '=' => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}
