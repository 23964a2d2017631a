//! Puts a [`Spec`] into effect, in the helper process: first what is seen, then what is taken
//! away. Decides only the order, which the kernel dictates, and what an older kernel gets instead.

use crate::seccomp;
use crate::spec::{Ids, Limits, Mount, Namespace, Report, Spec};
use crate::sys;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// A step that failed.
#[derive(Debug)]
pub struct Trouble {
    step: String,
    error: io::Error,
}

impl Trouble {
    /// For `map_err`: what was tried, as a verb with its object.
    pub fn at(step: impl Into<String>) -> impl FnOnce(io::Error) -> Trouble {
        let step = step.into();
        move |error| Trouble { step, error }
    }

    /// In the form in which the helper tells it.
    pub fn report(&self) -> Report {
        Report::Cannot {
            step: self.step.clone(),
            errno: self.error.raw_os_error(),
            why: self.error.to_string(),
        }
    }
}

/// What is mounted read-only and without devices or lent rights.
const READ: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
const WRITE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
const DEVICE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
/// Room for mount points and a few small files.
const ROOT_OPTIONS: &std::ffi::CStr = c"mode=755,size=4m,nr_inodes=4096";

/// Who the helper is in its new user namespace.
///
/// # Errors
/// Where user namespaces exist but may not be used.
pub fn map_ids(inside: Ids, outside: Ids) -> Result<(), Trouble> {
    let map = |file: &str, text: String| {
        let path = format!("/proc/self/{file}");
        fs::write(&path, text).map_err(Trouble::at(format!("write {path}")))
    };
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("{} {} 1", inside.uid, outside.uid))?;
    map("gid_map", format!("{} {} 1", inside.gid, outside.gid))
}

/// Builds the new root and moves into it; the machine's own is gone afterwards.
///
/// # Errors
/// The first step that failed.
pub fn enter(spec: &Spec) -> Result<(), Trouble> {
    if spec.namespaces.contains(&Namespace::Uts) {
        rustix::system::sethostname(spec.hostname.as_bytes())
            .and_then(|()| rustix::system::setdomainname(b"(none)"))
            .map_err(io::Error::from)
            .map_err(Trouble::at("set the host name"))?;
    }
    if spec.namespaces.contains(&Namespace::Net) {
        sys::loopback_up().map_err(Trouble::at("switch on the loopback interface"))?;
    }
    if spec.namespaces.contains(&Namespace::Mount) {
        limit_processes(&spec.limits);
        number_processes(spec.first_process);
        root(spec)?;
    }
    Ok(())
}

/// The kernel's own bound on the threads of a pid namespace, from Linux 6.14 on; it refuses less
/// than 301. The watch of [`crate::usage`] ends a fork bomb everywhere, a moment later.
fn limit_processes(limits: &Limits) {
    let bound = limits.threads.max(320);
    if let Err(error) = fs::write("/proc/sys/kernel/pid_max", bound.to_string()) {
        tracing::debug!(%error, "pid_max was not set");
    }
}

/// The next process gets this number. Containers may forbid it; then it gets the next free one.
fn number_processes(first: Option<u32>) {
    let Some(first) = first else { return };
    let before = first.saturating_sub(1).to_string();
    if let Err(error) = fs::write("/proc/sys/kernel/ns_last_pid", before) {
        tracing::debug!(%error, "the numbers of processes were not set");
    }
}

fn root(spec: &Spec) -> Result<(), Trouble> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)
        .map_err(io::Error::from)
        .map_err(Trouble::at("make the mounts private"))?;
    let root = &spec.new_root;
    mount(
        "tmpfs",
        root,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        Some(ROOT_OPTIONS),
    )
    .map_err(Trouble::at(format!("mount a new root on {}", root.display())))?;
    for mount in &spec.mounts {
        place(mount, root)?;
    }
    for (path, text) in &spec.files {
        let path = below(root, path);
        parent(&path)
            .and_then(|()| fs::write(&path, text))
            .map_err(Trouble::at(format!("write {}", path.display())))?;
    }
    restrict(root, READ).map_err(Trouble::at("make the new root read-only"))?;
    let moved = || -> io::Result<()> {
        std::env::set_current_dir(root)?;
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        std::env::set_current_dir("/")
    };
    moved().map_err(Trouble::at("move into the new root"))
}

/// Where a path inside is before the move.
fn below(root: &Path, at: &str) -> PathBuf {
    root.join(at.trim_start_matches('/'))
}

fn parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), folder)
}

/// Makes a folder with those above it, as all may see it.
fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn place(mount: &Mount, root: &Path) -> Result<(), Trouble> {
    match mount {
        Mount::Read { from, at } => bind(from, &below(root, at), READ),
        Mount::Write { from, at } => bind(from, &below(root, at), WRITE),
        Mount::Over {
            lower,
            upper,
            work,
            at,
        } => over(lower, upper, work, &below(root, at)),
        Mount::Memory { at, bytes } => memory(&below(root, at), *bytes),
        Mount::Device { name } => device(root, name),
        Mount::Link { at, to } => {
            let at = below(root, at);
            parent(&at)
                .and_then(|()| symlink(to, &at))
                .map_err(Trouble::at(format!("link {}", at.display())))
        }
        Mount::Proc => proc(&below(root, "/proc")),
    }
}

fn bind(from: &Path, at: &Path, flags: u64) -> Result<(), Trouble> {
    let bound = || -> io::Result<()> {
        folder(at)?;
        rustix::mount::mount_bind(from, at)?;
        restrict(at, flags)
    };
    bound().map_err(Trouble::at(format!("show {} inside", from.display())))
}

