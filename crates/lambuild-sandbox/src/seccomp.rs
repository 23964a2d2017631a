//! Which system calls an action may make, and the filter that says so to the kernel.
//!
//! What is not named here does not exist for an action (`ENOSYS`): a call of a newer kernel is
//! let in by an edit of this list, never by an update of the machine. What is refused (`EPERM`)
//! would reach the kernel's large and rarely used parts, or other processes. `docs/sandbox.md`
//! says the same for people.

use libc::c_long;
use std::collections::BTreeMap;

/// One instruction of the kernel's filter machine (classic BPF).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    value: u32,
}

/// What the filter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The call is made.
    Allow,
    /// The call fails with this number.
    Fail(i32),
    /// The process ends: it speaks another architecture's language.
    Kill,
}

impl Verdict {
    fn value(self) -> u32 {
        match self {
            Verdict::Allow => 0x7fff_0000,
            Verdict::Fail(errno) => 0x0005_0000 | errno.cast_unsigned() & 0xffff,
            Verdict::Kill => 0x8000_0000,
        }
    }
}

macro_rules! calls {
    ($($name:ident)*) => { &[$((stringify!($name), concat_call!($name))),*] };
}
macro_rules! concat_call {
    ($name:ident) => {
        libc::$name
    };
}

/// What an action may call, on every architecture.
#[rustfmt::skip]
const ALLOWED: &[(&str, c_long)] = calls!(
    // Files.
    SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2
    SYS_pwritev2 SYS_lseek SYS_close SYS_close_range SYS_dup SYS_dup3 SYS_pipe2 SYS_fcntl SYS_flock SYS_ioctl
    SYS_openat SYS_openat2 SYS_fstat SYS_newfstatat SYS_statx SYS_statfs SYS_fstatfs SYS_getdents64 SYS_getcwd
    SYS_chdir SYS_fchdir SYS_mkdirat SYS_mknodat SYS_unlinkat SYS_renameat2 SYS_linkat SYS_symlinkat
    SYS_readlinkat SYS_faccessat SYS_faccessat2 SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat
    SYS_utimensat SYS_truncate SYS_ftruncate SYS_fallocate SYS_fsync SYS_fdatasync SYS_sync SYS_syncfs
    SYS_sync_file_range SYS_sendfile SYS_copy_file_range SYS_splice SYS_tee SYS_vmsplice SYS_readahead
    SYS_fadvise64 SYS_umask SYS_memfd_create SYS_inotify_init1 SYS_inotify_add_watch
    SYS_inotify_rm_watch SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_getxattr SYS_lgetxattr SYS_fgetxattr
    SYS_listxattr SYS_llistxattr SYS_flistxattr SYS_removexattr SYS_lremovexattr SYS_fremovexattr
    // Memory.
    SYS_mmap SYS_munmap SYS_mprotect SYS_mremap SYS_madvise SYS_msync SYS_mincore SYS_brk SYS_mlock SYS_mlock2
    SYS_munlock SYS_mlockall SYS_munlockall SYS_remap_file_pages SYS_membarrier SYS_pkey_alloc SYS_pkey_free
    SYS_pkey_mprotect SYS_mbind SYS_get_mempolicy SYS_set_mempolicy
    // Its own processes and threads.
    SYS_clone SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_kill SYS_tkill SYS_tgkill
    SYS_pidfd_open SYS_pidfd_send_signal SYS_getpid SYS_getppid SYS_gettid SYS_getpgid SYS_setpgid SYS_getsid
    SYS_setsid SYS_set_tid_address SYS_set_robust_list SYS_get_robust_list SYS_rseq SYS_futex SYS_futex_waitv
    SYS_prctl SYS_personality SYS_uname SYS_getrusage SYS_prlimit64 SYS_getrlimit SYS_setrlimit SYS_times
    SYS_sysinfo SYS_getcpu SYS_sched_yield SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_getparam
    SYS_sched_setparam SYS_sched_getscheduler SYS_sched_setscheduler SYS_sched_get_priority_max
    SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_sched_getattr SYS_sched_setattr SYS_getpriority
    SYS_setpriority SYS_ioprio_get SYS_ioprio_set SYS_restart_syscall
    // Who it is; without capabilities these change nothing.
    SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getgroups SYS_getresuid SYS_getresgid SYS_setuid SYS_setgid
    SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setfsuid SYS_setfsgid SYS_setgroups SYS_capget
    SYS_capset SYS_seccomp SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    // Signals and waiting.
    SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigpending SYS_rt_sigsuspend SYS_rt_sigtimedwait
    SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_sigaltstack SYS_signalfd4 SYS_eventfd2 SYS_epoll_create1
    SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_ppoll SYS_pselect6
    // Reading clocks.
    SYS_nanosleep SYS_clock_nanosleep SYS_clock_gettime SYS_clock_getres SYS_gettimeofday SYS_getitimer
    SYS_setitimer SYS_timer_create SYS_timer_settime SYS_timer_gettime SYS_timer_getoverrun SYS_timer_delete
    SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime SYS_getrandom
    // Talking to its own processes.
    SYS_socket SYS_socketpair SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_getsockname
    SYS_getpeername SYS_sendto SYS_recvfrom SYS_sendmsg SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_setsockopt
    SYS_getsockopt SYS_shutdown SYS_shmget SYS_shmat SYS_shmdt SYS_shmctl SYS_semget SYS_semop SYS_semtimedop
    SYS_semctl SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl SYS_mq_open SYS_mq_unlink SYS_mq_timedsend
    SYS_mq_timedreceive SYS_mq_notify SYS_mq_getsetattr
);

