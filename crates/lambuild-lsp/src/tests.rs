//! Questions about places, without a protocol; and sessions in memory, for what a real program cannot be
//! made to do.

use crate::analyse::{Terms, analyse};
use crate::complete::complete;
use crate::define::{define, mentions};
use crate::hover::hover;
use crate::lines::Encoding;
use crate::rename::rename;
use crate::server::{Host, Server};
use crate::snapshot::{Remembered, SharedFiles, Snapshot};
use crate::view::View;
use lambuild_lang::doc::entries;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::{FileError, FileKind, Files, MemoryFiles, Options, RelPath, Schemas};
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

static MODE: Schema = Schema {
    name: "mode",
    doc: "",
    attributes: &[Attribute::new("level", Type::OneOf(&["low", "high"]), "How much.").required()],
};
static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[
        Attribute::new("timeout", Type::Int { min: 1, max: 900 }, "Seconds.").default("3"),
        Attribute::new("publish", Type::Bool, "Whether."),
        Attribute::new("mode", Type::Set(&MODE), "A mode."),
        Attribute::new(
            "modes",
            Type::List {
                item: &Type::Set(&MODE),
                max: 9,
            },
            "Modes.",
        ),
        Attribute::new(
            "layers",
            Type::List {
                item: &Type::Layer,
                max: 5,
            },
            "Layers.",
        ),
    ],
};
static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[Attribute::new("data", Type::Bool, "Whether it is data.")],
};
static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[Attribute::new("vars", Type::Any, "Values.")],
};
static GO: Schema = Schema {
    name: "go",
    doc: "Go.",
    attributes: &[Attribute::new("main", Type::Any, "The package.").required()],
};
static GO_TOOLS: Schema = Schema {
    name: "go",
    doc: "A Go.",
    attributes: &[Attribute::new("version", Type::Any, "Which.").required()],
};

static BUILDERS: [&Schema; 1] = [&GO];
static TOOLCHAINS: [&Schema; 1] = [&GO_TOOLS];

fn schemas() -> Schemas<'static> {
    Schemas {
        function: &FUNCTION,
        layer: &LAYER,
        stage: &STAGE,
        builders: &BUILDERS,
        toolchains: &TOOLCHAINS,
    }
}

const ROOT: &str = r#"workspace w { architectures = ["arm64"] }
# How all are made.
let service(main, size = 1) = { timeout = size }
for name in ["a", "b"] { layer "l-${name}" { data = true } }
layer certs { data = true }
stage dev { vars = { color = "red" } }
"#;

