//! The named steps of the store at which a test can stop it. Decides their names; in a
//! shipped program they are nothing.
//!
//! With the cargo feature `failpoints`, [`arm`] takes a list such as
//! `publish.named=abort,record.written@3=error`: at the first, or the n-th, time that a
//! step is reached the process ends on the spot, as if it was killed, or the step fails
//! as if the disk did. [`reached`] says which steps a test has been at.

#[cfg(not(feature = "failpoints"))]
use lambuild_action::StoreError;

/// All steps, in the order in which a run comes to them.
pub const ALL: &[&str] = &[
    "open.folders",
    "open.format",
    "open.migrated",
    "session.folder",
    "session.live",
    "session.lease",
    "stage.created",
    "stage.written",
    "stage.sealed",
    "publish.begin",
    "publish.synced",
    "publish.leased",
    "publish.named.one",
    "publish.named",
    "publish.folders",
    "record.written",
    "record.synced",
    "record.named",
    "record.folder",
    "finish.begin",
    "finish.synced",
    "quarantine.moved",
    "collect.begin",
    "collect.emptied",
    "collect.buried",
    "collect.records",
    "collect.alone",
    "collect.moved",
];

/// A step: nothing, unless a test armed it.
///
/// # Errors
/// Where a test asked for it.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn point(_name: &'static str) -> Result<(), StoreError> {
    Ok(())
}

/// Whether a test has asked for a store without the check of this name, to prove that the test
/// sees what the check is for.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn left_out(_check: &'static str) -> bool {
    false
}

#[cfg(feature = "failpoints")]
pub use armed::{arm, leave_out, left_out, point, reached};

#[cfg(feature = "failpoints")]
mod armed {
    use super::ALL;
    use lambuild_action::StoreError;
    use std::collections::BTreeMap;
    use std::io;
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    #[derive(Clone, Copy)]
    enum Act {
        Abort,
        Fail,
    }

    static ARMED: Mutex<BTreeMap<&'static str, (u64, Act)>> = Mutex::new(BTreeMap::new());
    static REACHED: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

    /// Arms the steps that `list` names, in place of those that were armed: `name[@n]=abort|error`, with commas between.
    ///
    /// # Errors
    /// The part that is not understood.
    pub fn arm(list: &str) -> Result<(), String> {
        let mut armed = BTreeMap::new();
        for part in list.split(',').filter(|part| !part.is_empty()) {
            let (name, act) = parse(part).ok_or_else(|| format!("`{part}` is no failpoint"))?;
            armed.insert(name, act);
        }
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = armed;
        REACHED.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn parse(part: &str) -> Option<(&'static str, (u64, Act))> {
        let (place, act) = part.split_once('=')?;
        let (name, time) = place.split_once('@').unwrap_or((place, "1"));
        let name = ALL.iter().find(|known| **known == name)?;
        let act = match act {
            "abort" => Act::Abort,
            "error" => Act::Fail,
            _ => return None,
        };
        Some((name, (time.parse().ok()?, act)))
    }

    static LEFT_OUT: Mutex<String> = Mutex::new(String::new());

    /// Leaves a check out from here on, such as `read.check`; none where the name is empty.
    pub fn leave_out(check: &str) {
        check.clone_into(&mut LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether a test has asked for a store without the check of this name.
    pub fn left_out(check: &'static str) -> bool {
        *LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner) == check
    }

    /// How often each step was reached since the last [`arm`].
    pub fn reached() -> BTreeMap<&'static str, u64> {
        REACHED.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A step: counts, and does what a test armed it with.
    ///
    /// # Errors
    /// Where a test asked for it.
    pub fn point(name: &'static str) -> Result<(), StoreError> {
        let count = {
            let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
            let count = reached.entry(name).or_default();
            *count += 1;
            *count
        };
        let armed = ARMED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied();
        match armed {
            Some((time, Act::Abort)) if time == count => std::process::abort(),
            Some((time, Act::Fail)) if time == count => {
                let failed = io::Error::other("a failpoint was armed");
                Err(StoreError::io("pass", Path::new(name))(failed))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The names that the sources call `point` with.
    fn called(folder: &Path, found: &mut BTreeSet<String>) {
        for (name, kind) in crate::folder::list(folder).unwrap() {
            let path = folder.join(&name);
            if kind.is_dir() {
                called(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for rest in text.split("point(\"").skip(1) {
                found.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn the_list_holds_exactly_the_steps_of_the_sources() {
        let mut found = BTreeSet::new();
        called(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        // This test asks for the word itself.
        found.remove(").skip(1) {\n                found.insert(rest.split('");
        let listed: BTreeSet<String> = ALL.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, listed);
    }
}
