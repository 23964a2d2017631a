//! How the archive of a Go toolchain becomes a `GOROOT`, or the digest of one. Takes nothing from the
//! archive that is not a plain file below its own prefix; knows no network.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use lambuild_digest::{Digest, DigestFunction, Dir, RelPath};
use zip::read::ZipFile;

use crate::error::FetchError;
use crate::h1::open;
use crate::toolchain::{GoToolchain, MAX_CONTENT};

/// The most files that an archive may have; Go 1.26 has about 15,000.
const MAX_FILES: usize = 200_000;

/// Unpacks a verified archive into the folder `dest`, which must not exist yet. Blocks.
///
/// # Errors
/// The archive is damaged, too large, or has an entry that is no plain file below the prefix; the disk
/// fails. `dest` may then be there in part: unpack into a temporary folder.
pub fn unpack_toolchain(archive: &Path, toolchain: &GoToolchain, dest: &Path) -> Result<(), FetchError> {
    fs::create_dir(dest).map_err(FetchError::disk(dest, "written"))?;
    files(archive, toolchain, &mut |path, executable, content| {
        let to = dest.join(path.as_str());
        write(content, &to, executable).map_err(FetchError::disk(&to, "written"))
    })
}

/// The digest of the tree that [`unpack_toolchain`] makes, of those files and folders for which `keep` is
/// true. Writes nothing. Blocks.
///
/// # Errors
/// As [`unpack_toolchain`].
pub fn toolchain_tree(
    archive: &Path,
    toolchain: &GoToolchain,
    keep: fn(&RelPath) -> bool,
    function: DigestFunction,
) -> Result<Digest, FetchError> {
    let mut tree = Dir::default();
    files(archive, toolchain, &mut |path, executable, content| {
        let kept = std::iter::successors(Some(path.clone()), RelPath::parent);
        if !kept.take_while(|path| !path.is_root()).all(|path| keep(&path)) {
            return Ok(());
        }
        tree.file(path, function.digest(content), executable)
            .map_err(|error| bad(archive, error.to_string()))
    })?;
    Ok(tree.encode(function, &mut |_, _| {}))
}

fn bad(archive: &Path, why: String) -> FetchError {
    FetchError::Archive {
        path: archive.to_owned(),
        why,
    }
}

/// What is done with each file: its path, whether it may be executed, its content.
type Take<'t> = dyn FnMut(&RelPath, bool, &[u8]) -> Result<(), FetchError> + 't;

/// Every file of the toolchain in an archive, in the archive's order.
///
/// As `go` itself does with toolchains, for archives of modules have no modes and no nested `go.mod`: what lies
/// in `bin` and `pkg/tool`, and the `go_*_exec` scripts in `lib`, becomes executable, and each `_go.mod`
/// is there as `go.mod` too. Source: `cmd/go/internal/toolchain/select.go` of Go 1.26.
fn files(archive: &Path, toolchain: &GoToolchain, take: &mut Take<'_>) -> Result<(), FetchError> {
    let mut zip = open(archive)?;
    if zip.is_empty() || zip.len() > MAX_FILES {
        return Err(bad(archive, format!("it has {} files", zip.len())));
    }
    let (mut left, mut content) = (MAX_CONTENT, Vec::new());
    for index in 0..zip.len() {
        let entry = zip
            .by_index(index)
            .map_err(|error| bad(archive, error.to_string()))?;
        let path = place(&entry, &toolchain.prefix()).map_err(|why| bad(archive, why))?;
        content.clear();
        let read = entry.take(left.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| bad(archive, format!("`{path}`: {error}")))?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or_else(|| bad(archive, format!("it unpacks to more than {MAX_CONTENT} bytes")))?;
        take(&path, is_executable(&path), &content)?;
        if path.name() == Some("_go.mod") {
            let beside = path.parent().and_then(|folder| folder.child("go.mod").ok());
            if let Some(beside) = beside {
                take(&beside, false, &content)?;
            }
        }
    }
    Ok(())
}

/// Where an entry goes, below the destination.
fn place(entry: &ZipFile<'_, File>, prefix: &str) -> Result<RelPath, String> {
    let name = std::str::from_utf8(entry.name_raw()).map_err(|_| "a name is not UTF-8".to_owned())?;
    let shown = name.escape_debug();
    if entry.is_symlink() || name.ends_with('/') {
        return Err(format!("`{shown}` is no plain file"));
    }
    let below = name
        .strip_prefix(prefix)
        .ok_or_else(|| format!("`{shown}` does not begin with `{prefix}`"))?;
    match RelPath::new(below) {
        Ok(path) if !path.is_root() => Ok(path),
        _ => Err(format!(
            "`{shown}` would not stay below the folder that it is unpacked into"
        )),
    }
}

