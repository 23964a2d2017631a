use super::*;
use lambuild_action::Isolation;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn store() -> (TempDir, DiskStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
    (folder, store)
}

#[test]
fn blobs_are_read_back_sealed_and_checked() {
    let (_folder, store) = store();
    let digest = store.write(b"hello").unwrap();
    assert_eq!(store.read(&digest).unwrap(), b"hello");
    let mode = std::fs::metadata(store.blob_path(&digest))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o444);
    assert!(matches!(
        store.read(&DigestFunction::Blake3.digest(b"no")),
        Err(StoreError::NotFound(_))
    ));
}

#[test]
fn a_damaged_object_is_never_handed_out_and_can_be_made_again() {
    let (_folder, store) = store();
    let digest = store.write(b"hello").unwrap();
    std::fs::remove_file(store.blob_path(&digest)).unwrap();
    std::fs::write(store.blob_path(&digest), b"jello").unwrap();
    assert!(matches!(store.read(&digest), Err(StoreError::Damaged(_))));
    assert!(!store.contains(&digest));
    store.write(b"hello").unwrap();
    assert_eq!(store.read(&digest).unwrap(), b"hello");
}

#[test]
fn a_result_is_given_out_only_while_its_outputs_are_there() {
    let (_folder, store) = store();
    let key = ActionKey(DigestFunction::Blake3.digest(b"key"));
    let digest = store.write(b"zip").unwrap();
    let result = ActionResult::of(
        Node::File {
            digest,
            executable: false,
        },
        None,
        Isolation::Strict,
    );
    assert_eq!(store.result(&key).unwrap(), None);
    store.record(&key, &result).unwrap();
    assert_eq!(store.result(&key).unwrap(), Some(result));
    std::fs::remove_file(store.blob_path(&digest)).unwrap();
    assert_eq!(store.result(&key).unwrap(), None);
}

#[test]
fn a_damaged_record_counts_as_none() {
    let (_folder, store) = store();
    let key = ActionKey(DigestFunction::Blake3.digest(b"key"));
    let path = store.root().join(spread("ac", &key.0));
    for bytes in [&b""[..], b"short", &[0; 40]] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(store.result(&key).unwrap(), None);
    }
}

#[test]
fn folders_of_the_store_may_be_missing() {
    let (folder, store) = store();
    let digest = store.write(b"hello").unwrap();
    std::fs::remove_dir_all(store.root().join("cas")).unwrap();
    std::fs::remove_dir_all(store.root().join("stage")).unwrap();
    let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
    assert!(!store.contains(&digest));
    store.write(b"hello").unwrap();
    assert_eq!(store.read(&digest).unwrap(), b"hello");
}

#[test]
fn another_format_is_refused_and_left_alone() {
    let (folder, store) = store();
    let file = store.root().join("FORMAT");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "lambuild store 9\nblake3\n").unwrap();
    let error = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3)
        .unwrap_err()
        .to_string();
    assert!(
        error
            .contains("`lambuild store 9, blake3`; this version of lambuild uses `lambuild store 2, blake3`"),
        "{error}"
    );
}

use crate::fs::watched::{Call, Watched};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The names below `cas/` or `ac/`.
fn names(store: &Path, area: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (shard, _) in crate::folder::list(&store.join(area)).unwrap() {
        for (name, _) in crate::folder::list(&store.join(area).join(&shard)).unwrap() {
            found.push(format!("{}{}", shard.display(), name.display()));
        }
    }
    found
}

fn with(folder: &TempDir, durability: Durability, fs: impl Fs + 'static) -> DiskStore {
    let options = Options {
        durability,
        fs: Arc::new(fs),
        ..Options::default()
    };
    DiskStore::open_with(&folder.path().join("s"), DigestFunction::Blake3, &options).unwrap()
}

pub(super) fn result_of(digest: Digest) -> (ActionKey, ActionResult) {
    let node = Node::File {
        digest,
        executable: false,
    };
    (
        ActionKey(DigestFunction::Blake3.digest(b"key")),
        ActionResult::of(node, None, Isolation::Strict),
    )
}

