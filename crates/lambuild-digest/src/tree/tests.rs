use super::*;
use proptest::prelude::*;
use prost::Message;
use std::cell::RefCell;

const F: DigestFunction = DigestFunction::Blake3;

#[derive(Default)]
struct Memory(RefCell<BTreeMap<Digest, Arc<Directory>>>);

impl Directories for Memory {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        let missing = || TreeError::Missing {
            digest: *digest,
            why: "not there".to_owned(),
        };
        self.0.borrow().get(digest).cloned().ok_or_else(missing)
    }
}

impl Memory {
    fn store(&self, dir: &Dir) -> Digest {
        dir.encode(F, &mut |digest, bytes| {
            self.0
                .borrow_mut()
                .insert(digest, Arc::new(Directory::decode(&bytes).unwrap()));
        })
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn file(text: &str) -> Entry {
    Entry::file(F.digest(text.as_bytes()), false)
}

/// The API's messages as another implementation of protobuf reads them.
mod second {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Digest {
        #[prost(string, tag = "1")]
        pub hash: String,
        #[prost(int64, tag = "2")]
        pub size_bytes: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct FileNode {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub digest: Option<Digest>,
        #[prost(bool, tag = "4")]
        pub is_executable: bool,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DirectoryNode {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub digest: Option<Digest>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SymlinkNode {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub target: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Directory {
        #[prost(message, repeated, tag = "1")]
        pub files: Vec<FileNode>,
        #[prost(message, repeated, tag = "2")]
        pub directories: Vec<DirectoryNode>,
        #[prost(message, repeated, tag = "3")]
        pub symlinks: Vec<SymlinkNode>,
    }
}

#[test]
fn a_second_implementation_writes_the_same_bytes() {
    let memory = Memory::default();
    let mut dir = Dir::default();
    dir.put(&path("z/empty"), file(""), &()).unwrap();
    dir.put(&path("bootstrap"), Entry::file(F.digest(b"elf"), true), &())
        .unwrap();
    dir.put(&path("link"), Entry::symlink("bootstrap"), &()).unwrap();
    let root = memory.store(&dir);
    let bytes = memory.directory(&root).unwrap().encode();

    let read = second::Directory::decode(&*bytes).unwrap();
    assert_eq!(read.files[0].name, "bootstrap");
    assert!(read.files[0].is_executable);
    assert_eq!(read.symlinks[0].target, "bootstrap");
    let inner = read.directories[0].digest.clone().unwrap();
    let inner = Digest::from_hex(&inner.hash, inner.size_bytes as u64).unwrap();
    assert_eq!(
        memory.directory(&inner).unwrap().nodes().next().unwrap().0,
        "empty"
    );
    assert_eq!(read.encode_to_vec(), bytes);
}

/// Guards every key and every stored object: a change of this digest is a new version of the store.
#[test]
fn golden_tree_digest() {
    let mut dir = Dir::default();
    dir.put(&path("a/b/c.txt"), file("c"), &()).unwrap();
    dir.put(&path("a/run"), Entry::file(F.digest(b"run"), true), &())
        .unwrap();
    dir.put(&path("l"), Entry::symlink("a/run"), &()).unwrap();
    let mut messages = 0;
    let digest = dir.encode(F, &mut |_, _| messages += 1);
    assert_eq!(messages, 3);
    assert_eq!(
        digest.to_string(),
        "b9eeef5dd4b0957218fc8ba80296e8aba919bf7d68a3153e3e7fa17c8311a17b/88"
    );
}

#[test]
fn folders_merge_and_look_into_stored_ones_only_where_needed() {
    let memory = Memory::default();
    let mut module = Dir::default();
    module.put(&path("github.com/a/x.go"), file("x"), &()).unwrap();
    let module = memory.store(&module);

    let mut root = Dir::default();
    root.put(&path("mod"), Entry::tree(module), &memory).unwrap();
    root.put(&path("mod/github.com/b/y.go"), file("y"), &memory)
        .unwrap();
    let found = walk(&memory.store(&root), &memory).unwrap();
    let names: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["mod/github.com/a/x.go", "mod/github.com/b/y.go"]);
}

#[test]
fn different_things_at_one_path_are_refused() {
    let mut dir = Dir::default();
    dir.put(&path("a/x"), file("1"), &()).unwrap();
    dir.put(&path("a/x"), file("1"), &()).unwrap();
    assert_eq!(
        dir.put(&path("a/x"), file("2"), &()),
        Err(TreeError::Conflict(path("a/x")))
    );
    assert_eq!(
        dir.put(&path("a"), file("2"), &()),
        Err(TreeError::Conflict(path("a")))
    );
    assert_eq!(
        dir.put(&path("a/x/y"), file("2"), &()),
        Err(TreeError::Conflict(path("a/x/y")))
    );
}

#[test]
fn a_directory_that_is_not_canonical_is_refused() {
    let node = |name: &str| second::SymlinkNode {
        name: name.into(),
        target: "t".into(),
    };
    let unsorted = second::Directory {
        symlinks: vec![node("b"), node("a")],
        ..Default::default()
    };
    assert!(Directory::decode(&unsorted.encode_to_vec()).is_err());
    let twice = second::Directory {
        symlinks: vec![node("a"), node("a")],
        ..Default::default()
    };
    assert_eq!(
        Directory::decode(&twice.encode_to_vec()),
        Err(TreeError::NotCanonical("a name stands twice"))
    );
    let climbing = second::Directory {
        symlinks: vec![node("..")],
        ..Default::default()
    };
    assert!(Directory::decode(&climbing.encode_to_vec()).is_err());
}

#[test]
fn too_deep_is_an_error_not_a_crash() {
    let deep = path(&vec!["d"; MAX_DEPTH + 1].join("/"));
    assert_eq!(
        Dir::default().put(&deep, file(""), &()),
        Err(TreeError::TooDeep(deep.clone()))
    );
}

proptest! {
    #[test]
    fn the_order_of_putting_makes_no_difference(mut names in proptest::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2}){0,3}x", "[xyz]", 1..12)) {
        let build = |names: &mut dyn Iterator<Item = (&String, &String)>| {
            let mut dir = Dir::default();
            for (name, text) in names {
                dir.put(&path(name), file(text), &()).unwrap();
            }
            dir.encode(F, &mut |_, _| {})
        };
        names.retain(|name, _| !name.contains("//"));
        let forward = build(&mut names.iter());
        let backward = build(&mut names.iter().rev());
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(bytes: Vec<u8>) {
        let _ = Directory::decode(&bytes);
    }
}
