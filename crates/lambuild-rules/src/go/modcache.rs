//! The fetch of one Go module: the command, the part of the module cache that
//! is its output, and whether that is what `go.sum` asks for. Starts nothing
//! and reads nothing.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambuild_digest::RelPath;
use lambuild_digest::path::PathError;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::gomod::ModuleVersion;
use super::gosum::Sums;

/// Where a fetched module lies in a `GOMODCACHE`. Together these are all that an offline
/// `go build -mod=readonly` asks for; archives, `.info` and lock files are not needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePaths {
    /// The folder of the module's files: `github.com/!burnt!sushi/toml@v1.0.0`.
    pub tree: RelPath,
    /// Its `go.mod`, which also modules without one have: `cache/download/…/@v/v1.0.0.mod`.
    pub go_mod: RelPath,
    /// The `h1:` hash of the files, by which `go` checks them against `go.sum`: `….ziphash`.
    pub zip_hash: RelPath,
}

/// The places of a module in a `GOMODCACHE`.
///
/// # Errors
/// When path or version cannot be file names. Source: `go help goproxy` and `module.EscapePath`.
pub fn cache_paths(module: &ModuleVersion) -> Result<CachePaths, PathError> {
    let (path, version) = (escape(&module.path), escape(&module.version));
    let download = RelPath::new(&format!("cache/download/{path}/@v"))?;
    Ok(CachePaths {
        tree: RelPath::new(&format!("{path}@{version}"))?,
        go_mod: download.child(&format!("{version}.mod"))?,
        zip_hash: download.child(&format!("{version}.ziphash"))?,
    })
}

/// A module path or version as a file name on systems that ignore case: `A` becomes `!a`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

/// The fetch of one module, to be run in an empty folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchCommand {
    /// Program (`go`, from the toolchain) and arguments.
    pub argv: Vec<String>,
    /// Variables that are set, whatever the user has; `GOMODCACHE` and `GOCACHE` are the caller's, and new ones.
    pub env: BTreeMap<&'static str, &'static str>,
    /// Variables of the user that are handed on where they are set: how modules are reached is theirs to say.
    pub pass: &'static [&'static str],
}

/// How to fetch a module. `go` checks nothing (`GOSUMDB=off`, no `go.sum` in sight): [`check_answer`]
/// and [`hash1`] compare with the user's `go.sum`, the only lock. Nothing here may enter a key.
pub fn fetch_command(module: &ModuleVersion) -> FetchCommand {
    let argv = ["go", "mod", "download", "-json"]
        .into_iter()
        .map(str::to_owned)
        .chain([module.to_string()]);
    let env = BTreeMap::from([
        // Without the second flag the folders come read-only, and a temporary cache could not be deleted.
        ("GOFLAGS", "-mod=mod -modcacherw"),
        ("GOSUMDB", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
        ("GO111MODULE", "on"),
    ]);
    FetchCommand {
        argv: argv.collect(),
        env,
        pass: PASSED,
    }
}

const PASSED: &[&str] = &[
    "HOME",
    "PATH",
    "GOENV",
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GOINSECURE",
    "GOAUTH",
    "GOVCS",
    "NETRC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "XDG_CONFIG_HOME",
];

/// What `go mod download -json` says of one module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    error: Option<String>,
    sum: Option<String>,
    go_mod_sum: Option<String>,
}

/// Why a module was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// `go` could not fetch it; its own words.
    #[error("the module {module} cannot be fetched: {why}")]
    Failed {
        /// The module.
        module: ModuleVersion,
        /// What `go` said.
        why: String,
    },
    /// What came is not what `go.sum` asks for.
    #[error(
        "the module {module} is not the one that go.sum names: {what} should have the hash {expected}, but what was \
         fetched has {found}. Somebody changed the module after go.sum was written, or stands between you and it"
    )]
    Mismatch {
        /// The module.
        module: ModuleVersion,
        /// `its go.mod` or `its content`.
        what: &'static str,
        /// The hash in `go.sum`.
        expected: String,
        /// The hash of what came.
        found: String,
    },
}

/// Judges the answer of the fetch command against `go.sum`.
///
/// This finds a changed module early and in `go`'s words; what counts is the same comparison with
/// hashes of our own, [`check_sums`].
///
/// # Errors
/// `go` reported a failure, said nothing that can be read, or names other hashes.
pub fn check_answer(module: &ModuleVersion, json: &[u8], expected: &Sums) -> Result<(), FetchError> {
    let failed = |why: String| FetchError::Failed {
        module: module.clone(),
        why,
    };
    let answer: Answer = serde_json::from_slice(json)
        .map_err(|_| failed(format!("go said {:?}", String::from_utf8_lossy(json))))?;
    if let Some(error) = answer.error {
        return Err(failed(error));
    }
    check_sums(
        module,
        &Sums {
            zip: answer.sum,
            go_mod: answer.go_mod_sum,
        },
        expected,
    )
}

