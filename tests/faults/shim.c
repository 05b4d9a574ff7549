/* Faults of the disk, for tests: loaded into a process by LD_PRELOAD, it lets calls on certain files fail.
 *
 * KURSKOLL_FAULT_FILES    what the path of a file must contain to be touched
 * KURSKOLL_FAULT_CONTROL  a file of 64-bit numbers that the test writes and reads: plans, one after another, as in `struct plan`
 *
 * A call fails when it is one of the plan's kinds and its number (from 1, since the plan was armed) is among those that are to fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, TRUNCATE = 8, READ = 16 };
enum { SHORT_WRITE = -1, KILL = -2 }; /* in place of an error */
enum { PLANS = 4, FILES = 65536 };

struct plan {
    volatile int64_t armed; /* 1: counts and fails */
    volatile int64_t kinds; /* of calls, added up */
    volatile int64_t from;  /* the first call that fails */
    volatile int64_t times; /* how many fail; 0: until it is lifted */
    volatile int64_t how;   /* an errno, or one of those above */
    volatile int64_t seen;  /* calls since it was armed */
    volatile int64_t failed;
    volatile int64_t spare;
};

static struct plan *plans;
static const char *pattern;
static volatile char watched[FILES];

__attribute__((constructor)) static void begin(void) {
    const char *control = getenv("KURSKOLL_FAULT_CONTROL");
    pattern = getenv("KURSKOLL_FAULT_FILES");
    if (!control || !pattern)
        return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int file = real(control, O_RDWR);
    if (file < 0)
        abort();
    void *shared = mmap(NULL, PLANS * sizeof(struct plan), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        abort();
    plans = shared;
}

/* What is to become of a call: 0 nothing, else as in a plan. */
static int64_t fault(int kind) {
    if (!plans)
        return 0;
    int64_t how = 0;
    for (int i = 0; i < PLANS; i++) {
        struct plan *plan = &plans[i];
        if (!plan->armed || !(plan->kinds & kind))
            continue;
        int64_t number = __sync_add_and_fetch(&plan->seen, 1);
        if (number < plan->from || (plan->times && number >= plan->from + plan->times))
            continue;
        __sync_add_and_fetch(&plan->failed, 1);
        if (!how)
            how = plan->how;
    }
    return how;
}

static int is_watched(int file) { return file >= 0 && file < FILES && watched[file]; }

static int failed(int64_t how) {
    if (how == KILL)
        kill(getpid(), SIGKILL);
    errno = how > 0 ? (int)how : EIO;
    return -1;
}

#define REAL(name) static __typeof__(name) *real_##name; if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

#define WRITING(name, parameters, whole, half)                                                                         \
    ssize_t name parameters {                                                                                          \
        REAL(name);                                                                                                    \
        int64_t how = is_watched(file) ? fault(WRITE) : 0;                                                             \
        if (!how)                                                                                                      \
            return real_##name whole;                                                                                  \
        if (length > 1 && (how == SHORT_WRITE || how == KILL)) {                                                       \
            ssize_t written = real_##name half;                                                                        \
            if (how == SHORT_WRITE)                                                                                    \
                return written;                                                                                        \
        }                                                                                                              \
        if (how == SHORT_WRITE)                                                                                        \
            return real_##name whole;                                                                                  \
        return failed(how);                                                                                            \
    }

WRITING(write, (int file, const void *bytes, size_t length), (file, bytes, length), (file, bytes, length / 2))
WRITING(pwrite, (int file, const void *bytes, size_t length, off_t at), (file, bytes, length, at), (file, bytes, length / 2, at))
WRITING(pwrite64, (int file, const void *bytes, size_t length, off64_t at), (file, bytes, length, at), (file, bytes, length / 2, at))

#define CALL(name, kind, parameters, arguments)                                                                        \
    int name parameters {                                                                                              \
        REAL(name);                                                                                                    \
        int64_t how = is_watched(file) ? fault(kind) : 0;                                                              \
        return how ? failed(how) : real_##name arguments;                                                              \
    }

CALL(fsync, SYNC, (int file), (file))
CALL(fdatasync, SYNC, (int file), (file))
CALL(ftruncate, TRUNCATE, (int file, off_t length), (file, length))
CALL(ftruncate64, TRUNCATE, (int file, off64_t length), (file, length))

#define READING(name, parameters, arguments)                                                                           \
    ssize_t name parameters {                                                                                          \
        REAL(name);                                                                                                    \
        int64_t how = is_watched(file) ? fault(READ) : 0;                                                              \
        return how ? failed(how) : real_##name arguments;                                                              \
    }

READING(read, (int file, void *bytes, size_t length), (file, bytes, length))
READING(pread, (int file, void *bytes, size_t length, off_t at), (file, bytes, length, at))
READING(pread64, (int file, void *bytes, size_t length, off64_t at), (file, bytes, length, at))

static int opened(const char *path, int file) {
    if (file >= 0 && file < FILES)
        watched[file] = pattern && path && strstr(path, pattern) != NULL;
    return file;
}

static int is_refused(const char *path) {
    int64_t how = pattern && path && strstr(path, pattern) ? fault(OPEN) : 0;
    if (how)
        failed(how);
    return how != 0;
}

#define OPENING(name)                                                                                                  \
    int name(const char *path, int flags, ...) {                                                                       \
        REAL(name);                                                                                                    \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        return is_refused(path) ? -1 : opened(path, real_##name(path, flags, mode));                                   \
    }

#define OPENING_AT(name)                                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                                           \
        REAL(name);                                                                                                    \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        return is_refused(path) ? -1 : opened(path, real_##name(folder, path, flags, mode));                           \
    }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

int close(int file) {
    REAL(close);
    if (file >= 0 && file < FILES)
        watched[file] = 0;
    return real_close(file);
}
