use super::{format, generate, laws};
use crate::syntax::lex::MAX_TEXT;
use proptest::prelude::*;

#[track_caller]
fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

#[track_caller]
fn check(text: &str) {
    match laws::broken(text) {
        Ok(None) => {}
        Ok(Some(broken)) => panic!("{broken}"),
        Err(errors) => panic!("{errors:?}\n{text}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Formatting changes neither the meaning nor the comments, and formatting again changes nothing.
    #[test]
    fn the_meaning_stays_and_twice_is_once(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&generate::file(&bytes));
    }
}

#[test]
fn files_in_style_stay_as_they_are() {
    let text = include_str!("style.build");
    assert_eq!(formatted(text), text);
}

#[test]
fn a_file_with_mistakes_is_refused_with_all_of_them() {
    let errors =
        format("let a = \nfunction g { }\nlet b = [1, 2\nfunction f { x = 1, x = 2 }\n").unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "expected a value, found the end of the line",
            "expected `,` or `]`, found `function`",
            "`x` is set twice",
        ]
    );
}

#[test]
fn a_file_beyond_all_measure_is_refused() {
    let errors = format(&" ".repeat(MAX_TEXT + 1)).unwrap_err();
    assert_eq!(
        errors[0].message,
        "the file is larger than 16 MiB, which no build file is"
    );
}

/// Checks the laws for `before`, and what it becomes.
#[track_caller]
fn becomes(before: &str, after: &str) {
    check(before);
    assert_eq!(formatted(before), after);
}

#[test]
fn spaces_around_every_sign() {
    becomes(
        "let  a=1+2*-3-f( x,y = - 1 ).b  . c\nlet b(x,y=[ 1 ,2 ]) = !x&&y ?z||{}=={ }\nimport   ./a   as  d\n",
        "let a = 1 + 2 * -3 - f(x, y = - 1).b.c\nlet b(x, y = [1, 2]) = !x && y ? z || {} == {}\nimport ./a as d\n",
    );
    becomes("let a = ./x.y .b  or./c\n", "let a = ./x.y .b or ./c\n");
    becomes(
        "\u{feff}\r\n\r\nlet a = 1\r\n\r\n\r\n\r\nlet b = \"é\"\t\r\n\r\n",
        "let a = 1\n\nlet b = \"é\"\n",
    );
    becomes("  \n\n", "");
}

#[test]
fn equals_signs_of_neighbours_are_aligned() {
    becomes(
        "function f {\nbuild = ./a\nruntime=\"r\"\n# a comment does not separate\nx.y = 1\nenvironment = {\nA=1\n}\nz = 2\n\nlonger = 3\n\"é\" = 4\ninherit a b\nc = 5\n}\n",
        r#"function f {
  build       = ./a
  runtime     = "r"
  # a comment does not separate
  x.y         = 1
  environment = {
    A = 1
  }
  z = 2

  longer = 3
  "é"    = 4
  inherit a b
  c = 5
}
"#,
    );
}

#[test]
fn items_of_one_line_that_begin_alike_are_aligned() {
    becomes(
        "toolchain go {version=\"1\"}\ntoolchain python {version=\"3\"}\ntoolchain sh = x\nlet a = 1\nlet bc = 2\nlet d(e) = 3\nfunction e = f\nfunction gh = {\n}\nstage s { a = 1 }\nstage long {\na = 1 }\n",
        r#"toolchain go     { version = "1" }
toolchain python { version = "3" }
toolchain sh = x
let a  = 1
let bc = 2
let d(e) = 3
function e  = f
function gh = {}
stage s { a = 1 }
stage long {
  a = 1
}
"#,
    );
}

#[test]
fn nobody_is_aligned_beyond_the_last_column() {
    // Exactly 100 columns in the line of `k`.
    let list = format!("[\"{}\"]", "x".repeat(90));
    becomes(
        &format!("let a = {{\nk = {list}\nkey = 1\nlonger = 2\n}}\n"),
        &format!("let a = {{\n  k = {list}\n  key    = 1\n  longer = 2\n}}\n"),
    );
    becomes(
        &format!("let a = {{\nkk = {list}\n}}\n"),
        &format!("let a = {{\n  kk = [\n    {},\n  ]\n}}\n", &list[1..93]),
    );
}

