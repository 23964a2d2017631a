//! Whether the names of an archive are those of one tree: each stands once, whatever the case of
//! its letters and however accents are written, nothing lies in a file or in a link, and no link leads out, in a circle or nowhere.

use super::limits::Limits;
use icu_normalizer::DecomposingNormalizerBorrowed;
use lambuild_digest::RelPath;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder, by an entry of its own.
    Folder,
    /// A folder that a path implies.
    Implied,
    /// A file.
    File,
    /// A link, with where it leads.
    Link(RelPath),
}

/// The names so far.
pub struct Names<'l> {
    limits: &'l Limits,
    count: u64,
    /// By the path in small letters, which no other path may share.
    seen: BTreeMap<String, (RelPath, Kind)>,
}

impl<'l> Names<'l> {
    /// None yet.
    pub fn new(limits: &'l Limits) -> Self {
        Names {
            limits,
            count: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Adds an entry's name. A folder's may end in `/`. `None` for the root itself, which tars like to name.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn add(
        &mut self,
        name: &str,
        kind: impl FnOnce(&RelPath) -> Result<Kind, String>,
    ) -> Result<Option<RelPath>, String> {
        let shown = shown(name);
        self.count += 1;
        if self.count > self.limits.entries {
            return Err(format!("it has more than {} entries", self.limits.entries));
        }
        if name.len() > self.limits.path {
            return Err(format!(
                "the name `{shown}` is longer than {} bytes",
                self.limits.path
            ));
        }
        let path =
            RelPath::new(name).map_err(|error| format!("the name `{shown}` cannot be unpacked: {error}"))?;
        if path.is_root() {
            return Err("an entry has no name".to_owned());
        }
        if path.parts().count() > self.limits.depth {
            return Err(format!(
                "`{shown}` lies deeper than {} folders",
                self.limits.depth
            ));
        }
        let kind = kind(&path)?;
        self.above(&path)?;
        self.put(path.clone(), kind)?;
        Ok(Some(path))
    }

    /// The folders above a path: each is one, and is called the same everywhere.
    fn above(&mut self, path: &RelPath) -> Result<(), String> {
        let folders = std::iter::successors(path.parent(), RelPath::parent);
        for folder in folders.take_while(|folder| !folder.is_root()) {
            match self.seen.get(&fold(&folder)) {
                None => drop(self.seen.insert(fold(&folder), (folder, Kind::Implied))),
                Some((known, _)) if *known != folder => return Err(collide(known, &folder)),
                Some((_, Kind::Folder | Kind::Implied)) => {}
                Some((_, Kind::File)) => return Err(format!("`{path}` lies in `{folder}`, which is a file")),
                Some((_, Kind::Link(_))) => {
                    return Err(format!("`{path}` lies in `{folder}`, which is a link"));
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, path: RelPath, kind: Kind) -> Result<(), String> {
        match self.seen.get(&fold(&path)) {
            Some((known, _)) if *known != path => Err(collide(known, &path)),
            // Its content came first; now comes the folder.
            Some((_, Kind::Implied)) if kind == Kind::Folder => {
                self.seen.insert(fold(&path), (path, kind));
                Ok(())
            }
            Some(_) => Err(format!("`{path}` is in it twice")),
            None => {
                self.seen.insert(fold(&path), (path, kind));
                Ok(())
            }
        }
    }

    /// Whether a file of this name came before.
    pub fn is_file(&self, path: &RelPath) -> bool {
        self.kind(path) == Some(&Kind::File)
    }

    fn kind(&self, path: &RelPath) -> Option<&Kind> {
        let (known, kind) = self.seen.get(&fold(path))?;
        (known == path).then_some(kind)
    }

    /// Follows every link, when all names are known.
    ///
    /// # Errors
    /// A sentence about the first that does not lead to a file or folder of the archive.
    pub fn judge_links(&self) -> Result<(), String> {
        for (path, kind) in self.seen.values() {
            if let Kind::Link(target) = kind {
                self.follow(path, target)?;
            }
        }
        Ok(())
    }

    fn follow(&self, path: &RelPath, target: &RelPath) -> Result<(), String> {
        let mut at = target;
        for _ in 0..MOST_HOPS {
            let through = std::iter::successors(at.parent(), RelPath::parent);
            for folder in through.take_while(|folder| !folder.is_root()) {
                if matches!(self.kind(&folder), Some(Kind::Link(_))) {
                    return Err(format!(
                        "the link `{path}` leads through `{folder}`, which is a link itself"
                    ));
                }
            }
            match self.kind(at) {
                Some(Kind::Link(next)) => at = next,
                Some(_) => return Ok(()),
                None => {
                    return Err(format!(
                        "the link `{path}` leads to `{at}`, which is not in the archive"
                    ));
                }
            }
        }
        Err(format!("the link `{path}` leads in a circle"))
    }
}

/// As many links as Linux follows. Source: `MAXSYMLINKS`.
const MOST_HOPS: usize = 40;

/// Where a link leads, counted from the archive's root. Steps up may stand only at its beginning: behind a name that
/// is a link itself they would lead elsewhere than they seem to.
pub fn target(path: &RelPath, written: &str) -> Result<RelPath, String> {
    let folder = path.parent().unwrap_or_else(RelPath::root);
    let mut down = false;
    for part in written.split('/') {
        match part {
            ".." if down => {
                return Err(format!(
                    "the link `{path}` has a step up behind a name: `{}`",
                    shown(written)
                ));
            }
            ".." | "." | "" => {}
            _ => down = true,
        }
    }
    let target = folder.resolve(written.trim_end_matches('/'));
    let target =
        target.map_err(|_| format!("the link `{path}` leads out of the archive: `{}`", shown(written)))?;
    match target.is_root() || written.is_empty() {
        true => Err(format!("the link `{path}` leads to the whole archive")),
        false => Ok(target),
    }
}

fn collide(one: &RelPath, other: &RelPath) -> String {
    let decomposed = |path: &RelPath| decompose(path.as_str()).into_owned();
    if decomposed(one) == decomposed(other) {
        // They look alike, so the bytes are told.
        let bytes = |path: &RelPath| path.as_str().escape_default().to_string();
        return format!(
            "`{}` and `{}` differ only in how Unicode writes an accent, and are one file on macOS",
            bytes(one),
            bytes(other)
        );
    }
    format!("`{one}` and `{other}` differ only in upper and lower case")
}

/// Paths that are one file where neither case counts nor whether `é` is one character or two.
fn fold(path: &RelPath) -> String {
    if path.as_str().is_ascii() {
        return path.as_str().to_ascii_lowercase();
    }
    let lower: String = decompose(path.as_str())
        .chars()
        .flat_map(char::to_lowercase)
        .collect();
    // A lower letter may have a form of its own again.
    decompose(&lower).into_owned()
}

fn decompose(text: &str) -> Cow<'_, str> {
    DecomposingNormalizerBorrowed::new_nfd().normalize(text)
}

/// A name for people: no control characters, and not all of a very long one.
pub fn shown(name: &str) -> String {
    let start: String = name.chars().take(200).collect();
    start.escape_debug().to_string()
}
