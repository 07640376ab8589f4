/* words.c: names and URLs as words for people and for shells (texts.h): nothing that a name
 * holds reaches a terminal or a shell as more than text.
 */
#include <stdio.h>
#include <string.h>

#include "slotq.h"
#include "texts.h"

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
    word_text shown = {{0}};
    slotq_url_show(url, shown.text, sizeof shown.text);
    return shown;
}

static uint32_t code_of(const uint8_t *bytes, size_t length)
{
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    return code;
}

/* By hand: wcwidth knows nothing of it under LC_ALL=C, where terminals draw UTF-8 too. */
int character_columns(const uint8_t *bytes, size_t length)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } wide[] = {
        {0x1100, 0x115F},   /* Hangul initials */
        {0x2E80, 0x303E},   /* radicals, punctuation of CJK */
        {0x3041, 0xA4CF},   /* kana, ideographs, Yi */
        {0xAC00, 0xD7A3},   /* Hangul */
        {0xF900, 0xFAFF},   /* ideographs again */
        {0xFE30, 0xFE6F},   /* forms of punctuation */
        {0xFF00, 0xFF60},   /* full-width forms */
        {0xFFE0, 0xFFE6},   /* and their signs */
        {0x1F300, 0x1F64F}, /* pictures */
        {0x1F900, 0x1F9FF}, /* more of them */
        {0x20000, 0x3FFFD}, /* rare ideographs */
    };
    const uint32_t code = code_of(bytes, length);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code >= wide[i].first && code <= wide[i].last) {
            return 2;
        }
    }
    return 1;
}

int columns_of(const char *text)
{
    int columns = 0;
    for (size_t left = strlen(text); left != 0;) {
        const size_t length = visible_bytes((const uint8_t *)text, left);
        const size_t taken = length != 0 ? length : 1;
        columns += length != 0 ? character_columns((const uint8_t *)text, length) : 1;
        text += taken;
        left -= taken;
    }
    return columns;
}
