//! `docs/language.md`: its built-in functions are evaluated, its grammar is parsed.

use super::problems;
use crate::codes;
use crate::machine::BUILTINS;
use crate::syntax::SyntaxTree;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language.md");
    fs::read_to_string(path).unwrap()
}

fn between(page: &str, from: &str, to: &str) -> String {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to)
        .unwrap_or_else(|| panic!("no {to}"))
        .0
        .to_owned()
}

/// The files that the page tells of.
const FILES: [(&str, &str); 6] = [
    ("VERSION", "1.2.0\n"),
    ("data/limits.json", "{\"size\": 3}"),
    ("data/limits.yaml", "size: 3\n"),
    ("data/limits.toml", "size = 3\n"),
    ("services/audit/main.go", ""),
    ("services/refund/main.go", ""),
];

#[test]
fn every_function_is_on_the_page_and_its_example_is_what_it_says() {
    let table = between(&page(), "<!-- functions -->\n", "<!-- end -->");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    for name in BUILTINS {
        let has =
            |row: &Vec<&str>| row[0].contains(&format!("`{name}(")) && row[2].contains(&format!("{name}("));
        assert!(rows.iter().any(has), "`{name}` has no row with an example");
    }
    let code = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
    let mut text = "workspace w { architectures = [\"arm64\"] }\nstage dev { region = \"r\" }\n".to_owned();
    let mut variables = String::new();
    for row in &rows {
        let example = code(row[2]).unwrap_or_else(|| panic!("no example: {row:?}"));
        match code(row[3]) {
            Some(result) => text += &format!("assert ({example}) == ({result}), \"it is not\"\n"),
            None if row[3] == "a product" => text += &format!("target t{} = {example}\n", text.len()),
            None => variables += &format!("  V{} = {example}\n", variables.len()),
        }
    }
    text += &format!(
        "function f {{\n  build = ./services\n  runtime = \"python3.13\"\n  environment = {{\n{variables}  }}\n}}\n"
    );
    let files: Vec<(&str, &str)> = FILES.into_iter().chain([("lambda.build", &*text)]).collect();
    assert_eq!(problems(&files), "");
}

/// A rule's right side.
#[derive(Debug)]
enum Part {
    Text(String),
    Rule(String),
    /// One of these.
    One(Vec<Part>),
    /// All of these, one after the other.
    All(Vec<Part>),
    /// Perhaps; the flag: more than once.
    Maybe(Box<Part>, bool),
}

type Rules = BTreeMap<String, Part>;

/// What the page explains in words.
const LEXICAL: [&str; 5] = ["word", "number", "text", "pathtext", "newline"];

fn rules(page: &str) -> Rules {
    let grammar = between(page, "```ebnf\n", "```");
    let mut tokens = tokens(&grammar).into_iter().rev().collect::<Vec<_>>();
    let mut rules = Rules::new();
    while let Some(name) = tokens.pop() {
        assert_eq!(tokens.pop().as_deref(), Some("="), "after {name}");
        let part = one(&mut tokens);
        assert_eq!(tokens.pop().as_deref(), Some(";"), "after the rule {name}");
        assert!(rules.insert(name.clone(), part).is_none(), "{name} stands twice");
    }
    rules
}

fn tokens(grammar: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = grammar.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => rest[1..].find(first).unwrap() + 2,
            _ if first.is_alphanumeric() => rest.find(|c: char| !c.is_alphanumeric()).unwrap(),
            _ => 1,
        };
        found.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    found
}

fn one(tokens: &mut Vec<String>) -> Part {
    let mut choices = vec![all(tokens)];
    while tokens.last().is_some_and(|token| token == "|") {
        tokens.pop();
        choices.push(all(tokens));
    }
    Part::One(choices)
}

fn all(tokens: &mut Vec<String>) -> Part {
    let mut parts = Vec::new();
    while let Some(token) = tokens.pop_if(|token| !["|", ")", "]", "}", ";"].contains(&&**token)) {
        let mut inner = || {
            let part = one(tokens);
            tokens.pop();
            part
        };
        parts.push(match &*token {
            "(" => inner(),
            "[" => Part::Maybe(Box::new(inner()), false),
            "{" => Part::Maybe(Box::new(inner()), true),
            text if text.starts_with(['"', '\'']) => Part::Text(text[1..text.len() - 1].to_owned()),
            rule => Part::Rule(rule.to_owned()),
        });
    }
    Part::All(parts)
}

