/* sentinel_url.c: see sentinel_url.h. What such a URL shares with that of one server is read by
 * address.c: the parts are put together as one.
 */
#define _GNU_SOURCE
#include "sentinel_url.h"

#include <stdlib.h>
#include <string.h>

enum { SENTINEL_PORT_DEFAULT = 26379 };

/* A part of the URL; no NUL ends it. */
typedef struct span {
    const char *from;
    size_t length;
} span;

/* The parts of the whole. */
typedef struct parts {
    span login; /* with its '@', or empty */
    span hosts;
    span master;
    span database; /* with its '/', or empty */
    span query;    /* behind the '?', or empty */
} parts;

static slotq_outcome invalid(store_fault *fault, const char *what)
{
    return fault_say(fault, SLOTQ_INVALID,
                     "the URL %s. Write redis+sentinel://[user:password@]host[:port][,host[:port]"
                     "...]/PRIMARY[/db], with special characters as %%XX",
                     what);
}

static span cut(const char **at, const char *ends)
{
    const span found = {*at, strcspn(*at, ends)};
    *at += found.length;
    return found;
}

static bool split(const char *rest, parts *found)
{
    span place = cut(&rest, "/?#");
    const char *sign = memrchr(place.from, '@', place.length);
    memset(found, 0, sizeof *found);
    found->login = (span){place.from, sign == NULL ? 0 : (size_t)(sign - place.from) + 1};
    found->hosts = (span){place.from + found->login.length, place.length - found->login.length};
    if (*rest == '/') {
        rest++;
        found->master = cut(&rest, "/?#");
    }
    found->database = cut(&rest, "?#");
    found->query = (span){rest + (*rest == '?'), strlen(rest + (*rest == '?'))};
    return *rest != '#';
}

/* Text that is put together; there is room for all of the URL. */
typedef struct builder {
    char *text;
    size_t used;
} builder;

static void put(builder *to, const char *from, size_t length)
{
    memcpy(to->text + to->used, from, length);
    to->used += length;
    to->text[to->used] = '\0';
}

static bool has_port(span host)
{
    const char *end = memchr(host.from, ']', host.length);
    const char *from = end != NULL ? end : host.from;
    return memchr(from, ':', host.length - (size_t)(from - host.from)) != NULL;
}

/* scratch has room for the URL. */
static slotq_outcome parse_host(span host, char *scratch, redis_sentinel *sentinel,
                                store_fault *fault)
{
    redis_address address;
    sentinel_place place = {.port = SENTINEL_PORT_DEFAULT};
    builder url = {.text = scratch};
    put(&url, "redis://", 8);
    put(&url, host.from, host.length);
    if (host.length == 0 || redis_address_parse(scratch, &address, fault) != SLOTQ_OK ||
        strlen(address.host) >= sizeof place.host) {
        return invalid(fault, "has an invalid host or port of a Sentinel");
    }
    memcpy(place.host, address.host, strlen(address.host) + 1);
    place.port = has_port(host) ? address.port : place.port;
    if (sentinel->count == SENTINELS_MAX) {
        return invalid(fault, "names more than 32 Sentinels");
    }
    redis_sentinel_add(sentinel, &place);
    return SLOTQ_OK;
}

static slotq_outcome parse_hosts(span hosts, char *scratch, redis_sentinel *sentinel,
                                 store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (bool more = true; more && outcome == SLOTQ_OK;) {
        const char *comma = memchr(hosts.from, ',', hosts.length);
        const span host = {hosts.from, comma == NULL ? hosts.length : (size_t)(comma - hosts.from)};
        outcome = parse_host(host, scratch, sentinel, fault);
        more = comma != NULL;
        hosts.from += host.length + more;
        hosts.length -= host.length + more;
    }
    return outcome;
}

static bool is_named(span parameter, const char *name)
{
    const size_t length = strlen(name);
    return parameter.length > length && memcmp(parameter.from, name, length) == 0 &&
           parameter.from[length] == '=';
}

/* Sentinel allows no other characters; so what is shown later cannot be a login. */
static bool parse_master(span master, char name[SENTINEL_MASTER_BYTES])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    const bool good = master.length > 0 && master.length < SENTINEL_MASTER_BYTES &&
                      strspn(master.from, allowed) >= master.length;
    if (good) {
        memcpy(name, master.from, master.length);
        name[master.length] = '\0';
    }
    return good;
}

/* The parameters of the Sentinels are taken out; the others go to the server's URL. */
static bool parse_query(span query, builder *url, redis_address *login)
{
    bool good = true;
    char between = '?';
    while (query.length > 0 && good) {
        const char *end = memchr(query.from, '&', query.length);
        const span one = {query.from, end == NULL ? query.length : (size_t)(end - query.from)};
        if (is_named(one, "sentinel_user")) {
            good = redis_address_decode(one.from + 14, one.length - 14, login->user,
                                        sizeof login->user);
        } else if (is_named(one, "sentinel_password")) {
            good = redis_address_decode(one.from + 18, one.length - 18, login->password,
                                        sizeof login->password);
        } else {
            put(url, &between, 1);
            put(url, one.from, one.length);
            between = '&';
        }
        const size_t taken = one.length + (end != NULL);
        query.from += taken;
        query.length -= taken;
    }
    return good;
}

static slotq_outcome parse(const parts *found, bool with_tls, const slotq_options *options,
                           char *scratch, redis_address *address, redis_sentinel *sentinel,
                           store_fault *fault)
{
    builder url = {.text = scratch};
    redis_address login = {.port = SENTINEL_PORT_DEFAULT};
    if (!parse_master(found->master, sentinel->master)) {
        return invalid(fault, "names no primary behind the hosts, of letters, digits and \"._-\"");
    }
    slotq_outcome outcome = parse_hosts(found->hosts, scratch, sentinel, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    put(&url, with_tls ? "rediss://" : "redis://", with_tls ? 9 : 8);
    put(&url, found->login.from, found->login.length);
    put(&url, "primary", 7);
    put(&url, found->database.from, found->database.length);
    if (!parse_query(found->query, &url, &login)) {
        return invalid(fault, "has a login of the Sentinels that is too long or not encoded");
    }
    outcome = redis_address_of(scratch, options, address, fault);
    login.tls = address->tls;
    sentinel->login = login;
    return outcome;
}

slotq_outcome redis_sentinel_parse(const char *rest, bool with_tls, const slotq_options *options,
                                   redis_address *address, redis_sentinel *sentinel,
                                   store_fault *fault)
{
    parts found;
    memset(sentinel, 0, sizeof *sentinel);
    if (!split(rest, &found)) {
        return invalid(fault, "contains a '#'");
    }
    char *scratch = malloc(strlen(rest) + 32);
    if (scratch == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a URL");
    }
    const slotq_outcome outcome =
        parse(&found, with_tls, options, scratch, address, sentinel, fault);
    explicit_bzero(scratch, strlen(rest) + 32);
    free(scratch);
    return outcome;
}
