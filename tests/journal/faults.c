/* A disk that fails on purpose: preloaded before libc, it counts the calls that change files under one folder
   and makes the n-th of them, and if asked all later ones, fail; or it cuts a write in half; or it ends the
   process in the middle of one. It can also write down every change, so that a test can build what a power cut
   would have left. Armed from Python by ctypes: see tests/journal/faulty.py. Built by the test with the system's
   compiler; no part of seawall. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, OPEN = 8 };      /* which calls count */
enum { NOTHING = 0, SHORT = -1, TORN = -2 };               /* what happens; a positive number is an errno */

static char folder[512];
static int calls, kind, forever, trace = -1;
static long at, seen;

long fault_seen(void) { return seen; }

void fault_arm(const char *under, int which, long nth, int what, int for_ever)
{
    snprintf(folder, sizeof folder, "%s", under);
    calls = which, at = nth, kind = what, forever = for_ever, seen = 0;
}

void fault_trace(const char *to)
{
    trace = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

static const char *path_of(int fd)
{
    static __thread char path[1024];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = 0;
    return path;
}

/* What should happen to this call on a file of this path. */
static int fate(int call, const char *path)
{
    if (!folder[0] || strncmp(path, folder, strlen(folder)) || strstr(path, "/acks") || strstr(path, "-shm"))
        return NOTHING;
    if (!(calls & call)) return NOTHING;
    ++seen;
    return at && (seen == at || (forever && seen > at)) ? kind : NOTHING;
}

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);

__attribute__((constructor)) static void find_real(void)
{
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_open = dlsym(RTLD_NEXT, "open64");
}

/* One entry: what, offset, size, length of the path, then the path and the bytes written. */
static void note(char what, int fd, off_t offset, const void *data, size_t size)
{
    if (trace < 0 || !folder[0]) return;
    const char *path = path_of(fd);
    if (strncmp(path, folder, strlen(folder)) || strstr(path, "-shm")) return;
    int64_t head[4] = {what, offset, (int64_t)size, (int64_t)strlen(path)};
    real_write(trace, head, sizeof head);
    real_write(trace, path, strlen(path));
    if (what == 'W') real_write(trace, data, size);
}

static ssize_t put(int fd, const void *data, size_t size, off_t offset)
{
    if (offset >= 0) {
        note('W', fd, offset, data, size);
        return real_pwrite(fd, data, size, offset);
    }
    if (trace >= 0) note('W', fd, lseek(fd, 0, SEEK_CUR), data, size);
    return real_write(fd, data, size);
}

static ssize_t written(int fd, const void *data, size_t size, off_t offset)
{
    int what = folder[0] ? fate(WRITE, path_of(fd)) : NOTHING;
    if (what == NOTHING) return put(fd, data, size, offset);
    if (what == TORN) {
        put(fd, data, size / 2, offset);
        _exit(9);
    }
    if (what == SHORT) return put(fd, data, size > 1 ? size / 2 : size, offset);
    errno = what;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size) { return written(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return written(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return written(fd, data, size, offset); }

static int synced(int fd, int (*real)(int))
{
    int what = folder[0] ? fate(SYNC, path_of(fd)) : NOTHING;
    if (what == TORN) _exit(9);
    if (what > 0) return errno = what, -1;
    int result = real(fd);
    note('S', fd, 0, 0, 0);
    return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int ftruncate64(int fd, off_t size)
{
    int what = folder[0] ? fate(TRUNCATE, path_of(fd)) : NOTHING;
    if (what == TORN) _exit(9);
    if (what > 0) return errno = what, -1;
    note('T', fd, size, 0, 0);
    return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* Renaming and removing are only noted: 'R' with the new path as data, 'U'. */
static void note_name(char what, const char *path, const char *to)
{
    if (trace < 0 || !folder[0] || strncmp(path, folder, strlen(folder)) || strstr(path, "-shm")) return;
    int64_t head[4] = {what, 0, (int64_t)strlen(to), (int64_t)strlen(path)};
    real_write(trace, head, sizeof head);
    real_write(trace, path, strlen(path));
    real_write(trace, to, strlen(to));
}

int rename(const char *from, const char *to)
{
    note_name('R', from, to);
    return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}

int unlink(const char *path)
{
    note_name('U', path, "");
    return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if ((flags & O_ACCMODE) != O_RDONLY && folder[0]) {
        int what = fate(OPEN, path);
        if (what > 0) return errno = what, -1;
    }
    return real_open(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return open64(path, flags, mode);
}
