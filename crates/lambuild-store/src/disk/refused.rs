//! What a store says that cannot do what it is asked, and what it still does then: full, read-only, of a later format.

use super::tests::result_of;
use super::*;
use crate::collect::{Policy, collect};
use crate::fs::Watched;
use crate::verify::{Check, verify};
use insta::assert_snapshot;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const BLAKE3: DigestFunction = DigestFunction::Blake3;

/// A disk that fails with `errno` where `fails` says so, by the operation and the path.
fn disk(errno: Errno, fails: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Options {
    let look = move |call: &fs::watched::Call| {
        if fails(call.operation, &call.path.to_string_lossy()) {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            return Err(StoreError::io("use", &call.path)(error));
        }
        Ok(())
    };
    Options {
        fs: Arc::new(Watched::new(Arc::new(System), look)),
        ..Options::default()
    }
}

fn root(folder: &TempDir) -> PathBuf {
    folder.path().join("s")
}

/// The words, with the store's folder and the free room named.
fn said(error: &StoreError, folder: &TempDir) -> String {
    let text = error
        .to_string()
        .replace(&root(folder).display().to_string(), "S");
    let parts: Vec<&str> = text.split(' ').collect();
    let units = ["B", "kB", "MB", "GB"];
    let is_free = |at: usize| {
        units
            .iter()
            .any(|unit| parts[at].trim_matches(&['(', ')', ';', ','][..]) == *unit)
    };
    let shown = parts.iter().enumerate().map(|(at, part)| {
        let next = at + 1 < parts.len() && is_free(at + 1);
        if next && part.contains(|c: char| c.is_ascii_digit()) {
            if part.starts_with('(') { "(N" } else { "N" }
        } else {
            part
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Each thing that a session does, on a disk on which that is what fails.
#[test]
fn a_full_disk_is_told_with_what_is_needed_and_what_helps() {
    let cases: [(&str, &str); 7] = [
        ("write", "/stage/"),
        ("create", "/stage/"),
        ("allocate", "/stage/"),
        ("rename_new", "/cas/"),
        ("rename", "/ac/"),
        ("write", "/leases/"),
        ("make_folder", "/locks/a/"),
    ];
    let mut told = BTreeSet::new();
    let folder = tempfile::tempdir().unwrap();
    drop(DiskStore::open(&root(&folder), BLAKE3).unwrap());
    for (number, errno) in [(1, Errno::NOSPC), (2, Errno::DQUOT)] {
        for (at, (operation, place)) in cases.into_iter().enumerate() {
            let byte = (10 * number + at) as u8;
            let options = disk(errno, move |called, path| {
                called == operation && path.contains(place)
            });
            let work = || -> Result<(), StoreError> {
                let store = DiskStore::open_with(&root(&folder), BLAKE3, &options)?;
                let digest = store.write(&[byte; 1 << 17])?;
                let mut writer = store.writer(1 << 20)?;
                writer.write(&[byte; 1 << 20])?;
                writer.finish()?;
                let (key, result) = result_of(digest);
                store.turn(&key)?;
                store.record(&key, &result)?;
                store.finish()
            };
            let error = work().unwrap_err();
            assert!(
                matches!(error, StoreError::Full { .. }),
                "{operation} {place}: {error}"
            );
            told.insert(said(&error, &folder));
            // And afterwards all is as if nothing had been.
            let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
            store.write(&[byte; 1 << 17]).unwrap();
            store.finish().unwrap();
            let turns = root(&folder).join("locks/a");
            std::fs::remove_dir_all(&turns).unwrap();
            std::fs::create_dir(turns).unwrap();
        }
    }
    let told: Vec<String> = told.into_iter().collect();
    assert_snapshot!(told.join("\n"), @"no space left in S: the disk takes no more files, or your share of it is used up (N GB free); run `lambuild store gc`, or name another folder with --store");
    let full = StoreError::Full {
        folder: "/s".into(),
        needed: 2_000_000,
        free: 4096,
    };
    assert_snapshot!(full, @"no space left in /s: needs about 2.0 MB, free 4.0 kB; run `lambuild store gc`, or name another folder with --store");
}

#[test]
fn too_many_open_files_are_closed_by_a_barrier() {
    let folder = tempfile::tempdir().unwrap();
    let created = AtomicUsize::new(0);
    let options = disk(Errno::MFILE, move |called, path| {
        // The first is the probe; after the third the limit is reached once.
        called == "create" && path.contains("/stage/") && created.fetch_add(1, Ordering::SeqCst) == 3
    });
    let store = DiskStore::open_with(&root(&folder), BLAKE3, &options).unwrap();
    let digests = [b"one", b"two", b"six"].map(|bytes| store.write(bytes).unwrap());
    assert!(
        store.place.has(&object(&digests[0]), &digests[0]).unwrap(),
        "it was named to close it"
    );
    store.finish().unwrap();
    let options = disk(Errno::MFILE, |called, path| {
        called == "create" && path.contains("/o") && !path.ends_with("/o0")
    });
    let store = DiskStore::open_with(&root(&folder), BLAKE3, &options).unwrap();
    assert_snapshot!(said(&store.write(b"more").unwrap_err(), &folder), @"lambuild may not open as many files as it needs for the store S: raise the limit with `ulimit -n 4096`, or run fewer actions at once with --jobs");
}

/// A store with one result, as it lies on the disk.
fn filled() -> (TempDir, ActionKey, ActionResult, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
    let digest = store.write(b"hello").unwrap();
    let (key, result) = result_of(digest);
    store.record(&key, &result).unwrap();
    drop(store);
    (folder, key, result, digest)
}

/// All files with their bytes and times.
fn picture(folder: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    for (name, kind) in crate::folder::list(folder).unwrap() {
        let path = folder.join(name);
        if kind.is_dir() {
            found.extend(picture(&path));
            continue;
        }
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        found.push((path.clone(), std::fs::read(path).unwrap(), modified));
    }
    found
}

fn reads_and_does_not_write(
    store: &DiskStore,
    (key, result, digest): (&ActionKey, &ActionResult, &Digest),
) -> StoreError {
    assert!(store.read_only().is_some());
    assert_eq!(store.result(key).unwrap().as_ref(), Some(result));
    assert_eq!(store.read(digest).unwrap(), b"hello");
    assert_eq!(store.write(b"hello").unwrap(), *digest);
    assert!(store.commit().is_ok() && store.finish().is_ok());
    let error = store.write(b"new").unwrap_err();
    let words = error.to_string();
    assert_eq!(store.record(key, result).unwrap_err().to_string(), words);
    assert_eq!(store.stage().unwrap_err().to_string(), words);
    assert_eq!(store.compile_cache("go").unwrap_err().to_string(), words);
    error
}

#[test]
fn a_later_format_of_our_number_is_read_and_never_written() {
    let (folder, key, result, digest) = filled();
    std::fs::remove_file(root(&folder).join("FORMAT")).unwrap();
    std::fs::write(root(&folder).join("FORMAT"), "lambuild store 2.7\nblake3\n").unwrap();
    // Folders that are missing are none of our business there.
    std::fs::remove_dir(root(&folder).join("trash")).unwrap();
    let before = picture(&root(&folder));
    for durability in [Durability::Full, Durability::Session, Durability::None] {
        let options = Options {
            durability,
            ..Options::default()
        };
        let store = DiskStore::open_with(&root(&folder), BLAKE3, &options).unwrap();
        let refused = reads_and_does_not_write(&store, (&key, &result, &digest));
        if durability == Durability::Full {
            assert_snapshot!(said(&refused, &folder), @"the store S has the format `lambuild store 2.7, blake3`, which this version of lambuild reads and never writes: use the version that made it, or name another folder with --store");
        }
    }
    assert!(
        verify(&root(&folder), BLAKE3, &Check::default(), &|_, _| {})
            .unwrap()
            .is_sound()
    );
    assert_eq!(
        crate::statistics::statistics(&root(&folder), BLAKE3)
            .unwrap()
            .objects,
        1
    );
    let refused = collect(&root(&folder), BLAKE3, &Policy::default(), &mut |_| {}).unwrap_err();
    assert_snapshot!(said(&refused, &folder), @"the store S has the format `lambuild store 2.7, blake3`, which this version of lambuild reads and never writes: use the version that made it, or name another folder with --store");
    assert_eq!(picture(&root(&folder)), before);
    assert!(!root(&folder).join("trash").exists());
}

#[test]
fn damage_in_a_store_that_is_only_read_is_told_and_left() {
    let (folder, key, _, digest) = filled();
    let path = root(&folder).join(object(&digest));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "hullo").unwrap();
    std::fs::remove_file(root(&folder).join("FORMAT")).unwrap();
    std::fs::write(root(&folder).join("FORMAT"), "lambuild store 2.1\nblake3\n").unwrap();
    let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
    assert!(store.result(&key).unwrap().is_some());
    assert!(matches!(store.read(&digest), Err(StoreError::Damaged(_))));
    let told: Vec<_> = store.take_damaged().into_iter().collect();
    assert_eq!(told, [(path.clone(), None)]);
    assert!(path.exists());
}

#[test]
fn another_number_is_refused() {
    for found in ["3", "3.0", "2.", "2.x", "2.1.1", "20"] {
        let (folder, ..) = filled();
        std::fs::remove_file(root(&folder).join("FORMAT")).unwrap();
        std::fs::write(
            root(&folder).join("FORMAT"),
            format!("lambuild store {found}\nblake3\n"),
        )
        .unwrap();
        let error = DiskStore::open(&root(&folder), BLAKE3).unwrap_err();
        assert!(
            said(&error, &folder).starts_with("the store S has the format"),
            "{error}"
        );
    }
}

#[test]
fn a_read_only_file_system_is_read() {
    for errno in [Errno::ROFS, Errno::ACCESS] {
        let (folder, key, result, digest) = filled();
        let options = disk(errno, |called, _| {
            crate::layout::CHANGES.contains(&called) && called != "make_folder"
        });
        let before = picture(&root(&folder));
        let store = DiskStore::open_with(&root(&folder), BLAKE3, &options).unwrap();
        let refused = reads_and_does_not_write(&store, (&key, &result, &digest));
        if errno == Errno::ROFS {
            assert_snapshot!(said(&refused, &folder), @"the store S is only read, and this needs something new in it: Read-only file system (os error 30); make it writable, or name another folder with --store");
        }
        drop(store);
        assert_eq!(picture(&root(&folder)), before);
    }
}

#[test]
fn damage_is_told_once_with_the_place_where_it_is_kept() {
    let (folder, key, _, digest) = filled();
    let path = root(&folder).join(object(&digest));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "hullo").unwrap();
    let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
    for _ in 0..2 {
        assert!(store.read(&digest).is_err());
        assert!(store.result(&key).unwrap().is_none());
    }
    let kept = root(&folder).join("quarantine").join(digest.hex());
    assert_eq!(std::fs::read(&kept).unwrap(), b"hullo");
    assert_eq!(
        store.take_damaged().into_iter().collect::<Vec<_>>(),
        [(path, Some(kept))]
    );
    assert!(store.take_damaged().is_empty());
}

/// Stores as versions of that format left them, kept as files.
#[test]
fn the_formats_before_are_read() {
    for format in ["store-1", "store-2"] {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(format);
        let folder = tempfile::tempdir().unwrap();
        copy(&kept, &root(&folder));
        let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
        assert_eq!(store.read_only(), None);
        let key = ActionKey(BLAKE3.digest(b"key of a kept store"));
        let result = store.result(&key).unwrap().expect("the result is found");
        let Some(Node::Directory(tree)) = result.out() else {
            panic!("{result:?}")
        };
        let files: Vec<String> = walk(tree, &store)
            .unwrap()
            .iter()
            .filter_map(|(path, node)| match node {
                Node::File { digest, .. } => Some(format!(
                    "{path}: {}",
                    String::from_utf8(store.read(digest).unwrap()).unwrap()
                )),
                _ => None,
            })
            .collect();
        assert_eq!(files, ["a/f: a kept file"]);
        drop(store);
        assert!(
            verify(&root(&folder), BLAKE3, &Check::default(), &|_, _| {})
                .unwrap()
                .is_sound()
        );
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for (name, kind) in crate::folder::list(from).unwrap() {
        if kind.is_dir() {
            copy(&from.join(&name), &to.join(&name));
        } else {
            std::fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

/// A disk that does the first rename below `area` and then says that it could not.
fn forgetful(area: &'static str, errno: Errno) -> Options {
    let done = AtomicUsize::new(0);
    let look = move |call: &fs::watched::Call| {
        let renames = call.operation == "rename" || call.operation == "rename_new";
        if !renames || !call.path.to_string_lossy().contains(area) || done.fetch_add(1, Ordering::SeqCst) > 0
        {
            return Ok(());
        }
        let store = call.path.ancestors().nth(3).unwrap();
        std::fs::rename(staged(&store.join("stage")).unwrap(), &call.path).unwrap();
        let error = io::Error::from_raw_os_error(errno.raw_os_error());
        Err(StoreError::io("name", &call.path)(error))
    };
    Options {
        fs: Arc::new(Watched::new(Arc::new(System), look)),
        ..Options::default()
    }
}

/// The one object that is on its way.
fn staged(folder: &Path) -> Option<PathBuf> {
    let here = crate::folder::list(folder).unwrap().into_iter();
    here.map(|(name, kind)| (folder.join(&name), kind.is_dir(), name))
        .find_map(|(path, is_folder, name)| match is_folder {
            true => staged(&path),
            false => name.to_string_lossy().starts_with('o').then_some(path),
        })
}

#[test]
fn a_rename_whose_answer_got_lost_is_a_success() {
    for area in ["/cas/", "/ac/"] {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open_with(&root(&folder), BLAKE3, &forgetful(area, Errno::NOENT)).unwrap();
        let digest = store.write(b"hello").unwrap();
        let (key, result) = result_of(digest);
        store.record(&key, &result).unwrap();
        drop(store);
        let store = DiskStore::open(&root(&folder), BLAKE3).unwrap();
        assert_eq!(store.result(&key).unwrap(), Some(result), "{area}");
        assert_eq!(store.read(&digest).unwrap(), b"hello");
    }
}
