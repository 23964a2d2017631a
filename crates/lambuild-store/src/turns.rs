//! Who may run an action, over all processes of a store: a lock for each key, which ends with its
//! process. Decides nothing about waiting.

use crate::fs::{self, Handle, Lock};
use crate::layout::{Place, spread};
use lambuild_action::{ActionKey, StoreError, Turn};
use std::path::Path;

/// How often a lock is taken whose file the collector removed in that moment.
const ATTEMPTS: usize = 10;

/// Takes the turn of a key if it is free.
pub(crate) fn take(place: &Place, key: &ActionKey) -> Result<Turn, StoreError> {
    if place.single {
        return Ok(Turn::Mine(Box::new(())));
    }
    let path = spread("locks/a", &key.0);
    for _ in 0..ATTEMPTS {
        if let Some(above) = path.parent() {
            place.fs.make_folder(&place.root, above)?;
        }
        let file = place.fs.append_to(&place.root, &path)?;
        if !place.try_lock(&file, Lock::Exclusive)? {
            return Ok(Turn::Taken {
                by: holder(place, &path),
            });
        }
        if is_still(place, &path, &file)? {
            sign(place, &file);
            return Ok(Turn::Mine(Box::new(file)));
        }
    }
    Ok(Turn::Taken {
        by: "the garbage collector".to_owned(),
    })
}

/// Whether the file that is locked is still the one that others would find.
pub(crate) fn is_still(place: &Place, path: &Path, file: &Handle) -> Result<bool, StoreError> {
    let named = place.fs.stat(&place.root, path)?;
    let open = place.fs.stat_open(file)?;
    Ok(named.is_some_and(|named| named.inode == open.inode))
}

/// Writes who holds the lock, for those who wait. Best effort: nothing hangs on it.
fn sign(place: &Place, file: &Handle) {
    let signed = place
        .fs
        .empty(file)
        .and_then(|()| place.fs.write(file, std::process::id().to_string().as_bytes()));
    if let Err(error) = signed {
        tracing::debug!(%error, "a lock stays without a name");
    }
}

fn holder(place: &Place, path: &Path) -> String {
    let signed = fs::read_file(&*place.fs, &place.root, path).ok().flatten();
    let number = signed.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u32>().ok());
    let Some(number) = number else {
        return "another lambuild".to_owned();
    };
    // Its arguments are not told: there may be parameters in them.
    match std::fs::read_to_string(format!("/proc/{number}/comm")) {
        Ok(name) => format!("process {number} ({})", name.trim_end()),
        Err(_) => format!("process {number}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::disk::DiskStore;
    use lambuild_action::{ActionKey, Turn, Turns};
    use lambuild_digest::DigestFunction;

    #[test]
    fn a_turn_is_one_processs_and_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        let (one, two) = (open(), open());
        let key = ActionKey(DigestFunction::Blake3.digest(b"key"));
        let Turn::Mine(held) = one.turn(&key).unwrap() else {
            panic!("it is free")
        };
        let Turn::Taken { by } = two.turn(&key).unwrap() else {
            panic!("it is taken")
        };
        assert!(
            by.starts_with(&format!("process {} (", std::process::id())),
            "{by}"
        );
        // Somebody deletes the lock's file: the next one makes another, and nobody hangs.
        std::fs::remove_dir_all(folder.path().join("s/locks/a")).unwrap();
        std::fs::create_dir(folder.path().join("s/locks/a")).unwrap();
        assert!(matches!(two.turn(&key).unwrap(), Turn::Mine(_)));
        drop(held);
        assert!(matches!(one.turn(&key).unwrap(), Turn::Mine(_)));
    }
}
