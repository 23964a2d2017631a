//! The Go rules against the real `go`: the same files and modules as
//! `go list -deps` names, and slices from which `go build` makes the same bytes
//! offline. Without a `go` on `PATH` these tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lambuild_digest::RelPath;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::closure::read_go_mod;
use super::modcache::{cache_paths, check_answer, check_sums, fetch_command, hash_go_mod, hash_module};
use super::*;
use crate::go::gosum::Sums;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/go/testdata/workspace");

/// A folder on disk.
struct Disk(PathBuf);

impl GoFiles for Disk {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test looks at real folders; the rules sort what they are given"
    )]
    fn list(&self, dir: &RelPath) -> Option<Vec<(String, Kind)>> {
        let entries = std::fs::read_dir(self.0.join(dir.as_str())).ok()?;
        let entry = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.ok()?;
            let kind = match entry.file_type().ok()? {
                kind if kind.is_dir() => Kind::Dir,
                kind if kind.is_symlink() => Kind::Link,
                _ => Kind::File,
            };
            Some((entry.file_name().into_string().ok()?, kind))
        };
        Some(entries.filter_map(entry).collect())
    }

    fn read(&self, file: &RelPath) -> Result<Arc<[u8]>, String> {
        std::fs::read(self.0.join(file.as_str()))
            .map(Arc::from)
            .map_err(|error| error.to_string())
    }
}

impl Disk {
    /// All files below, with the SHA-256 of each.
    fn hashes(&self) -> Vec<(RelPath, [u8; 32])> {
        let (mut found, mut folders) = (Vec::new(), vec![RelPath::root()]);
        while let Some(folder) = folders.pop() {
            for (name, kind) in self.list(&folder).unwrap() {
                let path = folder.child(&name).unwrap();
                match kind {
                    Kind::Dir => folders.push(path),
                    _ => found.push((path.clone(), Sha256::digest(self.read(&path).unwrap()).into())),
                }
            }
        }
        found
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the oracle is a program; rules themselves start none"
)]
fn go(dir: &Path, cache: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(dir)
        .env("GOMODCACHE", cache)
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local");
    command
        .env("GOFLAGS", "-modcacherw")
        .env("GOOS", "linux")
        .env("CGO_ENABLED", "0");
    command
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{error}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    output.stdout
}

/// A module cache that `go` itself filled, and the release of that `go`; `None`, with a note, where there is no `go`.
fn oracle() -> Option<(tempfile::TempDir, u32)> {
    let cache = tempfile::tempdir().unwrap();
    let Ok(output) = go(cache.path(), cache.path()).args(["env", "GOVERSION"]).output() else {
        eprintln!("skipped: there is no `go` on PATH to compare with");
        return None;
    };
    let version = String::from_utf8(output.stdout).unwrap();
    let release = version
        .trim()
        .split(['.', 'r', 'b', '-'])
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    run(go(&Path::new(WORKSPACE).join("app"), cache.path()).args(["mod", "download"]));
    Some((cache, release))
}

fn platform(goarch: &str, tags: &[&str], release: u32) -> Platform {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Platform {
        goos: "linux".into(),
        goarch: goarch.into(),
        tags,
        cgo: false,
        release,
    }
}

