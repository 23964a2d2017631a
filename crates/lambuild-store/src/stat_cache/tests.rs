use super::*;
use std::fs;

const F: DigestFunction = DigestFunction::Blake3;
const SECOND: i64 = 1_000_000_000;

/// A file system with a coarse clock that people move. Nobody can set a real change time, so
/// the real ones are mapped.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    /// Times are cut to multiples of this, in nanoseconds.
    pub grain: i64,
    /// From which real time on the clock is off by how much; in order.
    pub moved: Arc<Mutex<Vec<(i64, i64)>>>,
    /// The mutation: believes whatever has equal times.
    pub trusts_the_young: bool,
}

impl Simulated {
    /// From now on the clock of the file system of `folder` is off by this much more.
    pub fn move_clock(&self, folder: &Path, by: i64) {
        let mut probe = tempfile::tempfile_in(folder).unwrap();
        let before = FileState::of_file(&probe).unwrap();
        // Later than every stamp so far, also where a stamp is as coarse as a tick of the kernel.
        let now = loop {
            std::io::Write::write_all(&mut probe, b"x").unwrap();
            let now = FileState::of_file(&probe).unwrap();
            if now.changed > before.changed {
                break now.changed;
            }
        };
        let mut moved = self.moved.lock().unwrap();
        let off = moved.last().map_or(0, |(_, off)| *off);
        moved.push((now, off + by));
    }

    fn seen(&self, time: i64) -> i64 {
        let moved = self.moved.lock().unwrap();
        let off = moved.iter().rev().find(|(from, _)| *from <= time);
        let there = time + off.map_or(0, |(_, off)| *off);
        there - there.rem_euclid(self.grain.max(1))
    }
}

impl Stamps {
    fn simulated(simulated: Simulated) -> Self {
        Stamps {
            now: i64::MIN,
            simulated: Some(simulated),
        }
    }

    pub(super) fn seen(&self, time: i64) -> i64 {
        self.simulated
            .as_ref()
            .map_or(time, |simulated| simulated.seen(time))
    }

    pub(super) fn trusts_the_young(&self) -> bool {
        self.simulated
            .as_ref()
            .is_some_and(|simulated| simulated.trusts_the_young)
    }
}

impl StatCache {
    /// As [`StatCache::open`], with times as a test wants them.
    pub fn simulated(file: &Path, of: &Beneath, simulated: Simulated) -> Self {
        StatCache::with(file, of, F, Stamps::simulated(simulated))
    }
}

struct Setup {
    folder: tempfile::TempDir,
    simulated: Simulated,
}

