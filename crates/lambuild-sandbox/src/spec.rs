//! What an action sees of this machine, as a plain value: computed first, then sent to the
//! helper process that applies it. Decides no policy and touches nothing.

use crate::conditions::Conditions;
use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The folder of the action inside, the same on every machine: what `{root}` stands for.
pub const ROOT: &str = "/build";

/// Everything that the helper needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// An empty folder of this machine on which the new root is mounted.
    pub new_root: PathBuf,
    /// What is separated from the machine.
    pub namespaces: Vec<Namespace>,
    /// What is seen, in the order of mounting; all paths `at` are absolute inside.
    pub mounts: Vec<Mount>,
    /// Small files that programs expect: path inside → content.
    pub files: BTreeMap<String, String>,
    /// The host's name inside.
    pub hostname: String,
    /// Who the action is inside.
    pub inside: Ids,
    /// Who that is outside: whoever runs lambuild.
    pub outside: Ids,
    /// argv; empty for a trial, which ends when all is in place.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Where the program starts.
    pub folder: String,
    /// The file mode creation mask.
    pub umask: u32,
    /// The processors that it may run on; empty for all.
    pub processors: Vec<usize>,
    /// The number of the program's process; `None` for the next free one.
    pub first_process: Option<u32>,
    /// What the action may use.
    pub limits: Limits,
    /// What is taken from the program before it starts.
    pub protections: Protections,
    /// Folders of this machine whose growth counts against [`Limits::disk`].
    pub counted: Vec<PathBuf>,
}

/// A kind of separation that the kernel offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Namespace {
    /// Users: without it an ordinary user may separate nothing else.
    User,
    /// Mounts.
    Mount,
    /// Processes: when the first ends, all end.
    Pid,
    /// Network interfaces, abstract sockets.
    Net,
    /// System V and POSIX queues.
    Ipc,
    /// The host's name.
    Uts,
}

impl Namespace {
    /// All of them, in the order in which they need each other.
    pub const ALL: [Namespace; 6] = [
        Namespace::User,
        Namespace::Mount,
        Namespace::Pid,
        Namespace::Net,
        Namespace::Ipc,
        Namespace::Uts,
    ];

    /// The kernel's word.
    pub fn name(self) -> &'static str {
        match self {
            Namespace::User => "user",
            Namespace::Mount => "mount",
            Namespace::Pid => "pid",
            Namespace::Net => "net",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
        }
    }
}

/// One thing that is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mount {
    /// A folder of this machine, read-only.
    Read {
        /// Where it is on this machine.
        from: PathBuf,
        /// Where it is seen.
        at: String,
    },
    /// A folder of this machine that may be written.
    Write {
        /// Where it is on this machine.
        from: PathBuf,
        /// Where it is seen.
        at: String,
    },
    /// A folder that may be written, while what is written goes to another one.
    Over {
        /// What is seen at first; never written, except where the kernel knows no overlays for users.
        lower: PathBuf,
        /// What is written.
        upper: PathBuf,
        /// The kernel's own, beside `upper`.
        work: PathBuf,
        /// Where it is seen.
        at: String,
    },
    /// A folder in memory, of so many bytes at most.
    Memory {
        /// Where it is seen.
        at: String,
        /// The most that it holds.
        bytes: u64,
    },
    /// A device of this machine that gives away nothing: `null`, `zero`…
    Device {
        /// Its name in `/dev`.
        name: String,
    },
    /// A symbolic link.
    Link {
        /// Where it is.
        at: String,
        /// Its text.
        to: String,
    },
    /// `/proc` of the sandbox's own processes.
    Proc,
}

/// A user and a group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// What one action may use. A limit that is crossed ends the action and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processes at one time.
    pub processes: u32,
    /// Threads at one time, those of single-threaded processes included: a compiler has some for
    /// each processor.
    pub threads: u32,
    /// Bytes of memory of all its processes together.
    pub memory: u64,
    /// Bytes on disk that it writes, temporary files included.
    pub disk: u64,
    /// Files and folders that it makes, temporary ones included.
    pub entries: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Bytes of its log, kept or not.
    pub log: u64,
    /// Seconds that it runs; a declared time limit takes this one's place.
    pub seconds: u64,
    /// Seconds without a word.
    pub silent_seconds: u64,
}