/// The closure of a program of the test workspace, with modules from a cache.
fn find(cache: &Path, main: &str, platform: &Platform) -> Closure {
    let sources = Disk(WORKSPACE.into());
    let module = RelPath::new("app").unwrap();
    let modules = read_go_mod(&sources, &module).unwrap().fetched();
    let trees: BTreeMap<ModuleVersion, Disk> = modules
        .into_iter()
        .map(|module| {
            (
                module.clone(),
                Disk(cache.join(cache_paths(&module).unwrap().tree.as_str())),
            )
        })
        .collect();
    let fetched = |module: &ModuleVersion| trees.get(module).map(|tree| tree as &dyn GoFiles);
    let folder = RelPath::new(main).unwrap();
    let request = Request {
        sources: &sources,
        module: &module,
        main: Main::Folder(&folder),
        fetched: &fetched,
        platform,
    };
    closure(&request).unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Listed {
    dir: PathBuf,
    import_path: String,
    standard: bool,
    module: Option<ListedModule>,
    go_files: Vec<String>,
    s_files: Vec<String>,
    h_files: Vec<String>,
    syso_files: Vec<String>,
    embed_files: Vec<String>,
    imports: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct ListedModule {
    path: String,
    version: Option<String>,
    replace: Option<Box<ListedModule>>,
}

fn listed(cache: &Path, package: &str, platform: &Platform) -> Vec<Listed> {
    let tags: Vec<&str> = platform.tags.iter().map(String::as_str).collect();
    let mut command = go(&Path::new(WORKSPACE).join("app"), cache);
    command
        .env("GOARCH", &platform.goarch)
        .args(["list", "-deps", "-json", "-tags"])
        .arg(tags.join(","))
        .arg(package);
    let json = run(&mut command);
    let packages = serde_json::Deserializer::from_slice(&json).into_iter::<Listed>();
    packages
        .map(Result::unwrap)
        .filter(|package| !package.standard)
        .collect()
}

/// The same facts as in a [`Closure`], from `go list`: workspace files, modules, packages.
fn facts(packages: &[Listed]) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
    let (mut files, mut modules, mut imports) = Default::default();
    for package in packages {
        BTreeSet::insert(&mut imports, package.import_path.clone());
        if let Ok(dir) = package.dir.strip_prefix(WORKSPACE) {
            let lists = [
                &package.go_files,
                &package.s_files,
                &package.h_files,
                &package.syso_files,
                &package.embed_files,
            ];
            let names = lists.into_iter().flatten();
            BTreeSet::extend(
                &mut files,
                names.map(|name| dir.join(name).to_str().unwrap().to_owned()),
            );
        } else {
            let module = package.module.clone().unwrap();
            let module = module.replace.clone().map_or(module, |by| *by);
            BTreeSet::insert(
                &mut modules,
                format!("{}@{}", module.path, module.version.unwrap()),
            );
        }
    }
    (files, modules, imports)
}

#[test]
fn the_closure_is_what_go_list_names() {
    let Some((cache, release)) = oracle() else { return };
    for package in ["cmd/small", "cmd/api"] {
        for (arch, tags) in [("amd64", &[][..]), ("arm64", &[]), ("arm64", &["lambda.norpc"])] {
            let platform = platform(arch, tags, release);
            let found = find(cache.path(), &format!("app/{package}"), &platform);
            let (files, modules, packages) = facts(&listed(cache.path(), &format!("./{package}"), &platform));
            let text = |path: &RelPath| path.as_str().to_owned();
            assert_eq!(
                found.files.iter().map(text).collect::<BTreeSet<_>>(),
                files,
                "{package} {arch} {tags:?}"
            );
            let found_modules: BTreeSet<String> = found.modules.keys().map(ToString::to_string).collect();
            assert_eq!(found_modules, modules, "{package} {arch} {tags:?}");
            assert_eq!(found.packages, packages, "{package} {arch} {tags:?}");
        }
    }
}

/// Every package of every fetched module for several platforms: constraints, names, imports, broken test data too.
#[test]
fn every_third_party_package_has_the_files_that_go_list_names() {
    let Some((cache, release)) = oracle() else { return };
    let modules = [
        "golang.org/x/sys",
        "golang.org/x/crypto",
        "github.com/aws/aws-lambda-go",
        "github.com/pkg/errors",
    ];
    for (goos, goarch) in [("linux", "arm64"), ("darwin", "amd64"), ("windows", "386")] {
        let platform = Platform {
            goos: goos.into(),
            ..platform(goarch, &["lambda.norpc"], release)
        };
        let mut compared = 0;
        for module in modules {
            let mut command = go(&Path::new(WORKSPACE).join("app"), cache.path());
            command.env("GOOS", goos).env("GOARCH", goarch);
            command
                .args(["list", "-e", "-json", "-tags", "lambda.norpc"])
                .arg(format!("{module}/..."));
            let json = run(&mut command);
            for listed in serde_json::Deserializer::from_slice(&json)
                .into_iter::<Listed>()
                .map(Result::unwrap)
            {
                compare_package(&listed, &platform);
                compared += 1;
            }
        }
        assert!(compared > 30, "only {compared} packages were compared");
    }
}

/// The whole standard library is the hardest test for scanner and constraints that is at hand.
#[test]
fn every_package_of_the_standard_library_has_the_files_that_go_list_names() {
    let Some((cache, release)) = oracle() else { return };
    let platform = platform("arm64", &[], release);
    let json = run(go(cache.path(), cache.path())
        .env("GOARCH", "arm64")
        .args(["list", "-json", "std"]));
    let listed: Vec<Listed> = serde_json::Deserializer::from_slice(&json)
        .into_iter::<Listed>()
        .map(Result::unwrap)
        .collect();
    listed
        .iter()
        .for_each(|listed| compare_package(listed, &platform));
    assert!(listed.len() > 200, "only {} packages were compared", listed.len());
}

/// The same files, but for those of experiments, which are taken whether the experiment is on or not.
fn compare_package(listed: &Listed, platform: &Platform) {
    let lists = [
        &listed.go_files,
        &listed.s_files,
        &listed.h_files,
        &listed.syso_files,
    ];
    let expected: BTreeSet<String> = lists.into_iter().flatten().cloned().collect();
    let found = package::package(&Disk(listed.dir.clone()), &RelPath::root(), platform);
    let (files, imports) = found
        .map(|package| (package.files, package.imports))
        .unwrap_or_default();
    if listed.go_files.is_empty() {
        assert_eq!(files.len(), 0, "{} {platform:?}", listed.import_path);
        return;
    }
    let experimental = |name: &String| {
        let text = std::fs::read_to_string(listed.dir.join(name)).unwrap();
        text.contains("goexperiment.") || text.contains("boringcrypto")
    };
    let found: BTreeSet<String> = files.iter().map(|file| file.as_str().to_owned()).collect();
    let extra: Vec<&String> = found
        .difference(&expected)
        .filter(|name| !experimental(name))
        .collect();
    let missing: Vec<&String> = expected.difference(&found).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "{}: {extra:?} {missing:?}",
        listed.import_path
    );
    let unseen: Vec<&String> = listed
        .imports
        .iter()
        .filter(|import| !is_seen(import, &imports))
        .collect();
    assert!(unseen.is_empty(), "{}: {unseen:?}", listed.import_path);
}

