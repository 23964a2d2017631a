//! Whether the tree of a transparent log holds a record: the tree's root is computed again
//! from the record and from the tiles beside its way up, which nobody needs to trust, since
//! only the right ones give the root that was signed. Knows no signatures.
//! Source: "Transparent Logs for Skeptical Clients" and RFC 6962, section 2.1.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::client::Client;
use crate::download::bytes;

/// A node's hash.
pub(crate) type Hash = [u8; 32];

/// The hashes of a tile stand for eight levels of the tree: the lowest ones are in it, 256 side by side.
const HEIGHT: u32 = 8;
const WIDTH: u64 = 1 << HEIGHT;

/// A tree by its size in records and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    root: Hash,
}

impl Tree {
    /// Reads the text that a database signs: a title, the size, the root in base64.
    pub fn parse(text: &str) -> Option<Tree> {
        let mut lines = text.lines();
        let (title, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let size: u64 = size.parse().ok()?;
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        // 2^48 records would take centuries; a limit keeps sums of sizes in range.
        (title == "go.sum database tree" && size < 1 << 48).then_some(Tree { size, root })
    }

    /// Checks that the record of this number has this text.
    ///
    /// # Errors
    /// Why that cannot be told, or that it is not so.
    pub async fn holds(&self, client: &Client, base: &str, number: u64, record: &str) -> Result<(), String> {
        if number >= self.size {
            return Err("the tree that it signed has fewer records".to_owned());
        }
        let mut tiles = Tiles {
            client,
            base,
            size: self.size,
            read: BTreeMap::new(),
        };
        let known = Known {
            number,
            leaf: leaf(record),
        };
        let root = root(&mut tiles, 0, self.size, known).await?;
        match root == self.root {
            true => Ok(()),
            false => Err("the tree that it signed does not hold the record".to_owned()),
        }
    }
}

pub(crate) fn leaf(record: &str) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(record)
        .finalize()
        .into()
}

pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The record whose leaf is computed, not read.
#[derive(Clone, Copy)]
struct Known {
    number: u64,
    leaf: Hash,
}

type Computed<'f> = Pin<Box<dyn Future<Output = Result<Hash, String>> + Send + 'f>>;

/// The root of the records `start..start + count`: as deep as the way to the known record goes, the
/// rest from tiles. `count` is not 0; its recursion is as deep as the tree, at most 48.
fn root<'f>(tiles: &'f mut Tiles<'_>, start: u64, count: u64, known: Known) -> Computed<'f> {
    Box::pin(async move {
        let holds_known = (start..start + count).contains(&known.number);
        if count == 1 && holds_known {
            return Ok(known.leaf);
        }
        if count.is_power_of_two() && !holds_known {
            return tiles.complete(count.trailing_zeros(), start / count).await;
        }
        // The largest power of two below `count`.
        let left = 1 << (u64::BITS - 1 - (count - 1).leading_zeros());
        let first = root(tiles, start, left, known).await?;
        let second = root(tiles, start + left, count - left, known).await?;
        Ok(node(&first, &second))
    })
}

/// The tiles of a tree, each read once.
struct Tiles<'a> {
    client: &'a Client,
    base: &'a str,
    size: u64,
    read: BTreeMap<(u32, u64), Vec<Hash>>,
}

impl Tiles<'_> {
    /// The root of the complete subtree of height `level` that is the `index`-th of these.
    async fn complete(&mut self, level: u32, index: u64) -> Result<Hash, String> {
        let (tier, above) = (level / HEIGHT, level % HEIGHT);
        let (first, count) = (index << above, 1u64 << above);
        let tile = self.tile(tier, first / WIDTH).await?;
        let from = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        let mut hashes: Vec<Hash> = tile
            .iter()
            .skip(from)
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .copied()
            .collect();
        while hashes.len() > 1 {
            hashes = hashes
                .chunks(2)
                .filter_map(|pair| Some(node(pair.first()?, pair.last()?)))
                .collect();
        }
        hashes.pop().ok_or_else(|| "a tile is too short".to_owned())
    }

    async fn tile(&mut self, tier: u32, index: u64) -> Result<&[Hash], String> {
        if !self.read.contains_key(&(tier, index)) {
            let tile = self.fetch(tier, index).await?;
            self.read.insert((tier, index), tile);
        }
        Ok(self.read.get(&(tier, index)).map_or(&[], Vec::as_slice))
    }

    async fn fetch(&self, tier: u32, index: u64) -> Result<Vec<Hash>, String> {
        let there = (self.size >> (HEIGHT * tier)).saturating_sub(index * WIDTH);
        let width = there.min(WIDTH);
        let path = path(tier, index, width);
        let url = format!("{}/{path}", self.base);
        let read = bytes(self.client, &url, WIDTH * 32)
            .await
            .map_err(|error| error.to_string())?;
        if read.len() as u64 != width * 32 {
            return Err(format!("{path} has {} bytes and not {}", read.len(), width * 32));
        }
        Ok(read
            .chunks_exact(32)
            .filter_map(|hash| hash.try_into().ok())
            .collect())
    }
}

/// `tile/8/0/x001/234`, with `.p/5` where the tile has only 5 hashes yet.
pub(crate) fn path(tier: u32, index: u64, width: u64) -> String {
    let mut name = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    let part = if width < WIDTH {
        format!(".p/{width}")
    } else {
        String::new()
    };
    format!("tile/{HEIGHT}/{tier}/{name}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_have_their_names() {
        assert_eq!(path(0, 5, WIDTH), "tile/8/0/005");
        assert_eq!(path(1, 1_234_067, 3), "tile/8/1/x001/x234/067.p/3");
    }

    #[test]
    fn a_tree_that_is_none() {
        let root = STANDARD.encode([7; 32]);
        let text = |size: &str, root: &str| format!("go.sum database tree\n{size}\n{root}\n");
        assert!(Tree::parse(&text("9", &root)).is_some());
        assert_eq!(Tree::parse(&text("-9", &root)), None);
        assert_eq!(Tree::parse(&text("999999999999999999", &root)), None);
        assert_eq!(Tree::parse(&text("9", "AAAA")), None);
        assert_eq!(Tree::parse("other\n9\n"), None);
    }
}
