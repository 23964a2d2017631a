//! The step that zips: modes, facts, what is said of a layer, and what is refused.

use super::*;
use crate::testing::{Bench, MemoryStore, Trees, path};
use lambuild_action::BlobStore;
use lambuild_action::cache_key::encode;
use lambuild_digest::DigestFunction;

fn bench() -> Bench {
    Bench::new(&[
        ("f/bootstrap", "binary"),
        ("f/data.txt", "some data"),
        ("f/script", "#!/bin/sh\n"),
        ("f/tool", "tool"),
        ("f/bin/helper", "helper"),
    ])
    .executable("f/tool")
}

/// Path and mode of every member.
fn modes(bench: &Bench, out: &Digest) -> Vec<String> {
    let zip = bench.store.file(out, ZIP);
    let entries = zip::entries(&zip).unwrap();
    let line = |entry: &zip::Entry| format!("{} {:o}", entry.path, entry.mode.unwrap());
    entries.iter().map(line).collect()
}

#[test]
fn modes_of_a_function() {
    let bench = bench();
    let out = bench.zipped("files { content = ./f }", false).unwrap();
    let expected = [
        "bin/helper 100644",
        "bootstrap 100755",
        "data.txt 100644",
        "script 100755",
        "tool 100755",
    ];
    assert_eq!(modes(&bench, &out), expected);
}

#[test]
fn what_a_layer_has_in_bin_may_be_executed() {
    let bench = bench();
    let out = bench.zipped("files { content = ./f }", true).unwrap();
    assert_eq!(modes(&bench, &out)[0], "bin/helper 100755");
}

#[test]
fn links_stay_links() {
    let store = MemoryStore::default();
    let mut content = store.tree(&[("bootstrap", "binary", true)]);
    content
        .put(&path("lib/alias"), Entry::symlink("../bootstrap"), &store)
        .unwrap();
    let options = store.write(br#"{"layer":false}"#).unwrap();
    let mut root = Dir::default();
    root.put(&path(CONTENT), Entry::Dir(content), &store).unwrap();
    root.file(&path(OPTIONS), options, false).unwrap();
    let out = ZipStep
        .run(&Command::default(), &store.keep(&root), &store)
        .unwrap();
    let Node::Directory(out) = out else {
        panic!("{out:?}")
    };
    let entries = zip::entries(&store.file(&out, ZIP)).unwrap();
    assert_eq!(
        (entries[1].path.as_str(), entries[1].mode),
        ("lib/alias", Some(0o120_777))
    );
}

#[test]
fn the_facts_are_those_of_the_zip() {
    let bench = bench();
    let out = bench.zipped("files { content = ./f }", false).unwrap();
    let facts: Facts = serde_json::from_slice(&bench.store.file(&out, FACTS)).unwrap();
    assert_eq!(facts, Facts::of(&bench.store.file(&out, ZIP)).unwrap());
    assert_eq!(facts.entries, 5);
}

#[test]
fn only_a_layer_is_judged_by_where_its_files_lie() {
    let bench = bench().with("l/certs/ca.pem", "pem").with("l/bin/jq", "jq");
    let layer = bench.zipped("files { content = ./l }", true).unwrap();
    let layout: Layout = serde_json::from_slice(&bench.store.file(&layer, LAYOUT)).unwrap();
    insta::assert_snapshot!(layout.invisible.join("\n"), @"`certs` is nothing the runtime looks at: this part of the layer will be invisible; put it under `bin/`, `lib/`, `python/`, `nodejs/node_modules/`, `java/lib/` or `ruby/lib/`, or say `data = true` when the function opens `/opt/certs` itself");
    let function = bench.zipped("files { content = ./l }", false).unwrap();
    let names: Vec<String> = names(&bench.store, &function);
    assert_eq!(names, [FACTS, ZIP]);
}

fn names(store: &MemoryStore, out: &Digest) -> Vec<String> {
    let all = walk(out, store).unwrap();
    all.into_iter().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn an_empty_product_is_refused() {
    let bench = bench();
    insta::assert_snapshot!(
        bench
            .zipped("files { content = ./f, exclude = [\"**\"] }", false)
            .unwrap_err(), @"there is nothing to put into the zip, and Lambda takes no empty one: give it at least one file");
}

#[test]
fn names_that_differ_in_case_only_are_refused() {
    let bench = bench().with("f/Data.txt", "other");
    insta::assert_snapshot!(bench.zipped("files { content = ./f }", false).unwrap_err(), @"`Data.txt` and `data.txt` differ only in upper and lower case: on many machines one would overwrite the other, rename one");
}

#[test]
fn one_file_is_no_product_to_zip() {
    let store = MemoryStore::default();
    let file = store.write(b"x").unwrap();
    let mut root = Dir::default();
    root.file(&path(CONTENT), file, false).unwrap();
    root.file(&path(OPTIONS), file, false).unwrap();
    let error = ZipStep
        .run(&Command::default(), &store.keep(&root), &store)
        .unwrap_err();
    assert_eq!(error.to_string(), "what is to be zipped is not a folder");
}

#[test]
fn the_key_holds_the_writers_version_the_options_and_the_content() {
    let bench = bench();
    let step = bench.zip_step("files { content = ./f }", true);
    assert_eq!(
        step.command.arguments,
        ["lambuild:zip".to_owned(), zip::VERSION.to_string()]
    );
    assert!(
        bench
            .listing(&step)
            .ends_with("options.json \"{\\\"layer\\\":true}\"")
    );
    let key = |product: &str, layer| encode(&bench.zip_step(product, layer), DigestFunction::Blake3).key;
    let keys = [
        key("files { content = ./f }", true),
        key("files { content = ./f }", false),
        key("files { content = ./f, exclude = [\"tool\"] }", false),
    ];
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "{keys:?}");
}

#[test]
fn equal_content_is_an_equal_zip_however_it_was_put_together() {
    let bench = bench();
    let zip = |product: &str| bench.store.file(&bench.zipped(product, false).unwrap(), ZIP);
    let whole = zip("files { content = ./f }");
    let parts = r##"files { content = {
      "tool" = ./f/tool, "bin" = ./f/bin, "script" = "#!/bin/sh\n"
      "." = files { content = ./f, include = ["b*", "data.txt"] }
    } }"##;
    assert!(zip(parts) == whole, "the same files gave other bytes");
}