/// Compares the hashes of what was fetched with those of `go.sum`; both of both must be there.
///
/// # Errors
/// One differs or is missing.
pub fn check_sums(module: &ModuleVersion, found: &Sums, expected: &Sums) -> Result<(), FetchError> {
    let pairs = [
        ("its go.mod", &expected.go_mod, &found.go_mod),
        ("its content", &expected.zip, &found.zip),
    ];
    for (what, expected, found) in pairs {
        if expected.is_none() || expected != found {
            let shown = |hash: &Option<String>| hash.clone().unwrap_or_else(|| "none".into());
            let (module, expected, found) = (module.clone(), shown(expected), shown(found));
            return Err(FetchError::Mismatch {
                module,
                what,
                expected,
                found,
            });
        }
    }
    Ok(())
}

/// The `h1:` hash of named files: names as in the module's archive (`path@version/file`, not escaped),
/// each with the SHA-256 of its bytes, in any order. Source: `dirhash.Hash1` of Go 1.26.
pub fn hash1(files: impl IntoIterator<Item = (String, [u8; 32])>) -> String {
    let sorted: BTreeMap<String, [u8; 32]> = files.into_iter().collect();
    let mut hasher = Sha256::new();
    for (name, sha256) in &sorted {
        let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        hasher.update(format!("{hex}  {name}\n"));
    }
    format!("h1:{}", STANDARD.encode(hasher.finalize()))
}

/// The `h1:` hash of a module's files, named relative to its folder.
pub fn hash_module(module: &ModuleVersion, files: impl IntoIterator<Item = (RelPath, [u8; 32])>) -> String {
    hash1(
        files
            .into_iter()
            .map(|(path, sha256)| (format!("{module}/{}", path.as_str()), sha256)),
    )
}

/// The `h1:` hash of a `go.mod` by its bytes.
pub fn hash_go_mod(bytes: &[u8]) -> String {
    hash1([("go.mod".to_owned(), Sha256::digest(bytes).into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda() -> ModuleVersion {
        ModuleVersion::new("github.com/aws/aws-lambda-go", "v1.47.0")
    }

    fn sums() -> Sums {
        Sums {
            zip: Some("h1:Z=".into()),
            go_mod: Some("h1:M=".into()),
        }
    }

    #[test]
    fn upper_case_is_escaped_in_paths_and_versions() {
        let paths = cache_paths(&ModuleVersion::new("github.com/BurntSushi/toml", "v1.0.0-RC1")).unwrap();
        assert_eq!(paths.tree.as_str(), "github.com/!burnt!sushi/toml@v1.0.0-!r!c1");
        let download = "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1";
        assert_eq!(paths.go_mod.as_str(), format!("{download}.mod"));
        assert_eq!(paths.zip_hash.as_str(), format!("{download}.ziphash"));
        assert!(cache_paths(&ModuleVersion::new("../x", "v1.0.0")).is_err());
    }

    #[test]
    fn the_command_names_one_module_and_trusts_nobody() {
        let command = fetch_command(&lambda());
        assert_eq!(
            command.argv.join(" "),
            "go mod download -json github.com/aws/aws-lambda-go@v1.47.0"
        );
        assert_eq!(
            (command.env["GOSUMDB"], command.env["GOFLAGS"]),
            ("off", "-mod=mod -modcacherw")
        );
        assert!(command.pass.contains(&"GOPROXY") && !command.pass.contains(&"GOFLAGS"));
    }

    #[test]
    fn answers_are_judged() {
        let judge =
            |json: &str| check_answer(&lambda(), json.as_bytes(), &sums()).map_err(|error| error.to_string());
        assert_eq!(judge(r#"{"Path":"x","Sum":"h1:Z=","GoModSum":"h1:M="}"#), Ok(()));
        insta::assert_snapshot!(
            judge(r#"{"Sum":"h1:X=","GoModSum":"h1:M="}"#).unwrap_err(),
            @"the module github.com/aws/aws-lambda-go@v1.47.0 is not the one that go.sum names: its content should have the hash h1:Z=, but what was fetched has h1:X=. Somebody changed the module after go.sum was written, or stands between you and it"
        );
        insta::assert_snapshot!(
            judge(r#"{"Error":"not found: module x"}"#).unwrap_err(),
            @"the module github.com/aws/aws-lambda-go@v1.47.0 cannot be fetched: not found: module x"
        );
        assert!(judge("{}").is_err());
        insta::assert_snapshot!(
            judge("go: no space").unwrap_err(),
            @r#"the module github.com/aws/aws-lambda-go@v1.47.0 cannot be fetched: go said "go: no space""#
        );
    }

    #[test]
    fn a_hash_that_is_not_expected_is_no_match() {
        assert!(check_sums(&lambda(), &Sums::default(), &Sums::default()).is_err());
    }

    /// The hash in the checksum database for the `go.mod` of golang.org/x/xerrors at this version.
    #[test]
    fn a_known_go_mod_has_its_known_hash() {
        assert_eq!(
            hash_go_mod(b"module golang.org/x/xerrors\n\ngo 1.11\n"),
            "h1:I/5z698sn9Ka8TeJc9MKroUUfqBBauWjQqLJ2OPfmY0="
        );
    }

    #[test]
    fn the_order_of_files_does_not_count() {
        let file = |name: &str, byte| (RelPath::new(name).unwrap(), [byte; 32]);
        let one = hash_module(&lambda(), [file("b", 1), file("a/c", 2)]);
        assert_eq!(one, hash_module(&lambda(), [file("a/c", 2), file("b", 1)]));
        assert_ne!(one, hash_module(&lambda(), [file("a/c", 1), file("b", 2)]));
    }
}
