/* tls_context.c: see tls_session.h.
 */
#define _GNU_SOURCE
#include "tls_session.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "../../url.h"

/* An absolute path is shown, if nothing in it could be a password in the wrong place. */
static const char *shown(const char *path)
{
    return path[0] == '/' && strpbrk(path, "@:#" URL_LOGIN_MARKS) == NULL ? path : "";
}

static slotq_outcome refuse(store_fault *fault, const char *option, const char *path,
                            const char *reason)
{
    if (shown(path)[0] != '\0') {
        fault_say(fault, SLOTQ_CONNECT, "TLS: %s of %s cannot be used: %s", shown(path), option,
                  reason);
    } else {
        fault_say(fault, SLOTQ_CONNECT, "TLS: the file of %s cannot be used: %s", option, reason);
    }
    return fault_caused(fault, SLOTQ_CAUSE_TLS);
}

/* The reason that lies deepest: what the system or the parser said first. */
static const char *first_reason(void)
{
    const unsigned long error = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    return reason == NULL ? "it is not PEM" : reason;
}

/* OpenSSL would ask the terminal for a passphrase, in the middle of a call. */
static int no_passphrase(char *text, int bytes, int is_for_writing, void *unused)
{
    (void)text;
    (void)bytes;
    (void)is_for_writing;
    (void)unused;
    return -1;
}

static slotq_outcome add_folder(SSL_CTX *context, const char *path, store_fault *fault)
{
    struct stat folder;
    if (stat(path, &folder) != 0) {
        return refuse(fault, "ca_dir", path, strerror(errno));
    }
    if (!S_ISDIR(folder.st_mode)) {
        return refuse(fault, "ca_dir", path, strerror(ENOTDIR));
    }
    if (access(path, R_OK | X_OK) != 0) {
        return refuse(fault, "ca_dir", path, strerror(errno));
    }
    if (SSL_CTX_load_verify_dir(context, path) != 1) {
        return refuse(fault, "ca_dir", path, first_reason());
    }
    return SLOTQ_OK;
}

static slotq_outcome add_authorities(SSL_CTX *context, const redis_tls *tls, store_fault *fault)
{
    if (tls->ca_file[0] == '\0' && tls->ca_dir[0] == '\0') {
        X509_STORE *system = tls_authorities_of_system();
        if (system == NULL) {
            return fault_say(fault, SLOTQ_NOMEMORY, "no memory for TLS");
        }
        SSL_CTX_set_cert_store(context, system);
        return SLOTQ_OK;
    }
    if (tls->ca_file[0] != '\0' && SSL_CTX_load_verify_file(context, tls->ca_file) != 1) {
        return refuse(fault, "ca_file", tls->ca_file, first_reason());
    }
    return tls->ca_dir[0] != '\0' ? add_folder(context, tls->ca_dir, fault) : SLOTQ_OK;
}

/* Nothing of a key's path or file is shown. */
static slotq_outcome add_certificate(SSL_CTX *context, const redis_tls *tls, store_fault *fault)
{
    if (tls->cert[0] == '\0') {
        return SLOTQ_OK;
    }
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert) != 1) {
        return refuse(fault, "cert", tls->cert, first_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1) {
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        if (reason == X509_R_KEY_VALUES_MISMATCH) {
            return refuse(fault, "key", "", "it is not the key of the certificate of cert");
        }
        const bool is_missing = ERR_SYSTEM_ERROR(ERR_peek_error());
        return refuse(fault, "key", "",
                      is_missing ? first_reason()
                                 : "it must be a private key in PEM, without a passphrase");
    }
    return SLOTQ_OK;
}

slotq_outcome tls_context_make(const redis_tls *tls, SSL_CTX **context, store_fault *fault)
{
    ERR_clear_error();
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for TLS");
    }
    (void)SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
    SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(made, 1); /* a system call a read, not two a record */
    SSL_CTX_set_default_passwd_cb(made, no_passphrase);
    slotq_outcome outcome = tls->insecure ? SLOTQ_OK : add_authorities(made, tls, fault);
    if (outcome == SLOTQ_OK) {
        outcome = add_certificate(made, tls, fault);
    }
    ERR_clear_error();
    if (outcome != SLOTQ_OK) {
        SSL_CTX_free(made);
        return outcome;
    }
    *context = made;
    return SLOTQ_OK;
}