#[test]
fn an_object_has_its_name_after_the_barrier_and_not_before() {
    let (_folder, store) = store();
    let digest = store.write(b"hello").unwrap();
    assert_eq!(names(store.root(), "cas"), Vec::<String>::new());
    assert_eq!(store.read(&digest).unwrap(), b"hello");
    store.commit().unwrap();
    assert_eq!(names(store.root(), "cas"), [digest.hex()]);
    assert_eq!(store.read(&digest).unwrap(), b"hello");
}

#[test]
fn each_object_and_its_folder_are_synced_before_the_record_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let seen = calls.clone();
    let store = with(
        &folder,
        Durability::Full,
        Watched::new(Arc::new(System), move |call| {
            lock(&seen).push(call.clone());
            Ok(())
        }),
    );
    let digest = store.write(b"hello").unwrap();
    lock(&calls).clear();
    let (key, result) = result_of(digest);
    store.record(&key, &result).unwrap();
    let root = store.root().display().to_string();
    let mut told: Vec<String> = lock(&calls)
        .iter()
        .filter(|call| call.operation.starts_with("sync") || call.operation.starts_with("rename"))
        .map(|call| format!("{} {}", call.operation, call.path.display()).replace(&root, ""))
        .collect();
    for line in &mut told {
        if let Some((start, _)) = line.split_once("/stage/") {
            *line = format!("{start}/stage/…");
        }
    }
    let (object, record) = (object(&digest), spread("ac", &key.0));
    let above = |path: &Path| path.parent().unwrap().display().to_string();
    assert_eq!(
        told,
        [
            "sync_data /stage/…".to_owned(),
            format!("rename_new /{}", object.display()),
            format!("sync_folder /{}", above(&object)),
            "sync_data /stage/…".to_owned(),
            format!("rename /{}", record.display()),
            format!("sync_folder /{}", above(&record)),
        ]
    );
}

#[test]
fn a_session_that_ends_badly_leaves_nothing_behind_its_one_barrier() {
    let folder = tempfile::tempdir().unwrap();
    let store = with(&folder, Durability::Session, System);
    let (key, result) = result_of(store.write(b"hello").unwrap());
    store.record(&key, &result).unwrap();
    assert_eq!(store.result(&key).unwrap(), Some(result.clone()));
    assert_eq!(names(store.root(), "cas"), Vec::<String>::new());
    assert_eq!(names(store.root(), "ac"), Vec::<String>::new());
    let other = with(&folder, Durability::Full, System);
    assert_eq!(other.result(&key).unwrap(), None);
    store.finish().unwrap();
    assert_eq!(other.result(&key).unwrap(), Some(result));
}

/// Lets an operation fail the given times in a row.
fn failing(operation: &'static str, times: usize) -> Watched {
    let left = AtomicUsize::new(times);
    Watched::new(Arc::new(System), move |call| {
        let in_stage =
            call.operation == operation && call.path.components().any(|part| part.as_os_str() == "stage");
        let fails = in_stage
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if fails {
            let error = io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error());
            return Err(StoreError::io("sync", &call.path)(error));
        }
        Ok(())
    })
}

#[test]
fn what_the_disk_refused_to_sync_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = with(&folder, Durability::Full, failing("sync_data", 1));
    let (key, result) = result_of(store.write(b"hello").unwrap());
    store.record(&key, &result).unwrap();
    drop(store);
    let store = with(&folder, Durability::Full, System);
    assert_eq!(store.result(&key).unwrap(), Some(result));
}

#[test]
fn nothing_is_recorded_that_names_what_the_disk_refused_twice() {
    for durability in [Durability::Full, Durability::Session] {
        let folder = tempfile::tempdir().unwrap();
        let operation = if durability == Durability::Full {
            "sync_data"
        } else {
            "sync_all"
        };
        let store = with(&folder, durability, failing(operation, 2));
        let digest = store.write(b"hello").unwrap();
        let (key, result) = result_of(digest);
        let failed = store.record(&key, &result).and_then(|()| store.finish());
        assert!(failed.unwrap_err().to_string().contains("cannot sync"));
        assert!(!store.contains(&digest));
        let root = store.root().to_owned();
        drop(store);
        assert_eq!(names(&root, "ac"), Vec::<String>::new());
        assert_eq!(names(&root, "cas"), Vec::<String>::new());
    }
}

