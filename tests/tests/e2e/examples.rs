//! Proves what the examples promise: all of them build, the same bytes come out everywhere, and
//! a change rebuilds what it reaches and nothing else.

use lambuild_testkit::{Program, Tool, Tools, repository_root};

use crate::harness::{
    Build, arch_of, code_sha256, example, first_build, first_workspace, lambuild, unzip, with_own_store,
};

/// Every function of the examples, by its address in the workspace of all.
const FUNCTIONS: [&str; 6] = [
    "examples/hello-go:hello",
    "examples/monorepo/services/orders:audit",
    "examples/monorepo/services/orders:orders-api",
    "examples/monorepo/services/payments:checkout",
    "examples/monorepo/services/payments:refund",
    "examples/monorepo/services/payments:void",
];

#[test]
fn the_workspace_of_all_examples_builds_every_target() {
    let build = first_build();
    let mut functions: Vec<_> = build.artifacts.iter().filter(|a| a.arch != "any").collect();
    functions.sort_by_key(|artifact| (artifact.target.clone(), artifact.arch.clone()));
    let found: Vec<_> = functions
        .iter()
        .map(|a| format!("{} {}", a.target, a.arch))
        .collect();
    let expected: Vec<_> = FUNCTIONS
        .iter()
        .flat_map(|f| [format!("{f} arm64"), format!("{f} x86_64")])
        .collect();
    assert_eq!(found, expected);
    let layers: Vec<_> = build
        .artifacts
        .iter()
        .filter(|a| a.arch == "any")
        .map(|a| a.target.as_str())
        .collect();
    assert_eq!(layers, ["examples/monorepo:certs", "examples/monorepo:tools"]);
}

#[test]
fn the_summary_tells_size_and_hash_of_what_lies_there() {
    for artifact in &first_build().artifacts {
        let zip = first_workspace().bytes(&artifact.path);
        assert_eq!(
            (artifact.size, &artifact.sha256),
            (zip.len() as u64, &code_sha256(&zip)),
            "{}",
            artifact.path
        );
    }
}

#[test]
fn outputs_have_stable_names() {
    let workspace = example("monorepo");
    let build = Build::of(&lambuild(&workspace), &["services/payments:void"]);
    assert_eq!(
        build.artifact("services/payments:void", "arm64").path,
        ".lambuild/out/services/payments/void/arm64.zip"
    );
    let hello = example("hello-go");
    let build = Build::of(&lambuild(&hello), &[]);
    assert_eq!(
        build.artifact(":hello", "x86_64").path,
        ".lambuild/out/hello/x86_64.zip"
    );
}

#[test]
fn functions_hold_one_executable_for_their_architecture() {
    for artifact in first_build()
        .artifacts
        .iter()
        .filter(|artifact| artifact.arch != "any")
    {
        let files = unzip(&first_workspace().bytes(&artifact.path));
        let names: Vec<_> = files
            .iter()
            .map(|(path, mode, _)| (path.as_str(), *mode))
            .collect();
        assert_eq!(names, [("bootstrap", 0o755)], "{}", artifact.target);
        assert_eq!(
            elf_machine(&files[0].2),
            Some(machine(&artifact.arch)),
            "{}",
            artifact.target
        );
    }
}

/// The field `e_machine` of a little-endian ELF file.
fn elf_machine(program: &[u8]) -> Option<u16> {
    let header = program.strip_prefix(b"\x7fELF")?;
    Some(u16::from_le_bytes([*header.get(14)?, *header.get(15)?]))
}

/// The number that ELF gives to an architecture: EM_AARCH64, EM_X86_64.
fn machine(arch: &str) -> u16 {
    match arch_of(arch) {
        lambuild_testkit::Arch::Arm64 => 183,
        lambuild_testkit::Arch::X86_64 => 62,
    }
}

#[test]
fn layers_hold_their_files_where_the_runtime_looks() {
    let files = |target: &str| {
        let zip = first_workspace().bytes(&first_build().artifact(target, "any").path);
        unzip(&zip)
            .into_iter()
            .map(|(path, mode, _)| (path, mode))
            .collect::<Vec<_>>()
    };
    let pair = |path: &str, mode: u32| (path.to_owned(), mode);
    assert_eq!(
        files("examples/monorepo:certs"),
        [pair("etc/ssl/certs/ca.pem", 0o644)]
    );
    let tools = [
        pair("bin/mask-lines", 0o755),
        pair("lib/audit/fields.json", 0o644),
    ];
    assert_eq!(files("examples/monorepo:tools"), tools);
}

