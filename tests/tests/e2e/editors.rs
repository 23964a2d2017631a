//! Proves that the files under `editors/` are well formed and know the language's words, all and no others.

use std::collections::BTreeSet;
use std::fs;

use lambuild_lang::builtins::{BUILTINS, builder_words, item_words};
use lambuild_testkit::repository_root;
use serde_json::Value;

fn json(name: &str) -> Value {
    let path = repository_root().join("editors/vscode").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn grammar() -> Value {
    json("syntaxes/lambda-build.tmLanguage.json")
}

/// The words between `(?:` and `)` of a rule.
fn words(grammar: &Value, rule: &str) -> BTreeSet<String> {
    let pattern = grammar["repository"][rule]["match"]
        .as_str()
        .expect("a rule with a pattern");
    let list = pattern
        .split_once("(?:")
        .and_then(|(_, rest)| rest.split_once(')'));
    let (list, _) = list.expect("a list of words");
    list.split('|').map(str::to_owned).collect()
}

fn set<'w>(words: impl IntoIterator<Item = &'w str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_grammar_knows_the_words_of_the_language() {
    let grammar = grammar();
    assert_eq!(
        words(&grammar, "builtin"),
        set(BUILTINS.iter().map(|builtin| builtin.name))
    );
    assert_eq!(words(&grammar, "builder"), set(builder_words().iter().copied()));
    let inner = ["as", "else", "in", "inherit", "or", "then"];
    assert_eq!(
        words(&grammar, "keyword"),
        set(item_words().into_iter().chain(inner))
    );
}

/// Every rule that is included is there, and every one that is there is included.
#[test]
fn the_grammar_holds_together() {
    let grammar = grammar();
    let (mut included, mut waiting) = (BTreeSet::new(), vec![&grammar]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                included.extend(fields.get("include").and_then(Value::as_str).map(str::to_owned));
                waiting.extend(fields.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    let rules = grammar["repository"].as_object().expect("rules");
    assert_eq!(included, rules.keys().map(|name| format!("#{name}")).collect());
}

#[test]
fn the_manifest_names_what_is_there() {
    let manifest = json("package.json");
    let contributes = &manifest["contributes"];
    let language = &contributes["languages"][0];
    let named = &contributes["grammars"][0];
    assert_eq!(named["language"], language["id"]);
    assert_eq!(named["scopeName"], grammar()["scopeName"]);
    for path in [&named["path"], &language["configuration"]] {
        json(path.as_str().expect("a path").trim_start_matches("./"));
    }
}