/// `go list` names vendored packages of the standard library by their place.
fn is_seen(import: &str, imports: &BTreeMap<String, package::Site>) -> bool {
    imports.contains_key(import.strip_prefix("vendor/").unwrap_or(import))
}

/// What `lambuild` lays out for a build: the closure's files and slices, and a module cache of the modules in use.
fn lay_out(closure: &Closure, cache: &Path, root: &Path) {
    let put = |path: PathBuf, bytes: Vec<u8>| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for file in &closure.files {
        put(
            root.join("src").join(file.as_str()),
            std::fs::read(Path::new(WORKSPACE).join(file.as_str())).unwrap(),
        );
    }
    for (file, text) in &closure.slices {
        put(root.join("src").join(file.as_str()), text.clone().into_bytes());
    }
    for module in closure.modules.keys() {
        let paths = cache_paths(module).unwrap();
        for file in [&paths.go_mod, &paths.zip_hash] {
            put(
                root.join("mod").join(file.as_str()),
                std::fs::read(cache.join(file.as_str())).unwrap(),
            );
        }
        let tree = Disk(cache.join(paths.tree.as_str()));
        for (file, _) in tree.hashes() {
            let to = root.join("mod").join(paths.tree.join(&file).as_str());
            put(to, tree.read(&file).unwrap().to_vec());
        }
    }
}