fn write(content: &[u8], to: &Path, executable: bool) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create_new(to)?;
    file.write_all(content)?;
    set_mode(&file, executable)
}

fn is_executable(path: &RelPath) -> bool {
    let text = path.as_str();
    let name = path.name().unwrap_or_default();
    let script = name
        .strip_prefix("go_")
        .and_then(|name| name.strip_suffix("_exec"));
    let is_script = script.is_some_and(|middle| {
        middle
            .split_once('_')
            .is_some_and(|(os, arch)| !os.is_empty() && !arch.is_empty())
    });
    text.starts_with("bin/") || text.starts_with("pkg/tool/") || text.starts_with("lib/") && is_script
}

#[cfg(unix)]
fn set_mode(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use zip::write::FileOptions;

    use super::*;

    const PREFIX: &str = "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/";

    fn toolchain() -> GoToolchain {
        GoToolchain::new("1.26.8", "linux", "amd64").unwrap()
    }

    /// Unpacks an archive with these entries; the folder, and what was said.
    fn unpack(entries: &[(&str, &str)], link: Option<&str>) -> (tempfile::TempDir, Result<(), String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("go.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, text) in entries {
            zip.start_file(*name, FileOptions::<()>::DEFAULT).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        if let Some(name) = link {
            zip.add_symlink(name, "/etc/passwd", FileOptions::<()>::DEFAULT)
                .unwrap();
        }
        zip.finish().unwrap();
        let result = unpack_toolchain(&path, &toolchain(), &dir.path().join("go"));
        let shown = path.display().to_string();
        (
            dir,
            result.map_err(|error| error.to_string().replace(&shown, "go.zip")),
        )
    }

    fn mode(path: PathBuf) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn modes_and_module_files_are_restored() {
        let names = [
            "bin/go",
            "pkg/tool/linux_amd64/vet",
            "lib/wasm/go_js_wasm_exec",
            "src/fmt/print.go",
            "src/_go.mod",
        ];
        let entries: Vec<(String, &str)> = names
            .iter()
            .map(|name| (format!("{PREFIX}{name}"), "text"))
            .collect();
        let entries: Vec<(&str, &str)> = entries
            .iter()
            .map(|(name, text)| (name.as_str(), *text))
            .collect();
        let (dir, result) = unpack(&entries, None);
        assert_eq!(result, Ok(()));
        let go = dir.path().join("go");
        let modes: Vec<u32> = names.iter().map(|name| mode(go.join(name))).collect();
        assert_eq!(modes, [0o755, 0o755, 0o755, 0o644, 0o644]);
        assert_eq!(fs::read_to_string(go.join("src/go.mod")).unwrap(), "text");
    }

    #[test]
    fn what_is_no_plain_file_below_the_prefix_is_refused() {
        for name in ["../x", "a/../../x", "/x", "", "a//b", "a\\b"] {
            let entry = format!("{PREFIX}{name}");
            let (dir, result) = unpack(&[(&entry, "text")], None);
            let error = result.unwrap_err();
            assert!(
                error.starts_with("`go.zip` is not a good archive: `golang.org/"),
                "{name}: {error}"
            );
            assert!(!dir.path().join("x").exists());
        }
        assert_eq!(
            unpack(&[("golang.org/other/x", "")], None).1.unwrap_err(),
            format!("`go.zip` is not a good archive: `golang.org/other/x` does not begin with `{PREFIX}`")
        );
        assert_eq!(
            unpack(&[], Some(&format!("{PREFIX}link"))).1.unwrap_err(),
            format!("`go.zip` is not a good archive: `{PREFIX}link` is no plain file")
        );
        assert_eq!(
            unpack(&[], None).1.unwrap_err(),
            "`go.zip` is not a good archive: it has 0 files"
        );
    }

    #[test]
    fn an_existing_folder_is_left_alone() {
        let (dir, _) = unpack(&[(&format!("{PREFIX}a"), "text")], None);
        let again = unpack_toolchain(&dir.path().join("go.zip"), &toolchain(), &dir.path().join("go"));
        assert!(
            again
                .unwrap_err()
                .to_string()
                .ends_with("cannot be written: File exists (os error 17)")
        );
    }

    #[test]
    fn a_file_that_is_no_archive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("go.zip");
        fs::write(&path, "not a zip").unwrap();
        let error = unpack_toolchain(&path, &toolchain(), &dir.path().join("go")).unwrap_err();
        assert!(matches!(error, FetchError::Archive { .. }), "{error}");
    }
}
