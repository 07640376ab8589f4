/* tls_session.h: what tls.c and its parts share: one TLS session over one socket. Knows OpenSSL; no
 * protocol behind it.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_TLS_SESSION_H
#define SLOTQ_BACKEND_REDIS_WIRE_TLS_SESSION_H

#include <openssl/ssl.h>

#include "address.h"

enum { TLS_WHY_BYTES = 400, TLS_NAMES_BYTES = 200, TLS_DATE_BYTES = 32 };

/* What the verification of the server's certificates found wrong, in plain words. */
typedef struct tls_verdict {
    int error; /* X509_V_…; X509_V_OK: nothing yet */
    int depth; /* 0: the server's own certificate */
    char names[TLS_NAMES_BYTES];
    char begins[TLS_DATE_BYTES];
    char ends[TLS_DATE_BYTES];
} tls_verdict;

typedef struct tls_session {
    SSL_CTX *context;
    SSL *ssl;
    BIO_METHOD *method;
    int fd;
    int io_errno; /* of the last call of the socket; 0 = it succeeded, or the peer closed */
    uint32_t timeout_ms;
    bool read_waits_to_write; /* a renewal of keys goes both ways */
    bool write_waits_to_read;
    bool is_broken; /* no farewell is sent */
    pid_t maker;    /* only this process may say farewell */
    tls_verdict verdict;
    char why[TLS_WHY_BYTES]; /* what broke it; "" = nothing, or the socket alone */
} tls_session;

/* ---- tls_context.c ---- */

/* Versions, authorities and our own certificate, read from the files that the settings name. OK,
 * CONNECT (a file cannot be used), NOMEMORY. */
slotq_outcome tls_context_make(const redis_tls *tls, SSL_CTX **context, store_fault *fault);

/* ---- tls_authorities.c ---- */

/* To be freed; NULL: no memory. */
X509_STORE *tls_authorities_of_system(void);

/* ---- tls_verdict.c ---- */

/* Have a session verify the server's certificates, and that one of them is for this name. false: no
 * memory, or the name is invalid. */
bool tls_verdict_expect(tls_session *session, const char *name);

/* Why shaking hands failed, as a fault of CONNECT. what: an OpenSSL error code, or 0. */
slotq_outcome tls_verdict_tell(const tls_session *session, const redis_address *address,
                               unsigned long what, store_fault *fault);

/* The same of an error later on, a text; "" = nothing is known. */
void tls_verdict_note(tls_session *session, unsigned long what);

#endif
