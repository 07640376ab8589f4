/* url.c: URLs for callers: what kind one is, and one that may be shown to people. Of a URL's text
 * only what is known to be harmless is shown; all else may be a password in the wrong place.
 */
#include <string.h>

#include "../backend/url.h"

slotq_place slotq_url_kind(const char *url)
{
    return url == NULL ? SLOTQ_PLACE_FOLDER : url_place(url, NULL);
}

/* Text that is being written, cut where it does not fit. */
typedef struct writer {
    char *to;
    size_t room; /* its NUL has one byte more */
    size_t used;
} writer;

static void put(writer *shown, const char *text, size_t length)
{
    for (size_t i = 0; i < length && shown->used < shown->room; i++) {
        shown->to[shown->used++] = text[i];
    }
    shown->to[shown->used] = '\0';
}

static void hide(writer *shown)
{
    put(shown, "***", 3);
}

static void put_number(writer *shown, const char *text, size_t length)
{
    if (strspn(text, "0123456789") >= length) {
        put(shown, text, length);
    } else {
        hide(shown);
    }
}

/* host, host:port, [::1]:port */
static void put_host(writer *shown, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    const char *end = memchr(text, ']', length);
    if (length > 0 && text[0] == '[' && end != NULL) {
        colon = memchr(end, ':', length - (size_t)(end - text));
    }
    const size_t host_length = colon != NULL ? (size_t)(colon - text) : length;
    /* a login that was encoded whole, or that stands behind the host */
    if (strcspn(text, "%" URL_LOGIN_MARKS) < host_length) {
        hide(shown);
    } else {
        put(shown, text, host_length);
    }
    if (colon != NULL) {
        put(shown, ":", 1);
        put_number(shown, colon + 1, length - (size_t)(colon - text) - 1);
    }
}

static bool is_one_of(const char *key, size_t length, const char *const *keys, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found = found || (strlen(keys[i]) == length && memcmp(key, keys[i], length) == 0);
    }
    return found;
}

/* Its value is a number. */
static bool is_harmless(const char *key, size_t length)
{
    static const char *const keys[] = {"db", "timeout_ms", "connect_timeout_ms", "insecure",
                                       "replica"};
    return is_one_of(key, length, keys, sizeof keys / sizeof keys[0]);
}

/* Its name is shown, and not its value. */
static bool is_known(const char *key, size_t length)
{
    static const char *const keys[] = {"password", "user",          "ca_file",
                                       "ca_dir",   "cert",          "key",
                                       "sni",      "sentinel_user", "sentinel_password"};
    return is_one_of(key, length, keys, sizeof keys / sizeof keys[0]);
}

/* From the '?' on. */
static void put_query(writer *shown, const char *at)
{
    while (*at != '\0') {
        put(shown, at++, 1); /* '?' or '&' */
        const size_t length = strcspn(at, "&");
        const char *sign = memchr(at, '=', length);
        const size_t key_length = sign != NULL ? (size_t)(sign - at) : 0;
        if (sign != NULL && is_harmless(at, key_length)) {
            put(shown, at, key_length + 1);
            put_number(shown, sign + 1, length - key_length - 1);
        } else if (is_known(at, key_length)) {
            put(shown, at, key_length + 1);
            hide(shown);
        } else {
            hide(shown);
        }
        at += length;
    }
}

/* A user's name is hidden too: many put their only secret there. */
static const char *hide_login(writer *shown, const char *at)
{
    const char *sign = strrchr(at, '@');
    if (sign != NULL) {
        hide(shown);
    }
    return sign != NULL ? sign : at;
}

/* host,host:port */
static void put_hosts(writer *shown, const char *at, size_t length)
{
    const char *end = at + length;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const size_t one = comma == NULL ? (size_t)(end - at) : (size_t)(comma - at);
        put_host(shown, at, one);
        put(shown, ",", comma != NULL);
        at += one + (comma != NULL);
    }
}

/* A name of letters, digits and "._-" is shown. */
static void put_primary(writer *shown, const char *name, size_t length)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789._-";
    if (strspn(name, harmless) >= length) {
        put(shown, name, length);
    } else {
        hide(shown);
    }
}

/* The path ends in a database in any case. */
static void put_network(writer *shown, const char *at, bool has_sentinels)
{
    at = hide_login(shown, at);
    const size_t length = strcspn(at, "/?#");
    if (has_sentinels) {
        put_hosts(shown, at, length);
    } else {
        put_host(shown, at, length);
    }
    at += length;
    if (has_sentinels && *at == '/') {
        const size_t name_length = strcspn(at + 1, "/?#");
        put(shown, at, 1);
        put_primary(shown, at + 1, name_length);
        at += name_length + 1;
    }
    if (*at == '/') {
        const size_t path_length = strcspn(at, "?#");
        put(shown, at, 1);
        put_number(shown, at + 1, path_length - 1);
        at += path_length;
    }
    if (*at == '#') {
        hide(shown);
    } else {
        put_query(shown, at);
    }
}

/* /path, shown up to what may be a login behind it: a password has its place before the path. */
static void put_socket(writer *shown, const char *at)
{
    if (at[0] != '/') {
        hide(shown);
        return;
    }
    const size_t length = strcspn(at, "?");
    const char *colon = strchr(at, ':');
    const char *password = strstr(at, "password=");
    if ((colon != NULL && strchr(colon, '@') != NULL) ||
        (password != NULL && password < at + length)) {
        hide(shown);
    } else {
        const size_t marked = strcspn(at, ":#%" URL_LOGIN_MARKS);
        put(shown, at, marked < length ? marked + 1 : length);
        if (marked < length) {
            hide(shown);
        }
    }
    put_query(shown, at + length);
}

/* Not a URL; but me:secret@host and host:port,password=secret are often meant as one. */
static void put_folder(writer *shown, const char *url)
{
    const char *colon = strchr(url, ':');
    const bool has_login = colon != NULL && strchr(colon, '@') != NULL;
    const char *from = has_login ? hide_login(shown, url) : url;
    const char *password = strstr(from, "password=");
    put(shown, from, password != NULL ? (size_t)(password - from) : strlen(from));
    if (password != NULL) {
        hide(shown);
    }
}

void slotq_url_show(const char *url, char *shown, size_t bytes)
{
    writer to = {.to = shown, .room = bytes - 1};
    const char *rest = NULL;
    if (shown == NULL || bytes == 0) {
        return;
    }
    shown[0] = '\0';
    if (url == NULL) {
        return;
    }
    const slotq_place place = url_place(url, &rest);
    if (place == SLOTQ_PLACE_FOLDER) {
        put_folder(&to, url);
        return;
    }
    if (place == SLOTQ_PLACE_UNKNOWN) {
        const char *begin = url + strspn(url, " \t\r\n\v\f");
        put(&to, begin, strcspn(begin, ":"));
        put(&to, "://", 3);
        hide(&to);
        return;
    }
    put(&to, url, (size_t)(rest - url));
    if (place == SLOTQ_PLACE_REDIS_UNIX) {
        put_socket(&to, rest);
    } else {
        put_network(&to, rest, place == SLOTQ_PLACE_SENTINEL || place == SLOTQ_PLACE_SENTINEL_TLS);
    }
}
