//! Nesting of a hundred thousand levels, in every way that the grammar has: the parser, the
//! formatter, the check and what an editor asks for answer, on a thread with a stack of 2 MiB.

use super::problems;
use crate::format::format;
use crate::index::Index;
use crate::{SyntaxTree, codes, cursor};

const LEVELS: usize = 100_000;
const STACK: usize = 2 << 20;

/// What opens a level, what stands in the innermost, what closes one.
const WAYS: [[&str; 3]; 25] = [
    ["[", "1", "]"],
    ["(", "1", ")"],
    ["{ a = ", "1", " }"],
    ["{ a = [", "1", "] }"],
    ["go { a = ", "1", " }"],
    ["f(", "1", ")"],
    ["f(a = ", "1", ")"],
    ["[x for x in ", "y", "]"],
    ["{ \"${x}\" = x for x, y in ", "z", " }"],
    ["\"${", "1", "}\""],
    ["''${", "1", "}''"],
    ["./a${", "1", "}"],
    ["if ", "a", " then 1 else 2"],
    ["if a then ", "1", " else 2"],
    ["if a then 1 else ", "2", ""],
    ["let x = ", "1", " in x"],
    ["let x = 1 in ", "x", ""],
    ["assert a, ", "\"b\"", "; 1"],
    ["assert true, \"b\"\n", "1", ""],
    ["!", "a", ""],
    ["-", "1", ""],
    ["a // ", "b", ""],
    ["a or ", "b", ""],
    ["a.", "b", ""],
    ["a ? ", "b", ""],
];

/// Items in items.
const ITEMS: [[&str; 3]; 4] = [
    ["for x in y {\n", "let z = 1\n", "}\n"],
    ["if x {\n", "let z = 1\n", "}\n"],
    ["if x { } else {\n", "let z = 1\n", "}\n"],
    ["for x in ", "y", " { }"],
];

fn deep(way: &[&str; 3]) -> String {
    format!("{}{}{}", way[0].repeat(LEVELS), way[1], way[2].repeat(LEVELS))
}

/// All the texts: each way to its end, and broken off in its depth.
fn texts() -> impl Iterator<Item = String> {
    let values = WAYS.iter().map(|way| format!("let v = {}\n", deep(way)));
    let broken = WAYS
        .iter()
        .map(|way| format!("let v = {}", way[0].repeat(LEVELS)));
    let closed = WAYS
        .iter()
        .map(|way| format!("let v = {}", way[2].repeat(LEVELS)));
    let items = ITEMS.iter().map(deep);
    let broken_items = ITEMS.iter().map(|way| way[0].repeat(LEVELS));
    values
        .chain(broken)
        .chain(closed)
        .chain(items)
        .chain(broken_items)
}

/// Runs `work` for each text on a small stack.
fn on_a_small_stack(work: fn(&str)) {
    let all = move || texts().for_each(|text| work(&text));
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(all).unwrap();
    thread.join().unwrap();
}

#[test]
fn the_parser_answers() {
    on_a_small_stack(|text| drop(SyntaxTree::parse(text)));
    // Brackets have a limit, and beyond it the error says so.
    for way in WAYS.iter().filter(|way| way[0].ends_with(['[', '(', '{'])) {
        let errors = SyntaxTree::parse(&format!("let v = {}\n", deep(way))).errors;
        assert_eq!(errors[0].code, codes::TOO_DEEP, "{way:?}");
    }
}

#[test]
fn an_error_in_a_long_line_is_shown_without_the_line() {
    let text = format!(
        "workspace w {{ }}\nlet x = \"{}\" + unknown\n",
        "x".repeat(1 << 20)
    );
    insta::assert_snapshot!(problems(&[("lambda.build", &text)]), @"
    error[E0201]: `unknown` is not known here
    --> lambda.build:2:1048590
     = note: unknown name
    ");
}

#[test]
fn the_formatter_answers() {
    on_a_small_stack(|text| drop(format(text)));
}

#[test]
fn the_check_answers() {
    on_a_small_stack(|text| {
        let whole = format!("workspace w {{ architectures = [\"arm64\"] }}\n{text}\ntarget t = v\n");
        assert_ne!(problems(&[("lambda.build", &whole)]), "", "{}", &text[..40]);
    });
}

#[test]
fn the_editor_is_answered() {
    on_a_small_stack(|text| {
        // A text that is being written ends in the depth.
        if text.ends_with(['\n', ']', ')', '}']) {
            return;
        }
        let index = Index::of(text);
        index.visible(text.len());
        cursor::cursor(text, text.len());
    });
}