/// The older forms of the same calls, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[(&str, c_long)] = calls!(
    SYS_open SYS_creat SYS_stat SYS_lstat SYS_access SYS_getdents SYS_mkdir SYS_rmdir SYS_mknod SYS_unlink
    SYS_rename SYS_renameat SYS_link SYS_symlink SYS_readlink SYS_chmod SYS_chown SYS_lchown SYS_utime SYS_utimes
    SYS_futimesat SYS_dup2 SYS_pipe SYS_poll SYS_select SYS_epoll_create SYS_epoll_wait SYS_signalfd SYS_eventfd
    SYS_inotify_init SYS_fork SYS_vfork SYS_getpgrp SYS_arch_prctl SYS_alarm SYS_pause SYS_time
);
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[(&str, c_long)] = calls!(SYS_renameat);

/// What is refused by name: it exists, and an action may not.
#[rustfmt::skip]
const REFUSED: &[(&str, c_long)] = calls!(
    // What is seen and by whom.
    SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot SYS_unshare SYS_setns SYS_open_tree SYS_move_mount SYS_fsopen
    SYS_fsconfig SYS_fsmount SYS_fspick SYS_mount_setattr SYS_open_by_handle_at SYS_name_to_handle_at
    SYS_fanotify_init SYS_fanotify_mark SYS_quotactl SYS_acct SYS_swapon SYS_swapoff
    // Other processes' insides.
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_kcmp SYS_pidfd_getfd SYS_process_madvise
    SYS_migrate_pages SYS_move_pages
    // The kernel's large and rarely used parts.
    SYS_bpf SYS_perf_event_open SYS_io_uring_setup SYS_io_uring_enter SYS_io_uring_register SYS_userfaultfd
    SYS_keyctl SYS_add_key SYS_request_key SYS_memfd_secret SYS_lookup_dcookie SYS_vhangup
    // The machine.
    SYS_init_module SYS_finit_module SYS_delete_module SYS_kexec_load SYS_reboot SYS_syslog SYS_settimeofday
    SYS_clock_settime SYS_clock_adjtime SYS_adjtimex SYS_sethostname SYS_setdomainname
);

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[(&str, c_long)] = calls!(SYS_iopl SYS_ioperm SYS_modify_ldt SYS_uselib SYS_ustat);
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[(&str, c_long)] = &[];

/// A call that is allowed unless one of its arguments matches.
struct Checked {
    call: c_long,
    /// Which argument, from 0.
    argument: u32,
    /// The bits that are looked at.
    mask: u32,
    test: Test,
    otherwise: Verdict,
}

