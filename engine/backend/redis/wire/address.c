/* address.c: see address.h.
 */
#define _GNU_SOURCE
#include "address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "../../url.h"

/* A part of the URL; no NUL ends it. */
typedef struct part {
    const char *from;
    size_t length;
} part;

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decodes text into out. false: it is too long, has an invalid %XX, or contains a NUL. */
static bool decode(part text, char *out, size_t out_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.from[i];
        if (c == '%') {
            const int high = i + 2 < text.length ? hex_digit(text.from[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text.from[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= out_bytes) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

static bool number(part text, uint32_t most, uint32_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.from[i] < '0' || text.from[i] > '9' || sum > most) {
            return false;
        }
        sum = sum * 10 + (uint64_t)(text.from[i] - '0');
    }
    *value = (uint32_t)sum;
    return text.length > 0 && sum <= most;
}

/* Returns the text before the first character of ends, and moves *at to that character. */
static part until(const char **at, const char *ends)
{
    const part found = {*at, strcspn(*at, ends)};
    *at += found.length;
    return found;
}

static slotq_outcome invalid(store_fault *fault, const char *what)
{
    return fault_say(fault, SLOTQ_INVALID,
                     "the URL %s. Write redis://[user:password@]host[:port][/db] (rediss:// for "
                     "TLS) or unix:///path/to.sock[?db=n], with special characters as %%XX",
                     what);
}

static bool is_named(part key, const char *name)
{
    return key.length == strlen(name) && memcmp(key.from, name, key.length) == 0;
}

/* 0 or 1. */
static bool flag(part value, bool *is_on)
{
    uint32_t wanted = 0;
    const bool good = number(value, 1, &wanted);
    *is_on = wanted == 1;
    return good;
}

/* false: it is not one of TLS. */
static bool parse_tls(part key, part value, redis_tls *tls, bool *good)
{
    if (is_named(key, "ca_file")) {
        *good = decode(value, tls->ca_file, sizeof tls->ca_file);
    } else if (is_named(key, "ca_dir")) {
        *good = decode(value, tls->ca_dir, sizeof tls->ca_dir);
    } else if (is_named(key, "cert")) {
        *good = decode(value, tls->cert, sizeof tls->cert);
    } else if (is_named(key, "key")) {
        *good = decode(value, tls->key, sizeof tls->key);
    } else if (is_named(key, "sni")) {
        *good = decode(value, tls->server_name, sizeof tls->server_name);
    } else if (is_named(key, "insecure")) {
        *good = flag(value, &tls->insecure);
    } else {
        return false;
    }
    *good = *good && value.length > 0;
    return true;
}

static slotq_outcome parse_parameter(part key, part value, redis_address *address,
                                     store_fault *fault)
{
    bool good = false;
    if (is_named(key, "db")) {
        good = number(value, REDIS_DATABASE_MAX, &address->database);
    } else if (is_named(key, "user")) {
        good = decode(value, address->user, sizeof address->user);
    } else if (is_named(key, "password")) {
        good = decode(value, address->password, sizeof address->password);
    } else if (is_named(key, "connect_timeout_ms")) {
        good = number(value, REDIS_TIMEOUT_MS_MAX, &address->connect_timeout_ms);
    } else if (is_named(key, "timeout_ms")) {
        good = number(value, REDIS_TIMEOUT_MS_MAX, &address->timeout_ms);
    } else if (is_named(key, "replica")) {
        uint32_t wanted = 0;
        good = number(value, 1, &wanted);
        address->replica = wanted == 1;
    } else if (is_named(key, "functions")) {
        const bool never = is_named(value, "never");
        address->functions = never ? SLOTQ_FUNCTIONS_NEVER : SLOTQ_FUNCTIONS_ALWAYS;
        good = never || is_named(value, "always");
    } else if (is_named(key, "module")) {
        address->no_module = is_named(value, "no");
        good = address->no_module || is_named(value, "yes");
    } else if (parse_tls(key, value, &address->tls, &good)) {
        if (!address->tls.use) {
            return invalid(fault, "has parameters of TLS, and its scheme is not rediss:// or "
                                  "valkeys://: nothing would be encrypted");
        }
    } else {
        return invalid(fault, "has an unknown parameter; known are db, user, password, "
                              "connect_timeout_ms, timeout_ms, replica, functions, module and, of "
                              "TLS, ca_file, ca_dir, cert, key, sni, insecure");
    }
    return good ? SLOTQ_OK : invalid(fault, "has a parameter with an invalid value");
}

/* Parses the parameters after the '?'. */
static slotq_outcome parse_query(const char *at, redis_address *address, store_fault *fault)
{
    while (*at != '\0') {
        const part key = until(&at, "=&");
        part value = {at, 0};
        if (*at == '=') {
            at++;
            value = until(&at, "&");
        }
        const slotq_outcome outcome = parse_parameter(key, value, address, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        at += *at == '&';
    }
    return SLOTQ_OK;
}

/* user:password, user or :password. */
static bool parse_login(part login, redis_address *address)
{
    const char *colon = memchr(login.from, ':', login.length);
    part user = login;
    if (colon != NULL) {
        user.length = (size_t)(colon - login.from);
        const part password = {colon + 1, login.length - user.length - 1};
        if (!decode(password, address->password, sizeof address->password)) {
            return false;
        }
    }
    return decode(user, address->user, sizeof address->user);
}

/* host, host:port or [::1]:port; an empty host is this machine. */
static bool parse_host(part place, redis_address *address)
{
    part host = place;
    size_t behind;
    uint32_t port = REDIS_PORT_DEFAULT;
    if (place.length > 0 && place.from[0] == '[') {
        const char *end = memchr(place.from, ']', place.length);
        if (end == NULL) {
            return false;
        }
        host.from++;
        host.length = (size_t)(end - host.from);
        behind = host.length + 2;
    } else {
        const char *colon = memchr(place.from, ':', place.length);
        host.length = colon == NULL ? place.length : (size_t)(colon - place.from);
        behind = host.length;
    }
    if (behind < place.length) {
        const part digits = {place.from + behind + 1, place.length - behind - 1};
        if (place.from[behind] != ':' || !number(digits, 65535, &port) || port == 0) {
            return false;
        }
    }
    address->port = (uint16_t)port;
    /* these may be a login after the host, or one that is encoded: it must not be shown */
    return decode(host, address->host, sizeof address->host) &&
           strpbrk(address->host, "@" URL_LOGIN_MARKS) == NULL;
}

static slotq_outcome parse_network(const char *at, redis_address *address, store_fault *fault)
{
    part place = until(&at, "/?#");
    const char *sign = memrchr(place.from, '@', place.length);
    if (sign != NULL) {
        const part login = {place.from, (size_t)(sign - place.from)};
        if (!parse_login(login, address)) {
            return invalid(fault, "has a user or password that is too long or not encoded");
        }
        place.length -= login.length + 1;
        place.from = sign + 1;
    }
    if (!parse_host(place, address)) {
        return invalid(fault, "has an invalid host or port (1 to 65535)");
    }
    if (address->host[0] == '\0') {
        memcpy(address->host, "127.0.0.1", sizeof "127.0.0.1");
    }
    if (*at == '/') {
        at++;
        const part database = until(&at, "?#");
        if (database.length > 0 && !number(database, REDIS_DATABASE_MAX, &address->database)) {
            return invalid(fault, "has an invalid database number");
        }
    }
    if (*at == '#') {
        return invalid(fault, "contains a '#'");
    }
    return *at == '?' ? parse_query(at + 1, address, fault) : SLOTQ_OK;
}

static slotq_outcome parse_unix(const char *at, redis_address *address, store_fault *fault)
{
    struct sockaddr_un name;
    const part path = until(&at, "?");
    address->is_unix = true;
    if (memmem(path.from, path.length, "password=", strlen("password=")) != NULL) {
        return invalid(fault, "has a password in its socket path: put a '?' before the parameters");
    }
    if (path.length == 0 || path.from[0] != '/' ||
        !decode(path, address->host, sizeof address->host)) {
        return invalid(fault, "has no valid socket path; it must begin with '/'");
    }
    if (strlen(address->host) >= sizeof name.sun_path) {
        return fault_say(fault, SLOTQ_INVALID,
                         "the socket's path has %zu bytes; the system allows at most %zu",
                         strlen(address->host), sizeof name.sun_path - 1);
    }
    return *at == '?' ? parse_query(at + 1, address, fault) : SLOTQ_OK;
}

static slotq_outcome parse_place(const char *url, redis_address *address, store_fault *fault)
{
    const char *rest;
    switch (url_place(url, &rest)) {
    case SLOTQ_PLACE_TLS:
        address->tls.use = true;
        return parse_network(rest, address, fault);
    case SLOTQ_PLACE_REDIS:
        return parse_network(rest, address, fault);
    case SLOTQ_PLACE_REDIS_UNIX:
        return parse_unix(rest, address, fault);
    default:
        return invalid(fault, "has another scheme than redis://, rediss:// or unix://");
    }
}

/* ---- with what stands elsewhere ---- */

static slotq_outcome add_password(redis_address *address, store_fault *fault)
{
    const char *secret = getenv("REDISCLI_AUTH");
    if (address->password[0] != '\0' || secret == NULL) {
        return SLOTQ_OK;
    }
    if (strlen(secret) >= sizeof address->password) {
        return fault_say(fault, SLOTQ_INVALID, "REDISCLI_AUTH is longer than %d bytes",
                         REDIS_PASSWORD_BYTES - 1);
    }
    memcpy(address->password, secret, strlen(secret) + 1);
    return SLOTQ_OK;
}

/* An option where the URL has none. false: it is too long. */
static bool add_text(char *text, size_t bytes, const char *option)
{
    const size_t length = option == NULL ? 0 : strlen(option);
    if (text[0] == '\0' && length > 0 && length < bytes) {
        memcpy(text, option, length + 1);
    }
    return text[0] != '\0' || length == 0;
}

static slotq_outcome add_tls(redis_tls *tls, const slotq_redis_tls *options, store_fault *fault)
{
    if (options == NULL) {
        return SLOTQ_OK;
    }
    if (!tls->use) {
        return fault_say(fault, SLOTQ_INVALID,
                         "options for TLS are given, and the URL's scheme is not rediss:// or "
                         "valkeys://: nothing would be encrypted");
    }
    const bool fit = add_text(tls->ca_file, sizeof tls->ca_file, options->ca_file) &&
                     add_text(tls->ca_dir, sizeof tls->ca_dir, options->ca_dir) &&
                     add_text(tls->cert, sizeof tls->cert, options->cert_file) &&
                     add_text(tls->key, sizeof tls->key, options->key_file) &&
                     add_text(tls->server_name, sizeof tls->server_name, options->server_name);
    tls->insecure = tls->insecure || options->insecure;
    if (!fit) {
        return fault_say(fault, SLOTQ_INVALID,
                         "an option for TLS is too long: a path may have %d bytes, a name %d",
                         REDIS_FILE_BYTES - 1, REDIS_NAME_BYTES - 1);
    }
    return SLOTQ_OK;
}

static slotq_outcome judge_tls(const redis_tls *tls, store_fault *fault)
{
    if ((tls->cert[0] == '\0') != (tls->key[0] == '\0')) {
        return fault_say(fault, SLOTQ_INVALID,
                         "TLS needs cert and key together (it may be one file): %s is missing",
                         tls->cert[0] == '\0' ? "cert" : "key");
    }
    if (tls->insecure && (tls->ca_file[0] != '\0' || tls->ca_dir[0] != '\0')) {
        return fault_say(fault, SLOTQ_INVALID,
                         "insecure=1 verifies nothing, and ca_file or ca_dir name what to verify "
                         "by: remove one of them");
    }
    return SLOTQ_OK;
}

slotq_outcome redis_address_of(const char *url, const slotq_options *options,
                               redis_address *address, store_fault *fault)
{
    const slotq_redis_options *redis = options == NULL ? NULL : options->redis;
    memset(address, 0, sizeof *address);
    slotq_outcome outcome = parse_place(url, address, fault);
    if (outcome == SLOTQ_OK) {
        outcome = add_password(address, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = add_tls(&address->tls, redis == NULL ? NULL : redis->tls, fault);
    }
    return outcome == SLOTQ_OK ? judge_tls(&address->tls, fault) : outcome;
}

slotq_outcome redis_address_parse(const char *url, redis_address *address, store_fault *fault)
{
    return redis_address_of(url, NULL, address, fault);
}

bool redis_address_decode(const char *from, size_t length, char *out, size_t out_bytes)
{
    const part text = {from, length};
    return decode(text, out, out_bytes);
}

bool redis_address_is_same_server(const redis_address *one, const redis_address *other)
{
    return one->is_unix == other->is_unix && one->port == other->port &&
           strcmp(one->host, other->host) == 0;
}