fn over(lower: &Path, upper: &Path, work: &Path, at: &Path) -> Result<(), Trouble> {
    let options = [("lowerdir", lower), ("upperdir", upper), ("workdir", work)]
        .map(|(name, path)| format!("{name}={}", escaped(path)))
        .join(",");
    let laid = |options: String| -> io::Result<()> {
        let options = std::ffi::CString::new(options)?;
        mount(
            "overlay",
            at,
            "overlay",
            MountFlags::NOSUID | MountFlags::NODEV,
            Some(&options),
        )
    };
    folder(at).map_err(Trouble::at(format!("create {}", at.display())))?;
    laid(format!("{options},userxattr")).or_else(|error| {
        tracing::debug!(%error, "no overlay: the folder is written directly");
        bind(lower, at, WRITE)
    })
}

/// A path as an overlay's option takes it.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for letter in path.to_string_lossy().chars() {
        if matches!(letter, '\\' | ',' | ':') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

fn memory(at: &Path, bytes: u64) -> Result<(), Trouble> {
    let made = || -> io::Result<()> {
        folder(at)?;
        let options = std::ffi::CString::new(format!("mode=1777,size={bytes},nr_inodes=65536"))?;
        mount(
            "tmpfs",
            at,
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            Some(&options),
        )
    };
    made().map_err(Trouble::at(format!("mount memory on {}", at.display())))
}

fn device(root: &Path, name: &str) -> Result<(), Trouble> {
    let (from, at) = (Path::new("/dev").join(name), below(root, "/dev").join(name));
    let made = || -> io::Result<()> {
        parent(&at)?;
        fs::write(&at, "")?;
        rustix::mount::mount_bind(&from, &at)?;
        restrict(&at, DEVICE)
    };
    made().map_err(Trouble::at(format!("show /dev/{name} inside")))
}

/// Processes only, since the rest of `/proc` tells of the machine; with all of it on older
/// kernels; the machine's own, read-only, where a container masks it and so forbids a new one.
fn proc(at: &Path) -> Result<(), Trouble> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    let made = || -> io::Result<()> {
        folder(at)?;
        if mount("proc", at, "proc", flags, Some(c"subset=pid")).is_ok()
            || mount("proc", at, "proc", flags, None).is_ok()
        {
            return Ok(());
        }
        rustix::mount::mount_bind_recursive("/proc", at)?;
        restrict(at, READ | libc::MOUNT_ATTR_NOEXEC)
    };
    made().map_err(Trouble::at("mount /proc"))
}

fn mount(
    source: &str,
    at: &Path,
    kind: &str,
    flags: MountFlags,
    options: Option<&std::ffi::CStr>,
) -> io::Result<()> {
    Ok(rustix::mount::mount(source, at, kind, flags, options)?)
}

/// Adds flags to a mount. Kernels before 5.12 replace all flags of a mount at once and refuse
/// when one is missing that the machine has locked: those are read first.
fn restrict(at: &Path, set: u64) -> io::Result<()> {
    match sys::restrict_mount(at, set) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            let locked = rustix::fs::statvfs(at)?.f_flag.bits();
            let flags = MountFlags::BIND | flags_of(set | locked);
            Ok(rustix::mount::mount_remount(at, flags, "")?)
        }
        done => done,
    }
}

/// The lowest bits (read-only, nosuid, nodev, noexec) have one meaning in all three interfaces.
fn flags_of(bits: u64) -> MountFlags {
    MountFlags::from_bits_truncate((bits & 0xf) as u32)
}

/// Takes from this process, and from all that it starts, what an action must not have.
///
/// # Errors
/// The first step that failed.
pub fn restrict_process(spec: &Spec) -> Result<(), Trouble> {
    // A session of its own: no terminal to type on, no group of lambuild to be signalled with.
    // An error means that it leads one already.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(spec.umask));
    choose_processors(&spec.processors);
    limit(&spec.limits).map_err(Trouble::at("set resource limits"))?;
    let protections = spec.protections;
    if protections.capabilities {
        drop_capabilities().map_err(Trouble::at("drop capabilities"))?;
    }
    rustix::thread::set_no_new_privs(true)
        .map_err(io::Error::from)
        .map_err(Trouble::at("set no_new_privs"))?;
    if protections.landlock {
        sys::landlock().map_err(Trouble::at("set up Landlock"))?;
    }
    sys::close_on_exec(3);
    if protections.system_calls {
        sys::install_filter(&seccomp::filter()).map_err(Trouble::at("filter system calls"))?;
    }
    Ok(())
}

/// Best effort: whoever may not choose runs on all.
fn choose_processors(processors: &[usize]) {
    if processors.is_empty() {
        return;
    }
    let mut chosen = CpuSet::new();
    for processor in processors.iter().filter(|number| **number < CpuSet::MAX_CPU) {
        chosen.set(*processor);
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &chosen) {
        tracing::debug!(%error, "the processors were not chosen");
    }
}

fn limit(limits: &Limits) -> io::Result<()> {
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Fsize, limits.file),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, u64::from(limits.threads)),
        (Resource::Memlock, 64 << 10),
        (Resource::Stack, 8 << 20),
    ] {
        let hard = rustix::process::getrlimit(resource)
            .maximum
            .map_or(most, |hard| hard.min(most));
        let both = Rlimit {
            current: Some(hard),
            maximum: Some(hard),
        };
        rustix::process::setrlimit(resource, both)?;
    }
    Ok(())
}

fn drop_capabilities() -> io::Result<()> {
    for number in 0..64 {
        let Some(capability) = CapabilitySet::from_bits(1 << number) else {
            continue;
        };
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // The kernel does not have it.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::clear_ambient_capability_set()?;
    Ok(rustix::thread::set_capabilities(None, none)?)
}
