//! The bytes: a digest on record, other readers, and the laws.

use super::super::{Entry, compress, entries};
use super::*;
use proptest::collection::btree_map;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn file(name: &str, executable: bool, content: &[u8]) -> Member {
    Member {
        path: path(name),
        kind: MemberKind::File {
            executable,
            content: compress(content),
        },
    }
}

fn link(name: &str, target: &str) -> Member {
    Member {
        path: path(name),
        kind: MemberKind::Symlink {
            target: target.to_owned(),
        },
    }
}

/// Bytes that no compressor gains on: a linear congruential generator (Knuth's MMIX).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}

fn sample() -> Vec<Member> {
    vec![
        file("bootstrap", true, &b"\x7fELF, more or less ".repeat(4000)),
        file("empty", false, b""),
        file("noise.bin", false, &noise(10_000)),
        file("tëxt/ünïcode.txt", false, "grüße ".repeat(50).as_bytes()),
        file("lib/a.so.1", true, b"a"),
        file("lib-x", false, b"sorts between `lib` and `lib/`"),
        link("lib/a.so", "a.so.1"),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes are the same on every machine and after every upgrade: when this
/// fails, raise [`super::super::VERSION`] together with the file.
#[test]
fn the_bytes_are_those_on_record() {
    let zip = assemble(&sample()).unwrap();
    let recorded = include_str!("golden.sha256").trim();
    assert_eq!(
        format!("version {} {}", super::super::VERSION, hex(&Sha256::digest(&zip))),
        recorded
    );
}

#[test]
fn the_headers_say_what_the_rules_say() {
    let zip = assemble(&sample()).unwrap();
    let seen: Vec<String> = entries(&zip).unwrap().iter().map(line).collect();
    insta::assert_snapshot!(seen.join("\n"), @"
    100755  76000    224 bootstrap
    100644      0      0 empty
    100644     30     30 lib-x
    120777      6      6 lib/a.so
    100755      1      1 lib/a.so.1
    100644  10000  10000 noise.bin
    100644    400     15 tëxt/ünïcode.txt
    ");
    let mut archive = ::zip::ZipArchive::new(Cursor::new(&zip)).unwrap();
    for index in 0..archive.len() {
        let file = archive.by_index(index).unwrap();
        assert_eq!(file.version_made_by(), (2, 0));
        assert_eq!(file.extra_data().unwrap_or_default(), b"");
        assert_eq!(file.last_modified().unwrap().to_string(), "1980-01-01 00:00:00");
    }
}

fn line(entry: &Entry) -> String {
    let Entry {
        path,
        mode,
        size,
        compressed,
        ..
    } = entry;
    format!("{:o} {size:>6} {compressed:>6} {path}", mode.unwrap())
}

/// The words of Python's own reader, which shares no code with ours.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks another implementation")]
fn python_reads_the_same() {
    let script = "import sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n\
        for i in z.infolist():\n \
        print('%o' % (i.external_attr >> 16), i.create_system, i.flag_bits, i.compress_type, i.date_time, i.file_size, i.extra, i.filename)\n";
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("a.zip");
    std::fs::write(&zip, assemble(&sample()).unwrap()).unwrap();
    let output = std::process::Command::new("python3")
        .args(["-X", "utf8", "-c", script])
        .arg(&zip)
        .output()
        .expect("python3 is needed to check zips with a second reader");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout), @"
    100755 3 0 8 (1980, 1, 1, 0, 0, 0) 76000 b'' bootstrap
    100644 3 0 0 (1980, 1, 1, 0, 0, 0) 0 b'' empty
    100644 3 0 0 (1980, 1, 1, 0, 0, 0) 30 b'' lib-x
    120777 3 0 0 (1980, 1, 1, 0, 0, 0) 6 b'' lib/a.so
    100755 3 0 0 (1980, 1, 1, 0, 0, 0) 1 b'' lib/a.so.1
    100644 3 0 0 (1980, 1, 1, 0, 0, 0) 10000 b'' noise.bin
    100644 3 2048 8 (1980, 1, 1, 0, 0, 0) 400 b'' tëxt/ünïcode.txt
    ");
}

#[test]
fn what_cannot_be_one_zip_is_refused() {
    let messages = [
        assemble(&[]),
        assemble(&[file("", false, b"x")]),
        assemble(&[file("a", false, b"x"), file("a", true, b"y")]),
        assemble(&[file("README", false, b"x"), file("ReadMe", false, b"y")]),
        assemble(&[
            file("lib", false, b"x"),
            file("lib-x", false, b""),
            file("lib/a/b", false, b"y"),
        ]),
        assemble(&[link("here", "")]),
        assemble(&[file(&["x"; 40_000].join("/"), false, b"")]),
        assemble(&vec_of(COUNT_MAX + 1)),
        assemble(&[huge("one", 1 << 32)]),
    ]
    .map(|result| result.unwrap_err().to_string());
    insta::assert_snapshot!(messages.join("\n"), @"
    there is nothing to put into the zip, and Lambda takes no empty one: give it at least one file
    a file has no name of its own in the zip: give the path that it should have there
    `a` would be in the zip twice: take one of the two away, or give it another path
    `README` and `ReadMe` differ only in upper and lower case: on many machines one would overwrite the other, rename one
    `lib` is a file, so `lib/a/b` cannot lie in it: rename one of the two
    the link `here` points nowhere: its target is empty
    the path `x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/…` has 79999 bytes, and the format has room for 65535: give it a shorter one
    the zip would hold 65535 files, and the format has room for 65534: split it, for example into a layer
    `one` would have 4294967296 bytes, and the format has room for 4294967294: split it, or fetch the data at run time
    ");
}

fn vec_of(count: usize) -> Vec<Member> {
    (0..count).map(|n| file(&n.to_string(), false, b"")).collect()
}

/// A member that says it is bigger than any test wants to hold.
fn huge(name: &str, size: u64) -> Member {
    let content = Compressed {
        method: Method::Deflated,
        crc32: 0,
        size,
        data: Vec::new(),
    };
    Member {
        path: path(name),
        kind: MemberKind::File {
            executable: false,
            content,
        },
    }
}

#[test]
fn the_most_members_still_fit() {
    let zip = assemble(&vec_of(COUNT_MAX)).unwrap();
    assert_eq!(entries(&zip).unwrap().len(), COUNT_MAX);
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0usize..5000).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Order is no input, and what goes in comes out.
    #[test]
    fn any_order_gives_the_same_bytes_and_reads_back(
        contents in btree_map("[a-zé]{1,4}\\.[a-z](/[a-z]{1,3}){0,2}", (any::<bool>(), content()), 1..12),
        by in any::<prop::sample::Index>(),
    ) {
        let members: Vec<Member> =
            contents.iter().map(|(name, (executable, content))| file(name, *executable, content)).collect();
        prop_assume!(sorted(&members).is_ok());
        let zip = assemble(&members).unwrap();
        let mut turned = members.clone();
        turned.rotate_left(by.index(members.len()));
        turned.reverse();
        prop_assert_eq!(&assemble(&turned).unwrap(), &zip);

        let mut archive = ::zip::ZipArchive::new(Cursor::new(&zip)).unwrap();
        prop_assert_eq!(archive.len(), contents.len());
        for (index, (name, (executable, content))) in contents.iter().enumerate() {
            let mut file = archive.by_index(index).unwrap();
            prop_assert_eq!(file.name_raw(), name.as_bytes());
            prop_assert_eq!(file.unix_mode(), Some(if *executable { EXECUTABLE } else { FILE }));
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            prop_assert_eq!(&read, content);
        }
    }
}