/// Makes a text of the grammar; the bytes choose.
struct Maker<'r> {
    rules: &'r Rules,
    /// How many rules each rule needs below it at least.
    heights: BTreeMap<&'r str, usize>,
    bytes: std::slice::Iter<'r, u8>,
    text: String,
    depth: usize,
    /// Nothing may stand between the parts of a path.
    glued: bool,
    count: usize,
}

impl<'r> Maker<'r> {
    fn make(rules: &'r Rules, bytes: &'r [u8]) -> String {
        let mut maker = Maker {
            rules,
            heights: BTreeMap::new(),
            bytes: bytes.iter(),
            text: String::new(),
            depth: 0,
            glued: false,
            count: 0,
        };
        for _ in 0..rules.len() {
            for (name, part) in rules {
                let height = maker.height(part);
                maker.heights.insert(name, height);
            }
        }
        maker.rule("file");
        maker.text
    }

    fn height(&self, part: &Part) -> usize {
        match part {
            Part::Text(_) | Part::Maybe(..) => 0,
            Part::Rule(name) if LEXICAL.contains(&&**name) => 0,
            Part::Rule(name) => self.heights.get(&**name).copied().unwrap_or(1000) + 1,
            Part::One(parts) => parts.iter().map(|part| self.height(part)).min().unwrap_or(0),
            Part::All(parts) => parts.iter().map(|part| self.height(part)).max().unwrap_or(0),
        }
    }

    /// The next choice of `0..of`; 0 when there are no more bytes or it is deep already.
    fn choose(&mut self, of: usize) -> usize {
        if self.depth > 40 {
            return 0;
        }
        self.bytes.next().map_or(0, |byte| usize::from(*byte) % of)
    }

    fn part(&mut self, part: &'r Part) {
        match part {
            Part::Text(text) => self.put(text),
            Part::Rule(name) => self.rule(name),
            Part::All(parts) => parts.iter().for_each(|part| self.part(part)),
            Part::One(parts) => {
                let lowest = parts.iter().enumerate().min_by_key(|(_, part)| self.height(part));
                let lowest = lowest.map_or(0, |(at, _)| at);
                let at = (lowest + self.choose(parts.len())) % parts.len();
                self.part(&parts[at]);
            }
            Part::Maybe(part, many) => {
                let times = self.choose(if *many { 3 } else { 2 });
                (0..times).for_each(|_| self.part(part));
            }
        }
    }

    fn rule(&mut self, name: &'r str) {
        self.count += 1;
        match name {
            "word" => self.put(&format!("w-{}", self.count)),
            "number" => self.put(["7", "0.25"][self.count % 2]),
            "text" => self.put(&format!("t{}", self.count)),
            "pathtext" => self.put("a.b_c-1"),
            "newline" => self.text.push('\n'),
            _ => {
                let before = self.glued;
                // The first sign of a path stands apart from what is before it.
                if name == "path" {
                    self.text.push(' ');
                }
                self.glued = matches!(name, "path" | "segment") || before && name == "quoted";
                self.depth += 1;
                self.part(&self.rules[name]);
                self.depth -= 1;
                self.glued = before;
            }
        }
    }

    fn put(&mut self, text: &str) {
        if !self.glued {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }
}

static RULES: LazyLock<Rules> = LazyLock::new(|| rules(&page()));

#[test]
fn the_grammar_has_every_rule_that_it_uses_and_uses_every_rule() {
    let mut used = vec!["file".to_owned()];
    RULES.values().for_each(|part| names(part, &mut used));
    for name in &used {
        assert!(
            RULES.contains_key(name) || LEXICAL.contains(&&**name),
            "no rule {name}"
        );
    }
    for name in RULES.keys() {
        assert!(used.contains(name), "nothing uses {name}");
    }
}

fn names(part: &Part, found: &mut Vec<String>) {
    match part {
        Part::Text(_) => {}
        Part::Rule(name) => found.push(name.clone()),
        Part::One(parts) | Part::All(parts) => parts.iter().for_each(|part| names(part, found)),
        Part::Maybe(part, _) => names(part, found),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What the grammar of the page makes, the parser takes. Which names and keys may stand
    /// is not the grammar's matter.
    #[test]
    fn the_parser_takes_what_the_grammar_makes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = Maker::make(&RULES, &bytes);
        let errors = SyntaxTree::parse(&text).errors;
        let of_grammar = errors.iter().find(|error| error.code < codes::TOO_DEEP || error.code == codes::CHARACTER);
        prop_assert!(of_grammar.is_none(), "{:?}\n{}", of_grammar, text);
    }
}
