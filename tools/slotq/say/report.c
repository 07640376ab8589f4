/* report.c: messages and progress on stderr, exit codes (report.h). The one place where the tool
 * keeps what is true of the whole process: quiet, a drawn progress line, a signal.
 */
#include "report.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../clock/clock.h"
#include "texts.h"

static bool quiet;
static bool line_is_drawn;
static uint64_t drawn_at_ms;
static volatile sig_atomic_t caught;

static void clear_line(void)
{
    if (line_is_drawn) {
        fputs("\r\033[K", stderr);
        line_is_drawn = false;
    }
}

/* Columns of the terminal on stderr, 0 = none. */
static size_t stderr_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* The URL in a word: from its scheme on, without what a sentence puts behind it. False: it has
 * none, or is only the pattern of one. */
static bool find_url(const char *word, size_t length, const char **from, size_t *url_length)
{
    static const char scheme[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";
    const char *at = memmem(word, length, ":/", 2);
    const bool has_user = memchr(word, '@', length) != NULL;
    if (at == NULL || memmem(word, length, "://[user:", 9) != NULL ||
        (!has_user && memmem(word, length, "[?db", 4) != NULL)) {
        return false;
    }
    size_t rest = length - (size_t)(at - word);
    while (strchr("'\"():;,.", at[rest - 1]) != NULL) {
        rest--;
    }
    const bool is_bare = strspn(at + 1, "/") + 1 >= rest;
    *from = at;
    while (*from > word && strchr(scheme, (*from)[-1]) != NULL) {
        (*from)--;
    }
    *from += strspn(*from, "+-.");
    *url_length = (size_t)(at - *from) + rest;
    return !is_bare && *from < at;
}

/* A URL may stand where an option's value, an id or a command is meant: no login of it gets out. */
static void hide_logins(const char *raw, char *text, size_t size)
{
    size_t used = 0;
    while (*raw != '\0' && used < size) {
        const size_t gap = strspn(raw, " ");
        const size_t length = gap + strcspn(raw + gap, " ");
        const char *from;
        size_t url_length;
        char url[2048];
        if (find_url(raw, length, &from, &url_length)) {
            snprintf(url, sizeof url, "%.*s", (int)url_length, from);
            used += (size_t)snprintf(text + used, size - used, "%.*s%s%.*s", (int)(from - raw), raw,
                                     shown_url(url).text,
                                     (int)(raw + length - from - (ptrdiff_t)url_length),
                                     from + url_length);
        } else {
            used += (size_t)snprintf(text + used, size - used, "%.*s", (int)length, raw);
        }
        raw += length;
    }
}

/* Names of queues and words of a server are in texts: no control byte of theirs gets out. */
static void make_visible(const char *raw, char *text, size_t size)
{
    size_t used = 0;
    size_t left = strlen(raw);
    while (left != 0 && used + 5 < size) {
        const size_t length = visible_bytes((const uint8_t *)raw, left);
        const size_t taken = length != 0 ? length : 1;
        if (length != 0) {
            memcpy(text + used, raw, length);
            used += length;
        } else {
            used +=
                (size_t)snprintf(text + used, size - used, "\\x%02x", (unsigned)(uint8_t)raw[0]);
        }
        raw += taken;
        left -= taken;
    }
    text[used] = '\0';
}

/* Long texts break between words on a terminal; logs get one line. */
static void say(const char *format, va_list values)
{
    char raw[2048];
    char plain[4 * sizeof raw] = ""; /* *** for each login */
    char text[4 * sizeof plain];
    const size_t columns = stderr_columns();
    const char *at = text;
    vsnprintf(raw, sizeof raw, format, values);
    hide_logins(raw, plain, sizeof plain);
    make_visible(plain, text, sizeof text);
    clear_line();
    fputs("slotq: ", stderr);
    size_t used = strlen("slotq: ");
    while (columns >= 40 && used + strlen(at) > columns) {
        const char *end = at + (columns - used);
        while (end > at && *end != ' ') {
            end--;
        }
        if (end == at) { /* one long word */
            break;
        }
        fprintf(stderr, "%.*s\n    ", (int)(end - at), at);
        used = 4;
        at = end + 1;
    }
    fprintf(stderr, "%s\n", at);
}

void complain(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(format, values);
    va_end(values);
}

void remark(const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list values;
    va_start(values, format);
    say(format, values);
    va_end(values);
}

void report_be_quiet(void)
{
    quiet = true;
}

static bool is_alphanumeric(char letter)
{
    return isalnum((unsigned char)letter) != 0;
}

/* A queue q is not named by every text with a q in it. */
static bool is_named(const char *name, const char *text)
{
    const size_t length = strlen(name);
    for (const char *at = strstr(text, name); at != NULL && length != 0;
         at = strstr(at + 1, name)) {
        if ((at == text || !is_alphanumeric(at[-1])) && !is_alphanumeric(at[length])) {
            return true;
        }
    }
    return length == 0;
}

int complain_error(const char *about, const slotq_error *error)
{
    if (about != NULL && !is_named(about, error->text)) {
        complain("%s: %s", about, error->text);
    } else {
        complain("%s", error->text);
    }
    return slotq_outcome_exit(error->outcome);
}

int worse_exit(int one, int other)
{
    static const int from_bad_to_good[] = {
        EXIT_CODE_INTERRUPTED, EXIT_CODE_CORRUPT, EXIT_CODE_UNKNOWN, EXIT_CODE_FAILURE,
        EXIT_CODE_CONNECT,     EXIT_CODE_USAGE,   EXIT_CODE_STALE,   EXIT_CODE_REFUSED,
        EXIT_CODE_FULL,        EXIT_CODE_EMPTY};
    for (size_t i = 0; i < sizeof from_bad_to_good / sizeof from_bad_to_good[0]; i++) {
        if (one == from_bad_to_good[i] || other == from_bad_to_good[i]) {
            return from_bad_to_good[i];
        }
    }
    return EXIT_CODE_OK;
}

bool progress_wanted(void)
{
    return !quiet && isatty(STDERR_FILENO);
}

void progress_show(const char *what, uint64_t done, uint64_t total)
{
    enum { BAR_COLUMNS = 30, PAUSE_MS = 100 };
    if (!progress_wanted()) {
        return;
    }
    const uint64_t now_ms = clock_ms();
    if (line_is_drawn && now_ms - drawn_at_ms < PAUSE_MS) {
        return;
    }
    drawn_at_ms = now_ms;
    clear_line();
    if (total != 0) {
        char bar[BAR_COLUMNS + 1];
        const uint64_t filled = done >= total ? BAR_COLUMNS : done * BAR_COLUMNS / total;
        for (uint64_t i = 0; i < BAR_COLUMNS; i++) {
            bar[i] = i < filled ? '#' : '.';
        }
        bar[BAR_COLUMNS] = '\0';
        fprintf(stderr, "[%s] %3u%% %s", bar, (unsigned)(done >= total ? 100 : done * 100 / total),
                what);
    } else {
        fprintf(stderr, "%s %s", count_text(done).text, what);
    }
    fflush(stderr);
    line_is_drawn = true;
}

void progress_end(void)
{
    clear_line();
    fflush(stderr);
}

static void on_signal(int number)
{
    caught = number;
}

static void catch_signals(int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(numbers[i], &action, NULL);
        }
    }
}

void report_catch_signals(void)
{
    catch_signals((int)SA_RESETHAND); /* the second one ends us at once */
}

void report_catch_all_signals(void)
{
    catch_signals(0);
}

int report_signal(void)
{
    return caught;
}

int report_interrupted(void)
{
    progress_end();
    return EXIT_CODE_INTERRUPTED;
}