#[test]
fn a_store_that_nobody_synced_is_checked_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let boot = |name: &str| Watched::new(Arc::new(System), |_| Ok(())).in_boot(name);
    let store = with(&folder, Durability::None, boot("one"));
    let (key, result) = result_of(store.write(b"hello").unwrap());
    store.record(&key, &result).unwrap();
    let path = store.blob_path(&DigestFunction::Blake3.digest(b"hello"));
    drop(store);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"\0\0\0\0\0").unwrap();
    assert!(
        with(&folder, Durability::None, boot("one"))
            .result(&key)
            .unwrap()
            .is_some()
    );
    assert!(
        with(&folder, Durability::Full, boot("two"))
            .result(&key)
            .unwrap()
            .is_none()
    );
}

#[test]
fn an_object_of_the_wrong_size_makes_room_for_the_right_one() {
    let (folder, store) = store();
    let digest = DigestFunction::Blake3.digest(b"hello");
    std::fs::write(store.blob_path(&digest), b"cut").unwrap();
    store.write(b"hello").unwrap();
    store.commit().unwrap();
    assert_eq!(std::fs::read(store.blob_path(&digest)).unwrap(), b"hello");
    let quarantined = folder.path().join("s/quarantine").join(digest.hex());
    assert_eq!(std::fs::read(quarantined).unwrap(), b"cut");
}

#[test]
fn a_session_takes_its_staging_area_and_lease_away() {
    let (folder, store) = store();
    store.write(b"hello").unwrap();
    let stage = store.stage().unwrap();
    std::fs::create_dir_all(stage.path().join("a/b")).unwrap();
    let area = stage.path().parent().unwrap().to_owned();
    drop(store);
    assert!(area.is_dir());
    drop(stage);
    assert!(!area.exists());
    for emptied in ["s/leases", "s/stage"] {
        let left = crate::folder::list(&folder.path().join(emptied)).unwrap();
        assert!(left.is_empty(), "{emptied}: {left:?}");
    }
}

#[test]
fn a_session_begins_while_others_take_the_folder_above_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s");
    let left = AtomicUsize::new(5);
    let fs = Watched::new(Arc::new(System), move |call| {
        let boot = call.path.parent().unwrap();
        let is_area = call.operation == "make_folder" && boot.parent().unwrap().ends_with("stage");
        if is_area && left.load(Ordering::Relaxed) > 0 {
            left.fetch_sub(1, Ordering::Relaxed);
            std::fs::remove_dir(boot).unwrap();
        }
        Ok(())
    });
    let store = with(&folder, Durability::Full, fs);
    store.write(b"hello").unwrap();
    drop(store);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    drop(DiskStore::open(&root, DigestFunction::Blake3).unwrap());
                }
            });
        }
    });
    assert_eq!(crate::folder::list(&root.join("stage")).unwrap().len(), 0);
}

#[test]
fn a_store_that_others_may_write_is_refused() {
    let (folder, store) = store();
    drop(store);
    let root = folder.path().join("s");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o775)).unwrap();
    let error = DiskStore::open(&root, DigestFunction::Blake3).unwrap_err();
    let said = error.to_string().replace(&root.display().to_string(), "S");
    assert_eq!(
        said,
        "others may write the store S, and so decide what is built: run `chmod go-w S`, or name another folder with \
         --store"
    );
}

