//! Golden bytes, and that the system's own `tar` reads them as they were meant.

use super::*;
use sha2::{Digest as _, Sha256};
use std::io::Write;
use std::process::{Command, Stdio};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn members() -> Vec<Member<'static>> {
    let file = |at: &str, bytes: &'static [u8], executable| Member {
        path: path(at),
        kind: Kind::File(bytes, executable),
    };
    let long = format!("{}/{}", ["folder"; 14].join("/"), "n".repeat(90));
    vec![
        file("run", b"#!/bin/sh\n", true),
        file("a/text", b"hello\n", false),
        file(&long, b"long", false),
        file(&format!("{}.txt", "x".repeat(150)), b"longer", false),
        file("caf\u{e9}", b"not ascii", false),
        Member {
            path: path("a/link"),
            kind: Kind::Symlink("text".to_owned()),
        },
        Member {
            path: path("empty"),
            kind: Kind::Folder,
        },
    ]
}

/// A change of these values needs a higher [`VERSION`].
#[test]
fn golden_digests() {
    let tar = assemble(&members());
    let digest = |bytes: &[u8]| {
        let all = Sha256::digest(bytes);
        all.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(VERSION, 1);
    insta::assert_snapshot!(digest(&tar), @"bd06200e4fbf11e7bbb9b679872c845060a79e51f558777c15ee5e3854708891");
    insta::assert_snapshot!(digest(&gzip(&tar)), @"29233d193efc09a6c709d659598d5c9b3c093075f621937c0001aaa956fcfd4a");
}

#[test]
fn the_order_of_members_does_not_matter() {
    let mut other = members();
    other.reverse();
    assert_eq!(assemble(&members()), assemble(&other));
}

fn tar_says(arguments: &[&str], input: &[u8]) -> String {
    #[expect(clippy::disallowed_methods, reason = "the system's tar is the judge")]
    let mut command = Command::new("tar");
    command.args(arguments).env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "tar {arguments:?} fails");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_systems_tar_lists_what_was_put_in() {
    let tar = assemble(&members());
    let listed = tar_says(&["-tvf", "-"], &tar);
    let columns = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!(columns.collect::<Vec<_>>().join("\n"), @"
    lrwxrwxrwx 0/0 0 1980-01-01 00:00 a/link -> text
    -rw-r--r-- 0/0 6 1980-01-01 00:00 a/text
    -rw-r--r-- 0/0 9 1980-01-01 00:00 café
    drwxr-xr-x 0/0 0 1980-01-01 00:00 empty/
    -rw-r--r-- 0/0 4 1980-01-01 00:00 folder/folder/folder/folder/folder/folder/folder/folder/folder/folder/folder/folder/folder/folder/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
    -rwxr-xr-x 0/0 10 1980-01-01 00:00 run
    -rw-r--r-- 0/0 6 1980-01-01 00:00 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt
    ");
    assert_eq!(tar_says(&["-xOf", "-", "a/text"], &tar), "hello\n");
    assert_eq!(tar_says(&["-xzOf", "-", "run"], &gzip(&tar)), "#!/bin/sh\n");
}
