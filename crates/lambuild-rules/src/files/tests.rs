//! What lands where in an output, what is left out, and what is refused.

use super::*;
use crate::testing::{Bench, Trees};
use proptest::prelude::*;

fn site() -> Bench {
    Bench::new(&[
        ("site/index.html", "<p>"),
        ("site/css/main.css", "p{}"),
        ("site/css/deep/x.css", "x{}"),
        ("site/notes.md", "notes"),
        ("site/run", "#!/bin/sh"),
        ("other/index.html", "<b>"),
        ("other/extra.txt", "extra"),
    ])
    .executable("site/run")
}

/// What an output holds.
fn output(product: &str) -> String {
    let bench = site();
    let step = bench.step(product);
    bench.listing(&step)
}

#[test]
fn every_kind_of_content_goes_where_it_is_put() {
    let product = r#"files { content = {
      "." = ./site
      "etc/app.conf" = "a = 1\n"
      "etc/extra.txt" = ./other/extra.txt
      "built" = files { content = { "x" = "1" } }
    } }"#;
    insta::assert_snapshot!(output(product), @r##"
    built/x "1"
    css/deep/x.css "x{}"
    css/main.css "p{}"
    etc/app.conf "a = 1\n"
    etc/extra.txt "extra"
    index.html "<p>"
    notes.md "notes"
    run* "#!/bin/sh"
    "##);
}

#[test]
fn a_bare_folder_is_the_root() {
    assert_eq!(
        output("files { content = ./other }"),
        output("files { content = { \".\" = ./other } }")
    );
    assert_eq!(
        output("files { content = ./other }"),
        "extra.txt \"extra\"\nindex.html \"<b>\""
    );
}

#[test]
fn folders_merge_and_equal_files_are_one() {
    let product = r#"files { content = { "a" = ./other, "a/extra.txt" = "extra", "a/more" = ./site/css } }"#;
    insta::assert_snapshot!(output(product), @r#"
    a/extra.txt "extra"
    a/index.html "<b>"
    a/more/deep/x.css "x{}"
    a/more/main.css "p{}"
    "#);
}

#[test]
fn two_different_files_at_one_place_are_refused() {
    let bench = site();
    insta::assert_snapshot!(
        bench.message("files { content = { \"a\" = ./site, \"a/index.html\" = ./other/index.html } }"), @r#"
    error[E1002]: two different things are put at `a/index.html`
     --> lambda.build:2:63
      |
    2 | target t = files { content = { "a" = ./site, "a/index.html" = ./other/index.html } }
      |                                                               ^^^^^^^^^^^^^^^^^^ needed here
    "#);
}

#[test]
fn a_file_where_a_folder_must_be_is_refused() {
    let bench = site();
    insta::assert_snapshot!(bench.message("files { content = { \"a\" = \"text\", \"a/b\" = \"text\" } }"), @r#"
    error[E1002]: two different things are put at `a/b`
     --> lambda.build:2:54
      |
    2 | target t = files { content = { "a" = "text", "a/b" = "text" } }
      |                                                      ^^^^^^ needed here
    "#);
}

#[test]
fn one_file_cannot_be_the_root() {
    let bench = site();
    insta::assert_snapshot!(bench.message("files { content = ./site/index.html }"), @r#"
    error[E1002]: a single file cannot be the root of an output
     --> lambda.build:2:30
      |
    2 | target t = files { content = ./site/index.html }
      |                              ^^^^^^^^^^^^^^^^^ one file
      |
      = help: say where it goes: { "name-in-the-output" = … }
    "#);
}

#[test]
fn what_is_missing_is_named() {
    let bench = site();
    insta::assert_snapshot!(bench.message("files { content = { \"a\" = ./sight } }"), @r#"
    error[E0501]: `./sight` does not exist
     --> lambda.build:2:38
      |
    2 | target t = files { content = { "a" = ./sight } }
      |                                      ^^^^^^^ not found
    "#);
}

#[test]
fn a_place_must_be_a_path_in_the_output() {
    let bench = site();
    insta::assert_snapshot!(bench.message("files { content = { \"/etc/a\" = ./site } }"), @r#"
    error[E0405]: "/etc/a" cannot be a key of `content`: a place in the output is `.` or a path such as `etc/app.conf`: `/etc/a` is an absolute path
     --> lambda.build:2:32
      |
    2 | target t = files { content = { "/etc/a" = ./site } }
      |                                ^^^^^^^^ this key
    "#);
}

#[test]
fn patterns_choose_by_path_in_the_output() {
    let of = |filter: &str| output(&format!("files {{ content = {{ \"www\" = ./site }}, {filter} }}"));
    assert_eq!(
        of("include = [\"www/*\"]"),
        "www/index.html \"<p>\"\nwww/notes.md \"notes\"\nwww/run* \"#!/bin/sh\""
    );
    assert_eq!(
        of("include = [\"**/*.css\"], exclude = [\"www/css/deep/**\"]"),
        "www/css/main.css \"p{}\""
    );
    assert_eq!(
        of("include = [\"www/{index.html,notes.md}\"]"),
        "www/index.html \"<p>\"\nwww/notes.md \"notes\""
    );
    assert_eq!(of("include = [\"*.md\"]"), "", "a star stays inside a folder");
}

#[test]
fn executable_adds_the_bit_and_takes_none_away() {
    let product = "files { content = ./site, include = [\"run\", \"notes.md\", \"index.html\"], executable = [\"*.md\"] }";
    assert_eq!(
        output(product),
        "index.html \"<p>\"\nnotes.md* \"notes\"\nrun* \"#!/bin/sh\""
    );
}

#[test]
fn patterns_reach_into_products() {
    let product =
        r#"files { content = { "p" = files { content = ./site } }, exclude = ["p/css/**", "p/run"] }"#;
    assert_eq!(output(product), "p/index.html \"<p>\"\np/notes.md \"notes\"");
}

#[test]
fn a_pattern_that_cannot_be_read_is_shown() {
    let bench = site();
    insta::assert_snapshot!(bench.message("files { content = ./site, include = [\"*.css\", \"[a\"] }"), @r#"
    error[E1003]: the pattern is wrong: unclosed character class; missing ']'
     --> lambda.build:2:58
      |
    2 | target t = files { content = ./site, include = ["*.css", "[a"] }
      |                                                          ^^^^ this pattern
    "#);
}

#[test]
fn the_step_is_its_name_and_version_and_its_output_its_input() {
    let bench = site();
    let step = bench.step("files { content = ./site }");
    assert_eq!(step.command.arguments, ["lambuild:files", "1"]);
    assert!(step.command.environment.is_empty());
    let root = bench.store.keep(&step.input_root);
    let out = FilesStep.run(&step.command, &root, &bench.store).unwrap();
    assert_eq!(out, Node::Directory(root));
}

/// Some entries for a `content`, none of which gets into another's way.
fn entries() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["a", "b", "c/x", "c/y", "d/e/f", "Z", "0"]);
    let text = "[a-z]{0,3}";
    prop::collection::btree_map(name.prop_map(str::to_owned), text, 1..6)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The order of writing is no part of the key.
    #[test]
    fn the_order_of_entries_does_not_matter(entries in entries()) {
        let product = |entries: &[(String, String)]| {
            let lines = entries.iter().map(|(at, text)| format!("\"{at}\" = \"{text}\""));
            format!("files {{ content = {{ {} }} }}", lines.collect::<Vec<_>>().join(", "))
        };
        let mut sorted = entries.clone();
        sorted.sort();
        let bench = site();
        prop_assert_eq!(bench.key(&product(&entries)), bench.key(&product(&sorted)));
    }
}