const GIB: u64 = 1 << 30;

/// Of the machine's memory: what is more would be swapped, or end the wrong process.
fn three_quarters() -> u64 {
    let system = rustix::system::sysinfo();
    (system.totalram as u64).saturating_mul(u64::from(system.mem_unit)) / 4 * 3
}

/// Of the processes that the machine, and its limit for this user, allow; 16,384 at most: between two
/// looks at it, an action that multiplies would take all of them, and nobody else could start anything.
fn a_quarter_of_processes() -> u32 {
    const MOST: u32 = 16_384;
    let number = |path: &str| -> Option<u64> { std::fs::read_to_string(path).ok()?.trim().parse().ok() };
    [
        number("/proc/sys/kernel/pid_max"),
        number("/proc/sys/kernel/threads-max"),
        getrlimit(Resource::Nproc).current,
    ]
    .into_iter()
    .flatten()
    .map(|most| u32::try_from(most / 4).unwrap_or(MOST))
    .fold(MOST, u32::min)
    .max(512)
}

impl Default for Limits {
    /// For a machine that builds: no build that is sane meets them.
    fn default() -> Self {
        Limits {
            processes: 512,
            threads: a_quarter_of_processes(),
            memory: three_quarters(),
            disk: 8 * GIB,
            entries: 1_000_000,
            file: 4 * GIB,
            open_files: 4096,
            log: GIB,
            seconds: 30 * 60,
            silent_seconds: 10 * 60,
        }
    }
}

/// What is taken from the program before it starts; each can be left out by a test, which then
/// must see the action get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protections {
    /// Only the system calls of [`crate::seccomp`].
    pub system_calls: bool,
    /// Landlock's scopes and device files, where the kernel has them.
    pub landlock: bool,
    /// No capability, and none to be had.
    pub capabilities: bool,
}

impl Default for Protections {
    fn default() -> Self {
        Protections {
            system_calls: true,
            landlock: true,
            capabilities: true,
        }
    }
}

/// What the helper answers, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// The program ended with this exit code.
    Ended(i32),
    /// The program was ended by this signal.
    Killed(i32),
    /// A limit was crossed; all processes are dead.
    Limit(String),
    /// A step of the way into the sandbox failed; nothing ran.
    Cannot {
        /// What was tried, as a verb with its object.
        step: String,
        /// The system's number, where it has one.
        errno: Option<i32>,
        /// The system's words.
        why: String,
    },
}

/// The files of `/etc` that programs ask for a name.
pub fn small_files(conditions: &Conditions) -> BTreeMap<String, String> {
    let Ids { uid, gid } = conditions.ids;
    let (user, root) = (&conditions.user, &conditions.root);
    [
        (
            "/etc/passwd",
            format!(
                "{user}:x:{uid}:{gid}:{user}:{root}/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
            ),
        ),
        ("/etc/group", format!("{user}:x:{gid}:\nnogroup:x:65534:\n")),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        (
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\n".to_owned(),
        ),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect()
}

/// The devices and links of `/dev`.
pub fn devices() -> Vec<Mount> {
    let device = |name: &str| Mount::Device {
        name: name.to_owned(),
    };
    let link = |at: &str, to: &str| Mount::Link {
        at: at.to_owned(),
        to: to.to_owned(),
    };
    vec![
        device("null"),
        device("zero"),
        device("full"),
        device("random"),
        device("urandom"),
        link("/dev/fd", "/proc/self/fd"),
        link("/dev/stdin", "/proc/self/fd/0"),
        link("/dev/stdout", "/proc/self/fd/1"),
        link("/dev/stderr", "/proc/self/fd/2"),
        Mount::Memory {
            at: "/dev/shm".to_owned(),
            bytes: 64 << 20,
        },
    ]
}
