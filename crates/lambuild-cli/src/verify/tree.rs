//! Compares two outputs entry by entry.

use super::content;
use super::evidence::{Cause, Known, settle};
use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::{Directories, Directory, Node};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Only the second version has it.
    Added,
    /// Only the first version has it.
    Removed,
    /// A file in one is a link or folder in the other.
    Type,
    /// Only one may be executed.
    Mode,
    /// A link leads elsewhere.
    Link,
    /// A file has other bytes.
    Content,
}

/// One entry that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its path in the output, and behind `!` the one in an archive; empty for an output that is a file.
    pub path: String,
    /// How it differs.
    pub kind: Kind,
    /// The first differing byte of a content.
    pub offset: Option<usize>,
    /// What is there in the first version, for people.
    pub first: String,
    /// And in the second.
    pub second: String,
    /// Where that is likely to come from.
    pub causes: BTreeSet<Cause>,
}

/// Where outputs lie.
pub trait Outputs: BlobStore + Directories {}

impl<T: BlobStore + Directories> Outputs for T {}

/// The entries that differ, in the order of their paths.
///
/// # Errors
/// When the store has lost something or cannot read it.
pub fn compare(
    first: &Node,
    second: &Node,
    store: &dyn Outputs,
    known: &Known,
) -> Result<Vec<Entry>, StoreError> {
    let mut walk = Walk {
        store,
        known,
        found: Vec::new(),
    };
    walk.node("", first, second)?;
    Ok(walk.found)
}

struct Walk<'a> {
    store: &'a dyn Outputs,
    known: &'a Known,
    found: Vec<Entry>,
}

impl Walk<'_> {
    fn node(&mut self, path: &str, first: &Node, second: &Node) -> Result<(), StoreError> {
        match (first, second) {
            (first, second) if first == second => Ok(()),
            (Node::Directory(first), Node::Directory(second)) => {
                let (first, second) = (self.directory(first)?, self.directory(second)?);
                self.folder(path, &first, &second)
            }
            (
                Node::File {
                    digest: first,
                    executable: one,
                },
                Node::File {
                    digest: second,
                    executable: two,
                },
            ) => {
                if one != two {
                    let word = |executable: bool| {
                        if executable {
                            "executable"
                        } else {
                            "not executable"
                        }
                    };
                    self.add(path, Kind::Mode, word(*one), word(*two), [Cause::Mode].into());
                }
                if first != second {
                    self.content(path, &self.store.read(first)?, &self.store.read(second)?);
                }
                Ok(())
            }
            (Node::Symlink { target: one }, Node::Symlink { target: two }) => {
                let causes = self.known.of_text(one, two);
                self.add(path, Kind::Link, one, two, causes);
                Ok(())
            }
            (first, second) => {
                self.add(
                    path,
                    Kind::Type,
                    word(first),
                    word(second),
                    [Cause::Unknown].into(),
                );
                Ok(())
            }
        }
    }

    fn directory(&self, digest: &lambuild_digest::Digest) -> Result<Arc<Directory>, StoreError> {
        self.store
            .directory(digest)
            .map_err(lambuild_store::materialise::unreadable)
    }

    fn folder(&mut self, path: &str, first: &Directory, second: &Directory) -> Result<(), StoreError> {
        let (lost, new) = (names(first, second), names(second, first));
        for (at, name) in lost.iter().enumerate() {
            // What has another name each time is told as one thing.
            let other = new.get(at).filter(|_| lost.len() == new.len());
            let causes = other.map(|other| self.known.of_text(name, other));
            self.add(
                &below(path, name),
                Kind::Removed,
                name,
                "",
                causes.unwrap_or([Cause::Unknown].into()),
            );
        }
        for (at, name) in new.iter().enumerate() {
            let other = lost.get(at).filter(|_| lost.len() == new.len());
            let causes = other.map(|other| self.known.of_text(other, name));
            self.add(
                &below(path, name),
                Kind::Added,
                "",
                name,
                causes.unwrap_or([Cause::Unknown].into()),
            );
        }
        for (name, node) in first.nodes() {
            if let Some(other) = second.get(name) {
                self.node(&below(path, name), node, other)?;
            }
        }
        Ok(())
    }

    fn content(&mut self, path: &str, first: &[u8], second: &[u8]) {
        let Some(made) = content::compare(first, second, self.known) else {
            return;
        };
        let inside: String = made.inside.iter().map(|name| format!("!{name}")).collect();
        self.found.push(Entry {
            path: format!("{path}{inside}"),
            kind: Kind::Content,
            offset: Some(made.offset),
            first: made.first,
            second: made.second,
            causes: made.causes,
        });
    }

    fn add(&mut self, path: &str, kind: Kind, first: &str, second: &str, causes: BTreeSet<Cause>) {
        self.found.push(Entry {
            path: path.to_owned(),
            kind,
            offset: None,
            first: first.to_owned(),
            second: second.to_owned(),
            causes,
        });
    }
}

/// The names that only one folder has.
fn names(of: &Directory, without: &Directory) -> Vec<String> {
    of.nodes()
        .filter(|(name, _)| without.get(name).is_none())
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn below(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    }
}

fn word(node: &Node) -> &'static str {
    match node {
        Node::File { .. } => "a file",
        Node::Symlink { .. } => "a link",
        Node::Directory(_) => "a folder",
    }
}

/// The causes of all entries together.
pub fn causes(entries: &[Entry]) -> BTreeSet<Cause> {
    settle(
        entries
            .iter()
            .flat_map(|entry| entry.causes.iter().copied())
            .collect(),
    )
}
