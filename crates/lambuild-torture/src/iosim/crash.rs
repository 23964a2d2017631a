//! Which of the recorded calls a power cut may lose, and the disk that it leaves.

use super::disk::{Disk, Op};
use std::sync::Arc;

/// A page: what a disk writes as one.
const PAGE: usize = 4096;

/// One choice of what is lost of those calls that are not sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// All.
    All,
    /// This one.
    One(usize),
    /// These two.
    Two(usize, usize),
    /// All but this one.
    AllBut(usize),
    /// This write's bytes from the first page on.
    Torn(usize),
    /// This write's bytes; its length is kept.
    Zeros(usize),
}

/// All choices for a power cut after the first `end` calls of `log`; those with two losses only where `pairs` says so.
pub fn cuts(log: &[Op], end: usize, pairs: bool) -> Vec<Cut> {
    let log = log.get(..end).unwrap_or(log);
    let open = unsure(log);
    let mut cuts = vec![Cut::Nothing, Cut::All];
    for (place, number) in open.iter().enumerate() {
        cuts.extend([Cut::One(*number), Cut::AllBut(*number)]);
        if matches!(log.get(*number), Some(Op::Write { .. })) {
            cuts.extend([Cut::Torn(*number), Cut::Zeros(*number)]);
        }
        if pairs {
            cuts.extend(open.iter().skip(place + 1).map(|other| Cut::Two(*number, *other)));
        }
    }
    cuts
}

/// The calls that nothing has made sure, by their place in the log. Read backwards: a sync
/// covers what comes before it.
fn unsure(log: &[Op]) -> Vec<usize> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let mut open = Vec::new();
    for (number, op) in log.iter().enumerate().rev() {
        match op {
            Op::SyncAll => break,
            Op::SyncFile { inode } => files.push(*inode),
            Op::SyncFolder { inode } => folders.push(*inode),
            Op::Make { parent, .. } | Op::Remove { parent, .. } if folders.contains(parent) => {}
            Op::Rename { to, .. } if folders.contains(&to.0) => {}
            Op::Write { inode, .. } | Op::Empty { inode } if files.contains(inode) => {}
            _ => open.push(number),
        }
    }
    open.reverse();
    open
}

/// What the disk holds after a power cut behind the first `end` calls on `base`.
pub fn state(base: &Disk, log: &[Op], end: usize, cut: Cut) -> Disk {
    let log = log.get(..end).unwrap_or(log);
    let open = unsure(log);
    let mut disk = base.clone();
    for (number, op) in log.iter().enumerate() {
        if let Op::Make { inode, folder, .. } = op {
            disk.exist(*inode, *folder);
        }
        let is_lost = match cut {
            Cut::Nothing | Cut::Torn(_) | Cut::Zeros(_) => false,
            Cut::All => open.binary_search(&number).is_ok(),
            Cut::One(lost) => number == lost,
            Cut::Two(first, second) => number == first || number == second,
            Cut::AllBut(kept) => number != kept && open.binary_search(&number).is_ok(),
        };
        if is_lost {
            continue;
        }
        match (op, cut) {
            (Op::Write { inode, at, bytes }, Cut::Torn(torn)) if torn == number => {
                let kept = bytes.get(..PAGE.min(bytes.len() / 2)).unwrap_or_default();
                disk.apply(&Op::Write {
                    inode: *inode,
                    at: *at,
                    bytes: Arc::new(kept.to_vec()),
                });
            }
            (Op::Write { inode, at, bytes }, Cut::Zeros(torn)) if torn == number => {
                disk.apply(&Op::Write {
                    inode: *inode,
                    at: *at,
                    bytes: Arc::new(vec![0; bytes.len()]),
                });
            }
            _ => disk.apply(op),
        }
    }
    disk
}

#[cfg(test)]
mod tests {
    use super::super::disk::ROOT;
    use super::*;
    use std::path::Path;

    fn make(name: &str, inode: u64) -> Op {
        Op::Make {
            parent: ROOT,
            name: name.into(),
            inode,
            folder: false,
        }
    }

    fn write(inode: u64, bytes: &[u8]) -> Op {
        Op::Write {
            inode,
            at: 0,
            bytes: Arc::new(bytes.to_vec()),
        }
    }

    #[test]
    fn a_name_without_a_sync_of_its_bytes_may_be_left_over_nothing() {
        let log = [
            make("stage", 5),
            write(5, b"bytes"),
            Op::Rename {
                from: (ROOT, "stage".into()),
                to: (ROOT, "named".into()),
                inode: 5,
            },
            Op::SyncFolder { inode: ROOT },
        ];
        assert_eq!(unsure(&log), [1]);
        let disk = state(&Disk::default(), &log, 4, Cut::All);
        let file = disk.find(ROOT, Path::new("named")).unwrap();
        assert!(matches!(disk.inode(file), Some(super::super::Inode::File(bytes, _)) if bytes.is_empty()));
    }

    #[test]
    fn what_is_synced_cannot_be_lost() {
        let log = [
            make("a", 5),
            write(5, b"x"),
            Op::SyncFile { inode: 5 },
            Op::SyncFolder { inode: ROOT },
        ];
        assert_eq!(cuts(&log, 4, true), [Cut::Nothing, Cut::All]);
        assert_eq!(unsure(&log[..2]), [0, 1]);
        assert_eq!(cuts(&log, 2, true).len(), 2 + 2 + 2 + 2 + 1);
    }
}
