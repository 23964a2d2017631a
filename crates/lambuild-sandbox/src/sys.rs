//! The calls to the kernel that Rust cannot check: the only `unsafe` of lambuild. Decides
//! nothing; each function is one step that its caller has decided on.
#![expect(unsafe_code, reason = "no safe interface to these calls exists")]

use crate::seccomp::Instruction;
use crate::spec::Namespace;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Leaves the machine's namespaces. Only for a process with one thread.
///
/// # Errors
/// The system's: where namespaces are forbidden, or there is a second thread.
pub fn unshare(namespaces: &[Namespace]) -> io::Result<()> {
    let flags = namespaces.iter().map(|namespace| match namespace {
        Namespace::User => UnshareFlags::NEWUSER,
        Namespace::Mount => UnshareFlags::NEWNS,
        Namespace::Pid => UnshareFlags::NEWPID,
        Namespace::Net => UnshareFlags::NEWNET,
        Namespace::Ipc => UnshareFlags::NEWIPC,
        Namespace::Uts => UnshareFlags::NEWUTS,
    });
    let flags = flags.fold(UnshareFlags::empty(), |all, flag| all | flag);
    // SAFETY: what makes unsharing unsafe is that other threads keep what this one leaves (file
    // descriptors, the working directory). No flag of those is among the above, and the helper
    // has one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// The two sides after [`fork`].
pub enum Forked {
    /// In the new process.
    Child,
    /// In the old one.
    Parent(Pid),
}

/// For how long [`fork`] asks again: ten seconds, in steps that grow to 64 ms.
const FORK_PATIENCE: u32 = 160;

/// Doubles the process. Only for a process with one thread. Where there is no process to be had, it
/// asks again for about ten seconds: the action beside this one may be a fork bomb, which its own
/// watch ends in a moment, and its neighbours must not fail for it.
///
/// # Errors
/// The system's: no more processes, no memory.
#[expect(
    clippy::disallowed_methods,
    reason = "no event tells when a process is free; only asking again does"
)]
pub fn fork() -> io::Result<Forked> {
    let mut pause = Duration::from_millis(1);
    for _ in 0..FORK_PATIENCE {
        match fork_once() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(pause),
            done => return done,
        }
        pause = (pause * 2).min(Duration::from_millis(64));
    }
    fork_once()
}

fn fork_once() -> io::Result<Forked> {
    // SAFETY: the helper has one thread (it is a fresh program that starts none), so no lock of
    // another thread can be held in the child for ever, and the child may do all that its parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid)
            .map(Forked::Parent)
            .ok_or_else(|| io::Error::other("the system answered with no process")),
    }
}

/// Ends the process at once: nothing of the parent's is flushed or freed a second time.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any number, touches no memory and does not return.
    unsafe { libc::_exit(code) }
}

/// What a mount gets; nothing is ever taken away, so that flags which the machine has locked stay.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Sets flags (`MOUNT_ATTR_…`) on one mount.
///
/// # Errors
/// The system's; `ENOSYS` before Linux 5.12.
pub fn restrict_mount(at: &Path, set: u64) -> io::Result<()> {
    let path = CString::new(at.as_os_str().as_bytes())?;
    let attributes = MountAttributes {
        set,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: the path is a C string and the attributes a `struct mount_attr` of the size that is
    // given (both live until the call returns); the kernel writes to neither.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Switches on the loopback interface of a new network namespace.
///
/// # Errors
/// The system's.
pub fn loopback_up() -> io::Result<()> {
    // SAFETY: `socket` takes numbers only; its result is checked before it is owned.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number was just given to us and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all-zero bytes are a valid `ifreq`: numbers, and a name that ends where it begins.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, letter) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = letter.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which lives until the call returns.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Where the search for open descriptors ends on old kernels: no shell or CI system goes that far.
const LAST: i32 = 4096;

/// Marks every descriptor from `first` on to be closed when another program takes over.
pub fn close_on_exec(first: i32) {
    // SAFETY: numbers only; no descriptor is closed before this process becomes another program.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done != 0 {
        // Before Linux 5.11: one by one.
        for fd in first..LAST {
            // SAFETY: numbers only; an error means that the descriptor is not open, as is wanted.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Installs a filter of system calls for this process and all that it starts. `no_new_privs` must be set.
///
/// # Errors
/// The system's.
pub fn install_filter(filter: &[Instruction]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(io::Error::other)?,
        filter: filter.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: `Instruction` has the layout of `sock_filter` (a test compares them); the kernel
    // copies `len` of them and writes to none, so the `cast_mut` that the type asks for is never used.
    let done = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
            0,
            0,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The kernel's `struct landlock_ruleset_attr` as of ABI 6.
#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scoped: u64,
}

/// Landlock's number for making block and character devices.
const MAKE_DEVICES: u64 = (1 << 11) | (1 << 6);
/// Landlock's numbers for abstract sockets and signals outside.
const SCOPES: u64 = 0b11;
/// The first ABI that knows scopes.
const WITH_SCOPES: i64 = 6;

/// The Landlock ABI of this kernel; `None` where there is none.
pub fn landlock_abi() -> Option<i64> {
    // SAFETY: with the flag for "version" and no attributes the call reads no memory.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<Ruleset>(),
            0usize,
            1u32,
        )
    };
    (abi > 0).then_some(abi)
}

/// Takes from this process and all that it starts: making device files, and (from ABI 6 on)
/// reaching abstract sockets and processes outside. `no_new_privs` must be set.
///
/// # Errors
/// The system's. Where there is no Landlock, `Ok(false)`.
pub fn landlock() -> io::Result<bool> {
    let Some(abi) = landlock_abi() else {
        return Ok(false);
    };
    let ruleset = Ruleset {
        files: MAKE_DEVICES,
        network: 0,
        scoped: if abi >= WITH_SCOPES { SCOPES } else { 0 },
    };
    // Older kernels know only the first fields and refuse a longer struct that is not zero at its end.
    let size = if abi >= WITH_SCOPES {
        size_of::<Ruleset>()
    } else {
        size_of::<u64>()
    };
    // SAFETY: the kernel reads `size` bytes of the struct, which has at least as many.
    let fd = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, size, 0u32) };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number was just given to us and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: numbers only.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, fd.as_raw_fd(), 0u32) };
    if done == 0 {
        Ok(true)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_structs_are_the_kernel_s() {
        assert_eq!(size_of::<Instruction>(), size_of::<libc::sock_filter>());
        assert_eq!(align_of::<Instruction>(), align_of::<libc::sock_filter>());
        assert_eq!(size_of::<MountAttributes>(), 32);
        assert_eq!(size_of::<Ruleset>(), 24);
    }
}