#[test]
fn what_was_written_on_one_line_stays_there_if_it_fits() {
    let long = "\"a string of thirty characters\"";
    becomes(
        &format!(
            "let a = [{long}, {long}, {long}]\nlet b = {{ a = [1, 2,], b = {{ c = 1, }}, }}\nlet c = [1,\n2]\n"
        ),
        &format!(
            "let a = [\n  {long},\n  {long},\n  {long},\n]\nlet b = {{ a = [1, 2], b = {{ c = 1 }} }}\nlet c = [\n  1,\n  2,\n]\n"
        ),
    );
    becomes(
        "let a = { b = [{\n c = 1 }] }\n",
        "let a = {\n  b = [\n    {\n      c = 1\n    },\n  ]\n}\n",
    );
}

#[test]
fn the_last_argument_may_open_a_set() {
    becomes(
        "function a = merge(f(./b , x=1),{\nlayers=[]\nmemory_size=1})\nlet b = f(g({\na = 1}),{ b = 2 })\nlet c = f(\na, b)\nlet d = (a\n+b)\n",
        r"function a = merge(f(./b, x = 1), {
  layers      = []
  memory_size = 1
})
let b = f(
  g({
    a = 1
  }),
  { b = 2 }
)
let c = f(
  a,
  b
)
let d = (
  a
    + b
)
",
    );
    let long = "\"a string of thirty characters\"";
    becomes(
        &format!("function a = merge(service(./cmd/a), {{ a = {long}, b = {long}, c = 1 }})\n"),
        &format!("function a = merge(service(./cmd/a), {{\n  a = {long}\n  b = {long}\n  c = 1\n}})\n"),
    );
}

#[test]
fn line_breaks_inside_a_value_stay_and_operators_begin_lines() {
    becomes(
        "let a = b //\nc ++ d\n// e\nlet f = if g then\n1 else\nif h\nthen 2 else 3\nlet i =\nlet j = 1\nk = 2\nin j -\nk\n",
        r"let a = b
  // c ++ d
  // e
let f = if g
  then 1
  else if h
  then 2 else 3
let i =
  let j = 1
    k = 2
  in j -
  k
",
    );
}

#[test]
fn comments_stay_where_they_are_and_those_at_line_ends_are_aligned() {
    becomes(
        "#head\n\n\n\n  # of a\nlet a = [1, # one\n 22 # two\n , # and\n\n # last\n]#end\n\nlet b = { # in b\n\n\n c = # why\n 1\n\n # nothing\n\n}\nlet d = f( # g\n)\n# tail",
        r"#head

# of a
let a = [
  1,   # one
  22,  # two
  # and

  # last
]  #end

let b = {  # in b
  c =  # why
    1

  # nothing
}
let d = f(  # g
)
# tail
",
    );
}

#[test]
fn strings_of_several_lines_stay_as_they_are() {
    becomes(
        "target t = command { run = ''\n      a  \n  ${  b }\n  '', tools = []}\nlet x = f(1, ''\n  a\n  '' ) # c\n",
        "target t = command {\n  run = ''\n      a  \n  ${  b }\n  ''\n  tools = []\n}\nlet x = f(1, ''\n  a\n  '')  # c\n",
    );
}

#[test]
fn blocks_of_items() {
    becomes(
        "for k,v in {a=1} {target \"${k}\"=v}\nif a{\nfunction b=c,let d=e\n}\nelse if f { } else{ let g = 1 }\n",
        r#"for k, v in { a = 1 } { target "${k}" = v }
if a {
  function b = c
  let d = e
} else if f {} else {
  let g = 1
}
"#,
    );
}

#[test]
fn comprehensions_stand_alone() {
    becomes(
        "let a = [ f(x) for x in\nxs if x ? y]\nlet b = {\"${k}\"=v for k,v in s\nif v}\nlet c = [x\nfor x in xs]\n",
        r#"let a = [
  f(x) for x in xs if x ? y
]
let b = {
  "${k}" = v for k, v in s
    if v
}
let c = [
  x
    for x in xs
]
"#,
    );
}

#[test]
fn a_key_that_would_continue_the_line_before_keeps_its_comma() {
    becomes(
        "let a = {\nb = 1,\nin = 2,\n# c\nelse = 3,\nd = 4 }\n",
        "let a = {\n  b    = 1,\n  in   = 2,\n  # c\n  else = 3\n  d    = 4\n}\n",
    );
}