enum Test {
    /// None of the masked bits may be set.
    NoBit,
    /// The masked bits must be one of these.
    OneOf(&'static [u32]),
    /// The masked bits must be none of these.
    NoneOf(&'static [u32]),
}

/// Every flag that asks for a new namespace.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
/// The bits that lend a file's owner or group to whoever runs it.
const SET_ID: u32 = 0o6000;
const FILE_TYPE: u32 = 0o170_000;
const DEVICES: &[u32] = &[0o020_000, 0o060_000];
/// Unix, IPv4, IPv6: the others reach the host (vsock) or seldom used code.
const FAMILIES: &[u32] = &[1, 2, 10];
/// Typing on a terminal in the name of its user.
const TYPING: &[u32] = &[0x5412, 0x541c];
/// Linux as it is, the same without address randomisation, and a question.
const PERSONALITIES: &[u32] = &[0, 0x0004_0000, 0xffff_ffff];

fn checked() -> Vec<Checked> {
    let check = |call, argument, mask, test, otherwise| Checked {
        call,
        argument,
        mask,
        test,
        otherwise,
    };
    let refused = Verdict::Fail(libc::EPERM);
    let no_family = Verdict::Fail(libc::EAFNOSUPPORT);
    let mut all = vec![
        check(libc::SYS_clone, 0, NEW_NAMESPACES, Test::NoBit, refused),
        check(libc::SYS_socket, 0, u32::MAX, Test::OneOf(FAMILIES), no_family),
        check(
            libc::SYS_socketpair,
            0,
            u32::MAX,
            Test::OneOf(FAMILIES),
            no_family,
        ),
        check(libc::SYS_ioctl, 1, u32::MAX, Test::NoneOf(TYPING), refused),
        check(
            libc::SYS_personality,
            0,
            u32::MAX,
            Test::OneOf(PERSONALITIES),
            refused,
        ),
        check(libc::SYS_fchmod, 1, SET_ID, Test::NoBit, refused),
        check(libc::SYS_fchmodat, 2, SET_ID, Test::NoBit, refused),
        check(libc::SYS_fchmodat2, 2, SET_ID, Test::NoBit, refused),
        check(libc::SYS_mknodat, 2, FILE_TYPE, Test::NoneOf(DEVICES), refused),
    ];
    #[cfg(target_arch = "x86_64")]
    all.extend([
        check(libc::SYS_chmod, 1, SET_ID, Test::NoBit, refused),
        check(libc::SYS_mknod, 1, FILE_TYPE, Test::NoneOf(DEVICES), refused),
    ]);
    all
}

/// The architecture's name in the kernel's audit numbers.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where the kernel puts number, architecture and arguments (low halves) of a call.
const AT_NUMBER: u32 = 0;
const AT_ARCHITECTURE: u32 = 4;
const AT_ARGUMENTS: u32 = 16;

fn instruction(code: u16, value: u32, if_true: usize, if_false: usize) -> Instruction {
    let jump = |by: usize| u8::try_from(by).unwrap_or(u8::MAX);
    debug_assert!(if_true.max(if_false) <= usize::from(u8::MAX));
    Instruction {
        code,
        if_true: jump(if_true),
        if_false: jump(if_false),
        value,
    }
}

fn answer(verdict: Verdict) -> Instruction {
    instruction(RETURN, verdict.value(), 0, 0)
}

/// The filter for this architecture.
pub fn filter() -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD, AT_ARCHITECTURE, 0, 0),
        instruction(EQUAL, ARCHITECTURE, 1, 0),
        answer(Verdict::Kill),
        instruction(LOAD, AT_NUMBER, 0, 0),
    ];
    for check in checked() {
        let body = body(&check);
        program.push(instruction(EQUAL, number(check.call), 0, body.len()));
        program.extend(body);
    }
    program.extend(tree(&ranges()));
    program
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// Judges one argument; ends in an answer whatever it is.
fn body(check: &Checked) -> Vec<Instruction> {
    let mut body = vec![
        instruction(LOAD, AT_ARGUMENTS + 8 * check.argument, 0, 0),
        instruction(AND, check.mask, 0, 0),
    ];
    let (values, matching) = match check.test {
        Test::NoBit => {
            body.push(instruction(ANY_BIT, check.mask, 1, 0));
            body.extend([answer(Verdict::Allow), answer(check.otherwise)]);
            return body;
        }
        Test::OneOf(values) => (values, Verdict::Allow),
        Test::NoneOf(values) => (values, check.otherwise),
    };
    let other = if matching == Verdict::Allow {
        check.otherwise
    } else {
        Verdict::Allow
    };
    for (index, value) in values.iter().enumerate() {
        // Over the comparisons that are left and the answer for "none of them".
        body.push(instruction(EQUAL, *value, values.len() - index, 0));
    }
    body.extend([answer(other), answer(matching)]);
    body
}

/// The verdict for every number as ranges, each with its first number.
fn ranges() -> Vec<(u32, Verdict)> {
    let mut verdicts: BTreeMap<u32, Verdict> = BTreeMap::new();
    for (_, call) in REFUSED.iter().chain(REFUSED_HERE) {
        verdicts.insert(number(*call), Verdict::Fail(libc::EPERM));
    }
    for (_, call) in ALLOWED.iter().chain(ALLOWED_HERE) {
        verdicts.insert(number(*call), Verdict::Allow);
    }
    let unknown = Verdict::Fail(libc::ENOSYS);
    let last = verdicts.keys().next_back().copied().unwrap_or(0);
    let mut ranges = vec![];
    for number in 0..=last + 1 {
        let verdict = verdicts.get(&number).copied().unwrap_or(unknown);
        if ranges.last().is_none_or(|(_, before)| *before != verdict) {
            ranges.push((number, verdict));
        }
    }
    ranges
}