/// Asks about the place of `|` in the text of `team/lambda.build`.
fn ask<T>(marked: &str, question: impl FnOnce(&View<'_>, usize) -> T) -> T {
    let offset = marked.find('|').unwrap();
    let text = marked.replacen('|', "", 1);
    let file = RelPath::new("team/lambda.build").unwrap();
    let disk = MemoryFiles::new([
        ("lambda.build", ROOT),
        ("team/lambda.build", ""),
        ("team/cmd/x/main.go", ""),
    ]);
    let files = Snapshot {
        disk: Arc::new(Remembered::new(Box::new(disk.unwrap()))),
        open: [(file.clone(), text.as_str().into())].into(),
    };
    let terms = Terms {
        root: PathBuf::from("/w"),
        encoding: Encoding::Utf16,
        uris: [].into(),
    };
    let analysis = analyse(&files, &schemas(), &Options::default(), &terms);
    let view = View {
        file: &file,
        text: &text,
        files: &files,
        facts: &analysis.facts,
        entries: &entries(&schemas()),
    };
    question(&view, offset)
}

fn offered(marked: &str) -> Vec<String> {
    let found = ask(marked, complete);
    found.candidates.into_iter().map(|found| found.label).collect()
}

#[test]
fn attributes_follow_the_set_that_one_is_in() {
    assert_eq!(offered("function f { mode = { | } }"), ["level"]);
    assert_eq!(offered("function f { modes = [{ | }] }"), ["level"]);
    assert_eq!(offered("function f { go = 1, build = go { | } }"), ["main"]);
    assert_eq!(offered("toolchain go { | }"), ["version"]);
    assert_eq!(offered("stage s { defaults = { | } }"), ["function", "layer"]);
    assert_eq!(offered("stage s { defaults.layer = { | } }"), ["data"]);
    assert_eq!(offered("stage s { overrides = [{ | }] }"), ["targets", "set"]);
    assert!(offered("stage s { overrides = [{ set = { | } }] }").contains(&"timeout".to_owned()));
    assert!(!offered("stage s { defaults.function = { | } }").contains(&"build".to_owned()));
    assert!(offered("let t = { | }").contains(&"modes".to_owned()));
    assert_eq!(offered("function f { mode = { level = 1, | } }"), [] as [&str; 0]);
}

#[test]
fn values_follow_the_type() {
    assert_eq!(offered("function f { mode.level = \"|\" }"), ["low", "high"]);
    assert_eq!(offered("function f { publish = | }")[..2], ["true", "false"]);
    assert_eq!(offered("layer l { }\nfunction f { layers = [|] }")[0], "layer.l");
}

#[test]
fn names_of_other_files_are_known_computed_ones_too() {
    let import = "import ../lambda.build as lib\n";
    assert_eq!(
        offered(&format!("{import}let x = lib.layer.|")),
        ["certs", "l-a", "l-b"]
    );
    assert_eq!(
        offered(&format!("{import}function f = lib.service(|"))[..2],
        ["main =", "size ="]
    );
    assert_eq!(offered("let x = stage.vars.|"), ["color"]);
    assert_eq!(offered("let x = ./cmd/|"), ["x"]);
    let inner = offered("let t(one) = { for = [two for two in [1] if t|wo > 0] }");
    assert!(
        inner.contains(&"one".to_owned()) && inner.contains(&"two".to_owned()),
        "{inner:?}"
    );
    assert!(!offered("let t(one) = 1\nlet x = |").contains(&"one".to_owned()));
}

#[test]
fn a_word_is_told_with_its_comment() {
    let (_, text) = ask(
        "import ../lambda.build as lib\nfunction f = lib.ser|vice(1)",
        hover,
    )
    .unwrap();
    insta::assert_snapshot!(text, @r#"
    ```lambda-build
    let service(main, size = 1) = { timeout = size }
    ```

    How all are made.

    From `lambda.build`
    "#);
    let (_, text) = ask("function f { time|out = 3 }", hover).unwrap();
    insta::assert_snapshot!(text, @r#"
    **timeout**: an integer from 1 to 900; default: `3`

    Seconds.
    "#);
    assert_eq!(ask("function f { nonsense| = 3 }", hover), None);
}

#[test]
fn a_name_leads_to_the_innermost_declaration() {
    let at = |marked: &str| {
        ask(marked, |view, offset| {
            define(view, offset).map(|found| (found.file.to_string(), found.span))
        })
    };
    let text = "let a = 1\nlet t(a) = let a = a in a|";
    let inner = text.find("let a = a").unwrap() + 4;
    assert_eq!(at(text), Some(("team/lambda.build".to_owned(), inner..inner + 1)));
    let computed = at("import ../lambda.build as lib\nlet x = lib.layer.l-a|").unwrap();
    assert_eq!(&ROOT[computed.1], "\"l-${name}\"");
    assert_eq!(at("let x = nobody|"), None);
    let count = ask(
        "import ../lambda.build as lib\nlet x = lib.ser|vice(1)\nlet y = lib.service(2)",
        |view, offset| mentions(view, &define(view, offset).unwrap()).len(),
    );
    assert_eq!(count, 3);
}

#[test]
fn a_name_is_renamed_everywhere_or_not_at_all() {
    let to = |marked: &str, name: &str| ask(marked, |view, offset| rename(view, offset, name));
    let edits = to(
        "layer \"o|ld\" { data = true }\nfunction f { layers = [layer.old] }",
        "new",
    )
    .unwrap();
    let new: Vec<&str> = edits.iter().map(|(_, _, new)| new.as_str()).collect();
    assert_eq!(new, ["\"new\"", "new"]);
    for (marked, name, why) in [
        (
            "let a| = 1",
            "1b",
            "`1b` is no name: one begins with a letter or `_` and goes on with letters, digits, `_` and `-`",
        ),
        (
            "let a| = 1\nlet b = 2",
            "b",
            "`team/lambda.build` has a `b` already",
        ),
        (
            "let t(a|) = a",
            "b",
            "`a` is a parameter, which callers may name: rename it by hand",
        ),
        (
            "let a| = 1\nlet s = { inherit a }",
            "b",
            "`team/lambda.build` inherits the name, where it is an attribute as well: write `name = name` there first",
        ),
        (
            "let a = 1 +| 1",
            "b",
            "nothing with a name of its own stands here",
        ),
    ] {
        assert_eq!(to(marked, name), Err(why.to_owned()), "{marked}");
    }
}

/// Files that run into a mistake of their own where a path holds `boom`.
struct Machine;

impl Host for Machine {
    fn text(&self, file: &Path) -> Option<String> {
        (file == Path::new("/w/lambda.build")).then(|| ROOT.to_owned())
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        Some(path.to_owned())
    }

    fn files(&self, _: &Path) -> SharedFiles {
        Box::new(Fragile(MemoryFiles::new([("lambda.build", ROOT)]).unwrap()))
    }
}

struct Fragile(MemoryFiles);

impl Files for Fragile {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        self.0.read(path)
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        assert!(!path.as_str().contains("boom"), "a mistake on purpose");
        self.0.kind(path)
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError> {
        self.0.list(dir)
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        self.0.build_files()
    }
}

fn request(id: i32, method: &str, params: Value) -> Message {
    Message::Request(Request::new(id.into(), method.to_owned(), params))
}

fn notification(method: &str, params: Value) -> Message {
    Message::Notification(Notification::new(method.to_owned(), params))
}

const TEAM: &str = "file:///w/team/lambda.build";

fn opened(text: &str) -> Message {
    let item = json!({"uri": TEAM, "languageId": "x", "version": 1, "text": text});
    notification("textDocument/didOpen", json!({"textDocument": item}))
}

fn changed(version: i32, text: &str) -> Message {
    let params =
        json!({"textDocument": {"uri": TEAM, "version": version}, "contentChanges": [{"text": text}]});
    notification("textDocument/didChange", params)
}

fn begun() -> Server<'static> {
    let mut server = Server::new(&Machine, entries(&schemas()));
    server.take(request(1, "initialize", json!({"capabilities": {}})));
    server.out.clear();
    server
}

#[test]
fn what_was_found_of_an_older_text_is_not_shown() {
    let mut server = begun();
    server.take(opened("let a = nobody"));
    let old = server.jobs().pop().unwrap();
    server.take(changed(2, "let a = 1"));
    let new = server.jobs().pop().unwrap();
    assert!(server.jobs().is_empty(), "nothing has changed since");
    for job in [old, new] {
        let found = analyse(&job.files, &schemas(), &Options::default(), &job.terms);
        server.analysed(&job.terms.root, job.state, found);
    }
    let told: Vec<Value> = server
        .out
        .iter()
        .map(|message| serde_json::to_value(message).unwrap())
        .collect();
    let told: Vec<&Value> = told.iter().filter(|told| told["params"]["uri"] == TEAM).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(
        told[0]["params"],
        json!({"uri": TEAM, "version": 2, "diagnostics": []})
    );
}

/// A whole session through the loop: what goes wrong inside is answered, and the next request as well.
#[test]
fn a_mistake_of_our_own_ends_no_session() {
    let text = "import ./boom as lib\nlet a = lib.x\nlet b = 1\nlet c = b\n";
    let ask = |id, line| {
        let place = json!({"textDocument": {"uri": TEAM}, "position": {"line": line, "character": 8}});
        request(id, "textDocument/definition", place)
    };
    let mut input = Vec::new();
    for message in [
        request(1, "initialize", json!({"capabilities": {}})),
        opened(text),
        ask(2, 0),
        ask(3, 3),
        request(
            4,
            "textDocument/hover",
            json!({"textDocument": {"uri": TEAM}, "position": {"line": 0, "character": 1}}),
        ),
        notification("$/cancelRequest", json!({"id": 4})),
        request(5, "shutdown", Value::Null),
        notification("exit", Value::Null),
    ] {
        message.write(&mut input).unwrap();
    }
    let mut output = Vec::new();
    let orderly = crate::serve(
        std::io::Cursor::new(input),
        &mut output,
        &Machine,
        &schemas(),
        &Options::default(),
    );
    assert!(orderly);
    let mut output = std::io::Cursor::new(output);
    let mut answers = Vec::new();
    while let Ok(Some(message)) = Message::read(&mut output) {
        answers.push(serde_json::to_value(&message).unwrap());
    }
    let of = |id: i32| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(of(2)["error"]["code"], -32603, "{answers:#?}");
    assert_eq!(
        of(3)["result"]["range"]["start"],
        json!({"line": 2, "character": 4})
    );
    assert_eq!(of(5)["result"], Value::Null);
}
