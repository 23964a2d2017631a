//! Texts → the names in them.

use super::*;
use std::fmt::Write;

/// Every definition with its scope, and every use with the line of what it refers to.
fn told(text: &str) -> String {
    let index = Index::of(text);
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let mut out = String::new();
    for found in &index.definitions {
        let kind = match found.kind {
            DefinitionKind::Declaration(word) => word.to_owned(),
            kind => format!("{kind:?}").to_lowercase(),
        };
        let scope = found.scope.as_ref();
        let scope = scope.map_or("file".to_owned(), |scope| {
            format!("{}-{}", line(scope.start), line(scope.end))
        });
        let params = found.parameters.join(", ");
        let whole = text[found.whole.clone()].lines().next().unwrap_or("");
        writeln!(out, "{kind} {}({params}) seen {scope}: {whole}", found.name).unwrap();
    }
    let mut uses = index.uses.clone();
    uses.sort_by_key(|found| found.words[0].1.start);
    for found in &uses {
        let words: Vec<&str> = found.words.iter().map(|(word, _)| &**word).collect();
        let to = found.definition.map_or("-".to_owned(), |at| {
            line(index.definitions[at].span.start).to_string()
        });
        let inherited = if found.inherited { " inherited" } else { "" };
        writeln!(
            out,
            "{}: {} → {to}{inherited}",
            line(found.words[0].1.start),
            words.join(".")
        )
        .unwrap();
    }
    out
}

#[test]
fn names_are_found_with_what_they_refer_to() {
    let text = r#"import ../.. as lib
let size = 1
let service(main, size = size + 1) = {
  build = go { main = main }
  inherit size
  layers = [layer.certs, lib.layer.tools]
}
layer certs = let a = size in a
for dir in dirs(./cmd) {
  let name = basename(dir)
  function "f-${name}" = lib.service(dir, memory = size)
}
target all = [x for x in [size] if x > 0]
"#;
    insta::assert_snapshot!(told(text), @r#"
    import lib() seen file: import ../.. as lib
    let size() seen file: let size = 1
    template service(main, size = size + 1) seen file: let service(main, size = size + 1) = {
    layer certs() seen file: layer certs = let a = size in a
    target all() seen file: target all = [x for x in [size] if x > 0]
    parameter main() seen 3-8: main
    parameter size() seen 3-8: size
    let a() seen 8-8: a
    variable dir() seen 9-13: dir
    let name() seen 10-13: let name = basename(dir)
    function f-${name}() seen file: function "f-${name}" = lib.service(dir, memory = size)
    variable x() seen 13-13: x
    3: size → 3
    4: main → 3
    5: size → 3 inherited
    6: layer.certs → -
    6: lib.layer.tools → 1
    8: size → 2
    8: a → 8
    9: dirs → -
    10: basename → -
    10: dir → 9
    11: name → 10
    11: lib.service → 1
    11: dir → 9
    11: size → 2
    13: x → 13
    13: size → 2
    13: x → 13
    "#);
}

#[test]
fn a_broken_value_hides_neither_its_name_nor_the_next() {
    let text = "let b(x) = merge(x, {\n  y = \n\nlet c = b(d)\nfunction f {\n  runtime = \"x\n\nlet d = 1\n";
    insta::assert_snapshot!(told(text), @r#"
    template b(x) seen file: let b
    parameter x() seen 1-4: x
    let c() seen file: let c = b(d)
    function f() seen file: function f
    let d() seen file: let d = 1
    4: b → 1
    4: d → 8
    "#);
}
