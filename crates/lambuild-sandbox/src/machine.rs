//! What this machine offers for sandboxes, found by trying; and the reasons why not, with what to do.

use crate::conditions::Conditions;
use crate::executor;
use crate::run;
use crate::spec::{Namespace, Report, Spec};
use crate::starter::Starter;
use crate::sys;
use lambuild_store::StageFolder;
use std::path::Path;

/// Why there is no sandbox here, with what to do about it; `None` where there is one.
pub fn missing(starter: &Starter, store: &Path) -> Option<String> {
    let why = match try_namespaces(starter, store, &Namespace::ALL) {
        Report::Ended(0) => return None,
        Report::Cannot { step, why, errno } => format!("cannot {step}: {}", plain(&why, errno)),
        other => format!("the trial ended with {other:?}"),
    };
    let cause = cause();
    Some(format!(
        "this machine gives no sandbox: {why}\n  {cause}\n  `lambuild doctor` tells more; `--sandbox=none` runs without one"
    ))
}

/// The system's words, but where they speak of disks and mean namespaces.
fn plain(why: &str, errno: Option<i32>) -> &str {
    if errno == Some(libc::ENOSPC) {
        "the system allows no more of them"
    } else {
        why
    }
}

/// How a trial with these namespaces ends.
pub fn try_namespaces(starter: &Starter, store: &Path, namespaces: &[Namespace]) -> Report {
    let stage = match StageFolder::make("t", &store.join("stage")) {
        Ok(stage) => stage,
        Err(error) => {
            return Report::Cannot {
                step: "make a folder for a trial".to_owned(),
                errno: None,
                why: error.to_string(),
            };
        }
    };
    let spec = Spec {
        namespaces: namespaces.to_vec(),
        ..executor::bare(stage.path().to_owned(), Vec::new(), &Conditions::default())
    };
    run::trial(starter, &spec)
}

/// A switch of the system that forbids user namespaces: its file, the value that forbids, the advice.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off: `sysctl user.max_user_namespaces=15000` switches them on",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only: `sysctl kernel.unprivileged_userns_clone=1` gives them to all",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from programs without a profile: `sysctl \
         kernel.apparmor_restrict_unprivileged_userns=0`, or give lambuild a profile that says `userns`",
    ),
];

/// The likely cause of a refusal, as a sentence with what to do.
pub fn cause() -> &'static str {
    let is = |file: &str, value: &str| std::fs::read_to_string(file).is_ok_and(|text| text.trim() == value);
    for (file, value, advice) in SWITCHES {
        if is(file, value) {
            return advice;
        }
    }
    if in_container() {
        return "this is a container that forbids it: run it with `--security-opt seccomp=unconfined --security-opt \
                apparmor=unconfined` (Docker, Podman), or let the machine do the builds";
    }
    "no switch of the system explains it: a security module or the kernel's configuration forbids it"
}

/// Whether this is a container, as far as the usual engines say it.
pub fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists())
}

/// One thing that a machine has or has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What, for people.
    pub name: String,
    /// Whether it is there.
    pub there: bool,
    /// What was found, or what is wrong.
    pub found: String,
}

/// What of a sandbox this machine offers, each thing tried by itself. Takes some tens of milliseconds.
pub fn offers(store: &Path) -> Vec<Offer> {
    let starter = Starter::default();
    let mut offers: Vec<Offer> = Namespace::ALL
        .into_iter()
        .map(|namespace| {
            let with_user = [Namespace::User, namespace];
            let wanted = if namespace == Namespace::User {
                &with_user[..1]
            } else {
                &with_user[..]
            };
            offer(namespace, &try_namespaces(&starter, store, wanted))
        })
        .collect();
    let abi = sys::landlock_abi();
    offers.push(Offer {
        name: "Landlock".to_owned(),
        there: abi.is_some(),
        found: abi.map_or(
            "not in this kernel: the namespaces do without".to_owned(),
            |abi| format!("ABI {abi}"),
        ),
    });
    let filters = Path::new("/proc/sys/kernel/seccomp").exists();
    offers.push(Offer {
        name: "system call filter".to_owned(),
        there: filters,
        found: if filters {
            String::new()
        } else {
            "not in this kernel".to_owned()
        },
    });
    offers
}

fn offer(namespace: Namespace, report: &Report) -> Offer {
    let found = match report {
        Report::Ended(0) => String::new(),
        Report::Cannot { step, why, errno } => format!("cannot {step}: {}", plain(why, *errno)),
        other => format!("{other:?}"),
    };
    Offer {
        name: format!("{} namespace", namespace.name()),
        there: *report == Report::Ended(0),
        found,
    }
}

/// Whether the store's file system copies files without copying bytes.
pub fn reflinks(store: &Path) -> bool {
    let Ok(stage) = StageFolder::make("t", &store.join("stage")) else {
        return false;
    };
    let file = |name: &str| {
        let path = stage.path().join(name);
        std::fs::write(&path, "x").and_then(|()| std::fs::File::options().read(true).write(true).open(path))
    };
    match (file("a"), file("b")) {
        (Ok(from), Ok(to)) => rustix::fs::ioctl_ficlone(&to, &from).is_ok(),
        _ => false,
    }
}
