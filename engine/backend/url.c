/* url.c: see url.h.
 */
#include "url.h"

#include <string.h>

typedef struct scheme_name {
    const char *name;
    slotq_place place;
} scheme_name;

static const scheme_name names[] = {
    {"redis", SLOTQ_PLACE_REDIS},
    {"valkey", SLOTQ_PLACE_REDIS},
    {"rediss", SLOTQ_PLACE_TLS},
    {"valkeys", SLOTQ_PLACE_TLS},
    {"unix", SLOTQ_PLACE_REDIS_UNIX},
    {"redis+sentinel", SLOTQ_PLACE_SENTINEL},
    {"valkey+sentinel", SLOTQ_PLACE_SENTINEL},
    {"rediss+sentinel", SLOTQ_PLACE_SENTINEL_TLS},
    {"valkeys+sentinel", SLOTQ_PLACE_SENTINEL_TLS},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of_scheme(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* Schemes are ASCII, whatever the locale. */
static bool is_same_word(const char *text, size_t length, const char *word)
{
    bool same = strlen(word) == length;
    for (size_t i = 0; i < length && same; i++) {
        const char c = text[i];
        same = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == word[i];
    }
    return same;
}

static const scheme_name *find(const char *scheme, size_t length)
{
    const scheme_name *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = is_same_word(scheme, length, names[i].name) ? &names[i] : found;
    }
    return found;
}

slotq_place url_place(const char *url, const char **rest)
{
    const char *begin = url;
    size_t length = 0;
    while (*begin != '\0' && *begin <= ' ' && *begin > 0) {
        begin++;
    }
    while (is_of_scheme(begin[length])) {
        length++;
    }
    const bool has_scheme = is_letter(begin[0]) && begin[length] == ':';
    const bool has_slashes = has_scheme && strncmp(begin + length, "://", 3) == 0;
    const scheme_name *known = has_scheme ? find(begin, length) : NULL;
    if (rest != NULL) {
        *rest = has_slashes ? begin + length + 3 : url;
    }
    if (known != NULL && has_slashes && begin == url) {
        return known->place;
    }
    /* redis:/host and " redis://host" are meant as servers, and are no folders either */
    return known != NULL || has_slashes ? SLOTQ_PLACE_UNKNOWN : SLOTQ_PLACE_FOLDER;
}
