/* texts.c: numbers, times and sizes as text (texts.h).
 */
#include "texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "slotq_worker.h"

value_text id_text(uint64_t id)
{
    value_text result = {""};
    _Static_assert(sizeof result.text >= SLOTQ_ID_TEXT_BYTES, "an id fits");
    slotq_id_print(result.text, id);
    return result;
}

value_text count_text(uint64_t value)
{
    char digits[24];
    value_text result;
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i != 0 && (length - i) % 3 == 0) {
            result.text[used++] = ',';
        }
        result.text[used++] = digits[i];
    }
    result.text[used] = '\0';
    return result;
}

value_text rate_text(uint64_t interval_us)
{
    static const struct {
        char letter;
        uint64_t us;
    } units[] = {{'s', 1000000}, {'m', 60000000}, {'h', 3600000000}, {'d', 86400000000}};
    value_text result = {"-"};
    if (interval_us == 0) {
        return result;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        /* the number that gives this interval, which is rounded up to microseconds */
        const uint64_t count = (units[i].us + interval_us - 1) / interval_us;
        if ((units[i].us + count - 1) / count == interval_us) {
            snprintf(result.text, sizeof result.text, "%.40s/%c", count_text(count).text,
                     units[i].letter);
            return result;
        }
    }
    if (interval_us % 1000000 == 0) {
        snprintf(result.text, sizeof result.text, "1/%" PRIu64 "s", interval_us / 1000000);
    } else {
        snprintf(result.text, sizeof result.text, "1/%" PRIu64 ".%06" PRIu64 "s",
                 interval_us / 1000000, interval_us % 1000000);
    }
    return result;
}

value_text time_text(uint64_t value_ms)
{
    value_text result;
    const uint64_t seconds = value_ms / 1000;
    if (value_ms < 1000) {
        snprintf(result.text, sizeof result.text, "%" PRIu64 " ms", value_ms);
    } else if (seconds < 60) {
        snprintf(result.text, sizeof result.text, "%" PRIu64 ".%" PRIu64 " s", seconds,
                 value_ms % 1000 / 100);
    } else if (seconds < 60 * 60) {
        snprintf(result.text, sizeof result.text, "%" PRIu64 " m %" PRIu64 " s", seconds / 60,
                 seconds % 60);
    } else if (seconds < 48 * 60 * 60) {
        snprintf(result.text, sizeof result.text, "%" PRIu64 " h %" PRIu64 " m", seconds / 3600,
                 seconds % 3600 / 60);
    } else {
        snprintf(result.text, sizeof result.text, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400,
                 seconds % 86400 / 3600);
    }
    return result;
}

value_text fine_time_text(double ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    value_text result;
    double number = ns;
    size_t unit = 0;
    while (number >= 999.5 && unit < 3) {
        number /= 1000;
        unit++;
    }
    snprintf(result.text, sizeof result.text, "%.*f %s",
             number < 9.995   ? 2
             : number < 99.95 ? 1
                              : 0,
             number, units[unit]);
    return result;
}

value_text reason_text(unsigned reason)
{
    static const struct {
        unsigned reason;
        const char *words;
    } known[] = {{SLOTQ_REASON_LEASE_ENDED, "no reason given or lease ended"},
                 {SLOTQ_REASON_TIME_LIMIT, "time limit"},
                 {SLOTQ_REASON_THREAD_ENDED, "its handler ended the thread"},
                 {SLOTQ_REASON_DAMAGED, "damaged"}};
    value_text made;
    snprintf(made.text, sizeof made.text, "reason %u", reason);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].reason == reason) {
            snprintf(made.text, sizeof made.text, "%s", known[i].words);
        }
    }
    return made;
}

value_text bytes_text(uint64_t bytes)
{
    value_text result;
    if (bytes < 1024) {
        snprintf(result.text, sizeof result.text, "%" PRIu64 " B", bytes);
    } else if (bytes < 1024 * 1024) {
        snprintf(result.text, sizeof result.text, "%.1f KiB", (double)bytes / 1024);
    } else if (bytes < UINT64_C(1024) * 1024 * 1024) {
        snprintf(result.text, sizeof result.text, "%.1f MiB", (double)bytes / 1024 / 1024);
    } else {
        snprintf(result.text, sizeof result.text, "%.1f GiB", (double)bytes / 1024 / 1024 / 1024);
    }
    return result;
}

value_text moment_text(uint64_t ms)
{
    const value_text none = {"-"};
    return ms != 0 ? any_moment_text(ms) : none;
}

value_text any_moment_text(uint64_t ms)
{
    value_text result = {"-"};
    const time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL) {
        char day[32];
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(result.text, sizeof result.text, "%s.%03uZ", day, (unsigned)(ms % 1000));
    }
    return result;
}

size_t cut_bytes(const char *text, size_t size, size_t most)
{
    if (size <= most) {
        return size;
    }
    while (most > 0 && ((unsigned char)text[most] & 0xC0u) == 0x80) {
        most--;
    }
    return most;
}

const char *paused_text(uint8_t paused)
{
    static const char *const words[] = {
        "no",     "in",         "out",         "in and out",
        "closed", "in, closed", "out, closed", "in and out, closed"};
    return words[paused & SLOTQ_PAUSE_ALL];
}
