//! Proves what the pages under `docs/` say: their examples are checked by the program, their tables
//! are those that it checks files by, and what they quote is what it writes.

use std::fs;
use std::path::Path;

use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_testkit::{TempWorkspace, repository_root};

use crate::harness::{example, first_build, lambuild, with_own_store};

fn page(name: &str) -> String {
    let path = repository_root().join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fenced block: the words after its fence, its text, and the line that it begins on.
struct Block {
    words: Vec<String>,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(words), None) => {
                open = Some(Block {
                    words: words.split(',').map(str::to_owned).collect(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    found
}

/// The files that examples name.
const FILES: [&str; 9] = [
    "certs/ca.pem",
    "cmd/canary/main.go",
    "cmd/checkout/main.go",
    "cmd/refund/main.go",
    "data/zones.csv",
    "report/main.py",
    "services/audit/main.go",
    "services/refund/main.go",
    "tools/bin/tool",
];

/// What an example leaves out since it is about something else.
fn completed(text: &str) -> String {
    let has = |item: &str| text.lines().any(|line| line.starts_with(item));
    let mut whole = String::new();
    if !has("workspace ") {
        whole.push_str("workspace page { architectures = [\"arm64\", \"x86_64\"] }\n");
    }
    if !has("stage ") {
        whole.push_str(
            "stage dev { region = \"eu-west-1\", role = \"arn:aws:iam::111122223333:role/dev\" }\n",
        );
    }
    whole + text
}

/// Checks the `lambda` blocks of a page, each in a workspace of its own. A block that names a file is
/// there for the next one; one with `wrong` must be refused with the code that it names.
fn check_examples(name: &str) {
    let mut beside: Vec<Block> = Vec::new();
    for block in blocks(&page(name)) {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        let code = match words[..] {
            ["lambda"] => None,
            ["lambda", "wrong", code] => Some(code),
            ["lambda", _] => {
                beside.push(block);
                continue;
            }
            _ => continue,
        };
        let workspace = TempWorkspace::with(&FILES.map(|path| (path, "")));
        for file in beside.drain(..) {
            workspace.write(&file.words[1], &file.text);
        }
        workspace.write("lambda.build", completed(&block.text));
        let run = with_own_store(&workspace).run(["check"]);
        let as_told = match code {
            None => run.code == Some(0),
            Some(code) => run.code == Some(2) && run.stderr.contains(&format!("error[{code}]")),
        };
        assert!(
            as_told,
            "docs/{name}:{}: {}",
            block.line,
            run.explain(code.unwrap_or("no error"))
        );
    }
}

#[test]
fn the_examples_of_the_language_are_as_they_say() {
    check_examples("language.md");
}

#[test]
fn the_example_of_the_readme_is_as_it_says() {
    check_examples("../README.md");
}

#[test]
fn the_readme_has_the_two_commands_and_ci_runs_the_second() {
    let readme = page("../README.md");
    let commands: Vec<String> = blocks(&readme)
        .into_iter()
        .filter(|block| block.words == ["sh"])
        .map(|block| block.text)
        .collect();
    assert_eq!(
        commands[..2],
        [
            "cargo run --release -- deploy --stage dev\n",
            "cargo xtask test\n"
        ]
    );
    assert!(page("../.ci/run").contains("\ncargo xtask test\n"));
}

#[test]
fn the_examples_of_deploying_are_as_they_say() {
    check_examples("deploy.md");
}

/// Every table of the language page with what it is made of.
const TABLES: [(&str, &Schema); 11] = [
    ("go", &lambuild_rules::go::rule::SCHEMA),
    ("files", &lambuild_rules::files::SCHEMA),
    ("archive", &lambuild_rules::archive::SCHEMA),
    ("command", &lambuild_rules::command::SCHEMA),
    ("toolchain sh", &lambuild_rules::host::toolchain::SCHEMA),
    ("fetch", &lambuild_rules::fetch::SCHEMA),
    ("toolchain go", &lambuild_rules::go::toolchain::SCHEMA),
    ("workspace", &lambuild_lang::workspace::WORKSPACE),
    ("function", &lambuild_deploy::schema::FUNCTION),
    ("layer", &lambuild_deploy::schema::LAYER),
    ("stage", &lambuild_deploy::schema::STAGE),
];

/// With `UPDATE_DOCS=1` in the environment the page is rewritten instead.
#[test]
fn the_tables_are_those_that_files_are_checked_by() {
    let before = page("language.md");
    let after = TABLES.iter().fold(before.clone(), |text, (name, schema)| {
        with_table(&text, name, &table(schema))
    });
    if updates() {
        fs::write(repository_root().join("docs/language.md"), &after).expect("docs/language.md is written");
    } else {
        let stale = TABLES.iter().find(|(_, schema)| !before.contains(&table(schema)));
        if let Some((name, schema)) = stale {
            panic!(
                "docs/language.md: the table of {name} should be (or run with UPDATE_DOCS=1)\n{}",
                table(schema)
            );
        }
        assert_eq!(
            before, after,
            "something else stands between the marks of a table"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says whether it may write"
)]
fn updates() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

/// The page with another table between the marks of `name`.
fn with_table(page: &str, name: &str, table: &str) -> String {
    let mark = format!("<!-- table: {name} -->\n");
    let (head, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no {mark}"));
    let (_, tail) = rest
        .split_once("<!-- end -->")
        .unwrap_or_else(|| panic!("no end of {mark}"));
    format!("{head}{mark}{table}<!-- end -->{tail}")
}

fn table(schema: &Schema) -> String {
    let mut text = "| attribute | takes | default | |\n| --- | --- | --- | --- |\n".to_owned();
    rows(schema, "", &mut text);
    text
}

/// A row for each attribute; those of a set inside follow it with its name before theirs.
fn rows(schema: &Schema, inside: &str, text: &mut String) {
    for attribute in schema.attributes {
        let name = format!("{inside}{}", attribute.name);
        let line = [
            format!("`{name}`"),
            takes(&attribute.ty),
            default(attribute),
            sentence(attribute.doc),
        ];
        text.push_str(&format!("| {} |\n", line.join(" | ")));
        if let Some(set) = set_in(&attribute.ty) {
            rows(set, &format!("{name}."), text);
        }
    }
}

fn set_in(ty: &Type) -> Option<&'static Schema> {
    match ty {
        Type::Set(schema) => Some(schema),
        Type::List { item, .. } => set_in(item),
        Type::Either(types) => types.iter().find_map(set_in),
        _ => None,
    }
}

fn default(attribute: &Attribute) -> String {
    match attribute.default {
        Some(text) if is_written(text) => format!("`{text}`"),
        Some(text) => text.to_owned(),
        None if attribute.required => "(needed)".to_owned(),
        None => String::new(),
    }
}

/// Whether a default is one that could stand in a file, not a description of one.
fn is_written(default: &str) -> bool {
    let ends = default.ends_with(['"', ']', '}']) || default.chars().all(char::is_alphanumeric);
    ends && !default.contains('`')
}

fn sentence(doc: &str) -> String {
    let mut letters = doc.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().collect::<String>())
        .unwrap_or_default();
    format!("{first}{}", letters.as_str())
        .trim_end_matches('.')
        .to_owned()
}

/// What a type takes, in a few words.
fn takes(ty: &Type) -> String {
    match ty {
        Type::Bool => "boolean".into(),
        Type::Int { min, max } => format!("{min} to {max}"),
        Type::Str { .. } | Type::Checked(_) | Type::Advised { .. } => "string".into(),
        Type::Template => "string, with content in it or not".into(),
        Type::OneOf(words) => words
            .iter()
            .map(|word| format!("`\"{word}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Type::Path => "path".into(),
        Type::Content => "content".into(),
        Type::Product => "product".into(),
        Type::Layer => "layer or ARN".into(),
        Type::Toolchain => "toolchain".into(),
        Type::Tool => "tool".into(),
        Type::Program => "program or tool".into(),
        Type::Words { rest, .. } => format!("list: program, then {}", takes(rest)),
        Type::List { item, .. } => format!("list: {}", takes(item)),
        Type::Map { value, .. } => format!("set: name → {}", takes(value)),
        Type::Set(_) => "set".into(),
        Type::Either(types) => types.iter().map(takes).collect::<Vec<_>>().join(", or "),
        Type::Any => "value".into(),
    }
}

#[test]
fn the_script_that_the_page_quotes_is_the_one_of_the_example() {
    let workspace = example("monorepo");
    let run = lambuild(&workspace)
        .run(["deploy", "--stage", "dev", "--dry-run"])
        .success();
    for block in blocks(&page("deploy.md"))
        .iter()
        .filter(|block| block.words == ["sh"])
    {
        assert!(
            run.stdout.contains(&block.text),
            "docs/deploy.md:{} is not in\n{}",
            block.line,
            run.stdout
        );
    }
}

/// The toolchain is another one where another platform builds, and with it the key.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_key_of_the_example_is_the_one_on_the_page() {
    first_build();
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-store");
    for block in blocks(&page("cache-key.md"))
        .iter()
        .filter(|block| block.words == ["key"])
    {
        let (shard, rest) = block.text.trim().split_at(2);
        let record = store.join("ac").join(shard).join(rest);
        assert!(
            record.is_file(),
            "docs/cache-key.md:{}: the store has no result of this key",
            block.line
        );
    }
}

#[test]
fn the_readme_lists_every_command() {
    let readme = fs::read_to_string(repository_root().join("README.md")).unwrap();
    let help = with_own_store(&TempWorkspace::empty())
        .run(["--help"])
        .success()
        .stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 10, "{help}");
    let is_missing = |command: &&str| {
        !readme.contains(&format!("| `{command}`")) && !readme.contains(&format!("| `{command} "))
    };
    let missing: Vec<&str> = commands.into_iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "README.md lacks {missing:?}");
}
