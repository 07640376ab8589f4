/* draw.c: see draw.h.
 */
#include "draw.h"

#include <curses.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../say/texts.h"

static bool has_colour;
static int kept_stderr = -1;

enum { PAIR_RED = 1, PAIR_GREEN, PAIR_YELLOW, PAIR_CYAN };

/* With colours, and without. */
static const struct {
    attr_t weight;
    short pair;
    attr_t plain;
} looks[] = {[LOOK_PLAIN] = {A_NORMAL, 0, A_NORMAL},
             [LOOK_STRONG] = {A_BOLD, 0, A_BOLD},
             [LOOK_DIM] = {A_DIM, 0, A_NORMAL},
             [LOOK_SELECTED] = {A_REVERSE, 0, A_REVERSE},
             [LOOK_TROUBLE] = {A_BOLD, PAIR_RED, A_BOLD},
             [LOOK_READY] = {A_NORMAL, PAIR_GREEN, A_NORMAL},
             [LOOK_LEASED] = {A_NORMAL, PAIR_CYAN, A_NORMAL},
             [LOOK_WAITING] = {A_NORMAL, PAIR_YELLOW, A_NORMAL}};

/* A message on stderr would stand in the middle of the screen. */
static void hush_stderr(void)
{
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (nothing >= 0 && kept_stderr >= 0) {
        dup2(nothing, STDERR_FILENO);
    }
    if (nothing >= 0) {
        close(nothing);
    }
}

bool draw_begin(void)
{
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (screen == NULL) {
        return false;
    }
    hush_stderr();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    set_escdelay(50);
    const char *refused = getenv("NO_COLOR");
    has_colour = has_colors() && (refused == NULL || refused[0] == '\0');
    if (has_colour) {
        start_color();
        use_default_colors();
        init_pair(PAIR_RED, COLOR_RED, -1);
        init_pair(PAIR_GREEN, COLOR_GREEN, -1);
        init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
        init_pair(PAIR_CYAN, COLOR_CYAN, -1);
    }
    return true;
}

void draw_end(void)
{
    endwin();
    if (kept_stderr >= 0) {
        dup2(kept_stderr, STDERR_FILENO);
        close(kept_stderr);
        kept_stderr = -1;
    }
}

int draw_rows(void)
{
    return LINES;
}

int draw_columns(void)
{
    return COLS;
}

void draw_clear(void)
{
    erase();
}

void draw_show(void)
{
    refresh();
}

/* One visible character, or \xNN; false: no room for it. */
static bool put_character(const uint8_t *at, size_t left, int *columns, size_t *taken)
{
    char escaped[8];
    *taken = visible_bytes(at, left);
    const int wide = *taken != 0 ? character_columns(at, *taken) : 4;
    if (wide > *columns) {
        return false;
    }
    *columns -= wide;
    if (*taken == 0) {
        snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned)*at);
        addstr(escaped);
        *taken = 1;
    } else {
        addnstr((const char *)at, (int)*taken);
    }
    return true;
}

void draw_bytes(int row, int column, int columns, look how, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (row < 0 || row >= LINES || column >= COLS) {
        return;
    }
    columns = columns < COLS - column ? columns : COLS - column;
    (void)attr_set(has_colour ? looks[how].weight : looks[how].plain,
                   has_colour ? looks[how].pair : (short)0, NULL);
    move(row, column);
    for (size_t done = 0, taken = 0; done < size; done += taken) {
        if (!put_character(at + done, size - done, &columns, &taken)) {
            break;
        }
    }
    (void)attr_set(A_NORMAL, 0, NULL);
}

void draw_text(int row, int column, int columns, look how, const char *text)
{
    const int room = abs(columns);
    const int used = columns_of(plain_word(text).text);
    const int before = columns < 0 && used < room ? room - used : 0;
    char blanks[512];
    snprintf(blanks, sizeof blanks, "%*s", room < 500 ? room : 500, "");
    draw_bytes(row, column, room, how, blanks, strlen(blanks));
    draw_bytes(row, column + before, room - before, how, text, strlen(text));
}

void draw_row(int row, look how, const char *text)
{
    draw_text(row, 0, COLS, how, text);
}

void draw_strip(int row, int column, int columns, const draw_part *parts, size_t count)
{
    uint64_t whole = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        whole += parts[i].count;
    }
    int cell = 0;
    for (size_t i = 0; i < count && whole != 0; i++) {
        before += parts[i].count;
        int end = (int)(before * (uint64_t)columns / whole);
        if (parts[i].count != 0 && end <= cell && cell < columns) {
            end = cell + 1;
        }
        for (; cell < end && cell < columns; cell++) {
            draw_bytes(row, column + cell, 1, parts[i].how, &parts[i].mark, 1);
        }
    }
}

short_text short_count(uint64_t value)
{
    short_text shown;
    if (value < 100000) {
        snprintf(shown.text, sizeof shown.text, "%.15s", count_text(value).text);
    } else if (value < 1000000) {
        snprintf(shown.text, sizeof shown.text, "%uk", (unsigned)(value / 1000));
    } else {
        snprintf(shown.text, sizeof shown.text, "%.4gM", (double)value / 1e6);
    }
    return shown;
}

short_text short_rate(bool known, double per_s)
{
    short_text shown = {"-"};
    if (known && per_s > 0 && per_s < 100) {
        snprintf(shown.text, sizeof shown.text, "%.1f", per_s);
    } else if (known) {
        return short_count((uint64_t)(per_s + 0.5));
    }
    return shown;
}

short_text short_age(uint64_t ms)
{
    short_text shown;
    const uint64_t s = ms / 1000;
    if (ms < 1000) {
        snprintf(shown.text, sizeof shown.text, "%ums", (unsigned)ms);
    } else if (s < 60) {
        snprintf(shown.text, sizeof shown.text, "%us", (unsigned)s);
    } else if (s < 3600) {
        snprintf(shown.text, sizeof shown.text, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    } else if (s < 86400) {
        snprintf(shown.text, sizeof shown.text, "%uh%02um", (unsigned)(s / 3600),
                 (unsigned)(s / 60 % 60));
    } else {
        const uint64_t days = s / 86400 < 99999 ? s / 86400 : 99999;
        snprintf(shown.text, sizeof shown.text, "%ud%02uh", (unsigned)days,
                 (unsigned)(s / 3600 % 24));
    }
    return shown;
}