fn build(dir: &Path, cache: &Path, platform: &Platform, package: &str, out: &Path) -> String {
    let tags: Vec<&str> = platform.tags.iter().map(String::as_str).collect();
    let mut command = go(dir, cache);
    command
        .env("GOPROXY", "off")
        .env("GOSUMDB", "off")
        .env("GOFLAGS", "")
        .env("GOARCH", &platform.goarch);
    command.args([
        "build",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w -buildid=",
        "-tags",
    ]);
    run(command.arg(tags.join(",")).arg("-o").arg(out).arg(package));
    Sha256::digest(std::fs::read(out).unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_build_from_the_slices_makes_the_same_bytes() {
    let Some((cache, release)) = oracle() else { return };
    for (package, arch, tags) in [
        ("example.com/app/cmd/small", "amd64", &[][..]),
        ("example.com/app/cmd/small", "arm64", &["lambda.norpc"]),
        ("example.com/app/cmd/api", "arm64", &[]),
    ] {
        let platform = platform(arch, tags, release);
        let root = tempfile::tempdir().unwrap();
        let folder = package.replace("example.com/", "");
        let found = find(cache.path(), &folder, &platform);
        assert_eq!(found.main, package);
        lay_out(&found, cache.path(), root.path());
        let plain = build(
            &Path::new(WORKSPACE).join("app"),
            cache.path(),
            &platform,
            package,
            &root.path().join("plain"),
        );
        let sliced = build(
            &root.path().join("src/app"),
            &root.path().join("mod"),
            &platform,
            package,
            &root.path().join("out"),
        );
        assert_eq!(plain, sliced, "{package} {arch} {tags:?}");
    }
}

#[test]
fn a_fetched_module_is_what_go_sum_names() {
    let Some((cache, _)) = oracle() else { return };
    let sum = GoSum::parse(
        &Disk(WORKSPACE.into())
            .read(&RelPath::new("app/go.sum").unwrap())
            .unwrap(),
    )
    .unwrap();
    let fresh = tempfile::tempdir().unwrap();
    for module in [
        ModuleVersion::new("github.com/BurntSushi/toml", "v1.4.0"),
        ModuleVersion::new("github.com/pkg/errors", "v0.9.0"),
    ] {
        let expected = sum.get(&module).unwrap();
        let command = fetch_command(&module);
        let mut process = go(fresh.path(), &fresh.path().join("mod"));
        process.args(&command.argv[1..]).envs(&command.env);
        check_answer(&module, &run(&mut process), expected).unwrap();
        let paths = cache_paths(&module).unwrap();
        let at = |path: &RelPath| fresh.path().join("mod").join(path.as_str());
        let zip = hash_module(&module, Disk(at(&paths.tree)).hashes());
        let go_mod = hash_go_mod(&std::fs::read(at(&paths.go_mod)).unwrap());
        assert_eq!(std::fs::read_to_string(at(&paths.zip_hash)).unwrap(), zip);
        check_sums(
            &module,
            &Sums {
                zip: Some(zip),
                go_mod: Some(go_mod),
            },
            expected,
        )
        .unwrap();
    }
    let absent = fetch_command(&ModuleVersion::new("github.com/pkg/errors", "v99.0.0"));
    let output = go(fresh.path(), cache.path())
        .args(&absent.argv[1..])
        .envs(&absent.env)
        .output()
        .unwrap();
    let error = check_answer(
        &ModuleVersion::new("github.com/pkg/errors", "v99.0.0"),
        &output.stdout,
        &Sums::default(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .starts_with("the module github.com/pkg/errors@v99.0.0 cannot be fetched: ")
    );
}