#[test]
fn a_folder_of_something_else_does_not_become_a_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter"), "").unwrap();
    let error = DiskStore::open(folder.path(), DigestFunction::Blake3).unwrap_err();
    let said = error
        .to_string()
        .replace(&folder.path().display().to_string(), "S");
    assert_eq!(
        said,
        "S is no store: it holds \"letter\"; name another folder with --store"
    );
    assert_eq!(crate::folder::list(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_store_of_the_format_before_is_taken_over() {
    let (folder, store) = store();
    let (key, result) = result_of(store.write(b"hello").unwrap());
    store.record(&key, &result).unwrap();
    drop(store);
    let root = folder.path().join("s");
    std::fs::remove_file(root.join("FORMAT")).unwrap();
    std::fs::write(root.join("FORMAT"), "lambuild store 1\nblake3\n").unwrap();
    let store = DiskStore::open(&root, DigestFunction::Blake3).unwrap();
    assert_eq!(store.result(&key).unwrap(), Some(result));
    assert_eq!(
        std::fs::read_to_string(root.join("FORMAT")).unwrap(),
        "lambuild store 2\nblake3\n"
    );
}

#[test]
fn a_file_system_without_locks_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let no_locks = || {
        Watched::new(Arc::new(System), |call| {
            let error = io::Error::from_raw_os_error(rustix::io::Errno::NOLCK.raw_os_error());
            match call.operation {
                "lock" | "try_lock" => Err(StoreError::io("lock", &call.path)(error)),
                _ => Ok(()),
            }
        })
    };
    let mut options = Options {
        fs: Arc::new(no_locks()),
        ..Options::default()
    };
    let root = folder.path().join("s");
    let error = DiskStore::open_with(&root, DigestFunction::Blake3, &options).unwrap_err();
    let said = error.to_string().replace(&root.display().to_string(), "S");
    assert_eq!(
        said,
        "the file system of the store S has no locks (No locks available (os error 37)), so builds at the same time \
         could disturb each other: put the store on a local disk with --store, or, where nobody else uses it, pass \
         --single-user-store"
    );
    options.single_user = true;
    let store = DiskStore::open_with(&root, DigestFunction::Blake3, &options).unwrap();
    store.write(b"hello").unwrap();
    store.finish().unwrap();
}

#[test]
fn many_threads_write_many_objects_and_each_is_kept_once() {
    let (folder, store) = store();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..300u32 {
                    store.write(&number.to_le_bytes()).unwrap();
                }
            });
        }
    });
    drop(store);
    let root = folder.path().join("s");
    assert_eq!(names(&root, "cas").len(), 300);
    let store = DiskStore::open(&root, DigestFunction::Blake3).unwrap();
    for number in 0..300u32 {
        let digest = DigestFunction::Blake3.digest(&number.to_le_bytes());
        assert_eq!(store.read(&digest).unwrap(), number.to_le_bytes());
    }
}

#[test]
fn a_store_that_is_nowhere_has_nothing_and_takes_nothing() {
    let store = DiskStore::nowhere(DigestFunction::Blake3);
    let digest = DigestFunction::Blake3.digest(b"hello");
    assert!(!store.contains(&digest));
    assert!(store.write(b"hello").is_err() && store.read(&digest).is_err());
    store.finish().unwrap();
}

#[test]
fn it_is_a_store_as_any_other() {
    for durability in [Durability::Full, Durability::Session, Durability::None] {
        let folder = tempfile::tempdir().unwrap();
        let store = with(&folder, durability, System);
        lambuild_action::conformance::store(&store, &|digest| {
            std::fs::remove_file(store.blob_path(digest)).unwrap();
        });
    }
}

/// A lease costs a lock and a write; a thousand new files must not cost a thousand of them.
#[test]
fn new_objects_are_leased_together_and_found_ones_before_they_count() {
    let folder = tempfile::tempdir().unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let look = move |call: &Call| {
        let is_ours = call.path.to_string_lossy().contains("/cas/") || call.operation == "lock";
        if is_ours && ["lock", "stat", "rename_new"].contains(&call.operation) {
            seen.lock().unwrap().push(call.operation);
        }
        Ok(())
    };
    let store = with(&folder, Durability::Full, Watched::new(Arc::new(System), look));
    calls.lock().unwrap().clear();
    for number in 0..100u32 {
        store.write(&number.to_le_bytes()).unwrap();
    }
    assert_eq!(*calls.lock().unwrap(), ["stat"; 100]);
    calls.lock().unwrap().clear();
    store.commit().unwrap();
    let named = std::mem::take(&mut *calls.lock().unwrap());
    assert_eq!((named[0], named.len()), ("lock", 101), "{named:?}");
    drop(store);
    let look = Arc::clone(&calls);
    let look = move |call: &Call| {
        if call.operation == "lock" || call.path.to_string_lossy().contains("/cas/") {
            look.lock().unwrap().push(call.operation);
        }
        Ok(())
    };
    let store = with(&folder, Durability::Full, Watched::new(Arc::new(System), look));
    calls.lock().unwrap().clear();
    store.write(&7u32.to_le_bytes()).unwrap();
    assert_eq!(*calls.lock().unwrap(), ["stat", "lock", "stat"]);
}
