//! Nothing outside of the workspace reaches a build file: not through links, however they lead
//! out, and not through any function. Each case would say the secret if it could be read.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which may fail where they stand"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use lambuild_testkit::TempWorkspace;

use crate::harness::with_own_store;

/// Stands in every file outside, and in the names of all that lies there.
const SECRET: &str = "top-secret";

/// Files and folders beside the workspace.
fn outside() -> TempWorkspace {
    let outside = TempWorkspace::empty();
    let root = outside.root();
    for (path, text) in [
        ("text", format!("{SECRET}\n")),
        ("data.json", format!("{{\"a\": \"{SECRET}\"}}\n")),
        ("data.yaml", format!("a: {SECRET}\n")),
        ("data.toml", format!("a = \"{SECRET}\"\n")),
        ("library.build", format!("let a = \"{SECRET}\"\n")),
        ("lambda.build", format!("let a = \"{SECRET}\"\n")),
        ("folder/top-secret-folder/top-secret.txt", String::new()),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    outside
}

/// The way from a folder to another, with `..`.
fn relative(from: &Path, to: &Path) -> String {
    let up = "../".repeat(from.components().count() - 1);
    format!("{up}{}", to.strip_prefix("/").unwrap().display())
}

/// What is written after the workspace item, for links to `outside` at `./all`, and to its parts
/// at `./text` and so on.
const WAYS: [(&str, &str); 16] = [
    ("a link to a file is read", "assert false, read(./text)"),
    (
        "a file in a linked folder is read",
        "assert false, read(./all/text)",
    ),
    ("JSON", "assert false, to_json(json(./data.json))"),
    (
        "JSON in a linked folder",
        "assert false, to_json(json(./all/data.json))",
    ),
    ("YAML", "assert false, to_json(yaml(./data.yaml))"),
    ("TOML", "assert false, to_json(toml(./data.toml))"),
    ("a library", "import ./library.build as l\nassert false, l.a"),
    (
        "a library in a linked folder",
        "import ./all/library.build as l\nassert false, l.a",
    ),
    (
        "a linked folder with a build file",
        "import ./all as l\nassert false, l.a",
    ),
    (
        "a linked folder is listed",
        "assert false, join(\" \", [basename(d) for d in dirs(./folder)])",
    ),
    (
        "a folder in a linked folder is listed",
        "assert false, join(\" \", [basename(d) for d in dirs(./all/folder)])",
    ),
    (
        "a linked folder is searched",
        "assert false, join(\" \", [basename(f) for f in glob(./folder, \"**\", allow_empty = true)])",
    ),
    (
        "a linked folder is found in a search",
        "assert false, join(\" \", [basename(f) for f in glob(./., \"**/*.txt\", allow_empty = true)])",
    ),
    (
        "a path climbs out of a link",
        "assert false, read(./folder/../text)",
    ),
    (
        "a computed path climbs",
        "let up = \"..\"\nassert false, read(./folder/${up}/${up}/text)",
    ),
    ("a chain of links", "assert false, read(./chain)"),
];

fn leaks(absolute: bool) -> Vec<String> {
    let mut leaks = Vec::new();
    for (what, text) in WAYS {
        let outside = outside();
        let workspace = TempWorkspace::with(&[("lambda.build", &format!("workspace w {{ }}\n{text}\n"))]);
        let (here, there) = (
            workspace.root().canonicalize().unwrap(),
            outside.root().canonicalize().unwrap(),
        );
        let link = |name: &str, to: &Path| {
            let to = match absolute {
                true => to.display().to_string(),
                false => relative(&here, to),
            };
            symlink(to, here.join(name)).unwrap();
        };
        link("all", &there);
        for name in [
            "text",
            "data.json",
            "data.yaml",
            "data.toml",
            "library.build",
            "folder",
        ] {
            link(name, &there.join(name));
        }
        symlink("text", here.join("chain")).unwrap();
        let run = with_own_store(&workspace).run(["check"]);
        assert!(run.stderr.contains("error["), "{what}: {run}");
        if run.stderr.contains(SECRET) || run.stdout.contains(SECRET) {
            leaks.push(format!("{what}: {run}"));
        }
    }
    leaks
}

#[test]
fn absolute_links_do_not_lead_out() {
    assert_eq!(leaks(true).join("\n"), "");
}

#[test]
fn relative_links_do_not_lead_out() {
    assert_eq!(leaks(false).join("\n"), "");
}

/// The same ways, with the files inside: they are what the cases above would say.
#[test]
fn inside_the_same_is_read() {
    let outside = outside();
    for (what, text) in WAYS.iter().take(13) {
        let text = format!("workspace w {{ }}\n{text}\n");
        fs::write(outside.root().join("lambda.build"), &text).unwrap();
        let all = outside.root().join("all");
        let _ = fs::remove_dir_all(&all);
        fs::create_dir_all(all.join("folder/top-secret-folder")).unwrap();
        for name in ["text", "data.json", "library.build"] {
            fs::copy(outside.root().join(name), all.join(name)).unwrap();
        }
        fs::write(all.join("lambda.build"), format!("let a = \"{SECRET}\"\n")).unwrap();
        let run = with_own_store(&outside).run(["check"]).exits(2);
        assert!(run.stderr.contains(SECRET), "{what}: {run}");
    }
}

/// What runs twice says the same, whatever the environment is.
#[test]
fn no_function_knows_the_environment() {
    for name in [
        "env",
        "getenv",
        "now",
        "time",
        "date",
        "random",
        "uuid",
        "fetch_url",
        "http",
        "hostname",
        "shell",
    ] {
        let text = format!("workspace w {{ }}\nassert {name}(\"HOME\") == \"\", \"x\"\n");
        let workspace = TempWorkspace::with(&[("lambda.build", &text)]);
        let run = with_own_store(&workspace).run(["check"]).exits(2);
        let says = format!("there is no template or function `{name}`");
        assert!(run.stderr.contains(&says), "{run}");
    }
}
