//! What an archive holds, in each format.

use super::*;
use crate::testing::{Bench, Trees};
use lambuild_action::BlobStore;

fn packed(product: &str) -> Vec<u8> {
    let bench = Bench::new(&[
        ("site/index.html", "<p>"),
        ("site/run", "#!/bin/sh"),
        ("site/notes.md", "n"),
    ])
    .executable("site/run");
    let step = bench.step(product);
    let root = bench.store.keep(&step.input_root);
    match ArchiveStep.run(&step.command, &root, &bench.store).unwrap() {
        Node::File {
            digest,
            executable: false,
        } => bench.store.read(&digest).unwrap(),
        other => panic!("no file: {other:?}"),
    }
}

#[test]
fn the_format_decides_the_bytes_and_the_key() {
    let zip = packed("archive { content = ./site }");
    assert_eq!(&zip[..4], b"PK\x03\x04");
    assert_eq!(
        zip,
        packed("archive { content = { \".\" = ./site }, format = \"zip\" }")
    );
    let tar = packed("archive { content = ./site, format = \"tar\" }");
    assert_eq!(
        (&tar[..10], &tar[257..263]),
        (&b"index.html"[..], &b"ustar\0"[..])
    );
    let gz = packed("archive { content = ./site, format = \"tar.gz\" }");
    // No name, no time.
    assert_eq!(&gz[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    let fewer = packed("archive { content = ./site, format = \"tar\", exclude = [\"*.md\"] }");
    assert_eq!(tar.len() - fewer.len(), 1024);
}

#[test]
fn a_single_file_needs_a_name() {
    let bench = Bench::new(&[("a.txt", "a")]);
    insta::assert_snapshot!(bench.message("archive { content = ./a.txt, format = \"gz\" }"), @r#"
    error[E0403]: `format` takes one of "zip", "tar", "tar.gz", found "gz"
     --> lambda.build:2:50
      |
    2 | target t = archive { content = ./a.txt, format = "gz" }
      |                                                  ^^^^ this value
    "#);
    assert!(
        bench
            .message("archive { content = ./a.txt }")
            .contains("say where it goes")
    );
}
