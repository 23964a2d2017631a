//! Archives by hand, good and hostile: of each it is written here what must become of it.

use std::convert::Infallible;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use super::*;

/// What is in an archive, a line an entry; or why it is refused.
fn told(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let read = read::<Infallible>(bytes, &Limits::default(), &mut |path, item| {
        lines.push(match item {
            Item::Folder => format!("{path}/"),
            Item::Link { target } => format!("{path} -> {target}"),
            Item::Again { of } => format!("{path} = {of}"),
            Item::File { executable, content } => {
                format!("{path}{} {}", if executable { "*" } else { "" }, content.len())
            }
        });
        Ok(())
    });
    read.map(|()| lines).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(bytes: &[u8], why: &str) {
    let said = told(bytes).expect_err("it should be refused");
    assert!(said.contains(why), "{said}\nshould say: {why}");
}

/// One entry of a zip, with everything that can lie about it.
#[derive(Clone)]
struct Z {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    content: Vec<u8>,
    packed: Option<Vec<u8>>,
    method: u16,
    flags: u16,
    mode: u32,
    crc: Option<u32>,
    size: Option<u32>,
    extra: Vec<u8>,
    descriptor: Option<Vec<u8>>,
}

fn z(name: &str, content: &str) -> Z {
    Z {
        name: name.into(),
        local_name: None,
        content: content.into(),
        packed: None,
        method: 0,
        flags: 0,
        mode: 0o100_644,
        crc: None,
        size: None,
        extra: Vec::new(),
        descriptor: None,
    }
}

impl Z {
    fn mode(mut self, mode: u32) -> Z {
        self.mode = mode;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Z)) -> Z {
        change(&mut self);
        self
    }

    fn deflated(mut self) -> Z {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.content).unwrap();
        self.packed = Some(encoder.finish().unwrap());
        self.method = 8;
        self
    }

    /// Flags to extra length, as both headers have them.
    fn middle(&self, name: &[u8], deferred: bool) -> Vec<u8> {
        let packed = self.packed.as_ref().unwrap_or(&self.content).len() as u32;
        let numbers = match deferred {
            true => [0; 3],
            false => [
                self.crc.unwrap_or_else(|| crc32fast::hash(&self.content)),
                packed,
                self.size.unwrap_or(self.content.len() as u32),
            ],
        };
        let mut bytes = Vec::new();
        for number in [self.flags, self.method, 0, 0x21] {
            bytes.extend(number.to_le_bytes());
        }
        for number in numbers {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend((self.extra.len() as u16).to_le_bytes());
        bytes
    }
}

/// The zip of these entries, its parts apart: contents, directory, count.
fn parts(entries: &[Z]) -> (Vec<u8>, Vec<u8>, u16) {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = body.len() as u32;
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        body.extend(b"PK\x03\x04\x14\x00");
        body.extend(entry.middle(local, entry.descriptor.is_some()));
        body.extend(local);
        body.extend(&entry.extra);
        body.extend(entry.packed.as_ref().unwrap_or(&entry.content));
        body.extend(entry.descriptor.iter().flatten());
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(entry.middle(&entry.name, false));
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    (body, directory, entries.len() as u16)
}

