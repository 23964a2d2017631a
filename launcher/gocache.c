/*
 * The program that `go` starts as its GOCACHEPROG in a sandbox.
 *
 * It knows nothing of the protocol. It hands its standard input and output to
 * lambuild, over the socket that lambuild shows it, and from then on `go` and
 * lambuild talk to each other: no byte passes through here, and nothing that
 * decides what is in a cache runs inside. It lives until lambuild hangs up.
 *
 * No C library, like the launcher. What goes wrong is one line on standard error
 * and exit code 1; `go` then ends with an error of its own.
 */

typedef unsigned long size;
typedef long word;

#define SOCKET "/cache/go/socket"

#if defined __x86_64__
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_CLOSE = 3, SYS_SOCKET = 41, SYS_CONNECT = 42, SYS_SENDMSG = 46, SYS_EXIT = 60 };

static word call(word number, word a, word b, word c)
{
    word result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n"
        "_start:\n"
        "    and $-16, %rsp\n"
        "    call hand_over\n");

#elif defined __aarch64__
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_CLOSE = 57, SYS_SOCKET = 198, SYS_CONNECT = 203, SYS_SENDMSG = 211, SYS_EXIT = 93 };

static word call(word number, word a, word b, word c)
{
    register word x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

__asm__(".globl _start\n"
        "_start:\n"
        "    bl hand_over\n");

#else
#error "no program for this processor yet"
#endif

/* As the kernel has them; the same on both processors. */
struct address { unsigned short family; char path[sizeof SOCKET]; };
struct piece { void *start; size length; };
struct rights { size length; int level; int type; int files[2]; };
struct message {
    void *name; unsigned name_length;
    struct piece *pieces; size piece_count;
    void *control; size control_length;
    int flags;
};
enum { AF_UNIX = 1, SOCK_STREAM = 1, SOL_SOCKET = 1, SCM_RIGHTS = 1, INTERRUPTED = -4 };

static void __attribute__((noreturn)) leave(const char *line, size length, int code)
{
    if (length)
        call(SYS_WRITE, 2, (word)line, (word)length);
    for (;;)
        call(SYS_EXIT, code, 0, 0);
}

#define FAIL(line) leave(line, sizeof line - 1, 1)

__attribute__((noreturn, used)) void hand_over(void)
{
    struct address address = { AF_UNIX, SOCKET };
    word socket = call(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0);
    if (socket < 0 || call(SYS_CONNECT, socket, (word)&address, sizeof address) < 0)
        FAIL("gocache: lambuild does not answer at " SOCKET "\n");
    char byte = 0;
    struct piece piece = { &byte, 1 };
    struct rights rights = { sizeof rights, SOL_SOCKET, SCM_RIGHTS, { 0, 1 } };
    struct message message = { 0, 0, &piece, 1, &rights, sizeof rights, 0 };
    if (call(SYS_SENDMSG, socket, (word)&message, 0) != 1)
        FAIL("gocache: lambuild does not take the connection to go\n");
    /* What go hears at the end is lambuild closing its copies: these must not hold them open. */
    call(SYS_CLOSE, 0, 0, 0);
    call(SYS_CLOSE, 1, 0, 0);
    word got;
    do
        got = call(SYS_READ, socket, (word)&byte, 1);
    while (got > 0 || got == INTERRUPTED);
    leave("", 0, 0);
}
