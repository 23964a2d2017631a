// Tries to get out of a sandbox, one way for each name, or to wear the machine down. Says in one
// line what came of it: "held: why" when it was kept in, "OUT: what" when it got through.
// Compiled by the tests, static, since there is no library inside.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void held(const char *why) { printf("held: %s\n", why); exit(0); }
static void out(const char *format, ...) {
  va_list list;
  printf("OUT: ");
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  printf("\n");
  exit(0);
}
// Through where the call succeeded.
static void through(long result, const char *what) {
  if (result < 0) held(strerror(errno));
  out("%s", what);
}
static const char *arg(char **argv, int at) {
  for (int i = 0; i <= at; i++) if (!argv[i]) { printf("broken: an argument is missing\n"); exit(2); }
  return argv[at];
}

static void reads(const char *path) {
  char text[64] = {0};
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) held(strerror(errno));
  long got = read(fd, text, sizeof text - 1);
  if (got <= 0) held(got < 0 ? strerror(errno) : "empty");
  out("read %s", path);
}
static void lists(const char *path) {
  DIR *dir = opendir(path);
  if (!dir) held(strerror(errno));
  int count = 0;
  for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.';
  if (!count) held("empty");
  out("listed %d names in %s", count, path);
}
static void writes(const char *path) {
  through(open(path, O_WRONLY | O_CREAT | O_APPEND, 0644), path);
}
static void connects_tcp(const char *address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) held(strerror(errno));
  if (connect(fd, (void *)&to, sizeof to) == 0) out("connected");
  if (errno != EINPROGRESS) held(strerror(errno));
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  if (poll(&p, 1, 500) == 1) {
    int error = 0; socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) held(strerror(error));
    out("connected");
  }
  out("a route exists");
}
static void connects_unix(const char *name, int abstract) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path + abstract, sizeof to.sun_path - abstract, "%s", name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  through(connect(fd, (void *)&to, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name)), name);
}
static int in_child(int (*work)(void)) {
  pid_t pid = fork();
  if (pid < 0) held(strerror(errno));
  if (!pid) _exit(work());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
static int does_unshare_user(void) { return unshare(CLONE_NEWUSER) ? errno : 0; }
static int does_unshare_mount(void) { return unshare(CLONE_NEWNS) ? errno : 0; }
static int does_unshare_net(void) { return unshare(CLONE_NEWNET) ? errno : 0; }
static int does_chroot(void) { return chroot(".") ? errno : 0; }
static void by_child(int (*work)(void), const char *what) {
  int error = in_child(work);
  if (error) held(strerror(error));
  out("%s", what);
}
static int count_fds(char *which) {
  int count = 0;
  for (int fd = 3; fd < 4096; fd++) {
    if (fcntl(fd, F_GETFD) != -1) { count++; sprintf(which, "%d", fd); }
  }
  return count;
}
static int other_processes(void) {
  DIR *dir = opendir("/proc");
  int count = 0;
  if (!dir) return 0;
  for (struct dirent *e; (e = readdir(dir));) {
    long pid = atol(e->d_name);
    if (pid > 1 && pid != getpid()) count++;
  }
  return count;
}
static void capabilities(void) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  syscall(SYS_capget, &head, data);
  if (data[0].effective | data[0].permitted | data[0].inheritable | data[1].permitted) out("has capabilities");
  for (int c = 0; c < 40; c++) if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1) out("capability %d can be had", c);
  held("none, and none to be had");
}
static void env_leak(void) {
  extern char **environ;
  for (char **e = environ; *e; e++) if (strstr(*e, "CANARY")) out("%s", *e);
  held("only the declared variables");
}

