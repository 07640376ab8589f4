/* tls_authorities.c: the authorities that the system trusts, read once for a process: it takes 20
 * ms, which is ten times a handshake. Read again when the file or the environment's paths change.
 * See tls_session.h.
 */
#define _GNU_SOURCE
#include "tls_session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What was read, and how the file looked then. */
typedef struct tls_origin {
    char file[REDIS_FILE_BYTES];
    char folder[REDIS_FILE_BYTES];
    struct stat state;
} tls_origin;

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static X509_STORE *kept;
static tls_origin kept_origin;

static void take_path(char *path, const char *variable, const char *otherwise)
{
    const char *named = secure_getenv(variable);
    const char *wanted = named != NULL ? named : otherwise;
    if (strlen(wanted) < REDIS_FILE_BYTES) {
        memcpy(path, wanted, strlen(wanted) + 1);
    }
}

static tls_origin origin_now(void)
{
    tls_origin origin;
    memset(&origin, 0, sizeof origin);
    take_path(origin.file, X509_get_default_cert_file_env(), X509_get_default_cert_file());
    take_path(origin.folder, X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    if (stat(origin.file, &origin.state) != 0) {
        memset(&origin.state, 0, sizeof origin.state);
    }
    return origin;
}

static bool are_alike(const tls_origin *one, const tls_origin *other)
{
    const struct stat *was = &one->state;
    const struct stat *is = &other->state;
    return strcmp(one->file, other->file) == 0 && strcmp(one->folder, other->folder) == 0 &&
           was->st_ino == is->st_ino && was->st_size == is->st_size &&
           was->st_mtim.tv_sec == is->st_mtim.tv_sec && was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

static X509_STORE *read_all(void)
{
    X509_STORE *store = X509_STORE_new();
    if (store != NULL) {
        (void)X509_STORE_set_default_paths(store); /* without any, the handshake says so */
    }
    return store;
}

X509_STORE *tls_authorities_of_system(void)
{
    const tls_origin origin = origin_now();
    if (pthread_mutex_trylock(&kept_lock) != 0) {
        return read_all(); /* in a child of a fork it may be locked for good */
    }
    if (kept == NULL || !are_alike(&origin, &kept_origin)) {
        X509_STORE_free(kept);
        kept = read_all();
        kept_origin = origin;
    }
    X509_STORE *store = kept != NULL && X509_STORE_up_ref(kept) == 1 ? kept : NULL;
    (void)pthread_mutex_unlock(&kept_lock);
    return store;
}