/// Halves the ranges until one is left: the kernel tries every number once when a filter is
/// installed, so a list would cost each action a fraction of a millisecond.
fn tree(ranges: &[(u32, Verdict)]) -> Vec<Instruction> {
    match ranges {
        [] => vec![answer(Verdict::Kill)],
        [(_, verdict)] => vec![answer(*verdict)],
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let first = high.first().map_or(0, |(number, _)| *number);
            let low = tree(low);
            let mut all = vec![instruction(AT_LEAST, first, low.len(), 0)];
            all.extend(low);
            all.extend(tree(high));
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's machine does with the filter.
    fn judge(program: &[Instruction], architecture: u32, call: c_long, arguments: [u64; 6]) -> u32 {
        let (mut at, mut held) = (0, 0u32);
        loop {
            let Instruction {
                code,
                if_true,
                if_false,
                value,
            } = program[at];
            let jump = |yes: bool| usize::from(if yes { if_true } else { if_false });
            at += 1;
            match code {
                LOAD => {
                    held = match value {
                        AT_NUMBER => number(call),
                        AT_ARCHITECTURE => architecture,
                        _ => arguments[((value - AT_ARGUMENTS) / 8) as usize] as u32,
                    }
                }
                AND => held &= value,
                EQUAL => at += jump(held == value),
                AT_LEAST => at += jump(held >= value),
                ANY_BIT => at += jump(held & value != 0),
                RETURN => return value,
                _ => panic!("{code}"),
            }
        }
    }

    fn here(call: c_long, arguments: [u64; 6]) -> u32 {
        judge(&filter(), ARCHITECTURE, call, arguments)
    }

    #[test]
    fn every_call_gets_the_verdict_of_its_list() {
        let checked: Vec<c_long> = checked().iter().map(|check| check.call).collect();
        for (name, call) in ALLOWED.iter().chain(ALLOWED_HERE) {
            if !checked.contains(call) {
                assert_eq!(here(*call, [0; 6]), Verdict::Allow.value(), "{name}");
            }
        }
        for (name, call) in REFUSED.iter().chain(REFUSED_HERE) {
            assert_eq!(here(*call, [0; 6]), Verdict::Fail(libc::EPERM).value(), "{name}");
        }
        for unknown in [libc::SYS_clone3, 466, 4000, 0x4000_0000] {
            assert_eq!(
                here(unknown, [0; 6]),
                Verdict::Fail(libc::ENOSYS).value(),
                "{unknown}"
            );
        }
        assert_eq!(judge(&filter(), 0x4000_0003, 1, [0; 6]), Verdict::Kill.value());
    }

    #[test]
    fn arguments_decide_where_a_call_has_two_sides() {
        let (allow, refuse) = (Verdict::Allow.value(), Verdict::Fail(libc::EPERM).value());
        let family = Verdict::Fail(libc::EAFNOSUPPORT).value();
        let table: &[(c_long, [u64; 6], u32)] = &[
            (libc::SYS_clone, [0x0000_4111, 0, 0, 0, 0, 0], allow),
            (libc::SYS_clone, [0x1000_0011, 0, 0, 0, 0, 0], refuse),
            (libc::SYS_socket, [1, 1, 0, 0, 0, 0], allow),
            (libc::SYS_socket, [10, 1, 0, 0, 0, 0], allow),
            (libc::SYS_socket, [16, 3, 0, 0, 0, 0], family),
            (libc::SYS_socket, [40, 1, 0, 0, 0, 0], family),
            (libc::SYS_ioctl, [0, 0x5412, 0, 0, 0, 0], refuse),
            (libc::SYS_ioctl, [0, 0x1_0000_5412, 0, 0, 0, 0], refuse),
            (libc::SYS_ioctl, [0, 0x5401, 0, 0, 0, 0], allow),
            (libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0], allow),
            (libc::SYS_personality, [8, 0, 0, 0, 0, 0], refuse),
            (libc::SYS_fchmod, [3, 0o755, 0, 0, 0, 0], allow),
            (libc::SYS_fchmod, [3, 0o4755, 0, 0, 0, 0], refuse),
            (libc::SYS_fchmodat, [3, 0, 0o2755, 0, 0, 0], refuse),
            (libc::SYS_mknodat, [3, 0, 0o010_644, 0, 0, 0], allow),
            (libc::SYS_mknodat, [3, 0, 0o020_644, 0, 0, 0], refuse),
        ];
        for (call, arguments, expected) in table {
            assert_eq!(here(*call, *arguments), *expected, "{call} {arguments:x?}");
        }
    }

    #[test]
    fn the_lists_have_no_call_twice() {
        let mut all: Vec<c_long> = ALLOWED
            .iter()
            .chain(ALLOWED_HERE)
            .chain(REFUSED)
            .chain(REFUSED_HERE)
            .map(|(_, call)| *call)
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