static void escape(const char *name, char **argv) {
  char text[256] = {0};
#define IS(word) if (!strcmp(name, word))
  // Files of the machine.
  IS("read-host-file") reads(arg(argv, 2));
  IS("write-host-file") writes(arg(argv, 2));
  IS("list-host-folder") lists(arg(argv, 2));
  IS("read-passwd") {
    FILE *f = fopen("/etc/passwd", "r");
    while (f && fgets(text, sizeof text, f)) if (!strncmp(text, "root:", 5)) out("the host's users");
    held("not the host's");
  }
  IS("read-shadow") reads("/etc/shadow");
  IS("read-hostname-file") reads("/etc/hostname");
  IS("read-machine-id") reads("/etc/machine-id");
  IS("read-resolv") reads("/etc/resolv.conf");
  IS("list-home") lists(arg(argv, 2));
  IS("list-usr") lists("/usr");
  IS("list-var") lists("/var");
  IS("list-sys") lists("/sys");
  IS("list-run") lists("/run");
  IS("dotdot") reads("/../../../../etc/shadow");
  IS("write-root") writes(arg(argv, 2));
  IS("write-etc") writes("/etc/passwd");
  IS("write-input") writes(arg(argv, 2));
  IS("chmod-input") through(chmod(arg(argv, 2), 0777), "changed an input's mode");
  IS("replace-input") through(rename(arg(argv, 2), "/tmp/moved"), "moved an input");
  IS("unlink-input") through(unlink(arg(argv, 2)), "removed an input");
  IS("write-store") writes(arg(argv, 2));
  IS("host-root-by-proc") lists(arg(argv, 2));
  IS("hard-link-input") through(link(arg(argv, 2), "/build/linked"), "linked an input's inode");
  // /proc.
  IS("proc-processes") { int n = other_processes(); if (n) out("sees %d processes", n); held("only its own"); }
  IS("proc-init-root") lists("/proc/1/root");
  IS("proc-init-environ") reads("/proc/1/environ");
  IS("proc-init-fds") {
    // Their numbers are seen by root's actions, whose owner outside is the first process's too.
    for (int fd = 0; fd < 64; fd++) {
      sprintf(text, "/proc/1/fd/%d", fd);
      if (open(text, O_RDONLY | O_NONBLOCK) >= 0 || readlink(text, text, sizeof text) >= 0) out("opened %d of the first process", fd);
    }
    held("none can be opened");
  }
  IS("proc-sys-write") through(open("/proc/sys/kernel/core_pattern", O_WRONLY), "may set core_pattern");
  IS("proc-sys-read") reads("/proc/sys/kernel/random/boot_id");
  IS("proc-kcore") through(open("/proc/kcore", O_RDONLY), "kernel memory");
  IS("proc-keys") reads("/proc/keys");
  IS("proc-sysrq") through(open("/proc/sysrq-trigger", O_WRONLY), "sysrq");
  IS("proc-cpuinfo") reads("/proc/cpuinfo");
  IS("proc-mounts") {
    FILE *f = fopen("/proc/self/mountinfo", "r");
    char line[4096];
    while (f && fgets(line, sizeof line, f)) if (strstr(line, " / / ") && !strstr(line, " - tmpfs ")) out("sees the host's root mount");
    held("only its own mounts");
  }
  // Network.
  IS("tcp-host-loopback") connects_tcp("127.0.0.1", atoi(arg(argv, 2)));
  IS("tcp-outside") connects_tcp("192.0.2.1", 80);
  IS("tcp-metadata") connects_tcp("169.254.169.254", 80);
  IS("udp-outside") {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    through(sendto(fd, "x", 1, 0, (void *)&to, sizeof to), "sent");
  }
  IS("abstract-socket") connects_unix(arg(argv, 2), 1);
  IS("path-socket") connects_unix(arg(argv, 2), 0);
  IS("raw-socket") through(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw socket");
  IS("packet-socket") through(socket(AF_PACKET, SOCK_RAW, 0), "packet socket");
  IS("netlink-socket") through(socket(AF_NETLINK, SOCK_RAW, 0), "netlink");
  IS("vsock") through(socket(40, SOCK_STREAM, 0), "vsock");
  IS("alg-socket") through(socket(38, SOCK_SEQPACKET, 0), "kernel crypto");
  // Descriptors, terminal, processes.
  IS("fd-smuggled") { int n = count_fds(text); if (n) out("has %d descriptors, %s among them", n, text); held("none"); }
  IS("stdin") {
    struct stat a, b;
    if (fstat(0, &a) || stat("/dev/null", &b)) out("something odd");
    if (a.st_rdev != b.st_rdev) out("standard input is not /dev/null");
    held("/dev/null");
  }
  IS("tty") through(open("/dev/tty", O_RDWR), "a terminal");
  IS("session") { if (getsid(0) == 0) out("in a session outside"); held("a session of its own"); }
  IS("tiocsti") { char c = 'x'; through(ioctl(1, TIOCSTI, &c), "typed"); }
  IS("signal-host") through(kill(atoi(arg(argv, 2)), 0), "may signal a process of the host");
  IS("ptrace-other") through(ptrace(PTRACE_ATTACH, atoi(arg(argv, 2)), 0, 0), "traced another process");
  IS("ptrace-child") {
    pid_t pid = fork();
    if (!pid) { pause(); _exit(0); }
    long r = ptrace(PTRACE_SEIZE, pid, 0, 0); int e = errno;
    kill(pid, SIGKILL); errno = e;
    through(r, "traces");
  }
  IS("vm-read") {
    char here[8], there[8] = "there";
    struct iovec l = {here, 8}, r = {there, 8};
    through(syscall(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0), "reads processes' memory");
  }
  IS("pidfd-getfd") {
    int fd = syscall(SYS_pidfd_open, getpid(), 0);
    through(syscall(SYS_pidfd_getfd, fd, 1, 0), "takes descriptors");
  }
  // Rights.
  IS("capabilities") capabilities();
  IS("no-new-privs") { if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) out("may gain rights"); held("set"); }
  IS("setuid-root") through(setuid(0), "became root");
  IS("setgroups") { gid_t g = 0; through(setgroups(1, &g), "changed groups"); }
  IS("uid") { if (getuid() != 1000 || getgid() != 1000) out("is %d:%d", getuid(), getgid()); held("1000:1000"); }
  IS("setuid-file") {
    int fd = open(arg(argv, 2), O_CREAT | O_RDWR, 0755);
    if (fd < 0) held(strerror(errno));
    through(fchmod(fd, 04755), "made a set-user-id file");
  }
  IS("file-capability") {
    struct { uint32_t m, d[4]; } cap = {0x02000001, {1, 0, 0, 0}};
    close(open(arg(argv, 2), O_CREAT | O_RDWR, 0755));
    through(setxattr(arg(argv, 2), "security.capability", &cap, sizeof cap, 0), "gave a file capabilities");
  }
  IS("chown") {
    close(open(arg(argv, 2), O_CREAT | O_RDWR, 0755));
    through(chown(arg(argv, 2), 12345, 12345), "gave a file away");
  }
  IS("mount-tmpfs") through(mount("t", arg(argv, 2), "tmpfs", 0, 0), "mounted");
  IS("mount-bind") through(mount("/", arg(argv, 2), 0, MS_BIND, 0), "mounted");
  IS("mount-proc") through(mount("proc", arg(argv, 2), "proc", 0, 0), "mounted");
  IS("remount-writable") through(mount(0, arg(argv, 2), 0, MS_REMOUNT | MS_BIND, 0), "remounted");
  IS("umount") { if (umount2(arg(argv, 2), MNT_DETACH)) held(strerror(errno)); out("unmounted"); }
  IS("new-mount-api") through(syscall(SYS_fsopen, "tmpfs", 0), "has the mount API");
  IS("open-tree") through(syscall(SYS_open_tree, AT_FDCWD, "/", 1), "cloned the mounts");
  IS("pivot") through(syscall(SYS_pivot_root, ".", "."), "changed the root");
  IS("chroot") by_child(does_chroot, "changed the root");
  IS("unshare-user") by_child(does_unshare_user, "made a user namespace");
  IS("unshare-mount") by_child(does_unshare_mount, "made a mount namespace");
  IS("unshare-net") by_child(does_unshare_net, "made a network namespace");
  IS("clone-user") {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    through(pid, "made a user namespace");
  }
  IS("clone3-user") {
    struct { uint64_t f[11]; } a = {{CLONE_NEWUSER, 0, 0, 0, SIGCHLD}};
    long pid = syscall(SYS_clone3, &a, 64);
    if (pid == 0) _exit(0);
    through(pid, "made a user namespace");
  }
  IS("setns") { int fd = open("/proc/self/ns/uts", O_RDONLY); through(setns(fd, 0), "entered a namespace"); }
  IS("open-by-handle") {
    struct { unsigned bytes; int type; unsigned char f[128]; } h = {128, 0, {0}}; int id;
    through(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &h, &id, 0), "has file handles");
  }
  // Devices.
  IS("mknod-disk") through(mknod(arg(argv, 2), S_IFBLK | 0600, makedev(7, 0)), "made a disk");
  IS("mknod-null") through(mknod(arg(argv, 2), S_IFCHR | 0600, makedev(1, 3)), "made a device");
  IS("mknod-whiteout") through(mknod(arg(argv, 2), S_IFCHR | 0600, makedev(0, 0)), "made a device");
  IS("dev-mem") through(open("/dev/mem", O_RDONLY), "memory");
  IS("dev-kmsg") through(open("/dev/kmsg", O_RDONLY), "kernel log");
  IS("dev-fuse") through(open("/dev/fuse", O_RDWR), "fuse");
  IS("dev-tun") through(open("/dev/net/tun", O_RDWR), "tun");
  IS("dev-kvm") through(open("/dev/kvm", O_RDWR), "kvm");
  IS("dev-new") through(open("/dev/new", O_CREAT | O_RDWR, 0600), "writes to /dev");
  // The machine.
  IS("hostname") { struct utsname u; uname(&u); if (strcmp(u.nodename, "lambuild")) out("%s", u.nodename); held(u.nodename); }
  IS("set-hostname") { struct utsname u; uname(&u); through(sethostname(u.nodename, strlen(u.nodename)), "set"); }
  IS("set-clock") { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); through(clock_settime(CLOCK_REALTIME, &t), "set the clock"); }
  IS("adjust-clock") { struct timex t = {0}; through(adjtimex(&t), "asked the clock's discipline"); }
  IS("syslog") through(syscall(SYS_syslog, 10, 0, 0), "the kernel log's size");
  IS("module") through(syscall(SYS_init_module, "", 0, "") < 0 && errno == ENOEXEC ? 0 : -1, "may load modules");
  IS("reboot") { if (syscall(SYS_reboot, 0, 0, 0, 0) < 0 && errno == EINVAL) out("may reboot"); held(strerror(errno)); }
  IS("swapoff") { if (syscall(SYS_swapoff, "/none") < 0 && errno == ENOENT) out("may switch swap"); held(strerror(errno)); }
  IS("bpf") { int m[4] = {2, 4, 4, 1}; through(syscall(SYS_bpf, 0, m, sizeof m), "bpf"); }
  IS("perf") {
    char a[128] = {0}; a[0] = 1; a[4] = 112;
    through(syscall(SYS_perf_event_open, a, 0, -1, -1, 0), "perf events");
  }
  IS("io-uring") { char p[128] = {0}; through(syscall(SYS_io_uring_setup, 4, p), "io_uring"); }
  IS("userfaultfd") through(syscall(SYS_userfaultfd, 1), "userfaultfd");
  IS("keyring") through(syscall(SYS_add_key, "user", "lambuild-probe", "x", 1, -3), "a key");
  IS("keyctl") through(syscall(SYS_keyctl, 0, -4, 1), "the user's keyring");
  IS("fanotify") through(syscall(SYS_fanotify_init, 0, 0), "watches the file system");
  IS("personality") through(personality(0x0000008) < 0 ? -1 : 0, "another personality");
  IS("priority") { errno = 0; through(setpriority(PRIO_PROCESS, 0, -5), "rose above others"); }
  IS("realtime") { struct sched_param p = {1}; through(sched_setscheduler(0, SCHED_FIFO, &p), "real time"); }
  IS("core-dump") { struct rlimit l; getrlimit(RLIMIT_CORE, &l); if (l.rlim_max) out("may dump core"); held("none"); }
  IS("sysv-shm") through(shmget(atoi(arg(argv, 2)), 1, 0) < 0 ? -1 : 0, "sees the host's shared memory");
  // For the test: makes and removes what the one above looks for.
  IS("shm-make") through(shmget(atoi(arg(argv, 2)), 1, IPC_CREAT | 0666), "made");
  IS("shm-remove") through(shmctl(shmget(atoi(arg(argv, 2)), 1, 0), IPC_RMID, 0), "removed");
  IS("environment") env_leak();
  IS("umask") { mode_t m = umask(0); if (m != 022) out("%o", m); held("022"); }
  IS("i386") {
#ifdef __x86_64__
    pid_t pid = fork();
    if (!pid) {
      long r;
      __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
      _exit(r > 0 ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) out("speaks i386");
#endif
    held("only its own architecture");
  }
  printf("broken: there is no probe %s\n", name);
  exit(2);
}

