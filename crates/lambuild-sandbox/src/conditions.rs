//! What an action may notice of its surroundings although no key holds it: two sets, so that
//! whatever is made alike under both depends on none of it. Plain values; touches nothing.

use crate::spec::{Ids, ROOT};
use std::collections::BTreeMap;

/// The surroundings of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The folder of the action inside: what `{root}` stands for.
    pub root: String,
    /// Where compile caches are seen inside.
    pub caches: String,
    /// The host's name inside.
    pub hostname: String,
    /// The name of the user and of the group inside.
    pub user: String,
    /// Their numbers.
    pub ids: Ids,
    /// The file mode creation mask.
    pub umask: u32,
    /// Variable → another value for the one that every action has. Where a declaration says
    /// something else, that stays.
    pub environment: BTreeMap<&'static str, &'static str>,
    /// Whether the action sees half of the processors.
    pub half_the_processors: bool,
    /// The number of the first process that the action starts as; `None` for the next free one.
    pub first_process: Option<u32>,
    /// Whether compile caches hold what earlier actions compiled, and keep what this one does.
    pub shared_caches: bool,
}

/// The variables that every action has, with their values.
const FIXED: [(&str, &str); 2] = [("LC_ALL", "C"), ("TZ", "UTC")];

impl Default for Conditions {
    /// Those of every build.
    fn default() -> Self {
        Conditions {
            root: ROOT.to_owned(),
            caches: "/cache".to_owned(),
            hostname: "lambuild".to_owned(),
            user: "build".to_owned(),
            ids: Ids { uid: 1000, gid: 1000 },
            umask: 0o022,
            environment: FIXED.into(),
            half_the_processors: false,
            first_process: None,
            shared_caches: true,
        }
    }
}

impl Conditions {
    /// Those under which a build is repeated: each one differs from [`Conditions::default`]. The
    /// locale and the time zone are ones that need no files, since a sandbox has none.
    pub fn changed() -> Self {
        Conditions {
            root: "/elsewhere/second-build".to_owned(),
            caches: "/elsewhere/empty".to_owned(),
            hostname: "other-host".to_owned(),
            user: "someone".to_owned(),
            ids: Ids { uid: 4242, gid: 4343 },
            umask: 0o077,
            environment: [("LC_ALL", "C.UTF-8"), ("TZ", "NPT-5:45")].into(),
            half_the_processors: true,
            // Below the smallest `pid_max` that an action gets; above it the numbers would start anew.
            first_process: Some(400),
            shared_caches: false,
        }
    }

    /// Puts the variables into an action's environment.
    pub fn apply(&self, environment: &mut BTreeMap<String, String>) {
        for (name, usual) in FIXED {
            let (Some(here), Some(value)) = (self.environment.get(name), environment.get_mut(name)) else {
                continue;
            };
            if value == usual {
                *value = (*here).to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_declaration_says_stays() {
        let mut environment: BTreeMap<String, String> = [("LC_ALL", "C"), ("TZ", "Asia/Tokyo")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        Conditions::default().apply(&mut environment);
        assert_eq!(
            (&*environment["LC_ALL"], &*environment["TZ"]),
            ("C", "Asia/Tokyo")
        );
        Conditions::changed().apply(&mut environment);
        assert_eq!(
            (&*environment["LC_ALL"], &*environment["TZ"]),
            ("C.UTF-8", "Asia/Tokyo")
        );
    }
}
