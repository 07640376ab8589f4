/* cron_spec.c: see cron_spec.h. A text that is refused is shown cut and without control bytes.
 */
#include "cron_spec.h"

#include <inttypes.h>
#include <string.h>

#include "refuse.h"

enum { FIELD_COUNT = 5, SHOWN_BYTES = 40, NAME_BYTES = 3 };

/* A piece of the text. */
typedef struct piece {
    const char *text;
    size_t bytes;
} piece;

typedef struct field {
    const char *name;
    uint32_t least;
    uint32_t most;
    const char *names; /* NAME_BYTES each, the first is least's; NULL = only numbers */
} field;

static const field fields[FIELD_COUNT] = {{"minute", 0, 59, NULL},
                                          {"hour", 0, 23, NULL},
                                          {"day of month", 1, 31, NULL},
                                          {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                          {"day of week", 0, 7, "sunmontuewedthufrisat"}};

typedef struct shown_text {
    char text[SHOWN_BYTES + 4];
} shown_text;

static shown_text shown(piece part)
{
    shown_text result = {{0}};
    const size_t bytes = part.bytes < SHOWN_BYTES ? part.bytes : SHOWN_BYTES;
    for (size_t i = 0; i < bytes; i++) {
        const char byte = part.text[i];
        result.text[i] = byte >= ' ' && byte <= '~' ? byte : '?';
    }
    if (bytes < part.bytes) {
        memcpy(result.text + bytes, "...", 3);
    }
    return result;
}

static bool is(piece part, const char *text)
{
    return part.bytes == strlen(text) && memcmp(part.text, text, part.bytes) == 0;
}

static bool begins(piece part, const char *text)
{
    const size_t bytes = strlen(text);
    return part.bytes >= bytes && memcmp(part.text, text, bytes) == 0;
}

/* Cut what is before the first such byte off; all of it if there is none. */
static piece cut_at(piece *rest, char byte, bool *found)
{
    const char *at = rest->bytes == 0 ? NULL : memchr(rest->text, byte, rest->bytes);
    piece part = *rest;
    *found = at != NULL;
    if (at != NULL) {
        part.bytes = (size_t)(at - rest->text);
        rest->text = at + 1;
        rest->bytes -= part.bytes + 1;
    } else {
        rest->text += rest->bytes;
        rest->bytes = 0;
    }
    return part;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Digits alone. A number that is too large for anything becomes the largest. */
static bool read_number(piece part, uint32_t *number)
{
    enum { NUMBER_MOST = 1000000000 };
    uint64_t value = 0;
    for (size_t i = 0; i < part.bytes; i++) {
        if (!is_digit(part.text[i])) {
            return false;
        }
        value = value * 10 + (uint64_t)(part.text[i] - '0');
        value = value < NUMBER_MOST ? value : NUMBER_MOST;
    }
    *number = (uint32_t)value;
    return part.bytes > 0;
}

static bool read_name(const field *of, piece part, uint32_t *value)
{
    const size_t count = of->names == NULL ? 0 : strlen(of->names) / NAME_BYTES;
    for (size_t i = 0; i < count && part.bytes == NAME_BYTES; i++) {
        const char *name = of->names + i * NAME_BYTES;
        if (lower(part.text[0]) == name[0] && lower(part.text[1]) == name[1] &&
            lower(part.text[2]) == name[2]) {
            *value = of->least + (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* A value that is neither a number nor a name. */
static slotq_outcome refuse_word(const field *of, piece part, slotq_error *error)
{
    const char last = part.bytes > 0 ? lower(part.text[part.bytes - 1]) : '\0';
    const shown_text word = shown(part);
    if (part.bytes == 0) {
        return refuse(error, SLOTQ_INVALID, "cron: %s: a value is missing; it must be %u to %u",
                      of->name, of->least, of->most);
    }
    if (memchr(part.text, '?', part.bytes) != NULL) {
        return refuse(error, SLOTQ_INVALID, "cron: %s \"%s\": ? is not supported; write *",
                      of->name, word.text);
    }
    if (memchr(part.text, '#', part.bytes) != NULL || last == 'l' || last == 'w') {
        return refuse(error, SLOTQ_INVALID,
                      "cron: %s \"%s\": L, W and # are not supported; write values from %u to %u, "
                      "and let the task look at the date",
                      of->name, word.text, of->least, of->most);
    }
    return refuse(error, SLOTQ_INVALID, "cron: %s \"%s\" is not a value: it must be %u to %u%s",
                  of->name, word.text, of->least, of->most,
                  of->names == NULL ? ""
                  : of->least == 0  ? ", or sun to sat"
                                    : ", or jan to dec");
}

static slotq_outcome read_value(const field *of, piece part, uint32_t *value, slotq_error *error)
{
    if (read_name(of, part, value)) {
        return SLOTQ_OK;
    }
    if (!read_number(part, value)) {
        return refuse_word(of, part, error);
    }
    if (*value < of->least || *value > of->most) {
        return refuse(error, SLOTQ_INVALID, "cron: %s %s is out of range: %u to %u", of->name,
                      shown(part).text, of->least, of->most);
    }
    return SLOTQ_OK;
}

static slotq_outcome read_step(const field *of, piece part, uint32_t *step, slotq_error *error)
{
    if (!read_number(part, step) || *step < 1 || *step > of->most) {
        return refuse(error, SLOTQ_INVALID, "cron: %s: step \"%s\" is out of range: 1 to %u",
                      of->name, shown(part).text, of->most);
    }
    return SLOTQ_OK;
}

/* "sat-sun": Sunday is the last day, too. */
static bool is_sunday_last(const field *of, uint32_t first, uint32_t last, piece last_part)
{
    uint32_t value;
    return of->least == 0 && of->most == 7 && last == 0 && first > 0 &&
           read_name(of, last_part, &value);
}

/* What a part of a list says: from first to last by steps. */
static slotq_outcome read_part(const field *of, piece whole, uint64_t *bits, slotq_error *error)
{
    bool has_step;
    bool is_range;
    piece step_part = whole;
    piece last_part = cut_at(&step_part, '/', &has_step);
    const piece first_part = cut_at(&last_part, '-', &is_range);
    uint32_t first = of->least;
    uint32_t last = of->most;
    uint32_t step = 1;
    slotq_outcome outcome = SLOTQ_OK;
    const bool is_all = is(first_part, "*") && !is_range;
    if (!is_all) {
        outcome = read_value(of, first_part, &first, error);
        last = first;
    }
    if (outcome == SLOTQ_OK && is_range) {
        outcome = read_value(of, last_part, &last, error);
        last = outcome == SLOTQ_OK && is_sunday_last(of, first, last, last_part) ? 7 : last;
    }
    if (outcome == SLOTQ_OK && has_step) {
        outcome = read_step(of, step_part, &step, error);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (has_step && !is_all && !is_range) {
        return refuse(error, SLOTQ_INVALID,
                      "cron: %s \"%s\": a step needs * or a range; write %u-%u/%u", of->name,
                      shown(whole).text, first, of->most, step);
    }
    if (last < first) {
        return refuse(error, SLOTQ_INVALID,
                      "cron: %s \"%s\": the range %u to %u runs backwards; write two ranges with "
                      "a comma, within %u to %u",
                      of->name, shown(whole).text, first, last, of->least, of->most);
    }
    for (uint32_t value = first; value <= last; value += step) {
        *bits |= UINT64_C(1) << value;
    }
    return SLOTQ_OK;
}

static slotq_outcome read_field(const field *of, piece text, uint64_t *bits, slotq_error *error)
{
    bool has_more = true;
    slotq_outcome outcome = SLOTQ_OK;
    *bits = 0;
    while (has_more && outcome == SLOTQ_OK) {
        const piece part = cut_at(&text, ',', &has_more);
        outcome = read_part(of, part, bits, error);
    }
    return outcome;
}

static slotq_outcome read_fields(const piece *texts, cron_spec *spec, slotq_error *error)
{
    uint64_t *sets[FIELD_COUNT] = {&spec->minutes, &spec->hours, &spec->month_days, &spec->months,
                                   &spec->weekdays};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const slotq_outcome outcome = read_field(&fields[i], texts[i], sets[i], error);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    spec->any_hour = is(texts[1], "*") ||
                     (begins(texts[1], "*/") && memchr(texts[1].text, ',', texts[1].bytes) == NULL);
    spec->any_month_day = is(texts[2], "*");
    spec->any_weekday = is(texts[4], "*");
    if (spec->weekdays & 1 << 7) {
        spec->weekdays = (spec->weekdays | 1) & 0x7F;
    }
    return SLOTQ_OK;
}

/* ---- words that begin with @ ---- */

static slotq_outcome refuse_period(piece text, slotq_error *error)
{
    return refuse(error, SLOTQ_INVALID,
                  "cron: @every \"%s\" is not a period: 90s, 5m, 1h30m, 2d; from 1s to %dd",
                  shown(text).text, CRON_EVERY_DAYS_MAX);
}

/* Days, hours, minutes and seconds in this order, each at most once. */
static slotq_outcome read_every(piece text, cron_spec *spec, slotq_error *error)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    const uint64_t most_s = UINT64_C(86400) * CRON_EVERY_DAYS_MAX;
    const size_t count = sizeof units / sizeof units[0];
    piece rest = text;
    size_t next = 0;
    uint64_t sum_s = 0;
    while (rest.bytes > 0) {
        piece digits = {rest.text, 0};
        uint32_t number;
        while (digits.bytes < rest.bytes && is_digit(rest.text[digits.bytes])) {
            digits.bytes++;
        }
        const char unit = digits.bytes < rest.bytes ? rest.text[digits.bytes] : '\0';
        while (next < count && units[next].unit != unit) {
            next++;
        }
        if (next == count || !read_number(digits, &number)) {
            return refuse_period(text, error);
        }
        sum_s += number * units[next++].seconds;
        rest.text += digits.bytes + 1;
        rest.bytes -= digits.bytes + 1;
    }
    if (text.bytes == 0) {
        return refuse_period(text, error);
    }
    if (sum_s < 1 || sum_s > most_s) {
        return refuse(error, SLOTQ_INVALID, "cron: @every %s is out of range: 1s to %dd",
                      shown(text).text, CRON_EVERY_DAYS_MAX);
    }
    spec->every_s = sum_s;
    return SLOTQ_OK;
}

/* ---- the whole ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Words with blanks between; of more than most, the first are set. */
static size_t split(piece text, piece *words, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < text.bytes;) {
        size_t end = i;
        while (end < text.bytes && !is_blank(text.text[end])) {
            end++;
        }
        if (end > i && count < most) {
            words[count] = (piece){text.text + i, end - i};
        }
        count += end > i;
        i = end + 1;
    }
    return count;
}

static slotq_outcome read_at_word(const piece *words, size_t count, cron_spec *spec,
                                  slotq_error *error)
{
    static const struct {
        const char *word;
        const char *fields;
    } known[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                 {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                 {"@annually", "0 0 1 1 *"}};
    if (is(words[0], "@every")) {
        return count == 2 ? read_every(words[1], spec, error)
                          : refuse(error, SLOTQ_INVALID,
                                   "cron: @every needs one period behind it: 90s, 5m, 1h30m, 2d");
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0] && count == 1; i++) {
        if (is(words[0], known[i].word)) {
            piece texts[FIELD_COUNT];
            split((piece){known[i].fields, strlen(known[i].fields)}, texts, FIELD_COUNT);
            return read_fields(texts, spec, error);
        }
    }
    if (is(words[0], "@reboot")) {
        return refuse(error, SLOTQ_INVALID,
                      "cron: @reboot is not a time; push the task when the program starts");
    }
    return refuse(error, SLOTQ_INVALID,
                  "cron: \"%s\"%s is not known: it must be @hourly, @daily, @midnight, @weekly, "
                  "@monthly, @yearly or @annually alone, or @every and a period",
                  shown(words[0]).text, count > 1 ? " with more behind it" : "");
}

slotq_outcome cron_spec_read(const char *text, cron_spec *spec, slotq_error *error)
{
    piece words[FIELD_COUNT] = {{NULL, 0}};
    const piece all = {text, text == NULL ? 0 : strnlen(text, CRON_SPEC_BYTES_MAX + 1)};
    memset(spec, 0, sizeof *spec);
    if (all.bytes > CRON_SPEC_BYTES_MAX) {
        return refuse(error, SLOTQ_INVALID, "cron: the spec is longer than %d bytes",
                      CRON_SPEC_BYTES_MAX);
    }
    const size_t count = split(all, words, FIELD_COUNT);
    if (count > 0 && words[0].text[0] == '@') {
        return read_at_word(words, count, spec, error);
    }
    if (count > 0 && (begins(words[0], "TZ=") || begins(words[0], "CRON_TZ="))) {
        return refuse(error, SLOTQ_INVALID,
                      "cron: \"%s\": a zone is not part of the spec; it is given beside it",
                      shown(words[0]).text);
    }
    if (count != FIELD_COUNT) {
        return refuse(error, SLOTQ_INVALID,
                      "cron: the spec has %zu fields; it must have 5: minute, hour, day of month, "
                      "month, day of week%s",
                      count,
                      count == FIELD_COUNT + 1 ? " (there are no seconds and no years)" : "");
    }
    return read_fields(words, spec, error);
}

bool cron_spec_has_day(const cron_spec *spec, int32_t month, int32_t month_day, int32_t weekday)
{
    const bool in_month = spec->month_days >> month_day & 1;
    const bool in_week = spec->weekdays >> weekday & 1;
    if ((spec->months >> month & 1) == 0) {
        return false;
    }
    if (spec->any_month_day || spec->any_weekday) {
        return in_month && in_week; /* the one that is * has all days */
    }
    return in_month || in_week;
}

int32_t cron_spec_minute_from(const cron_spec *spec, int32_t minute)
{
    enum { DAY_MINUTES = 1440 };
    while (minute < DAY_MINUTES) {
        if ((spec->hours >> (minute / 60) & 1) == 0) {
            minute = (minute / 60 + 1) * 60;
        } else if ((spec->minutes >> (minute % 60) & 1) == 0) {
            minute++;
        } else {
            return minute;
        }
    }
    return -1;
}
