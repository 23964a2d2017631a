use super::*;
use lambuild_digest::{DigestFunction, Node};
use std::os::unix::fs::symlink;

struct Setup {
    folder: tempfile::TempDir,
}

impl Setup {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let full = folder.path().join("w").join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(full, text).unwrap();
        }
        Setup { folder }
    }

    fn root(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join("w")
    }

    fn sources(&self) -> SourceTree {
        let store = Arc::new(DiskStore::open(&self.folder.path().join("s"), DigestFunction::Blake3).unwrap());
        SourceTree::new(
            &self.root(),
            store,
            StatCache::open(&self.root().join(".lambuild/stat"), DigestFunction::Blake3),
        )
    }

    fn names(&self, path: &str) -> Vec<String> {
        let entry = self.sources().content(&RelPath::new(path).unwrap()).unwrap();
        let mut names = Vec::new();
        flatten(&entry, "", &mut names);
        names
    }

    fn error(&self, path: &str) -> String {
        self.sources()
            .content(&RelPath::new(path).unwrap())
            .unwrap_err()
            .to_string()
    }
}

fn flatten(entry: &Entry, at: &str, names: &mut Vec<String>) {
    match entry {
        Entry::Dir(dir) => dir
            .entries()
            .for_each(|(name, entry)| flatten(entry, &format!("{at}/{name}"), names)),
        Entry::Node(Node::Symlink { target }) => names.push(format!("{at} -> {target}")),
        Entry::Node(_) => names.push(at.to_owned()),
    }
}

#[test]
fn ignore_files_of_the_workspace_decide_at_every_depth() {
    let setup = Setup::new(&[
        (".gitignore", "*.log\n/build\n"),
        ("a/.gitignore", "!keep.log\nsecret\n"),
        ("a/keep.log", ""),
        ("a/other.log", ""),
        ("a/secret", ""),
        ("a/dist/x", ""),
        ("build/x", ""),
        ("dist/x", ""),
        (".git/HEAD", ""),
        ("a/.lambuild/x", ""),
    ]);
    assert_eq!(
        setup.names(""),
        ["/.gitignore", "/a/.gitignore", "/a/dist/x", "/a/keep.log"]
    );
    assert_eq!(
        setup.error("build/x"),
        "`build/x` cannot be used: an ignore file of the workspace excludes it, so another checkout would not have it"
    );
}

#[test]
fn links_are_kept_inside_followed_outside_and_refused_beyond() {
    let setup = Setup::new(&[("a/f", "x"), ("shared/g", "y")]);
    symlink("f", setup.root().join("a/inside")).unwrap();
    symlink("../shared", setup.root().join("a/outside")).unwrap();
    assert_eq!(setup.names("a"), ["/f", "/inside -> f", "/outside/g"]);
    symlink("/etc", setup.root().join("a/beyond")).unwrap();
    assert_eq!(
        setup.error("a"),
        "`a/beyond` cannot be used: it is a link out of the workspace"
    );
    fs::remove_file(setup.root().join("a/beyond")).unwrap();
    symlink("../nowhere", setup.root().join("a/dangling")).unwrap();
    assert!(
        setup
            .error("a")
            .starts_with("`a/dangling` cannot be used: it is a link that leads nowhere")
    );
}

#[test]
fn nothing_is_seen_through_a_link_out_of_the_workspace() {
    let setup = Setup::new(&[("a/f", "x")]);
    fs::create_dir(setup.folder.path().join("beyond")).unwrap();
    fs::write(setup.folder.path().join("beyond/g"), "y").unwrap();
    symlink("../../beyond", setup.root().join("a/out")).unwrap();
    let (sources, refused) = (
        setup.sources(),
        "`a/out` cannot be used: it is a link out of the workspace",
    );
    let path = |text: &str| RelPath::new(text).unwrap();
    assert_eq!(sources.list(&path("a/out")).unwrap_err().to_string(), refused);
    assert_eq!(sources.file(&path("a/out/g")).unwrap_err().to_string(), refused);
    assert_eq!(
        sources.content(&path("a/out/g")).unwrap_err().to_string(),
        refused
    );
}

#[test]
fn a_link_in_a_circle_is_an_error_not_a_hang() {
    let setup = Setup::new(&[("a/b/f", "x")]);
    symlink("../../a", setup.root().join("a/b/up")).unwrap();
    let error = setup.error("a/b");
    assert!(error.ends_with("it is a link that leads in a circle"), "{error}");
}

#[test]
fn bytes_lost_from_the_store_are_provided_again() {
    let setup = Setup::new(&[("f", "text")]);
    let sources = setup.sources();
    let path = RelPath::new("f").unwrap();
    let (digest, _) = sources.file(&path).unwrap();
    fs::remove_file(sources.store.blob_path(&digest)).unwrap();
    assert_eq!(&*sources.read(&path).unwrap(), b"text");

    fs::remove_file(sources.store.blob_path(&digest)).unwrap();
    fs::write(sources.store.blob_path(&digest), "damaged").unwrap();
    assert_eq!(&*sources.read(&path).unwrap(), b"text");

    fs::remove_file(sources.store.blob_path(&digest)).unwrap();
    fs::write(setup.root().join("f"), "other").unwrap();
    assert!(
        sources
            .read(&path)
            .unwrap_err()
            .to_string()
            .contains("has changed while the build ran")
    );
}

#[test]
fn what_is_not_there_is_said_so() {
    assert_eq!(Setup::new(&[("f", "")]).error("nope"), "`nope` does not exist");
}
