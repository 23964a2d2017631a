//! Files in memory for the tests of the Go rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lambuild_digest::RelPath;

use super::constraint::Platform;
use super::sources::{GoFiles, Kind};

/// A tree of files by path.
#[derive(Default, Clone)]
pub struct Memory {
    files: BTreeMap<RelPath, (Kind, Arc<[u8]>)>,
}

impl Memory {
    pub fn new(files: &[(&str, &str)]) -> Self {
        files
            .iter()
            .fold(Memory::default(), |tree, (path, text)| tree.with(path, text))
    }

    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(
            RelPath::new(path).unwrap(),
            (Kind::File, Arc::from(text.as_bytes())),
        );
        self
    }

    pub fn link(mut self, path: &str) -> Self {
        self.files
            .insert(RelPath::new(path).unwrap(), (Kind::Link, Arc::from([])));
        self
    }

    pub fn without(mut self, path: &str) -> Self {
        self.files.remove(&RelPath::new(path).unwrap());
        self
    }
}

impl GoFiles for Memory {
    fn list(&self, dir: &RelPath) -> Option<Vec<(String, Kind)>> {
        let below = self
            .files
            .iter()
            .filter_map(|(path, (kind, _))| Some((path.below(dir)?, *kind)));
        let entries: BTreeSet<(String, bool)> = below
            .filter_map(|(rest, kind)| {
                let first = rest.parts().next()?.to_owned();
                Some((first, rest.parts().count() == 1 && kind == Kind::Link))
            })
            .collect();
        let kind = |name: &str, link: bool| match (link, self.files.contains_key(&dir.child(name).unwrap())) {
            (true, _) => Kind::Link,
            (_, true) => Kind::File,
            _ => Kind::Dir,
        };
        let named = entries
            .into_iter()
            .map(|(name, link)| (name.clone(), kind(&name, link)));
        let named: Vec<_> = named.collect();
        (!named.is_empty()).then_some(named)
    }

    fn read(&self, file: &RelPath) -> Result<Arc<[u8]>, String> {
        self.files
            .get(file)
            .map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| "there is no such file".into())
    }
}

/// linux/arm64 with Go 1.26 and no cgo.
pub fn arm64() -> Platform {
    Platform {
        goos: "linux".into(),
        goarch: "arm64".into(),
        tags: BTreeSet::new(),
        cgo: false,
        release: 26,
    }
}