#[test]
fn a_second_build_runs_nothing_and_changes_nothing() {
    let workspace = example("monorepo");
    let first = Build::of(&lambuild(&workspace), &[]);
    let second = Build::of(&lambuild(&workspace), &[]);
    assert_eq!((second.executed, second.cached > 0), (0, true));
    assert_eq!(second.artifacts, first.artifacts);
}

#[test]
fn another_folder_finds_everything_in_the_cache() {
    let workspace = example("monorepo");
    let build = Build::of(&lambuild(&workspace), &[]);
    assert_eq!(
        build.executed, 0,
        "the same sources were built in another folder already"
    );
    let here = build.artifact("services/orders:audit", "arm64");
    let there = first_build().artifact("examples/monorepo/services/orders:audit", "arm64");
    assert_eq!(here.sha256, there.sha256);
}

#[test]
fn touching_a_file_runs_nothing() {
    let workspace = example("hello-go");
    Build::of(&lambuild(&workspace), &[]);
    workspace.touch("main.go");
    assert_eq!(Build::of(&lambuild(&workspace), &[]).executed, 0);
}

#[test]
fn a_change_of_one_function_rebuilds_that_one() {
    let workspace = example("monorepo");
    let before = Build::of(&lambuild(&workspace), &[]);
    workspace.edit(
        "services/payments/cmd/void/main.go",
        "can be voided",
        "can be taken back",
    );
    let after = Build::of(&lambuild(&workspace), &[]);
    assert_eq!(after.changed_since(&before), both(&["services/payments:void"]));
    // For each architecture a compilation and a zip; whatever else ran was not asked for.
    assert_eq!(after.executed, 4);
}

#[test]
fn a_change_of_a_shared_package_rebuilds_those_that_import_it() {
    let workspace = example("monorepo");
    let before = Build::of(&lambuild(&workspace), &[]);
    workspace.edit("internal/catalog/prices.json", "450", "475");
    let after = Build::of(&lambuild(&workspace), &[]);
    let importers = both(&["services/orders:orders-api", "services/payments:checkout"]);
    assert_eq!(after.changed_since(&before), importers);
}

#[test]
fn files_that_no_program_is_made_of_rebuild_nothing() {
    let workspace = example("monorepo");
    Build::of(&lambuild(&workspace), &[]);
    workspace.edit(
        "internal/money/money_test.go",
        "two currencies were added",
        "EUR and USD were added",
    );
    workspace.write("NOTES.md", "nothing is made of this");
    assert_eq!(Build::of(&lambuild(&workspace), &[]).executed, 0);
}

#[test]
fn a_change_of_a_layer_leaves_functions_alone() {
    let workspace = example("monorepo");
    let before = Build::of(&lambuild(&workspace), &[]);
    workspace.edit(
        "layers/tools/lib/audit/fields.json",
        "\"phone\"",
        "\"phone\", \"address\"",
    );
    let after = Build::of(&lambuild(&workspace), &[]);
    assert_eq!(
        after.changed_since(&before),
        [(":tools".to_owned(), "any".to_owned())]
    );
}

#[test]
fn an_empty_store_in_another_place_gives_the_same_bytes() {
    let workspace = example("hello-go");
    let alone = Build::of(&with_own_store(&workspace), &["--arch", "arm64"]);
    assert!(alone.executed > 0);
    let (here, there) = (
        alone.artifact(":hello", "arm64"),
        first_build().artifact("examples/hello-go:hello", "arm64"),
    );
    assert_eq!(here.sha256, there.sha256);
}

#[test]
fn the_examples_pass_their_own_tests() {
    let Some(go) = Tools::find().get(Tool::Go) else {
        println!("not run: there is no go on PATH, and lambuild's own is not for this");
        return;
    };
    for name in ["hello-go", "monorepo"] {
        let folder = repository_root().join("examples").join(name);
        for command in ["vet", "test"] {
            let program = Program::new(&go, &folder).args([command, "./..."]);
            program
                .envs(home())
                .env("GOFLAGS", "-mod=readonly")
                .run()
                .success();
        }
    }
}

/// Go keeps its cache and its settings in the user's home folder.
#[expect(clippy::disallowed_methods, reason = "a test that runs the user's own Go")]
fn home() -> Option<(&'static str, std::ffi::OsString)> {
    Some(("HOME", std::env::var_os("HOME")?))
}

/// Each target with both architectures, as [`Build::changed_since`] lists them.
fn both(targets: &[&str]) -> Vec<(String, String)> {
    let pair = |target: &&str, arch: &str| ((*target).to_owned(), arch.to_owned());
    targets
        .iter()
        .flat_map(|target| [pair(target, "arm64"), pair(target, "x86_64")])
        .collect()
}
