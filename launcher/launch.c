/*
 * The launcher: argv[0] of every process action.
 *
 *     launch PROGRAM [ARGUMENT...]
 *
 * It replaces each `{root}` in the arguments and in the values of the
 * environment by the absolute path of the input root, which is the working
 * directory that it is started in, and becomes PROGRAM. So a command can name
 * absolute paths and still be the same command, with the same key, everywhere.
 *
 * No C library and no allocator: a file of a few KB that runs on any Linux and
 * whose bytes depend on nothing but this text and the compiler. What goes wrong
 * is one line on standard error and exit code 127 (PROGRAM is not there) or 126
 * (anything else), as shells have it.
 */

typedef unsigned long size;
typedef long word;

/*
 * The kernel passes at most 6 MiB of arguments and environment (ARG_MAX; 2 MiB
 * with the usual stack limit). These bounds leave room for what the root adds.
 */
enum { PATH_BYTES = 4096, TEXT_BYTES = 16 << 20, POINTERS = 1 << 18 };

static char root[PATH_BYTES];
static size root_length;
static char text[TEXT_BYTES]; /* the replaced strings, one after the other */
static size text_used;
static char *pointers[POINTERS]; /* the new argv, then the new environment */

#define TOKEN "{root}"
enum { TOKEN_LENGTH = sizeof TOKEN - 1 };

/* System calls: their numbers differ between processors, and so do the registers. */
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

/* The kernel starts a program with the stack at its argument count. */
__asm__(".globl _start\n"
        "_start:\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call launch\n");

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
        "    bl launch\n");

#else
#error "no launcher for this processor yet"
#endif

enum { ENOENT = 2, EACCES = 13 };

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

static void __attribute__((noreturn)) fail(const char *what, const char *whose, const char *why, int code)
{
    say("launch: ");
    say(what);
    say(whose);
    say(why);
    say("\n");
    for (;;)
        call(SYS_EXIT, code, 0, 0);
}

static int is_token(const char *s)
{
    for (size i = 0; i < TOKEN_LENGTH; i++)
        if (s[i] != TOKEN[i])
            return 0; /* also at the end of s, whose zero byte is in no token */
    return 1;
}

static void append(const char *s, size n)
{
    if (n >= TEXT_BYTES - text_used)
        fail("the arguments are too long with the path of the input root in them", "", "", 126);
    for (size i = 0; i < n; i++)
        text[text_used++] = s[i];
}

/* s with every token replaced; s itself when it has none. */
static char *replaced(char *s)
{
    char *at = s;
    while (*at && !is_token(at))
        at++;
    if (!*at)
        return s;
    char *copy = text + text_used;
    for (at = s; *at;) {
        if (is_token(at)) {
            append(root, root_length);
            at += TOKEN_LENGTH;
        } else {
            append(at++, 1);
        }
    }
    append("", 1);
    return copy;
}

/* The value of NAME=value; the whole string where there is no `=`. */
static char *value(char *entry)
{
    for (char *at = entry; *at; at++)
        if (*at == '=')
            return at + 1;
    return entry;
}

/* NAME=value with the value replaced. Names are left alone: `{root}` is none. */
static char *replaced_entry(char *entry)
{
    char *old = value(entry);
    char *mark = text + text_used;
    size used = text_used;
    append(entry, (size)(old - entry));
    char *new = replaced(old);
    if (new != old)
        return mark; /* NAME= and the new value lie side by side */
    text_used = used;
    return entry;
}

static void find_root(void)
{
    /* Answers the length with the zero byte, or minus an error number. */
    word answer = call(SYS_GETCWD, (word)root, PATH_BYTES, 0);
    if (answer < 2 || root[0] != '/')
        fail("the working directory has no path that can be named", "", "", 126);
    root_length = (size)answer - 1;
}

static void __attribute__((noreturn)) become(char **argv, char **environment)
{
    word error = -call(SYS_EXECVE, (word)argv[0], (word)argv, (word)environment);
    if (error == ENOENT)
        fail("cannot run ", argv[0], ": it, or the interpreter that it names, does not exist", 127);
    if (error == EACCES)
        fail("cannot run ", argv[0], ": it is not executable, or a folder on the way is closed", 126);
    fail("cannot run ", argv[0], ": the kernel refused it (not a program for this machine, or too many arguments)", 126);
}

/* Called with the stack as the kernel left it: count, argv, 0, environment, 0. */
__attribute__((noreturn, used)) void launch(word *stack)
{
    char **old = (char **)(stack + 1);
    size count = (size)stack[0];
    if (count < 2)
        fail("usage: launch PROGRAM [ARGUMENT...]", "", "", 126);
    find_root();
    char **environment = pointers + count; /* behind the arguments and their zero pointer */
    if (count >= POINTERS)
        fail("there are too many arguments", "", "", 126);
    for (size i = 1; i < count; i++)
        pointers[i - 1] = replaced(old[i]);
    size entries = 0;
    for (char **entry = old + count + 1; *entry; entry++) {
        if (count + entries + 1 >= POINTERS)
            fail("there are too many environment variables", "", "", 126);
        environment[entries++] = replaced_entry(*entry);
    }
    become(pointers, environment);
}
