/* faults.cpp: the wrappers. --wrap=NAME sends the library's calls of NAME to __wrap_NAME and
 * gives the real one as __real_NAME; weak, so that binaries linked without it still link.
 */
#include "faults.hpp"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

struct statfs;
struct statx;

namespace faults
{

namespace
{

struct map_entry {
    uint64_t from;
    uint64_t length;
    uint64_t inode;
    uint64_t offset;
};

constexpr int MAPS = 64;
std::atomic<uint64_t> counts[CALL_COUNT];
std::atomic<uint64_t> strikes{0};
std::atomic<int> target{-1};
std::atomic<bool> armed{false};
std::atomic<bool> keeping{false}; /* something is remembered */
std::atomic<uint64_t> target_at{0};
std::atomic<bool> target_for_good{false};
std::atomic<int> target_error{0};
std::atomic<void (*)(const synced &)> observer{nullptr};
std::atomic<void (*)(uint64_t)> lock_question{nullptr};
map_entry maps[MAPS];
int64_t mapped = 0;

/* Never destroyed: frees come until the very end of the process. */
std::mutex &live_lock()
{
    static std::mutex *const lock = new std::mutex;
    return *lock;
}

std::set<const void *> &live()
{
    static std::set<const void *> *const all = new std::set<const void *>;
    return *all;
}

/* Whether this call is to fail; counts it. */
bool strikes_now(int call)
{
    if (!armed) {
        return false;
    }
    const uint64_t nth = ++counts[call];
    if (call != target || target_at == 0 || nth < target_at ||
        (nth > target_at && !target_for_good)) {
        return false;
    }
    strikes++;
    return true;
}

int error_or(int usual)
{
    return target_error != 0 ? target_error.load() : usual;
}

template <typename T>
T *keep(T *memory)
{
    if (armed && memory != nullptr) {
        const std::lock_guard<std::mutex> guard(live_lock());
        live().insert(memory);
        keeping = true;
    }
    return memory;
}

void forget(const void *memory)
{
    if (!keeping) {
        return;
    }
    const std::lock_guard<std::mutex> guard(live_lock());
    live().erase(memory);
}

uint64_t inode_of(int file)
{
    struct stat about;
    return fstat(file, &about) == 0 ? static_cast<uint64_t>(about.st_ino) : 0;
}

void map_made(void *at, size_t length, int file, off_t offset)
{
    for (map_entry &entry : maps) {
        if (entry.length == 0) {
            entry = {reinterpret_cast<uint64_t>(at), length, file < 0 ? 0 : inode_of(file),
                     static_cast<uint64_t>(offset)};
            mapped += armed ? static_cast<int64_t>(length) : 0;
            return;
        }
    }
}

void map_gone(const void *at)
{
    for (map_entry &entry : maps) {
        if (entry.length != 0 && entry.from == reinterpret_cast<uint64_t>(at)) {
            mapped -= armed ? static_cast<int64_t>(entry.length) : 0;
            entry = {};
            return;
        }
    }
}

void file_synced(int file)
{
    if (observer != nullptr) {
        observer.load()({inode_of(file), 0, UINT64_MAX});
    }
}

void range_synced(const void *at, size_t length, int flags)
{
    constexpr uint64_t page = 4096;
    const uint64_t from = reinterpret_cast<uint64_t>(at);
    for (const map_entry &entry : maps) {
        const bool inside = from >= entry.from && from - entry.from < entry.length;
        if (observer != nullptr && inside && (flags & MS_SYNC) != 0) {
            const uint64_t start = from - entry.from + entry.offset;
            observer.load()({entry.inode, start, (start + length + page - 1) / page * page});
        }
    }
}

} // namespace

const char *name_of(int call)
{
    static const char *const names[] = {
#define FAULT(name) #name,
#include "faults.def"
#undef FAULT
    };
    return names[call];
}

void arm(int call, uint64_t at, bool for_good, int error)
{
    for (std::atomic<uint64_t> &count : counts) {
        count = 0;
    }
    {
        const std::lock_guard<std::mutex> guard(live_lock());
        live().clear();
    }
    mapped = 0;
    strikes = 0;
    target = call;
    target_at = at;
    target_for_good = for_good;
    target_error = error;
    armed = true;
}

void disarm()
{
    target_at = 0;
    target = -1;
    armed = false;
}

uint64_t calls(int call)
{
    return counts[call];
}

uint64_t struck()
{
    return strikes;
}

int struck_call()
{
    return target;
}

int64_t allocations_left()
{
    const std::lock_guard<std::mutex> guard(live_lock());
    return static_cast<int64_t>(live().size());
}

int64_t mapped_left()
{
    return mapped;
}

void on_sync(void (*seen)(const synced &sync))
{
    observer = seen;
}

void on_lock_question(void (*asked)(uint64_t from))
{
    lock_question = asked;
}

} // namespace faults

