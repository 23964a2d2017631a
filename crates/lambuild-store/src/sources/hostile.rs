//! R25, R23, F11, F12 and F24 to F31 for sources: odd names, depths, sizes and kinds, and
//! trees that change while they are read. Each case has the outcome that `docs/sources.md` promises.

use super::tests::Setup;
use super::*;
use lambuild_digest::DigestFunction;
use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use std::ffi::OsStr;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// Every file below an entry with its digest, every link with its target.
fn leaves(entry: &Entry, at: &str, found: &mut Vec<(String, String)>) {
    match entry {
        Entry::Dir(dir) => dir
            .entries()
            .for_each(|(name, entry)| leaves(entry, &format!("{at}/{name}"), found)),
        Entry::Node(lambuild_digest::Node::File { digest, .. }) => found.push((at.to_owned(), digest.hex())),
        Entry::Node(lambuild_digest::Node::Symlink { target }) => {
            found.push((at.to_owned(), format!("-> {target}")));
        }
        Entry::Node(other) => panic!("{other:?}"),
    }
}

fn taken(sources: &SourceTree, folder: &str) -> Result<Vec<(String, String)>, String> {
    let entry = sources
        .content(&path(folder))
        .map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    leaves(&entry, "", &mut found);
    Ok(found)
}

/// Names that people and their tools have made, and worse.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "-rf",
        "--",
        "-",
        " ",
        "  x",
        "x ",
        "x.",
        "...",
        "..x",
        ".x",
        "con",
        "NUL",
        "aux.txt",
        "COM1",
        "$HOME",
        "$(id)",
        "`id`",
        "a b",
        "a'b",
        "a\"b",
        "a*b",
        "a?b",
        "[a]",
        "{a}",
        "a;b",
        "a&b",
        "a|b",
        "<a>",
        "!a",
        "#a",
        "~",
        "~root",
        "%s%n",
        "%2e%2e",
        "a:b",
        "a=b",
        "a@b",
        "a,b",
        "\u{e9}",
        "e\u{301}",
        "\u{212b}",
        "A\u{30a}",
        "\u{1f600}",
        "\u{202e}gpj.exe",
        "\u{200b}",
        "\u{feff}x",
        "\u{fffd}",
        "日本語",
        "مرحبا",
        "Straße",
        "STRASSE",
        "i",
        "I",
        "ı",
        "İ",
        "x.lambda.build",
        "CON.",
        "desktop.ini",
        "Thumbs.db",
        ".DS_Store",
        "a\u{a0}b",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    // One of each byte that a file system takes, alone and inside.
    for byte in (1..=255u8).filter(|byte| !matches!(byte, b'/' | b'.') && !byte.is_ascii_alphanumeric()) {
        names.push(vec![b'x', byte, b'y']);
    }
    for length in [1, 100, 254, 255] {
        names.push(vec![b'n'; length]);
    }
    names.push("é".repeat(127).into_bytes());
    names.push(vec![0xed, 0xa0, 0x80]);
    names.push(vec![0xc0, 0xaf]);
    names
}

/// What the table promises for a name; written anew here, from the table and not from the code.
fn promised(name: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Err(format!(
            "it holds the name {:?}, which is not UTF-8",
            OsStr::from_bytes(name)
        ));
    };
    let escaped: String = text.escape_debug().to_string();
    if text.contains('\\') {
        return Err(format!("`{escaped}` cannot be a file name: it holds a separator"));
    }
    if text
        .chars()
        .any(|c| c.is_ascii_control() || ('\u{80}'..='\u{9f}').contains(&c))
    {
        return Err(format!(
            "`{escaped}` cannot be a file name: it holds a control character"
        ));
    }
    Ok(())
}

