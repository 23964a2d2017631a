//! What every store must do, as one suite: each implementation's tests call it. It panics where
//! a store does not conform.

use crate::cache_key::ActionKey;
use crate::message::{ActionResult, Isolation};
use crate::store::{Store, StoreError, write_tree};
use lambuild_digest::{Digest, Dir, Node, RelPath};

/// Checks an empty store. `lose` makes it lose an object.
pub fn store(store: &dyn Store, lose: &dyn Fn(&Digest)) {
    blobs(store, lose);
    results(store, lose);
    trees(store, lose);
}

fn blobs(store: &dyn Store, lose: &dyn Fn(&Digest)) {
    for bytes in [&b""[..], b"a", &[7; 100_000]] {
        let digest = store.function().digest(bytes);
        assert!(!store.contains(&digest), "an empty store has nothing");
        assert!(
            matches!(store.read(&digest), Err(StoreError::NotFound(missing)) if missing == digest),
            "what is not there is said so, by name"
        );
        for _ in 0..2 {
            let written = store.write(bytes);
            assert_eq!(
                written.ok(),
                Some(digest),
                "the answer is the digest of the bytes"
            );
            assert!(store.contains(&digest), "what was written is there");
            assert_eq!(
                store.read(&digest).ok().as_deref(),
                Some(bytes),
                "what is read was written"
            );
        }
        lose(&digest);
        assert!(!store.contains(&digest), "what is lost is not there");
        assert_eq!(
            store.write(bytes).ok(),
            Some(digest),
            "what was lost can be written again"
        );
        assert!(store.read(&digest).is_ok(), "and read");
    }
    let digest = store.function().digest(b"a");
    let other = Digest::new(*digest.hash(), digest.size() + 1);
    assert!(!store.contains(&other), "the size is part of the name");
}

fn results(store: &dyn Store, lose: &dyn Fn(&Digest)) {
    let key = ActionKey(store.function().digest(b"a key"));
    assert_eq!(store.result(&key).ok(), Some(None), "nothing was recorded");
    for text in ["first", "second"] {
        let digest = store.write(text.as_bytes()).unwrap_or(key.0);
        let node = Node::File {
            digest,
            executable: true,
        };
        let result = ActionResult::of(node, None, Isolation::Strict);
        assert!(store.record(&key, &result).is_ok(), "it can be recorded");
        assert_eq!(
            store.result(&key).ok(),
            Some(Some(result)),
            "the last record counts"
        );
        lose(&digest);
        assert_eq!(
            store.result(&key).ok(),
            Some(None),
            "a result without its bytes is none"
        );
    }
}

fn trees(store: &dyn Store, lose: &dyn Fn(&Digest)) {
    let key = ActionKey(store.function().digest(b"the key of a tree"));
    let file = store.write(b"deep").unwrap_or(key.0);
    let mut dir = Dir::default();
    let put = RelPath::new("a/b/c").map(|path| dir.file(&path, file, false).is_ok());
    assert_eq!(put.ok(), Some(true), "a tree can be made");
    let root = write_tree(store, &dir).unwrap_or(key.0);
    let inner = store.directory(&root).ok().and_then(|top| match top.get("a") {
        Some(Node::Directory(inner)) => Some(*inner),
        _ => None,
    });
    assert!(inner.is_some(), "a tree's messages are kept");
    let result = ActionResult::of(Node::Directory(root), None, Isolation::Weak);
    assert!(store.record(&key, &result).is_ok(), "it can be recorded");
    assert_eq!(store.result(&key).ok(), Some(Some(result)), "with its isolation");
    lose(&file);
    assert_eq!(
        store.result(&key).ok(),
        Some(None),
        "a tree without a file is not whole"
    );
}