static void fill(const char *path, long long bytes) {
  static char block[1 << 20];
  memset(block, 'x', sizeof block);
  int fd = open(path, O_CREAT | O_WRONLY, 0644);
  for (long long done = 0; done < bytes; done += sizeof block) if (write(fd, block, sizeof block) < 0) { perror("write"); exit(1); }
}

static void leave_output(void) {
  int fd = open("/build/out", O_CREAT | O_WRONLY, 0644);
  if (write(fd, "out\n", 4) != 4) exit(3);
  close(fd);
}

static void abuse(const char *name, char **argv) {
  IS("fork-bomb") for (;;) if (fork() < 0) usleep(1000);
  IS("many-processes") for (;;) { if (!fork()) for (;;) pause(); usleep(200); }
  IS("log-flood") { static char line[65536]; memset(line, 'l', sizeof line); for (;;) if (write(1, line, sizeof line) < 0) exit(1); }
  IS("one-line") {
    static char piece[1 << 20]; memset(piece, 'l', sizeof piece);
    for (int i = 0; i < atoi(arg(argv, 3)); i++) for (size_t done = 0; done < sizeof piece;) {
      long n = write(1, piece + done, sizeof piece - done);
      if (n < 0) exit(1);
      done += n;
    }
    leave_output(); exit(0);
  }
  IS("fill-disk") { char path[64]; for (int i = 0;; i++) { sprintf(path, "/tmp/%d", i); fill(path, 16 << 20); } }
  IS("many-files") { char path[64]; for (int i = 0;; i++) { sprintf(path, "/tmp/%d", i); close(open(path, O_CREAT, 0644)); } }
  IS("memory") for (;;) { char *p = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (p == MAP_FAILED) exit(1); memset(p, 1, 16 << 20); }
  IS("hang") for (;;) pause();
  IS("spin") for (;;) {}
  IS("chatter") for (;;) { if (write(1, ".", 1) < 0) exit(1); usleep(100000); }
  IS("ignore-term") { for (int s = 1; s < 64; s++) signal(s, SIG_IGN); for (;;) pause(); }
  IS("stop-self") { kill(getpid(), SIGSTOP); exit(0); }
  IS("daemon") {
    leave_output();
    if (!fork()) { setsid(); if (!fork()) {
      // Lets go of the log and edits the output for ever.
      for (int fd = 0; fd < 64; fd++) close(fd);
      for (;;) { int o = open("/build/out", O_WRONLY | O_APPEND); if (write(o, "late\n", 5)) {} close(o); }
    } }
    usleep(50000);
    exit(0);
  }
  IS("orphans") { for (int i = 0; i < 3000; i++) { if (!fork()) { if (!fork()) _exit(0); _exit(0); } wait(0); } leave_output(); exit(0); }
  IS("closed-rights") {
    mkdir("/build/out", 0755); mkdir("/build/out/a", 0755); mkdir("/build/out/a/b", 0755); fill("/build/out/a/b/f", 1);
    chmod("/build/out/a/b/f", 0); chmod("/build/out/a/b", 0); chmod("/build/out/a", 0); chmod("/build/out", 0); chmod("/build", 0); exit(0);
  }
  IS("deep") { mkdir("/build/out", 0755); if (chdir("/build/out")) exit(1); for (int i = 0; i < 5000; i++) { if (mkdir("d", 0755) || chdir("d")) exit(1); } exit(0); }
  IS("sparse") { int fd = open("/build/out", O_CREAT | O_RDWR, 0644); if (ftruncate(fd, 1LL << atoi(arg(argv, 3)))) { perror("ftruncate"); exit(1); } exit(0); }
  IS("ok") { leave_output(); exit(0); }
  printf("broken: there is no abuse %s\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  (void)argc; 
  setvbuf(stdout, 0, _IOLBF, 0);
  if (!strcmp(arg(argv, 1), "abuse")) abuse(arg(argv, 2), argv);
  escape(argv[1], argv);
}
