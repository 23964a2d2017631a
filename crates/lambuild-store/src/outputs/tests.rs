use super::*;
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Directories};
use rustix::fs::{CWD, Mode, OFlags};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

struct Setup {
    _folder: tempfile::TempDir,
    store: DiskStore,
    work: PathBuf,
    out: PathBuf,
}

fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
    let work = folder.path().join("w");
    let out = work.join("out");
    fs::create_dir_all(&out).unwrap();
    Setup {
        _folder: folder,
        store,
        work,
        out,
    }
}

impl Setup {
    fn collect(&self) -> Result<Option<Node>, IngestError> {
        self.within(Bounds::default())
    }

    fn within(&self, bounds: Bounds) -> Result<Option<Node>, IngestError> {
        collect(&self.store, &self.work, &RelPath::new("out").unwrap(), bounds)
    }

    fn root(&self) -> Digest {
        match self.collect().unwrap().unwrap() {
            Node::Directory(digest) => digest,
            other => panic!("{other:?} is no folder"),
        }
    }

    fn refused(&self) -> String {
        self.collect().unwrap_err().to_string()
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn times_and_other_mode_bits_do_not_reach_the_tree() {
    let setup = setup();
    let run = setup.out.join("bin/run");
    fs::create_dir(setup.out.join("bin")).unwrap();
    fs::write(&run, "#!").unwrap();
    mode(&run, 0o6777);
    symlink("bin/run", setup.out.join("run")).unwrap();
    let first = setup.root();
    mode(&run, 0o700);
    assert_eq!(setup.root(), first);
    let found = walk(&first, &setup.store).unwrap();
    assert!(matches!(found[0].1, Node::File { executable: true, .. }));
    assert!(matches!(&found[1].1, Node::Symlink { target } if &**target == "bin/run"));
}

#[test]
fn hard_links_are_files_and_empty_folders_are_kept() {
    let setup = setup();
    fs::write(setup.out.join("a"), "x").unwrap();
    fs::hard_link(setup.out.join("a"), setup.out.join("b")).unwrap();
    fs::create_dir_all(setup.out.join("empty/inner")).unwrap();
    let root = setup.root();
    let files = walk(&root, &setup.store).unwrap();
    let names: Vec<&str> = files.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let folder = setup.store.directory(&root).unwrap();
    assert!(matches!(folder.get("empty"), Some(Node::Directory(_))));
}

#[test]
fn links_count_by_where_they_lead() {
    let setup = setup();
    fs::create_dir_all(setup.out.join("d/e")).unwrap();
    let link = setup.out.join("d/e/l");
    for inside in ["l", ".", "../..", "../../d", "nothing", "./x/y", "../x"] {
        symlink(inside, &link).unwrap();
        assert!(setup.collect().is_ok(), "{inside}");
        fs::remove_file(&link).unwrap();
    }
    // The last one stays inside by its text, and leaves by way of a link to a folder above.
    for outside in [
        "/",
        "/etc/passwd",
        "../../..",
        "../../../x",
        "../../../out/x",
        "up/../../../secret",
    ] {
        symlink(outside, &link).unwrap();
        assert_eq!(
            setup.refused(),
            "`d/e/l` is a link that leaves the output",
            "{outside}"
        );
        fs::remove_file(&link).unwrap();
    }
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let setup = setup();
    rustix::fs::mkfifoat(CWD, setup.out.join("fifo"), Mode::from_bits_truncate(0o644)).unwrap();
    assert_eq!(setup.refused(), "`fifo` is a device, socket or pipe");
    fs::remove_file(setup.out.join("fifo")).unwrap();
    let _socket = UnixListener::bind(setup.out.join("socket")).unwrap();
    assert_eq!(setup.refused(), "`socket` is a device, socket or pipe");
    fs::remove_dir_all(&setup.out).unwrap();
    rustix::fs::mkfifoat(CWD, &setup.out, Mode::from_bits_truncate(0o644)).unwrap();
    assert_eq!(setup.refused(), "`.` is neither a file nor a folder");
    fs::remove_file(&setup.out).unwrap();
    symlink("/etc/passwd", &setup.out).unwrap();
    assert_eq!(setup.refused(), "`.` is neither a file nor a folder");
}

#[test]
fn a_folder_on_the_way_that_became_a_link_leads_nowhere() {
    let setup = setup();
    fs::create_dir(setup.work.join("secret")).unwrap();
    fs::write(setup.work.join("secret/x"), "").unwrap();
    symlink("secret", setup.work.join("l")).unwrap();
    let at = RelPath::new("l/x").unwrap();
    let error = collect(&setup.store, &setup.work, &at, Bounds::default()).unwrap_err();
    assert!(matches!(error, IngestError::Read { .. }), "{error}");
}

#[test]
fn names_that_no_zip_may_hold_are_refused() {
    for (name, why) in [
        (&b"a\nb"[..], "`.` holds a name with a control character or `\\`"),
        (b"a\\b", "`.` holds a name with a control character or `\\`"),
        (b"a\xff", "`.` holds a name that is not UTF-8"),
    ] {
        let setup = setup();
        fs::write(setup.out.join(OsStr::from_bytes(name)), "").unwrap();
        assert_eq!(setup.refused(), why);
    }
}

#[test]
fn what_nobody_may_read_is_read() {
    let setup = setup();
    fs::create_dir(setup.out.join("d")).unwrap();
    fs::write(setup.out.join("d/f"), "x").unwrap();
    let plain = setup.root();
    for path in ["d/f", "d", ""] {
        mode(&setup.out.join(path), 0);
    }
    mode(&setup.work, 0);
    assert_eq!(setup.root().size(), plain.size());
}

#[test]
fn sizes_are_refused_before_a_byte_is_read() {
    let setup = setup();
    let file = File::create(setup.out.join("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(setup.refused(), "`sparse` makes the output larger than 1 GiB");
    fs::remove_dir_all(&setup.out).unwrap();
    let file = File::create(&setup.out).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(setup.refused(), "`.` makes the output larger than 1 GiB");
}

#[test]
fn so_many_entries_and_no_more() {
    let setup = setup();
    for name in ["a", "b", "c"] {
        fs::write(setup.out.join(name), "").unwrap();
    }
    let bounds = |entries| Bounds {
        entries,
        ..Bounds::default()
    };
    assert!(setup.within(bounds(3)).is_ok());
    let error = setup.within(bounds(2)).unwrap_err().to_string();
    assert_eq!(error, "`c` is one entry too many: an output has at most 200,000");
}

#[test]
fn a_tree_deeper_than_any_path_is_refused() {
    let setup = setup();
    let mut here = rustix::fs::openat(CWD, &setup.out, OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..2_100 {
        rustix::fs::mkdirat(&here, c"d", Mode::RWXU).unwrap();
        here = rustix::fs::openat(&here, c"d", OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let error = setup.refused();
    assert!(
        error.ends_with("lies too deep: an output has at most 128 folders one in another"),
        "{error}"
    );
    crate::remove::tree(&setup.work).unwrap();
}

#[test]
fn nothing_there_is_no_error() {
    let setup = setup();
    fs::remove_dir(&setup.out).unwrap();
    assert_eq!(setup.collect().unwrap(), None);
}