#[test]
fn every_name_is_kept_byte_for_byte_or_refused_by_name() {
    let setup = Setup::new(&[]);
    let names = odd_names();
    for (at, name) in names.iter().enumerate() {
        let folder = setup.root().join(at.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
    }
    let sources = setup.sources();
    for (at, name) in names.iter().enumerate() {
        let expected = promised(name)
            .map(|()| {
                let name = std::str::from_utf8(name).unwrap();
                vec![(
                    format!("/{name}"),
                    DigestFunction::Blake3.digest(name.as_bytes()).hex(),
                )]
            })
            .map_err(|why| format!("`{at}` cannot be used: {why}"));
        assert_eq!(
            taken(&sources, &at.to_string()),
            expected,
            "{:?}",
            OsStr::from_bytes(name)
        );
    }
    assert!(names.len() >= 200, "{}", names.len());
}

#[test]
fn names_that_differ_only_in_case_or_normalisation_are_different_files() {
    let setup = Setup::new(&[]);
    let names = ["A", "a", "\u{e9}", "e\u{301}"];
    for name in names {
        fs::create_dir_all(setup.root()).unwrap();
        fs::write(setup.root().join(name), name).unwrap();
    }
    let found = taken(&setup.sources(), "").unwrap();
    assert_eq!(found.len(), names.len(), "{found:?}");
}

#[test]
fn what_is_no_file_is_told_by_name_and_waited_for_by_nobody() {
    let setup = Setup::new(&[
        ("fifo/f", ""),
        ("socket/f", ""),
        ("device/f", ""),
        ("ignored/.gitignore", "p\n"),
    ]);
    let node = |name: &str, kind| {
        rustix::fs::mknodat(CWD, setup.root().join(name), kind, Mode::RUSR | Mode::WUSR, 0)
    };
    node("fifo/p", FileType::Fifo).unwrap();
    node("ignored/p", FileType::Fifo).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(setup.root().join("socket/s")).unwrap();
    let device = node("device/d", FileType::CharacterDevice).is_ok();
    let sources = setup.sources();
    let refused = |folder: &str, name: &str| {
        let error = format!("`{folder}` cannot be used: it holds `{name}`, a device, socket or pipe");
        assert_eq!(taken(&sources, folder), Err(error.clone()));
        assert_eq!(sources.list(&path(folder)).unwrap_err().to_string(), error);
        let asked = path(&format!("{folder}/{name}"));
        let error = format!("`{folder}/{name}` cannot be used: it is not a regular file");
        assert_eq!(sources.file(&asked).unwrap_err().to_string(), error);
    };
    refused("fifo", "p");
    refused("socket", "s");
    if device {
        refused("device", "d");
    } else {
        println!("skipped: no device can be made here");
    }
    assert_eq!(taken(&sources, "ignored").unwrap().len(), 1);
}

#[test]
fn links_of_every_kind_end_somewhere() {
    let setup = Setup::new(&[("a/f", "x"), ("a/b/g", "y"), ("c/h", "z")]);
    let outside = setup.folder.path().join("outside");
    fs::write(&outside, "no").unwrap();
    let absolute = setup.root().join("c");
    let cases: [(&str, &str, Result<&str, &str>); 12] = [
        ("self", "self", Ok("/l")),
        ("dangling", "nowhere", Ok("/l")),
        (
            "up and in again",
            "../links/f",
            Err("is a link that leads nowhere"),
        ),
        ("a file beside", "../c/h", Ok("/l")),
        ("a folder beside", "../c", Ok("/l/h")),
        ("itself from outside", "../w", Err("is a link that leads nowhere")),
        ("all around it", "..", Ok("/l/a/b/g")),
        ("out", "../../outside", Err("is a link out of the workspace")),
        (
            "out, absolute",
            outside.to_str().unwrap(),
            Err("is a link out of the workspace"),
        ),
        ("inside, absolute", absolute.to_str().unwrap(), Ok("/l/h")),
        ("root", "/", Err("is a link out of the workspace")),
        (
            "a process's",
            "/proc/self/root",
            Err("is a link out of the workspace"),
        ),
    ];
    for (name, target, expected) in cases {
        let folder = setup.root().join("links");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        symlink(target, folder.join("l")).unwrap();
        let found = taken(&setup.sources(), "links");
        match (expected, &found) {
            (Ok(there), Ok(found)) => assert_eq!(found[0].0, there, "{name}"),
            (Err(why), Err(said)) => assert!(said.contains(why), "{name}: {said}"),
            _ => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn folders_that_link_to_each_other_do_not_multiply_for_ever() {
    let setup = Setup::new(&[]);
    let folders: Vec<String> = (0..12).map(|at| format!("d{at}")).collect();
    for here in &folders {
        let folder = setup.root().join(here);
        fs::create_dir_all(&folder).unwrap();
        for there in folders.iter().filter(|there| *there != here) {
            symlink(format!("../{there}"), folder.join(there)).unwrap();
        }
    }
    let error = taken(&setup.sources(), "d0").unwrap_err();
    let ends = [
        "more than 200000 files are reached through links",
        "leads in a circle",
    ];
    assert!(ends.iter().any(|end| error.ends_with(end)), "{error}");
}

/// A chain of folders, made and removed without a path that no system call takes.
struct Chain(PathBuf);

impl Chain {
    fn of(folder: &Path, depth: usize) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut here = rustix::fs::open(folder, rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
        for _ in 0..depth {
            rustix::fs::mkdirat(&here, "d", Mode::RWXU).unwrap();
            here = rustix::fs::openat(&here, "d", rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
        }
        let file = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
        rustix::fs::openat(&here, "f", file, Mode::RUSR).unwrap();
        Chain(folder.to_owned())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        crate::remove::tree(&self.0).unwrap();
    }
}

#[test]
fn deep_trees_are_taken_or_refused_and_end_no_program() {
    let setup = Setup::new(&[]);
    for (depth, fits) in [(0, true), (512, true), (513, false), (2_100, false)] {
        let name = format!("deep{depth}");
        let _chain = Chain::of(&setup.root().join(&name), depth);
        let found = taken(&setup.sources(), &name);
        if fits {
            assert_eq!(found.unwrap().len(), 1, "{depth}");
        } else {
            let expected = "there are more than 512 folders in each other below it";
            assert!(found.unwrap_err().ends_with(expected), "{depth}");
        }
    }
    let deep = path(&vec!["d"; 2_000].join("/"));
    let error = setup.sources().list(&deep).unwrap_err().to_string();
    assert!(error.ends_with("it lies deeper than 512 folders"), "{error}");
}

#[test]
fn a_path_that_no_system_call_takes_is_told() {
    let setup = Setup::new(&[]);
    let long = "n".repeat(250);
    fs::create_dir_all(setup.root()).unwrap();
    let mut here = rustix::fs::open(setup.root(), rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..20 {
        rustix::fs::mkdirat(&here, &*long, Mode::RWXU).unwrap();
        here = rustix::fs::openat(&here, &*long, rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    }
    let error = taken(&setup.sources(), "").unwrap_err();
    assert!(
        error.ends_with("cannot be used: File name too long (os error 36)"),
        "{error}"
    );
}

/// Makes a file of holes; `false` where the file system takes none of that size.
fn sized(setup: &Setup, name: &str, size: u64) -> bool {
    fs::create_dir_all(setup.root()).unwrap();
    let made = fs::File::create(setup.root().join(name)).and_then(|file| file.set_len(size));
    made.is_ok()
}

/// Takes a file of holes and looks at what the store has of it.
fn take_holes(size: u64) {
    let setup = Setup::new(&[]);
    assert!(sized(&setup, "holes", size));
    let sources = setup.sources();
    let (digest, _) = sources.file(&path("holes")).unwrap();
    let mut hasher = DigestFunction::Blake3.hasher();
    let zeros = vec![0; 1 << 20];
    (0..size >> 20).for_each(|_| hasher.update(&zeros));
    hasher.update(&zeros[..(size % (1 << 20)) as usize]);
    assert_eq!(digest, hasher.finish());
    // A hole stays one: the copy in the store has no more blocks than the file.
    let copy = fs::metadata(sources.store.blob_path(&digest)).unwrap();
    let blocks = std::os::unix::fs::MetadataExt::blocks(&copy);
    assert!(blocks <= 1 << 11, "{blocks} blocks for a file of holes");
}

#[test]
fn sparse_files_are_taken_up_to_the_limit_and_refused_before_they_are_read() {
    for size in [0, 1, (64 << 20) + 1] {
        take_holes(size);
    }
    let setup = Setup::new(&[]);
    if sized(&setup, "tera", 1 << 40) {
        let error = setup.sources().file(&path("tera")).unwrap_err().to_string();
        assert_eq!(error, "`tera` cannot be used: it is larger than 64 GiB");
    } else {
        println!("skipped: this file system takes no file of a terabyte");
    }
}

/// `cargo xtask soak sources` runs it.
#[test]
#[ignore = "reads four gigabytes"]
fn a_file_beyond_four_gigabytes() {
    take_holes((4 << 30) + 1);
}

#[test]
fn many_names_in_one_folder() {
    many(5_000);
}

/// The full size of the bar; `cargo xtask soak sources` runs it.
#[test]
#[ignore = "takes half a minute"]
fn two_hundred_thousand_names() {
    many(200_000);
}

fn many(count: usize) {
    let setup = Setup::new(&[]);
    fs::create_dir_all(setup.root().join("many")).unwrap();
    for at in 0..count {
        fs::write(setup.root().join(format!("many/{at}")), "").unwrap();
    }
    assert_eq!(taken(&setup.sources(), "").unwrap().len(), count);
}

#[test]
fn a_file_that_nobody_may_read_is_told_by_name() {
    let setup = Setup::new(&[("f", "x"), ("d/f", "x")]);
    let forbid = |name: &str| {
        let none = std::os::unix::fs::PermissionsExt::from_mode(0o0);
        fs::set_permissions(setup.root().join(name), none).unwrap();
    };
    forbid("f");
    forbid("d");
    if fs::read(setup.root().join("f")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let said = |at: &str| setup.sources().content(&path(at)).unwrap_err().to_string();
    assert_eq!(said("f"), "`f` cannot be used: Permission denied (os error 13)");
    assert_eq!(said("d"), "`d` cannot be used: Permission denied (os error 13)");
    let back = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(setup.root().join("d"), back).unwrap();
}

#[test]
fn two_names_of_one_file_are_two_files() {
    let setup = Setup::new(&[("a", "x")]);
    fs::hard_link(setup.root().join("a"), setup.root().join("b")).unwrap();
    let found = taken(&setup.sources(), "").unwrap();
    assert_eq!(found[0].1, found[1].1);
    assert_eq!(found.len(), 2);
}

/// Runs `disturb` over and over in another thread while `work` runs.
fn while_disturbed<T>(disturb: impl Fn(usize) + Sync, work: impl FnOnce(&AtomicUsize) -> T) -> T {
    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                disturb(rounds.fetch_add(1, Ordering::Relaxed));
            }
        });
        let result = work(&rounds);
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// F12: a folder and a link out of the workspace trade places all the time.
#[test]
fn a_folder_that_is_swapped_for_a_link_never_leads_outside() {
    let setup = Setup::new(&[("a/b/f", "inside")]);
    let outside = setup.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "outside").unwrap();
    fs::write(outside.join("secret"), "outside").unwrap();
    symlink(&outside, setup.root().join("a/link")).unwrap();
    let (b, link) = (setup.root().join("a/b"), setup.root().join("a/link"));
    let store = setup.store();
    let swap = |_| rustix::fs::renameat_with(CWD, &b, CWD, &link, RenameFlags::EXCHANGE).unwrap();
    let (mut fine, mut refused) = (0, 0);
    while_disturbed(swap, |rounds| {
        while rounds.load(Ordering::Relaxed) < 10_000 {
            let sources = SourceTree::open(&setup.root(), store.clone(), None).unwrap();
            match sources.file(&path("a/b/f")) {
                Ok((digest, _)) => {
                    assert_eq!(digest, DigestFunction::Blake3.digest(b"inside"));
                    fine += 1;
                }
                Err(_) => refused += 1,
            }
            let names = sources.list(&path("a/b"));
            assert!(
                names.is_err() || names.unwrap().len() == 1,
                "the outer folder was listed"
            );
            let found = taken(&sources, "a/b").unwrap_or_default();
            assert!(found.len() < 2, "{found:?}");
        }
    });
    assert!(
        fine > 0 && refused > 0,
        "{fine} fine, {refused} refused: nothing was disturbed"
    );
    assert!(!store.contains(&DigestFunction::Blake3.digest(b"outside")));
}

/// F11: a file is rewritten, cut, appended to and replaced while it is taken. Each version is one
/// letter repeated, so a mixture shows.
#[test]
fn a_file_that_changes_while_it_is_read_is_one_version_or_an_error() {
    for size in [3_000, 6 << 20] {
        let rounds = if size == 3_000 { 2_000 } else { 40 };
        let setup = Setup::new(&[("f", &"a".repeat(size))]);
        let (file, other) = (setup.root().join("f"), setup.root().join("g"));
        let version = |letter: u8| vec![letter; size];
        let disturb = |round: usize| {
            let letter = b'a' + (round % 20) as u8;
            match round % 3 {
                0 => {
                    let mut open = fs::File::options().write(true).open(&file).unwrap();
                    open.rewind().unwrap();
                    open.write_all(&version(letter)).unwrap();
                }
                1 => fs::write(&file, version(letter)).unwrap(),
                _ => {
                    fs::write(&other, version(letter)).unwrap();
                    fs::rename(&other, &file).unwrap();
                }
            }
        };
        let versions: Vec<Digest> = (0..20u8)
            .map(|letter| DigestFunction::Blake3.digest(&version(b'a' + letter)))
            .collect();
        let store = setup.store();
        let changing = while_disturbed(disturb, |_| {
            let mut changing = 0;
            for _ in 0..rounds {
                let sources = SourceTree::open(&setup.root(), store.clone(), None).unwrap();
                match sources.file(&path("f")) {
                    // A write of a whole version is not atomic: a cut or mixed state that held still while it
                    // was read is a state the file was in. What is promised is that the digest is of bytes
                    // that were there at one time; so it is held in the store, whole.
                    Ok((digest, _)) if versions.contains(&digest) => {}
                    Ok((digest, _)) => {
                        let bytes = store.read(&digest).unwrap();
                        let turns = bytes.windows(2).filter(|pair| pair[0] != pair[1]).count();
                        assert!(turns <= 1, "a mixture of {} versions", turns + 1);
                    }
                    Err(error) => {
                        assert_eq!(
                            error.to_string(),
                            "`f` cannot be used: it is changing while it is read"
                        );
                        changing += 1;
                    }
                }
            }
            changing
        });
        println!("{size} bytes: {changing} of {rounds} reads found it changing");
    }
}

/// R23, the store's half: whatever happens to the workspace, a run goes on seeing what it saw.
#[test]
fn an_edit_during_the_run_does_not_reach_it() {
    let setup = Setup::new(&[("a/f", "first"), ("a/g", "g")]);
    let sources = setup.sources();
    let first = taken(&sources, "a").unwrap();
    for round in 0..500 {
        fs::write(setup.root().join("a/f"), format!("edit {round}")).unwrap();
        fs::write(setup.root().join(format!("a/new{round}")), "").unwrap();
        assert_eq!(taken(&sources, "a").unwrap(), first);
        assert_eq!(&*sources.read(&path("a/f")).unwrap(), b"first");
        assert_eq!(sources.list(&path("a")).unwrap().len(), 2);
    }
    assert_eq!(taken(&setup.sources(), "a").unwrap().len(), 502);
}