impl Setup {
    fn new() -> Self {
        Setup {
            folder: tempfile::tempdir().unwrap(),
            simulated: Simulated::default(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(".own/cache")
    }

    fn write(&self, text: &str) -> FileState {
        fs::write(self.folder.path().join("f"), text).unwrap();
        self.state()
    }

    fn state(&self) -> FileState {
        FileState::of(&fs::metadata(self.folder.path().join("f")).unwrap())
    }

    fn cache(&self) -> StatCache {
        let beneath = Beneath::open(self.folder.path()).unwrap();
        StatCache::simulated(&self.file(), &beneath, self.simulated.clone())
    }

    fn move_clock(&self, by: i64) {
        self.simulated.move_clock(self.folder.path(), by);
    }

    fn get(&self, name: &str) -> Option<Digest> {
        let cache = self.cache();
        let known = cache.folder("")?.item(name)?.hash?;
        cache.believed(&known, &self.state())
    }

    fn remember(&self, text: &str) {
        let cache = self.cache();
        cache.put("f", &self.state(), &F.digest(text.as_bytes()));
        cache.save().unwrap();
    }
}

#[test]
fn an_entry_is_believed_only_when_it_is_older_than_the_clock_is_coarse() {
    let setup = Setup::new();
    setup.write("a");
    setup.remember("a");
    assert_eq!(setup.get("f"), None);
    setup.move_clock(SECOND);
    setup.remember("a");
    assert_eq!(setup.get("f"), None);
    setup.move_clock(2 * SECOND);
    setup.remember("a");
    assert_eq!(setup.get("f"), Some(F.digest(b"a")));
    assert_eq!(setup.get("g"), None);
}

#[test]
fn what_cannot_be_kept_is_told_once() {
    let setup = Setup::new();
    setup.write("a");
    fs::write(setup.folder.path().join(".own"), "no folder").unwrap();
    let cache = setup.cache();
    cache.put("f", &setup.state(), &F.digest(b"a"));
    assert_eq!(
        cache.save().unwrap_err().to_string(),
        format!(
            "cannot create {}: File exists (os error 17)",
            setup.folder.path().join(".own").display()
        )
    );
    cache.save().unwrap();
}

#[test]
fn another_state_is_not_believed() {
    let setup = Setup::new();
    setup.write("a");
    setup.move_clock(3 * SECOND);
    setup.remember("a");
    assert_eq!(setup.get("f"), Some(F.digest(b"a")));
    setup.write("b");
    assert_eq!(setup.get("f"), None);
}

#[test]
fn a_time_in_the_future_and_a_clock_that_went_back_are_not_believed() {
    let setup = Setup::new();
    setup.write("a");
    let file = fs::File::options()
        .write(true)
        .open(setup.folder.path().join("f"))
        .unwrap();
    let real = FileState::of_file(&file).unwrap();
    let later =
        std::time::UNIX_EPOCH + std::time::Duration::from_nanos(real.modified as u64 + 3_600_000_000_000);
    file.set_modified(later).unwrap();
    setup.move_clock(60 * SECOND);
    setup.remember("a");
    assert_eq!(setup.get("f"), None, "modified in the future");

    setup.write("a");
    setup.move_clock(60 * SECOND);
    setup.remember("a");
    assert_eq!(setup.get("f"), Some(F.digest(b"a")));
    setup.move_clock(-30 * SECOND);
    assert_eq!(setup.get("f"), None, "recorded later than now");
}

#[test]
fn it_survives_being_written_and_nothing_else_survives() {
    let setup = Setup::new();
    setup.write("a");
    setup.move_clock(3 * SECOND);
    setup.remember("a");
    let good = fs::read(setup.file()).unwrap();
    assert!(format::read(good.clone(), F).is_some());
    assert!(format::read(good.clone(), DigestFunction::Sha256).is_none());
    for cut in 0..good.len() {
        assert!(format::read(good[..cut].to_vec(), F).is_none(), "cut at {cut}");
        let mut flipped = good.clone();
        flipped[cut] ^= 1;
        assert!(format::read(flipped, F).is_none(), "flipped at {cut}");
    }
}

#[test]
fn folders_are_kept_as_they_were_and_forgotten_when_they_are_gone() {
    let setup = Setup::new();
    let state = setup.write("a");
    let folder = |names: &[(&str, Kind)]| KnownFolder {
        listing: setup.cache().listing(&state, [7; 32]),
        items: names
            .iter()
            .map(|(name, kind)| KnownItem {
                name: Arc::from(*name),
                kind: *kind,
                left_out: *kind == Kind::Other,
                hash: setup
                    .cache()
                    .memory(&state, &F.digest(b"a"))
                    .filter(|_| *kind == Kind::File),
            })
            .collect(),
    };
    // Modes are not kept: they are not what decides.
    let plain = |mut folder: KnownFolder| {
        folder
            .listing
            .iter_mut()
            .for_each(|l| (l.state.mode, l.state.size) = (0, 0));
        let hashes = folder.items.iter_mut().filter_map(|item| item.hash.as_mut());
        hashes.for_each(|hash| hash.state.mode = 0);
        folder
    };
    let all = [
        (
            "",
            folder(&[("a", Kind::Folder), ("b", Kind::Folder), ("f", Kind::File)]),
        ),
        (
            "a",
            folder(&[("c", Kind::Folder), ("l", Kind::Link), ("p", Kind::Other)]),
        ),
        ("a/c", folder(&[("f", Kind::File)])),
        ("b", folder(&[])),
    ];
    let cache = setup.cache();
    for (path, folder) in &all {
        cache.put_folder(path, folder.clone());
    }
    cache.save().unwrap();
    let cache = setup.cache();
    for (path, folder) in &all {
        let mut expected = plain(folder.clone());
        let mut found = cache.folder(path).unwrap();
        // Each was recorded when its own cache was opened.
        for known in [&mut expected, &mut found] {
            known.listing.iter_mut().for_each(|l| l.recorded = 0);
            let hashes = known.items.iter_mut().filter_map(|item| item.hash.as_mut());
            hashes.for_each(|hash| hash.recorded = 0);
        }
        assert_eq!(found, expected, "{path}");
    }
    // `a` is a file now: what was below it is gone too.
    cache.put_folder("", folder(&[("a", Kind::File), ("b", Kind::Folder)]));
    cache.save().unwrap();
    let cache = setup.cache();
    let left: Vec<bool> = ["", "a", "a/c", "b"]
        .map(|path| cache.folder(path).is_some())
        .to_vec();
    assert_eq!(left, [true, false, false, true]);
}