using faults::error_or;
using faults::strikes_now;

extern "C" {

/* A call with nothing to it but that it can fail: its type, name, answer and errno then. */
#define WRAP(type, name, failed, usual, parameters, arguments)                                     \
    type __real_##name parameters __attribute__((weak));                                           \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (strikes_now(faults::CALL_##name)) {                                                    \
            errno = error_or(usual);                                                               \
            return failed;                                                                         \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

WRAP(DIR *, opendir, nullptr, EMFILE, (const char *path), (path))
WRAP(int, ftruncate, -1, EIO, (int file, off_t size), (file, size))
WRAP(int, fallocate, -1, ENOSPC, (int file, int mode, off_t from, off_t size),
     (file, mode, from, size))
WRAP(int, fstat, -1, EIO, (int file, struct stat *about), (file, about))
WRAP(int, stat, -1, EIO, (const char *path, struct stat *about), (path, about))
WRAP(int, fstatat, -1, EIO, (int folder, const char *path, struct stat *about, int flags),
     (folder, path, about, flags))
WRAP(int, fstatfs, -1, EIO, (int file, struct statfs *about), (file, about))
WRAP(int, statfs, -1, EIO, (const char *path, struct statfs *about), (path, about))
WRAP(int, link, -1, EIO, (const char *from, const char *to), (from, to))
WRAP(int, linkat, -1, EIO, (int at, const char *from, int to_at, const char *to, int flags),
     (at, from, to_at, to, flags))
WRAP(int, unlink, -1, EACCES, (const char *path), (path))
WRAP(int, unlinkat, -1, EACCES, (int at, const char *path, int flags), (at, path, flags))
WRAP(int, rename, -1, EIO, (const char *from, const char *to), (from, to))
WRAP(int, renameat, -1, EIO, (int at, const char *from, int to_at, const char *to),
     (at, from, to_at, to))
WRAP(int, renameat2, -1, EIO, (int at, const char *from, int to_at, const char *to, unsigned flags),
     (at, from, to_at, to, flags))
WRAP(int, statx, -1, EIO,
     (int folder, const char *path, int flags, unsigned wanted, struct statx *about),
     (folder, path, flags, wanted, about))
WRAP(ssize_t, write, -1, ENOSPC, (int file, const void *data, size_t size), (file, data, size))
WRAP(ssize_t, pwrite, -1, ENOSPC, (int file, const void *data, size_t size, off_t at),
     (file, data, size, at))
WRAP(ssize_t, read, -1, EIO, (int file, void *data, size_t size), (file, data, size))
WRAP(ssize_t, pread, -1, EIO, (int file, void *data, size_t size, off_t at), (file, data, size, at))
WRAP(ssize_t, getrandom, -1, ENOSYS, (void *data, size_t size, unsigned flags), (data, size, flags))
WRAP(int, pthread_mutex_init, error_or(ENOMEM), ENOMEM,
     (pthread_mutex_t * mutex, const pthread_mutexattr_t *how), (mutex, how))

int __real_posix_fallocate(int file, off_t from, off_t size) __attribute__((weak));
int __wrap_posix_fallocate(int file, off_t from, off_t size);
int __wrap_posix_fallocate(int file, off_t from, off_t size)
{
    return strikes_now(faults::CALL_posix_fallocate) ? error_or(ENOSPC)
                                                     : __real_posix_fallocate(file, from, size);
}

/* ---- memory: what is made while armed is remembered until it is freed ---- */

#define WRAP_MEMORY(name, parameters, arguments)                                                   \
    void *__real_##name parameters __attribute__((weak));                                          \
    void *__wrap_##name parameters;                                                                \
    void *__wrap_##name parameters                                                                 \
    {                                                                                              \
        if (strikes_now(faults::CALL_##name)) {                                                    \
            errno = error_or(ENOMEM);                                                              \
            return nullptr;                                                                        \
        }                                                                                          \
        return faults::keep(__real_##name arguments);                                              \
    }

WRAP_MEMORY(malloc, (size_t size), (size))
WRAP_MEMORY(calloc, (size_t count, size_t size), (count, size))
WRAP_MEMORY(aligned_alloc, (size_t alignment, size_t size), (alignment, size))

char *__real_strdup(const char *text) __attribute__((weak));
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    if (strikes_now(faults::CALL_strdup)) {
        errno = error_or(ENOMEM);
        return nullptr;
    }
    return faults::keep(__real_strdup(text));
}

void *__real_realloc(void *memory, size_t size) __attribute__((weak));
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    if (strikes_now(faults::CALL_realloc)) {
        errno = error_or(ENOMEM);
        return nullptr;
    }
    faults::forget(memory);
    void *const moved = __real_realloc(memory, size);
    return faults::keep(moved);
}

int __real_posix_memalign(void **memory, size_t alignment, size_t size) __attribute__((weak));
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (strikes_now(faults::CALL_posix_memalign)) {
        return error_or(ENOMEM);
    }
    const int answer = __real_posix_memalign(memory, alignment, size);
    if (answer == 0) {
        faults::keep(*memory);
    }
    return answer;
}