fn join(body: &[u8], directory: &[u8], count: u16, comment: &[u8]) -> Vec<u8> {
    let mut bytes = [body, directory, b"PK\x05\x06\0\0\0\0"].concat();
    bytes.extend([count, count].map(u16::to_le_bytes).concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend((comment.len() as u16).to_le_bytes());
    bytes.extend(comment);
    bytes
}

fn zip(entries: &[Z]) -> Vec<u8> {
    let (body, directory, count) = parts(entries);
    join(&body, &directory, count, b"")
}

fn one(entry: Z) -> Vec<u8> {
    zip(&[entry])
}

/// CRC, packed size and size, as they may follow a content.
fn descriptor(content: &str, sign: bool) -> Vec<u8> {
    let mut bytes = if sign { b"PK\x07\x08".to_vec() } else { Vec::new() };
    let size = content.len() as u32;
    for number in [crc32fast::hash(content.as_bytes()), size, size] {
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

#[test]
fn a_good_zip() {
    let entries = [
        z("bin/", "").mode(0o040_755),
        z("bin/tool", "text").mode(0o104_755).deflated(),
        z("lib/a", "aa").mode(0o100_666),
        z("lib/link", "../bin/tool").mode(0o120_777),
        z("late", "x").with(|e| {
            e.flags = 8;
            e.descriptor = Some(descriptor("x", true));
        }),
        z("later", "")
            .mode(0)
            .with(|e| e.extra = b"UT\x05\0\x01abcd".to_vec()),
    ];
    let lines = [
        "bin/",
        "bin/tool* 4",
        "lib/a 2",
        "late 1",
        "later 0",
        "lib/link -> ../bin/tool",
    ];
    let (body, directory, count) = parts(&entries);
    for comment in ["", "3f2a1b: a commit, as some servers write it"] {
        let bytes = join(&body, &directory, count, comment.as_bytes());
        assert_eq!(told(&bytes).unwrap(), lines);
    }
    assert_eq!(told(&zip(&[])).unwrap(), Vec::<String>::new());
}

#[test]
fn our_own_zips_are_read_and_those_of_the_zip_crate() {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = ::zip::write::FileOptions::<()>::DEFAULT;
    writer.start_file("a/b", options.unix_permissions(0o755)).unwrap();
    writer.write_all(&[7; 100_000]).unwrap();
    writer.add_symlink("c", "a/b", options).unwrap();
    writer.start_file("large", options.large_file(true)).unwrap();
    writer.write_all(b"zip64").unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(told(&bytes).unwrap(), ["a/b* 100000", "large 5", "c -> a/b"]);
}

#[test]
fn zip_names_that_do_not_stay_below() {
    for (name, why) in [
        ("../x", "cannot be unpacked"),
        ("/x", "cannot be unpacked"),
        ("a\\..\\x", "cannot be unpacked"),
        ("", "no name"),
        (".", "cannot be unpacked"),
        ("a/./b", "cannot be unpacked"),
        ("a//b", "cannot be unpacked"),
        ("a\0b", "cannot be unpacked"),
        ("a\nb", "cannot be unpacked"),
    ] {
        refused(&one(z(name, "x")), why);
    }
    refused(&one(z(&"n".repeat(5000), "x")), "longer than 1024 bytes");
    refused(
        &one(z(&format!("{}x", "d/".repeat(100)), "")),
        "deeper than 64 folders",
    );
    refused(&one(z("x", "x").with(|e| e.name = b"\xff".to_vec())), "not UTF-8");
}

#[test]
fn zip_links_that_do_not_stay_below() {
    let link = |name: &str, to: &str| z(name, to).mode(0o120_777);
    refused(
        &zip(&[link("l", "../../etc"), z("l/passwd", "x")]),
        "leads out of the archive",
    );
    refused(&one(link("l", "/etc/passwd")), "leads out of the archive");
    refused(&one(link("d/l", "../../x")), "leads out of the archive");
    refused(
        &zip(&[link("l", "d"), z("d/x", "x"), z("l/x", "y")]),
        "lies in `l`, which is a link",
    );
    refused(&zip(&[link("l", "gone")]), "which is not in the archive");
    refused(&zip(&[link("a", "b"), link("b", "a")]), "in a circle");
    refused(
        &zip(&[z("d/x", ""), link("a", "d"), link("b", "a/../d/x")]),
        "a step up behind a name",
    );
    refused(
        &zip(&[z("d/x", ""), link("a", "d"), link("b", "a/x")]),
        "leads through `a`",
    );
    refused(&one(link("d/l", "..")), "the whole archive");
}

#[test]
fn zip_names_that_are_one() {
    refused(&zip(&[z("a", "1"), z("a", "2")]), "`a` is in it twice");
    refused(
        &zip(&[z("d/", "").mode(0o040_755), z("d/", "").mode(0o040_755)]),
        "twice",
    );
    refused(
        &zip(&[z("A/x", ""), z("a/y", "")]),
        "differ only in upper and lower case",
    );
    refused(
        &zip(&[z("caf\u{e9}/x", ""), z("cafe\u{301}/y", "")]),
        r"`caf\u{e9}` and `cafe\u{301}` differ only in how Unicode writes an accent, and are one file on macOS",
    );
    refused(
        &zip(&[z("\u{212b}", ""), z("\u{e5}", "")]),
        "differ only in upper and lower case",
    );
    refused(&zip(&[z("a", ""), z("a/b", "")]), "which is a file");
    refused(&zip(&[z("a/b", ""), z("a", "")]), "twice");
}

#[test]
fn zips_whose_two_sides_differ() {
    refused(
        &one(z("good", "x").with(|e| e.local_name = Some(b"evil".to_vec()))),
        "differ in its name",
    );
    refused(&one(z("a", "x").with(|e| e.crc = Some(7))), "another checksum");
    let bomb = z("a", &"0".repeat(5000)).deflated().with(|e| e.size = Some(10));
    refused(&one(bomb), "larger than it says");
    refused(&one(z("a", "x").with(|e| e.size = Some(9))), "another size");
    let mut bytes = one(z("a", "x"));
    bytes[14] ^= 1;
    refused(&bytes, "differ in its sizes or checksum");
    let lying = z("a", "x").with(|e| {
        e.flags = 8;
        e.descriptor = Some(descriptor("y", true));
    });
    refused(&one(lying), "data descriptor says something else");
    let unicode_path = [b"up\x09\0\x01crcc".as_slice(), b"evil"].concat();
    refused(
        &one(z("good", "x").with(|e| e.extra = unicode_path)),
        "a second, different name",
    );
    refused(
        &one(z("a", "x").with(|e| e.extra = b"\x01\0\x09\0x".to_vec())),
        "cut off",
    );
}

#[test]
fn zips_that_hold_more_than_one_sees() {
    let good = one(z("a", "x"));
    refused(&[&good[..], b"behind"].concat(), "no end record at its end");
    refused(&[b"PK\x03\x04", &good[..]].concat(), "does not lie where");
    refused(&[&good[..], &good[..]].concat(), "does not lie where");
    let (body, directory, count) = parts(&[z("a", "x")]);
    refused(&join(&body, &directory, count, &good), "does not lie where");
    let (two, _, _) = parts(&[z("a", "x"), z("hidden", "y")]);
    refused(&join(&two, &directory, count, b""), "bytes behind its content");
    refused(&join(&body, &directory, 2, b""), "says that it has 2 entries");
    let twice = [&directory[..], &parts(&[z("b", "x")]).1].concat();
    refused(&join(&body, &twice, 2, b""), "overlap");
    let mut far = good.clone();
    let offset = far.len() - 6;
    far[offset] = 0xee;
    refused(&far, "does not lie where");
}

#[test]
fn zip_entries_that_are_no_files() {
    refused(
        &one(z("a", "").mode(0o010_644)),
        "neither a file nor a folder nor a link",
    );
    refused(
        &one(z("a", "").mode(0o020_644)),
        "neither a file nor a folder nor a link",
    );
    refused(&one(z("a", "x").with(|e| e.flags = 1)), "is encrypted");
    refused(&one(z("a", "x").with(|e| e.method = 99)), "method 99");
    refused(
        &one(z("a/", "x").mode(0o040_755)),
        "a folder by its mode or its name",
    );
    refused(
        &one(z("a", "x").mode(0o040_755)),
        "a folder by its mode or its name",
    );
    let limits = Limits {
        bytes: 1 << 20,
        free: 1 << 10,
        ..Limits::default()
    };
    let bomb = one(z("a", &"0".repeat(1 << 19)).deflated());
    let read = read::<Infallible>(&bomb, &limits, &mut |_, _| Ok(()));
    assert!(read.unwrap_err().to_string().contains("more than the"));
}

#[test]
fn a_zip_that_is_cut_off_anywhere_or_changed_anywhere_is_no_other() {
    let entries = [
        z("a/b", "content").deflated(),
        z("c", "x"),
        z("l", "c").mode(0o120_777),
    ];
    let bytes = zip(&entries);
    let whole = told(&bytes).unwrap();
    for end in 0..bytes.len() {
        assert!(told(&bytes[..end]).is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x55;
        // Times, versions and attributes may change; what is unpacked then is still all of it.
        if let Ok(read) = told(&changed) {
            assert_eq!(read.len(), whole.len(), "changed at {place}");
        }
    }
}

/// One entry of a tar.
#[derive(Clone)]
struct T {
    name: String,
    link: String,
    kind: u8,
    mode: u32,
    content: Vec<u8>,
    size: Option<usize>,
}

fn t(kind: u8, name: &str, rest: &str) -> T {
    let is_link = matches!(kind, b'1' | b'2');
    T {
        name: name.into(),
        link: if is_link { rest.into() } else { String::new() },
        kind,
        mode: 0o644,
        content: if is_link { Vec::new() } else { rest.into() },
        size: None,
    }
}

fn entry(entry: &T) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, entry.name.as_bytes());
    put(100, format!("{:07o}\0", entry.mode).as_bytes());
    put(
        124,
        format!("{:011o}\0", entry.size.unwrap_or(entry.content.len())).as_bytes(),
    );
    put(148, b"        ");
    put(156, &[entry.kind]);
    put(157, entry.link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(&entry.content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn tar(entries: &[T]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(entry).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// A record of an extended header.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while format!("{length}{rest}").len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_good_tar() {
    let long = format!("{}/long", "n".repeat(150));
    let tool = T {
        mode: 0o4755,
        ..t(b'0', "./bin/tool", "text")
    };
    let entries = [
        t(b'5', "./", ""),
        t(b'g', "pax_global_header", &record("comment", "3f2a")),
        t(b'5', "./bin/", ""),
        tool,
        t(b'1', "bin/same", "./bin/tool"),
        t(b'2', "link", "bin/tool"),
        t(b'x', "h", &(record("path", &long) + &record("mtime", "1.5"))),
        t(b'0', "short", "1"),
        t(b'L', "././@LongLink", "gnu/name\0"),
        t(b'0', "short", "22"),
    ];
    let lines = [
        "bin/",
        "bin/tool* 4",
        "bin/same = bin/tool",
        &format!("{long} 1"),
        "gnu/name 2",
        "link -> bin/tool",
    ];
    assert_eq!(told(&tar(&entries)).unwrap(), lines);
    assert_eq!(told(&gz(&tar(&entries))).unwrap(), lines);
}

#[test]
fn tars_that_do_not_stay_below() {
    refused(&tar(&[t(b'0', "../x", "")]), "cannot be unpacked");
    refused(&tar(&[t(b'0', "/x", "")]), "cannot be unpacked");
    refused(&tar(&[t(b'2', "l", "../.."), t(b'0', "l/x", "")]), "leads out");
    refused(&tar(&[t(b'2', "l", "../.."), t(b'5', "l", "")]), "leads out");
    refused(
        &tar(&[t(b'0', "d/x", ""), t(b'2', "l", "d"), t(b'5', "l/", "")]),
        "twice",
    );
    refused(&tar(&[t(b'1', "h", "../../secret")]), "no file before it");
    refused(
        &tar(&[t(b'1', "h", "../secret"), t(b'0', "h", "x")]),
        "no file before it",
    );
    let chain = [
        t(b'5', "d/", ""),
        t(b'2', "a", "d"),
        t(b'2', "b", "a/.."),
        t(b'2', "c", "b/.."),
    ];
    refused(&tar(&chain), "a step up behind a name");
}

#[test]
fn tars_with_more_or_other_than_files() {
    for kind in [b'3', b'4', b'6', b'S', b'V', b'Z'] {
        refused(
            &tar(&[t(kind, "x", "")]),
            "neither a file nor a folder nor a link",
        );
    }
    refused(
        &tar(&[t(b'0', "a", "1"), t(b'0', "a", "2")]),
        "`a` is in it twice",
    );
    let smuggled = [t(b'x', "h", &record("size", "512")), t(b'0', "a", "1")];
    refused(&tar(&smuggled), "has two sizes");
    refused(&tar(&[t(b'g', "h", &record("path", "x"))]), "all entries a name");
    refused(&tar(&[t(b'x', "h", &record("path", "x"))]), "belongs to an entry");
    refused(&tar(&[t(b'x', "h", "99 path=x\n"), t(b'0', "a", "")]), "damaged");
    refused(
        &tar(&[t(b'x', "h", &record("GNU.sparse.major", "1")), t(b'0', "a", "")]),
        "sparse",
    );
    refused(
        &[&tar(&[t(b'0', "a", "1")])[..], &entry(&t(b'0', "b", ""))].concat(),
        "behind its end",
    );
    refused(&entry(&t(b'0', "a", "1")), "cut off");
    let mut damaged = tar(&[t(b'0', "a", "1")]);
    damaged[0] = b'b';
    refused(&damaged, "checksum is wrong");
    refused(&[gz(&tar(&[])), b"x".to_vec()].concat(), "behind its gzip stream");
    refused(&[gz(&tar(&[])), gz(&tar(&[]))].concat(), "behind its gzip stream");
    refused(&gz(&vec![0; 40 << 20]), "it unpacks to more than");
}

#[test]
fn what_is_no_archive_is_named() {
    refused(b"\xfd7zXZ\0", "compressed with xz");
    refused(b"\x28\xb5\x2f\xfd", "compressed with zstd");
    refused(b"<html>", "neither a zip nor a tar nor a tar.gz");
    refused(b"", "neither a zip nor a tar nor a tar.gz");
}

#[test]
fn a_tar_that_is_cut_off_or_changed_does_no_harm() {
    let bytes = tar(&[t(b'0', "a", "1"), t(b'5', "d/", ""), t(b'2', "l", "a")]);
    for end in 0..bytes.len() - 1 {
        assert!(told(&bytes[..end]).is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x55;
        let _ = told(&changed);
    }
}
