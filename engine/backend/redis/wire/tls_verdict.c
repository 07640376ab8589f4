/* tls_verdict.c: what is wrong with a server's certificate or its TLS, in words that say what to
 * do. See tls_session.h. Names and dates come from the server: they are bounded and printable.
 */
#define _GNU_SOURCE
#include "tls_session.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* ---- what the server showed ---- */

static void add_text(char *names, const uint8_t *text, size_t length)
{
    const size_t used = strlen(names);
    const size_t comma = used > 0 ? 2 : 0;
    if (length == 0 || length > 100 || used + comma + length >= TLS_NAMES_BYTES) {
        return;
    }
    memcpy(names + used, ", ", comma);
    for (size_t i = 0; i < length; i++) {
        const bool is_plain = text[i] > ' ' && text[i] <= '~';
        names[used + comma + i] = is_plain ? (char)text[i] : '?';
    }
    names[used + comma + length] = '\0';
}

static void add_name(char *names, const GENERAL_NAME *name)
{
    char number[INET6_ADDRSTRLEN] = "";
    if (name->type == GEN_DNS) {
        add_text(names, ASN1_STRING_get0_data(name->d.dNSName),
                 (size_t)ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        const uint8_t *bytes = ASN1_STRING_get0_data(name->d.iPAddress);
        const int length = ASN1_STRING_length(name->d.iPAddress);
        if (length == 4 || length == 16) {
            (void)inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, number, sizeof number);
        }
        add_text(names, (const uint8_t *)number, strlen(number));
    }
}

static void take_names(tls_verdict *verdict, const X509 *certificate)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    verdict->names[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        add_name(verdict->names, sk_GENERAL_NAME_value(all, i));
    }
    GENERAL_NAMES_free(all);
}

static void take_date(char *text, const ASN1_TIME *time)
{
    struct tm date;
    text[0] = '\0';
    if (ASN1_TIME_to_tm(time, &date) == 1) {
        (void)strftime(text, TLS_DATE_BYTES, "%Y-%m-%d %H:%M UTC", &date);
    }
}

/* OpenSSL's verdict on one certificate stands; it is only remembered. */
static int remember(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tls_session *session = SSL_get_app_data(ssl);
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (!is_good && session->verdict.error == X509_V_OK) {
        session->verdict.error = X509_STORE_CTX_get_error(store);
        session->verdict.depth = X509_STORE_CTX_get_error_depth(store);
        if (certificate != NULL) {
            take_names(&session->verdict, certificate);
            take_date(session->verdict.begins, X509_get0_notBefore(certificate));
            take_date(session->verdict.ends, X509_get0_notAfter(certificate));
        }
    }
    return is_good;
}

bool tls_verdict_expect(tls_session *session, const char *name)
{
    struct in6_addr number;
    X509_VERIFY_PARAM *wanted = SSL_get0_param(session->ssl);
    const bool is_number =
        inet_pton(AF_INET, name, &number) == 1 || inet_pton(AF_INET6, name, &number) == 1;
    SSL_set_verify(session->ssl, SSL_VERIFY_PEER, remember);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return is_number ? X509_VERIFY_PARAM_set1_ip_asc(wanted, name) == 1
                     : X509_VERIFY_PARAM_set1_host(wanted, name, 0) == 1;
}

/* ---- in words ---- */

typedef struct reason_words {
    int reason; /* SSL_R_… */
    const char *words;
} reason_words;

static const reason_words reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER,
     "the server does not speak TLS on this port: use redis://, or the server's tls-port"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "the server asks for a certificate of the client: give cert and key"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the server refused the handshake. It may ask for a certificate of the client (cert and key), "
     "or no version or cipher is common to both"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
     "the server does not trust the authority of our certificate: give another cert and key"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
     "the server says that our certificate has expired: renew the file of cert"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refuses our certificate: give another cert"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
     "the server refuses our certificate: give another cert"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not trust our certificate"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the server does not know the name asked for: see sni"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "the server speaks only versions of TLS below 1.2: enable TLS 1.2 or 1.3 there"},
    {SSL_R_UNSUPPORTED_PROTOCOL,
     "the server speaks only versions of TLS below 1.2: enable TLS 1.2 or 1.3 there"},
};

static const char *words_of(unsigned long what)
{
    const char *words = NULL;
    if (ERR_GET_LIB(what) == ERR_LIB_SSL) {
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
            if (words == NULL && reasons[i].reason == ERR_GET_REASON(what)) {
                words = reasons[i].words;
            }
        }
    }
    return words != NULL ? words : ERR_reason_error_string(what);
}

void tls_verdict_note(tls_session *session, unsigned long what)
{
    const char *words = what == 0 ? NULL : words_of(what);
    if (words != NULL && session->why[0] == '\0') {
        (void)snprintf(session->why, sizeof session->why, "TLS: %s", words);
    }
}

static void tell_certificate(const tls_verdict *verdict, const char *host, store_fault *fault)
{
    const char *which = verdict->depth == 0 ? "the certificate" : "an authority of the certificate";
    switch (verdict->error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        fault_say(fault, SLOTQ_CONNECT,
                  "TLS: the certificate of the server is not for %.256s. It is for: %s. Use such a "
                  "name in the URL, or give it as sni",
                  host, verdict->names[0] == '\0' ? "no host" : verdict->names);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        fault_say(fault, SLOTQ_CONNECT,
                  "TLS: %s of %.256s expired on %s: renew it (or correct this machine's clock)",
                  which, host, verdict->ends);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        fault_say(fault, SLOTQ_CONNECT,
                  "TLS: %s of %.256s is not valid before %s: correct this machine's clock, or the "
                  "certificate",
                  which, host, verdict->begins);
        break;
    default:
        fault_say(fault, SLOTQ_CONNECT,
                  "TLS: the certificate of %.256s is not trusted (%s): give the file of its "
                  "authority as ca_file",
                  host, X509_verify_cert_error_string(verdict->error));
        break;
    }
}

slotq_outcome tls_verdict_tell(const tls_session *session, const redis_address *address,
                               unsigned long what, store_fault *fault)
{
    const char *name = address->tls.server_name;
    const char *host = name[0] == '\0' ? address->host : name;
    const char *words = what == 0 ? NULL : words_of(what);
    if (session->verdict.error != X509_V_OK) {
        tell_certificate(&session->verdict, host, fault);
    } else {
        fault_say(fault, SLOTQ_CONNECT, "no TLS with %.256s port %u: %s", address->host,
                  address->port, words == NULL ? "the handshake failed" : words);
    }
    return fault_caused(fault, SLOTQ_CAUSE_TLS);
}
