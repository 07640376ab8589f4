/* slotq_redis_tls.h: TLS to a Redis server: how a connection is encrypted and which servers it
 * trusts. Needs libslotq_redis built with OpenSSL 3 (the default; make TLS=0 leaves it out).
 *
 *     rediss://[user:password@]host[:port][/db][?ca_file=…&ca_dir=…&cert=…&key=…&sni=…&insecure=1]
 *     valkeys://…                                   the same
 *
 * The server must speak TLS 1.2 or later. Its certificate must be signed by a trusted authority, be
 * valid today, and name the host of the URL; otherwise calls return CONNECT with the reason, and no
 * password was sent. Trusted are the authorities of ca_file and ca_dir, or without both those of
 * the system (OpenSSL's, which the environment variables SSL_CERT_FILE and SSL_CERT_DIR replace).
 * Files are PEM. They are read each time a connection is made, so they can be renewed.
 */
#ifndef SLOTQ_REDIS_TLS_H
#define SLOTQ_REDIS_TLS_H

#include "slotq_redis.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For slotq_redis_options.tls, with URLs of rediss:// or valkeys://; INVALID with others. NULL and
 * false are the defaults. Values in the URL override these. A path has at most 511 bytes. */
typedef struct slotq_redis_tls {
    const char *ca_file;     /* ?ca_file: certificates of trusted authorities */
    const char *ca_dir;      /* ?ca_dir: a folder of them, prepared by openssl rehash */
    const char *cert_file;   /* ?cert: our certificate, if the server asks for one; with key_file */
    const char *key_file;    /* ?key: its private key, without a passphrase */
    const char *server_name; /* ?sni: the name to ask for (SNI) and to verify instead of the host */
    bool insecure;           /* ?insecure=1: verify nothing. A machine on the way can then read and
                                change everything. INVALID together with ca_file or ca_dir */
    uint64_t reserved[2];    /* 0 */
} slotq_redis_tls;

/* What a connection over TLS agreed on, and how long the certificates hold. Texts come from the
 * server: printable, and cut where they do not fit. */
typedef struct slotq_redis_tls_facts {
    char protocol[16];     /* "TLSv1.3" */
    char cipher[64];       /* "TLS_AES_256_GCM_SHA384" */
    char issuer[256];      /* the signer of the server's certificate: "CN=…" */
    int64_t expires_s;     /* when it expires, seconds since 1970; 0 = unknown */
    int64_t own_expires_s; /* the same of our own certificate; 0 = none was given */
    bool verified;         /* false: insecure */
    uint64_t reserved[2];  /* 0 */
} slotq_redis_tls_facts;

/* OK, INVALID (NULL), UNSUPPORTED (it is not over TLS), CONNECT (it is lost). */
SLOTQ_API slotq_outcome slotq_redis_tls_look(slotq_redis_connection *connection,
                                             slotq_redis_tls_facts *facts, slotq_error *error);

/* The library that this build has TLS from ("OpenSSL 3.0.19 …"), or NULL: it has no TLS. Static. */
SLOTQ_API const char *slotq_redis_tls_library(void);

#ifdef __cplusplus
}
#endif
#endif
