//! Probes that try to get out: none does, as root and as an ordinary user; and without a sandbox,
//! or with one protection switched off, they do, so that a probe that says "held" means something.

use crate::harness::{HELPER, PROBE, Setup, helper, is_root, possible, probe, program};
use lambuild_sandbox::spec::{Namespace, Spec};
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::Child;

/// A number for the host's shared memory.
const SHARED: &str = "770077";

/// What of the machine the probes look for.
struct Host {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    _abstract: UnixListener,
    _path: UnixListener,
    victim: Child,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let name = folder.path().to_str().unwrap().to_owned();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Host {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            _abstract: UnixListener::bind_addr(&address).unwrap(),
            _path: UnixListener::bind(folder.path().join("socket")).unwrap(),
            victim: program("sleep").arg("1000").spawn().unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// A probe with its argument inside, and outside; `None` where it is not run outside.
struct Case(&'static str, String, Option<String>);

fn cases(host: &Host) -> Vec<Case> {
    let plain = PLAIN
        .iter()
        .map(|name| Case(name, String::new(), Some(String::new())));
    let kept = INSIDE_ONLY.iter().map(|name| Case(name, String::new(), None));
    let file = || {
        fs::write(host.path("file"), "host").unwrap();
        host.path("file")
    };
    let both = |name, at: String| Case(name, at.clone(), Some(at));
    let two = |name, inside: &str, outside: String| Case(name, inside.to_owned(), Some(outside));
    let pid = host.victim.id().to_string();
    let mut all: Vec<Case> = plain.chain(kept).collect();
    all.extend([
        both("read-host-file", file()),
        both("write-host-file", file()),
        both("write-store", file()),
        both("list-host-folder", host.path("")),
        both("list-home", host.path("")),
        two("host-root-by-proc", "/proc/1/root/etc", host.path("")),
        two("write-root", "/new", host.path("new")),
        two("write-input", "/build/in/text", file()),
        Case("write-input", "/build/stable/text".into(), None),
        Case("write-input", "/build/in/new".into(), None),
        two("chmod-input", "/build/in/text", file()),
        Case("chmod-input", "/build/stable".into(), None),
        Case("replace-input", "/build/in".into(), None),
        Case("replace-input", "/build/in/text".into(), None),
        Case("unlink-input", "/build/in/text".into(), None),
        Case("hard-link-input", "/build/in/text".into(), None),
        Case("hard-link-input", "/build/stable/text".into(), None),
        both(
            "tcp-host-loopback",
            host.tcp.local_addr().unwrap().port().to_string(),
        ),
        both("abstract-socket", host.path("").trim_end_matches('/').to_owned()),
        both("path-socket", host.path("socket")),
        both("signal-host", pid.clone()),
        two("ptrace-other", "1", pid),
        both("sysv-shm", SHARED.to_owned()),
        two("setuid-file", "/build/x", host.path("setuid")),
        two("file-capability", "/build/x", host.path("capability")),
        two("chown", "/build/x", host.path("chown")),
        two("mount-tmpfs", "/tmp", host.path("")),
        two("mount-bind", "/tmp", host.path("")),
        two("mount-proc", "/tmp", host.path("")),
        Case("remount-writable", "/build/in".into(), None),
        Case("remount-writable", "/build/stable".into(), None),
        Case("umount", "/build/in".into(), None),
        two("mknod-disk", "/build/x", host.path("disk")),
        two("mknod-null", "/build/x", host.path("null")),
        two("mknod-whiteout", "/build/x", host.path("whiteout")),
    ]);
    all
}

/// Probes without an argument that get through as root on a machine without a sandbox.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "read-passwd", "read-shadow", "read-hostname-file", "list-usr", "list-var", "list-sys", "dotdot", "write-etc",
    "proc-processes", "proc-sys-write", "proc-sys-read", "proc-cpuinfo", "proc-mounts", "raw-socket",
    "packet-socket", "netlink-socket", "ptrace-child", "vm-read", "pidfd-getfd", "capabilities", "no-new-privs",
    "setuid-root", "setgroups", "uid", "new-mount-api", "open-tree", "chroot", "unshare-user", "unshare-mount",
    "unshare-net", "clone-user", "clone3-user", "setns", "open-by-handle", "hostname", "set-hostname", "set-clock",
    "adjust-clock", "syslog", "reboot", "swapoff", "bpf", "io-uring", "userfaultfd", "keyring", "keyctl",
    "fanotify", "personality", "priority", "realtime",
];

/// Probes of what this or that machine does not have, or whose success outside would do harm.
#[rustfmt::skip]
const INSIDE_ONLY: &[&str] = &[
    "read-machine-id", "read-resolv", "list-run", "proc-init-root", "proc-init-environ", "proc-init-fds",
    "proc-kcore", "proc-keys", "proc-sysrq", "tcp-outside", "tcp-metadata", "udp-outside", "vsock", "alg-socket",
    "fd-smuggled", "stdin", "tty", "tiocsti", "session", "pivot", "dev-mem", "dev-kmsg", "dev-fuse", "dev-tun",
    "dev-kvm", "dev-new", "module", "perf", "core-dump", "environment", "umask", "i386",
];

fn outside(words: &[&str]) -> String {
    // Mounts of its own, so that what is mounted goes with the probe.
    let done = program("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(probe())
        .args(words)
        .env("CANARY", "1")
        .output()
        .unwrap();
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn shared_memory(what: &str) {
    let done = program(probe()).args([what, SHARED]).output().unwrap();
    assert!(done.status.success());
}

#[tokio::test]
async fn nothing_gets_out() {
    let (setup, host) = (Setup::new(), Host::new());
    if !possible(&setup) {
        return;
    }
    let cases = cases(&host);
    assert!(cases.len() >= 60);
    let mut through = Vec::new();
    for Case(name, argument, _) in &cases {
        let said = setup.inside(&[name, argument], |_| {}).await;
        if !said.starts_with("held: ") {
            through.push(format!("{name} {argument}: {said}"));
        }
    }
    assert_eq!(through, Vec::<String>::new());
    eprintln!("{} probes held", cases.len());
}

/// As many probes as can be tried get through where there is no sandbox.
#[test]
fn without_a_sandbox_they_get_through() {
    if !is_root() {
        eprintln!("skipped: the probes are tried without a sandbox as root only");
        return;
    }
    let host = Host::new();
    shared_memory("shm-make");
    let mut held = Vec::new();
    for Case(name, _, argument) in cases(&host) {
        let Some(argument) = argument else { continue };
        let said = outside(&[name, &argument]);
        if !said.starts_with("OUT: ") {
            held.push(format!("{name} {argument}: {said}"));
        }
    }
    shared_memory("shm-remove");
    assert_eq!(held, Vec::<String>::new());
}

type Change = fn(&mut Spec);

/// One protection less, and the probe that is red then.
const SWITCHES: &[(&str, &str, Change)] = &[
    ("system calls", "io-uring", |spec| {
        spec.protections.system_calls = false
    }),
    ("system calls", "unshare-user", |spec| {
        spec.protections.system_calls = false
    }),
    ("system calls", "netlink-socket", |spec| {
        spec.protections.system_calls = false
    }),
    ("system calls", "keyring", |spec| {
        spec.protections.system_calls = false
    }),
    ("system calls", "setuid-file", |spec| {
        spec.protections.system_calls = false
    }),
    ("system calls and Landlock", "mknod-whiteout", |spec| {
        spec.protections.system_calls = false;
        spec.protections.landlock = false;
    }),
    ("capabilities", "capabilities", |spec| {
        spec.protections.capabilities = false
    }),
    ("network", "tcp-host-loopback", |spec| {
        without(spec, Namespace::Net)
    }),
    ("network and Landlock", "abstract-socket", |spec| {
        without(spec, Namespace::Net);
        spec.protections.landlock = false;
    }),
    ("host name", "hostname", |spec| without(spec, Namespace::Uts)),
    ("queues", "sysv-shm", |spec| without(spec, Namespace::Ipc)),
    ("mounts", "read-host-file", on_the_host),
    ("mounts", "write-host-file", on_the_host),
    ("read-only inputs", "write-input", |spec| {
        for mount in &mut spec.mounts {
            if let lambuild_sandbox::spec::Mount::Read { from, at } = mount.clone() {
                *mount = lambuild_sandbox::spec::Mount::Write { from, at };
            }
        }
    }),
    ("umask", "umask", |spec| spec.umask = 0o077),
];

fn without(spec: &mut Spec, namespace: Namespace) {
    spec.namespaces.retain(|kept| *kept != namespace);
}

fn on_the_host(spec: &mut Spec) {
    without(spec, Namespace::Mount);
    spec.folder = "/".to_owned();
    spec.arguments[0] = probe().to_str().unwrap().to_owned();
}

#[tokio::test]
async fn each_protection_that_is_switched_off_lets_a_probe_through() {
    let (setup, host) = (Setup::new(), Host::new());
    if !possible(&setup) {
        return;
    }
    shared_memory("shm-make");
    let mut held = Vec::new();
    for (protection, name, change) in SWITCHES {
        let Case(_, argument, _) = cases(&host).into_iter().find(|case| case.0 == *name).unwrap();
        // An input of root stays root's, which needs the mode as well.
        let name = if *name == "write-input" {
            "chmod-input"
        } else {
            name
        };
        let said = setup.inside(&[name, &argument], change).await;
        if !said.starts_with("OUT: ") {
            held.push(format!("without {protection}, {name}: {said}"));
        }
    }
    shared_memory("shm-remove");
    assert_eq!(held, Vec::<String>::new());
}

/// An ordinary user's number that nobody has.
const USER: u32 = 54_321;

/// The same tests again, by a user without any right, and with so few processes that a fork bomb takes
/// all of them: whoever wants one beside it has to wait for its end.
#[test]
fn the_same_as_an_ordinary_user() {
    if !is_root() {
        eprintln!("skipped: this is run by an ordinary user already");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(USER), Some(USER)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        to
    };
    let this = copy(&std::env::current_exe().unwrap(), "tests");
    let done = program("prlimit")
        .args(["--nproc=400", "setpriv"])
        .args([
            format!("--reuid={USER}"),
            format!("--regid={USER}"),
            "--clear-groups".into(),
            "--".into(),
        ])
        .arg(this)
        .args([
            "nothing_gets_out",
            "switched_off",
            "abuse::",
            "--nocapture",
            "--test-threads=2",
        ])
        .env("TMPDIR", folder.path())
        .env(HELPER, copy(&helper(), "helper"))
        .env(PROBE, copy(probe(), "probe"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(
        said.contains(" probes held") || said.contains("skipped: "),
        "{said}"
    );
    eprintln!("{said}");
}
