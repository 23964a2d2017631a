use super::*;
use lambuild_digest::{DigestFunction, Node};
use std::os::unix::fs::symlink;

pub(super) struct Setup {
    pub(super) folder: tempfile::TempDir,
}

impl Setup {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let full = folder.path().join("w").join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(full, text).unwrap();
        }
        Setup { folder }
    }

    pub(super) fn root(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join("w")
    }

    pub(super) fn store(&self) -> Arc<DiskStore> {
        Arc::new(DiskStore::open(&self.folder.path().join("s"), DigestFunction::Blake3).unwrap())
    }

    pub(super) fn sources(&self) -> SourceTree {
        let memory = self.root().join(".lambuild/stat");
        SourceTree::open(&self.root(), self.store(), Some(&memory)).unwrap()
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

mod racy {
    //! R24: edits that a coarse clock hides.

    use super::*;
    use crate::file_state::FileState;
    use crate::stat_cache::tests::Simulated;
    use std::io::{Seek, Write};
    use std::time::{Duration, UNIX_EPOCH};

    const SECOND: i64 = 1_000_000_000;

    struct Outcome {
        missed: usize,
        remembered: usize,
    }

    /// A generator of numbers that are the same in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % sides
        }
    }

    /// Edits of one size, in place and by renaming, with the modification time put back or in the
    /// future, while the clock runs, jumps and goes back; after each, a run of its own.
    fn edits(rounds: u64, grain: i64, trusts_the_young: bool) -> Outcome {
        let setup = Setup::new(&[("f", "00000000"), ("g", "never edited")]);
        let clock = Simulated {
            grain,
            trusts_the_young,
            ..Simulated::default()
        };
        let (store, path) = (setup.store(), setup.root().join("f"));
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut outcome = Outcome {
            missed: 0,
            remembered: 0,
        };
        for round in 1..=rounds {
            if dice.roll(3) > 0 {
                edit(&path, round, &mut dice);
            }
            if dice.roll(8) == 0 {
                let seconds = [1, 2, 3, 10, -5, -1][dice.roll(6) as usize];
                clock.move_clock(&setup.root(), seconds * SECOND);
            }
            let beneath = Beneath::open(&setup.root()).unwrap();
            let memory = setup.root().join(".lambuild/stat");
            let stats = StatCache::simulated(&memory, &beneath, clock.clone());
            let sources = SourceTree::with(&setup.root(), beneath, store.clone(), stats);
            let (seen, _) = sources.file(&RelPath::new("f").unwrap()).unwrap();
            sources.file(&RelPath::new("g").unwrap()).unwrap();
            let truth = DigestFunction::Blake3.digest(&fs::read(&path).unwrap());
            outcome.missed += usize::from(seen != truth);
            let root = sources.folder(&RelPath::root()).unwrap();
            let taken = root.item("g").unwrap().1.taken.get().unwrap();
            outcome.remembered += usize::from(matches!(taken.memory, Memory::AsKnown));
            sources.save().unwrap();
        }
        outcome
    }

    fn edit(path: &Path, round: u64, dice: &mut Dice) {
        let text = format!("{round:08}");
        let before = FileState::of(&fs::metadata(path).unwrap());
        let mut file = if dice.roll(4) == 0 {
            let other = path.with_file_name("f.new");
            fs::write(&other, &text).unwrap();
            fs::rename(&other, path).unwrap();
            fs::File::options().write(true).open(path).unwrap()
        } else {
            let mut file = fs::File::options().write(true).open(path).unwrap();
            file.rewind().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        let at = |nanos: i64| UNIX_EPOCH + Duration::from_nanos(nanos as u64);
        match dice.roll(4) {
            0 => file.set_modified(at(before.modified)).unwrap(),
            1 => file.set_modified(at(before.modified + 3_600 * SECOND)).unwrap(),
            _ => file.flush().unwrap(),
        }
    }

    #[test]
    fn no_edit_is_missed_however_coarse_the_clock_is() {
        for (rounds, grain) in [(1_000, SECOND), (1_000, 2 * SECOND)] {
            let outcome = edits(rounds, grain, false);
            assert_eq!(outcome.missed, 0, "of {rounds} at {grain} ns");
            // It is no proof if nothing is ever remembered.
            assert!(
                outcome.remembered > 100,
                "only {} of {rounds}",
                outcome.remembered
            );
        }
    }

    #[test]
    #[ignore = "takes minutes; `cargo xtask soak sources` runs it"]
    fn no_edit_is_missed_in_a_hundred_thousand() {
        let outcome = edits(100_000, 2 * SECOND, false);
        assert_eq!(outcome.missed, 0);
    }

    #[test]
    fn the_same_edits_are_missed_when_equal_times_are_enough() {
        let outcome = edits(300, 2 * SECOND, true);
        assert!(outcome.missed > 50, "only {} of 300", outcome.missed);
    }
}
