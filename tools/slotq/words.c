/* words.c: names and URLs as words for people and for shells (values.h): nothing that a name
 * holds reaches a terminal or a shell as more than text.
 */
#include <stdio.h>
#include <string.h>

#include "values.h"

size_t visible_bytes(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (bytes[0] >= 0x20 && bytes[0] < 0x7F) {
        return 1;
    }
    const size_t length = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    if (bytes[0] < 0xC2 || bytes[0] > 0xF4 || length > size) {
        return 0;
    }
    if (bytes[0] == 0xC2 && bytes[1] < 0xA0) {
        return 0; /* C1 control characters */
    }
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* Append one character, or \xNN for a byte that is none; answers the bytes of text used up. */
static size_t append(word_text *word, size_t *used, const char *text, size_t left)
{
    const size_t length = visible_bytes((const uint8_t *)text, left);
    if (length == 0) {
        *used += (size_t)snprintf(word->text + *used, sizeof word->text - *used, "\\x%02x",
                                  (unsigned)(uint8_t)text[0]);
        return 1;
    }
    memcpy(word->text + *used, text, length);
    *used += length;
    word->text[*used] = '\0';
    return length;
}

enum { ROOM_AT_END = 16 }; /* for one more character, dots and a quote */

word_text plain_word(const char *text)
{
    word_text word = {""};
    size_t used = 0;
    size_t left = strlen(text);
    while (left != 0 && used + ROOM_AT_END < sizeof word.text) {
        const size_t taken = append(&word, &used, text, left);
        text += taken;
        left -= taken;
    }
    return word;
}

static bool needs_quotes(const char *text)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._:/@%+=,-";
    return text[0] == '\0' || text[strspn(text, harmless)] != '\0';
}

/* Within '…' a ' ends the quotes; where something is not visible, $'…' is needed. */
word_text shell_word(const char *text)
{
    size_t left = strlen(text);
    if (!needs_quotes(text)) {
        return plain_word(text);
    }
    bool visible = true;
    for (size_t at = 0; at < left && visible;) {
        const size_t length = visible_bytes((const uint8_t *)text + at, left - at);
        visible = length != 0;
        at += length;
    }
    word_text word;
    size_t used = (size_t)snprintf(word.text, sizeof word.text, visible ? "'" : "$'");
    while (left != 0 && used + ROOM_AT_END < sizeof word.text) {
        if (text[0] == '\'' || (!visible && text[0] == '\\')) {
            used += (size_t)snprintf(word.text + used, sizeof word.text - used, "%s",
                                     visible           ? "'\\''"
                                     : text[0] == '\'' ? "\\'"
                                                       : "\\\\");
            text++;
            left--;
            continue;
        }
        const size_t taken = append(&word, &used, text, left);
        text += taken;
        left -= taken;
    }
    snprintf(word.text + used, sizeof word.text - used, "'");
    return word;
}

word_text shown_url(const char *url)
{
    word_text shown;
    const char *scheme = strstr(url, "://");
    const char *user = scheme != NULL ? scheme + 3 : "";
    const char *host = strrchr(user, '@');
    const char *colon = host != NULL ? memchr(user, ':', (size_t)(host - user)) : NULL;
    const char *asked = strstr(url, "password="); /* a part of the query */
    if (scheme != NULL && asked != NULL) {
        const char *value = asked + strlen("password=");
        snprintf(shown.text, sizeof shown.text, "%.*s***%s", (int)(value - url), url,
                 value + strcspn(value, "&"));
    } else if (colon != NULL) {
        snprintf(shown.text, sizeof shown.text, "%.*s:***%s", (int)(colon - url), url, host);
    } else {
        snprintf(shown.text, sizeof shown.text, "%s", url);
    }
    return shown;
}

int columns_of(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++) {
        columns += ((uint8_t)*text & 0xC0) != 0x80;
    }
    return columns;
}