void __real_free(void *memory) __attribute__((weak));
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
    faults::forget(memory);
    __real_free(memory);
}

/* ---- mappings and syncs ---- */

void *__real_mmap(void *at, size_t size, int access, int flags, int file, off_t offset)
    __attribute__((weak));
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset)
{
    if (strikes_now(faults::CALL_mmap)) {
        errno = error_or(ENOMEM);
        return MAP_FAILED;
    }
    void *const made = __real_mmap(at, size, access, flags, file, offset);
    if (made != MAP_FAILED) {
        faults::map_made(made, size, file, offset);
    }
    return made;
}

int __real_munmap(void *at, size_t size) __attribute__((weak));
int __wrap_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size)
{
    faults::map_gone(at);
    return __real_munmap(at, size);
}

int __real_msync(void *at, size_t size, int flags) __attribute__((weak));
int __wrap_msync(void *at, size_t size, int flags);
int __wrap_msync(void *at, size_t size, int flags)
{
    if (strikes_now(faults::CALL_msync)) {
        errno = error_or(EIO);
        return -1;
    }
    const int answer = __real_msync(at, size, flags);
    if (answer == 0) {
        faults::range_synced(at, size, flags);
    }
    return answer;
}

#define WRAP_SYNC(name)                                                                            \
    int __real_##name(int file) __attribute__((weak));                                             \
    int __wrap_##name(int file);                                                                   \
    int __wrap_##name(int file)                                                                    \
    {                                                                                              \
        if (strikes_now(faults::CALL_##name)) {                                                    \
            errno = error_or(EIO);                                                                 \
            return -1;                                                                             \
        }                                                                                          \
        const int answer = __real_##name(file);                                                    \
        if (answer == 0) {                                                                         \
            faults::file_synced(file);                                                             \
        }                                                                                          \
        return answer;                                                                             \
    }

WRAP_SYNC(fsync)
WRAP_SYNC(fdatasync)

/* ---- calls with a variable number of arguments: all that can be there are handed on ---- */

#define WRAP_OPEN(name)                                                                            \
    int __real_##name(const char *path, int flags, ...) __attribute__((weak));                     \
    int __wrap_##name(const char *path, int flags, ...);                                           \
    int __wrap_##name(const char *path, int flags, ...)                                            \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0;                 \
        va_end(rest);                                                                              \
        if (strikes_now(faults::CALL_open)) {                                                      \
            errno = error_or(EMFILE);                                                              \
            return -1;                                                                             \
        }                                                                                          \
        return __real_##name(path, flags, mode);                                                   \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name)                                                                          \
    int __real_##name(int folder, const char *path, int flags, ...) __attribute__((weak));         \
    int __wrap_##name(int folder, const char *path, int flags, ...);                               \
    int __wrap_##name(int folder, const char *path, int flags, ...)                                \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;   \
        va_end(rest);                                                                              \
        if (strikes_now(faults::CALL_openat)) {                                                    \
            errno = error_or(EMFILE);                                                              \
            return -1;                                                                             \
        }                                                                                          \
        return __real_##name(folder, path, flags, mode);                                           \
    }

WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

#define WRAP_FCNTL(name)                                                                           \
    int __real_##name(int file, int command, ...) __attribute__((weak));                           \
    int __wrap_##name(int file, int command, ...);                                                 \
    int __wrap_##name(int file, int command, ...)                                                  \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, command);                                                                   \
        void *const argument = va_arg(rest, void *);                                               \
        va_end(rest);                                                                              \
        if (strikes_now(faults::CALL_fcntl)) {                                                     \
            errno = error_or(ENOLCK);                                                              \
            return -1;                                                                             \
        }                                                                                          \
        if (command != F_OFD_GETLK || faults::lock_question == nullptr) {                          \
            return __real_##name(file, command, argument);                                         \
        }                                                                                          \
        const off_t from = static_cast<const struct flock *>(argument)->l_start;                   \
        const int result = __real_##name(file, command, argument);                                 \
        faults::lock_question.load()(static_cast<uint64_t>(from));                                 \
        return result;                                                                             \
    }

WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)

long __real_syscall(long number, ...) __attribute__((weak));
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list rest;
    va_start(rest, number);
    long argument[6];
    for (long &each : argument) {
        each = va_arg(rest, long);
    }
    va_end(rest);
    if (strikes_now(faults::CALL_syscall)) {
        errno = error_or(ENOSYS);
        return -1;
    }
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                          argument[5]);
}
}

bool faults::linked()
{
    return &__real_malloc != nullptr && &__real_msync != nullptr;
}
