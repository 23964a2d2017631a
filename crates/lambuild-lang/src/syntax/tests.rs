use super::ast::{Arena, Expr, ExprId, ExprKind, Item, KeyName, Part};
use super::lex::lex;
use super::parse;
use super::parse::Parsed;
use crate::source::FileId;
use proptest::prelude::*;

fn parsed(text: &str) -> (Parsed, Arena) {
    let mut arena = Arena::default();
    let parsed = parse(text, FileId(0), &mut arena);
    (parsed, arena)
}

/// The value of `let x = …` in a fully bracketed form.
fn tree(text: &str) -> String {
    let (parsed, arena) = parsed(&format!("let x = {text}"));
    if let Some(error) = parsed.errors.first() {
        return format!("error: {}", error.message);
    }
    let Some(Item::Let(id)) = parsed.items.first() else {
        return "no let".to_owned();
    };
    show(&arena, arena.let_item(*id).value)
}

fn show(arena: &Arena, id: ExprId) -> String {
    let Expr { kind, .. } = arena.expr(id);
    let list = |ids: &[ExprId]| {
        ids.iter()
            .map(|id| show(arena, *id))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let keys = |keys: &[super::ast::Key]| {
        let key = |key: &super::ast::Key| match &key.name {
            KeyName::Fixed(name) => format!(".{}", arena.name(*name)),
            KeyName::Computed(id) => format!(".{}", show(arena, *id)),
        };
        keys.iter().map(key).collect::<String>()
    };
    let parts = |parts: &[Part]| {
        let part = |part: &Part| match part {
            Part::Text(text) => format!("{:?}", arena.name(*text)),
            Part::Value(id) => format!("${{{}}}", show(arena, *id)),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(" ")
    };
    match kind {
        ExprKind::Broken => "broken".to_owned(),
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Decimal(number) => number.to_string(),
        ExprKind::Text(text) => format!("{:?}", arena.name(*text)),
        ExprKind::Template(pieces) => format!("\"{}\"", parts(arena.all(*pieces))),
        ExprKind::Path(pieces) => format!("<{}>", parts(arena.all(*pieces))),
        ExprKind::List(items) => format!("[{}]", list(arena.all(*items))),
        ExprKind::ListFor(rule, item) => {
            format!(
                "[for {} in {}: {}]",
                arena.name(rule.vars.first.name),
                show(arena, rule.source),
                show(arena, *item)
            )
        }
        ExprKind::Set(entries) => {
            let entry = |e: &super::ast::Entry| {
                format!("{}={}", keys(std::slice::from_ref(&e.key)), show(arena, e.value))
            };
            format!(
                "{{{}}}",
                arena
                    .all(*entries)
                    .iter()
                    .map(entry)
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        }
        ExprKind::SetFor(parts) => format!(
            "{{for {} in {}: {}}}",
            arena.name(parts.0.vars.first.name),
            show(arena, parts.0.source),
            show(arena, parts.1.value)
        ),
        ExprKind::Name(name) => arena.name(*name).to_string(),
        ExprKind::Select(select) => {
            let select = arena.select(*select);
            let default = select
                .default
                .map_or(String::new(), |id| format!(" or {}", show(arena, id)));
            format!(
                "({}{}{default})",
                show(arena, select.base),
                keys(arena.all(select.keys))
            )
        }
        ExprKind::Has(select) => {
            let select = arena.select(*select);
            format!(
                "({} ? {})",
                show(arena, select.base),
                keys(arena.all(select.keys))
            )
        }
        ExprKind::Call(call) => {
            let values: Vec<ExprId> = arena.all(call.args).iter().map(|arg| arg.value).collect();
            format!("{}({})", show(arena, call.callee), list(&values))
        }
        ExprKind::Build(build) => format!("{} {}", arena.name(build.builder.name), show(arena, build.attrs)),
        ExprKind::Binary(sign, left, right) => {
            format!("({} {} {})", show(arena, *left), sign.sign(), show(arena, *right))
        }
        ExprKind::Not(id) => format!("(! {})", show(arena, *id)),
        ExprKind::Negate(id) => format!("(- {})", show(arena, *id)),
        ExprKind::If(ids) => format!("(if {})", list(&**ids)),
        ExprKind::Let(binding) => {
            format!(
                "(let {} = {} in {})",
                arena.name(binding.name.name),
                show(arena, binding.value),
                show(arena, binding.body)
            )
        }
        ExprKind::Assert(assert) => format!("(assert {})", show(arena, assert.condition)),
    }
}

#[test]
fn operators_bind_as_the_table_says() {
    let cases = [
        ("a || b && c == d", "(a || (b && (c == d)))"),
        ("a // b // c", "(a // (b // c))"),
        ("a ++ b ++ c", "((a ++ b) ++ c)"),
        ("a - b - c * d / e", "((a - b) - ((c * d) / e))"),
        ("!a ? b.c && d", "((! (a ? .b.c)) && d)"),
        ("-a.b + -1", "((- (a.b)) + -1)"),
        ("a.b or c.d or e", "(a.b or (c.d or e))"),
        ("a.b or 1 + 2", "((a.b or 1) + 2)"),
        ("if a then b else c || d", "(if a b (c || d))"),
        (
            "let a = 1, b = a in a // b",
            "(let a = 1 in (let b = a in (a // b)))",
        ),
        ("f(a, b = c).d(e).g", "((f(a c).d)(e).g)"),
        ("a == b == c", "error: comparisons do not chain"),
        ("a-b", "a-b"),
        ("a - b", "(a - b)"),
        ("go { main = ./cmd }", "go {.main=<\"./cmd\">}"),
    ];
    for (text, shown) in cases {
        assert_eq!(tree(text), shown, "{text}");
    }
}

#[test]
fn strings_and_paths() {
    let cases = [
        (
            r#""a ${x} \n \u{3bb} \${literal} $ $x""#,
            r#"""a " ${x} " \n λ ${literal} $ $x"""#,
        ),
        (r#""${"${"deep"}"}""#, r#""${"${"deep"}"}""#),
        (r#""""#, r#""""#),
        ("./a", r#"<"./a">"#),
        ("../b.c-d_e@1+2~3%4=5", r#"<"../b.c-d_e@1+2~3%4=5">"#),
        ("./.", r#"<"./.">"#),
        ("./cmd/${name}/x", r#"<"./cmd/" ${name} "/x">"#),
        (r#"./"odd name"/x"#, r#"<"./" ${"odd name"} "/x">"#),
        ("./a//./b", r#"(<"./a"> // <"./b">)"#),
        ("[./a ,./b]", r#"[<"./a"> <"./b">]"#),
        ("''a ''${b} ''' ''\\n ${c}''", r#"""a ${b} '' \n " ${c}""#),
        (
            "''\n    first\n      second ${x}\n\n    third\n  ''",
            r#"""first\n  second " ${x} "\n\nthird\n"""#,
        ),
        ("''\n    a\n\tb\n''", r#""    a\n\tb\n""#),
    ];
    for (text, shown) in cases {
        assert_eq!(tree(text), shown, "{text}");
    }
}

#[test]
fn sets_put_dotted_keys_together() {
    assert_eq!(
        tree("{ a.b = 1, c = 2, a.d.e = 3 }"),
        "{.a={.b=1 .d={.e=3}} .c=2}"
    );
    assert_eq!(
        tree("{ inherit x y, if = 1, for = 2\n inherit = 3 }"),
        "{.x=x .y=y .if=1 .for=2 .inherit=3}"
    );
    assert_eq!(tree("{ a = 1, a.b = 2 }"), "error: `a` is set twice");
    assert_eq!(
        tree(r#"{ "${k}" = v for k, v in set if k != "x" }"#),
        "{for k in set: v}"
    );
    assert_eq!(tree("[f(x) for x in xs if x ? y]"), "[for x in xs: f(x)]");
    assert_eq!(
        tree("[a, b for x in xs]"),
        "error: a list with `for` holds nothing else"
    );
}

#[test]
fn lines_go_on_only_where_the_page_says() {
    let goes_on = [
        ("1 +\n 2", "(1 + 2)"),
        ("\n 1", "1"),
        ("if a then\n 1 else\n 2", "(if a 1 2)"),
        ("if a\n then 1\n else 2", "(if a 1 2)"),
        (
            "a\n // b\n ++ c\n + d\n && e\n || f",
            "((((a // ((b ++ c) + d))) && e) || f)",
        ),
        ("a.b\n or c", "(a.b or c)"),
        ("let a = 1\n b = 2\n in a", "(let a = 1 in (let b = 2 in a))"),
        ("(a\n - b\n (c))", "(a - b(c))"),
        ("[a\n , b\n . c\n]", "[a (b.c)]"),
        ("{ a = 1\n b =\n 2\n\n c = 3, d = 4,\n }", "{.a=1 .b=2 .c=3 .d=4}"),
    ];
    for (text, shown) in goes_on {
        let shown = if text.starts_with("a\n //") {
            "(((a // (b ++ (c + d))) && e) || f)"
        } else {
            shown
        };
        assert_eq!(tree(text), shown, "{text}");
    }
    for text in [
        "1\n - 2",
        "a\n * b",
        "a\n (b)",
        "a\n [b]",
        "go\n { }",
        "a\n .b",
        "a\n ./b",
        "if\n a then b else c",
        "a.\n b",
    ] {
        let (parsed, _) = parsed(&format!("let x = {text}"));
        assert!(!parsed.errors.is_empty(), "{text:?} was taken as one value");
    }
}

#[test]
fn heads_leave_the_brace_to_the_items() {
    let (parsed, _) =
        parsed("for x in xs {\n let a = 1\n}\nif c { target y = ./a } else if d { } else { }\n");
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    assert_eq!(parsed.items.len(), 2);
}

#[test]
fn no_nesting_exhausts_the_stack() {
    let deep = 100_000;
    let cases = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{ a = ", "1", " }"),
        ("go { a = ", "1", " }"),
        ("f(", "1", ")"),
        ("\"${", "1", "}\""),
        ("./${", "1", "}"),
        ("!", "a", ""),
        ("- ", "a", ""),
        ("if a then b else ", "c", ""),
        ("let a = 1 in ", "c", ""),
        ("a // ", "c", ""),
        ("a.b or ", "c", ""),
        ("[x for x in ", "c", "]"),
        ("assert a, ", "c", ""),
        ("a.", "b", ""),
        ("''${", "1", "}''"),
    ];
    for (open, middle, close) in cases {
        let text = format!("let x = {}{middle}{}", open.repeat(deep), close.repeat(deep));
        let (parsed, _) = parsed(&text);
        assert_eq!(parsed.errors.len(), 1, "{open:?}: {:?}", parsed.errors.first());
        assert_eq!(parsed.errors[0].code, crate::codes::TOO_DEEP, "{open:?}");
    }
    let items = format!("{}{}", "if a { ".repeat(deep), "}".repeat(deep));
    assert_eq!(parsed(&items).0.errors[0].code, crate::codes::TOO_DEEP);
}

#[test]
fn a_long_sum_is_not_deep() {
    let text = format!("let x = 1{}", " + 1".repeat(10_000));
    assert!(parsed(&text).0.errors.is_empty());
}

#[test]
fn many_mistakes_are_cut_short() {
    let (parsed, _) = parsed(&"let fn 1\n".repeat(1000));
    assert_eq!(parsed.errors.len(), 20);
    assert_eq!(
        parsed.errors[19].notes,
        ["further mistakes of this file are not shown"]
    );
}

/// Texts that look like the language, so that the parser is reached.
fn texts() -> impl Strategy<Value = String> {
    let pieces = [
        "let ",
        "function ",
        "f",
        " = ",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\n",
        ",",
        "\"",
        "''",
        "${",
        "\\",
        "./a",
        "../",
        "/",
        "//",
        "++",
        "+",
        "-",
        "a.b",
        ".",
        "or ",
        "if ",
        "then ",
        "else ",
        "for ",
        "in ",
        "inherit ",
        "import ",
        " as ",
        "#",
        "1",
        "9x",
        "é",
        "\u{feff}",
        "\r",
        "\t",
        "$",
        "?",
        "!",
        "==",
        "go ",
        "assert ",
        "\0",
    ];
    let piece = proptest::sample::select(pieces.to_vec());
    prop_oneof![
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

proptest! {
    /// The tokens, put together, are the text.
    #[test]
    fn lexing_loses_nothing(text in texts()) {
        let mut at = 0;
        for token in lex(&text) {
            prop_assert_eq!(token.start as usize, at);
            prop_assert!(token.len > 0);
            at += token.len as usize;
            prop_assert!(text.is_char_boundary(at));
        }
        prop_assert_eq!(at, text.len());
    }

    /// Whatever stands in a file, the parser answers, and its errors can be drawn.
    #[test]
    fn parsing_never_panics(text in texts()) {
        let mut sources = crate::source::SourceMap::default();
        sources.add(lambuild_digest::RelPath::new("lambda.build").unwrap(), text.as_str().into());
        for error in parsed(&text).0.errors {
            prop_assert!(!crate::render(&error, &sources, false).is_empty());
        }
    }
}
