/* tls_facts.c: what a session was agreed on, and how long the certificates hold. See tls.h.
 */
#define _GNU_SOURCE
#include "tls.h"

#include <stdio.h>
#include <time.h>

#include <openssl/crypto.h>

#include "tls_session.h"

/* 0: it cannot be told. */
static int64_t end_of(const X509 *certificate)
{
    struct tm date;
    return certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &date) == 1
               ? (int64_t)timegm(&date)
               : 0;
}

/* In RFC 2253's writing, in which nothing is left that a terminal would obey. */
static void take_issuer(const X509 *certificate, char *text, size_t bytes)
{
    BIO *memory = BIO_new(BIO_s_mem());
    text[0] = '\0';
    if (memory == NULL || certificate == NULL) {
        BIO_free(memory);
        return;
    }
    if (X509_NAME_print_ex(memory, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        const int got = BIO_read(memory, text, (int)bytes - 1);
        text[got > 0 ? got : 0] = '\0';
    }
    BIO_free(memory);
}

void redis_tls_look(const redis_transport *transport, slotq_redis_tls_facts *facts)
{
    const tls_session *session = transport->state;
    const SSL *ssl = session->ssl;
    X509 *theirs = SSL_get1_peer_certificate(ssl);
    (void)snprintf(facts->protocol, sizeof facts->protocol, "%s", SSL_get_version(ssl));
    (void)snprintf(facts->cipher, sizeof facts->cipher, "%s", SSL_get_cipher_name(ssl));
    take_issuer(theirs, facts->issuer, sizeof facts->issuer);
    facts->expires_s = end_of(theirs);
    facts->own_expires_s = end_of(SSL_get_certificate(ssl));
    facts->verified = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    X509_free(theirs);
}

const char *redis_tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
