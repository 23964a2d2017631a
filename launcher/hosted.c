/*
 * Stands for a program of the machine that was taken with its libraries.
 *
 *     DIR/bin/NAME [ARGUMENT...]
 *
 * A dynamic program names its loader by an absolute path, which an input root
 * does not have. So `bin/NAME` is this small static program: it becomes the
 * loader that was taken too, and tells it where the libraries and the real
 * program lie: DIR/lib and DIR/real/NAME. Its own place is what the kernel was
 * asked to run (AT_EXECFN); no `/proc` is needed.
 *
 * Loaders differ in what they understand; which one was taken is in its name:
 *
 *     lib/ld.so       glibc 2.33 or newer
 *     lib/ld-musl.so  musl
 *     lib/ld-old.so   older glibc: the program sees its path as its name
 *
 * No C library and no allocator, as launch.c.
 */

typedef unsigned long size;
typedef long word;

enum { PATH_BYTES = 4096, POINTERS = 1 << 18, AT_EXECFN = 31, EXTRA = 6 };

static char place[PATH_BYTES];   /* the absolute path of bin/NAME */
static char library[PATH_BYTES]; /* DIR/lib */
static char real[PATH_BYTES];    /* DIR/real/NAME */
static char loader[PATH_BYTES];
static char *pointers[POINTERS];

#if defined __x86_64__
enum { SYS_WRITE = 1, SYS_EXECVE = 59, SYS_EXIT = 60, SYS_GETCWD = 79 };

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
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call hosted\n");

#elif defined __aarch64__
enum { SYS_WRITE = 64, SYS_EXECVE = 221, SYS_EXIT = 93, SYS_GETCWD = 17 };

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
        "    mov x0, sp\n"
        "    bl hosted\n");

#else
#error "not for this processor yet"
#endif

static size length(const char *s)
{
    size n = 0;
    while (s[n])
        n++;
    return n;
}

static void say(const char *s)
{
    call(SYS_WRITE, 2, (word)s, (word)length(s));
}

static void __attribute__((noreturn)) fail(const char *what)
{
    say("hosted: ");
    say(what);
    say("\n");
    for (;;)
        call(SYS_EXIT, 126, 0, 0);
}

/* Puts a, then b, at `to`, which has PATH_BYTES. */
static void join(char *to, const char *a, size n, const char *b)
{
    size m = length(b);
    if (n >= PATH_BYTES || m >= PATH_BYTES - n)
        fail("the path of the program is too long");
    for (size i = 0; i < n; i++)
        to[i] = a[i];
    for (size i = 0; i <= m; i++)
        to[n + i] = b[i];
}

/* The auxiliary vector stands behind the environment. */
static const char *started_as(char **environment)
{
    while (*environment)
        environment++;
    for (word *entry = (word *)(environment + 1); entry[0]; entry += 2)
        if (entry[0] == AT_EXECFN)
            return (const char *)entry[1];
    return 0;
}

static void find_place(const char *name)
{
    if (!name)
        fail("the kernel does not say what was started");
    if (name[0] == '/') {
        join(place, "", 0, name);
        return;
    }
    word answer = call(SYS_GETCWD, (word)place, PATH_BYTES - 1, 0);
    if (answer < 2 || place[0] != '/')
        fail("the working directory has no path that can be named");
    place[answer - 1] = '/';
    join(place, place, (size)answer, name);
}

/* The length of `place` up to the slash before its n-th last part. */
static size without(size parts)
{
    size at = length(place);
    while (parts) {
        while (at && place[at - 1] != '/')
            at--;
        if (!at)
            fail("it is not in a folder `bin`");
        at--;
        parts--;
    }
    return at;
}

/* Becomes the loader of this name, if it is there. */
static void become(const char *name, size base, word argc, char **argv, int names, int cache)
{
    join(loader, place, base, name);
    char **next = pointers;
    *next++ = argv[0];
    if (names) {
        *next++ = "--argv0";
        *next++ = argv[0];
    }
    if (cache)
        *next++ = "--inhibit-cache";
    *next++ = "--library-path";
    *next++ = library;
    *next++ = real;
    for (word i = 1; i <= argc; i++)
        *next++ = argv[i]; /* the zero at the end, too */
    call(SYS_EXECVE, (word)loader, (word)pointers, (word)(argv + argc + 1));
}

void __attribute__((noreturn, used)) hosted(word *stack)
{
    word argc = stack[0];
    char **argv = (char **)(stack + 1);
    if (argc < 1 || (size)argc + EXTRA + 1 >= POINTERS)
        fail("there are too many arguments, or not even a name");
    find_place(started_as(argv + argc + 1));
    size folder = without(1), base = without(2);
    join(library, place, base, "/lib");
    join(real, place, base, "/real");
    join(real, real, base + 5, place + folder);
    become("/lib/ld.so", base, argc, argv, 1, 1);
    become("/lib/ld-musl.so", base, argc, argv, 1, 0);
    become("/lib/ld-old.so", base, argc, argv, 0, 1);
    fail("cannot run the loader beside it");
}
