use super::*;
use crate::disk::DiskStore;
use lambuild_action::{ActionCache, BlobStore, Isolation, write_tree};
use lambuild_digest::{Dir, RelPath};
use lambuild_digest::{Directories, Node};
use tempfile::TempDir;

const BLAKE3: DigestFunction = DigestFunction::Blake3;

struct Setup {
    folder: TempDir,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Setup { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn open(&self) -> DiskStore {
        DiskStore::open(&self.root(), BLAKE3).unwrap()
    }

    fn collect(&self, policy: Policy) -> Collected {
        collect(&self.root(), BLAKE3, &policy, &mut |_| {}).unwrap()
    }
}

const ALL: Policy = Policy {
    max_size: Some(0),
    keep_days: None,
    grace: 0,
};
const UNUSED: Policy = Policy {
    max_size: None,
    keep_days: None,
    grace: 0,
};

/// A recorded folder with one file; the digests of folder and file, and the key.
fn record(store: &DiskStore, text: &str) -> (Digest, Digest, ActionKey) {
    let file = store.write(text.as_bytes()).unwrap();
    let mut dir = Dir::default();
    dir.file(&RelPath::new("a/f").unwrap(), file, false).unwrap();
    let folder = write_tree(store, &dir).unwrap();
    let key = ActionKey(BLAKE3.digest(format!("key of {text}").as_bytes()));
    let result = ActionResult::of(Node::Directory(folder), None, Isolation::Strict);
    store.record(&key, &result).unwrap();
    (folder, file, key)
}

#[test]
fn what_a_record_names_stays_and_what_nothing_names_goes() {
    let setup = Setup::new();
    let store = setup.open();
    let (folder, file, key) = record(&store, "kept");
    let lost = store.write(b"lost").unwrap();
    drop(store);
    let done = setup.collect(UNUSED);
    assert_eq!(
        (done.objects, done.removed_objects, done.removed_results),
        (4, 1, 0)
    );
    let store = setup.open();
    assert!(store.result(&key).unwrap().is_some());
    assert!(store.contains(&folder) && store.contains(&file) && !store.contains(&lost));
}

#[test]
fn what_is_young_and_unused_stays_for_its_grace() {
    let setup = Setup::new();
    drop({
        let store = setup.open();
        store.write(b"source").unwrap();
        store
    });
    assert_eq!(setup.collect(Policy::default()).removed_objects, 0);
}

#[test]
fn no_size_and_no_days_leave_nothing() {
    for policy in [
        ALL,
        Policy {
            keep_days: Some(0),
            ..UNUSED
        },
    ] {
        let setup = Setup::new();
        record(&setup.open(), "gone");
        let done = setup.collect(policy);
        assert_eq!((done.removed_objects, done.removed_results), (3, 1));
        assert_eq!(setup.collect(policy).objects, 0);
    }
}

#[test]
fn the_last_used_results_stay_within_the_size() {
    let setup = Setup::new();
    let store = setup.open();
    let (_, _, old) = record(&store, "old");
    let (_, _, new) = record(&store, "new");
    drop(store);
    let path = setup.root().join(crate::layout::spread("ac", &old.0));
    let file = std::fs::File::open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    // The newest is kept whatever its size; then there is no room.
    setup.collect(Policy {
        max_size: Some(1),
        ..UNUSED
    });
    let store = setup.open();
    assert!(store.result(&old).unwrap().is_none());
    assert!(store.result(&new).unwrap().is_some());
}

#[test]
fn a_living_session_keeps_what_it_made_and_what_it_found() {
    let setup = Setup::new();
    let (folder, file, key) = record(&setup.open(), "found");
    let store = setup.open();
    assert!(store.result(&key).unwrap().is_some());
    let made = store.write(b"made").unwrap();
    store.commit().unwrap();
    let done = setup.collect(ALL);
    assert_eq!((done.removed_objects, done.removed_results), (0, 1));
    assert!(store.read(&made).is_ok() && store.read(&file).is_ok() && store.directory(&folder).is_ok());
    drop(store);
    assert_eq!(setup.collect(ALL).removed_objects, 4);
}

/// A need that is registered between the marking and the moving is seen.
#[test]
fn a_need_that_comes_during_the_collection_is_heeded() {
    let setup = Setup::new();
    let first = setup.open();
    let digest = first.write(b"late").unwrap();
    drop(first);
    let store = setup.open();
    let mut found = None;
    let done = collect(&setup.root(), BLAKE3, &ALL, &mut |step| {
        if matches!(step, Step::Removing(..)) {
            found.get_or_insert_with(|| store.contains(&digest));
        }
    });
    assert_eq!(found, Some(true));
    assert_eq!(done.unwrap().removed_objects, 0);
    assert_eq!(store.read(&digest).unwrap(), b"late");
}

#[test]
fn what_a_dead_session_left_goes() {
    let setup = Setup::new();
    let store = setup.open();
    store.write(b"never named").unwrap();
    let (leases, stage) = (setup.root().join("leases"), setup.root().join("stage"));
    // What a killed process leaves: the same files, and no locks.
    let lease = crate::folder::list(&leases).unwrap().remove(0).0;
    let boot = stage.join(crate::folder::list(&stage).unwrap().remove(0).0);
    drop(store);
    std::fs::write(leases.join(&lease), "").unwrap();
    std::fs::create_dir_all(boot.join("1-dead/w0/deep")).unwrap();
    std::fs::write(boot.join("1-dead/.live"), "").unwrap();
    std::fs::create_dir_all(stage.join("other-boot/2-dead")).unwrap();
    let living = setup.open();
    let work = living.stage().unwrap();
    let done = setup.collect(UNUSED);
    assert_eq!(done.dead_sessions, 1);
    assert!(!boot.join("1-dead").exists() && !stage.join("other-boot").exists());
    assert!(work.path().is_dir());
    assert!(
        crate::folder::list(&setup.root().join("trash"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn one_collector_at_a_time() {
    let setup = Setup::new();
    drop(setup.open());
    let place = Place::open(&setup.root(), Arc::new(System), BLAKE3, false).unwrap();
    let _held = place.lock(Path::new("locks/collector"), Lock::Exclusive).unwrap();
    let error = collect(&setup.root(), BLAKE3, &ALL, &mut |_| {}).unwrap_err();
    let said = error
        .to_string()
        .replace(&setup.root().display().to_string(), "S");
    assert_eq!(
        said,
        "another lambuild collects the store S right now: wait until it has finished"
    );
}

/// A full disk: what is there can be read, locked and removed, and nothing new can be made, not even a name.
fn full(root: &Path, refused: Arc<std::sync::Mutex<Vec<String>>>) -> Arc<dyn Fs> {
    let root = root.to_owned();
    Arc::new(fs::Watched::new(Arc::new(System), move |call| {
        let makes = match call.operation {
            "create" | "write" | "allocate" | "rename" | "rename_new" => true,
            "make_folder" | "append_to" => !call.path.exists(),
            _ => false,
        };
        // The reserve is given up before anything is tried.
        if makes && call.path.starts_with(&root) {
            assert!(!root.join("reserve").exists(), "{call:?}");
            refused.lock().unwrap().push(call.operation.to_owned());
            let full = std::io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
            return Err(StoreError::io("make", &call.path)(full));
        }
        Ok(())
    }))
}

#[test]
fn a_full_disk_is_collected_without_making_anything() {
    for without in [&[][..], &["trash", "trees", "verified"], &["reserve"]] {
        let setup = Setup::new();
        let store = setup.open();
        let (root, ..) = record(&store, "kept in vain");
        store.write(&[7; 1 << 20]).unwrap();
        drop(store);
        assert!(
            setup.root().join("reserve").exists(),
            "it is there from the start"
        );
        let tree = setup.root().join("trees").join(root.hex());
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::create_dir_all(setup.root().join("stage/dead-boot/1-dead/w0/deep")).unwrap();
        for name in without {
            let _ = std::fs::remove_dir_all(setup.root().join(name));
            let _ = std::fs::remove_file(setup.root().join(name));
        }
        let refused = Arc::default();
        let fs = full(&setup.root(), Arc::clone(&refused));
        let done = collect_with(&setup.root(), BLAKE3, fs, &ALL, &mut |_| {}).unwrap();
        assert_eq!(
            (done.removed_objects, done.removed_results),
            (4, 1),
            "{without:?}"
        );
        assert!(!refused.lock().unwrap().is_empty());
        assert!(!tree.exists() && !setup.root().join("stage/dead-boot/1-dead").exists());
        assert_eq!(setup.collect(ALL).objects, 0);
    }
}
